"""What a request can ask of an application: one function for each, one unit of work each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from backo.collections.checking import fault_at, parse_place, problems_of
from backo.collections.rendering import View, rendered, view_of
from backo.connectors.base import Lock, StoredDocument
from backo.errors import NotFoundError, PathNotFoundError, PreconditionError, ValidationError
from backo.items.record import Record
from backo.query.cursors import encode_cursor
from backo.query.filters import EVERYTHING, Filter, Query, both
from backo.query.parsing import parse_filter
from backo.query.sorting import position
from backo.query.strings import ListRequest, parse_list
from backo.work import changing
from backo.work.catalog import Entry, not_found
from backo.work.unit import Unit, unit_of_work

if TYPE_CHECKING:
    from backo.collections.application import Application
    from backo.collections.collection import Collection
    from backo.files.places import Files
    from backo.files.values import FileVersion

Matches: TypeAlias = "Callable[[str], bool] | None"
"""Tells whether the ETag of the present item is one that the client named; None when it named none."""

ALL = "_all"  # the selection that every collection has
_ETAG_BYTES = 16
_VIEWS = 256  # prepared views that are kept


@dataclass(frozen=True, slots=True)
class Rendered:
    """One item as an answer.

    Attributes:
        id: its `_id`.
        body: its JSON text.
        etag: a strong hash of the body, without quotes.
    """

    id: str
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list as an answer.

    Attributes:
        rows: the JSON text of each row.
        total: how many there are in all; None when it was not asked for.
        view: in which they are shown.
        skip: how many were left out before.
        size: how many a page has.
        next: the parameter with which the next page begins, `("_after", cursor)`, or `("_skip", number)`
            where a value is too long for a cursor; None on the last page.
    """

    rows: list[bytes]
    total: int | None
    view: str
    skip: int
    size: int
    next: tuple[str, str] | None


def etag_of(body: bytes) -> str:
    """Hash a body; two bodies have the same hash only when they are equal."""
    return hashlib.blake2b(body, digest_size=_ETAG_BYTES).hexdigest()


