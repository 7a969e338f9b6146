"""Show one session its own view of a store that knows no transactions.

A view is the *base*, which all sessions share, but for the ids on which the session has its own
word: for a writing session what it wrote, for a reading one what others changed since it began.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import Protocol

from backo import jsontext
from backo.connectors.base import Column, Operation, StoredDocument, Write
from backo.connectors.shelf import Shelf, named_ids, values_of
from backo.errors import ConflictError, DBError, Problem, SessionError
from backo.paths import FieldPath, to_text
from backo.query.filters import EVERYTHING, Compare, Filter, Operator
from backo.query.matching import matcher
from backo.schema.kinds import Comparable

FIRST_CHUNK, LARGEST_CHUNK = 32, 1024  # documents read at a time

_by_id = attrgetter("id")


class Base(Protocol):
    """What all sessions share: the committed documents of one store. Called with the mutex held."""

    def read(self, ids: Iterable[str]) -> dict[str, StoredDocument]:
        """Give the documents with these ids, as far as there are any."""

    def images(self, ids: Iterable[str]) -> dict[str, StoredDocument | None]:
        """Give what is there for each of these ids, without those that cannot be read."""

    def require_readable(self, but: Collection[str] = ()) -> None:
        """Raise `DBError` when a document that is there cannot be read, unless its id is among these."""

    def count(self, but: Collection[str] = ()) -> int:
        """Count the documents whose ids are not among these."""

    def narrow(self, filter_: Filter) -> AbstractSet[str] | None:
        """Give ids among which all that match are, when that is known without reading documents."""

    def repeated(self, path: FieldPath) -> Sequence[str]:
        """Give the ids of documents that share a value of an indexed field, when that is known; else none."""

    def page(self, filter_: Filter, after: str | None, size: int) -> tuple[list[StoredDocument], str | None]:
        """Give documents above an id in order, and the id up to which these are all (None: to the end).

        Those that do not match the filter may be left out; `size` is an offer.
        """


@dataclass(frozen=True, slots=True)
class Change:
    """What a session changes in one store: documents by id, None where there is none."""

    before: dict[str, StoredDocument | None]
    after: dict[str, StoredDocument | None]


class View:
    """What one session sees of one store; used by one thread, while commits of others add to `keep`."""

    def __init__(self, base: Base, columns: Sequence[Column], mutex: AbstractContextManager[object]) -> None:
        self.base = base
        self.is_over = False
        self.leaves_out_unreadable = False  # instead of refusing to answer because of them
        self._columns = columns
        self._mutex = mutex
        # The ids on which this view has its own word, with what the base said when it first had one.
        self._told: dict[str, StoredDocument | None] = {}
        self._own = Shelf(columns)  # and what it says: the document, or that there is none

    def keep(self, id_: str, before: StoredDocument | None) -> None:
        """Go on seeing a document as it is before somebody else's change."""
        if id_ not in self._told:
            self._told[id_] = before
            self._own.update({id_: before})

    def change(self) -> Change:
        """Give what was written here, by id: nothing for what was written and taken back."""
        after = self._own.read(self._told)
        before = {id_: stored for id_, stored in sorted(self._told.items()) if stored or id_ in after}
        return Change(before, {id_: after.get(id_) for id_ in before})

    def get(self, ids: Collection[str]) -> dict[str, StoredDocument]:
        """Read documents by id; those that do not exist are left out."""
        with self._mutex:
            self._check()
            return self._read(ids)

    def _read(self, ids: Collection[str]) -> dict[str, StoredDocument]:
        found = self.base.read(id_ for id_ in ids if id_ not in self._told)
        return {**found, **self._own.read(ids)} if self._told else found

    def scan(self, filter_: Filter, after: str | None = None) -> Iterator[StoredDocument]:
        """Give the documents that match, in order of id, from above an id on."""
        chunks = self._chunks(filter_, after)
        if filter_ == EVERYTHING:
            for chunk in chunks:
                yield from chunk
            return
        matches = matcher(filter_)
        for chunk in chunks:
            yield from (stored for stored in chunk if matches(stored.document))

    def count(self, filter_: Filter) -> int:
        """Count the documents that match."""
        if filter_ != EVERYTHING:
            return sum(1 for _ in self.scan(filter_))
        with self._mutex:
            self._check()
            self._require_readable()
            return self.base.count(self._told) + len(self._own)

    def is_narrow(self, filter_: Filter) -> bool:
        """Tell whether a filter can be answered without reading what does not match."""
        with self._mutex:
            return self._candidates(filter_) is not None

    def _chunks(self, filter_: Filter, after: str | None) -> Iterator[list[StoredDocument]]:
        """Give, piece by piece, documents among which all that match are, in order of id.

        Each piece is read under the mutex. Between two, a commit may change the base: it tells this
        view first, so all pieces are of one state.
        """
        size = FIRST_CHUNK
        with self._mutex:
            self._check()
            candidates = self._candidates(filter_)
        start = 0 if after is None or candidates is None else bisect_right(candidates, after)
        while candidates is not None and start < len(candidates):
            ids = candidates[start : start + size]
            with self._mutex:
                self._check()
                found = self._read(ids)
            yield [found[id_] for id_ in ids if id_ in found]
            start, size = start + size, min(2 * size, LARGEST_CHUNK)
        end: str | None = after
        while candidates is None:
            with self._mutex:
                self._check()
                page, end = self.base.page(filter_, after, size)
                own = self._own.between(after, end)
                theirs = [stored for stored in page if stored.id not in self._told]
            yield list(merge(theirs, own, key=_by_id)) if own else theirs
            if end is None:
                return
            after, size = end, min(2 * size, LARGEST_CHUNK)

    def _candidates(self, filter_: Filter) -> list[str] | None:
        """List ids among which all that match are, in order; None when that could be any."""
        named = named_ids(filter_)
        if named is not None:
            return sorted(named)
        self._require_readable()
        theirs = self.base.narrow(filter_)
        if theirs is None:
            return None
        if not self._told:
            return sorted(theirs)
        own = self._own.narrow(filter_)
        return sorted((theirs - self._told.keys()) | (own if own is not None else self._told.keys()))

    def _require_readable(self) -> None:
        if not self.leaves_out_unreadable:
            self.base.require_readable(self._told)

    def _check(self) -> None:
        if self.is_over:
            raise SessionError("this unit of work has ended", hint="read everything before it ends")

    def write(self, writes: Sequence[Write]) -> None:
        """Judge a batch of writes, and see it from now on.

        Raises:
            ConflictError: as `Store.write` says; the batch is then partly seen.
        """
        before = self.get({write.id for write in writes})
        present: dict[str, StoredDocument | None] = dict(before)
        for write in writes:
            present[write.id] = _judged(write, present.get(write.id))
        with self._mutex:
            for id_ in present.keys() - self._told.keys():
                self._told[id_] = before.get(id_)
            self._own.update(present)
        problems = [
            Problem(to_text(column.path), "unique", "this value is taken")
            for column in self._columns
            if column.unique and self._is_taken(column, before, present)
        ]
        if problems:
            raise ConflictError("another item has a value that must be unique", problems=problems)

    def _is_taken(
        self,
        column: Column,
        before: dict[str, StoredDocument],
        present: dict[str, StoredDocument | None],
    ) -> bool:
        """Tell whether a value that a document of a batch newly takes is another document's too."""
        read = values_of(column)
        claims: dict[Comparable, str] = {}
        for id_, stored in present.items():
            if stored is not None:
                held = read(before[id_].document) if id_ in before else set()
                for value in read(stored.document) - held:
                    if claims.setdefault(value, id_) != id_:
                        return True
        if not claims:
            return False
        asked = Compare(column.path, Operator.IN, tuple(claims), column.kind, column.many)
        holders = ((value, stored.id) for stored in self.scan(asked) for value in read(stored.document))
        return any(claims.get(value, id_) != id_ for value, id_ in holders)


def _judged(write: Write, present: StoredDocument | None) -> StoredDocument | None:
    """Give what a write makes of the document that is there now.

    Raises:
        ConflictError: it is not the one that the write expects.
    """
    if write.operation is Operation.INSERT:
        if present is not None:
            raise ConflictError(f"there is an item {write.id} already")
    elif present is None:
        raise ConflictError(f"the item {write.id} has been deleted")
    elif present.rev != write.expected_rev:
        raise ConflictError(f"the item {write.id} has been changed")
    if write.operation is Operation.DELETE:
        return None
    try:
        text = jsontext.encode(write.document)
    except (TypeError, ValueError, RecursionError) as error:
        raise DBError(f"the item {write.id} cannot be written as JSON: {error}") from error
    return StoredDocument(write.id, write.rev, write.fingerprint, text=text)
