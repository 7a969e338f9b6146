"""Links and unique values in a migration, on each store."""

from collections.abc import Mapping
from typing import Any

import pytest

from backo import Backoffice, ConflictError, DeleteStrategy, Dict, Ref, RefsList, String, ValidationError
from backo.connectors.base import Store
from backo.errors import BackoError
from backo.migration import running
from backo.schema.fields import Field
from tests.migration.opening import Place, documents, overwrite
from tests.work.stores import audit

Document = dict[str, Any]


def library(place: Place, *, required: bool = False, nested: bool = False) -> Backoffice:
    """Open authors with their books; the link of the authors may be required, and inside a group."""
    ods = DeleteStrategy.MUST_BE_EMPTY
    path = "$.works.books" if nested else "$.books"
    books = RefsList(coll="books", field="$.author", ods=ods, required=required)
    authors: dict[str, Field] = {"name": String(), "works": Dict({"books": books})} if nested else {}
    return place.open(
        authors=authors or {"name": String(), "books": books},
        books={"name": String(), "author": Ref(coll="authors", field=path)},
    )


def filled(place: Place, *, required: bool = False) -> Backoffice:
    """Store two authors, with two books and one."""
    old = library(place)
    with old.transaction():
        for name in ("ann", "bob"):
            old.authors.create({"name": name})
        for name, author in {"b1": "ann", "b2": "ann", "b3": "bob"}.items():
            old.books.create({"name": name, "author": author})
    return library(place, required=required)


def authors_become(**authors: str | None) -> Any:
    """Give a function that sets authors of books by their names."""

    def change(document: Document) -> Document:
        if document["name"] in authors:
            document["author"] = authors[document["name"]]
        return document

    return change


def found(error: "pytest.ExceptionInfo[Any]") -> tuple[str, list[tuple[str, str]]]:
    """Give where it says it is, with paths and codes of the problems."""
    return str(error.value).partition(":")[0], [(one.path, one.code) for one in error.value.problems]


def test_links_are_moved(place: Place) -> None:
    """Both sides agree afterwards."""
    shop = filled(place)

    shop.migrate("books", authors_become(b1="bob", b3=None), dry_run=False)

    assert [author["books"] for author in shop.authors.select()] == [["b2"], ["b1"]]
    assert audit(shop) == []


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry", "real"])
def test_a_link_to_nothing(place: Place, dry_run: bool) -> None:
    """It is refused before anything is written."""
    shop = filled(place)

    with pytest.raises(ValidationError) as error:
        shop.migrate("books", authors_become(b1="bob", b2="nobody"), dry_run=dry_run)

    assert found(error) == ("books/b2", [("$.author", "reference")])
    assert documents(shop)["b1"]["author"] == "ann"


def test_a_link_on_the_side_where_it_is_not_stored(place: Place) -> None:
    """It is refused, and told where to set it."""
    shop = filled(place)

    with pytest.raises(ValidationError, match="Is looked up in 'books'") as error:
        shop.migrate("authors", lambda document: {**document, "books": ["b3"]})

    assert found(error) == ("authors/ann", [("$.books", "derived")])


def test_a_required_link_would_be_empty(place: Place) -> None:
    """The item that requires it is named; it may lose some, or others in exchange."""
    shop = filled(place, required=True)

    for change in (authors_become(b3=None), authors_become(b1=None, b2="bob")):
        with pytest.raises(ValidationError) as error:
            shop.migrate("books", change, dry_run=False)
        assert found(error)[1] == [("$.books", "required")]
    assert documents(shop)["b1"]["author"] == "ann"
    shop.migrate("books", authors_become(b1=None, b2="bob", b3="ann"), dry_run=False)

    assert audit(shop) == []


def test_a_newly_required_link_that_is_looked_up(place: Place) -> None:
    """Items without one are told of, unless the group of the link is not set."""
    shop = filled(place)
    shop.authors.create({"name": "cid"})

    with pytest.raises(BackoError) as error:
        library(place, required=True).migrate("authors")

    assert found(error) == ("authors/cid", [("$.books", "required")])
    assert library(place, required=True, nested=True).migrate("authors", without_books).total == 3