class Operations:
    """The operations of an application, named as the routes ask for them."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._view = lru_cache(_VIEWS)(view_of)

    def _collection(self, name: str) -> Collection:
        found = self._application.collections.get(name)
        if found is None:
            message = f"there is no collection {name!r}"
            raise NotFoundError(message)
        return found

    def read(self, collection: str, id_: str, view: str) -> Rendered:
        """Give one item.

        Raises:
            NotFoundError: there is no such item.
        """
        home = self._collection(collection)
        entry = home.entry
        with unit_of_work(home.catalog, writing=False) as unit:
            return self._rendered(unit, entry, _present(unit, entry, id_), view)

    def file(self, collection: str, id_: str, path: str) -> FileVersion:
        """Give a file of an item.

        Raises:
            NotFoundError: there is no such item.
            PathNotFoundError: there is no file at this path.
        """
        home = self._collection(collection)
        entry = home.entry
        with unit_of_work(home.catalog, writing=False) as unit:
            stored = _present(unit, entry, id_)
            if entry.contents is None:
                message = "there is no file here"
                raise PathNotFoundError(message)
            from backo.collections.filing import file_of  # noqa: PLC0415  # loaded already, with the collection

            return file_of(entry.contents, changing.loaded(entry, stored), stored.document, path)

    def files(self, collection: str) -> Files:
        """Give the file fields of a collection, by path."""
        contents = self._collection(collection).entry.contents
        return {} if contents is None else contents.files

    def list(self, collection: str, pairs: Sequence[tuple[str, str]]) -> Page:
        """Give a page of the items that a query string asks for.

        Raises:
            QueryError: it makes no sense.
        """
        home = self._collection(collection)
        return self._page(home, parse_list(pairs, home.scope, self._application.limits), EVERYTHING)

    def select(self, collection: str, selection: str, pairs: Sequence[tuple[str, str]], filter_: Any) -> Page:
        """Give a page of a named selection, narrowed by a query string and a filter.

        Raises:
            NotFoundError: there is no such selection.
            QueryError: the query makes no sense.
        """
        home = self._collection(collection)
        if selection != ALL:
            message = f"there is no selection {selection!r} in {collection!r}"
            raise NotFoundError(message)
        narrowed = EVERYTHING if filter_ is None else parse_filter(filter_, home.scope, home.catalog.limits)
        return self._page(home, parse_list(pairs, home.scope, home.catalog.limits), narrowed)

    def _page(self, home: Collection, asked: ListRequest, narrowed: Filter) -> Page:
        entry, size = home.entry, asked.page
        view = self._view(entry, asked.view)
        filter_ = both(narrowed, asked.filter)
        with unit_of_work(home.catalog, writing=False) as unit:
            filter_ = unit.without_links(entry, filter_)
            query = Query(filter_, asked.sort, asked.skip, size + 1, asked.after)
            found = list(unit.find(entry, query))
            page = found[:size]
            total = None
            if asked.total:
                is_all = len(found) <= size and not asked.skip and asked.after is None
                total = len(found) if is_all else unit.count(entry, filter_)
            rows = rendered(unit, view, page)
        following = None
        if len(found) > size:
            cursor = encode_cursor(asked.sort, position(page[-1].document, asked.sort))
            following = ("_after", cursor) if cursor else ("_skip", str(asked.skip + size))
        return Page(rows, total, view.name, asked.skip, size, following)

    def create(self, collection: str, values: Mapping[str, Any], view: str) -> Rendered:
        """Create an item, and show it in a view.

        Raises:
            ValidationError: with every problem and its path.
            ConflictError: a unique value is taken.
        """
        home = self._collection(collection)

        def do(unit: Unit) -> Rendered:
            record = home.new()
            record._fill(values)
            home.store_new(unit, record)
            return self._answer(unit, home.entry, record, view)

        return self._application.run_unit(do)

    def change(self, collection: str, id_: str, values: Mapping[str, Any], matches: Matches, view: str) -> Rendered:
        """Merge values into an item, and show it in the view in which its version is compared too.

        Raises:
            NotFoundError: there is no such item.
            PreconditionError: it is not the version that the client named.
            ValidationError: with every problem and its path.
            ConflictError: a unique value is taken, or a reference refuses.
        """
        return self._changed(collection, id_, matches, view, lambda record: record.set(values))

    def patch(self, collection: str, id_: str, operations: Any, matches: Matches, view: str) -> Rendered:
        """Apply patch operations (RFC 6902) to an item; raises as `change` does."""
        return self._changed(collection, id_, matches, view, lambda record: record.patch(operations))

    def merge(self, collection: str, id_: str, patch: Any, matches: Matches, view: str) -> Rendered:
        """Apply a merge patch (RFC 7396) to an item; raises as `change` does."""
        return self._changed(collection, id_, matches, view, lambda record: record._merge_patch(patch))

    def _changed(
        self, collection: str, id_: str, matches: Matches, view: str, change: Callable[[Record], None]
    ) -> Rendered:
        home = self._collection(collection)
        entry = home.entry

        def do(unit: Unit) -> Rendered:
            stored = self._matching(unit, entry, id_, matches, view)
            record = changing.loaded(entry, stored)
            change(record)
            changing.save(unit, entry, record)
            return self._answer(unit, entry, record, view)

        return self._application.run_unit(do)

    def delete(self, collection: str, id_: str, matches: Matches, view: str) -> None:
        """Delete an item, and do to the others what the strategies say.

        Raises:
            NotFoundError: there is no such item.
            PreconditionError: it is not the version that the client named.
            ConflictError: a reference refuses.
        """
        home = self._collection(collection)
        entry = home.entry

        def do(unit: Unit) -> None:
            stored = self._matching(unit, entry, id_, matches, view)
            changing.delete(unit, entry, changing.loaded(entry, stored))

        self._application.run_unit(do)

    def check(self, collection: str, item: Any, path: str) -> str | None:
        """Judge one field of a partial item; gives what is wrong with it, or None.

        Raises:
            QueryError: the path names no field.
            ValidationError: the item is not an object.
        """
        home = self._collection(collection)
        place = parse_place(path, home.scope, home.catalog.limits)
        if not isinstance(item, Mapping):
            message = "the item must be an object"
            raise ValidationError(message)
        return fault_at(place, problems_of(home.new(), item))

    # Parts.

    def _rendered(self, unit: Unit, entry: Entry, stored: StoredDocument, view: str) -> Rendered:
        body = rendered(unit, self._view(entry, view), [stored])[0]
        return Rendered(stored.id, body, etag_of(body))

    def _answer(self, unit: Unit, entry: Entry, record: Record, view: str) -> Rendered:
        """Show an item as the unit of work leaves it."""
        return self._rendered(unit, entry, _present(unit, entry, str(record._values["_id"])), view)

    def _matching(self, unit: Unit, entry: Entry, id_: str, matches: Matches, view: str) -> StoredDocument:
        stored = _present(unit, entry, id_, Lock.EXCLUSIVE)
        if matches is not None:
            present: View = self._view(entry, view)
            if not matches(etag_of(rendered(unit, present, [stored])[0])):
                message = "the item has changed since it was read"
                raise PreconditionError(message, hint="read it again, then send the change with its new ETag")
        return stored


def _present(unit: Unit, entry: Entry, id_: str, lock: Lock = Lock.NONE) -> StoredDocument:
    found = unit.get(entry, [id_], lock).get(id_)
    if found is None:
        raise not_found(entry.name)
    return found
