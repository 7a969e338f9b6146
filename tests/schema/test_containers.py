from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from backo import Date, Datetime, Decimal, DefinitionError, Dict, Field, Float, FreeDict, In, Int, List, String, Tuple
from backo.schema.problems import MAX_PROBLEMS, Refusal


class Odd(Mapping[Any, Any]):
    """A mapping that is no dict."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values_ = values

    def __getitem__(self, key: Any) -> Any:
        return self.values_[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def refused(field: Field, value: Any) -> set[tuple[str, str]]:
    """Give path and code of everything that is wrong."""
    with pytest.raises(Refusal) as refusal:
        field.compiled()(value)
    return {(problem.path, problem.code) for problem in refusal.value.problems()}


GROUP = Dict({"a": Int(), "b": Dict({"c": String(max_length=2), "d": Date()})})


def test_a_group_takes_objects() -> None:
    """Absent keys are None; a group in which nothing is set is unset."""
    check = GROUP.compiled()

    assert check({"a": 1}) == {"a": 1, "b": None}
    assert check(Odd({"b": OrderedDict(c="x")})) == {"a": None, "b": {"c": "x", "d": None}}
    assert check({}) is None
    assert check({"a": None, "b": {"c": None}}) is None


def test_everything_wrong_in_a_group_is_told() -> None:
    """Each problem has its path; an unknown name has a hint."""
    assert refused(GROUP, {"a": "x", "b": {"c": "abc", "dd": 1}}) == {
        ("$.a", "type"),
        ("$.b.c", "max_length"),
        ("$.b.dd", "unknown"),
    }
    assert refused(GROUP, 5) == {("$", "type")}
    assert refused(GROUP, [("a", 1)]) == {("$", "type")}
    assert refused(GROUP, {1: 2, None: 3}) == {("$.<int>", "unknown"), ("$.<NoneType>", "unknown")}


def test_problems_are_bounded() -> None:
    """A client that sends nonsense by the megabyte gets a short answer, soon."""
    wide = {f"x{number}": number for number in range(100_000)}

    assert len(refused(GROUP, wide)) == MAX_PROBLEMS
    assert len(refused(List(Int()), ["x"] * 100_000)) == MAX_PROBLEMS
    assert len(refused(FreeDict(), {"a": [2**70] * 100_000})) == MAX_PROBLEMS
    assert len(refused(FreeDict(), dict.fromkeys(wide, 2**70))) == MAX_PROBLEMS
    assert all(len(path) < 200 for path, _ in refused(GROUP, {"k" * 100_000: 1}))


def test_lists() -> None:
    """A list takes lists and tuples; elements are converted, and are never null."""
    check = List(Date()).compiled()

    assert check(["2024-01-31"]) == [date(2024, 1, 31)]
    assert check((date(2024, 1, 31),)) == [date(2024, 1, 31)]
    assert check([]) == []
    assert refused(List(Date()), ["2024-01-31", None, 5]) == {("$[1]", "null"), ("$[2]", "type")}
    for other in ("ab", {"a": 1}, {1, 2}, 5):
        assert refused(List(String()), other) == {("$", "type")}


def test_lists_of_groups() -> None:
    """An element in which nothing is set is one all the same."""
    field = List(Dict({"a": Int(), "b": List(Int())}))
    check = field.compiled()

    value = check([{"a": 1}, {}])

    assert value == [{"a": 1, "b": None}, {"a": None, "b": None}]
    assert check(value) == value
    assert field.from_json(field.to_json(value)) == value
    assert refused(field, [{"a": "x"}, {"b": [1, "y"]}, {"c": 1}]) == {
        ("$[0].a", "type"),
        ("$[1].b[1]", "type"),
        ("$[2].c", "unknown"),
    }


def test_bounds_of_lists() -> None:
    """A number of elements, and each once, compared by value."""
    assert refused(List(Int(), min=1), []) == {("$", "min")}
    assert refused(List(Int(), max=1), [1, 2]) == {("$", "max")}
    assert refused(List(Float(), uniq=True), [1, 2, 1.0]) == {("$[2]", "uniq")}
    assert refused(List(Dict({"a": Int()}), uniq=True), [{"a": 1}, {"a": 1}]) == {("$[1]", "uniq")}
    assert List(FreeDict(), uniq=True).compiled()([{"a": 1}, {"a": True}]) == [{"a": 1}, {"a": True}]
    assert List(FreeDict(), uniq=True).compiled()([{"a": 1e300}, {"a": 1e299}]) == [{"a": 1e300}, {"a": 1e299}]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        pytest.param(Decimal(), ["1", "2", "1.0"], id="decimals"),
        pytest.param(Datetime(), ["2024-01-31T12:00:00Z", "2024-02-01T12:00:00Z", "2024-01-31T12:00:00"], id="times"),
    ],
)
def test_each_once_as_filters_compare(element: Field, value: list[str]) -> None:
    """Equal values are found however they are written: as numbers, and as moments of UTC."""
    assert refused(List(element, uniq=True), value) == {("$[2]", "uniq")}


def test_tuples() -> None:
    """As many values as types, each of its own; a list in JSON."""
    field = Tuple((Int(), Dict({"a": String(required=True)})))
    check = field.compiled()

    value = check([1, {"a": "x"}])

    assert value == (1, {"a": "x"})
    assert field.to_json(value) == [1, {"a": "x"}]
    assert refused(field, [1]) == {("$", "length")}
    assert refused(field, ["x", {}]) == {("$[0]", "type")} | {("$[1].a", "required")}
    assert refused(field, [None, {"a": "x"}]) == {("$[0]", "null")}
    assert refused(field, "ab") == {("$", "type")}


def test_in_takes_the_first_type_that_accepts() -> None:
    """Order counts; when none accepts, all say why."""
    assert In([Int(), String()]).compiled()(5) == 5
    assert repr(In([Float(), Int()]).compiled()(5)) == "5.0"
    assert In([Int(max=3), String(pattern="^a")]).compiled()("a") == "a"
    with pytest.raises(Refusal) as refusal:
        In([Int(max=3), String(pattern="^a"), Int(min=5)]).compiled()(4)
    assert refusal.value.findings[0].message == "Must be at most 3 or Must be a string or Must be at least 5"


def test_in_reads_what_it_writes() -> None:
    """What is stored is JSON, so what an earlier type reads there is what is kept at once."""
    field = In([String(), Date()])

    assert field.compiled()(date(2024, 1, 31)) == "2024-01-31"
    assert In([Date(), String()]).compiled()("2024-01-31") == date(2024, 1, 31)


def test_in_tells_groups_apart_by_what_they_require() -> None:
    """Inside a value that is taken whole, `required` counts at once."""
    cat = Dict({"name": String(required=True), "paws": Int(required=True)})
    dog = Dict({"name": String(required=True), "kennel": List(Dict({"size": Int(required=True)}))})
    field = In([cat, dog])
    check = field.compiled()

    assert check({"name": "a", "paws": 4}) == {"name": "a", "paws": 4}
    assert check({"name": "b", "kennel": [{"size": 3}]}) == {"name": "b", "kennel": [{"size": 3}]}
    for wrong in ({"paws": 4}, {"name": "b", "kennel": [{}]}, {}):
        with pytest.raises(Refusal):
            check(wrong)
    with pytest.raises(ValueError, match="Must be an object"):
        field.from_json(5)


def test_in_reads_query_strings() -> None:
    """The first type that can read the text does."""
    field = In([Int(), Date()])

    assert field.from_text("12") == 12
    assert field.from_text("2024-01-31") == "2024-01-31"
    with pytest.raises(Refusal):
        field.from_text("x")


def nested(levels: int) -> Any:
    """Nest lists in one another."""
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_free_objects() -> None:
    """Any JSON value fits; text, numbers and depth have the limits of all stores."""
    field = FreeDict()
    check = field.compiled()
    given: dict[str, Any] = {"a": [1, 1.0, True, None, "é", {"": {}}], "b": (1, 2)}

    value = check(given)

    assert repr(value) == "{'a': [1, 1.0, True, None, 'é', {'': {}}], 'b': [1, 2]}"
    value["a"][5]["x"] = 1
    assert given["a"][5] == {"": {}}
    assert check({}) == {}
    assert check({"a": nested(63)})
    assert refused(field, {"a": nested(64)}) == {("$.a" + "[0]" * 63, "depth")}
    assert refused(field, {"a": nested(100_000)}) == {("$.a" + "[0]" * 63, "depth")}
    assert refused(
        field,
        {
            "nul": "\0",
            "half": ["\ud800"],
            "big": 2**63,
            "nan": float("nan"),
            "inf": {"x": float("inf")},
            "object": object(),
            "bytes": b"a",
            "set": {1},
            5: 1,
            "k\0": 1,
        },
    ) == {
        ("$.nul", "text"),
        ("$.half[0]", "text"),
        ("$.big", "range"),
        ("$.nan", "finite"),
        ("$.inf.x", "finite"),
        ("$.object", "type"),
        ("$.bytes", "type"),
        ("$.set", "type"),
        ("$.<int>", "type"),
        ("$.k\0", "text"),
    }
    others: tuple[Any, ...] = ([], "a", 5)
    for other in others:
        assert refused(field, other) == {("$", "type")}


def test_a_free_object_that_holds_itself() -> None:
    """It is too deep, whatever it is."""
    circle: dict[str, Any] = {}
    circle["a"] = circle

    assert {code for _, code in refused(FreeDict(), circle)} == {"depth"}


@pytest.mark.parametrize(
    ("declare", "problem"),
    [
        (lambda: Dict([("a", Int())]), "Dict takes a dict of fields"),  # type: ignore[arg-type]  # on purpose
        (lambda: Dict({"a": 5}), "'a' must be a field such as String"),  # type: ignore[dict-item]  # on purpose
        (lambda: Dict({"a": Int}), "'a' must be a field such as String"),  # type: ignore[dict-item]  # on purpose
        (lambda: Dict({"a b": Int()}), "a field cannot be called 'a b'"),
        (lambda: Dict({"_a": Int()}), "a field cannot be called '_a'"),
        (lambda: Dict({"": Int()}), "a field cannot be called ''"),
        (lambda: Dict({"1a": Int()}), "a field cannot be called '1a'"),
        (lambda: Dict({"a.b": Int()}), "a field cannot be called 'a.b'"),
        (lambda: Dict({"℘": Int()}), "a field cannot be called '℘'"),
        (lambda: Dict({"ﬁ": Int()}), "a field cannot be called 'ﬁ'"),
        (lambda: Dict({5: Int()}), "a field cannot be called 5"),  # type: ignore[dict-item]  # on purpose
        (lambda: Dict({"a": Int()}, default={"b": 1}), "default .* does not fit"),
        (lambda: List(Int), "List takes a field"),  # type: ignore[arg-type]  # on purpose
        (lambda: List([Int()]), "List takes a field"),  # type: ignore[arg-type]  # on purpose
        (lambda: List(Int(), min=-1), "min must be a whole number"),
        (lambda: List(Int(), min=2, max=1), "min 2 is above max 1"),
        (lambda: List(Int(), uniq=1), "uniq must be True or False"),  # type: ignore[arg-type]  # on purpose
        (lambda: List(Int(), default=["a"]), "default .* does not fit"),
        (lambda: List(Int(), default=[], min=1), "default .* does not fit"),
        (lambda: Tuple(Int()), "Tuple takes a sequence of fields"),  # type: ignore[arg-type]  # on purpose
        (lambda: Tuple(()), "Tuple takes a sequence of fields"),
        (lambda: Tuple((Int(), 5)), "Tuple takes a sequence of fields"),  # type: ignore[arg-type]  # on purpose
        (lambda: Tuple({"a": Int()}), "Tuple takes a sequence of fields"),  # type: ignore[dict-item]  # on purpose
        (lambda: In(Int()), "In takes a sequence of fields"),  # type: ignore[arg-type]  # on purpose
        (lambda: In([]), "In takes a sequence of fields"),
        (lambda: In("ab"), "In takes a sequence of fields"),  # type: ignore[arg-type]  # on purpose
        (lambda: FreeDict(default=[]), "default .* does not fit"),
    ],
)
def test_a_declaration_that_makes_no_sense(declare: Any, problem: str) -> None:
    """It fails at once, naming type and option."""
    with pytest.raises(DefinitionError, match=problem):
        declare()


def test_a_list_needs_the_type_of_its_elements() -> None:
    """The hint shows how it is written."""
    with pytest.raises(DefinitionError, match="List takes a field") as error:
        List()

    assert error.value.hint == "write it as List(String())"


def test_a_name_that_python_reads_otherwise() -> None:
    """The hint says under which name an attribute would be looked for."""
    with pytest.raises(DefinitionError) as error:
        Dict({"ﬁn": Int()})

    assert error.value.hint == "Python reads item.ﬁn as item.fin, so call it 'fin'"


def test_names_of_the_world() -> None:
    """Any identifier is a name, and keywords can be read as item["class"]."""
    assert list(Dict({"prénom": Int(), "名前": Int(), "class": Int(), "items": Int()}).fields)
