"""The chapters "Selection" and "Selections routes" of the document."""

from typing import Any

import pytest

from backo import Backoffice, Bool, Collection, Item, Selection, String, current_user
from tests.examples.media_library import media_library
from tests.features.dialogue import Dialogue
from tests.work.stores import Stores


def lent(stores: Stores) -> Backoffice:
    """Give the media library, where two books are borrowed."""
    backoffice = media_library(stores)
    for id_, user in {"666": "wallrich", "1234": "lang"}.items():
        book: Any = backoffice.books.get_by_id(id_)
        book.borrow.user = user
        book.save()
    return backoffice


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_chapter_selection_borrowed(stores: Stores, method: str) -> None:
    """Chapters "Selection" and "Selections routes": the selection of borrowed books gives its rows, as a list.

    The document writes `coll/` in the address, which no route has.
    """
    talk = Dialogue(lent(stores))

    answer = talk(f"{method} /media_library/books/_selections/borrowed?_page=10")

    assert answer.status == 200
    assert sorted(answer.body.pop("result")) == [
        ["1234", "Martine en ville", "Lang"],
        ["666", "Docker en pratique", "Wallrich"],
    ]
    assert answer.body.items() >= {"total": 2, "_skip": 0, "_page": 10}.items()


@pytest.mark.parametrize(
    ("query", "title"), [("title.$reg=Martine", "Martine en ville"), ("title.$reg=Dock", "Docker en pratique")]
)
def test_chapter_selection_narrowed(stores: Stores, query: str, title: str) -> None:
    """Chapters "Selection" and "Selections routes": a query string narrows it; a book that nobody has stays away."""
    talk = Dialogue(lent(stores))

    answer = talk(f"GET /media_library/books/_selections/borrowed?{query}")

    assert ([row[1] for row in answer.body["result"]], answer.body["total"]) == ([title], 1)


def test_chapter_selections_routes_post(stores: Stores) -> None:
    """Chapter "Selections routes": POST does the selection with a complex filter."""
    talk = Dialogue(lent(stores))

    answer = talk(
        "POST /media_library/books/_selections/borrowed",
        {"$or": [{"title": ["$reg", "mer"]}, {"borrow": {"user": "lang"}}]},
    )

    assert answer.body["result"] == [["1234", "Martine en ville", "Lang"]]


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("READER", 403), ("EMPLOYEE", 200)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_chapter_rights_for_selections(stores: Stores, method: str, role: str | None, status: int) -> None:
    """Chapter "rights for selections": `can_read` says who can do the selection, whatever else he may read."""
    asked: list[str] = []

    def your_function_name(right_name: str, o: Item) -> bool:
        asked.append(right_name)
        return current_user.has_role("EMPLOYEE")

    def authenticate() -> None:
        if role is not None:
            current_user.set({"_id": "7", "login": "seven", "roles": [role]})

    borrowed_book_select = Selection(["$.title"], filter={"borrowed": True}, can_read=your_function_name)
    books = Collection("books", Item({"title": String(), "borrowed": Bool()}), stores.connector("books"))
    books.register_selection("borrowed", borrowed_book_select)
    backoffice = Backoffice("media_library")
    stores.opened.append(backoffice)
    backoffice.register_collection(books)
    backoffice.books.create({"title": "Winter forever", "borrowed": True})
    talk = Dialogue(backoffice, auth=authenticate)

    assert talk(f"{method} /media_library/books/_selections/borrowed").status == status
    assert talk("GET /media_library/books").status == 200
    assert set(asked) == {"read"}
