"""What MongoDB keeps beside documents, documents that other programs add or change, and its indexes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import IndexModel

from backo import Backoffice, DBError, Int, RefsList, String
from backo.integrity.report import StructureReport
from tests.integrity.library import filled, mongo_of, reopened, told
from tests.migration.opening import Place
from tests.work.stores import audit

OLD: dict[str, Any] = {
    "name": String(required=True),
    "isbn": String(),
    "pages": String(index=True),
    "shelf": String(),
}


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[Place]:
    """A place in MongoDB."""
    found = Place("mongo", tmp_path)
    yield found
    found.close()


def fields_of(raws: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is kept beside the fields of an item."""
    return [{name: value for name, value in raw.items() if name not in {"_cells", "_lock"}} for raw in raws]


def everything(place: Place) -> list[dict[str, Any]]:
    """Give all books as other programs see them."""
    with mongo_of(place) as database:
        return list(database["books"].find().sort("_id"))


CELLS = [
    pytest.param({"$set": {"_cells.pages": 77}}, "$.pages", id="another-value"),
    pytest.param({"$unset": {"_cells.author": ""}}, "$.author", id="absent"),
    pytest.param({"$set": {"_cells.pages": "0"}}, "$.pages", id="another-type"),
    pytest.param({"$set": {"_cells.pages": False}}, "$.pages", id="truth"),
    pytest.param({"$pull": {"_cells.about": "b1"}}, "$.about", id="list-lacks"),
    pytest.param({"$push": {"_cells.about": "b0"}}, "$.about", id="list-has-more"),
    pytest.param({"$set": {"pages": 5}}, "$.pages", id="field"),
    pytest.param({"$set": {"_rev": 1.0}}, "$", id="revision"),
    pytest.param({"$set": {"_schema": 1}}, "$", id="fingerprint"),
    pytest.param({"$unset": {"_cells": ""}}, "$", id="no-cells"),
    pytest.param({"$set": {"_cells": "none"}}, "$", id="cells-of-another-type"),
]


@pytest.mark.parametrize(("change", "path"), CELLS)
def test_what_is_ours_and_disagrees(mongo: Place, change: Any, path: str) -> None:
    """It is found, and made anew from the fields, which stay; then filters find the item, and it can be saved."""
    library = filled(mongo)
    with mongo_of(mongo) as database:
        database["books"].update_one({"_id": "b0"}, change)
    before = fields_of(everything(mongo))

    look, mend, after = library.check_integrity(), library.check_integrity(apply=True), library.check_integrity()

    assert told(look.findings) == told(mend.findings) == [("books", "b0", path, "companion")]
    assert (look.mended, mend.mended, after.total) == (0, 1, 0)
    ours = {"_rev", "_schema"} & set(change.get("$set", {}))
    wanted = [{name: value for name, value in raw.items() if raw["_id"] != "b0" or name not in ours} for raw in before]
    assert fields_of(everything(mongo)) == wanted
    book: Any = library.books.get_by_id("b0")
    assert [one["_id"] for one in library.books.select({"pages": book.pages, "author": "ann"})] == ["b0"]
    book.name = "again"
    book.save()
    assert library.books.get_by_id("b0")["name"] == "again"


def test_documents_of_other_programs(mongo: Place) -> None:
    """With texts as ids they are brought in by a check: found by their fields, and guarded by unique values."""
    library = filled(mongo)
    with mongo_of(mongo) as database:
        database["books"].insert_many(
            [
                {"_id": "b7", "name": "b7", "author": "ann", "isbn": "i7", "pages": 3},
                {"_id": "b8", "name": "b8", "isbn": "i0"},
            ]
        )
    assert [one["_id"] for one in library.books.select({"author": "ann", "pages": 3})] == []

    report = library.check_integrity(apply=True)

    assert told(report.findings) == [
        ("books", "b0", "$.isbn", "shared_value"),
        ("books", "b7", "$", "companion"),
        ("books", "b8", "$", "companion"),
    ]
    assert report.mended == 1
    assert [one["_id"] for one in library.books.select({"author": "ann", "pages": 3})] == ["b7"]
    with mongo_of(mongo) as database:
        database["books"].update_one({"_id": "b8"}, {"$set": {"isbn": "i8"}})
    assert library.check_integrity(apply=True).is_clean
    assert library.check_integrity().total == 0
    assert audit(library) == []


