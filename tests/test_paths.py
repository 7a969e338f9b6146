import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.errors import QueryError
from backo.paths import (
    MAX_SELECTOR,
    Everything,
    Place,
    Selector,
    Slice,
    is_name,
    parse_field_path,
    parse_pointer,
    parse_selector,
    to_text,
)

NAMES = st.from_regex(r"[a-zA-Zéß_][a-zA-Z0-9é_]{0,5}", fullmatch=True).filter(is_name)


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("$", ()),
        ("", ()),
        ("$.a", ("a",)),
        ("a.b", ("a", "b")),
        ("$._meta.ctime", ("_meta", "ctime")),
        ("$.list[0]", ("list", 0)),
        ("$.list[-1].x", ("list", -1, "x")),
        ("$.list[0:2].x", ("list", Slice(0, 2), "x")),
        ("$.list[:2]", ("list", Slice(None, 2))),
        ("$.list[1:]", ("list", Slice(1, None))),
        ("$.*", (Everything(),)),
        ("$.a.*.b", ("a", Everything(), "b")),
        ("$[0][1]", (0, 1)),
    ],
)
def test_selectors(text: str, selector: Selector) -> None:
    """Each form of SPEC 5 is read."""
    assert parse_selector(text) == selector


@pytest.mark.parametrize(
    "text",
    [
        "$.",
        "$a",
        "$$",
        "a..b",
        "a.",
        "a b",
        "$.a[",
        "$.a[]",
        "$.a[x]",
        "$.a[0",
        "$.a[0:1:2]",
        "$.a-b",
        "$.0",
        "a\0b",
        "$.a\n",
    ],
)
def test_what_is_no_selector(text: str) -> None:
    """Anything else is refused, with the forms as a hint."""
    with pytest.raises(QueryError) as error:
        parse_selector(text)

    assert error.value.hint is not None


@pytest.mark.parametrize("parse", [parse_selector, parse_pointer])
@pytest.mark.parametrize("value", ["/" + "a" * MAX_SELECTOR, None, 12, ["a"]], ids=["long", "none", "int", "list"])
def test_selectors_and_pointers_are_text_of_some_length(parse: Callable[[Any], Any], value: Any) -> None:
    """What is no text, or far too much of it, is refused."""
    with pytest.raises(QueryError):
        parse(value)


@given(st.lists(NAMES | st.integers(0, 10**9 - 1), min_size=1).filter(lambda place: isinstance(place[0], str)))
def test_a_place_written_is_read_again(place: list[str | int]) -> None:
    """Text and place mean the same."""
    assert parse_selector(to_text(tuple(place))) == tuple(place)


@given(st.text(max_size=30))
def test_any_text_is_a_selector_or_an_error(text: str) -> None:
    """Nothing else happens."""
    for parse in (parse_selector, parse_pointer, parse_field_path):
        with contextlib.suppress(QueryError):
            parse(text)


@pytest.mark.parametrize(("text", "path"), [("$.a", ("a",)), ("a.b", ("a", "b")), ("_meta.ctime", ("_meta", "ctime"))])
def test_field_paths(text: str, path: tuple[str, ...]) -> None:
    """A field is named by names alone."""
    assert parse_field_path(text) == path


@pytest.mark.parametrize("text", ["$", "", "$.a[0]", "$.a[0:1]", "$.*"])
def test_what_names_no_field(text: str) -> None:
    """An index, a slice or a star names something else."""
    with pytest.raises(QueryError):
        parse_field_path(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", ()),
        ("/", ("",)),
        ("/foo", ("foo",)),
        ("/foo/0", ("foo", "0")),
        ("/a~1b", ("a/b",)),
        ("/m~0n", ("m~n",)),
        ("/~01", ("~1",)),
        ("/c%d", ("c%d",)),
        ("/ ", (" ",)),
        ('/k"l', ('k"l',)),
    ],
)
def test_pointers(text: str, place: Place) -> None:
    """The examples of RFC 6901, section 5, are read."""
    assert parse_pointer(text) == place


@pytest.mark.parametrize("text", ["foo", "/~", "/~2", "/a~"])
def test_what_is_no_pointer(text: str) -> None:
    """A pointer starts with a slash, and a tilde escapes something."""
    with pytest.raises(QueryError):
        parse_pointer(text)
