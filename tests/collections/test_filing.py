"""Files of items as Python code uses them, through saves of several writers, on each store."""

import io
from typing import Any

import pytest

from backo import (
    BlobFile,
    ConflictError,
    DefinitionError,
    Dict,
    File,
    Item,
    List,
    MemoryFileConnector,
    State,
    String,
    ValidationError,
)
from backo.context import addressed
from backo.files.places import Files
from tests.work.conftest import stores
from tests.work.stores import Stores

__all__ = ["stores"]


class Books:
    """A collection of books with files, and what keeps them."""

    def __init__(self, stores: Stores, **more: Any) -> None:
        self.work, self.storage = MemoryFileConnector(), MemoryFileConnector()
        item = Item(
            {
                "name": String(required=True),
                "cover": File(work=self.work, storage=self.storage, **more),
                "scan": File(work=self.work),
                "thumb": BlobFile(max_size=10),
                "shop": Dict({"logo": File(work=self.work), "name": String()}),
                "pages": List(Dict({"number": String(), "image": File(work=self.work)})),
            }
        )
        self.backoffice = stores.backoffice({"books": item})
        self.collection: Any = self.backoffice.books

    def create(self, **values: Any) -> Any:
        """Create a book."""
        return self.collection.create({"name": "a", **values})

    def count(self) -> tuple[int, int]:
        """Count what the connectors keep."""
        return len(list(self.work.ids())), len(list(self.storage.ids()))


@pytest.fixture
def books(stores: Stores) -> Books:
    """Give an empty collection on each store."""
    return Books(stores)


def test_a_file_is_set_read_and_saved(books: Books) -> None:
    """As bytes, text or a stream; its status is that of the item."""
    book = books.create(cover=b"cover", shop={"logo": "logo"})
    assert (book.status, books.count()) == (State.SAVED, (2, 1))

    book.cover.set_content(io.BytesIO(b"new cover"))
    book.shop.logo.filename = "logo.csv"
    assert book.status is State.UNSAVED
    book.save()

    again = books.collection.get_by_id("a")
    assert again.cover.get_content() == b"new cover"
    assert (again.shop.logo.filename, again.shop.logo.content_type) == ("logo.csv", "text/csv")
    assert books.count() == (2, 1)
    with again.cover.open(4, 5) as stream:
        assert stream.read() == b"cover"
    again.delete()
    assert books.count() == (0, 0)


def test_groups_and_files_of_items_can_be_given_on(books: Books) -> None:
    """To the same item they change nothing, to another one they are copies."""
    book = books.create(cover=b"cover", shop={"logo": b"logo"}, pages=[{"number": "1", "image": b"page"}])
    other = books.collection.create({"name": "b"})

    book.shop, book.pages, book.cover = book.shop, list(book.pages), book.cover
    assert book.status is State.SAVED
    book.set(book.get_value() | {"name": "a"})
    assert book.status is State.SAVED
    other.set({"cover": book.cover, "shop": book.shop, "pages": book.pages})
    other.save()
    book.delete()

    kept = books.collection.get_by_id("b")
    assert kept.cover.get_content() == b"cover"
    assert kept.shop.logo.get_content() == b"logo"
    assert kept.pages[0].image.get_content() == b"page"
    assert books.count() == (3, 1)


def test_two_writers_change_different_files(books: Books) -> None:
    """Both changes stay: a new content here, another name there."""
    books.create(cover=b"cover", scan=b"scan")
    one, other = books.collection.get_by_id("a"), books.collection.get_by_id("a")

    one.scan.filename = "renamed.md"
    one.save()
    other.cover = b"new cover"
    other.save()

    again = books.collection.get_by_id("a")
    assert (again.scan.filename, again.cover.get_content()) == ("renamed.md", b"new cover")
    assert (other.scan.filename, other.scan.get_content()) == ("renamed.md", b"scan")


