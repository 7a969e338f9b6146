import pytest

from tests.features.dialogue import ALPHA, Answer, Dialogue, problem

CHANGED = problem(
    412,
    "Precondition Failed",
    "precondition",
    "the item has changed since it was read (read it again, then send the change with its new ETag)",
)


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


@pytest.mark.parametrize(
    ("method", "body"), [("PUT", {"pages": 1}), ("PATCH", [{"op": "remove", "path": "/pages"}]), ("DELETE", None)]
)
def test_writing_what_was_read(talk: Dialogue, method: str, body: object) -> None:
    """A write that names a version needs that version."""
    etag = etag_of(talk)
    talk("PUT /library/books/b1", {"pages": 7})

    for stale in (etag, f"W/{etag}", '"x"', ""):
        assert talk(f"{method} /library/books/b1", body, {"If-Match": stale}) == CHANGED
    assert talk("GET /library/books/b1").body["pages"] == 7

    assert talk(f"{method} /library/books/b1", body, {"If-Match": f'"x", {etag_of(talk)}'}).status in {200, 204}


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
