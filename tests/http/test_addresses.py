import pytest

from backo.errors import NotFoundError, QueryError
from backo.http.addresses import address_of, following_query, item_id, pairs_of, single
from backo.http.refusals import MalformedError
from tests.http.fakes import request_of

USUAL = "abcXYZ019_.~-"


@pytest.mark.parametrize("id_", [USUAL, "a b", "é", "日本", "a'b\"c", "%41", "\N{NO-BREAK SPACE}", "..", "x" * 20])
def test_ids(id_: str) -> None:
    """Any text without control characters can be an id; the store knows whether it is one."""
    assert item_id(request_of("GET", {"id": id_}), 20) == id_


@pytest.mark.parametrize("id_", ["x" * 21, "a\0", "\0", "a\n", "\r", "\t", "\x7f", "\x85", "\x1b[0m", "_check", "a/b"])
def test_what_cannot_be_an_id(id_: str) -> None:
    """What is too long, holds control characters or could be a route is nothing that is stored."""
    with pytest.raises(NotFoundError):
        item_id(request_of("GET", {"id": id_}), 20)


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a=1&b.$gt=2", [("a", "1"), ("b.$gt", "2")], id="pairs"),
        pytest.param("a=1&a=2", [("a", "1"), ("a", "2")], id="repeated"),
        pytest.param("a=x+y%20z%2B", [("a", "x y z+")], id="escapes"),
        pytest.param("a=&b", [("a", ""), ("b", "")], id="without-values"),
        pytest.param("&&a=1&", [("a", "1")], id="empty-parts"),
        pytest.param("a=b=c", [("a", "b=c")], id="equals-in-a-value"),
        pytest.param("a=%C3%A9", [("a", "é")], id="escaped-utf-8"),
        pytest.param("a=\xc3\xa9", [("a", "é")], id="raw-utf-8"),
        pytest.param("a=%00", [("a", "\0")], id="nul"),
        pytest.param("a=%zz", [("a", "%zz")], id="no-escape"),
    ],
)
def test_query_strings(query: str, pairs: list[tuple[str, str]]) -> None:
    """A query string is read as pairs, in order."""
    assert pairs_of(query) == pairs


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("a=%ff", id="escaped"),
        pytest.param("a=\xff", id="raw"),
        pytest.param("a=\N{EURO SIGN}", id="no-bytes"),
        pytest.param("a=%ED%A0%80", id="surrogate"),
    ],
)
def test_malformed_query_strings(query: str) -> None:
    """What is not UTF-8 is refused."""
    with pytest.raises(MalformedError, match=r"^the query string is not UTF-8 text$"):
        pairs_of(query)


def test_query_strings_of_many_keys() -> None:
    """A thousand keys are read, one more is refused."""
    assert len(pairs_of("&".join(["a"] * 1000))) == 1000
    with pytest.raises(MalformedError, match=r"^the query string has more than 1000 keys$"):
        pairs_of("&".join(["a"] * 1001))


def test_a_key_that_may_be_given_once() -> None:
    """It is given once, or not at all."""
    assert single([("_view", "short"), ("a", "1")], "_view") == "short"
    assert single([("a", "1")], "_view") is None
    with pytest.raises(QueryError) as refused:
        single([("_view", "a"), ("_view", "a")], "_view")
    assert refused.value.problems[0].path == "_view"


def test_addresses() -> None:
    """Every part is percent-encoded, slashes too."""
    assert address_of("/shop", "users", USUAL) == f"/shop/users/{USUAL}"
    assert address_of("", "users", "é/?#") == "/users/%C3%A9%2F%3F%23"


@pytest.mark.parametrize(
    ("query", "following"),
    [
        pytest.param("", "_after=c", id="nothing"),
        pytest.param("a=1&_page=2&_sort=-a,b", "a=1&_page=2&_sort=-a,b&_after=c", id="kept"),
        pytest.param("_after=b&a=1", "a=1&_after=c", id="replaced"),
        pytest.param("%5Fafter=b&a=1", "a=1&_after=c", id="replaced-though-escaped"),
        pytest.param("_skip=5&a=1", "a=1&_after=c", id="no-skip"),
        pytest.param("a.$gt=%C3%A9+x", "a.$gt=%C3%A9+x&_after=c", id="escapes"),
        pytest.param('a=\xc3\xa9"<>\r\n', "a=%C3%A9%22%3C%3E%0D%0A&_after=c", id="raw"),
        pytest.param("&&a", "a&_after=c", id="empty-parts"),
    ],
)
def test_the_query_of_the_next_page(query: str, following: str) -> None:
    """It asks the same, from the cursor on, in characters that a header can hold."""
    assert following_query(query, pairs_of(query), ("_after", "c")) == following


@pytest.mark.parametrize(
    ("query", "following"),
    [
        pytest.param("a=1&_page=2", "a=1&_page=2&_skip=4", id="added"),
        pytest.param("_skip=2&a=1", "a=1&_skip=4", id="replaced"),
        pytest.param("%5Fskip=2&_after=b", "_after=b&_skip=4", id="after-a-cursor"),
    ],
)
def test_the_query_of_a_next_page_without_a_cursor(query: str, following: str) -> None:
    """It leaves out more, from where the run of pages began."""
    assert following_query(query, pairs_of(query), ("_skip", "4")) == following


def test_a_cursor_is_escaped() -> None:
    """A cursor may be any text."""
    assert following_query("", [], ("_after", "a&b=")) == "_after=a%26b%3D"