def test_two_writers_change_one_file(books: Books) -> None:
    """The second one is told, and what he had brought is gone with it."""
    books.create(cover=b"cover")
    one, other = books.collection.get_by_id("a"), books.collection.get_by_id("a")
    one.cover = b"one"
    one.save()

    other.cover = b"other"
    with pytest.raises(ConflictError):
        other.save()

    assert books.collection.get_by_id("a").cover.get_content() == b"one"
    assert books.count() == (1, 1)


def test_reloading_forgets_what_was_set(books: Books) -> None:
    """The file is the stored one again, its name too."""
    book = books.create(cover=b"cover")
    book.cover.filename = "other.txt"
    book.reload()
    assert book.cover.filename == "file.txt"

    book.cover = b"new"
    book.reload()
    assert book.cover.get_content() == b"cover"


def test_an_inner_transaction_that_fails_takes_its_files_back(books: Books) -> None:
    """The outer one commits, with its own files and no others."""
    book = books.create(cover=b"cover")
    with books.backoffice.transaction():
        book.scan = b"scan"
        book.save()
        with pytest.raises(ZeroDivisionError), books.backoffice.transaction():
            book.cover = b"new"
            book.save()
            books.collection.create({"name": "b", "cover": b"b"})
            raise ZeroDivisionError

    assert books.count() == (2, 1)
    again = books.collection.get_by_id("a")
    assert (again.cover.get_content(), again.scan.get_content()) == (b"cover", b"scan")


def test_a_constraint_sees_the_file(stores: Stores) -> None:
    """And may look into it."""
    books = Books(stores, constraint=lambda file: b"\r" not in file.get_content())

    with pytest.raises(ValidationError, match="not valid"):
        books.create(cover=b"a\r\n")
    assert books.create(cover=b"a\n").cover.size == 2
    assert books.count() == (1, 1)


def test_addresses_are_known_while_somebody_asks_through_one(books: Books) -> None:
    """In a handler of a request, and for this application alone."""
    book = books.create(cover=b"cover", pages=[{"image": b"page"}])
    unsaved = books.collection.set({"name": "b", "cover": b"b"})

    with addressed(books.backoffice, "/api/shop"):
        assert book.cover["href"] == "/api/shop/books/a/cover"
        assert book.get_value()["pages"][0]["image"]["href"] == "/api/shop/books/a/pages/0/image"
        assert unsaved.cover["href"] is None
    with addressed(object(), "/other"):
        assert book.cover["href"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"file": BlobFile(views=["!save"])},
        {"group": Dict({"file": BlobFile()}, views=["!save"])},
        {"group": Dict({"file": BlobFile()}, set=lambda item: {"file": b"x"})},
    ],
    ids=["not-stored", "in-a-group-that-is-not", "in-a-computed-group"],
)
def test_files_that_could_not_be_kept(stores: Stores, fields: Any) -> None:
    """They fail at assembly, with the path."""
    with pytest.raises(DefinitionError, match=r"\$\.(group\.)?file"):
        stores.backoffice({"books": Item({"name": String(), **fields})})


def test_a_default_is_a_file_of_each_item(stores: Stores) -> None:
    """Items do not share it; `_meta` tells what it is, and no content."""
    books = Books(stores, default=b"blank")
    one, other = books.create(), books.collection.create({"name": "b"})

    one.delete()

    assert books.collection.get_by_id("b").cover.get_content() == b"blank"
    assert other.cover.file_id != one.cover.file_id
    assert books.count() == (1, 1)


def test_a_collection_without_files_knows_nothing_of_them(stores: Stores) -> None:
    """Its items are those of before, and the routes find no file fields."""
    backoffice = stores.backoffice({"books": Item({"name": String()})})
    files: Files = backoffice.operations.files("books")

    assert files == {}
    assert backoffice.books.entry.contents is None
    assert type(backoffice.books.new()).__mro__[1].__name__ == "Entity"
