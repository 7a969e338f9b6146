"""What tables, columns and indexes differ from the declarations is told, and made; nothing is dropped."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from backo import Backoffice, Int, RefsList, String
from backo.integrity.report import StructureReport
from tests.integrity.library import filled
from tests.migration.opening import Place

OLD: Mapping[str, Any] = {
    "name": String(required=True),
    "isbn": String(),
    "pages": String(index=True),
    "shelf": String(),
}


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    """A place in an SQLite file."""
    found = Place("sqlite", tmp_path)
    yield found
    found.close()


@contextmanager
def opened(place: Place) -> Iterator[sqlite3.Connection]:
    """Reach into the file as another program does."""
    with closing(sqlite3.connect(place.folder / "shop.sqlite")) as file, file:
        yield file


def new(**more: Any) -> dict[str, Any]:
    """Declare books as they are now."""
    return {**OLD, "isbn": String(unique=True), "pages": Int(index=True), "about": RefsList(coll="books"), **more}


def old_library(place: Place, isbns: tuple[str, ...] = ("i0", "i1", "i2")) -> None:
    """Store some books under the declaration from before."""
    library = place.open(books=OLD)
    for number, isbn in enumerate(isbns):
        library.books.create({"name": f"b{number}", "isbn": isbn})
    library.close()


def told(report: StructureReport) -> list[tuple[str, str, str]]:
    """Give what differences are about, in order."""
    return sorted((one.path, str(one.kind), one.name) for one in report.differences)


def schema(place: Place) -> list[Any]:
    """Give what there is in the file."""
    with opened(place) as file:
        return file.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()


MISSING = [
    ("$.about", "column", "about"),
    ("$.isbn", "column", "isbn"),
    ("$.isbn", "unique", "books/isbn#unique"),
    ("$.pages", "index", "books/pages~2#index"),
    ("$.pages", "type", "pages~2"),
]
KEPT = [("$", "kept", "books/pages#index"), ("$.pages", "kept", "pages")]


def test_a_library_that_is_as_declared(place: Place) -> None:
    """Nothing differs, before and after."""
    library = filled(place)

    for apply in (False, True):
        report = library.check_structure(apply=apply)
        assert (report.differences, report.mended, report.is_clean) == ((), (), True)
        assert str(report) == "everything is as declared"


def test_what_is_missing_is_told_before_it_is_made(sqlite: Place) -> None:
    """Each difference with its field; nothing is made by looking, and then all of it, without a request."""
    old_library(sqlite)
    before = schema(sqlite)
    library = sqlite.open(books=new())

    look = library.check_structure()

    assert told(look) == sorted(MISSING + KEPT)
    assert not look.is_clean
    assert [one.mendable for one in look.differences if one.kind != "kept"] == [True] * 5
    assert str(look).endswith("5 can be mended without loss; nothing is changed yet.")
    assert schema(sqlite) == before

    mend = library.check_structure(apply=True)

    assert told(mend) == KEPT
    assert sorted((one.path, str(one.kind), one.name) for one in mend.mended) == MISSING
    assert mend.is_clean
    names = {name for _, name, _ in schema(sqlite)}
    assert {name for _, name, _ in before} <= names
    made = schema(sqlite)
    book = library.books.create({"name": "b9", "isbn": "i9", "pages": 3, "about": ["b0"]})
    assert schema(sqlite) == made
    assert [one["_id"] for one in library.books.select({"pages": 3})] == [book["_id"]]
    assert library.check_integrity().is_clean


def test_a_file_that_is_not_there(sqlite: Place) -> None:
    """The tables are missing; looking makes no file."""
    library = sqlite.open(books=new())

    assert told(library.check_structure()) == [("$", "table", "books")]
    assert not (sqlite.folder / "shop.sqlite").exists()
    assert library.check_structure(apply=True).is_clean
    library.books.create({"name": "b0", "isbn": "i0"})
    assert library.check_structure().differences == ()


def test_values_that_repeat(sqlite: Place) -> None:
    """The unique index is told with items that share a value; the rest is made, and it is tried again later."""
    old_library(sqlite, ("i0", "i1", "i1", "i1"))
    library = sqlite.open(books=new())

    look = library.check_structure()
    mend = library.check_structure(apply=True)

    (unique,) = [one for one in look.differences if one.kind == "unique"]
    assert (unique.mendable, unique.ids) == (False, ("b1", "b2", "b3"))
    assert "'b1', 'b2', 'b3'" in str(unique)
    assert told(mend) == sorted([("$.isbn", "unique", "books/isbn#unique"), *KEPT])
    assert not mend.is_clean
    with opened(sqlite) as file:
        file.execute("UPDATE books SET isbn = _id, _document = json_set(_document, '$.isbn', _id)")
    assert library.check_structure(apply=True).is_clean
    assert library.check_integrity().is_clean


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param('DROP INDEX "books/pages#index"', [("$.pages", "index", "books/pages#index")], id="index"),
        pytest.param('DROP INDEX "books/isbn#unique"', [("$.isbn", "unique", "books/isbn#unique")], id="unique"),
        pytest.param('DROP INDEX "books/#rows"', [("$", "index", "books/#rows")], id="rows"),
        pytest.param('DROP INDEX "books/about#holder"', [("$", "index", "books/about#holder")], id="holders"),
        pytest.param('DROP TABLE "books/about"', [("$.about", "column", "about")], id="list"),
        pytest.param(
            'DROP INDEX "books/author#index"; ALTER TABLE books DROP COLUMN author',
            [("$.author", "column", "author"), ("$.author", "index", "books/author#index")],
            id="column",
        ),
    ],
)
def test_what_another_program_dropped(sqlite: Place, statement: str, found: Any) -> None:
    """It is told and made anew, filled from the documents."""
    library = filled(sqlite)
    library.close()
    with opened(sqlite) as file:
        file.executescript(statement)

    assert told(library.check_structure()) == found
    assert library.check_structure(apply=True).is_clean
    assert library.check_structure().differences == ()
    assert library.check_integrity().is_clean
    assert [book["_id"] for book in library.books.select({"author": "ann"})] == ["b0", "b1"]
    assert library.books.get_by_id("b0").about == ["b1", "b2"]


def test_nothing_is_dropped(sqlite: Place) -> None:
    """Neither a unique index that is not declared any more, nor what another program added."""
    library = sqlite.open(books=new())
    library.books.create({"name": "b0", "isbn": "i0"})
    library.close()
    with opened(sqlite) as file:
        file.execute("CREATE INDEX theirs ON books (_rev)")
        file.execute("CREATE TRIGGER ours AFTER DELETE ON books BEGIN SELECT 1; END")
    library = sqlite.open(books=new(isbn=String(), shelf=String(index=True)))

    report = library.check_structure(apply=True)

    assert report.is_clean
    assert told(report) == [
        ("$", "kept", "books/isbn#unique"),
        ("$", "kept", "theirs"),
        ("$.isbn", "kept", "isbn"),
    ]
    names = {name for _, name, _ in schema(sqlite)}
    assert {"theirs", "ours", "books/isbn#unique", "books/shelf#index"} <= names


def test_a_column_of_another_program(sqlite: Place) -> None:
    """A column that would be lost keeps ours from being added; both are told."""
    library = sqlite.open(books=new())
    library.books.create({"name": "b0", "isbn": "i0"})
    library.close()
    with opened(sqlite) as file:
        file.execute("ALTER TABLE books ADD COLUMN theirs TEXT")
    library = sqlite.open(books=new(shelf=String(index=True)))

    for apply in (False, True):
        report = library.check_structure(apply=apply)
        assert ("$", "kept", "theirs") in told(report)
        (missing,) = [one for one in report.differences if one.kind == "column"]
        assert (missing.name, missing.mendable) == ("shelf", False)
        assert "theirs" in missing.text


def test_others_read_and_write_meanwhile(sqlite: Place) -> None:
    """A back office that is open goes on, with the new columns kept up by its next write."""
    old_library(sqlite)
    other: Backoffice = Place("sqlite", sqlite.folder).open(books=OLD)
    other.books.get_by_id("b0")
    library = sqlite.open(books=new())

    with other.transaction():
        assert library.check_structure().differences
        other.books.create({"name": "b8", "isbn": "i8"})
    assert library.check_structure(apply=True).is_clean
    other.books.create({"name": "b9", "isbn": "i9"})
    other.close()

    assert library.check_integrity().is_clean
    assert [book["_id"] for book in library.books.select({"isbn": "i9"})] == ["b9"]
