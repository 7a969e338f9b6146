"""What rights forbid is tried from the side: groups, guesses, defaults, odd bodies; on each store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backo import (
    SYSTEM,
    Backoffice,
    Collection,
    DBMemoryConnector,
    DefinitionError,
    DeleteStrategy,
    Dict,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    String,
    acting_as,
    current_user,
)
from tests.features.test_rights import BEN, Guarded
from tests.work.stores import FEW, connector, dump

UNLINK = DeleteStrategy.UNLINK_REFERENCED_ITEMS
MERGE = {"Content-Type": "application/merge-patch+json"}


def is_zed(right: str, item: Any) -> bool:
    """Ask the item."""
    return bool(item.name == "zed")


def office(connect: Callable[[str], Any]) -> Backoffice:
    """Declare notes in rooms, of which some are away; desks have one room each, seen from both sides."""
    backoffice = Backoffice("office")
    notes = Item(
        {
            "name": String(),
            "line": Dict({"city": String(), "code": String(can_read=False)}),
            "lock": Dict({"city": String(), "code": String(can_read=is_zed, can_modify=is_zed)}),
            "places": Dict({"room": Ref(coll="rooms", ods=UNLINK), "rooms": RefsList(coll="rooms", ods=UNLINK)}),
            "room": Ref(coll="rooms", ods=UNLINK),
            "rooms": RefsList(coll="rooms", ods=UNLINK),
        }
    )
    rooms = Item({"name": String(), "desk": Ref(coll="desks", field="$.room", owner=True)})
    for name, item, visible in (
        ("notes", notes, None),
        ("rooms", rooms, {"name": ("$in", ["open", "wide"])}),
        ("desks", Item({"name": String(), "room": Ref(coll="rooms", field="$.desk")}), None),
    ):
        where = connect(name)
        where.generate_id = lambda one: str(one.name)
        backoffice.register_collection(Collection(name, item, where, visible=visible, meta_data_handler=None))
    with acting_as(SYSTEM), backoffice.transaction():
        for name in ("open", "wide", "shut", "dark"):
            backoffice.rooms.create({"name": name})
        backoffice.desks.create({"name": "oak", "room": "shut"})
        secret: dict[str, Any] = {
            "line": {"code": "1"},
            "lock": {"code": "2"},
            "places": {"room": "shut", "rooms": ["shut"]},
        }
        backoffice.notes.create({"name": "full", **secret, "rooms": ["shut", "open"]})
        backoffice.notes.create({"name": "bare", "rooms": ["open"]})
    return backoffice


@pytest.fixture(params=FEW)
def talk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guarded]:
    """An office on each store."""
    backoffice = office(lambda name: connector(request.param, tmp_path, name))
    yield Guarded(backoffice)
    backoffice.close()


def stored(talk: Guarded, name: str) -> dict[str, Any]:
    """Give what is stored of an item."""
    with acting_as(SYSTEM):
        return {key: value for key, value in dump(talk.backoffice)[name].items() if key != "_rev"}


def test_a_group_that_looks_unset_keeps_what_is_hidden(talk: Guarded) -> None:
    """What was read is sent back, and a group is emptied: hidden fields and hidden ids stay."""
    seen = talk("GET /office/notes/full", headers=BEN)
    assert (seen.body["line"], seen.body["lock"], seen.body["places"]) == (None, None, None)

    for method, kind in (("PUT", {}), ("PATCH", MERGE)):
        assert talk(f"{method} /office/notes/full", seen.body, BEN | kind) == seen
        assert talk(f"{method} /office/notes/full", {"line": {"city": "x"}}, BEN | kind).body["line"] == {"city": "x"}
        assert talk(f"{method} /office/notes/full", {"line": None}, BEN | kind) == seen
    assert talk("PATCH /office/notes/full", {"op": "remove", "path": "$.places"}, BEN) == seen

    kept = stored(talk, "notes/full")
    assert (kept["line"]["code"], kept["lock"]["code"]) == ("1", "2")
    assert (kept["places"], kept["rooms"]) == ({"room": "shut", "rooms": ["shut"]}, ["shut", "open"])


@pytest.mark.parametrize("name", ["full", "bare"])
def test_ids_that_are_linked_already_cannot_be_guessed(talk: Guarded, name: str) -> None:
    """To name an item that is away is answered alike, whether it is linked or not, or not even there."""
    before = stored(talk, f"notes/{name}")
    told = [
        (
            talk(f"PUT /office/notes/{name}", {"room": "none", "rooms": ["open", guess]}, BEN),
            talk(f"PATCH /office/notes/{name}", {"op": "add", "path": "$.rooms", "value": guess}, BEN),
            talk(f"PUT /office/notes/{name}", {"rooms": [guess], "name": 5}, BEN),
        )
        for guess in ("shut", "dark", "none")
    ]

    assert told[0] == told[1] == told[2]
    assert [one.status for one in told[0]] == [422, 422, 422]
    assert [one["path"] for one in told[0][0].body["errors"]] == ["$.room", "$.rooms"]
    assert stored(talk, f"notes/{name}") == before


@pytest.mark.parametrize("sent", [[{"a": 1}], [["x"]], [1], [None], "open", {"0": "open"}])
def test_what_is_no_list_of_ids_tells_nothing(talk: Guarded, sent: Any) -> None:
    """It is refused as where nothing is hidden, with the same places."""
    full, bare = (talk(f"PUT /office/notes/{name}", {"rooms": sent}, BEN) for name in ("full", "bare"))

    assert full == bare
    assert full.status == 422


def test_a_partner_that_is_away_is_not_replaced(talk: Guarded) -> None:
    """The derived side of a pair answers as the stored one does: the hidden partner stays."""
    assert talk("GET /office/desks/oak", headers=BEN).body["room"] is None

    answer = talk("PUT /office/desks/oak", {"room": "open"}, BEN)

    assert (answer.status, [one["path"] for one in answer.body["errors"]]) == (403, ["$.room"])
    assert talk("PUT /office/desks/oak", {"room": None}, BEN).status == 200
    assert stored(talk, "rooms/shut")["desk"] == "oak"


# Defaults.

WHO = {"_id": "ben", "login": "ben", "roles": []}


def tasks(**fields: Any) -> Guarded:
    """Serve tasks with these fields."""
    where = DBMemoryConnector()
    where.generate_id = lambda one: str(one.name)
    backoffice = Backoffice("desk")
    item = Item({"name": String(), **fields})
    backoffice.register_collection(Collection("tasks", item, where, meta_data_handler=None))
    return Guarded(backoffice)


def test_a_default_that_may_not_be_modified_is_not_given_by_a_client() -> None:
    """Of a default that is a function, only what it gave is accepted, whoever sends it."""
    talk = tasks(owner=String(default=lambda: current_user._id, can_modify=False))

    assert talk("POST /desk/tasks", {"name": "a", "owner": "boss"}, BEN).status == 403
    assert talk("POST /desk/tasks", {"name": "a", "owner": None}, BEN).status == 403
    assert talk("POST /desk/tasks", {"name": "a"}, BEN).body["owner"] == "ben"
    assert talk("POST /desk/tasks", {"name": "b", "owner": "ben"}, BEN).status == 201


def test_defaults_are_asked_once() -> None:
    """Rights to modify do not make a second item."""
    numbers = iter(range(10))
    talk = tasks(number=Int(default=lambda: next(numbers)), fixed=Int(can_modify=False))

    made = [talk("POST /desk/tasks", {"name": name}, BEN).body["number"] for name in "abc"]

    assert made == [0, 1, 2]


@pytest.mark.parametrize("default", [7, lambda: 7], ids=["constant", "function"])
def test_a_group_may_be_set_that_brings_defaults(default: Any) -> None:
    """A field that may not be modified gets its default along with its group, and no other value."""
    line = {"city": String(required=True), "level": Int(default=default, can_modify=False)}
    talk = tasks(line=Dict(line))

    assert talk("POST /desk/tasks", {"name": "a", "line": {"city": "x", "level": 8}}, BEN).status == 403
    assert talk("POST /desk/tasks", {"name": "a", "line": {"city": "x"}}, BEN).body["line"]["level"] == 7
    talk("POST /desk/tasks", {"name": "b"}, BEN)
    assert talk("PUT /desk/tasks/b", {"line": {"city": "x", "level": 8}}, BEN).status == 403
    assert talk("PUT /desk/tasks/b", {"line": {"city": "x"}}, BEN).body["line"] == {"city": "x", "level": 7}
    with acting_as(SYSTEM):
        task = talk.backoffice.tasks.get_by_id("b")
        task.line.level = None
        task.save()
    assert talk("PUT /desk/tasks/b", {"line": {"level": 7}}, BEN).status == 403


def test_a_default_that_was_given_is_remembered_after_a_refusal() -> None:
    """An item that could not be stored can be mended and stored."""
    talk = tasks(owner=String(default=lambda: current_user._id, can_modify=False), title=String(required=True))

    with acting_as(WHO):
        task = talk.backoffice.tasks.new()
        task.name = "a"
        with pytest.raises(ValueError, match="not valid"):
            task.save()
        task.title = "t"
        task.save()

    assert task.owner == "ben"


def test_elements_may_be_added_without_what_may_not_be_modified() -> None:
    """A field inside a list keeps its values in their places; what has none is no change."""
    talk = tasks(steps=List(Dict({"text": String(), "code": String(can_modify=False)})))

    assert talk("POST /desk/tasks", {"name": "a", "steps": [{"text": "x"}, {"text": "y"}]}, BEN).status == 201
    assert talk("POST /desk/tasks", {"name": "b", "steps": [{"text": "x", "code": "c"}]}, BEN).status == 403
    with acting_as(SYSTEM):
        talk.backoffice.tasks.create({"name": "c", "steps": [{"text": "x", "code": "c"}, {"text": "y"}]})
    for steps, status in (
        ([{"text": "x", "code": "c"}, {"text": "y"}, {"text": "z"}], 200),
        ([{"text": "x", "code": "c"}], 200),
        ([{"text": "y"}, {"text": "x", "code": "c"}], 403),
        ([{"text": "x"}], 403),
    ):
        assert talk("PUT /desk/tasks/c", {"steps": steps}, BEN).status == status


# Rights that are no answer.


async def waits(right: str, item: Any) -> bool:
    """Give something to wait for."""
    return False


def yields(right: str, item: Any) -> Iterator[bool]:
    """Give something to go through."""
    yield False


@pytest.mark.parametrize("right", [waits, yields])
def test_a_right_answers_at_once(right: Any) -> None:
    """What would always count as a yes is refused in the declaration."""
    with pytest.raises(DefinitionError, match="can_read must answer when it is called"):
        Collection("tasks", Item({"name": String()}), DBMemoryConnector(), can_read=right)


class _Promise:
    def __await__(self) -> Iterator[None]:
        yield


def test_a_promise_is_no_answer() -> None:
    """What has to be waited for denies, whether the item is looked at or not."""
    talk = tasks(one=String(can_read=_Promise), two=String(can_read=lambda right, item: item and _Promise()))

    assert talk("POST /desk/tasks", {"name": "a", "one": "1", "two": "2"}, BEN).body == {"name": "a", "_id": "a"}