def without_books(document: Document) -> Document:
    """Give an author of whom only the name is known."""
    return {key: value for key, value in document.items() if key != "books"}


def test_a_target_that_is_deleted_meanwhile(place: Place) -> None:
    """It is looked for again when the link is written."""
    shop = filled(place)
    shop.authors.create({"name": "cid"})

    def meanwhile(done: int, total: int) -> None:
        if (done, total) == (3, 6):
            shop.authors.get_by_id("cid").delete()

    with pytest.raises(ValidationError) as error:
        shop.migrate("books", authors_become(b1="cid"), dry_run=False, progress=meanwhile)

    assert found(error) == ("books/b1", [("$.author", "reference")])
    assert audit(shop) == []


def test_a_link_that_others_change_meanwhile(place: Place) -> None:
    """What has to be judged together is judged anew, by another run."""
    shop = filled(place, required=True)

    def meanwhile(done: int, total: int) -> None:
        if (done, total) == (3, 6):
            overwrite(shop, "b1", {"name": "b1!"})

    def change(document: Document) -> Document:
        return {**document, "author": "bob"} if document["_id"] == "b1" else document

    with pytest.raises(ConflictError, match="changed meanwhile"):
        shop.migrate("books", change, dry_run=False, progress=meanwhile)
    shop.migrate("books", change, dry_run=False)

    assert documents(shop)["b1"] == {"name": "b1!", "author": "bob"}


def test_within_one_collection(place: Place) -> None:
    """Required links to items of the same collection count as they are in the end."""
    fields: Mapping[str, Field] = {
        "name": String(),
        "boss": Ref(coll="people", field="$.team"),
        "team": RefsList(coll="people", field="$.boss", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS),
    }
    old = place.open(people=fields)
    for name in ("a", "b"):
        old.people.create({"name": name})
    team = RefsList(coll="people", field="$.boss", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS, required=True)
    new = place.open(people={**fields, "team": team})

    def bosses(**names: str) -> Any:
        return lambda document: {**document, "boss": names.get(document["name"])}

    with pytest.raises(ValidationError) as error:
        new.migrate("people", bosses(a="b", b="b"), dry_run=False)
    assert found(error) == ("people/a", [("$.team", "required")])
    new.migrate("people", bosses(a="b", b="a"), dry_run=False)

    assert audit(new) == []


