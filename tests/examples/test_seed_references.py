"""The chapters of the document on references.

They are "Cardinalities", "RefsList", "Options", "Deletion strategies (ods)" and "Relationship example: Books and
Authors"; the chapter "Ref and RefsList" only refers to the first.
"""

from typing import Any

import pytest

from backo import (
    Backoffice,
    ConflictError,
    DefinitionError,
    DeleteStrategy,
    FillStrategy,
    Item,
    NotFoundError,
    Ref,
    RefsList,
    String,
    ValidationError,
)
from tests.work.stores import Stores, audit

UNLINK = DeleteStrategy.UNLINK_REFERENCED_ITEMS


def pair(stores: Stores, a: Ref | RefsList, b: Ref | RefsList) -> Backoffice:
    """Declare an item A and an item B that refer to one another, and store two of each; ids are names."""
    items = {"as_": {"name": String(), "b": a}, "bs": {"name": String(), "a": b}}
    backoffice = stores.backoffice({name: Item(fields) for name, fields in items.items()})
    for name in ("b1", "b2"):
        backoffice.bs.create({"name": name})
    return backoffice


def value(backoffice: Backoffice, address: str) -> Any:
    """Read a field afresh: `"bs.b1.a"`."""
    collection, id_, field = address.split(".")
    return backoffice.collections[collection].get_by_id(id_)[field]


def test_cardinalities_ref_and_ref(stores: Stores) -> None:
    """Chapter "Cardinalities": Ref and Ref are "0 or One to one"."""
    backoffice = pair(stores, Ref(coll="bs", field="$.a"), Ref(coll="as_", field="$.b"))
    backoffice.as_.create({"name": "a1", "b": "b1"})
    assert (value(backoffice, "bs.b1.a"), value(backoffice, "bs.b2.a")) == ("a1", None)

    backoffice.as_.create({"name": "a2", "b": "b1"})

    assert (value(backoffice, "as_.a1.b"), value(backoffice, "bs.b1.a")) == (None, "a2")


@pytest.mark.parametrize("required", [False, True])
def test_cardinalities_ref_and_refslist(stores: Stores, *, required: bool) -> None:
    """Chapter "Cardinalities": Ref and RefsList are "0 or One to many", with `require=True` "One to many"."""
    backoffice = pair(stores, Ref(coll="bs", field="$.a", require=required), RefsList(coll="as_", field="$.b"))
    for name in ("a1", "a2"):
        backoffice.as_.create({"name": name, "b": "b1"})

    assert (value(backoffice, "bs.b1.a"), value(backoffice, "bs.b2.a")) == (["a1", "a2"], [])
    if required:
        with pytest.raises(ValidationError) as refused:
            backoffice.as_.create({"name": "a3"})
        assert [problem.path for problem in refused.value.problems] == ["$.b"]
    else:
        assert backoffice.as_.create({"name": "a3"})["b"] is None


def test_cardinalities_refslist_and_refslist(stores: Stores) -> None:
    """Chapter "Cardinalities": RefsList and RefsList are "Many to many"."""
    a = RefsList(coll="bs", field="$.a", ods=UNLINK)
    backoffice = pair(stores, a, RefsList(coll="as_", field="$.b"))
    backoffice.as_.create({"name": "a1", "b": ["b1", "b2"]})
    backoffice.as_.create({"name": "a2", "b": ["b2"]})

    assert (value(backoffice, "bs.b1.a"), value(backoffice, "bs.b2.a")) == (["a1"], ["a1", "a2"])
    assert (value(backoffice, "as_.a1.b"), value(backoffice, "as_.a2.b")) == (["b1", "b2"], ["b2"])


@pytest.mark.parametrize(
    ("options", "shown"), [({}, ["a1"]), ({"ofs": FillStrategy.FILL}, ["a1"]), ({"ofs": FillStrategy.NOT_FILL}, [])]
)
def test_refslist_on_fill_strategy(stores: Stores, options: Any, shown: list[str]) -> None:
    """Chapter "RefsList": the value is filled by default; with NOT_FILL there is just the reference."""
    backoffice = pair(stores, Ref(coll="bs", field="$.a"), RefsList(coll="as_", field="$.b", **options))
    backoffice.as_.create({"name": "a1", "b": "b1"})

    assert value(backoffice, "bs.b1.a") == shown
    assert [one.name for one in value(backoffice, "bs.b1.a").items()] == ["a1"]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, None),
        ({"ods": DeleteStrategy.MUST_BE_EMPTY}, None),
        ({"ods": DeleteStrategy.DELETE_REFERENCED_ITEMS}, []),
        ({"ods": DeleteStrategy.UNLINK_REFERENCED_ITEMS}, [("a1", None), ("a2", None)]),
    ],
    ids=["default", "must-be-empty", "delete", "unlink"],
)
def test_deletion_strategies(stores: Stores, options: Any, left: Any) -> None:
    """Chapter "Deletion strategies (ods)": drop only if empty (by default), drop all, or lose the references."""
    backoffice = pair(stores, Ref(coll="bs", field="$.a"), RefsList(coll="as_", field="$.b", **options))
    for name in ("a1", "a2"):
        backoffice.as_.create({"name": name, "b": "b1"})
    b1 = backoffice.bs.get_by_id("b1")

    if left is None:
        with pytest.raises(ConflictError):
            b1.delete()
        left = [("a1", "b1"), ("a2", "b1")]
    else:
        b1.delete()
        with pytest.raises(NotFoundError):
            backoffice.bs.get_by_id("b1")
    assert [(one["name"], one["b"]) for one in backoffice.as_.select()] == left
    backoffice.bs.get_by_id("b2").delete()  # nothing refers to it
    assert audit(backoffice) == []


