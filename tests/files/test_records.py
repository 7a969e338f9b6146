"""Files in real records, as far as a record alone goes."""

import pytest

from backo.errors import ValidationError
from backo.files.places import for_clients, leaves
from backo.items.generating import record_class
from backo.items.record import Record
from tests.files.items import Library


@pytest.fixture
def book() -> Record:
    """Give a book with files everywhere."""
    book = record_class(Library().schema, Record)()
    book.set({"cover": b"cover", "shop": {"logo": "logo"}, "photos": [b"1", b"2"], "pages": [{"image": b"p"}]})
    return book


def test_files_are_read_and_changed_through_their_record(book: Record) -> None:
    """At the top, in groups, in lists, and in groups inside lists."""
    book["cover"].filename = "table.csv"
    book["shop"].logo = b"new logo"
    book["photos"][0].set_content(b"new")
    book["photos"].append(b"3")
    book["pages"][0].image.set(b"new page")
    book["thumb"].set(b"thumb")

    assert book["cover"].content_type == "text/csv"
    assert book["shop"].logo.get_content() == b"new logo"
    assert [photo.get_content() for photo in book["photos"]] == [b"new", b"2", b"3"]
    assert book["pages"][0].image.get_content() == b"new page"
    assert book["thumb"].get_content() == b"thumb"


def test_an_unset_file_is_false_and_can_be_set(book: Record) -> None:
    """It equals None, as the plain value is."""
    assert not book["scan"]
    assert book["scan"] == None  # noqa: E711  # the comparison is what is tested
    assert book.get_value()["scan"] is None

    book["cover"] = None

    assert not book["cover"]


def test_plain_values_are_those_of_clients(book: Record) -> None:
    """Facts, and no content."""
    value = book.get_value()

    assert value["cover"] == {**book["cover"].version.facts(), "href": None}
    assert value["photos"][0]["size"] == 1
    assert value["pages"][0]["image"]["content_type"] == "text/plain"
    assert book.select("$.cover.filename") == "file.txt"
    assert book.select("$.photos.size") == [1, 1]


def test_what_is_refused_names_its_path(book: Record) -> None:
    """With the rest of what is wrong, and nothing changes."""
    with pytest.raises(ValidationError) as refused:
        book.set({"thumb": b"x" * 1001, "photos": [b"1", {"file_id": "x"}], "title": 3})

    assert sorted((one.path, one.code) for one in refused.value.problems) == [
        ("$.photos[1]", "file"),
        ("$.thumb", "max_size"),
        ("$.title", "type"),
    ]
    assert not book["thumb"]


def test_documents_have_files_where_they_are_looked_for(book: Record) -> None:
    """What walks documents finds what records write."""
    library = Library()
    document = book._encode()

    found = [place for path in library.files for place, _ in leaves(path, document)]

    assert found == [("cover",), ("shop", "logo"), ("photos", 0), ("photos", 1), ("pages", 0, "image")]
    assert "digest" not in for_clients(library.files, document, lambda place: None)["shop"]["logo"]
