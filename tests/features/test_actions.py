import logging
from typing import Any

import pytest

from tests.features.dialogue import Answer, Dialogue, problem
from tests.features.lending import READER, STAFF, library
from tests.work.stores import audit, dump

BORROW = "POST /library/books/_actions/borrow/"
B4 = {
    "name": "b4",
    "title": None,
    "price": None,
    "tags": None,
    "lines": None,
    "place": None,
    "more": None,
    "label": "b4: None",
    "author": None,
    "borrow": None,
    "borrowed": False,
    "_id": "b4",
}
LENT = {"user": "lang", "until": "2024-03-01"}
SOUND = {"user_id": "lang", "until": "2024-03-01"}


def test_an_action(lend: Dialogue) -> None:
    """It answers with the item as it is stored now, and its ETag."""
    answer = lend(f"{BORROW}b4", SOUND, STAFF)

    assert answer == Answer(200, {**B4, "borrow": LENT, "borrowed": True})
    again = lend("GET /library/books/b4")
    assert (again, again.headers["ETag"]) == (answer, answer.headers["ETag"])
    assert lend("GET /library/people?borrowed=b4").body["result"][0]["_id"] == "lang"
    assert audit(library.current) == []


def test_another_view(lend: Dialogue) -> None:
    """The view may be asked for, as with any item; its ETag is the one that `If-Match` names then."""
    etag = lend("GET /library/books/b4?_view=nothing").headers["ETag"]

    answer = lend(f"{BORROW}b4/?_view=nothing", SOUND, {**STAFF, "If-Match": etag})

    assert (answer.status, answer.body["borrow"]) == (200, LENT)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param(
            None, [("$.user_id", "required", "Is required"), ("$.until", "required", "Is required")], id="none"
        ),
        pytest.param(
            {"user_id": 1, "days": 0, "when": "now", "remarks": [{"text": "a"}, {"text": 2}]},
            [
                ("$.user_id", "type", "Must be a string"),
                ("$.days", "min", "Must be at least 1"),
                ("$.when", "unknown", "There is no such field"),
                ("$.remarks[1].text", "type", "Must be a string"),
                ("$.until", "required", "Is required"),
            ],
            id="several",
        ),
        pytest.param(
            {**SOUND, "remarks": [{}]}, [("$.remarks[0].text", "required", "Is required")], id="required-inside"
        ),
        pytest.param(
            [],
            [
                ("$", "type", "Must be an object"),
                ("$.user_id", "required", "Is required"),
                ("$.until", "required", "Is required"),
            ],
            id="no-object",
        ),
        pytest.param(
            {**SOUND, "_id": "b1"},
            [("$._id", "unknown", "There is no such field; did you mean 'user_id'?")],
            id="id",
        ),
    ],
)
def test_parameters(lend: Dialogue, body: Any, errors: list[tuple[str, str, str]]) -> None:
    """They are checked as an item is: every problem is told with its path, and nothing is done."""
    before = dump(library.current)

    answer = lend(f"{BORROW}b4", body, STAFF)

    expected = problem(422, "Unprocessable Content", "invalid", "borrow is not valid", *errors)
    assert sorted(answer.body["errors"], key=str) == sorted(expected.body["errors"], key=str)
    assert {**answer.body, "errors": []} == {**expected.body, "errors": []}
    assert dump(library.current) == before


@pytest.mark.parametrize(
    ("user", "status"), [pytest.param({}, 401, id="nobody"), pytest.param(READER, 403, id="somebody")]
)
@pytest.mark.parametrize("action", ["borrow", "hidden"])
def test_rights(lend: Dialogue, user: dict[str, str], status: int, action: str) -> None:
    """Who may not is told so, before parameters are looked at; a right that raises denies."""
    answer = lend(f"POST /library/books/_actions/{action}/b4", {"x": 1}, user)

    title = {401: "Unauthorized", 403: "Forbidden"}[status]
    detail = f"the action {action!r} of 'books' is not for this user and this item"
    assert answer == problem(status, title, "right", detail)


def test_an_action_that_makes_no_sense_for_an_item(lend: Dialogue) -> None:
    """What cannot be seen on an item cannot be done with it, whoever asks."""
    assert lend(f"{BORROW}b2", SOUND, STAFF).status == 403


def test_what_is_not_there(lend: Dialogue) -> None:
    """An unknown item answers as elsewhere; so does what is no action, and what could be no id."""
    assert lend(f"{BORROW}b9", SOUND, STAFF) == lend("GET /library/books/b9")
    for path in (
        "books/_actions/borow/b4",
        "people/_actions/borrow/ann",
        "books/_actions/borrow/%00",
        "x/_actions/b/b",
    ):
        assert lend(f"POST /library/{path}", SOUND, STAFF).status == 404
    hint = "there is no action 'borow' in 'books' (did you mean 'borrow'?)"
    assert lend("POST /library/books/_actions/borow/b4", {}, STAFF) == problem(404, "Not Found", "not_found", hint)


