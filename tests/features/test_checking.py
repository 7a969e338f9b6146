import pytest

from tests.features.dialogue import Answer, Dialogue, problem


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        pytest.param({"item": {"title": 32}, "path": "$.title"}, "Must be a string", id="wrong"),
        pytest.param({"item": {"title": "x"}, "path": "$.title"}, None, id="right"),
        pytest.param({"item": {"title": 3, "pages": 1}, "path": "$.pages"}, None, id="another-is-wrong"),
        pytest.param({"item": {"pages": 13}, "path": "$.pages"}, "Is refused by a constraint", id="constraint"),
        pytest.param({"item": {"place": {"shelf": "x"}}, "path": "$.place.shelf"}, "Must be an integer", id="inside"),
        pytest.param({"item": {"place": {"shelf": "x"}}, "path": "$.place"}, "Must be an integer", id="group"),
        pytest.param({"item": {"tags": ["a", 1]}, "path": "$.tags"}, "Must be a string", id="list"),
        pytest.param({"item": {}, "path": "$.title"}, "Is required", id="missing"),
        pytest.param({"item": {"title": "x", "pages": 0}}, "Must be at least 1", id="all"),
        pytest.param({"item": {"title": "x", "author": "a1"}}, None, id="all-right"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_checking(talk: Dialogue, method: str, asked: object, error: str | None) -> None:
    """Only the field that is named is judged; the answer is 200 either way."""
    assert talk(f"{method} /library/books/_check", asked) == Answer(200, {"error": error})


@pytest.mark.parametrize("asked", [{}, {"item": []}, {"item": 3, "path": "$"}])
def test_nothing_to_check(talk: Dialogue, asked: object) -> None:
    """There is nothing to judge without an item."""
    expected = problem(422, "Unprocessable Content", "invalid", "the item must be an object")

    assert talk("POST /library/books/_check", asked) == expected


@pytest.mark.parametrize("path", ["$.a b", "$..", "a[", "$[0]", "\0"])
def test_paths_that_are_none(talk: Dialogue, path: str) -> None:
    """A path is a selector of a field."""
    answer = talk("POST /library/books/_check", {"item": {}, "path": path})

    assert (answer.status, answer.body["code"]) == (400, "query")


def test_nothing_is_stored(talk: Dialogue) -> None:
    """Checking leaves no trace."""
    talk("POST /library/books/_check", {"item": {"title": "x", "author": "a1"}})

    assert talk("GET /library/books").body["total"] == 3