def test_deletion_strategies_many_to_many(stores: Stores) -> None:
    """Chapter "Deletion strategies (ods)": UNLINK keeps what is referred to, and cleans up its links."""
    backoffice = pair(
        stores, RefsList(coll="bs", field="$.a", ods=UNLINK), RefsList(coll="as_", field="$.b", ods=UNLINK)
    )
    for name in ("a1", "a2"):
        backoffice.as_.create({"name": name, "b": ["b1", "b2"]})

    backoffice.as_.get_by_id("a1").delete()

    assert (value(backoffice, "bs.b1.a"), value(backoffice, "bs.b2.a")) == (["a2"], ["a2"])


def test_deletion_strategies_cascade(stores: Stores) -> None:
    """Chapter "Deletion strategies (ods)": DELETE goes down all levels, as the warning says."""
    down = DeleteStrategy.DELETE_REFERENCED_ITEMS
    folder = {
        "name": String(),
        "parent": Ref(coll="folders", field="$.inner"),
        "inner": RefsList(coll="folders", field="$.parent", ods=down),
    }
    backoffice = stores.backoffice({"folders": Item(folder)})
    for name, parent in {"top": None, "middle": "top", "bottom": "middle", "other": None}.items():
        backoffice.folders.create({"name": name, "parent": parent})

    backoffice.folders.get_by_id("top").delete()

    assert [one["name"] for one in backoffice.folders.select()] == ["other"]


def test_options_of_ref(stores: Stores) -> None:
    """Chapter "Options": where a Ref points, its reverse field, and all that a String may have."""
    a = Ref(
        coll="bs",
        field="$.a",
        ods=DeleteStrategy.MUST_BE_EMPTY,
        ofs=FillStrategy.FILL,
        description="where it belongs",
        pattern="^b",
        default="b1",
    )
    backoffice = pair(stores, a, RefsList(coll="as_", field="$.b", ods=UNLINK))
    made: Any = backoffice.as_.create({"name": "a1"})

    assert (made.b, made.b.item.name) == ("b1", "b1")
    assert value(backoffice, "bs.b1.a") == ["a1"]
    with pytest.raises(ValidationError) as refused:
        backoffice.as_.create({"name": "a2", "b": "c1"})
    assert [(problem.path, problem.code) for problem in refused.value.problems] == [("$.b", "pattern")]


@pytest.mark.parametrize(
    "fields",
    [{"b": Ref(coll="nowhere")}, {"b": Ref(coll="bs", field="$.nothing")}, {"b": Ref(coll="bs", field="$.name")}],
    ids=["coll", "field", "no-reverse"],
)
def test_options_of_ref_that_lead_nowhere(stores: Stores, fields: Any) -> None:
    """Chapter "Options": `coll` and `field` name what there is; without `coll` there is no Ref."""
    with pytest.raises(DefinitionError):
        stores.backoffice({"as_": Item({"name": String(), **fields}), "bs": Item({"name": String()})})
    with pytest.raises(DefinitionError, match="needs coll="):
        Ref()


def test_books_and_authors_one_author(stores: Stores) -> None:
    """Chapter "Relationship example: Books and Authors": an author writes 0 or many books, a book has 1 author.

    The text says so; the code, tested below, gives a book several authors.
    """
    # Authors write books
    an_author = Item(
        {
            "name": String(),
            # An author may have written 0 or many books
            "books": RefsList(coll="books", field="$.author"),
        }
    )
    a_book = Item({"name": String(), "author": Ref(coll="authors", field="$.books", required=True)})
    backoffice = stores.backoffice({"authors": an_author, "books": a_book})
    for name in ("lang", "stein"):
        backoffice.authors.create({"name": name})
    for name in ("docker", "winter"):
        backoffice.books.create({"name": name, "author": "lang"})

    assert value(backoffice, "authors.lang.books") == ["docker", "winter"]
    assert value(backoffice, "authors.stein.books") == []
    with pytest.raises(ValidationError, match="author"):
        backoffice.books.create({"name": "nobody's"})
    with pytest.raises(ConflictError):
        backoffice.authors.get_by_id("lang").delete()
    backoffice.authors.get_by_id("stein").delete()


def test_books_and_authors_example(stores: Stores) -> None:
    """Chapter "Relationship example: Books and Authors": the code, in which a book may have 1 or more authors.

    Mended: `author =` inside the dict.
    """
    # Authors write books
    an_author = Item(
        {
            "name": String(),
            # An author may have written 0 or many books
            "books": RefsList(coll="books", field="$.author"),
        }
    )

    # A book is written by an author
    a_book = Item(
        {
            "name": String(),  # Some attibutes
            # A book may have 1 or more authors
            "author": RefsList(coll="authors", field="$.books", required=True),
        }
    )
    backoffice = stores.backoffice({"authors": an_author, "books": a_book})
    for name in ("lang", "stein"):
        backoffice.authors.create({"name": name})

    backoffice.books.create({"name": "docker", "author": ["lang", "stein"]})
    backoffice.books.create({"name": "winter", "author": ["stein"]})

    assert value(backoffice, "authors.stein.books") == ["docker", "winter"]
    assert value(backoffice, "authors.lang.books") == ["docker"]
    assert value(backoffice, "books.docker.author") == ["lang", "stein"]
    nobody: list[str] | None
    for nobody in ([], None):
        with pytest.raises(ValidationError, match="author"):
            backoffice.books.create({"name": "nobody's", "author": nobody})
