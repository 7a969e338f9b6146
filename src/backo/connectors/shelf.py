"""Keep the documents of one collection in memory, with indexes on the columns worth one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

from backo.connectors.base import Column, Document, StoredDocument
from backo.errors import DBError
from backo.paths import FieldPath
from backo.query.filters import And, Compare, Filter, Operator, Or
from backo.query.reading import all_values, one_value
from backo.schema.kinds import Comparable

Values: TypeAlias = Callable[[Document], "set[Comparable]"]


def values_of(column: Column) -> Values:
    """Build the function that reads the comparables of a document in a column, without absent ones."""
    if column.many:
        read_all = all_values(column.path, column.kind)
        return lambda document: {value for value in read_all(document) if value is not None}
    read = one_value(column.path, column.kind)

    def read_one(document: Document) -> set[Comparable]:
        value = read(document)
        return set() if value is None else {value}

    return read_one


class _Index:
    """Which documents have a value in one column."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self._values = values_of(column)
        self._ids: dict[Comparable, set[str]] = {}

    def add(self, id_: str, document: Document) -> None:
        for value in self._values(document):
            self._ids.setdefault(value, set()).add(id_)

    def remove(self, id_: str, document: Document) -> None:
        for value in self._values(document):
            ids = self._ids[value]
            ids.discard(id_)
            if not ids:
                del self._ids[value]

    def repeated(self) -> AbstractSet[str]:
        """Give the ids that share one value, the first such value; none when all values differ."""
        return next((ids for ids in self._ids.values() if len(ids) > 1), _NOBODY)

    def find(self, compare: Compare) -> AbstractSet[str] | None:
        """Give the ids for which a comparison holds; None when the index does not tell."""
        wanted = _wanted(compare)
        if wanted is None or compare.kind is not self.column.kind or compare.many is not self.column.many:
            return None
        if len(wanted) == 1:
            return self._ids.get(next(iter(wanted)), _NOBODY)
        return _NOBODY.union(*(self._ids.get(value, ()) for value in wanted))


_NOBODY: frozenset[str] = frozenset()


