import pytest

from tests.features.dialogue import Answer, Dialogue, problem

ONE = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
MANY = "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/library/_meta", "GET, HEAD, OPTIONS"),
        ("/library/books", MANY),
        ("/library/books/", MANY),
        ("/library/books/b1", ONE),
        ("/library/books/nothing", ONE),
        ("/library/books/_check", "GET, POST, HEAD, OPTIONS"),
        ("/library/books/_selections/_all", MANY),
    ],
)
def test_what_an_address_knows(talk: Dialogue, path: str, allow: str) -> None:
    """OPTIONS says it, and so does the refusal of any other method."""
    asked = talk(f"OPTIONS {path}")
    assert asked == Answer(204)
    assert asked.headers["Allow"] == allow

    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"} - set(allow.split(", ")):
        refused = talk(f"{method} {path}", {})
        detail = f"this address knows {allow}, not {method}"
        assert refused == problem(405, "Method Not Allowed", "method", detail)
        assert refused.headers["Allow"] == allow


@pytest.mark.parametrize(
    "path",
    [
        "/library/books",
        "/library/books/b1",
        "/library/books/b9",
        "/library/_meta",
        "/library/books?_page=x",
        "/library/x",
    ],
)
def test_head(talk: Dialogue, path: str) -> None:
    """HEAD answers as GET does, without the body."""
    full, head = talk(f"GET {path}"), talk(f"HEAD {path}")

    assert head == Answer(full.status)
    assert dict(head.headers) == dict(full.headers)


@pytest.mark.parametrize(
    "path", ["", "/", "/x", "/x/y", "//books", "/books/b1/title", "/books/b1/a/b", "/_meta/x", "/_x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "FOO"])
def test_where_there_is_nothing(talk: Dialogue, method: str, path: str) -> None:
    """It is a 404 for every method, and a problem document."""
    answer = talk(f"{method} /library{path}")

    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_outside(talk: Dialogue) -> None:
    """What is not below the back office is none of its business."""
    for path in ("/", "/librar", "/libraryx", "/books"):
        assert talk.app.test_client().get(path).mimetype == "text/html"


def test_other_sites(talk: Dialogue) -> None:
    """A page of another site may read, not write."""
    evil = {"Origin": "https://evil.org", "Sec-Fetch-Site": "cross-site"}

    for request in (
        "POST /library/books",
        "PUT /library/books/b1",
        "PATCH /library/books/b1",
        "DELETE /library/books/b1",
    ):
        refused = talk(request, {}, evil)
        assert refused == problem(403, "Forbidden", "origin", "a page of another site may not send this request")
    assert talk("GET /library/books/b1", headers=evil).status == 200
