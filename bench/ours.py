"""The library's side: people and sites declared with `backo`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from flask import Flask

import backo
from backo import (
    Backoffice,
    Bool,
    Collection,
    Date,
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
from backo.connectors.base import Operation, Store, Write
from bench.model import FILLED_AT, Clock, NewId, Values, utc_now
from bench.places import Place

FILE = "ours.sqlite"
_BATCH = 10_000

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


def connector(place: Place, collection: str) -> Store:
    """Return the library's connector to a place, for one collection."""
    if place.store == "sqlite":
        return backo.DBSqliteConnector(path=place.folder / FILE, table=collection)
    # Named here alone, so that SQLite is measured without the driver of PostgreSQL.
    return backo.DBPostgresConnector(connection_string=place.url(), table=collection)


def declare(
    place: Place,
    clock: Clock = utc_now,
    new_id: NewId | None = None,
    read: Mapping[str, Any] = MappingProxyType({}),
    **rights: Any,
) -> Backoffice:
    """Return the back office over the database at `place`; `new_id` replaces the ids of backo.

    `read` are rights to read fields of people, `rights` those of the collection of people.
    """
    backoffice = Backoffice("bench", clock=clock)
    for name, item, of_it in (("sites", SITE, {}), ("people", person_item(read), rights)):
        store = connector(place, name)
        if new_id is not None:
            store.generate_id = lambda document: new_id()
        backoffice.register_collection(Collection(name, item, store, **of_it))
    return backoffice


def create_app(place: Place, clock: Clock = utc_now, new_id: NewId | None = None) -> Flask:
    """Return the application over the database at `place`; tables are made when missing."""
    app = Flask("ours")
    backoffice = app.extensions["store"] = declare(place, clock, new_id)
    backoffice.build_routes(app)
    return app


def fill(place: Place, sites: Iterable[Values], people: Iterable[Values]) -> None:
    """Store `sites` and `people`, which carry their `_id`, in batches of 10 000 items.

    The first of each is created as a client would create it. The others are written as that one is
    stored, without being checked: a million items take a minute, not a quarter of an hour.
    """
    ids: list[str] = []
    backoffice = declare(place, lambda: FILLED_AT, lambda: ids[-1])
    for collection, items in ((backoffice.sites, iter(sites)), (backoffice.people, iter(people))):
        first = next(items)
        ids.append(first.pop("_id"))
        collection.create(first)
        _fill_like(collection.store, ids[-1], items)
    backoffice.close()


def _fill_like(store: Store, known: str, items: Iterator[Values]) -> None:
    session = store.database.begin(writing=False)
    like = store.get(session, [known])[known]
    session.rollback()
    while batch := list(islice(items, _BATCH)):
        documents = [{name: values.get(name, default) for name, default in like.document.items()} for values in batch]
        session = store.database.begin(writing=True)
        store.write(session, [_insertion(document, like.rev, like.fingerprint) for document in documents])
        session.commit()


def _insertion(document: Values, rev: int, fingerprint: str) -> Write:
    return Write(Operation.INSERT, document["_id"], rev=rev, fingerprint=fingerprint, document=document)
