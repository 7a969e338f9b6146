from typing import Any

import pytest

from tests.features.dialogue import ALPHA, ANN, BETA, BOB, GAMMA, Answer, Dialogue, page

SHORT = {"title": "Alpha", "pages": 100, "tags": ["new", "long"], "author": "a1", "_id": "b1"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", page(ALPHA, BETA, GAMMA, total=3), id="all"),
        pytest.param("?title=Beta", page(BETA, total=1), id="equal"),
        pytest.param("?title=Alpha&title=Beta", page(ALPHA, BETA, total=2), id="one-of"),
        pytest.param("?title=Alpha&pages=20", page(total=0), id="both"),
        pytest.param("?pages.$gt=20", page(ALPHA, total=1), id="operator"),
        pytest.param("?pages.$gte=20&pages.$lt=100", page(BETA, total=1), id="two-operators"),
        pytest.param("?title.$re=^.l", page(ALPHA, total=1), id="pattern"),
        pytest.param("?title.$reg=m", page(GAMMA, total=1), id="pattern-anywhere"),
        pytest.param("?place.room=east", page(ALPHA, total=1), id="in-a-group"),
        pytest.param("?place.shelf.$lte=1", page(ALPHA, total=1), id="operator-in-a-group"),
        pytest.param("?tags=long", page(ALPHA, total=1), id="in-a-list"),
        pytest.param("?author=a2", page(GAMMA, total=1), id="reference"),
        pytest.param("?author.name=Bob", page(GAMMA, total=1), id="across-a-reference"),
        pytest.param("?pages.$ne=20", page(ALPHA, GAMMA, total=2), id="not-equal"),
        pytest.param("?_id=b2", page(BETA, total=1), id="id"),
        pytest.param("?_sort=-title", page(GAMMA, BETA, ALPHA, total=3), id="sorted"),
        pytest.param("?_sort=pages", page(BETA, ALPHA, GAMMA, total=3), id="absent-last"),
        pytest.param("?_sort=-pages", page(ALPHA, BETA, GAMMA, total=3), id="absent-last-both-ways"),
        pytest.param("?_page=2", page(ALPHA, BETA, total=3, size=2), id="a-page"),
        pytest.param("?_page=2&_skip=2", page(GAMMA, total=3, skip=2, size=2), id="the-second"),
        pytest.param("?_skip=10", page(total=3, skip=10), id="beyond"),
        pytest.param("?_total=0", page(ALPHA, BETA, GAMMA, total=None), id="without-total"),
        pytest.param("?title=Alpha&_view=short", page(SHORT, total=1, view="short"), id="view"),
        pytest.param("?title=Alpha&_view=nothing", page(ALPHA, total=1), id="unknown-view"),
    ],
)
@pytest.mark.parametrize("route", ["/library/books", "/library/books/", "/library/books/_selections/_all"])
def test_lists(talk: Dialogue, route: str, query: str, expected: Answer) -> None:
    """A list is filtered, sorted and paged by its query string, and so is the selection of all."""
    answer = talk(f"GET {route}{query}")

    assert answer == expected
    assert answer.headers.get("X-Total-Count") == (None if query == "?_total=0" else str(expected.body["total"]))


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        pytest.param({}, page(ALPHA, BETA, GAMMA, total=3), id="all"),
        pytest.param({"title": "Beta"}, page(BETA, total=1), id="equal"),
        pytest.param({"pages": ["$gt", 20]}, page(ALPHA, total=1), id="operator"),
        pytest.param({"place": {"room": "east"}}, page(ALPHA, total=1), id="group"),
        pytest.param({"$or": [{"pages": 20}, {"author": "a2"}]}, page(BETA, GAMMA, total=2), id="or"),
        pytest.param({"pages": None}, page(GAMMA, total=1), id="absent"),
        pytest.param({"author.name": "Ann"}, page(ALPHA, BETA, total=2), id="across-a-reference"),
    ],
)
def test_filters_in_a_body(talk: Dialogue, filter_: dict[str, Any], expected: Answer) -> None:
    """A selection is narrowed by a filter, and by the query string at the same time."""
    assert talk("POST /library/books/_selections/_all", filter_) == expected
    narrowed = talk("POST /library/books/_selections/_all?title=Omega", filter_)
    assert narrowed == page(total=0)


def test_a_selection_without_a_filter(talk: Dialogue) -> None:
    """The body may be left out."""
    assert talk("POST /library/books/_selections/_all") == page(ALPHA, BETA, GAMMA, total=3)