def test_unique_values_that_were_swapped(mongo: Place) -> None:
    """Cells that take the values of one another are made anew together."""
    library = filled(mongo)
    with mongo_of(mongo) as database:
        for id_, isbn in (("b0", "i1"), ("b1", "i0")):
            database["books"].update_one({"_id": id_}, {"$set": {"isbn": isbn}})

    report = library.check_integrity(apply=True)

    assert told(report.findings) == [("books", id_, "$.isbn", "companion") for id_ in ("b0", "b1")]
    assert report.is_clean
    assert [one["_id"] for one in library.books.select({"isbn": "i0"})] == ["b1"]


def test_a_cell_that_a_unique_index_refuses(mongo: Place) -> None:
    """Where documents share a unique value that their cells do not, nothing is mended, and all else is."""
    library = filled(mongo)
    with mongo_of(mongo) as database:
        database["books"].update_one({"_id": "b1"}, {"$set": {"isbn": "i0"}})
        database["books"].update_one({"_id": "b2"}, {"$set": {"_cells.pages": 77}})

    for number in range(2):
        report = library.check_integrity(apply=True)
        wrong = [("books", "b0", "$.isbn", "shared_value"), ("books", "b1", "$.isbn", "companion")]
        assert told(report.findings) == wrong + ([] if number else [("books", "b2", "$.pages", "companion")])
        assert report.mended == 1 - number


@pytest.mark.parametrize("how", ["integrity", "structure"])
def test_ids_of_the_server_that_come_later(mongo: Place, how: str) -> None:
    """They are found by their texts from then on, in order among the others, as new ones are."""
    library = mongo.open(books=OLD)
    for name in ("a", "zz"):
        library.books.create({"name": name, "pages": "many"})
    one, other = ObjectId("65a000000000000000000001"), ObjectId("65a000000000000000000002")
    with mongo_of(mongo) as database:
        database["books"].insert_many([{"_id": id_, "name": str(id_), "pages": "few"} for id_ in (other, one)])

    def check(**options: Any) -> Any:
        return library.check_integrity(**options) if how == "integrity" else library.check_structure(**options)

    assert not check().is_clean
    assert check(apply=True).is_clean
    assert check(apply=True).is_clean

    assert library.check_integrity().total == 0
    assert library.check_structure().is_clean
    assert library.books.get_by_id(str(one))["pages"] == "few"
    library.books.create({"name": "m", "pages": "few"})
    assert [book["_id"] for book in library.books.select({"pages": "few"})] == [str(one), str(other), "m"]
    assert [book["_id"] for book in library.books.select()] == [str(one), str(other), "a", "m", "zz"]
    with mongo_of(mongo) as database:
        third = database["books"].insert_one({"name": "third", "pages": "few"}).inserted_id
    assert not check().is_clean
    assert check(apply=True).is_clean
    assert library.books.get_by_id(str(third))["name"] == "third"
    assert library.check_integrity().total == 0


def test_an_id_that_can_be_none_of_an_item(mongo: Place) -> None:
    """It is reported, and what else is wrong is mended."""
    library = filled(mongo)
    with mongo_of(mongo) as database:
        database["books"].insert_one({"_id": 5, "name": "five"})

    report = library.check_integrity(apply=True)

    assert ("books", "5", "$", "unreadable") in told(report.findings)
    assert not report.is_clean
    (difference,) = library.check_structure(apply=True).differences
    assert (difference.kind, difference.mendable) == ("table", False)


def test_values_that_are_no_json(mongo: Place) -> None:
    """Filters take them as they read once it is known that they are there."""
    library = mongo.open(books=OLD)
    library.books.create({"name": "a"})
    with mongo_of(mongo) as database:
        database["books"].update_one({"_id": "a"}, {"$set": {"isbn": datetime(2024, 2, 29, tzinfo=UTC)}})

    report = library.check_integrity(apply=True)

    assert told(report.findings) == [("books", "a", "$", "companion")]
    assert report.is_clean
    assert [one["_id"] for one in library.books.select({"isbn": "2024-02-29T00:00:00Z"})] == ["a"]
    assert library.check_integrity().total == 0


