"""Read what is stored as it is, inside one unit of work: nothing is judged, nothing is refused."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from backo import jsontext
from backo.connectors.base import Document, Lock, Session, StoredDocument
from backo.errors import ValidationError
from backo.paths import FieldPath
from backo.query.filters import Compare, Operator, Query
from backo.query.reading import raw_value
from backo.work.catalog import Catalog, Entry
from backo.work.unit import Unit

PAGE = 500  # documents that are read at once

T = TypeVar("T")


class Raw:
    """The stores of an application, as one unit of work sees them."""

    def __init__(self, catalog: Catalog, unit: Unit) -> None:
        self.catalog, self.unit = catalog, unit
        self._unreadable: dict[str, Mapping[str, str]] = {}

    def session(self, entry: Entry) -> Session:
        """Give the session of a collection, in which nothing is judged."""
        session = self.unit.session(entry)
        session.unjudged = True
        return session

    def unreadable(self, entry: Entry) -> Mapping[str, str]:
        """Tell which documents of a collection the store knows to be unreadable."""
        if entry.name not in self._unreadable:
            self._unreadable[entry.name] = entry.store.unreadable(self.session(entry))
        return self._unreadable[entry.name]

    def page(self, entry: Entry, after: str | None) -> list[StoredDocument]:
        """Give the next documents in order of `_id`."""
        position = None if after is None else (after,)
        return list(entry.store.find(self.session(entry), Query(limit=PAGE, after=position)))

    def get(self, entry: Entry, ids: Iterable[str], *, change: bool = False) -> Iterator[StoredDocument]:
        """Give the documents with these ids, those that cannot be read left out.

        Args:
            entry: the collection.
            ids: any number of them.
            change: whether they are going to be changed; in a writing unit of work they are then locked
                for that, else only kept from being deleted.
        """
        lock = (Lock.EXCLUSIVE if change else Lock.SHARED) if self.unit.writing else Lock.NONE
        unreadable, session = self.unreadable(entry), self.session(entry)
        for some in chunks(sorted(set(ids).difference(unreadable)), PAGE):
            yield from entry.store.get(session, some, lock).values()

    def missing(self, entry: Entry, ids: Collection[str]) -> set[str]:
        """Give those ids that no document has."""
        found = {stored.id for stored in self.get(entry, ids)}
        return set(ids).difference(found, self.unreadable(entry))

    def holders(self, entry: Entry, path: FieldPath, ids: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Give who stores a link to one of these ids: the `_id` of each, and all that it names there."""
        node = entry.schema.nodes[path]
        asked = Compare(path, Operator.IN, tuple(ids), node.kind, node.many)
        for stored in entry.store.find(self.session(entry), Query(asked)):
            document = read(stored)
            if isinstance(document, dict):
                yield stored.id, ids_at(document, path)


def read(stored: StoredDocument) -> Document | str:
    """Give a document, or say why it cannot be read."""
    if stored.text is None:
        return stored.document
    try:
        document = jsontext.decode_untrusted(stored.text, max_depth=sys.maxsize)
    except ValidationError as error:
        return error.message
    return document if isinstance(document, dict) else "it is no JSON object"


def ids_at(document: Document, path: FieldPath) -> tuple[str, ...]:
    """Give the ids that a document names at a path, whatever it holds there."""
    value = raw_value(path)(document)
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def is_asked(document: Document, path: FieldPath) -> bool:
    """Tell whether a link is there: in a group that is not set nothing is required."""
    return len(path) == 1 or raw_value(path[:-1])(document) is not None


def with_value(document: Document, path: FieldPath, value: Any) -> Document:
    """Copy a document with another value at a path; None takes it away.

    >>> with_value({"a": {"b": 1, "c": 2}}, ("a", "b"), None)
    {'a': {'c': 2}}
    """
    name, *rest = path
    if rest:
        inner = document.get(name)
        if not isinstance(inner, dict):
            if value is None:
                return document
            inner = {}
        return {**document, name: with_value(inner, tuple(rest), value)}
    if value is None:
        return {key: one for key, one in document.items() if key != name}
    return {**document, name: value}


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut a sequence into lists of at most so many."""
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some
