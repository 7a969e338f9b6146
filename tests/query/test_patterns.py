"""Patterns are found in texts in linear time."""

from __future__ import annotations

import pytest

from backo.query.patterns import PatternError, searcher


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        pytest.param("do", "Aldo", True, id="anywhere"),
        pytest.param("^do", "Aldo", False, id="start"),
        pytest.param("do$", "Aldo", True, id="end"),
        pytest.param("do$", "Aldo\n", False, id="end-is-the-very-end"),
        pytest.param("a.b", "a\nb", False, id="dot"),
        pytest.param("DO", "Aldo", False, id="case"),
        pytest.param("(?i)É", "née", True, id="ignore-case"),
        pytest.param(r"^\w$", "é", False, id="ascii-word"),
        pytest.param(r"^\pL$", "é", True, id="letter"),
        pytest.param("^.$", "😀", True, id="emoji"),
        pytest.param("", "", True, id="empty"),
        pytest.param("(?P<first>a)(b)", "ab", True, id="groups"),
        pytest.param("(a+)+$", "a" * 5000 + "b", False, id="no-backtracking"),
        pytest.param("a", "\ud800a", True, id="text-with-a-surrogate"),
    ],
)
def test_a_pattern_is_found(pattern: str, text: str, *, found: bool) -> None:
    """The syntax is that of Python, found anywhere."""
    assert searcher(pattern)(text) is found


@pytest.mark.parametrize(
    "pattern",
    ["(", "[", "a{1001}", "(?=a)", r"\1", r"\Z", ".{1000}" * 28, "\ud800"],
    ids=["group", "class", "repetition", "look-around", "back-reference", "escape", "large", "surrogate"],
)
def test_a_bad_pattern_is_refused(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What RE2 refuses is an error with its reason, and nothing is written to standard error."""
    with pytest.raises(PatternError, match=r"\w"):
        searcher(pattern)

    assert capfd.readouterr().err == ""