def test_a_collection_that_is_refused(mongo: Place) -> None:
    """It can be checked all the same, and is refused again after that."""
    library: Backoffice = filled(mongo)
    with mongo_of(mongo) as database:
        database["books"].drop_index("isbn#unique")
        database["books"].update_many({}, {"$set": {"isbn": "i0", "_cells.isbn": "i0"}})
    library = reopened(mongo)

    with pytest.raises(DBError, match="cannot be unique"):
        library.books.get_by_id("b0")
    report = library.check_integrity(apply=True)
    assert told(report.findings) == [("books", "b0", "$.isbn", "shared_value")]
    assert report.findings[0].others == ("b1", "b2")
    with pytest.raises(DBError, match="cannot be unique"):
        library.books.get_by_id("b0")


# The structure


def new(**more: Any) -> dict[str, Any]:
    """Declare books as they are now."""
    return {**OLD, "isbn": String(unique=True), "pages": Int(index=True), "about": RefsList(coll="books"), **more}


def old_library(place: Place, isbns: tuple[str, ...] = ("i0", "i1", "i2")) -> None:
    """Store some books under the declaration from before."""
    library = place.open(books=OLD)
    for number, isbn in enumerate(isbns):
        library.books.create({"name": f"b{number}", "isbn": isbn})
    library.close()


def differs(report: StructureReport) -> list[tuple[str, str, str]]:
    """Give what differences are about, in order."""
    return sorted((one.path, str(one.kind), one.name) for one in report.differences)


def there(place: Place) -> Any:
    """Give all that is in the database: documents, notes, indexes."""
    with mongo_of(place) as database:
        names = sorted(database.list_collection_names())
        return {name: (list(database[name].find().sort("_id")), database[name].index_information()) for name in names}


MISSING = [
    ("$.about", "column", "about"),
    ("$.about", "index", "about#index"),
    ("$.isbn", "column", "isbn"),
    ("$.isbn", "unique", "isbn#unique"),
    ("$.pages", "index", "pages~2#index"),
    ("$.pages", "type", "pages~2"),
]
KEPT = [("$", "kept", "pages#index"), ("$.pages", "kept", "pages")]


def test_what_is_missing_is_told_before_it_is_made(mongo: Place) -> None:
    """Each difference with its field; nothing is made by looking, and then all of it, without a request."""
    old_library(mongo)
    before = there(mongo)
    library = mongo.open(books=new())

    look = library.check_structure()

    assert differs(look) == sorted(MISSING + KEPT)
    assert [one.mendable for one in look.differences if one.kind != "kept"] == [True] * 6
    assert there(mongo) == before

    mend = library.check_structure(apply=True)

    assert differs(mend) == KEPT
    assert sorted((one.path, str(one.kind), one.name) for one in mend.mended) == MISSING
    assert mend.is_clean
    made = there(mongo)["books"][1]
    assert before["books"][1].keys() <= made.keys()
    book = library.books.create({"name": "b9", "isbn": "i9", "pages": 3, "about": ["b0"]})
    assert there(mongo)["books"][1] == made
    assert [one["_id"] for one in library.books.select({"pages": 3})] == [book["_id"]]
    assert library.check_integrity().is_clean


def test_a_collection_that_is_not_there(mongo: Place) -> None:
    """Looking makes nothing; one that another program dropped is made anew as well."""
    library = mongo.open(books=new())

    assert differs(library.check_structure()) == [("$", "table", "books")]
    assert there(mongo) == {}
    assert library.check_structure(apply=True).is_clean
    library.books.create({"name": "b0", "isbn": "i0"})
    assert library.check_structure().differences == ()
    library.close()
    with mongo_of(mongo) as database:
        database.drop_collection("books")
    assert differs(library.check_structure()) == [("$", "table", "books")]
    assert library.check_structure(apply=True).is_clean
    assert library.check_structure().differences == ()


def test_a_collection_of_another_program(mongo: Place) -> None:
    """What it lacks is told, and made; its documents and indexes stay."""
    with mongo_of(mongo) as database:
        database["books"].insert_many([{"name": "x", "isbn": "i0", "pages": number} for number in range(3)])
        database["books"].create_index("name")
    library = mongo.open(books=new(isbn=String()))
    before = there(mongo)

    assert differs(library.check_structure()) == [
        ("$", "kept", "name_1"),
        ("$.about", "column", "about"),
        ("$.about", "index", "about#index"),
        ("$.pages", "column", "pages"),
        ("$.pages", "index", "pages#index"),
    ]
    assert there(mongo) == before
    report = library.check_structure(apply=True)
    assert report.is_clean
    assert differs(report) == [("$", "kept", "name_1")]
    assert fields_of(there(mongo)["books"][0]) == before["books"][0]
    assert [book["name"] for book in library.books.select({"pages": 2})] == ["x"]


