"""Events fire on every way into the application."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backo import Action, Backoffice, Collection, DeleteStrategy, Item, Ref, RefsList, String
from tests.features.dialogue import Dialogue
from tests.work.stores import FEW, audit, connector, dump

EVENTS = ("loaded", "before_save", "saved", "before_delete", "created")


class Farm(Dialogue):
    """Owners with cats, and a diary of their events; one of them may be made to fail."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.diary: list[str] = []
        self.failing = ""
        self.backoffice = Backoffice("farm")
        on = [(event, self._note) for event in EVENTS]
        cat = Item({"name": String(), "owner": Ref(coll="owners", field="$.cats")}, on=on)
        cats = RefsList(coll="cats", field="$.owner", ods=DeleteStrategy.DELETE_REFERENCED_ITEMS)
        owner = Item({"name": String(), "cats": cats}, on=on)
        for name, item in (("cats", cat), ("owners", owner)):
            where = connector(kind, folder, name)
            where.generate_id = lambda one: str(one.name)
            self.backoffice.register_collection(Collection(name, item, where))
        self.backoffice.cats.register_action("rename", Action({"name": String()}, _rename))
        super().__init__(self.backoffice)
        for request, body in (("owners", {"name": "ann"}), ("cats", {"name": "tom", "owner": "ann"})):
            self(f"POST /farm/{request}", body)
        self.diary.clear()

    def _note(self, event: str, root: Any, me: Any) -> None:
        line = f"{event} {root._id or root.name}"
        self.diary.append(line)
        if line == self.failing:
            raise ValueError(line)


def _rename(action: Any, item: Any) -> None:
    item.name = action.name
    item.save()


@pytest.fixture(params=FEW)
def farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Farm]:
    """One owner with one cat, on each store."""
    found = Farm(request.param, tmp_path)
    yield found
    found.backoffice.close()


MERGE = {"Content-Type": "application/merge-patch+json"}
WAYS: dict[str, tuple[str, Any, dict[str, str], list[str]]] = {
    "create": ("POST /farm/cats", {"name": "kit"}, {}, ["created kit"]),
    "create with a link": ("POST /farm/cats", {"name": "kit", "owner": "ann"}, {}, ["created kit"]),
    "read": ("GET /farm/cats/tom", None, {}, ["loaded tom"]),
    "list": ("GET /farm/cats", None, {}, ["loaded tom"]),
    "change": ("PUT /farm/cats/tom", {"name": "t"}, {}, ["loaded tom", "before_save tom", "saved tom"]),
    "patch": (
        "PATCH /farm/cats/tom",
        {"op": "replace", "path": "$.name", "value": "t"},
        {},
        ["loaded tom", "before_save tom", "saved tom"],
    ),
    "merge patch": ("PATCH /farm/cats/tom", {"name": "t"}, MERGE, ["loaded tom", "before_save tom", "saved tom"]),
    "action": ("POST /farm/cats/_actions/rename/tom", {"name": "t"}, {}, ["before_save tom", "saved tom"]),
    "link from the other side": ("PUT /farm/owners/ann", {"cats": []}, {}, ["before_save tom", "saved tom"]),
    "delete": ("DELETE /farm/cats/tom", None, {}, ["loaded tom", "before_delete tom"]),
    "cascade": ("DELETE /farm/owners/ann", None, {}, ["before_delete ann", "before_delete tom"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_fires_its_events(farm: Farm, way: str) -> None:
    """The events of the way come in their order; loading what is shown may come between."""
    request, body, headers, events = WAYS[way]

    assert farm(request, body, headers).status < 300
    assert [line for line in farm.diary if line in events][: len(events)] == events


@pytest.mark.parametrize(("way", "line"), [(way, line) for way, case in WAYS.items() for line in case[3]])
def test_a_handler_that_raises_undoes_the_request(farm: Farm, way: str, line: str) -> None:
    """Nothing of the request is left, and the items still agree."""
    request, body, headers, _ = WAYS[way]
    before, farm.failing = _stored(farm), line

    answer = farm(request, body, headers)

    farm.failing = ""
    assert (answer.status, answer.body["code"]) == (500, "internal")
    assert _stored(farm) == before
    assert audit(farm.backoffice) == []


def _stored(farm: Farm) -> dict[str, Any]:
    """Give what is stored; the diary is not about it."""
    found = dump(farm.backoffice)
    farm.diary.clear()
    return found
