"""A small graph with every kind of link, for processes that work in it at the same time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from backo import Action, Backoffice, Collection, DBPostgresConnector, DeleteStrategy, Int, Item, Ref, RefsList, String
from backo.connectors.base import Store
from tests.work.stores import connector

OWNERS = 16  # fields of a counter, each written by one client
_DELETE, _UNLINK = DeleteStrategy.DELETE_REFERENCED_ITEMS, DeleteStrategy.UNLINK_REFERENCED_ITEMS


def declare(kind: str, folder: Path) -> Backoffice:
    """Declare the graph; nothing is opened before its first use.

    Args:
        kind: of store, or the connection string of a PostgreSQL server of one's own.
        folder: where the store is.
    """
    graph = Backoffice("graph")
    for name, fields in _fields().items():
        graph.register_collection(Collection(name, Item(fields), _store(kind, folder, name)))
    graph.counters.register_action("pair", Action({"name": String(required=True)}, _pairing(graph)))
    graph.assemble()
    return graph


def _store(kind: str, folder: Path, name: str) -> Store:
    if kind.startswith("postgresql:"):
        return DBPostgresConnector(connection_string=kind)
    return connector(kind, folder, name)


def _fields() -> dict[str, dict[str, Any]]:
    return {
        # One to many: what the author wrote goes along with him, what he read stays.
        "authors": {
            "name": String(required=True, unique=True),
            "books": RefsList(coll="books", field="$.author", ods=_DELETE),
            "read": RefsList(coll="books", field="$.reader", ods=_UNLINK),
            "car": Ref(coll="cars", field="$.driver"),
            "spouse": Ref(coll="authors", field="$.spouse"),
            "friends": RefsList(coll="authors", field="$.friends", ods=_UNLINK),
        },
        "books": {
            "title": String(required=True),
            "author": Ref(coll="authors", field="$.books"),
            "reader": Ref(coll="authors", field="$.read"),
            "tags": RefsList(coll="tags", field="$.books", ods=_UNLINK),
        },
        "tags": {"name": String(required=True), "books": RefsList(coll="books", field="$.tags", ods=_UNLINK)},
        "cars": {"name": String(required=True), "driver": Ref(coll="authors", field="$.car")},
        # A list that may never be empty.
        "teams": {
            "name": String(required=True),
            "members": RefsList(coll="members", field="$.team", required=True, ods=_DELETE),
        },
        "members": {"name": String(required=True), "team": Ref(coll="teams", field="$.members")},
        # What can be counted.
        "counters": {"count": Int(default=0), **{f"own{number}": Int(default=0) for number in range(OWNERS)}},
        "halves": {"name": String(required=True, index=True), "other": Ref(coll="halves", field="$.other")},
    }


def _pairing(graph: Backoffice) -> Callable[[Any, Any], None]:
    def pair(action: Any, item: Any) -> None:
        """Create two items that name one another, and count them: all or nothing."""
        first = graph.halves.create({"name": action.name})
        graph.halves.create({"name": action.name, "other": first["_id"]})
        item.count += 1
        item.save()

    return pair