def test_links_stored_on_both_sides(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both items have to change, in the same run; they are written at once, whatever page they are on."""
    monkeypatch.setattr(running, "PAGE", 1)
    fields = {
        "name": String(),
        "friends": RefsList(coll="people", field="$.friends", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS),
    }
    shop = place.open(people=fields)
    for name in "abcd":
        shop.people.create({"name": name})

    def friends(**names: str) -> Any:
        def change(document: Document) -> Document:
            if document["name"] in names:
                document["friends"] = list(names[document["name"]])
            return document

        return change

    with pytest.raises(ValidationError, match="d must be changed too") as error:
        shop.migrate("people", friends(a="d"), dry_run=False)
    assert found(error) == ("people/a", [("$.friends", "reference")])
    with pytest.raises(ValidationError):
        shop.migrate("people", friends(a="d", d="a"), _id="a", dry_run=False)
    batches = watched(shop, monkeypatch)

    report = shop.migrate("people", friends(a="ad", d="a"), dry_run=False)

    assert batches == [["a", "d"]]
    assert report.changes._ids == ["a", "d"]
    assert audit(shop) == []


def watched(shop: Backoffice, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Give the list in which the ids of each batch that is written will be."""
    store: Store = shop.collections["people"].store
    batches: list[list[str]] = []
    write = store.write

    def noting(session: Any, writes: Any) -> None:
        batches.append([one.id for one in writes])
        write(session, writes)

    monkeypatch.setattr(store, "write", noting)
    return batches


PEOPLE: Mapping[str, Field] = {
    "name": String(),
    "code": String(unique=True),
    "twin": Ref(coll="people", field="$.of"),
    "of": Ref(coll="people", field="$.twin"),
}


def coded(place: Place) -> Backoffice:
    """Store people with unique codes."""
    shop = place.open(people=PEOPLE)
    with shop.transaction():
        for number, name in enumerate("abcd"):
            shop.people.create({"name": name, "code": str(number)})
    return shop


def codes(**names: str) -> Any:
    """Give a function that sets codes of people by their names."""
    return lambda document: {**document, "code": names.get(document["name"], document["code"])}


@pytest.mark.parametrize("page", [1, 500])
def test_unique_values_are_exchanged(place: Place, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """In a circle too; only the end counts."""
    monkeypatch.setattr(running, "PAGE", page)
    shop = coded(place)

    report = shop.migrate("people", codes(a="1", b="3", d="0", c="9"), dry_run=False)

    assert report.changes._ids == ["a", "b", "c", "d"]
    assert [person["code"] for person in shop.people.select()] == ["1", "3", "9", "0"]
    assert shop.migrate("people", dry_run=False).total == 4


@pytest.mark.parametrize(
    ("change", "options", "id_"),
    [
        pytest.param(codes(a="x", c="x"), {}, "c", id="twice"),
        pytest.param(codes(b="0"), {}, "b", id="taken"),
        pytest.param(codes(b="0", a="9"), {"_ids": ["b", "c"]}, "b", id="taken-outside"),
    ],
)
def test_a_unique_value_is_taken(
    place: Place, monkeypatch: pytest.MonkeyPatch, change: Any, options: Any, id_: str
) -> None:
    """It is refused before anything is written."""
    monkeypatch.setattr(running, "PAGE", 1)
    shop = coded(place)
    before = documents(shop, "people")

    with pytest.raises(ValidationError) as error:
        shop.migrate("people", change, dry_run=False, **options)

    assert found(error) == (f"people/{id_}", [("$.code", "unique")])
    assert documents(shop, "people") == before


def test_one_to_one_partners_are_exchanged(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The side that stores the link is unique too."""
    monkeypatch.setattr(running, "PAGE", 1)
    shop = coded(place)
    stored = next(link.path[0] for link in shop.catalog.entry("people").links.values() if not link.derived)

    def partners(**names: str) -> Any:
        return lambda document: {**document, stored: names.get(document["name"])}

    shop.migrate("people", partners(a="c", b="d"), dry_run=False)
    shop.migrate("people", partners(a="d", b="c"), dry_run=False)
    with pytest.raises(ValidationError):
        shop.migrate("people", partners(a="d", b="d"), dry_run=False)

    assert audit(shop) == []
    assert {name: one[stored] for name, one in documents(shop, "people").items() if one[stored]} == {"a": "d", "b": "c"}


def test_exchanged_values_that_others_change_meanwhile(place: Place) -> None:
    """The items are judged anew, by another run."""
    shop = coded(place)

    def meanwhile(done: int, total: int) -> None:
        if (done, total) == (4, 8):
            overwrite(shop, "b", {"code": "77"}, "people")

    with pytest.raises(ConflictError, match="changed meanwhile"):
        shop.migrate("people", codes(a="1", b="0"), dry_run=False, progress=meanwhile)

    assert [person["code"] for person in shop.people.select()] == ["0", "77", "2", "3"]


def test_the_stored_side_of_a_pair_is_not_migrated(place: Place) -> None:
    """Its refusal comes before a migration, and does not send anybody to one."""

    def pair(*, owner: bool) -> dict[str, Mapping[str, Field]]:
        return {
            "left": {"name": String(), "others": RefsList(coll="right", field="$.others", owner=not owner)},
            "right": {"name": String(), "others": RefsList(coll="left", field="$.others", owner=owner)},
        }

    old = place.open(**pair(owner=False))
    with old.transaction():
        old.left.create({"name": "l"})
        old.right.create({"name": "r", "others": ["l"]})
    new = place.open(**pair(owner=True))

    with pytest.raises(BackoError, match="was the stored side") as error:
        new.migrate("left")

    assert "migrate" not in str(error.value)
