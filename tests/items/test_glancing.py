from collections.abc import Callable
from typing import Any

import pytest

from backo import Backoffice, Collection, Date, DBMemoryConnector, Dict, Int, Item, List, Ref, RefsList, String
from backo.connectors.base import StoredDocument
from backo.items.generating import glanced_class
from backo.work.loading import glances

DOCUMENT = {"name": "Jo", "born": "2000-01-02", "home": {"zip": 5}, "tags": ["a"], "boss": "b", "_id": "p"}


def entry(**options: Any) -> Any:
    """Declare a person."""
    fields = {
        "name": String(),
        "age": Int(),
        "born": Date(),
        "home": Dict({"zip": Int()}),
        "tags": List(String()),
        "boss": Ref(coll="people", field="$.team"),
        "team": RefsList(coll="people", field="$.boss"),
        "short": String(set=lambda item: item.name[:1]),
    }
    backoffice = Backoffice("firm")
    people = Collection("people", Item(fields, **options), DBMemoryConnector(), meta_data_handler=None)
    backoffice.register_collection(people)
    return people.entry


@pytest.mark.parametrize(
    "look",
    [
        lambda item: (item.name, item.age),
        lambda item: item.born.year,
        lambda item: item.home.zip,
        lambda item: item["tags"][0],
        lambda item: item.boss,
        lambda item: item.short,
        lambda item: item.select("$.home.zip"),
        lambda item: item.get_view("client")["born"],
        lambda item: item._id,
        lambda item: item.status,
        lambda item: item == {"name": "Jo"},
        lambda item: dict(item.get_value()) | {"team": None},
        lambda item: "name" in item,
        lambda item: (item.name, item.born, item.name),
        lambda item: isinstance(item, Item),
        repr,
    ],
)
def test_a_glance_shows_what_an_item_shows(look: Callable[[Any], Any]) -> None:
    """Whatever a function looks at, it sees the stored item."""
    people = entry()
    record = people.record()
    record._decode(DOCUMENT, 1)

    glance = glances(people)
    first = look(glance(StoredDocument("q", 1, "", document=DOCUMENT | {"name": "No", "_id": "q"})))
    assert look(glance(StoredDocument("p", 1, "", document=DOCUMENT))) == look(record)
    assert first is not None


def test_a_glance_converts_nothing_that_is_not_read() -> None:
    """Plain values are read from the document; the rest makes an item of it."""
    people = entry()
    record = glances(people)(StoredDocument("p", 1, "", document=DOCUMENT))

    assert (record["name"] if type(record) is people.record else record.name) == "Jo"
    assert type(record) is glanced_class(people.record)
    assert record.born.year == 2000
    assert type(record) is people.record


def test_who_handles_loaded_sees_each_item() -> None:
    """Then nothing is only glanced at."""
    seen: list[str] = []
    people = entry(on=("loaded", lambda event, root, me: seen.append(root.name)))

    glances(people)(StoredDocument("p", 1, "", document=DOCUMENT))

    assert seen == ["Jo"]