def test_values_that_repeat(mongo: Place) -> None:
    """The unique index is told with items that share a value; the rest is made, and it is tried again later."""
    old_library(mongo, ("i0", "i1", "i1", "i1"))
    library = mongo.open(books=new())

    look = library.check_structure()
    mend = library.check_structure(apply=True)

    (unique,) = [one for one in look.differences if one.kind == "unique"]
    assert (unique.mendable, unique.ids) == (False, ("b1", "b2", "b3"))
    assert differs(mend) == sorted([("$.isbn", "unique", "isbn#unique"), *KEPT])
    with mongo_of(mongo) as database:
        for id_ in ("b1", "b2", "b3"):
            database["books"].update_one({"_id": id_}, {"$set": {"isbn": id_, "_cells.isbn": id_}})
    assert library.check_structure(apply=True).is_clean
    assert library.check_integrity().is_clean


def test_what_another_program_dropped(mongo: Place) -> None:
    """Indexes are made anew, and nothing is dropped: neither what is not declared nor what is not ours."""
    library = mongo.open(books=new())
    library.books.create({"name": "b0", "isbn": "i0"})
    library.close()
    with mongo_of(mongo) as database:
        database["books"].drop_index("pages#index")
        database["books"].create_index("_rev", name="theirs")
    library = mongo.open(books=new(isbn=String()))
    kept = [("$", "kept", "isbn#unique"), ("$", "kept", "theirs"), ("$.isbn", "kept", "isbn")]

    assert differs(library.check_structure()) == [*kept, ("$.pages", "index", "pages#index")]
    report = library.check_structure(apply=True)
    assert report.is_clean
    assert differs(report) == kept


def test_an_index_of_another_definition(mongo: Place) -> None:
    """It is told, and made once it was dropped by hand."""
    library = mongo.open(books=new())
    library.books.create({"name": "b0", "isbn": "i0"})
    with mongo_of(mongo) as database:
        database["books"].drop_index("isbn#unique")
        database["books"].create_indexes([IndexModel([("_cells.isbn", 1)], name="isbn#unique")])

    for apply in (False, True):
        (difference,) = library.check_structure(apply=apply).differences
        assert (difference.kind, difference.mendable) == ("unique", False)
        assert "drop it" in difference.text
    with mongo_of(mongo) as database:
        database["books"].drop_index("isbn#unique")
    assert library.check_structure(apply=True).is_clean
    assert library.check_structure().differences == ()


def test_others_read_and_write_meanwhile(mongo: Place) -> None:
    """A back office that is open goes on, with the new cells kept up by its writes."""
    old_library(mongo)
    other: Backoffice = Place("mongo", mongo.folder).open(books=OLD)
    other.books.get_by_id("b0")
    library = mongo.open(books=new())

    with other.transaction():
        assert library.check_structure().differences
        other.books.create({"name": "b8", "isbn": "i8"})
    assert library.check_structure(apply=True).is_clean
    other.books.create({"name": "b9", "isbn": "i9"})
    other.close()

    assert library.check_integrity(apply=True).is_clean
    assert [book["_id"] for book in library.books.select({"isbn": "i9"})] == ["b9"]


def test_a_mend_that_was_killed_goes_on(mongo: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step it came to, another run does the rest."""
    old_library(mongo)
    with mongo_of(mongo) as database:
        database["books"].insert_one({"_id": ObjectId(), "name": "theirs", "isbn": "i9"})
    library = mongo.open(books=new())

    class Killed(BaseException):
        """The end of the process."""

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    for step in ("note_cells", "fill", "_make", "note_filled"):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(f"backo.connectors.mongo.differing.{step}", dies)
            library.check_structure(apply=True)
        assert not library.check_structure().is_clean

    assert library.check_structure(apply=True).is_clean
    assert library.check_integrity().is_clean
    assert [book["name"] for book in library.books.select({"isbn": "i9"})] == ["theirs"]
