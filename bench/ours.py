"""The library's side: people and sites declared with `backo`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flask import Flask

from backo import (
    Backoffice,
    Bool,
    Collection,
    Date,
    DBSqliteConnector,
    Dict,
    FillStrategy,
    Float,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    String,
)
from bench.model import FILLED_AT, Clock, NewId, Values, utc_now

_BATCH = 2_000

SITE = Item(
    {
        "name": String(required=True),
        "city": String(),
        "people": RefsList(coll="people", field="$.site", ofs=FillStrategy.NOT_FILL),
    }
)


def person_item(read: Mapping[str, Any] = MappingProxyType({})) -> Item:
    """Declare a person, with rights to read some of its fields."""
    fields = {
        "name": String(required=True, index=True),
        "surname": String(),
        "age": Int(min=0, max=150, index=True),
        "email": String(can_read=read.get("email")),
        "male": Bool(default=True),
        "salary": Float(can_read=read.get("salary")),
        "birth": Date(can_read=read.get("birth")),
        "tags": List(String()),
        "address": Dict({"street": String(), "number": Int(), "city": String()}),
        "site": Ref(coll="sites", field="$.people", required=True),
    }
    return Item(fields)


def declare(
    folder: Path,
    clock: Clock = utc_now,
    new_id: NewId | None = None,
    read: Mapping[str, Any] = MappingProxyType({}),
    **rights: Any,
) -> Backoffice:
    """Return the back office over the database in `folder`; `new_id` replaces the ids of backo.

    `read` are rights to read fields of people, `rights` those of the collection of people.
    """
    path = str(folder / "ours.sqlite")
    backoffice = Backoffice("bench", clock=clock)
    for name, item, of_it in (("sites", SITE, {}), ("people", person_item(read), rights)):
        connector = DBSqliteConnector(path=path, table=name)
        if new_id is not None:
            connector.generate_id = lambda document: new_id()
        backoffice.register_collection(Collection(name, item, connector, **of_it))
    return backoffice


def create_app(folder: Path, clock: Clock = utc_now, new_id: NewId | None = None) -> Flask:
    """Return the application over the database in `folder`, which is made when missing."""
    app = Flask("ours")
    declare(folder, clock, new_id).build_routes(app)
    return app


def fill(folder: Path, sites: Iterable[Values], people: Iterable[Values]) -> None:
    """Store `sites` and `people`, which carry their `_id`, in transactions of 2 000 items."""
    ids: deque[str] = deque()
    backoffice = declare(folder, lambda: FILLED_AT, ids.popleft)
    for collection, items in ((backoffice.sites, sites), (backoffice.people, people)):
        for batch in _batches(items):
            with backoffice.transaction():
                for values in batch:
                    ids.append(values.pop("_id"))
                    collection.create(values)
    backoffice.close()


def _batches(items: Iterable[Values]) -> Iterator[Iterable[Values]]:
    rest = iter(items)
    for first in rest:
        yield chain([first], islice(rest, _BATCH - 1))
