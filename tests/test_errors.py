import pickle
from collections.abc import Iterator

import pytest

from backo import errors
from backo.errors import BackoError, Problem, QueryError, ValidationError, nearest, shown


def tree(root: type[BackoError]) -> Iterator[type[BackoError]]:
    """Give a class and all that are below it."""
    yield root
    for below in root.__subclasses__():
        yield from tree(below)


OURS = [one for one in tree(BackoError) if one.__module__ == errors.__name__]


def test_each_error_has_a_code_of_its_own() -> None:
    """A code names one class."""
    assert len({one.code for one in OURS}) == len(OURS)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        pytest.param(errors.ValidationError, ValueError, id="validation"),
        pytest.param(errors.RightError, PermissionError, id="right"),
        pytest.param(errors.NotFoundError, LookupError, id="not-found"),
        pytest.param(errors.PathNotFoundError, LookupError, id="path-not-found"),
    ],
)
def test_some_are_built_in_errors_too(kind: type[BackoError], builtin: type[Exception]) -> None:
    """Code that knows nothing of us can catch what it expects."""
    assert issubclass(kind, builtin)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_an_error_tells_all_it_knows(kind: type[BackoError]) -> None:
    """The text has the message, each problem with its path, and the hint; and all of it survives pickling."""
    error = kind("it does not fit", problems=[Problem("$.a", "type", "Must be a string")], hint="try again")

    copied = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes

    for one in (error, copied):
        assert str(one) == "it does not fit: $.a: Must be a string (try again)"
        assert (one.message, one.hint, one.problems) == (error.message, error.hint, error.problems)


def test_a_query_error_is_a_validation_error() -> None:
    """Who catches what is invalid catches a filter that makes no sense."""
    assert issubclass(QueryError, ValidationError)


def deep(levels: int) -> list[object]:
    """Nest lists."""
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


class Rude:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * 1_000_000, id="long"),
        pytest.param(b"\xff" * 1_000_000, id="bytes"),
        pytest.param(10**5_000, id="more-digits-than-python-writes"),
        pytest.param(deep(100_000), id="deep"),
        pytest.param(dict.fromkeys(range(100_000)), id="wide"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param(Rude(), id="rude"),
    ],
)
def test_any_value_can_be_shown(value: object) -> None:
    """A message about a wrong value is short, and does not fail because of the value."""
    assert 0 < len(shown(value)) <= 100


def test_short_values_are_shown_as_they_are() -> None:
    """Nothing is cut where nothing has to be."""
    assert [shown("Jo"), shown(12), shown([1, "a"]), shown(None)] == ["'Jo'", "12", "[1, 'a']", "None"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("nmae", "did you mean 'name'?", id="near"),
        pytest.param("salary", None, id="far"),
        pytest.param("x" * 1_000_000, None, id="absurd"),
        pytest.param(12, None, id="no-text"),
    ],
)
def test_the_nearest_name(name: object, hint: str | None) -> None:
    """A hint names what was perhaps meant, and nothing when that would be a guess."""
    assert nearest(name, ["name", "age"]) == hint
