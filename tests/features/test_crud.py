import pytest

from tests.features.dialogue import ALPHA, ANN, BETA, BOB, Answer, Dialogue, problem

DELTA = {
    "title": "Delta",
    "pages": 7,
    "tags": None,
    "place": {"room": "west", "shelf": None},
    "author": "a2",
    "_id": "b4",
}


def test_creating(talk: Dialogue) -> None:
    """What is created comes back whole, with its id, and both sides of the reference know it."""
    answer = talk("POST /library/books", {"title": "Delta", "pages": 7, "place": {"room": "west"}, "author": "a2"})

    assert answer == Answer(201, DELTA)
    assert answer.headers["Location"] == "/library/books/b4"
    assert talk("GET /library/books/b4") == Answer(200, DELTA)
    assert talk("GET /library/authors/a2") == Answer(200, {**BOB, "books": ["b3", "b4"]})


def test_creating_as_curl_does(talk: Dialogue) -> None:
    """What `curl -d` sends is JSON, whatever it says."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = talk("POST /library/authors/", b'{"name": "Cid"}', form)

    assert answer == Answer(201, {"name": "Cid", "mail": None, "books": [], "_id": "a3"})


def test_stamps(talk: Dialogue) -> None:
    """Items carry when they were made and changed, and by whom."""
    nobody = {"_id": "000", "login": "ANONYMOUS"}
    stamp = {
        "ctime": "2024-01-31T12:00:00Z",
        "mtime": "2024-01-31T12:00:00Z",
        "created_by": nobody,
        "modified_by": nobody,
    }

    answer = talk("POST /library/logs", {"text": "é", "more": {"z": 1, "a": [None]}})

    assert answer == Answer(201, {"text": "é", "more": {"z": 1, "a": [None]}, "_id": "l1", "_meta": stamp})


@pytest.mark.parametrize(
    ("request_line", "body", "errors"),
    [
        pytest.param(
            "POST /library/books",
            {"pages": 0, "tags": ["a", 1], "place": {"shelf": "1", "floor": 2}, "author": "a9"},
            [
                ("$.pages", "min", "Must be at least 1"),
                ("$.tags[1]", "type", "Must be a string"),
                ("$.place.shelf", "type", "Must be an integer"),
                ("$.place.floor", "unknown", "There is no such field"),
                ("$.title", "required", "Is required"),
            ],
            id="several",
        ),
        pytest.param("POST /library/books", {"author": "a1"}, [("$.title", "required", "Is required")], id="missing"),
        pytest.param("PUT /library/books/b1", [], [("$", "type", "Must be an object")], id="a-list"),
        pytest.param(
            "PUT /library/books/b1",
            {"pages": 13},
            [("$.pages", "constraint", "Is refused by a constraint")],
            id="constraint",
        ),
        pytest.param("PUT /library/books/b1", {"title": None}, [("$.title", "required", "Is required")], id="emptied"),
        pytest.param("PUT /library/books/b1", {"_id": "b7"}, [("$._id", "read_only", "Cannot be set")], id="id"),
    ],
)
def test_values_that_do_not_fit(
    talk: Dialogue, request_line: str, body: object, errors: list[tuple[str, str, str]]
) -> None:
    """Everything that is wrong is told at once, each with its path, and nothing is stored."""
    expected = problem(422, "Unprocessable Content", "invalid", "books is not valid", *errors)

    assert talk(request_line, body) == expected
    assert talk("GET /library/books/b1") == Answer(200, ALPHA)
    assert talk("GET /library/books?_page=1").body["total"] == 3


def test_a_reference_to_nothing(talk: Dialogue) -> None:
    """A reference names something that exists."""
    for request in ("POST /library/books", "PUT /library/books/b1"):
        answer = talk(request, {"title": "Delta", "author": "a9"})

        assert (answer.status, [one["path"] for one in answer.body["errors"]]) == (422, ["$.author"])


def test_a_value_that_is_taken(talk: Dialogue) -> None:
    """A unique value is had once."""
    for request in ("POST /library/authors", "PUT /library/authors/a2"):
        answer = talk(request, {"name": "Ann"})

        assert (answer.status, [one["path"] for one in answer.body["errors"]]) == (409, ["$.name"])
    assert talk("GET /library/authors/a2") == Answer(200, BOB)


def test_changing(talk: Dialogue) -> None:
    """What is sent is merged, groups too; lists are replaced."""
    answer = talk("PUT /library/books/b1", {"pages": 5, "tags": ["old"], "place": {"shelf": 9}})

    expected = {**ALPHA, "pages": 5, "tags": ["old"], "place": {"room": "east", "shelf": 9}}
    assert answer == Answer(200, expected)
    assert talk("GET /library/books/b1") == Answer(200, expected)


def test_sending_back_what_was_read(talk: Dialogue) -> None:
    """The whole item sent back unchanged is accepted and changes nothing."""
    assert talk("PUT /library/books/b1", ALPHA) == Answer(200, ALPHA)
    assert talk("PUT /library/authors/a1", ANN) == Answer(200, ANN)


def test_moving_a_reference(talk: Dialogue) -> None:
    """Both sides follow, whichever is written."""
    talk("PUT /library/books/b1", {"author": "a2"})
    assert talk("GET /library/authors/a1").body["books"] == ["b2"]
    assert talk("GET /library/authors/a2").body["books"] == ["b1", "b3"]

    talk("PUT /library/authors/a1", {"books": ["b1", "b2"]})
    assert talk("GET /library/books/b1").body["author"] == "a1"
    assert talk("GET /library/authors/a2").body["books"] == ["b3"]


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        pytest.param({"op": "replace", "path": "$.title", "value": "Aleph"}, {"title": "Aleph"}, id="selector"),
        pytest.param({"op": "replace", "path": "/title", "value": "Aleph"}, {"title": "Aleph"}, id="pointer"),
        pytest.param([{"op": "add", "path": "/tags/-", "value": "x"}], {"tags": ["new", "long", "x"]}, id="append"),
        pytest.param([{"op": "add", "path": "$.tags[0]", "value": "x"}], {"tags": ["x", "new", "long"]}, id="insert"),
        pytest.param([{"op": "remove", "path": "/pages"}], {"pages": None}, id="remove"),
        pytest.param(
            [{"op": "test", "path": "/pages", "value": 100}, {"op": "replace", "path": "/pages", "value": 1}],
            {"pages": 1},
            id="test",
        ),
        pytest.param({"op": "copy", "from": "/tags/0", "path": "/tags/-"}, {"tags": ["new", "long", "new"]}, id="copy"),
        pytest.param(
            {"op": "copy", "from": "$.tags[1]", "path": "$.place.room"},
            {"place": {"room": "long", "shelf": 1}},
            id="copy-into-a-group",
        ),
        pytest.param({"op": "move", "from": "/tags/0", "path": "/tags/-"}, {"tags": ["long", "new"]}, id="move"),
        pytest.param(
            {"op": "move", "from": "/place/shelf", "path": "/pages"},
            {"pages": 1, "place": {"room": "east", "shelf": None}},
            id="move-out-of-a-group",
        ),
        pytest.param([], {}, id="nothing"),
    ],
)
def test_patching(talk: Dialogue, patch: object, changed: dict[str, object]) -> None:
    """Operations change parts, one or several."""
    assert talk("PATCH /library/books/b1", patch) == Answer(200, {**ALPHA, **changed})
    assert talk("GET /library/books/b1") == Answer(200, {**ALPHA, **changed})


def test_merge_patching(talk: Dialogue) -> None:
    """A merge patch removes with null."""
    form = {"Content-Type": "application/merge-patch+json"}

    answer = talk("PATCH /library/books/b1", b'{"pages": null, "place": {"room": null}}', form)

    assert answer == Answer(200, {**ALPHA, "pages": None, "place": {"room": None, "shelf": 1}})


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ([{"op": "replace", "path": "/pages", "value": 1}, {"op": "test", "path": "/title", "value": "x"}], 409),
        ([{"op": "replace", "path": "/pages", "value": 1}, {"op": "replace", "path": "/title", "value": 1}], 422),
        ([{"op": "replace", "path": "/pages", "value": 1}, {"op": "jump", "path": "/title"}], 422),
        ([{"op": "replace", "path": "/pages", "value": 1}, {"op": "remove", "path": "/nothing"}], 422),
        ("replace", 422),
    ],
)
def test_patches_that_cannot_be_applied(talk: Dialogue, patch: object, status: int) -> None:
    """All operations are applied, or none."""
    answer = talk("PATCH /library/books/b1", patch)

    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert talk("GET /library/books/b1") == Answer(200, ALPHA)


def test_copies_that_are_too_much(talk: Dialogue) -> None:
    """All copies of one patch together add about a mebibyte at most; else nothing is done."""
    created = talk("POST /library/logs", {"text": "log", "more": {"text": "x" * 400_000}}).body
    copies = [{"op": "copy", "from": "/more/text", "path": f"/more/x{number}"} for number in range(3)]

    answer = talk("PATCH /library/logs/l1", copies)

    refused = ("$.more.x2", "patch", "Is too much to be copied")
    assert answer == problem(422, "Unprocessable Content", "invalid", "the patch cannot be applied", refused)
    assert talk("GET /library/logs/l1") == Answer(200, created)
    assert set(talk("PATCH /library/logs/l1", copies[:2]).body["more"]) == {"text", "x0", "x1"}


def test_deleting(talk: Dialogue) -> None:
    """What is deleted is gone, on the other side too."""
    assert talk("DELETE /library/books/b1") == Answer(204)

    gone = problem(
        404, "Not Found", "not_found", "there is no such item in 'books'", ("$._id", "not_found", "Is unknown")
    )
    for request in ("GET", "DELETE"):
        assert talk(f"{request} /library/books/b1") == gone
    assert talk("PUT /library/books/b1", {"pages": 1}) == gone
    assert talk("PATCH /library/books/b1", []) == gone
    assert talk("GET /library/authors/a1") == Answer(200, {**ANN, "books": ["b2"]})


def test_deleting_what_is_referred_to(talk: Dialogue) -> None:
    """A list that must be empty refuses."""
    refused = problem(
        409,
        "Conflict",
        "conflict",
        "it cannot be deleted",
        ("$.books", "must_be_empty", "Must be empty before the item can be deleted"),
    )

    assert talk("DELETE /library/authors/a1") == refused
    assert talk("GET /library/authors/a1") == Answer(200, ANN)
    assert talk("GET /library/books/b2") == Answer(200, BETA)


def test_views(talk: Dialogue) -> None:
    """A view shows its fields; one that nobody declared, and the one of the store, are the usual one."""
    short = {name: value for name, value in ALPHA.items() if name != "place"}

    assert talk("GET /library/books/b1?_view=short") == Answer(200, short)
    assert talk("GET /library/books/b1?_view=%2Bshort") == Answer(200, {"title": "Alpha"})
    for view in ("client", "save", "nothing", "+save", "", "$", "!short"):
        assert talk(f"GET /library/books/b1?_view={view}") == Answer(200, ALPHA)
