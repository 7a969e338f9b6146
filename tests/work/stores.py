"""Back offices on each store, and what can be asked of any of them."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import backo
from backo import Backoffice, Collection, DBMemoryConnector, DBYmlConnector, Item
from backo.connectors.base import DBConnector, Store
from backo.query.filters import Query
from backo.references.fields import ids_in
from backo.references.links import Link
from backo.work.unit import unit_of_work
from tests.scale import PROVE
from tests.servers import mongo_in, postgres_in

EVERY = tuple(os.environ.get("BACKO_TEST_KINDS", "memory sqlite yaml postgres mongo").split())
"""Every kind of store of ours, or those that somebody wants to look at."""

KINDS = EVERY if PROVE or "BACKO_TEST_KINDS" in os.environ else EVERY[:-1]
"""Those on which long tests run: the test server of MongoDB is too slow to take part each time."""

FEW = KINDS if PROVE or "BACKO_TEST_KINDS" in os.environ else ("sqlite", "postgres")
"""Those on which many short tests run of what stores have little to do with: one writer at a time, and several."""

DURABLE = tuple(kind for kind in KINDS if kind != "memory")

WHOLE = ("sqlite", "postgres")
"""Those that take any number of changes in one transaction."""

# Collections in two kinds of store in turn, by their first letters: even ones in the first.
ACROSS = (
    "sqlite+yaml",
    "postgres+yaml",
    *(("mongo+yaml",) if PROVE else ()),
)  # a store with transactions and one that follows it, all durable
MIXED = ("yaml+sqlite", "memory+postgres")


def named(item: Any) -> str:
    """Give an item its name as its `_id`, so that tests can be read."""
    return str(item["name"])


def connector(kind: str, folder: Path, collection: str) -> Store:
    """Open nothing yet: declare where a collection lives."""
    kinds = kind.split("+")
    kind = kinds[ord(collection[0]) % len(kinds)]
    if kind == "memory":
        return DBMemoryConnector()
    if kind == "sqlite":
        return backo.DBSqliteConnector(path=folder / "shop.sqlite", table=collection)
    if kind == "postgres":
        return backo.DBPostgresConnector(connection_string=postgres_in(folder), table=collection)
    if kind == "mongo":
        return backo.DBMongoConnector(connection_string=mongo_in(folder), collection=collection)
    return DBYmlConnector(path=folder / collection)


@dataclass
class Stores:
    """One kind of store, in a folder of its own."""

    kind: str
    folder: Path
    opened: list[Backoffice] = field(default_factory=list)

    def connector(self, collection: str) -> Store:
        """Declare where a collection lives."""
        return connector(self.kind, self.folder, collection)

    def backoffice(
        self,
        items: Mapping[str, Item],
        *,
        app: str = "shop",
        ids: Callable[[Any], str] | None = named,
        **options: Any,
    ) -> Backoffice:
        """Assemble a back office of these items; `_id`s are their names unless `ids` says otherwise."""
        backoffice = Backoffice(app, **options)
        for name, item in items.items():
            where: Store | DBConnector = self.connector(name)
            where.generate_id = ids
            backoffice.register_collection(Collection(name, item, where))
        backoffice.assemble()
        self.opened.append(backoffice)
        return backoffice

    def close(self) -> None:
        """Close what was opened."""
        for one in self.opened:
            one.close()


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Each of our stores in turn."""
    found = Stores(request.param, tmp_path)
    yield found
    found.close()


def dump(backoffice: Backoffice) -> dict[str, dict[str, Any]]:
    """Give everything that is stored, `_meta` and revisions included: by `collection/_id`."""
    with unit_of_work(backoffice.catalog, writing=False) as unit:
        return {
            f"{name}/{stored.id}": {"_rev": stored.rev, **stored.document}
            for name, entry in backoffice.catalog.entries.items()
            for stored in unit.find(entry, Query())
        }


def names_of(item: Any, link: Link) -> list[str]:
    """Give the ids that a link of a freshly loaded item names, by query where they are not shown."""
    value = item
    for name in link.path:
        value = None if value is None else value[name]
    if link.many and value is not None:
        return [one["_id"] for one in value.items()]
    return list(ids_in(value))


def links(backoffice: Backoffice, address: str) -> dict[str, list[str]]:
    """Give who names whom now: `links(shop, "books.author") == {"b1": ["a1"]}`; who names nobody is left out."""
    collection, *path = address.split(".")
    link = backoffice.catalog.graph.links[collection, tuple(path)]
    found = {item["_id"]: names_of(item, link) for item in backoffice.collections[collection].select()}
    return {id_: named for id_, named in found.items() if named}


def audit(backoffice: Backoffice) -> list[str]:
    """List everything that is wrong with the references: what dangles, where two sides disagree, what is missing.

    Everything is read afresh, through the public interface.
    """
    wrong = []
    ids = {name: {item["_id"] for item in one.select()} for name, one in backoffice.collections.items()}
    graph = backoffice.catalog.graph
    pairs: dict[tuple[str, tuple[str, ...]], list[tuple[str, str]]] = {}
    for link in graph.links.values():
        found = pairs[link.address] = []
        where = ".".join((link.collection, *link.path))
        for item in backoffice.collections[link.collection].select():
            named = names_of(item, link)
            found += [(item["_id"], one) for one in named]
            if len(set(named)) < len(named):
                wrong.append(f"{where} of {item['_id']} names an item twice")
            if link.required and not named:
                wrong.append(f"{where} of {item['_id']} names nothing")
        wrong += [
            f"{where} of {one} names {other}, which is not there"
            for one, other in found
            if other not in ids[link.target]
        ]
    for link in graph.links.values():
        reverse = graph.reverse_of(link)
        if reverse is not None:
            there = {(one, other) for other, one in pairs[reverse.address]}
            wrong += [
                f"{'.'.join((link.collection, *link.path))} of {one} names {other}, which does not name it"
                for one, other in pairs[link.address]
                if (one, other) not in there
            ]
    return wrong
