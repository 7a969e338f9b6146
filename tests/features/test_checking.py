import pytest

from backo import Backoffice, Collection, DBMemoryConnector, Dict, FreeDict, Int, Item, List, String
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
        pytest.param({"item": {"tags": ["a", 1]}, "path": "$.tags[1]"}, "Must be a string", id="element"),
        pytest.param({"item": {"tags": ["a", 1]}, "path": "$.tags[0]"}, None, id="another-element"),
        pytest.param({"item": {"tags": ["a", 1]}, "path": "tags[7]"}, None, id="no-element"),
        pytest.param({"item": {}, "path": "$.title"}, "Is required", id="missing"),
        pytest.param({"item": {"title": "x", "pages": 0}}, "$.pages: Must be at least 1", id="all"),
        pytest.param({"item": {"author": "a1"}, "path": ""}, "$.title: Is required", id="all-by-an-empty-path"),
        pytest.param({"item": {"nothing": 1}}, "$.nothing: There is no such field", id="all-with-an-unknown-one"),
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


@pytest.mark.parametrize("path", ["$.a b", "$..", "a[", "$[0]", "\0", "$.tags[-1]", "$.tags[0:1]", "$.*"])
def test_paths_that_are_none(talk: Dialogue, path: str) -> None:
    """A path is a selector of a field, or of one element of a list."""
    answer = talk("POST /library/books/_check", {"item": {}, "path": path})

    assert (answer.status, answer.body["code"]) == (400, "query")


@pytest.mark.parametrize(
    ("path", "where", "message"),
    [
        ("$.titel", "$.titel", "There is no such field; did you mean 'title'?"),
        ("$.place.romo", "$.place.romo", "There is no such field; did you mean 'room'?"),
        ("$.title.x", "$.title.x", "There is no such field"),
        ("$.author.name", "$.author.name", "Is a field of another item"),
        ("$.title[0]", "$.title", "Is not a list"),
        ("$.place[0].room", "$.place", "Is not a list"),
    ],
)
@pytest.mark.parametrize("item", [{}, {"titel": 1}])
def test_paths_that_name_nothing(talk: Dialogue, item: object, path: str, where: str, message: str) -> None:
    """A path that no item can have is a mistake, and the answer names the nearest field."""
    expected = problem(400, "Bad Request", "query", "the query makes no sense here", (where, "unknown", message))

    assert talk("POST /library/books/_check", {"item": item, "path": path}) == expected


PETS = {
    "pets": List(Dict({"n": Int(required=True), "toys": List(List(Dict({"k": Int()})))})),
    "more": FreeDict(),
    "req": String(required=True),
}


@pytest.mark.parametrize(
    ("item", "path", "error"),
    [
        pytest.param({"pets": [{"n": "x"}, {"n": 1}]}, "$.pets[0].n", "Must be an integer", id="element"),
        pytest.param({"pets": [{"n": "x"}, {"n": 1}]}, "$.pets[1].n", None, id="another-element"),
        pytest.param({"pets": [{"n": "x"}]}, "$.pets[0]", "Must be an integer", id="whole-element"),
        pytest.param({"pets": [{"n": 1}, {"n": "x"}]}, "$.pets.n", "Must be an integer", id="all-elements"),
        pytest.param({"pets": [{"n": 1, "toys": [[{"k": "x"}]]}]}, "$.pets.n", None, id="another-field"),
        pytest.param({"pets": [{"n": 1, "toys": [[{"k": "x"}]]}]}, "$.pets.toys.k", "Must be an integer", id="deep"),
        pytest.param({"pets": [{"n": 1, "toys": [[{"k": "x"}]]}]}, "$.pets.toys[0].k", "Must be an integer", id="half"),
        pytest.param({"pets": [{"n": 1, "toys": [[{"k": "x"}]]}]}, "$.pets.toys[0][1].k", None, id="beside"),
        pytest.param({"pets": [{}]}, "$.pets.n", "Is required", id="missing-in-an-element"),
        pytest.param({"more": {"any": [1, 2**70]}}, "$.more", "Must be an integer of 64 bits", id="free"),
        pytest.param({"more": {"any": [1, 2**70]}}, "$.more.any[1]", "Must be an integer of 64 bits", id="below-free"),
        pytest.param({"more": {"any": [1, 2**70]}}, "$.more.any[0]", None, id="beside-below-free"),
    ],
)
def test_checking_inside_lists(item: object, path: str, error: str | None) -> None:
    """An index names one element, a name below a list that field of every element."""
    backoffice = Backoffice("zoo")
    backoffice.register_collection(Collection("keepers", Item(PETS), DBMemoryConnector()))
    talk = Dialogue(backoffice)

    assert talk("POST /zoo/keepers/_check", {"item": item, "path": path}) == Answer(200, {"error": error})


def test_nothing_is_stored(talk: Dialogue) -> None:
    """Checking leaves no trace."""
    talk("POST /library/books/_check", {"item": {"title": "x", "author": "a1"}})

    assert talk("GET /library/books").body["total"] == 3
