"""What rows hold, how they are read, and which declarations are refused."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backo import (
    Backoffice,
    Collection,
    DBMemoryConnector,
    DefinitionError,
    Dict,
    In,
    Int,
    Item,
    Limits,
    List,
    NotFoundError,
    QueryError,
    RightError,
    Selection,
    StateError,
    Tuple,
    current_user,
)
from backo.context import request_context
from tests.features.lending import BOOK, PERSON, fill, is_employee, lending
from tests.work.stores import Stores, named


def rows_of(stores: Stores, collection: str, *selectors: str) -> dict[str, Any]:
    """Give the rows of a selection by their `_id`; of one selector its value alone."""
    backoffice = lending(stores)
    backoffice.collections[collection].register_selection("asked", Selection(selectors))
    fill(backoffice)
    rows = backoffice.collections[collection].run_selection("asked")
    return {id_: values[0] if len(selectors) == 1 else values for id_, *values in rows}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("$.title", {"b1": "Docker", "b4": None}),
        ("title", {"b1": "Docker"}),
        ("$._id", {"b1": "b1"}),
        ("$.price", {"b1": "12.50", "b2": "9.9"}),
        ("$.label", {"b1": "b1: Docker"}),
        ("$.secret", {"b2": "s", "b1": None}),
        ("$.tags", {"b1": ["x", "y", "z"], "b2": None}),
        ("$.tags[0]", {"b1": "x", "b2": None}),
        ("$.tags[-1]", {"b1": "z"}),
        ("$.tags[7]", {"b1": None}),
        ("$.tags[1:]", {"b1": ["y", "z"], "b2": None}),
        ("$.tags[0:1]", {"b1": ["x"]}),
        ("$.tags.*", {"b1": ["x", "y", "z"], "b2": None}),
        ("$.lines.text", {"b3": ["one", "two"], "b1": None}),
        ("$.lines[-1].text", {"b3": "two", "b1": None}),
        ("$.lines[0:1].number", {"b3": [1]}),
        ("$.lines.*.number", {"b3": [1, None]}),
        ("$.lines", {"b3": [{"text": "one", "number": 1}, {"text": "two", "number": None}]}),
        ("$.place", {"b3": {"room": "east", "shelf": 2, "bought": "2020-02-29"}, "b1": None}),
        ("$.place.bought", {"b3": "2020-02-29", "b1": None}),
        ("$.place.*", {"b3": ["east", 2, "2020-02-29"], "b1": None}),
        ("$.more", {"b3": {"a": [{"b": 7}]}}),
        ("$.more.a[0].b", {"b3": 7, "b1": None}),
        ("$.more.a.b", {"b3": [7]}),
        ("$.more.*", {"b3": [[{"b": 7}]]}),
        ("$.more.a[0:1].c.d[0:1]", {"b3": [None]}),
        ("$.author", {"b1": "ann", "b4": None}),
        ("$.author.name", {"b1": "ann", "b4": None}),
        ("$.author.login", {"b1": None}),
        ("$.author.friend.name", {"b1": "bob", "b3": None, "b4": None}),
        ("$.author.books", {"b1": ["b1", "b2"], "b4": None}),
        ("$.author.books.title", {"b1": ["Docker", "Martine"], "b3": ["Winter"]}),
        ("$.author.books[0].title", {"b1": "Docker"}),
        ("$.author.books[1:].title", {"b1": ["Martine"], "b3": []}),
        ("$.author.books.*.title", {"b1": ["Docker", "Martine"]}),
        ("$.author.books.author.name", {"b1": ["ann", "ann"]}),
        ("$.author.likes.title", {"b1": ["Winter", "Docker"], "b3": [], "b4": None}),
        ("$.author.likes[0:1].author.name", {"b1": ["bob"], "b3": []}),
        ("$.borrow.user.name", {"b2": "lang", "b1": None}),
        ("$.borrow.user.borrowed", {"b2": []}),
        ("$.borrow.user.borrowed.title", {"b2": ["Martine", "Winter"], "b1": None}),
        ("$.borrow.*", {"b2": ["lang", "2024-02-01"]}),
        ("$.author.*", {"b3": ["bob", None, None, [], ["b3"], [], "bob"], "b4": None}),
        ("$.*.name", {"b1": [None, "ann"], "b4": [None, None]}),
    ],
)
def test_values(stores: Stores, selector: str, expected: dict[str, Any]) -> None:
    """A selector reads what the JSON form of an item holds, across links too; null where it leads nowhere."""
    found = rows_of(stores, "books", selector)

    assert {id_: found[id_] for id_ in expected} == expected


def test_rows(stores: Stores) -> None:
    """A row is the `_id`, then the values in the order of the selectors; a selector may be there twice."""
    found = rows_of(stores, "books", "$.title", "$.author.name", "$.title")

    assert found["b1"] == ["Docker", "ann", "Docker"]
    assert rows_of(Stores("memory", stores.folder), "people") == {"ann": [], "bob": [], "lang": [], "wallrich": []}


@contextmanager
def counted_reads(monkeypatch: pytest.MonkeyPatch, backoffice: Backoffice) -> Iterator[Counter[str]]:
    """Count the reads of the stores, by collection and kind."""
    counts: Counter[str] = Counter()
    with monkeypatch.context() as patch:
        for name, collection in backoffice.collections.items():
            for method in ("get", "find", "count", "referrers"):
                patch.setattr(collection.store, method, _counted(counts, f"{name}.{method}", collection, method))
        yield counts


def _counted(counts: Counter[str], what: str, collection: Collection, method: str) -> Callable[..., Any]:
    call = getattr(collection.store, method)

    def counted(*arguments: Any, **options: Any) -> Any:
        counts[what] += 1
        return call(*arguments, **options)

    return counted


def test_reads(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each collection is read once at each step, however many rows and selectors there are."""
    backoffice = lending(stores)
    selectors = ["$.author.name", "$.author.friend.name", "$.borrow.user.name", "$.author.friend.books.title"]
    backoffice.books.register_selection("asked", Selection(selectors))
    fill(backoffice)
    with backoffice.transaction():
        for number in range(100):
            backoffice.people.create({"name": f"p{number}", "friend": f"p{number - 1}" if number else "wallrich"})
            backoffice.books.create({"name": f"c{number}", "author": f"p{number}", "borrow": {"user": f"p{number}"}})

    with counted_reads(monkeypatch, backoffice) as counts:
        rows = list(backoffice.books.run_selection("asked"))

    assert len(rows) == 104
    assert ["c7", "p7", "p6", "p7", [None]] in rows
    # The page; then authors together with readers, their friends with their lists, and the books in these.
    assert counts == {"books.find": 1, "people.get": 2, "books.referrers": 1, "books.get": 1}


