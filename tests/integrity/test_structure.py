"""What tables, columns and indexes differ from the declarations is told, and made; nothing is dropped."""

from collections.abc import Mapping
from typing import Any

import pytest

from backo import Backoffice, Int, RefsList, String
from backo.integrity.report import StructureReport
from tests.integrity.library import edit, filled, hands, reopened
from tests.migration.opening import Place

OLD: Mapping[str, Any] = {
    "name": String(required=True),
    "isbn": String(),
    "pages": String(index=True),
    "shelf": String(),
}


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


def schema(place: Place) -> list[tuple[str, str]]:
    """Give what there is in the database."""
    with hands(place) as file:
        return file.schema()


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


def test_what_is_missing_is_told_before_it_is_made(sql: Place) -> None:
    """Each difference with its field; nothing is made by looking, and then all of it, without a request."""
    old_library(sql)
    before = schema(sql)
    library = sql.open(books=new())

    look = library.check_structure()

    assert told(look) == sorted(MISSING + KEPT)
    assert not look.is_clean
    assert [one.mendable for one in look.differences if one.kind != "kept"] == [True] * 5
    assert str(look).endswith("5 can be mended without loss; nothing is changed yet.")
    assert schema(sql) == before

    mend = library.check_structure(apply=True)

    assert told(mend) == KEPT
    assert sorted((one.path, str(one.kind), one.name) for one in mend.mended) == MISSING
    assert mend.is_clean
    names = {name for name, _ in schema(sql)}
    assert {name for name, _ in before} <= names
    made = schema(sql)
    book = library.books.create({"name": "b9", "isbn": "i9", "pages": 3, "about": ["b0"]})
    assert schema(sql) == made
    assert [one["_id"] for one in library.books.select({"pages": 3})] == [book["_id"]]
    assert library.check_integrity().is_clean


def test_tables_that_are_not_there(sql: Place) -> None:
    """They are missing; looking makes nothing."""
    library = sql.open(books=new())

    assert told(library.check_structure()) == [("$", "table", "books")]
    if sql.kind == "sqlite":
        assert not (sql.folder / "shop.sqlite").exists()
    else:
        assert schema(sql) == []
    assert library.check_structure(apply=True).is_clean
    library.books.create({"name": "b0", "isbn": "i0"})
    assert library.check_structure().differences == ()


def test_values_that_repeat(sql: Place) -> None:
    """The unique index is told with items that share a value; the rest is made, and it is tried again later."""
    old_library(sql, ("i0", "i1", "i1", "i1"))
    library = sql.open(books=new())

    look = library.check_structure()
    mend = library.check_structure(apply=True)

    (unique,) = [one for one in look.differences if one.kind == "unique"]
    assert (unique.mendable, unique.ids) == (False, ("b1", "b2", "b3"))
    assert "'b1', 'b2', 'b3'" in str(unique)
    assert told(mend) == sorted([("$.isbn", "unique", "books/isbn#unique"), *KEPT])
    assert not mend.is_clean
    with hands(sql) as file:
        file.run("UPDATE books SET isbn = _id")
    for id_ in ("b0", "b1", "b2", "b3"):
        edit(sql, "books", id_, isbn=id_)
    assert library.check_structure(apply=True).is_clean
    assert library.check_integrity().is_clean


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param('DROP INDEX "books/pages#index"', [("$.pages", "index", "books/pages#index")], id="index"),
        pytest.param('DROP INDEX "books/isbn#unique"', [("$.isbn", "unique", "books/isbn#unique")], id="unique"),
        pytest.param('DROP INDEX "books/about#holder"', [("$", "index", "books/about#holder")], id="holders"),
        pytest.param('DROP TABLE "books/about"', [("$.about", "column", "about")], id="list"),
        pytest.param(
            'DROP INDEX "books/author#index"; ALTER TABLE books DROP COLUMN author',
            [("$.author", "column", "author"), ("$.author", "index", "books/author#index")],
            id="column",
        ),
    ],
)
def test_what_another_program_dropped(sql: Place, statement: str, found: Any) -> None:
    """It is told and made anew, filled from the documents."""
    library = filled(sql)
    library.close()
    with hands(sql) as file:
        for one in statement.split(";"):
            file.run(one)

    assert told(library.check_structure()) == found
    assert library.check_structure(apply=True).is_clean
    assert library.check_structure().differences == ()
    assert library.check_integrity().is_clean
    assert [book["_id"] for book in library.books.select({"author": "ann"})] == ["b0", "b1"]
    assert library.books.get_by_id("b0").about == ["b1", "b2"]


def test_the_index_that_counts_rows(sqlite: Place) -> None:
    """Every table in SQLite has one; it is told, and made anew."""
    filled(sqlite).close()
    with hands(sqlite) as file:
        file.run('DROP INDEX "books/#rows"')
    library = reopened(sqlite)

    assert told(library.check_structure()) == [("$", "index", "books/#rows")]
    assert library.check_structure(apply=True).is_clean
    assert library.check_structure().differences == ()


def test_nothing_is_dropped(sql: Place) -> None:
    """Neither a unique index that is not declared any more, nor what another program added."""
    library = sql.open(books=new())
    library.books.create({"name": "b0", "isbn": "i0"})
    library.close()
    with hands(sql) as file:
        file.run("CREATE INDEX theirs ON books (_rev)")
        if sql.kind == "sqlite":
            file.run("CREATE TRIGGER ours AFTER DELETE ON books BEGIN SELECT 1; END")
        else:
            file.run("CREATE VIEW ours AS SELECT _id FROM books")
    library = sql.open(books=new(isbn=String(), shelf=String(index=True)))

    report = library.check_structure(apply=True)

    assert report.is_clean
    assert told(report) == [
        ("$", "kept", "books/isbn#unique"),
        ("$", "kept", "theirs"),
        ("$.isbn", "kept", "isbn"),
    ]
    names = {name for name, _ in schema(sql)}
    assert {"theirs", "ours", "books/isbn#unique", "books/shelf#index"} <= names


def test_a_column_of_another_program(sqlite: Place) -> None:
    """A column that would be lost keeps ours from being added; both are told."""
    library = sqlite.open(books=new())
    library.books.create({"name": "b0", "isbn": "i0"})
    library.close()
    with hands(sqlite) as file:
        file.run("ALTER TABLE books ADD COLUMN theirs TEXT")
    library = sqlite.open(books=new(shelf=String(index=True)))

    for apply in (False, True):
        report = library.check_structure(apply=apply)
        assert ("$", "kept", "theirs") in told(report)
        (missing,) = [one for one in report.differences if one.kind == "column"]
        assert (missing.name, missing.mendable) == ("shelf", False)
        assert "theirs" in missing.text


def test_others_read_and_write_meanwhile(sql: Place) -> None:
    """A back office that is open goes on, with the new columns kept up by its next write."""
    old_library(sql)
    other: Backoffice = Place(sql.kind, sql.folder).open(books=OLD)
    other.books.get_by_id("b0")
    library = sql.open(books=new())

    with other.transaction():
        assert library.check_structure().differences
        other.books.create({"name": "b8", "isbn": "i8"})
    assert library.check_structure(apply=True).is_clean
    other.books.create({"name": "b9", "isbn": "i9"})
    other.close()

    assert library.check_integrity().is_clean
    assert [book["_id"] for book in library.books.select({"isbn": "i9"})] == ["b9"]
