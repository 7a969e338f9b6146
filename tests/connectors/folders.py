"""Two collections in YAML folders, a unit of work over both, and disks that fail at a chosen moment."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backo.connectors.base import Column, Document, Operation, Session, Structure, Write
from backo.connectors.journal import group
from backo.connectors.yaml import DBYmlConnector
from backo.query.filters import Query
from backo.schema.kinds import Kind

Contents = dict[str, dict[str, Document]]

BEFORE: Contents = {
    "first": {"a": {"_id": "a", "name": "old"}, "gone": {"_id": "gone", "name": "leaves"}},
    "second": {"b": {"_id": "b", "name": "old"}},
}
AFTER: Contents = {
    "first": {"a": {"_id": "a", "name": "new"}},
    "second": {"b": {"_id": "b", "name": "new"}, "c": {"_id": "c", "name": "comes"}},
}

MUTATIONS = ("open", "write", "pwrite", "fsync", "rename", "unlink", "mkdir")


def make(folder: Path, *names: str) -> list[DBYmlConnector]:
    """Declare collections in folders of these names, grouped."""
    stores = []
    for name in names:
        store = DBYmlConnector(path=folder / name)
        store.declare(Structure(name, (Column(("name",), Kind.TEXT, unique=True),)))
        stores.append(store)
    group(stores)
    return stores


def prepare(folder: Path) -> None:
    """Bring about the state before the unit."""
    for store in make(folder, "first", "second"):
        session = store.database.begin(writing=True)
        documents = BEFORE[store.structure.collection].values()
        store.write(session, [Write(Operation.INSERT, one["_id"], 0, 1, "f", one) for one in documents])
        session.commit()
        store.database.close()


def write_unit(stores: list[DBYmlConnector], session: Session) -> None:
    """Write what turns the state before into the state after."""
    first, second = stores
    renamed = Write(Operation.UPDATE, "a", 1, 2, "f", AFTER["first"]["a"])
    first.write(session, [renamed, Write(Operation.DELETE, "gone", 1)])
    also = Write(Operation.UPDATE, "b", 1, 2, "f", AFTER["second"]["b"])
    second.write(session, [also, Write(Operation.INSERT, "c", 0, 1, "f", AFTER["second"]["c"])])


def run_unit(stores: list[DBYmlConnector]) -> None:
    """Turn the state before into the state after, in one unit of work."""
    session = stores[0].database.begin(writing=True)
    try:
        write_unit(stores, session)
        session.commit()
    finally:
        session.rollback()


def run_single(stores: list[DBYmlConnector]) -> None:
    """Change one document, in one unit of work."""
    first, _ = stores
    session = first.database.begin(writing=True)
    try:
        first.write(session, [Write(Operation.UPDATE, "a", 1, 2, "f", AFTER["first"]["a"])])
        session.commit()
    finally:
        session.rollback()


SINGLE_AFTER: Contents = {"first": {**BEFORE["first"], **AFTER["first"]}, "second": BEFORE["second"]}

UNITS = [
    pytest.param(run_unit, AFTER, id="four-documents-in-two-folders"),
    pytest.param(run_single, SINGLE_AFTER, id="one-document"),
]


def contents(store: DBYmlConnector) -> dict[str, Document]:
    """Read all documents of a collection."""
    session = store.database.begin(writing=False)
    try:
        return {stored.id: stored.document for stored in store.find(session, Query())}
    finally:
        session.rollback()


def state(folder: Path, *names: str) -> Contents:
    """Read collections anew, each as a process of its own that declares no other, in this order."""
    found = {}
    for name in names:
        (store,) = make(folder, name)
        found[name] = contents(store)
        store.database.close()
    return found


def leftovers(folder: Path) -> list[str]:
    """Name what a unit under way keeps in folders."""
    kept = {".lock", ".changes"}
    return [path.name for path in folder.glob("*/.*") if path.name not in kept]


class Crash(BaseException):
    """The process is dead; nobody can catch that."""


@contextmanager
def failing(at: int, error: Callable[[], BaseException], *, for_ever: bool) -> Iterator[list[str]]:
    """Let the n-th call that changes something on disk fail (from 0), and perhaps all later ones.

    Yields:
        The names of the calls made.
    """
    calls: list[str] = []

    def failing_call(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)
            calls.append(name)
            if len(calls) - 1 == at or (for_ever and len(calls) > at):
                raise error()
            return real(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in MUTATIONS:
            patch.setattr(os, name, failing_call(name, getattr(os, name)))
        yield calls
