"""Open one unit of work: read through it, collect writes in it, commit it whole or not at all.

A unit holds the present version of every item it met (an identity map), one session per database,
what is still to be written, and what has to hold in the end. `backo.work.changing` decides what is
written; this module only keeps and applies it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from backo.connectors.base import Database, Lock, Operation, Session, StoredDocument, Write
from backo.connectors.together import commit_together
from backo.errors import BackoError, ConflictError, Problem, QueryError, SessionError, TransientError
from backo.paths import FieldPath, to_text, value_at
from backo.query.filters import Filter, Query
from backo.query.outlines import Outline
from backo.references.effects import (
    AddLink,
    Answer,
    Holders,
    Judgement,
    Key,
    Members,
    MustExist,
    Plan,
    Planner,
    RemoveLink,
)
from backo.references.fields import ids_in
from backo.references.links import Link, LinkGraph
from backo.work.catalog import Catalog, Entry
from backo.work.judging import judge
from backo.work.rewriting import rewritten

_log = logging.getLogger("backo.transaction")
_select_log = logging.getLogger("backo.select")

_OVERLAID = 100  # writes of a collection through which a look for holders goes one by one
_SEEN = 10_000  # revisions of items that queries gave, the last ones, which a unit remembers
_REV_BITS = 47  # a revision starts at random, so that an id used again never repeats a revision

_STRENGTH = {Lock.NONE: 0, Lock.SHARED: 1, Lock.EXCLUSIVE: 2}
_WEAKER = {(one, other): _STRENGTH[one] < _STRENGTH[other] for one in Lock for other in Lock}

_open: ContextVar[Mapping[int, Unit]] = ContextVar("backo_units", default={})  # noqa: B039  # never changed in place


@dataclass(slots=True)
class _Held:
    """An item that the unit met.

    Attributes:
        present: its version as the unit sees it, own writes included; None when it does not exist.
        stored_rev: the revision that the session has; None when it has none.
        first: its version before the unit changed it.
        lock: how it is held until the end of the unit, where a store needs that.
    """

    present: StoredDocument | None
    stored_rev: int | None
    first: StoredDocument | None
    lock: Lock = Lock.NONE


class Unit:
    """One unit of work, used by one thread and ended once."""

    def __init__(self, catalog: Catalog, *, writing: bool, once: bool = False) -> None:
        self.catalog = catalog
        self.writing = writing
        self._once = once
        self._sessions: dict[int, tuple[Database, Session]] = {}
        self._written: set[Database] = set()
        self._held: dict[Key, _Held] = {}
        self._seen: dict[Key, int] = {}
        self._pending: dict[Key, Write] = {}
        self._judgements: dict[Judgement, None] = {}
        self._log: list[Callable[[], None]] = []  # undoes what was planned, last first
        self._after: list[Callable[[], Any]] = []
        self._deferred: dict[Key, list[AddLink]] = {}
        self._expected: dict[Link, list[tuple[str, str]]] = {}
        self._numbered: list[tuple[str, int, list[str]]] = []  # collection, position of the first, ids
        self._positions: dict[Key, int] = {}
        self.inserted: set[Key] = set()
        self.leaving: set[Key] = set()  # items that are just being deleted
        self._thread = threading.get_ident()
        self._ended = False
        self._broken: BaseException | None = None
        self.changes = 0  # how many writes were planned so far
        self.is_repeated = False  # whether it is run again when a store gives it up
        self.wanted: dict[Key, Lock] = {}  # what was to be held, in stores where that takes a lock of each item

    # Reading.

    def session(self, entry: Entry) -> Session:
        """Give the session of the database where a collection lives; opened at the first use.

        Raises:
            SessionError: the unit has ended, or belongs to another thread.
        """
        if self._ended or threading.get_ident() != self._thread:
            message = "this unit of work has ended, or belongs to another thread"
            raise SessionError(message)
        database = entry.store.database
        found = self._sessions.get(id(database))
        if found is None:
            if self.writing:
                for other in self.catalog.ahead(entry):
                    self._open(other.database)
            return self._open(database)
        return found[1]

    def _open(self, database: Database) -> Session:
        found = self._sessions.get(id(database))
        if found is None:
            session = database.begin(writing=self.writing, once=self._once)
            if self.is_repeated:
                session.is_repeated = True
            found = self._sessions[id(database)] = (database, session)
        return found[1]

    def get(self, entry: Entry, ids: Sequence[str], lock: Lock = Lock.NONE) -> dict[str, StoredDocument]:
        """Give the present versions of items, in one read; those that do not exist are left out.

        Args:
            entry: their collection.
            ids: their `_id`s.
            lock: how they are to be held from now on.

        Raises:
            TransientError: one that the unit knows already was changed by somebody else before it could be held.
        """
        name, held = entry.name, self._held
        if lock is not Lock.NONE and entry.store.capabilities.locks:
            self._want(name, ids, lock)
        unknown = [id_ for id_ in ids if (name, id_) not in held] if held else list(ids)
        if unknown:
            found = entry.store.get(self.session(entry), unknown, lock)
            for id_ in unknown:
                stored = found.get(id_)
                present = None if stored is None else entry.accepted(stored)
                held[name, id_] = _Held(present, None if stored is None else stored.rev, present, lock)
        if lock is not Lock.NONE and len(unknown) < len(ids) and entry.store.capabilities.locks:
            self._hold(entry, [id_ for id_ in ids if _WEAKER[held[name, id_].lock, lock]], lock)
        versions = ((id_, held[name, id_].present) for id_ in ids)
        return {id_: present for id_, present in versions if present is not None}

    def hold(self, wanted: Mapping[Key, Lock]) -> None:
        """Hold items before anything else, in the one order in which nobody waits in a circle.

        Args:
            wanted: what another unit of work, which did the same and was given up, had wanted to hold.
        """
        for name in sorted({name for name, _ in wanted}):
            ids = sorted(id_ for collection, id_ in wanted if collection == name)
            self.get(self.catalog.entry(name), ids, max((wanted[name, id_] for id_ in ids), key=_STRENGTH.__getitem__))

    def _want(self, name: str, ids: Iterable[str], lock: Lock) -> None:
        for id_ in ids:
            if _WEAKER[self.wanted.get((name, id_), Lock.NONE), lock]:
                self.wanted[name, id_] = lock

    def _hold(self, entry: Entry, ids: Sequence[str], lock: Lock) -> None:
        """Hold items that the unit has read before; what it has planned is void if one is another by now."""
        known = {id_: self._held[entry.name, id_] for id_ in ids}
        there = {id_: one for id_, one in known.items() if one.stored_rev is not None or one.present is None}
        found = entry.store.get(self.session(entry), [*there], lock) if there else {}
        for id_, one in there.items():
            if one.stored_rev != (found[id_].rev if id_ in found else None):
                raise self._overtaken(entry)
        for one in known.values():  # nobody but the unit knows of those that it has just made
            one.lock = lock

    def _overtaken(self, entry: Entry) -> TransientError:
        """Say that what the unit knows of an item is not true any more; whoever catches it does not mend that."""
        message = f"an item of {entry.name!r} was changed by somebody else at the same time"
        self._broken = TransientError(message, hint="do it again; backoffice.run() does so by itself")
        return self._broken

    def are_held(self, keys: Iterable[Key]) -> bool:
        """Tell whether nobody else can change items, or refer to them, until the end of the unit."""
        return all(
            not self.catalog.entry(key[0]).store.capabilities.locks
            or (key in self._held and self._held[key].lock is Lock.EXCLUSIVE)
            for key in keys
        )

    def find(self, entry: Entry, query: Query) -> Iterator[StoredDocument]:
        """Give the documents of a query, the unit's own writes included."""
        if _select_log.isEnabledFor(logging.DEBUG):
            _select_log.debug("select from %s: %s", entry.name, Outline(query))
        self.flush()
        query = self._rewritten(entry, query)
        present, accepted = entry.schema.fingerprint, entry.accepted
        found = entry.store.find(self.session(entry), query)
        if self.writing and entry.store.capabilities.locks:
            found = self._noted(entry, found)
        return (one if one.fingerprint == present else accepted(one) for one in found)

    def _noted(self, entry: Entry, found: Iterable[StoredDocument]) -> Iterator[StoredDocument]:
        """Give what a query found, and remember the revisions of what the unit knows only by this."""
        name, seen, held = entry.name, self._seen, self._held
        for one in found:
            key = (name, one.id)
            if key not in held:
                seen.pop(key, None)
                seen[key] = one.rev
                if len(seen) > _SEEN:
                    del seen[next(iter(seen))]
            yield one

    def check_seen(self, entry: Entry, id_: str, rev: int) -> None:
        """Look at the version of an item, held by now, that is going to be saved or deleted.

        Raises:
            TransientError: a query of this very unit gave it, and somebody else was faster.
        """
        key = (entry.name, id_)
        if self._seen.get(key) == rev:
            first = self._held[key].first
            if first is None or first.rev != rev:
                raise self._overtaken(entry)

    def count(self, entry: Entry, filter_: Filter) -> int:
        """Count the documents that match, the unit's own writes included."""
        self.flush()
        return entry.store.count(self.session(entry), self._rewritten(entry, Query(filter_)).filter)

    def without_links(self, entry: Entry, filter_: Filter) -> Filter:
        """Rewrite a filter so that it no longer crosses links."""
        return self._rewritten(entry, Query(filter_)).filter

    def _rewritten(self, entry: Entry, query: Query) -> Query:
        return rewritten(query, entry.links, self.catalog.graph, self._search)

    def _search(self, collection: str, filter_: Filter, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        """Give id and value at a path of the items of a collection that match."""
        entry = self.catalog.entry(collection)
        for stored in self.find(entry, Query(filter_)):
            yield stored.id, value_at(stored.document, path)

    def linked(self, link: Link, ids: Sequence[str], limit: int) -> dict[str, list[str]]:
        """Give, for items of a collection, the ids that one of its links names; at most `limit` in all."""
        if not link.derived:
            found = self.get(self.catalog.entry(link.collection), ids)
            return {id_: list(ids_in(value_at(stored.document, link.path))) for id_, stored in found.items()}
        reverse = self.catalog.graph.reverse_of(link)
        return {} if reverse is None else self._holders(reverse, ids, limit)

    def _holders(self, link: Link, ids: Sequence[str], limit: int) -> dict[str, list[str]]:
        """Give, for targets, the ids of the items whose stored link names them, in order.

        What is still to be written is laid over what the store says: a flush would let the store
        judge unique values before the end.
        """
        if not ids:
            return {}
        entry = self.catalog.entry(link.collection)
        changed = [id_ for name, id_ in self._pending if name == link.collection]
        if len(changed) > _OVERLAID:
            self.flush()
            changed = []
        told = set(changed)
        holders: dict[str, list[str]] = {}
        for target, holder in entry.store.referrers(self.session(entry), link.path, ids, limit + len(changed)):
            if holder not in told:
                holders.setdefault(target, []).append(holder)
        if changed:
            wanted = set(ids)
            for id_ in changed:
                present = self._held[link.collection, id_].present
                names = () if present is None else ids_in(value_at(present.document, link.path))
                for target in wanted.intersection(names):
                    holders.setdefault(target, []).append(id_)
            holders = {target: sorted(found) for target, found in holders.items()}
        return holders

    def filled(self, link: Link, ids: Sequence[str]) -> dict[str, list[str]]:
        """Give the ids that a derived link of a page of items shows.

        Raises:
            QueryError: there are more than one answer may show.
        """
        limit = self.catalog.limits.fill
        found = self.linked(link, ids, limit + 1)
        if sum(map(len, found.values())) > limit:
            raise too_many(link, limit)
        return found

    def solve(self, planner: Planner, limit: int | None = None) -> Plan:
        """Run a planner of `backo.references.effects`, answering what it asks with one read each.

        Args:
            planner: the planner.
            limit: how many items it may change; answers with more are cut one above it.
        """
        limit = self.catalog.limits.cascade if limit is None else limit
        try:
            request = next(planner)
            while True:
                request = planner.send(self._answer(request, limit + 1))
        except StopIteration as end:
            plan: Plan = end.value
            return plan

    def _answer(self, request: Members | Holders, limit: int) -> Answer:
        if isinstance(request, Holders):
            found = self._holders(request.link, request.ids, limit)
            for (collection, id_), links in self._deferred.items():
                for one in links:
                    if (collection, one.path) == request.link.address and one.target in request.ids:
                        found.setdefault(one.target, []).append(id_)
            return found
        return self.linked(request.link, request.ids, limit)

    def first(self, key: Key) -> Mapping[str, Any]:
        """Give the document of an item that the unit met as it was before; empty when there was none."""
        held = self._held.get(key)
        return {} if held is None or held.first is None else held.first.document

    def present(self, key: Key) -> Mapping[str, Any] | None:
        """Give the document of an item as the unit sees it; None when there is none, or the unit has not met it."""
        held = self._held.get(key)
        return None if held is None or held.present is None else held.present.document

    # Writing.

    def put(self, entry: Entry, id_: str, document: dict[str, Any]) -> StoredDocument:
        """Plan to store a document; returns the version that it becomes."""
        self._check_writing()
        key, fingerprint = (entry.name, id_), entry.schema.fingerprint
        held = self._held.setdefault(key, _Held(None, None, None))
        self._remember(key, held)
        expected = held.stored_rev
        if expected is None:
            if held.present is not None and key not in self._pending:
                raise _exists(entry)
            rev = held.present.rev if held.present else secrets.randbits(_REV_BITS) + 1
            write = Write(Operation.INSERT, id_, rev=rev, fingerprint=fingerprint, document=document)
            self.inserted.add(key)
        else:
            rev = expected + 1
            write = Write(Operation.UPDATE, id_, expected, rev, fingerprint, document)
        self._pending[key] = write
        self.changes += 1
        held.present = StoredDocument(id_, rev, fingerprint, document=document)
        return held.present

    def put_new(self, entry: Entry, documents: Iterable[dict[str, Any]]) -> None:
        """Plan to store documents of new items, whose `_id`s nobody has; as `put` does, for many."""
        self._check_writing()
        name, fingerprint = entry.name, entry.schema.fingerprint
        held, pending, rev = self._held, self._pending, secrets.randbits(_REV_BITS) + 1
        keys: list[Key] = []
        self._log.append(partial(self._take_away, keys))
        for document in documents:
            id_ = document["_id"]
            key = (name, id_)
            if key in held and (held[key].stored_rev is not None or key in pending):  # deleted in this very unit
                self.put(entry, id_, document)
                continue
            keys.append(key)
            held[key] = _Held(StoredDocument(id_, rev, fingerprint, document=document), None, None)
            pending[key] = Write(Operation.INSERT, id_, 0, rev, fingerprint, document)
        self.inserted.update(keys)
        self.changes += len(keys)

    def _take_away(self, keys: Iterable[Key]) -> None:
        """Take back the plan to store new items."""
        for key in keys:
            self._put_back(key, self._held[key], (None, None, None, False))

    def remove(self, entry: Entry, id_: str) -> None:
        """Plan to delete an item."""
        self._check_writing()
        key = (entry.name, id_)
        held = self._held[key]
        self._remember(key, held)
        if held.stored_rev is None:
            self._pending.pop(key, None)
        else:
            self._pending[key] = Write(Operation.DELETE, id_, held.stored_rev)
        self.changes += 1
        held.present = None

    def _check_writing(self) -> None:
        if not self.writing:
            message = "this unit of work only reads"
            raise SessionError(message, hint="open it with transaction()")

    def defer(self, key: Key, effects: list[AddLink | RemoveLink]) -> None:
        """Keep links for an item that does not exist yet; what is removed again is forgotten."""
        before = self._deferred.get(key, [])
        links = list(before)
        for effect in effects:
            link = AddLink(effect.collection, effect.id, effect.path, effect.target)
            links = [one for one in links if one != link]
            if isinstance(effect, AddLink):
                links.append(link)
        self._deferred[key] = links
        self._log.append(lambda: self._deferred.update({key: before}))

    def deferred(self, key: Key) -> list[AddLink]:
        """Give the links that were kept for an item."""
        return self._deferred.get(key, [])

    def judge_later(self, judgements: Iterable[Judgement]) -> None:
        """Remember what has to hold when the unit ends."""
        new = [one for one in dict.fromkeys(judgements) if one not in self._judgements]
        if new:
            self._judgements.update(dict.fromkeys(new))
            self._log.append(partial(self._forget, new))

    def expect(self, link: Link, named: Sequence[tuple[str, str]]) -> None:
        """Remember pairs (id of an item, what a stored link of it names): those must exist when the unit ends."""
        if named:
            pairs = self._expected.setdefault(link, [])
            before = len(pairs)
            pairs += named
            self._log.append(lambda: pairs.__delitem__(slice(before, None)))

    def number(self, collection: str, start: int, ids: list[str]) -> None:
        """Remember the positions of items that were sent together, for what is told of them in the end."""
        self._numbered.append((collection, start, ids))
        self._positions = {}
        self._log.append(lambda: self._numbered.remove((collection, start, ids)))

    def where(self, collection: str, id_: str, path: FieldPath) -> tuple[int, str]:
        """Name a place in an item to whom sent it: its position where it came with others, else -1, and the text."""
        if not self._positions:
            for name, start, ids in self._numbered:
                self._positions.update(((name, one), position) for position, one in enumerate(ids, start))
        position = self._positions.get((collection, id_))
        if position is None:
            return -1, to_text(path)
        return position, f"$[{position}]{to_text(path).removeprefix('$')}"

    def _forget(self, judgements: Iterable[Judgement]) -> None:
        for one in judgements:
            del self._judgements[one]

    def undo_with(self, undo: Callable[[], None]) -> None:
        """Remember how to put something back, should the operation or the unit fail."""
        self._log.append(undo)

    def _remember(self, key: Key, held: _Held) -> None:
        before = held.present, held.stored_rev, self._pending.get(key), key in self.inserted
        self._log.append(partial(self._put_back, key, held, before))

    def _put_back(
        self, key: Key, held: _Held, before: tuple[StoredDocument | None, int | None, Write | None, bool]
    ) -> None:
        """Take back the plan of one write: what there was before, also when a session has been handed it."""
        present, stored_rev, write, inserted = before
        held.present = present
        again = write if held.stored_rev == stored_rev else _back_to(present, held.stored_rev, key[1])
        if again is None:
            self._pending.pop(key, None)
        else:
            self._pending[key] = again
        if not inserted:
            self.inserted.discard(key)

    def after_commit(self, function: Callable[[], Any]) -> None:
        """Call a function once the unit is committed, and never if it is not."""
        self._after.append(function)
        self._log.append(lambda: self._after.remove(function))

    def flush(self) -> None:
        """Hand what is pending to the stores, one batch per collection, in order of their names."""
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        batches: dict[str, list[Write]] = {}
        for (name, _), write in pending.items():
            batches.setdefault(name, []).append(write)
        try:
            for name in sorted(batches):
                entry = self.catalog.entry(name)
                self._written.add(entry.store.database)
                try:
                    entry.store.write(self.session(entry), batches[name])
                except ConflictError as error:
                    raise _again(entry, error, self.catalog.graph) from error
                for write in batches[name]:
                    gone = write.operation is Operation.DELETE
                    self._held[name, write.id].stored_rev = None if gone else write.rev
        except BaseException as error:
            self._broken = error
            raise

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Do one operation whole: when it fails, what it had planned is forgotten."""
        start = len(self._log)
        try:
            yield
        except BaseException:
            self._undo(start)
            raise

    def _undo(self, start: int) -> None:
        """Take back everything that was planned since the log was this long."""
        while len(self._log) > start:
            self._log.pop()()

    # Ending.

    def commit(self) -> None:
        """Write what is pending, judge the end, and commit.

        Raises:
            ValidationError: a link names an item that does not exist, or a required one names nothing.
            ConflictError: a unique value is taken, or somebody else was faster.
            SessionError: a store refused what an operation wrote, and it was caught.
        """
        try:
            if self.writing:
                self._check_whole()
                if any(isinstance(one, MustExist) and one.unseen for one in self._judgements):
                    judge(self, self._judgements, {})  # a store is not asked about an item that is not there
                self.flush()
                judge(self, self._judgements, self._expected)
            commit_together([*self._sessions.values()], self._written.__contains__)
        except BaseException:
            self.rollback()
            raise
        self._ended = True
        if self.changes:
            _log.debug("committed %d changes of %r", self.changes, self.catalog.name)
        self._log.clear()  # what undoes refers to us: nobody would find the items of a large unit for a long time

    def run_after(self) -> None:
        """Call what waits for the commit; no unit of work is open any more."""
        for function in self._after:
            try:
                function()
            except Exception:  # noqa: BLE001  # what is committed stays so; the failure is told in the log
                _log.exception("a function of on_commit failed; the unit of work is committed all the same")

    def _check_whole(self) -> None:
        if isinstance(self._broken, TransientError):  # whoever caught it cannot do it again
            raise self._broken
        if self._broken:
            message = "an operation failed half-way inside this unit of work, so it cannot be committed"
            raise SessionError(message)

    def rollback(self) -> None:
        """Forget everything. Does not raise."""
        if self._ended:
            return
        self._ended = True
        for _, session in self._sessions.values():
            session.rollback()
        self._undo(0)
        if self.changes:
            _log.debug("rolled back %d changes of %r", self.changes, self.catalog.name)


def _again(entry: Entry, error: ConflictError, graph: LinkGraph) -> BackoError:
    """Tell a race from a conflict: what was looked at in this very unit is not there any more when it is written.

    A revision, or the partner of a one-to-one link, is another one only if somebody else was faster.
    """
    reverses = {to_text(path): graph.reverse_of(link) for path, link in entry.links.items() if not link.many}
    freed = {path for path, reverse in reverses.items() if reverse is not None and not reverse.many}
    if entry.store.capabilities.locks and all(one.path in freed for one in error.problems):
        return TransientError(f"somebody else changed items of {entry.name!r} at the same time")
    return error


def _back_to(present: StoredDocument | None, stored_rev: int | None, id_: str) -> Write | None:
    """Give the write that takes back what a session has been handed already."""
    if present is None:
        return None if stored_rev is None else Write(Operation.DELETE, id_, stored_rev)
    operation = Operation.INSERT if stored_rev is None else Operation.UPDATE
    return Write(operation, id_, stored_rev or 0, present.rev, present.fingerprint, present.document)


def _exists(entry: Entry) -> ConflictError:
    message = f"there is an item with this _id in {entry.name!r} already"
    return ConflictError(message, problems=[Problem("$._id", "unique", "Is taken")])


def too_many(link: Link, limit: int) -> QueryError:
    """Say that a list names more ids than one answer may show."""
    path = to_text(link.path)
    hint = "declare it with ofs=FillStrategy.NOT_FILL, or ask for a smaller page or a `_view` without it"
    message = f"{path} names more than {limit} items"
    return QueryError(message, problems=[Problem(path, "fill", "Names too many items")], hint=hint)


class unit_of_work:  # noqa: N801  # used as a function; a class, since every request pays for entering it
    """Join the unit of work that is open for this application, or open one and commit it at the end.

    Args:
        catalog: the application.
        writing: whether it is going to write.
        once: whether it is going to read once only, with one call of one store.

    Raises:
        SessionError: the open one only reads, and writing was asked for.
    """

    __slots__ = ("_catalog", "_once", "_token", "_unit", "_writing")

    def __init__(self, catalog: Catalog, *, writing: bool, once: bool = False) -> None:
        self._catalog = catalog
        self._writing = writing
        self._once = once
        self._token: Token[Mapping[int, Unit]] | None = None

    def __enter__(self) -> Unit:
        """Give the unit."""
        units, key = _open.get(), id(self._catalog)
        joined = units.get(key)
        if joined is None:
            self._unit = Unit(self._catalog, writing=self._writing, once=self._once)
            self._token = _open.set({**units, key: self._unit})
            return self._unit
        if self._writing and not joined.writing:
            message = "the open unit of work only reads"
            raise SessionError(message, hint="open it with transaction() before the first read")
        return joined

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the unit, where it was opened here."""
        if self._token is None:
            return
        unit, token, self._token = self._unit, self._token, None
        try:
            if error is None:
                unit.commit()
            else:
                unit.rollback()
        finally:
            _open.reset(token)
        if error is None:
            unit.run_after()


def open_unit(catalog: Catalog) -> Unit | None:
    """Give the unit of work that is open for this application, if there is one."""
    return _open.get().get(id(catalog))