@pytest.mark.parametrize(
    ("name", "allow"), [("borrow", "POST, OPTIONS"), ("closed", "OPTIONS"), ("not_there", "OPTIONS")]
)
def test_methods(lend: Dialogue, name: str, allow: str) -> None:
    """An action takes POST alone; one that is for nobody takes nothing, for no item."""
    path = f"/library/books/_actions/{name}/b9"

    options = lend(f"OPTIONS {path}")
    assert (options, options.headers["Allow"]) == (Answer(204), allow)
    for method in {"GET", "HEAD", "PUT", "DELETE", "POST"} - set(allow.split(", ")):
        refused = lend(f"{method} {path}", None, STAFF)
        assert (refused.status, refused.headers["Allow"]) == (405, allow)


def test_another_version(lend: Dialogue) -> None:
    """`If-Match` holds for actions too."""
    etag = lend("GET /library/books/b4").headers["ETag"]

    assert lend(f"{BORROW}b4", SOUND, {**STAFF, "If-Match": '"other"'}).status == 412
    assert lend("GET /library/books/b4").body == B4
    assert lend(f"{BORROW}b4", SOUND, {**STAFF, "If-Match": etag}).status == 200


@pytest.mark.parametrize(
    ("how", "status", "detail"),
    [
        ("invalid", 422, "books is not valid"),
        ("dangling", 422, "a reference is missing, or names an item that does not exist"),
        ("right", 403, "not you"),
        ("conflict", 409, "too late"),
        ("refused", 422, "no"),
        ("bug", 500, "something went wrong here; it is logged"),
        ("a set", 500, "something went wrong here; it is logged"),
        ("something inside", 500, "something went wrong here; it is logged"),
        ("a time", 500, "something went wrong here; it is logged"),
        ("no number", 500, "something went wrong here; it is logged"),
    ],
)
def test_failures(lend: Dialogue, how: str, status: int, detail: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever an action raises, or cannot give back, undoes all that it did; what is a mistake of ours is logged."""
    before = dump(library.current)

    with caplog.at_level(logging.ERROR, "backo"):
        answer = lend("POST /library/books/_actions/fail/b1", {"how": how}, READER)

    assert (answer.status, answer.body["detail"]) == (status, detail)
    assert dump(library.current) == before
    assert ("action 'fail'" in caplog.text) == (status == 500)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("text", "done"),
        ("zero", 0),
        ("no", False),
        ("draft", {**B4, "name": "draft", "price": "1.5", "label": "draft: None", "_id": None}),
        ("item", {"_id": "b1", "price": "12.50", "tags": ["x", "y", "z"], "label": "b1: Docker", "borrow": None}),
        ("parts", {"tags": ["x", "y", "z"], "lines": None, "author": "ann"}),
        ("found", [{"name": "lang", "login": "Lang", "friend": None, "books": [], "borrowed": []}]),
    ],
)
def test_results(lend: Dialogue, what: str, expected: Any) -> None:
    """What an action gives back is the answer; items are shown as a client knows them."""
    answer = lend("POST /library/books/_actions/give/b1", {"what": what})

    assert answer.status == 200
    assert "ETag" not in answer.headers
    assert shown_there(answer.body, expected)
    assert "secret" not in str(answer.body)


def shown_there(found: Any, expected: Any) -> bool:
    """Tell whether everything that is expected is there; more may be."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(name in found and shown_there(found[name], value) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(shown_there, found, expected))
    return bool(found == expected)


def test_a_result_of_several_items(lend: Dialogue) -> None:
    """Items inside are shown as each would be on its own."""
    answer = lend("POST /library/books/_actions/give/b1", {"what": "items"})

    one, other = lend("GET /library/books/b1").body, lend("GET /library/books/b2").body
    assert answer == Answer(200, {"author": lend("GET /library/people/ann").body, "books": [one, one, other]})


def test_no_result(lend: Dialogue) -> None:
    """The body may be left out; the item is the answer, null when it is gone."""
    assert lend("POST /library/books/_actions/give/b4") == Answer(200, B4)
    gone = lend("POST /library/books/_actions/remove/b4", b"")

    assert (gone, gone.headers["Content-Type"]) == (Answer(200, None), "application/json")
    assert "ETag" not in gone.headers
    assert lend("GET /library/books/b4").status == 404


def test_the_description(lend: Dialogue) -> None:
    """It lists the actions with their parameters and their rights."""
    books, people = lend("GET /library/_meta").body["collections"]

    assert [one["name"] for one in books["actions"]] == [
        "borrow",
        "fail",
        "give",
        "remove",
        "hidden",
        "closed",
        "not_there",
    ]
    borrow = books["actions"][0]
    assert list(borrow) == ["name", "description", "item", "rights"]
    assert (borrow["description"], borrow["rights"]) == ("Lend a book.", {"see": "func", "execute": "func"})
    assert (borrow["item"]["type"], borrow["item"]["type_short"]) == ("<class 'backo.action.Action'>", "Action")
    assert list(borrow["item"]["sub_scheme"]) == ["user_id", "until", "days", "remarks"]
    assert borrow["item"]["sub_scheme"]["days"]["default"] == 14
    assert books["actions"][-2]["rights"] == {"see": None, "execute": False}
    assert people["actions"] == []