def test_a_selection_that_does_not_exist(talk: Dialogue) -> None:
    """It is not there."""
    assert talk("GET /library/books/_selections/nothing").status == 404
    assert talk("POST /library/books/_selections/nothing").status == 404


def test_derived_sides(talk: Dialogue) -> None:
    """The lists of a whole page are filled, and can be filtered."""
    assert talk("GET /library/authors") == page(ANN, BOB, total=2)
    assert talk("GET /library/authors?books=b3") == page(BOB, total=1)


def followed(talk: Dialogue, address: str) -> list[list[str]]:
    """Give the ids on each page from an address on."""
    seen = []
    while address:
        answer = talk(f"GET {address}")
        seen.append([row["_id"] for row in answer.body["result"]])
        link = answer.headers.get("Link")
        address = link.removeprefix("<").removesuffix('>; rel="next"') if link else ""
    return seen


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("_page=2", [["b1", "b2"], ["b3"]]),
        ("_page=1&_sort=-title", [["b3"], ["b2"], ["b1"]]),
        ("_page=1&_sort=pages&pages.$gt=0", [["b2"], ["b1"]]),
        ("_page=1&_skip=1", [["b2"], ["b3"]]),
        ("_page=2&_sort=-pages&_total=0", [["b1", "b2"], ["b3"]]),
        ("title.$re=a&_page=2&_view=short", [["b1", "b2"], ["b3"]]),
    ],
)
@pytest.mark.parametrize("route", ["/library/books", "/library/books/_selections/_all"])
def test_following_the_links(talk: Dialogue, route: str, query: str, ids: list[list[str]]) -> None:
    """`Link: rel=next` leads from page to page, to the end."""
    assert followed(talk, f"{route}?{query}") == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("_page=2&_sort=text", [["l3", "l2"], ["l5", "l1"], ["l4"]]),
        ("_page=1&_sort=text", [["l3"], ["l2"], ["l5"], ["l1"], ["l4"]]),
        ("_page=1&_skip=1&_sort=-text&_total=0", [["l1"], ["l5"], ["l2"], ["l3"]]),
    ],
)
def test_following_the_links_past_long_values(talk: Dialogue, query: str, ids: list[list[str]]) -> None:
    """A value that no cursor can hold loses no row: the page after it is asked for with `_skip`."""
    for letter in "dbaec":
        talk("POST /library/logs", {"text": letter * (3 if letter == "a" else 3000)})

    assert followed(talk, f"/library/logs?{query}") == ids


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("titel=x", "$.titel"),
        ("place.floor=1", "$.place.floor"),
        ("pages=many", "$.pages"),
        ("pages.$re=1", "$.pages"),
        ("title.$most=1", "$.title"),
        ("_page=0", "_page"),
        ("_page=1001", "_page"),
        ("_page=-1", "_page"),
        ("_page=ten", "_page"),
        ("_page=", "_page"),
        ("_page=1&_page=2", "_page"),
        ("_skip=-1", "_skip"),
        ("_skip=99999999999999999999", "_skip"),
        ("_sort=titel", "$.titel"),
        ("_sort=tags", "$.tags"),
        ("_sort=author.name", "$.author.name"),
        ("_total=no", "_total"),
        ("_after=nonsense", "_after"),
        ("_unknown=1", "_unknown"),
        ("_view=a&_view=b", "_view"),
    ],
)
@pytest.mark.parametrize("route", ["/library/books", "/library/books/_selections/_all"])
def test_queries_that_make_no_sense(talk: Dialogue, route: str, query: str, path: str) -> None:
    """They are refused, and the answer names what is wrong."""
    answer = talk(f"GET {route}?{query}")

    assert answer.status == 400
    assert (answer.body["code"], answer.body["errors"][0]["path"]) == ("query", path)


def test_everything_that_is_wrong_is_told(talk: Dialogue) -> None:
    """A query is judged as a whole."""
    answer = talk("GET /library/books?titel=x&pages=many&_page=0")

    assert {one["path"] for one in answer.body["errors"]} == {"$.titel", "$.pages", "_page"}


@pytest.mark.parametrize(
    "filter_", [[], 3, "x", {"titel": 1}, {"pages": "x"}, {"$or": {}}, {"$xor": []}, {"pages": ["$gt", None, 1]}]
)
def test_filters_that_make_no_sense(talk: Dialogue, filter_: Any) -> None:
    """A filter in a body is judged as one in a query string."""
    answer = talk("POST /library/books/_selections/_all", filter_)

    assert (answer.status, answer.body["code"]) == (400, "query")