class Shelf:
    """The documents of one collection, by id and by indexed column.

    It keeps JSON text and gives out new `StoredDocument`s, so nobody who reads can change what is
    kept. A caller that shares one between threads holds a lock around each call.

    Attributes:
        unreadable: by id, why a document that is there cannot be read; it is in no index and no page.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.unreadable: dict[str, str] = {}
        self._kept: dict[str, StoredDocument] = {}
        self._order: list[str] = []
        indexed = [column for column in columns if column.index or column.unique or column.link]
        self._indexes = {column.path: _Index(column) for column in indexed}

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._kept

    def put(self, stored: StoredDocument) -> None:
        """Keep a document, in the place of one with its id; it must have its text."""
        if stored.id in self._kept:
            self._unindex(stored.id)
        elif not self._order or stored.id > self._order[-1]:
            self._order.append(stored.id)
        else:
            insort(self._order, stored.id)
        self._kept[stored.id] = stored
        self._index(stored)

    def fill(self, documents: Iterable[StoredDocument]) -> None:
        """Keep many documents on an empty shelf."""
        self._kept = {stored.id: stored for stored in documents}
        self._order = sorted(self._kept)
        for stored in self._kept.values():
            self._index(stored)

    def remove(self, id_: str) -> None:
        """Forget a document, if it is there."""
        if id_ in self._kept:
            self._unindex(id_)
            del self._kept[id_]
            del self._order[bisect_left(self._order, id_)]

    def update(self, images: Mapping[str, StoredDocument | None]) -> None:
        """Keep and forget documents by id."""
        for id_, stored in images.items():
            if stored is None:
                self.remove(id_)
            else:
                self.put(stored)

    def read(self, ids: Iterable[str]) -> dict[str, StoredDocument]:
        """Give the documents with these ids, as far as they are here.

        Raises:
            DBError: one of them cannot be read.
        """
        found = {}
        for id_ in ids:
            stored = self._kept.get(id_)
            if stored is not None:
                found[id_] = _copy(stored)
            elif id_ in self.unreadable:
                raise DBError(self.unreadable[id_])
        return found

    def images(self, ids: Iterable[str]) -> dict[str, StoredDocument | None]:
        """Give what is here for each of these ids, without those that cannot be read."""
        return {id_: self._kept.get(id_) for id_ in ids if id_ not in self.unreadable}

    def require_readable(self, but: Collection[str] = ()) -> None:
        """Refuse to answer for all documents while one cannot be read.

        Args:
            but: ids whose documents the caller has from elsewhere.

        Raises:
            DBError: there is one.
        """
        for id_, why in self.unreadable.items():
            if id_ not in but:
                raise DBError(why)

    def count(self, but: Collection[str] = ()) -> int:
        """Count the documents whose ids are not among these."""
        return len(self._kept) - sum(id_ in self._kept for id_ in but)

    def narrow(self, filter_: Filter) -> AbstractSet[str] | None:
        """Give ids among which all that match a filter are, from the indexes; None when these cannot tell.

        The set may be one of ours: it is not to be changed, nor kept after the caller's lock.
        """
        match filter_:
            case Compare(path=path) if path in self._indexes:
                return self._indexes[path].find(filter_)
            case And(parts):
                return _fewest(map(self.narrow, parts))
            case Or(parts):
                return _all(map(self.narrow, parts))
        return None

    def repeated(self, path: FieldPath) -> list[str]:
        """Give the ids of documents that share a value of an indexed field; none when all values differ."""
        return sorted(self._indexes[path].repeated())

    def page(self, filter_: Filter, after: str | None, size: int) -> tuple[list[StoredDocument], str | None]:
        """Give the next documents in order of id, whatever the filter, and the id up to which that is all.

        Returns:
            At most `size` documents, and the last one's id; None instead when there are no more.
        """
        start = 0 if after is None else bisect_right(self._order, after)
        ids = self._order[start : start + size]
        end = ids[-1] if start + size < len(self._order) else None
        return [_copy(self._kept[id_]) for id_ in ids], end

    def between(self, after: str | None, last: str | None) -> list[StoredDocument]:
        """Give the documents whose ids are above `after` and not above `last`, in their order."""
        start = 0 if after is None else bisect_right(self._order, after)
        stop = len(self._order) if last is None else bisect_right(self._order, last)
        return [_copy(self._kept[id_]) for id_ in self._order[start:stop]]

    def _index(self, stored: StoredDocument) -> None:
        if self._indexes:
            document = _copy(stored).document
            for index in self._indexes.values():
                index.add(stored.id, document)

    def _unindex(self, id_: str) -> None:
        if self._indexes:
            document = _copy(self._kept[id_]).document
            for index in self._indexes.values():
                index.remove(id_, document)


def _copy(stored: StoredDocument) -> StoredDocument:
    return StoredDocument(stored.id, stored.rev, stored.fingerprint, text=stored.text)


def named_ids(filter_: Filter) -> AbstractSet[str] | None:
    """Give the ids to which a filter itself restricts what matches; None when it does not.

    >>> from backo.query.filters import id_is_in
    >>> sorted(named_ids(And((id_is_in(("a", "b")), And()))))
    ['a', 'b']
    """
    match filter_:
        case Compare(path=("_id",)):
            return _wanted(filter_)
        case And(parts):
            return _fewest(map(named_ids, parts))
        case Or(parts):
            return _all(map(named_ids, parts))
    return None


def _wanted(compare: Compare) -> set[Any] | None:
    """Give the values of which a field must have one for a comparison to hold; None when it is not of that form."""
    match compare:
        case Compare(operator=Operator.IN, value=tuple(operands)):
            wanted: tuple[Any, ...] = operands
        case Compare(operator=Operator.EQ, value=value):
            wanted = (value,)
        case _:
            return None
    return None if any(value is None or isinstance(value, tuple) for value in wanted) else set(wanted)


def _fewest(several: Iterable[AbstractSet[str] | None]) -> AbstractSet[str] | None:
    """Give the smallest of the sets that are known: what matches all parts is in each."""
    return min((ids for ids in several if ids is not None), key=len, default=None)


def _all(several: Iterable[AbstractSet[str] | None]) -> AbstractSet[str] | None:
    """Give the union, when all sets are known: what matches one part is in one."""
    found = list(several)
    known = [ids for ids in found if ids is not None]
    return _NOBODY.union(*known) if len(known) == len(found) else None
