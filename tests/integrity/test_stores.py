"""What a store keeps beside its documents, and how: cells and indexes of SQL, files of YAML."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backo import Backoffice, DBError
from backo.connectors.findings import Finding
from tests.integrity.library import edit, filled, hands, reopened, told
from tests.migration.opening import Place
from tests.work.stores import audit


@pytest.fixture
def yaml(tmp_path: Path) -> Iterator[Place]:
    """A place in folders of YAML files."""
    found = Place("yaml", tmp_path)
    yield found
    found.close()


CELLS = [
    pytest.param("UPDATE books SET pages = 77 WHERE _id = 'b0'", "$.pages", id="another-value"),
    pytest.param("UPDATE books SET author = NULL WHERE _id = 'b0'", "$.author", id="absent"),
    pytest.param("""DELETE FROM "books/about" WHERE _id = 'b0' AND value = 'b1'""", "$.about", id="list-lacks"),
    pytest.param("""INSERT INTO "books/about" VALUES ('b0', 'b0')""", "$.about", id="list-has-more"),
]


def rows_of(place: Place) -> list[Any]:
    """Give what is stored of the books, without what is kept beside the documents."""
    with hands(place) as file:
        return file.run("SELECT _id, _rev, CAST(_document AS TEXT) FROM books ORDER BY _id")


@pytest.mark.parametrize(("statement", "path"), CELLS)
def test_cells_that_disagree(sql: Place, statement: str, path: str) -> None:
    """They are found, and made anew from the document, which stays as it is; then filters find the item again."""
    library = filled(sql)
    with hands(sql) as file:
        file.run(statement)
    before = rows_of(sql)

    look, mend, after = library.check_integrity(), library.check_integrity(apply=True), library.check_integrity()

    assert told(look.findings) == told(mend.findings) == [("books", "b0", path, "companion")]
    assert (look.mended, mend.mended, after.total) == (0, 1, 0)
    assert rows_of(sql) == before
    assert [book["_id"] for book in library.books.select({"pages": 0})] == ["b0"]


def test_a_document_that_says_something_else_than_its_cells(sql: Place) -> None:
    """The document is right."""
    library = filled(sql)
    edit(sql, "books", "b0", pages=5)

    assert told(library.check_integrity(apply=True).findings) == [("books", "b0", "$.pages", "companion")]
    assert [book["_id"] for book in library.books.select({"pages": 5})] == ["b0"]


def test_a_cell_of_another_type(sqlite: Place) -> None:
    """SQLite lets it be; it is made anew."""
    library = filled(sqlite)
    with hands(sqlite) as file:
        file.run("UPDATE books SET pages = '1' || 'x' WHERE _id = 'b0'")

    assert told(library.check_integrity(apply=True).findings) == [("books", "b0", "$.pages", "companion")]
    assert library.check_integrity().total == 0


def test_rows_of_a_list_without_a_document(sql: Place) -> None:
    """They are found under the `_id` that they name, and removed."""
    library = filled(sql)
    with hands(sql) as file:
        file.run("""INSERT INTO "books/about" VALUES ('b1', 'gone')""")

    report = library.check_integrity(apply=True)

    assert told(report.findings) == [("books", "gone", "$.about", "companion")]
    assert report.is_clean
    assert library.check_integrity().total == 0


def test_a_cell_that_a_unique_index_refuses(sql: Place) -> None:
    """Where documents share a unique value that their cells do not, nothing is mended, and all else is."""
    library = filled(sql)
    edit(sql, "books", "b1", isbn="i0")
    with hands(sql) as file:
        file.run("UPDATE books SET pages = 77 WHERE _id = 'b2'")

    for number in range(2):
        report = library.check_integrity(apply=True)
        wrong = [("books", "b0", "$.isbn", "shared_value"), ("books", "b1", "$.isbn", "companion")]
        assert told(report.findings) == wrong + ([] if number else [("books", "b2", "$.pages", "companion")])
        assert report.mended == 1 - number


def test_a_dangling_link_whose_cell_disagrees_too(sql: Place) -> None:
    """Both are mended in one run."""
    library = filled(sql)
    edit(sql, "books", "b0", author="zoe")

    report = library.check_integrity(apply=True)

    wrong = [("books", "b0", "$.author", "companion"), ("books", "b0", "$.author", "dangling")]
    assert told(report.findings) == wrong
    assert report.is_clean
    assert library.check_integrity().total == 0
    assert audit(library) == []


def test_an_index_that_misses_rows(sqlite: Place) -> None:
    """SQLite says so, and the index is made anew."""
    library = filled(sqlite)
    name = "books/pages#index"
    with hands(sqlite) as file:
        file.run("PRAGMA writable_schema = ON")
        ((sql,),) = file.run("SELECT sql FROM sqlite_master WHERE name = ?", name)
        file.run("UPDATE sqlite_master SET sql = sql || ' WHERE pages > 1' WHERE name = ?", name)
    with hands(sqlite) as file:
        file.run(
            "INSERT INTO books (_id, _rev, _schema, author, pages, publisher, _document) "
            "SELECT 'b9', _rev, _schema, author, 0, publisher, "
            "json_remove(json_set(_document, '$._id', 'b9', '$.pages', 0), '$.isbn', '$.shelf', '$.about') "
            "FROM books WHERE _id = 'b2'"
        )
        file.run("PRAGMA writable_schema = ON")
        file.run("UPDATE sqlite_master SET sql = ? WHERE name = ?", sql, name)
    library = reopened(sqlite)

    look = library.check_integrity()
    assert told(look.findings) == [("books", None, "$", "damage")]
    assert look.findings[0].mendable
    assert library.check_integrity(apply=True).mended == 1
    assert library.check_integrity().total == 0
    assert [book["_id"] for book in library.books.select({"pages": 0})] == ["b0", "b9"]


def test_a_damaged_file(sqlite: Place) -> None:
    """It is reported, not mended, and the other collections are looked at all the same."""
    library = filled(sqlite)
    library.close()
    path = sqlite.folder / "shop.sqlite"
    with hands(sqlite) as file:
        ((page,),) = file.run("SELECT rootpage FROM sqlite_master WHERE name = 'books'")
        ((size,),) = file.run("PRAGMA page_size")
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(bytes(content))

    report = reopened(sqlite).check_integrity(apply=True)

    found = told(report.findings)
    assert ("books", None, "$", "damage") in found
    assert report.mended == 0
    assert not report.is_clean


def test_a_document_that_is_no_json(sqlite: Place) -> None:
    """It is reported, and what names it is not taken for dangling."""
    library = filled(sqlite)
    with hands(sqlite) as file:
        file.run("UPDATE authors SET _document = '{\"name\": ' WHERE _id = 'dan'")

    for apply in (False, True):
        report = library.check_integrity(apply=apply)
        assert told(report.findings) == [("authors", "dan", "$", "unreadable")]
        assert not report.is_clean


def test_a_yaml_file_that_cannot_be_read(yaml: Place) -> None:
    """It is reported with its path, what names it is not taken for dangling, and the rest is looked at."""
    library = filled(yaml)
    (yaml.folder / "authors" / "dan.yml").write_text("name: [")
    book = yaml.folder / "books" / "b2.yml"
    book.write_text(book.read_text().replace("author: bob", "author: zoe"))
    library = reopened(yaml)
    with pytest.raises(DBError, match=r"dan\.yml"):
        library.authors.get_by_id("dan")

    report = library.check_integrity(apply=True)

    assert told(report.findings) == [("authors", "dan", "$", "unreadable"), ("books", "b2", "$.author", "dangling")]
    assert "dan.yml cannot be read" in _text(report.findings, "dan")
    assert report.mended == 1
    assert told(library.check_integrity(apply=True).findings) == [("authors", "dan", "$", "unreadable")]


def test_a_yaml_file_edited_while_the_library_is_open(yaml: Place) -> None:
    """Once it is seen, it is found and mended as any other document; edited by hand it still fits."""
    library = filled(yaml)
    book = yaml.folder / "books" / "b0.yml"
    book.write_text(book.read_text().replace("author: ann", "author: zoe"))
    assert library.books.get_by_id("b0").author == "zoe"

    assert library.check_integrity(apply=True).mended == 1
    assert library.books.get_by_id("b0").author is None
    assert audit(library) == []


def _text(findings: list[Finding], id_: str) -> str:
    return next(one.text for one in findings if one.id == id_)


def test_a_collection_that_stays_usable(sql: Place) -> None:
    """What is refused because of its stored data is refused again after a check, which changes nothing of that."""
    library: Backoffice = filled(sql)
    with hands(sql) as file:
        file.run('DROP INDEX "books/isbn#unique"')
        file.run("UPDATE books SET isbn = 'i0'")
    for id_ in ("b0", "b1", "b2"):
        edit(sql, "books", id_, isbn="i0")
    library = reopened(sql)

    with pytest.raises(DBError, match="cannot be unique"):
        library.books.get_by_id("b0")
    report = library.check_integrity(apply=True)
    assert told(report.findings) == [("books", "b0", "$.isbn", "shared_value")]
    assert report.findings[0].others == ("b1", "b2")
    with pytest.raises(DBError, match="cannot be unique"):
        library.books.get_by_id("b0")