def test_reads_of_an_empty_page(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read for nothing."""
    backoffice = lending(stores)
    fill(backoffice)

    with counted_reads(monkeypatch, backoffice) as counts:
        assert list(backoffice.books.run_selection("borrowed", {"title": "Nothing"})) == []

    assert counts == {"books.find": 1}


def test_too_many_items(stores: Stores) -> None:
    """Rows that would name more items than one answer may show are refused, never cut."""
    backoffice = lending(stores)
    backoffice.limits = Limits(fill=3)
    backoffice.people.register_selection("asked", Selection(["$.likes.title", "$.books.title"]))
    fill(backoffice)

    with pytest.raises(QueryError) as refused:
        list(backoffice.people.run_selection("asked"))
    assert refused.value.hint == "ask for a smaller page"
    assert list(backoffice.people.run_selection("asked", limit=0)) == []


def test_in_python(stores: Stores) -> None:
    """A selection gives its rows, narrowed and sorted, as they are in JSON."""
    backoffice = lending(stores)
    fill(backoffice)
    run = backoffice.books.run_selection

    assert list(run("borrowed", {"title": ("$reg", "art")})) == [["b2", "Martine", "Lang"]]
    assert [row[0] for row in run("borrowed", sort="-title", limit=1, transaction_id="x")] == ["b3"]
    assert [row["price"] for row in run("dear")] == ["30", "12.50", "9.9"]
    assert [row["price"] for row in run("dear", sort="name")] == ["12.50", "9.9", "30"]
    assert len(list(run("_all"))) == 4
    with pytest.raises(NotFoundError, match="did you mean 'borrowed'"):
        run("borowed")
    with pytest.raises(TypeError):
        run("borrowed", srot="title")
    with pytest.raises(QueryError):
        run("borrowed", limit=-1)
    for name in ("staff", "closed"):
        with pytest.raises(RightError):
            run(name)


def test_the_right_of_a_selection(stores: Stores) -> None:
    """It is asked with "read" and a new item of the collection."""
    backoffice = lending(stores)
    asked: list[Any] = []

    def is_asked(*given: Any) -> bool:
        asked.append(given)
        return True

    backoffice.books.register_selection("asked", Selection(["$.name"], read=is_asked))
    backoffice.books.register_selection("mine_too", Selection(["$.name"], can_read=is_employee))
    fill(backoffice)

    assert len(list(backoffice.books.run_selection("asked"))) == 4
    [(name, item)] = asked
    assert (name, item._id, item._home) == ("read", None, backoffice.books)
    with request_context():
        current_user.set({"_id": "1", "roles": ["EMPLOYEE"]})
        assert len(list(backoffice.books.run_selection("mine_too"))) == 4


def shop(selection: Selection, name: str = "asked") -> Backoffice:
    """Declare the library in memory, with one selection of its books."""
    backoffice = Backoffice("library")
    for collection, fields in {"books": BOOK, "people": PERSON}.items():
        connector = DBMemoryConnector()
        connector.generate_id = named
        backoffice.register_collection(Collection(collection, Item(fields), connector))
    backoffice.books.register_selection(name, selection)
    return backoffice


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("$.titel", "'$.titel' leads nowhere: there is no 'titel' in 'books' (did you mean 'title'?)"),
        ("$.place.rom", "'$.place.rom' leads nowhere: there is no 'rom' in 'books.place' (did you mean 'room'?)"),
        ("$.author.nam", "'$.author.nam' leads nowhere: there is no 'nam' in 'people' (did you mean 'name'?)"),
        ("$.lines.txt", "'$.lines.txt' leads nowhere: there is no 'txt' in 'books.lines' (did you mean 'text'?)"),
        ("$.title.x", "'$.title.x' leads nowhere: a String has no 'x'"),
        ("$.title[0]", "'$.title[0]' leads nowhere: a String has no [0]"),
        ("$.title.*", "'$.title.*' leads nowhere: a String has no *"),
        ("$.tags[0].x", "'$.tags[0].x' leads nowhere: a String has no 'x'"),
        ("$.tags[0][1:2]", "'$.tags[0][1:2]' leads nowhere: a String has no [1:2]"),
        ("$.place[0]", "'$.place[0]' leads nowhere: [0] is for lists"),
        ("$.author[0]", "'$.author[0]' leads nowhere: [0] is for lists"),
        ("$.author.books[0][1]", "'$.author.books[0][1]' leads nowhere: [1] is for lists"),
        ("$.author.books[0:1].author.x", "'$.author.books[0:1].author.x' leads nowhere: there is no 'x' in 'people'"),
        ("$[0]", "'$[0]' leads nowhere: [0] is for lists"),
        ("$.place.*.x", "'$.place.*.x' leads nowhere: a Date has no 'x'"),
        ("$", "'$' names no field (write Selection(None) for whole items)"),
    ],
)
def test_selectors_that_lead_nowhere(selector: str, message: str) -> None:
    """They are refused at assembly, with the selection and the nearest name."""
    with pytest.raises(DefinitionError) as refused:
        shop(Selection([selector])).assemble()

    assert str(refused.value) == f"books: the selection 'asked': {message}"


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (lambda: Selection(filter={"titel": 1}), "its filter makes no sense: $.titel: There is no such field"),
        (lambda: Selection(filter={"title": ("$gtt", 1)}), "its filter makes no sense: $.title: There is no operator"),
        (lambda: Selection(sort="titel"), "the query makes no sense here: $.titel: There is no such field"),
        (lambda: Selection(sort=["-"]), "the query makes no sense here: $: A key of a sort names a field"),
    ],
)
def test_what_assembly_refuses(selection: Callable[[], Selection], message: str) -> None:
    """A filter and an order are checked too."""
    with pytest.raises(DefinitionError) as refused:
        shop(selection()).assemble()

    assert str(refused.value).startswith(f"books: the selection 'asked': {message}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"selectors": "$.title"}, "Selection takes a list of selectors, not '$.title' (write ['$.name'], or None"),
        ({"selectors": 1}, "Selection takes a list of selectors, not 1"),
        ({"selectors": ["$.a b"]}, "Selection: '$.a b' is not a selector"),
        ({"selectors": [None]}, "Selection: a selector is text"),
        ({"filter": "borrowed"}, "Selection: filter must be a function, not 'borrowed'"),
        ({"can_read": "yes"}, "Selection: can_read must be a function, not 'yes'"),
        ({"description": 1}, "Selection: description must be text, not 1"),
        ({"can_red": True}, "Selection has no option 'can_red' (did you mean 'can_read'?)"),
        ({"can_read": True, "read": True}, "Selection: the option 'can_read' is given twice"),
    ],
)
def test_wrong_declarations(options: dict[str, Any], message: str) -> None:
    """They are refused where they are written."""
    with pytest.raises(DefinitionError) as refused:
        Selection(**options)

    assert str(refused.value).startswith(message)


def test_registering() -> None:
    """Names are identifiers, each is given once, and only before assembly."""
    backoffice = shop(Selection())
    names: list[Any] = ["asked", "_all", "_mine", "a-b", "", None]
    no_selection: Any = ["$.title"]
    for name in names:
        with pytest.raises(DefinitionError):
            backoffice.books.register_selection(name, Selection())
    with pytest.raises(DefinitionError, match="must be a Selection"):
        backoffice.books.register_selection("other", no_selection)
    backoffice.assemble()
    with pytest.raises(StateError, match="cannot be registered once"):
        backoffice.books.register_selection("other", Selection())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda user: None, "the filter function gave None, which is no filter (give a dict; {} for all items)"),
        (lambda: {"titel": 1}, "its filter makes no sense: $.titel"),
    ],
)
def test_filter_functions_that_give_no_filter(given: Callable[..., Any], message: str) -> None:
    """They are a mistake of the declaration, never of who asks; and what gives no filter selects nothing."""
    backoffice = shop(Selection(filter=given))

    with pytest.raises(DefinitionError) as refused:
        backoffice.books.run_selection("asked")
    assert message in str(refused.value)


def test_a_filter_function_that_fails() -> None:
    """Its error says which selection it belongs to."""
    backoffice = shop(Selection(filter=lambda: {"title": 1 // 0}))

    with pytest.raises(ZeroDivisionError) as failed:
        backoffice.books.run_selection("asked")
    assert failed.value.__notes__ == ["in the filter of the selection 'asked' of 'books'"]


def test_rows_belong_to_who_asked() -> None:
    """What is done to a row changes nothing that is stored."""
    backoffice = shop(Selection(["$.tags", "$.more"]))
    backoffice.books.create({"name": "b", "tags": ["x"], "more": {"a": []}})
    for _ in range(2):
        [row] = backoffice.books.run_selection("asked")
        assert row == ["b", ["x"], {"a": []}]
        row[1].append("y")
        row[2]["a"].append("y")


def test_one_selection_of_two_collections() -> None:
    """Each compiles it for itself."""
    selection = Selection(["$.name"], desc="Names.")
    backoffice = shop(selection)
    backoffice.people.register_selection("asked", selection)
    backoffice.people.create({"name": "p"})

    assert list(backoffice.people.run_selection("asked")) == [["p", "p"]]
    assert list(backoffice.books.run_selection("asked")) == []
    assert backoffice.people.selections["asked"].description == "Names."


def things() -> Collection:
    """Declare items whose values know their form themselves."""
    fields = {
        "pair": Tuple((Int(), Dict({"x": Int()}))),
        "either": In([Int(), Dict({"y": Int()}), List(Int())]),
        "grid": List(List(Int())),
    }
    return Backoffice("b").register_collection(Collection("things", Item(fields), DBMemoryConnector()))


def test_tuples_and_alternatives() -> None:
    """Selectors lead into values whose form only each value knows, as far as their types allow it."""
    home = things()
    selectors = ["$.pair[1].x", "$.pair.*", "$.either.y", "$.either[0]", "$.grid[1][0]", "$.grid.*[0]", "$.grid[0:1]"]
    home.register_selection("asked", Selection(selectors))
    home.create({"pair": [1, {"x": 2}], "either": {"y": 3}, "grid": [[4, 5], [6]]})
    home.create({"either": [7]})

    first, second = (row[1:] for row in home.run_selection("asked"))
    assert first == [2, [1, {"x": 2}], 3, None, 6, [4, 6], [[4, 5]]]
    assert second == [None, None, [None], 7, None, None, None]


@pytest.mark.parametrize("selector", ["$.pair[2]", "$.pair[0].x", "$.either.z", "$.grid[0].x", "$.grid[0][0][0]"])
def test_where_no_value_can_lead(selector: str) -> None:
    """What no value of a type can have is refused."""
    home = things()
    home.register_selection("asked", Selection([selector]))

    with pytest.raises(DefinitionError, match="leads nowhere"):
        home.application.assemble()
