"""Assemble collections into an application, and open units of work on it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from backo.collections.collection import Collection
from backo.collections.entity import Entity
from backo.collections.operations import Operations
from backo.connectors.base import LinkPlace
from backo.errors import DefinitionError, SessionError, StateError, TransientError, nearest, shown
from backo.paths import is_name
from backo.references.effects import Plan, plan_deletion
from backo.references.fields import DeleteStrategy
from backo.references.links import LinkGraph, resolve
from backo.work import changing
from backo.work.catalog import Catalog, Entry, Limits
from backo.work.unit import Unit, open_unit, unit_of_work

_log = logging.getLogger("backo.backoffice")
_transaction_log = logging.getLogger("backo.transaction")

T = TypeVar("T")

_TRIES = 10  # of a unit of work that a store gives up for reasons of its own
_PAUSE = 0.02  # seconds before the second try, at most; doubled for each further one


def utc_now() -> datetime:
    """Give the present time, aware, in UTC."""
    return datetime.now(UTC)


class Application:
    """A set of collections that refer to one another; its arguments are those of `Backoffice`."""

    def __init__(
        self,
        name: str,
        *,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = utc_now,
        journal: str | Path | None = None,
        trusted_origins: Iterable[str] = (),
    ) -> None:
        if not isinstance(name, str) or not is_name(name) or name.startswith("_"):
            message = f"a back office cannot be called {shown(name)}"
            raise DefinitionError(message, hint="names are identifiers that do not start with '_'")
        self.name = name
        self.limits = limits or Limits()
        self.clock = clock
        self.journal = None if journal is None else Path(journal)
        self.trusted_origins = frozenset(trusted_origins)
        self.collections: dict[str, Collection] = {}
        self.operations = Operations(self)
        self._catalog: Catalog | None = None
        self._lock = RLock()

    # Declaring.

    def register_collection(self, *arguments: Any) -> Collection:
        """Add a collection.

        Args:
            arguments: the collection, `register_collection(coll)`, or its name too,
                `register_collection("name", coll)`.

        Raises:
            DefinitionError: it is no collection, or its name is taken or does not agree.
            StateError: the application is assembled.
        """
        name, collection = (None, *arguments) if len(arguments) == 1 else arguments
        if not isinstance(collection, Collection):
            message = f"register_collection takes a Collection(name, item, connector), not {shown(collection)}"
            raise DefinitionError(message)
        if name is not None and name != collection.name:
            message = f"the collection {collection.name!r} cannot be registered as {shown(name)}"
            raise DefinitionError(message)
        if self._catalog is not None:
            message = "a collection cannot be registered once the application is assembled"
            raise StateError(message)
        if collection.name in self.collections:
            message = f"there is a collection {collection.name!r} already"
            raise DefinitionError(message)
        if hasattr(type(self), collection.name) or collection.name in vars(self):
            message = f"a collection cannot be called {collection.name!r}, which is an attribute of back offices"
            raise DefinitionError(message)
        collection.bind(self)
        self.collections[collection.name] = collection
        return collection

    def __getattr__(self, name: str) -> Collection:
        """Give a collection by its name."""
        collections: Mapping[str, Collection] = self.__dict__.get("collections", {})
        if name in collections:
            return collections[name]
        message = f"there is no collection {name!r}"
        hint = nearest(name, collections)
        raise AttributeError(message + (f"; {hint}" if hint else ""))

    def assemble(self) -> None:
        """Resolve references, check every declaration, compile the schemas. Runs by itself at the first use.

        Raises:
            DefinitionError: naming the collection, the path and the nearest valid name.
        """
        with self._lock:
            if self._catalog is not None:
                return
            graph = resolve({name: one.references() for name, one in self.collections.items()})
            _check_defaults(graph)
            entries = {name: one.compile(graph) for name, one in self.collections.items()}
            for one in self.collections.values():
                one.compile_offers(entries)
                one.check_visible()
            _refuse_shared_places(self.collections)
            _tell_derived_links(entries, graph)
            self._group()
            is_guarded = any(one.rights.are_declared for one in entries.values())
            self._catalog = Catalog(self.name, entries, graph, self.limits, self.clock, is_guarded)
            _log.info("%r is assembled: %s", self.name, ", ".join(self.collections) or "no collections")

    check_syntax = assemble

    def _group(self) -> None:
        """Let the stores that have no transactions of their own commit together."""
        stores = [one.store for one in self.collections.values()]
        if not all(store.capabilities.transactional for store in stores):
            from backo.connectors.journal import group  # noqa: PLC0415  # a tenth of the time to import all of backo

            group(stores, self.journal)

    @property
    def catalog(self) -> Catalog:
        """The assembled application."""
        if self._catalog is None:
            self.assemble()
        if self._catalog is None:
            message = "the application is not assembled"
            raise StateError(message)
        return self._catalog

    # Units of work.

    @contextmanager
    def transaction(self) -> Generator[Unit]:
        """Do several operations as one unit of work: all of them, or none.

        References, required links and unique values are judged at its end, so items that need one
        another can be created in any order.

        Raises:
            ValidationError: a reference names an item that does not exist.
            ConflictError: a unique value is taken, or somebody else was faster.
        """
        with unit_of_work(self.catalog, writing=True) as unit, unit.operation():  # inside another one it fails alone
            yield unit

    def run(self, function: Callable[[], T]) -> T:
        """Call a function in one unit of work; once more, from the start, when a store asks for it.

        Raises:
            TransientError: the store still gives up after ten tries.
        """
        return self.run_unit(lambda _: function())

    def run_unit(self, function: Callable[[Unit], T]) -> T:
        """Do as `run` does, handing the open unit of work to the function.

        A further try begins with holding what the one before wanted to hold, so that it waits for its turn.
        """
        joined = open_unit(self.catalog) is not None
        unit: Unit | None = None
        for attempt in range(_TRIES):
            wanted = {} if unit is None else unit.wanted
            try:
                with self.transaction() as unit:
                    if not joined:
                        unit.is_repeated = True
                        unit.hold(wanted)
                    return function(unit)
            except TransientError:
                if joined or attempt == _TRIES - 1:
                    raise
                _transaction_log.info("a store asks for try %d of a unit of work of %r", attempt + 2, self.name)
                time.sleep(random.uniform(0, _PAUSE * 2**attempt))  # noqa: S311  # jitter, not a secret
        raise AssertionError

    def on_commit(self, function: Callable[[], Any]) -> None:
        """Call a function once the open unit of work is committed, and never when it is not.

        Raises:
            SessionError: none is open.
        """
        unit = open_unit(self.catalog)
        if unit is None:
            message = "on_commit needs an open unit of work"
            raise SessionError(message, hint="use it in a handler, or inside transaction()")
        unit.after_commit(function)

    def explain(self, item: Entity, *, deleting: bool = False) -> Plan:
        """Show what saving an item as it is now, or deleting it, would do to other items, without doing it.

        Args:
            item: of a collection.
            deleting: whether it is to be deleted; else saved.

        Returns:
            The plan, with `effects` on items, `judgements` for the end of the unit of work, and `refusals`.

        Raises:
            StateError: it is no item of a collection, or is to be deleted and not stored.
        """
        if not isinstance(item, Entity):
            message = f"explain takes an item of a collection, not {shown(item)}"
            raise StateError(message, hint="explain(backoffice.users.get_by_id(id), deleting=True)")
        if deleting and item._origin is None:
            message = "only an item that is stored can be deleted"
            raise StateError(message)
        entry = item._home.entry
        with unit_of_work(self.catalog, writing=False) as unit:
            if not deleting:
                return changing.explain(unit, entry, item)
            return unit.solve(plan_deletion(self.catalog.graph, [(entry.name, str(item._id))], self.limits.cascade))

    def close(self) -> None:
        """Give back connections, locks and files; the next use opens them anew."""
        closed: set[int] = set()
        for collection in self.collections.values():
            database = collection.store.database
            if id(database) not in closed:
                closed.add(id(database))
                database.close()
        _log.info("%r is closed", self.name)
        contents = [one.contents for one in self._catalog.entries.values()] if self._catalog else []
        for connector in {one for found in contents if found is not None for one in found.connectors()}:
            connector.close()

    def __repr__(self) -> str:
        """Show the name and the collections."""
        return f"<{type(self).__name__} {self.name}: {', '.join(self.collections)}>"


def _refuse_shared_places(collections: Mapping[str, Collection]) -> None:
    """Refuse two collections whose documents would mix.

    Raises:
        DefinitionError: naming both, and the place.
    """
    connectors: dict[int, str] = {}
    places: dict[str, str] = {}
    for name, collection in collections.items():
        other = connectors.setdefault(id(collection.connector), name)
        if other != name:
            message = f"the collections {other!r} and {name!r} have the same connector"
            raise DefinitionError(message, hint="give each a connector of its own")
        other = places.setdefault(collection.store.key, name)
        if other != name:
            message = f"the collections {other!r} and {name!r} are kept in the same place, {collection.store.key}"
            raise DefinitionError(message, hint="give each a path= or a table= of its own")


def _tell_derived_links(entries: Mapping[str, Entry], graph: LinkGraph) -> None:
    """Tell the stores of both sides of each pair where its links are not kept."""
    places: dict[str, list[LinkPlace]] = {name: [] for name in entries}
    for link in graph.links.values():
        if link.derived:
            for name in (link.collection, link.target):
                places[name].append((entries[link.collection].store, link.path))
    for name, entry in entries.items():
        entry.store.expect_no_links(places[name])


def _check_defaults(graph: LinkGraph) -> None:
    """Warn of a pair of links in which nothing could ever be deleted."""
    for link in graph.links.values():
        reverse = graph.reverse_of(link)
        if (
            reverse is not None
            and link.many == reverse.many
            and link.address <= reverse.address
            and link.strategy is reverse.strategy is DeleteStrategy.MUST_BE_EMPTY
        ):
            _log.warning(
                "%s and %s: each must be empty before the other can be deleted, so linked items never can be; "
                "declare ods= on one of them",
                *(f"{one.collection}.{'.'.join(one.path)}" for one in (link, reverse)),
            )
