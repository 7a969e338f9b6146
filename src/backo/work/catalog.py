"""What a unit of work knows of an application: its collections, links, limits and clock. Frozen."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backo.connectors.base import Database, Store, StoredDocument
from backo.connectors.together import opening_order
from backo.context import is_lifted
from backo.errors import NotFoundError, Problem, StoredDataError, ValidationError
from backo.items.record import Record
from backo.references.links import Link, LinkGraph
from backo.schema.compiler import Schema
from backo.work.rights import Rights

if TYPE_CHECKING:
    from backo.work.contents import Contents  # few applications have files, and they are slow to load

_CHECKED_VERSIONS = 10_000  # documents of another fingerprint that are remembered as checked, per collection


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for.

    Attributes:
        body: bytes of a JSON body.
        depth: levels of nested JSON.
        filter: comparisons and connectives of a filter.
        pattern: characters of a pattern.
        id: characters of an id in an address.
        page: items of a page.
        fill: ids that one answer shows in derived lists.
        cascade: items that one request may delete.
    """

    body: int = 1024 * 1024
    depth: int = 64
    filter: int = 200
    pattern: int = 200
    id: int = 128
    page: int = 1000
    fill: int = 100_000
    cascade: int = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One collection, assembled.

    Attributes:
        name: of the collection.
        schema: of its items.
        store: where they live.
        record: the class of its records.
        stamp: writes `_meta` into a record that is about to be stored; None for no `_meta`.
        links: its links by path.
        rights: what may be done with its items, and by whom.
        contents: what its file fields need; None where it has none.
        stamps_alike: whether new items that one user stores at one moment get the same `_meta`.
        is_custom: whether its items have methods of their own, which may be others than ours.
    """

    name: str
    schema: Schema
    store: Store
    record: type[Record]
    stamp: Callable[[Any], None] | None
    links: Mapping[tuple[str, ...], Link]
    rights: Rights = field(default_factory=Rights)
    contents: Contents | None = None
    stamps_alike: bool = False
    is_custom: bool = False
    _checked: OrderedDict[tuple[str, int], StoredDocument] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def accepted(self, stored: StoredDocument) -> StoredDocument:
        """Give a stored document that fits the present schema.

        What was checked under the same fingerprint is taken as it is; anything else is checked, once
        per version.

        Raises:
            StoredDataError: it does not fit; the message names collection, `_id` and path.
        """
        if stored.fingerprint == self.schema.fingerprint:
            return stored
        key = (stored.id, stored.rev)
        with self._lock:
            known = self._checked.get(key)
        if known is not None and known.document == stored.document:
            return known
        checked = StoredDocument(stored.id, stored.rev, self.schema.fingerprint, document=self._check(stored))
        with self._lock:
            self._checked[key] = checked
            while len(self._checked) > _CHECKED_VERSIONS:
                self._checked.popitem(last=False)
        return checked

    def checked(self, id_: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Check a whole document that was written under another schema, or by hand; give it as it is stored now.

        Raises:
            ValidationError: with every problem and its path.
        """
        known = {name: value for name, value in document.items() if not name.startswith("_")}
        system = {name: document.get(name) for name in self.schema.children if name.startswith("_")}
        record = self.record()
        record._take_over(known | system | {"_id": id_})
        record._judge_complete()  # the unit of work is the record's own machinery
        return record._encode()  # as above

    def _check(self, stored: StoredDocument) -> dict[str, Any]:
        try:
            return self.checked(stored.id, stored.document)
        except ValidationError as error:
            message = f"{self.name}/{stored.id}: the stored item does not fit the declaration of {self.name!r}"
            hint = "change the stored items with migrate(), or mend this one by hand"
            raise StoredDataError(message, problems=error.problems, hint=hint) from error


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """The assembled application.

    Attributes:
        name: of the application.
        entries: the collections by name.
        graph: all links.
        limits: of one request.
        clock: gives the present time, aware.
        is_guarded: whether any collection declares a right.
    """

    name: str
    entries: Mapping[str, Entry]
    graph: LinkGraph
    limits: Limits
    clock: Callable[[], datetime]
    is_guarded: bool = False
    _ahead: dict[str, tuple[Store, ...]] = field(default_factory=dict)

    def ahead(self, entry: Entry) -> tuple[Store, ...]:
        """Give a store of each database that has to be opened before that of a collection, to write.

        These are the databases of collections to which relations lead, over others too: what writes
        in one of them may go on to all. Opened in one order, no two units of work wait for one another.
        """
        found = self._ahead.get(entry.name)
        if found is None:
            own = opening_order(entry.store.database)
            related = (self.entries[name].store for name in self.graph.related(entry.name))
            stores: dict[Database, Store] = {store.database: store for store in related}
            order = sorted(stores, key=opening_order)
            found = tuple(stores[database] for database in order if opening_order(database) < own)
            self._ahead[entry.name] = found
        return found

    def has_secrets(self) -> bool:
        """Tell whether there may be something that the current user may not know of."""
        return self.is_guarded and not is_lifted()

    def entry(self, name: str) -> Entry:
        """Give a collection by its name.

        Raises:
            NotFoundError: there is none.
        """
        try:
            return self.entries[name]
        except KeyError:
            message = f"there is no collection {name!r}"
            raise NotFoundError(message) from None


def not_found(collection: str) -> NotFoundError:
    """Say that there is no such item; the id is not repeated, the caller knows it."""
    return NotFoundError(
        f"there is no such item in {collection!r}", problems=[Problem("$._id", "not_found", "Is unknown")]
    )
