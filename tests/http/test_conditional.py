import pytest

from backo.http.conditional import is_known, parse_tags, wanted_version
from tests.http.fakes import FakeSource


@pytest.mark.parametrize(
    ("text", "strongly", "weakly"),
    [
        pytest.param('"a"', True, True, id="one"),
        pytest.param('"b", "a"', True, True, id="in-a-list"),
        pytest.param('"b","a"', True, True, id="without-spaces"),
        pytest.param('W/"a"', False, True, id="weak"),
        pytest.param("*", True, True, id="whatever"),
        pytest.param(" * ", True, True, id="whatever-with-spaces"),
        pytest.param('"*"', False, False, id="a-tag-that-is-a-star"),
        pytest.param("a", True, True, id="without-quotes"),
        pytest.param('"b"', False, False, id="another"),
        pytest.param('"A"', False, False, id="another-case"),
        pytest.param("", False, False, id="empty"),
        pytest.param(', , "', False, False, id="garbage"),
        pytest.param('"a', True, True, id="unclosed"),
        pytest.param('"b, a"', False, False, id="comma-inside"),
    ],
)
def test_tags_match(text: str, strongly: bool, weakly: bool) -> None:
    """A header lists tags; weak ones match weakly only, `*` matches whatever there is."""
    tags = parse_tags(text)

    assert tags.match_strongly("a") is strongly
    assert tags.match_weakly("a") is weakly


def test_long_headers_are_read_in_linear_time() -> None:
    """A header of a megabyte does no harm."""
    assert not parse_tags('"' * 1_000_001).match_weakly("a")
    assert not parse_tags("W/" * 500_000).match_weakly("a")


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({}, False),
        ({"If-None-Match": '"a"'}, True),
        ({"If-None-Match": 'W/"a"'}, True),
        ({"If-None-Match": '"b"'}, False),
    ],
)
def test_what_a_client_has(headers: dict[str, str], known: bool) -> None:
    """Only `If-None-Match` says what the client has."""
    assert is_known(FakeSource(headers), "a") is known


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        pytest.param({"If-Match": '"a"'}, True, id="the-one"),
        pytest.param({"If-Match": '"b"'}, False, id="another"),
        pytest.param({"If-Match": 'W/"a"'}, False, id="weak-is-not-enough"),
        pytest.param({"If-Match": "*"}, True, id="whatever"),
        pytest.param({"If-Match": ""}, False, id="none-listed"),
        pytest.param({"If-None-Match": "*"}, False, id="only-if-absent"),
        pytest.param({"If-None-Match": '"b"'}, True, id="not-that-one"),
        pytest.param({"If-Match": '"a"', "If-None-Match": '"a"'}, False, id="contradiction"),
    ],
)
def test_the_version_that_a_write_wants(headers: dict[str, str], wanted: bool) -> None:
    """A write goes on only when both headers hold for what is there."""
    matches = wanted_version(FakeSource(headers))

    assert matches is not None
    assert matches("a") is wanted


def test_a_write_that_names_no_version() -> None:
    """Without a header there is nothing to test."""
    assert wanted_version(FakeSource()) is None
