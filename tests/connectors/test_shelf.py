"""Documents in memory, and what their indexes save."""

import pytest

from backo import jsontext
from backo.connectors.base import Document, StoredDocument
from backo.connectors.shelf import Shelf, named_ids
from backo.query.filters import EVERYTHING, NOTHING, And, Compare, Filter, Not, Operator, Or, id_is_in
from backo.query.matching import matcher
from backo.schema.kinds import Kind
from backo.testing.contract_data import STRUCTURE, filters, sample


def stored(document: Document) -> StoredDocument:
    """Make a version of a document."""
    return StoredDocument(document["_id"], 1, "f", text=jsontext.encode(document))


def shelf_of(*documents: Document) -> Shelf:
    """Fill a shelf."""
    shelf = Shelf(STRUCTURE.columns)
    shelf.fill(map(stored, documents))
    return shelf


def test_indexes_never_leave_out_what_matches() -> None:
    """Whatever the filter, and after any changes, all that match are among the ids that are given."""
    documents = sample()
    shelf = shelf_of(*documents[:30])
    shelf.update({document["_id"]: stored(document) for document in documents[20:]})
    for document, other in zip(documents[40:50], documents[50:], strict=True):
        changed = {**other, "_id": document["_id"]}
        shelf.put(stored(changed))
        documents[documents.index(document)] = changed
    shelf.remove(documents.pop(0)["_id"])
    narrowed = 0

    for filter_ in filters():
        matching = {document["_id"] for document in documents if matcher(filter_)(document)}
        found = shelf.narrow(filter_)
        if found is not None:
            narrowed += 1
            assert matching <= found
            if isinstance(filter_, Compare):
                assert matching == found

    assert narrowed > 50


def same(path: str, value: str) -> Compare:
    """Compare a text."""
    return Compare((path,), Operator.EQ, value, Kind.TEXT)


@pytest.mark.parametrize(
    ("filter_", "ids"),
    [
        (same("email", "x"), {"a"}),
        (same("email", "none"), set()),
        (And((same("parent", "p"), same("email", "x"))), {"a"}),
        (And((same("name", "n"), same("email", "x"))), {"a"}),
        (Or((same("email", "x"), same("email", "y"))), {"a", "b"}),
        (Or((same("email", "x"), same("name", "n"))), None),
        (Compare(("email",), Operator.IN, ("x", "y", "z"), Kind.TEXT), {"a", "b"}),
        (Compare(("email",), Operator.IN, ("x", None), Kind.TEXT), None),
        (Compare(("email",), Operator.EQ, None, Kind.TEXT), None),
        (Compare(("email",), Operator.GT, "x", Kind.TEXT), None),
        (Compare(("friends",), Operator.EQ, "f", Kind.TEXT, many=True), {"a"}),
        (Compare(("friends",), Operator.EQ, ("f", "g"), Kind.TEXT, many=True), None),
        (Not(same("email", "x")), None),
        (same("name", "n"), None),
        (NOTHING, set()),
        (EVERYTHING, None),
    ],
)
def test_a_filter_is_narrowed_where_an_index_tells(filter_: Filter, ids: set[str] | None) -> None:
    """None is said where any document could match."""
    shelf = shelf_of(
        {"_id": "a", "email": "x", "parent": "p", "name": "n", "friends": ["f", "g"]},
        {"_id": "b", "email": "y", "parent": "p"},
    )

    assert shelf.narrow(filter_) == ids


@pytest.mark.parametrize(
    ("filter_", "ids"),
    [
        (id_is_in(("a", "b")), {"a", "b"}),
        (And((same("name", "n"), id_is_in(("a",)))), {"a"}),
        (Or((id_is_in(("a",)), same("_id", "b"))), {"a", "b"}),
        (Or((id_is_in(("a",)), same("name", "n"))), None),
        (Not(id_is_in(("a",))), None),
        (Compare(("_id",), Operator.GT, "a", Kind.TEXT), None),
    ],
)
def test_a_filter_may_name_its_ids(filter_: Filter, ids: set[str] | None) -> None:
    """Then nothing else needs to be looked at."""
    assert named_ids(filter_) == ids


def test_pages_follow_the_order_of_ids() -> None:
    """Whatever the order in which they came."""
    shelf = shelf_of()
    for id_ in ("b", "d", "a", "c", "B"):
        shelf.put(stored({"_id": id_}))
    shelf.remove("c")
    shelf.remove("c")

    first, end = shelf.page(EVERYTHING, None, 2)
    second, over = shelf.page(EVERYTHING, end, 2)

    assert [one.id for one in first] == ["B", "a"]
    assert [one.id for one in second] == ["b", "d"]
    assert over is None
    assert [one.id for one in shelf.between("B", "b")] == ["a", "b"]


def test_a_value_of_another_kind_is_no_value() -> None:
    """A document of an older schema is kept, and found where the matcher finds it."""
    shelf = shelf_of({"_id": "a", "email": ["x"], "born": "yesterday", "age": "old", "price": {}, "tags": "t"})

    shelf.put(stored({"_id": "a", "email": 7}))
    shelf.remove("a")

    assert len(shelf) == 0
