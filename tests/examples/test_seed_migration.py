"""The chapter "migration" of the document: its function and its calls, on a library as it has one.

Mended: the examples call the back office `myapp` and `mybackoffice` in turn; here it has one name.
The first function deletes a key, so it is shown with an item that has it.
"""

from pathlib import Path
from typing import Any

import pytest
from deepdiff import DeepDiff

from backo import Backoffice, Collection, DBSqliteConnector, Float, Item, StoredDataError, String

IDS = ["my_book_id", "my_book_id1", "my_book_id2"]


def library(folder: Path, **more: Any) -> Backoffice:
    """Declare the books, with more fields than they had before."""
    where = DBSqliteConnector(path=folder / "library.sqlite")
    where.generate_id = lambda book: book.title
    mybackoffice = Backoffice("library")
    mybackoffice.register_collection(Collection("books", Item({"title": String(required=True), **more}), where))
    return mybackoffice


def update_with_note(o: dict[str, Any]) -> dict[str, Any]:
    """Do operations on objects before they are set into the Item."""
    if "note" not in o:
        o["note"] = 10.0
    return o


@pytest.fixture
def mybackoffice(tmp_path: Path) -> Backoffice:
    """Books that must have a note now, and have none."""
    before = library(tmp_path)
    for title in IDS:
        before.books.create({"title": title})
    before.close()
    return library(tmp_path, note=Float(required=True))


def test_if_you_do_nothing(mybackoffice: Backoffice) -> None:
    """Chapter "migration", the example: the loading of an old item fails on the new field."""
    with pytest.raises(StoredDataError, match=r"\$\.note"):
        mybackoffice.books.get_by_id("my_book_id")


@pytest.mark.parametrize("which", [{"_id": "my_book_id"}, {"_ids": ["my_book_id1", "my_book_id2"]}, {}])
def test_check_if_data_match_the_model(mybackoffice: Backoffice, which: Any) -> None:
    """Chapter "migration", the example: a check raises an error at the first `_id`."""
    with pytest.raises(StoredDataError) as error:
        mybackoffice.migrate("books", **which)

    first = which.get("_id", which.get("_ids", IDS)[0])
    assert error.value.message.startswith(f"books/{first}:")
    assert [problem.path for problem in error.value.problems] == ["$.note"]


def test_do_it_for_real(mybackoffice: Backoffice) -> None:
    """Chapter "migration", the example: one `_id`, a list, all; first to see whether it is OK, then for real."""
    runs: list[tuple[dict[str, Any], list[str]]] = [
        ({"_id": "my_book_id"}, ["my_book_id"]),
        ({"_ids": ["my_book_id1"]}, ["my_book_id1"]),
        ({}, ["my_book_id2"]),
    ]
    for which, changed in runs:
        report = mybackoffice.migrate("books", update_with_note, **which)
        assert report.changes._ids == changed
        report = mybackoffice.migrate("books", update_with_note, dry_run=False, **which)
        assert report.changes._ids == changed

    assert [book["note"] for book in mybackoffice.books.select()] == [10.0, 10.0, 10.0]


def test_the_report(mybackoffice: Backoffice) -> None:
    """Chapter "report": its structure, and the diff in the format of DeepDiff; `_meta` is not updated."""
    mybackoffice.migrate("books", update_with_note, _id="my_book_id", dry_run=False)

    report = mybackoffice.migrate("books", update_with_note, dry_run=False)

    assert list(report.nochanges._ids) == ["my_book_id"]
    assert report.total == report.nochanges.total == 1
    assert list(report.changes._ids) == ["my_book_id1", "my_book_id2"]
    assert report.changes.total == 2
    assert list(report.changes.diff) == [DeepDiff({}, {"note": 10.0})] * 2
    book: Any = mybackoffice.books.get_by_id("my_book_id1")
    assert book._meta.mtime == book._meta.ctime


def test_adding_and_removing_a_key(tmp_path: Path) -> None:
    """Chapter "How it works": a migration function adds a key and removes one."""

    def transform_function(o: dict[str, Any]) -> dict[str, Any]:
        # Adding a new key
        if "new_key" not in o:
            o["new_key"] = "new"
        # removing
        del o["unwanted_key"]
        # ...
        return o

    before = library(tmp_path, unwanted_key=String())
    before.books.create({"title": "a", "unwanted_key": "x"})
    before.close()
    after = library(tmp_path, new_key=String(required=True))

    after.migrate("books", transform_function, dry_run=False)

    book: Any = after.books.get_by_id("a")
    assert book.new_key == "new"
