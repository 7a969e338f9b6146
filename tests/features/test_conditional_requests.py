import pytest

from backo import Limits
from tests.features.dialogue import ALPHA, Answer, Dialogue, library, problem

CHANGED = problem(
    412,
    "Precondition Failed",
    "precondition",
    "the item has changed since it was read (read it again, then send the change with its new ETag)",
)

WRITES = [("PUT", {"pages": 1}), ("PATCH", [{"op": "remove", "path": "/pages"}]), ("DELETE", None)]


def etag_of(talk: Dialogue, view: str = "client") -> str:
    """Give the tag of the first book."""
    return talk(f"GET /library/books/b1?_view={view}").headers["ETag"]


def test_what_is_known_is_not_sent_again(talk: Dialogue) -> None:
    """304 comes with the tag and nothing else, for HEAD too."""
    etag = etag_of(talk)

    for method in ("GET", "HEAD"):
        for known in (etag, f'"x", W/{etag}', "*"):
            answer = talk(f"{method} /library/books/b1", headers={"If-None-Match": known})

            assert answer == Answer(304)
            assert answer.headers["ETag"] == etag
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert "Content-Type" not in answer.headers
    assert talk("GET /library/books/b1", headers={"If-None-Match": '"x"'}) == Answer(200, ALPHA)


def test_tags_follow_what_is_seen(talk: Dialogue) -> None:
    """A tag is that of the view; what changes outside the view does not change it."""
    whole, short = etag_of(talk), etag_of(talk, "short")
    assert whole != short

    changed = talk("PUT /library/books/b1", {"place": {"shelf": 2}})

    assert changed.headers["ETag"] == etag_of(talk) != whole
    assert etag_of(talk, "short") == short


@pytest.mark.parametrize(("method", "body"), WRITES)
def test_writing_what_was_read(talk: Dialogue, method: str, body: object) -> None:
    """A write that names a version needs that version."""
    etag = etag_of(talk)
    talk("PUT /library/books/b1", {"pages": 7})

    for stale in (etag, f"W/{etag}", '"x"', ""):
        assert talk(f"{method} /library/books/b1", body, {"If-Match": stale}) == CHANGED
    assert talk("GET /library/books/b1").body["pages"] == 7

    assert talk(f"{method} /library/books/b1", body, {"If-Match": f'"x", {etag_of(talk)}'}).status in {200, 204}


@pytest.mark.parametrize(("method", "body"), WRITES)
def test_writing_what_was_read_in_a_view(talk: Dialogue, method: str, body: object) -> None:
    """A version is that of the view; what changed outside the view does not matter, what changed inside does."""
    etag = etag_of(talk, "short")
    talk("PUT /library/books/b1", {"place": {"shelf": 7}})

    assert talk(f"{method} /library/books/b1", body, {"If-Match": etag}) == CHANGED
    assert talk(f"{method} /library/books/b1?_view=short", body, {"If-Match": etag_of(talk)}) == CHANGED
    assert talk(f"{method} /library/books/b1?_view=short", body, {"If-Match": etag}).status in {200, 204}


@pytest.mark.parametrize(("method", "body"), WRITES[:2])
def test_a_change_is_shown_in_a_view(talk: Dialogue, method: str, body: object) -> None:
    """What `_view` asks for is the answer, with the tag of a GET in that view."""
    answer = talk(f"{method} /library/books/b1?_view=short", body)

    read = talk("GET /library/books/b1?_view=short")
    assert "place" not in answer.body
    assert (answer.body, answer.headers["ETag"]) == (read.body, read.headers["ETag"])


def test_a_new_item_is_shown_in_a_view(talk: Dialogue) -> None:
    """`_view` holds for the answer to POST too."""
    created = talk("POST /library/books?_view=short", {"title": "Delta", "author": "a1", "place": {"shelf": 1}})

    read = talk("GET /library/books/b4?_view=short")
    assert (created.status, created.body, created.headers["ETag"]) == (201, read.body, read.headers["ETag"])


@pytest.mark.parametrize(
    "request_line",
    ["POST /library/books", "PUT /library/books/b1", "PATCH /library/books/b1", "DELETE /library/books/b1"],
)
def test_queries_of_writes(talk: Dialogue, request_line: str) -> None:
    """As with GET a view is asked for once, and other keys say nothing."""
    body = [] if request_line.startswith("PATCH") else {"title": "X", "author": "a1"}

    assert talk(f"{request_line}?_view=a&_view=b", body).body["errors"][0]["path"] == "_view"
    assert talk(f"{request_line}?_other=1&x=2", body).status in {200, 201, 204}


def test_a_change_that_would_show_too_much() -> None:
    """An item whose answer would be too large can be changed in a smaller view, and the refusal says so."""
    backoffice = library(limits=Limits(fill=1))
    backoffice.authors.define_view("contact", ["$.mail"])
    talk = Dialogue(backoffice)
    talk("POST /library/authors", {"name": "Ann"})
    for title in ("Alpha", "Beta"):
        talk("POST /library/books", {"title": title, "author": "a1"})

    refused = talk("PUT /library/authors/a1", {"mail": "ann@shop.org"})
    changed = talk("PUT /library/authors/a1?_view=contact", {"mail": "ann@shop.org"})

    assert (refused.status, "_view" in refused.body["detail"]) == (400, True)
    assert changed == Answer(200, {"mail": "ann@shop.org", "_id": "a1"})


def test_any_version(talk: Dialogue) -> None:
    """A star asks for something to be there."""
    assert talk("PUT /library/books/b1", {"pages": 1}, {"If-Match": "*"}).status == 200
    assert talk("PUT /library/books/b9", {"pages": 1}, {"If-Match": "*"}).status == 404
    assert talk("PUT /library/books/b1", {"pages": 2}, {"If-None-Match": "*"}) == CHANGED


def test_creating_gives_the_tag(talk: Dialogue) -> None:
    """What was just created can be changed without being read."""
    created = talk("POST /library/books", {"title": "Delta", "author": "a1"})

    answer = talk(f"PUT {created.headers['Location']}", {"pages": 1}, {"If-Match": created.headers["ETag"]})

    assert answer.status == 200
