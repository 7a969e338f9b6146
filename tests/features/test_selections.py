from typing import Any

import pytest

from tests.features.dialogue import Answer, Dialogue, page, problem
from tests.features.lending import READER, STAFF

BORROWED = "/library/books/_selections/borrowed"
MARTINE, WINTER = ["b2", "Martine", "Lang"], ["b3", "Winter", "Lang"]
OPTIONS = "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", page(MARTINE, WINTER, total=2), id="all"),
        pytest.param("?title.$reg=Martine", page(MARTINE, total=1), id="narrowed"),
        pytest.param("?borrowed=false", page(total=0), id="never-widened"),
        pytest.param("?_id=b1&_id=b2", page(MARTINE, total=1), id="ids"),
        pytest.param("?author.name=bob", page(WINTER, total=1), id="across-a-link"),
        pytest.param("?_sort=-title", page(WINTER, MARTINE, total=2), id="sorted"),
        pytest.param("?_page=1&_skip=1", page(WINTER, total=2, skip=1, size=1), id="second-page"),
        pytest.param("?_total=0", page(MARTINE, WINTER, total=None), id="without-total"),
    ],
)
def test_a_selection(lend: Dialogue, query: str, expected: Answer) -> None:
    """It answers as a list does; a query narrows it."""
    answer = lend(f"GET {BORROWED}/{query}")

    assert answer == expected
    assert answer.headers.get("X-Total-Count") == (None if query == "?_total=0" else str(expected.body["total"]))
    assert lend(f"POST {BORROWED}{query}") == expected


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({}, page(MARTINE, WINTER, total=2)),
        ({"title": "Martine"}, page(MARTINE, total=1)),
        ({"$or": [{"borrowed": False}, {"title": "Winter"}]}, page(WINTER, total=1)),
    ],
)
def test_a_filter_in_the_body(lend: Dialogue, filter_: Any, expected: Answer) -> None:
    """It narrows the selection, together with the query string."""
    assert lend(f"POST {BORROWED}", filter_) == expected
    assert lend(f"POST {BORROWED}?title=nothing", filter_) == page(total=0)


def test_pages(lend: Dialogue) -> None:
    """Each page leads to the next, in the order of the selection."""
    first = lend("GET /library/books/_selections/dear?_page=1")
    following, found = first.headers.get("Link"), [first]
    while following:
        path = following.removeprefix("<").partition(">")[0]
        found.append(lend(f"GET {path}"))
        following = found[-1].headers.get("Link")

    assert [[row["_id"] for row in one.body["result"]] for one in found] == [["b3"], ["b1"], ["b2"]]
    assert {one.body["total"] for one in found} == {3}
    assert "_after=" in first.headers["Link"]


def test_whole_items(lend: Dialogue) -> None:
    """A selection without selectors shows items in a view, in its order; the order of a query wins."""
    answer = lend("GET /library/books/_selections/dear?_page=2")

    assert answer.body["result"] == [lend(f"GET /library/books/{id_}").body for id_ in ("b3", "b1")]
    other = lend("GET /library/books/_selections/dear?_sort=title")
    assert [one["title"] for one in other.body["result"]] == ["Docker", "Martine", "Winter"]
    short = lend("GET /library/people/_selections/_all?_view=%2Bshort")
    assert short == lend("GET /library/people?_view=%2Bshort")
    assert (short.body["_view"], short.body["result"][0]["name"]) == ("+short", "ann")


def test_a_filter_that_knows_the_user(lend: Dialogue) -> None:
    """A function is asked for each request."""
    mine = "GET /library/books/_selections/mine"

    assert lend(mine, headers=READER) == page(["b2", "Martine"], ["b3", "Winter"], total=2)
    assert lend(mine, headers=STAFF) == lend(mine) == page(total=0)


def test_rights(lend: Dialogue) -> None:
    """Who may not read it is told so; one that is for nobody has no route."""
    staff = "/library/books/_selections/staff"
    detail = "the selection 'staff' of 'books' is not for this user"

    assert lend(f"GET {staff}?_page=1", headers=STAFF) == page(["b1", "b1"], total=4, size=1)
    assert lend(f"GET {staff}?x=1") == problem(401, "Unauthorized", "right", detail)
    assert lend(f"POST {staff}", {"x": 1}, READER) == problem(403, "Forbidden", "right", detail)


@pytest.mark.parametrize(("name", "allow"), [("borrowed", OPTIONS), ("_all", OPTIONS), ("closed", "OPTIONS")])
def test_methods(lend: Dialogue, name: str, allow: str) -> None:
    """GET, HEAD and POST; nothing where it is for nobody."""
    path = f"/library/books/_selections/{name}"

    options = lend(f"OPTIONS {path}")
    assert (options, options.headers["Allow"]) == (Answer(204), allow)
    for method in {"GET", "HEAD", "POST", "PUT", "DELETE"} - set(allow.split(", ")):
        refused = lend(f"{method} {path}")
        assert (refused.status, refused.headers["Allow"]) == (405, allow)


def test_head(lend: Dialogue) -> None:
    """HEAD answers as GET does, without the body."""
    full, head = lend(f"GET {BORROWED}?_page=1"), lend(f"HEAD {BORROWED}?_page=1")

    assert head == Answer(200)
    assert dict(head.headers) == dict(full.headers)


def test_what_makes_no_sense(lend: Dialogue) -> None:
    """A query is judged as that of a list is; a selection that is not there is not there."""
    assert lend(f"GET {BORROWED}?titel=x") == lend("GET /library/books?titel=x")
    assert lend(f"GET {BORROWED}?_sort=author.name") == lend("GET /library/books?_sort=author.name")
    assert lend("GET /library/people/_selections/borrowed").status == 404
    detail = "there is no selection 'borowed' in 'books' (did you mean 'borrowed'?)"
    assert lend("GET /library/books/_selections/borowed") == problem(404, "Not Found", "not_found", detail)


def test_the_description(lend: Dialogue) -> None:
    """It lists the selections with what their rows hold and their right."""
    books, people = lend("GET /library/_meta").body["collections"]

    assert books["selections"][:2] == [
        {"name": "_all", "description": None, "selectors": None, "rights": {"read": None}},
        {
            "name": "borrowed",
            "description": "Who has what.",
            "selectors": ["$.title", "$.borrow.user.login"],
            "rights": {"read": None},
        },
    ]
    rights = {one["name"]: one["rights"]["read"] for one in books["selections"][2:]}
    assert rights == {"mine": None, "dear": None, "staff": "func", "closed": False}
    assert [one["name"] for one in people["selections"]] == ["_all"]
