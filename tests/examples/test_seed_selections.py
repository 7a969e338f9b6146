"""The chapters "Selection" and "Selections routes" of the document."""

from typing import Any

import pytest

from backo import Backoffice
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
    """Chapter "Selection": the selection of borrowed books gives its rows, as a list.

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
