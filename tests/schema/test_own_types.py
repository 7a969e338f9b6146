"""A type of one's own is a subclass with two functions (SPEC 1.2)."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest

from backo import Date, DefinitionError, Dict, Field, Int, List, String, Uuid
from backo.schema.kinds import Kind
from backo.schema.problems import Refusal
from tests.schema.values import Point, PointField, Shout


def refused(field: Field, value: Any) -> list[tuple[str, str]]:
    """Give code and text of what is wrong."""
    with pytest.raises(Refusal) as refusal:
        field.compiled()(value)
    return [(one.code, one.message) for one in refusal.value.findings]


class Cents(Field):
    """Whole cents in Python, text in JSON."""

    kind = Kind.TEXT

    def to_json(self, value: int) -> str:
        """Write euros."""
        return f"{value // 100}.{value % 100:02d}"

    def from_json(self, json: Any) -> int:
        """Read euros."""
        euros, cents = json.split(".")
        return int(euros) * 100 + int(cents)


class Level(Int):
    """A whole number with a face."""

    def to_json(self, value: str) -> int:
        """Count."""
        return len(value)

    def from_json(self, json: int) -> str:
        """Draw."""
        return "*" * json


class Whisper(Shout):
    """A refinement of a refinement."""

    def from_json(self, json: Any) -> str:
        """Make it quiet."""
        return str(json).lower()


Pair = namedtuple("Pair", "x y")  # noqa: PYI024  # it is a tuple of no type


class PairField(Field):
    """An object in JSON, a tuple in Python."""

    def to_json(self, value: Pair) -> Any:
        """Write an object."""
        return {"x": value.x, "y": value.y}

    def from_json(self, json: Any) -> Pair:
        """Read an object."""
        return Pair(json["x"], json["y"])


def test_it_takes_values_and_their_json_form() -> None:
    """What is given is JSON, or else a value."""
    check = PointField().compiled()

    assert check([1, 2]) == Point(1, 2)
    assert check(Point(1, 2)) == Point(1, 2)
    assert List(PointField()).compiled()([[1, 2], Point(3, 4)]) == [Point(1, 2), Point(3, 4)]
    assert Dict({"p": PointField()}).compiled()({"p": [1, 2]}) == {"p": Point(1, 2)}
    assert PairField().compiled()(Pair(1, 2)) == Pair(1, 2)
    assert PairField().compiled()({"x": 1, "y": 2}) == Pair(1, 2)


def test_what_its_functions_refuse() -> None:
    """The text of a `ValueError` is told; any other failure on a value is the value's."""
    assert refused(PointField(), ["a", 2]) == [("type", "Must be two whole numbers")]
    assert refused(PointField(), 5) == [("type", "Must be a PointField")]
    assert refused(PairField(), {"x": 1}) == [("type", "Must be a PairField")]
    assert refused(PointField(), object()) == [("type", "Must be a JSON value")]
    assert refused(PointField(), [2**70, 1]) == [("range", "Must be an integer of 64 bits")]
    assert refused(Cents(), "x") == [("type", "not enough values to unpack (expected 2, got 1)")]
    assert refused(Cents(), "1.\0") == [("text", "Must not contain a NUL character")]


def test_values_that_are_json_values_too() -> None:
    """They are told apart where the functions can tell; a value is not read twice."""
    check = Cents().compiled()

    assert check("12.34") == 1234
    assert check(1234) == 1234
    assert check(check("12.34")) == 1234


def test_values_that_cannot_be_told_from_json() -> None:
    """A type that would read its own values as something else says so, instead of corrupting them."""

    class Double(Int):
        def to_json(self, value: int) -> int:
            return value // 2

        def from_json(self, json: int) -> int:
            return json * 2

    assert Double().compiled()(0) == 0
    with pytest.raises(DefinitionError, match="Double: from_json makes 10 of 5, and 20 of that") as error:
        Double().compiled()(5)
    assert error.value.hint == "define convert(), which tells values from their JSON form"


def test_a_type_with_convert_tells_them_apart() -> None:
    """`convert` is the third function, for who needs it."""

    class Double(Int):
        native = False

        def to_json(self, value: int) -> int:
            return value // 2

        def from_json(self, json: int) -> int:
            return json * 2

        def convert(self, value: Any) -> int:
            return super().convert(value)

    assert Double(max=5).compiled()(5) == 5


def test_it_may_refine_one_of_ours() -> None:
    """The type of ours checks the JSON form, and its options hold there."""
    field = Shout(max_length=5, pattern="^H", enum=["hi", "ho"])
    check = field.compiled()

    assert check("hi") == "HI"
    assert check("HO") == "HO"
    assert field.allowed == ("HI", "HO")
    assert refused(field, "HELLO!") == [
        ("max_length", "Must have at most 5 characters"),
        ("enum", "Must be one of 'HI', 'HO'"),
    ]
    assert refused(field, 5) == [("type", "Must be a string")]
    assert refused(field, "h\0") == [("text", "Must not contain a NUL character")]
    assert (field.kind, field.native) == (Kind.TEXT, False)
    assert field.operand("hi") == "HI"


def test_bounds_of_a_refined_number() -> None:
    """They are bounds of the number in JSON."""
    field = Level(min=1, max=3, default=2)
    check = field.compiled()

    assert check(2) == "**"
    assert check("***") == "***"
    assert refused(field, 4) == [("max", "Must be at most 3")]
    assert refused(field, 1.5) == [("type", "Must be an integer")]
    assert field.operand("**") == 2


def test_a_refinement_may_be_refined() -> None:
    """Each says only what it adds."""
    assert Whisper(max_length=3).compiled()("ABC") == "abc"
    assert refused(Whisper(max_length=3), "ABCD") == [("max_length", "Must have at most 3 characters")]


def test_a_type_with_more_rules_keeps_the_others() -> None:
    """A subclass that adds a rule, not a form, is checked by all."""

    class Even(Int):
        def rules(self) -> list[Any]:
            return [*super().rules(), self._check_even]

        def _check_even(self, value: int) -> None:
            if value % 2:
                raise Refusal.of("even", "Must be even")

    assert Even(max=4).compiled()(4) == 4
    assert refused(Even(max=4), 5) == [("max", "Must be at most 4"), ("even", "Must be even")]


def test_a_unique_text_is_not_endless() -> None:
    """Whatever its type, what is indexed has at most 500 characters in JSON."""

    class Name(Field):
        def to_json(self, value: tuple[str, ...]) -> str:
            return "/".join(value)

        def from_json(self, json: Any) -> tuple[str, ...]:
            return tuple(json.split("/"))

    assert Name(unique=True).compiled()("a/b") == ("a", "b")
    assert refused(Name(unique=True), "a" * 501) == [("max_length", "Must have at most 500 characters")]


@pytest.mark.parametrize("base", [Dict, List])
def test_a_container_keeps_its_form(base: type[Field]) -> None:
    """What has fields inside cannot be written in another way: everything asks those fields."""
    with pytest.raises(DefinitionError, match="cannot be a") as error:
        type("Own", (base,), {"from_json": lambda self, json: json})

    assert error.value.hint == "make it a subclass of Field"


def test_types_of_ours_are_no_types_of_ones_own() -> None:
    """They tell values from JSON themselves."""
    assert [kind.refines for kind in (Field, String, Date, Uuid, Dict)] == [None] * 5
    assert PointField.refines is Field
    assert Whisper.refines is String
