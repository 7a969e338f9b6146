"""The chapters "Action", "rights for actions" and "Actions routes" of the document."""

from datetime import datetime
from typing import Any

import pytest
from flask import request

from backo import RightError, current_user
from backo.context import request_context
from tests.examples.media_library import media_library
from tests.features.dialogue import Dialogue
from tests.work.stores import Stores

DUE = "2024-03-01T12:00:00"


def authenticate() -> None:
    """Fill `current_user`, as the chapter "Authentication" says."""
    if "X-Role" in request.headers:
        current_user.set({"_id": "7", "login": "seven", "roles": [request.headers["X-Role"]]})


def test_chapter_action_borrow(stores: Stores) -> None:
    """Chapters "Action" and "Actions routes": the example lends a book to a user, from a time to a time."""
    talk = Dialogue(media_library(stores), auth=authenticate)

    answer = talk(
        "POST /media_library/books/_actions/borrow/666",
        {"user_id": "wallrich", "return_date": DUE},
        {"X-Role": "EMPLOYEE"},
    )

    assert answer.status == 200
    assert (answer.body["title"], answer.body["borrowed"]) == ("Docker en pratique", True)
    assert (answer.body["borrow"]["user"], answer.body["borrow"]["return_date"]) == ("wallrich", DUE)
    assert datetime.fromisoformat(answer.body["borrow"]["date"]).microsecond == 0
    assert answer.body["_meta"]["modified_by"] == {"_id": "7", "login": "seven"}
    assert talk("GET /media_library/users/wallrich").body["borrowed"] == ["666"]


def test_chapter_action_parameters(stores: Stores) -> None:
    """Chapter "Action": both parameters are required, and checked."""
    talk = Dialogue(media_library(stores), auth=authenticate)

    refused = talk("POST /media_library/books/_actions/borrow/666", {"return_date": "tomorrow"}, {"X-Role": "EMPLOYEE"})

    assert refused.status == 422
    assert {one["path"] for one in refused.body["errors"]} == {"$.user_id", "$.return_date"}


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"X-Role": "READER"}, 403), ({"X-Role": "EMPLOYEE"}, 200)])
def test_chapter_rights_for_actions_can_execute(stores: Stores, headers: dict[str, str], status: int) -> None:
    """Chapter "rights for actions": `can_execute` says who can."""
    talk = Dialogue(media_library(stores), auth=authenticate)
    values = {"user_id": "lang", "return_date": DUE}

    assert talk("POST /media_library/books/_actions/borrow/666", values, headers).status == status


def test_chapter_rights_for_actions_can_see(stores: Stores) -> None:
    """Chapter "rights for actions": a book that is borrowed cannot be borrowed, by whoever it is."""
    backoffice = media_library(stores)
    book: Any = backoffice.books.get_by_id("666")
    values = {"user_id": "lang", "return_date": DUE}

    with request_context():
        current_user.set({"_id": "7", "roles": ["EMPLOYEE"]})
        assert book.run_action("borrow", values) is None
        assert book.borrowed
        with pytest.raises(RightError):
            book.run_action("borrow", values)
