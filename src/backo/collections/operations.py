"""What a request can ask of an application: one function for each, one unit of work each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from backo import jsontext
from backo.collections.actions import find_action
from backo.collections.checking import fault_at, parse_place, problems_of
from backo.collections.describing import describe_for_user
from backo.collections.overlaying import Overlay
from backo.collections.rendering import rendered, view_of
from backo.collections.results import json_result
from backo.collections.selections import CompiledSelection, find_selection
from backo.connectors.base import Lock, StoredDocument
from backo.errors import NotFoundError, PathNotFoundError, PreconditionError, ValidationError
from backo.items.record import Record
from backo.query.cursors import encode_cursor
from backo.query.filters import EVERYTHING, Query, all_of, both
from backo.query.parsing import parse_filter
from backo.query.strings import parse_list
from backo.work import changing, gates
from backo.work.catalog import Entry, not_found
from backo.work.loading import loaded
from backo.work.sight import Sights, existing, present
from backo.work.unit import Unit, unit_of_work

if TYPE_CHECKING:
    from backo.collections.application import Application
    from backo.collections.collection import Collection
    from backo.files.places import Files
    from backo.files.values import FileVersion

Matches: TypeAlias = "Callable[[str], bool] | None"
"""Tells whether the ETag of the present item is one that the client named; None when it named none."""

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
        shown = self._view(home.entry, view, frozenset())
        once = not (home.catalog.is_guarded or shown.by_record or shown.filled)
        with unit_of_work(home.catalog, writing=False, once=once) as unit:
            sights = Sights(unit)
            return self._rendered(sights, home.entry, present(sights, home.entry, id_), view)

    def file(self, collection: str, id_: str, path: str) -> FileVersion:
        """Give a file of an item.

        Raises:
            NotFoundError: there is no such item.
            PathNotFoundError: there is no file at this path, or none that the user may read.
            RightError: he may not read the item.
        """
        home = self._collection(collection)
        entry = home.entry
        with unit_of_work(home.catalog, writing=False) as unit:
            sights = Sights(unit)
            stored = present(sights, entry, id_)
            if entry.contents is None:
                message = "there is no file here"
                raise PathNotFoundError(message)
            from backo.collections.filing import file_of  # noqa: PLC0415  # loaded already, with the collection

            return file_of(entry.contents, sights.of(entry.name), stored, path)

    def files(self, collection: str) -> Files:
        """Give the file fields of a collection, by path."""
        contents = self._collection(collection).entry.contents
        return {} if contents is None else contents.files

    def parameter_files(self, collection: str, action: str) -> Files:
        """Give the parameters of an action that are files, by path.

        Raises:
            NotFoundError: there is no such action.
        """
        return find_action(self._collection(collection).actions, action, collection).files

    def list(self, collection: str, pairs: Sequence[tuple[str, str]]) -> Page:
        """Give a page of the items that a query string asks for.

        Raises:
            QueryError: it makes no sense.
        """
        return self._page(self._collection(collection), pairs)

    def select(self, collection: str, selection: str, pairs: Sequence[tuple[str, str]], filter_: Any) -> Page:
        """Give a page of a named selection, narrowed by a query string and a filter.

        Raises:
            NotFoundError: there is no such selection.
            RightError: the current user may not read it.
            QueryError: the query makes no sense.
        """
        home = self._collection(collection)
        return self._page(home, pairs, filter_, find_selection(home.selections, selection, collection))

    def _page(
        self,
        home: Collection,
        pairs: Sequence[tuple[str, str]],
        narrowed: Any = None,
        chosen: CompiledSelection | None = None,
    ) -> Page:
        entry, limits = home.entry, self._application.limits
        if chosen is not None:
            chosen.ask(home.new)
        with unit_of_work(home.catalog, writing=False) as unit:
            sights = Sights(unit)
            sight = sights.of(entry.name)
            sight.require_reading()
            scope = home.scope_for(sights)
            filter_ = EVERYTHING if narrowed is None else parse_filter(narrowed, scope, limits)
            asked = parse_list(pairs, scope, limits, () if chosen is None else chosen.sort)
            size, view = asked.page, self._view(entry, asked.view, sight.hidden)
            filter_ = (
                both(filter_, asked.filter) if chosen is None else all_of((chosen.condition(), filter_, asked.filter))
            )
            filter_ = sight.without_links(filter_)
            query = Query(filter_, asked.sort, asked.skip, size + 1, asked.after)
            found = sight.find(query)
            page = found[:size]
            total = None
            if asked.total:
                is_all = len(found) <= size and not asked.skip and asked.after is None
                total = len(found) if is_all else sight.count(filter_)
            rows = rendered(sights, view, page) if chosen is None else chosen.rows(sights, view, page)
            following = None
            if len(found) > size:
                cursor = encode_cursor(asked.sort, sight.position(page[-1], query))
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
            gates.doors(unit, home.entry, None)
            record = home.new()
            record._fill(values)
            home.store_new(unit, record)
            return self._answer(unit, home.entry, str(record._values["_id"]), view)

        return self._application.run_unit(do)

    def change(self, collection: str, id_: str, values: Mapping[str, Any], matches: Matches, view: str) -> Rendered:
        """Merge values into an item, and show it in the view in which its version is compared too.

        Raises:
            NotFoundError: there is no such item.
            PreconditionError: it is not the version that the client named.
            ValidationError: with every problem and its path.
            ConflictError: a unique value is taken, or a reference refuses.
        """
        return self._changed(collection, id_, matches, view, lambda over, record: record.set(over.values(values)))

    def patch(self, collection: str, id_: str, operations: Any, matches: Matches, view: str) -> Rendered:
        """Apply patch operations (RFC 6902) to an item; raises as `change` does."""
        return self._changed(collection, id_, matches, view, lambda over, record: record._merge(over.patch(operations)))

    def merge(self, collection: str, id_: str, patch: Any, matches: Matches, view: str) -> Rendered:
        """Apply a merge patch (RFC 7396) to an item; raises as `change` does."""
        return self._changed(collection, id_, matches, view, lambda over, record: record._merge(over.merge(patch)))

    def _changed(
        self, collection: str, id_: str, matches: Matches, view: str, change: Callable[[Overlay, Record], None]
    ) -> Rendered:
        home = self._collection(collection)
        entry = home.entry

        def do(unit: Unit) -> Rendered:
            sights = Sights(unit)
            stored = present(sights, entry, id_, Lock.EXCLUSIVE)
            self._check_version(sights, entry, stored, matches, view)
            gates.doors(unit, entry, stored)
            record = loaded(entry, stored)
            change(Overlay(sights.of(entry.name), stored, record), record)
            changing.save(unit, entry, record)
            return self._answer(unit, entry, id_, view)

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
            changing.delete(unit, entry, loaded(entry, self._wanted(Sights(unit), entry, id_, matches, view)))

        self._application.run_unit(do)

    def run_action(
        self, collection: str, action: str, id_: str, values: Any, *, matches: Matches, view: str
    ) -> Rendered | bytes | None:
        """Run an action on an item, as one unit of work.

        Args:
            collection: its name.
            action: its name.
            id_: of the item.
            values: the parameters; None for none.
            matches: as in `change`.
            view: in which items are shown.

        Returns:
            The JSON text of what the action returned; where it returned nothing, the item as it is stored now,
            or None when there is none any more.

        Raises:
            NotFoundError: there is no such action, or no such item.
            PreconditionError: it is not the version that the client named.
            RightError: the current user may not.
            ValidationError: with every problem of the parameters, or of what the action set, and its path.
            DefinitionError: the action returned something that is not JSON.
        """
        home = self._collection(collection)
        entry, chosen = home.entry, find_action(home.actions, action, collection)

        def do(unit: Unit) -> Rendered | bytes | None:
            stored = self._wanted(Sights(unit), entry, id_, matches, view)
            result = chosen.run(loaded(entry, stored), values, {})
            if result is not None:
                who, sights = f"the action {action!r} of {collection!r}", Sights(unit)
                views = lambda one: self._view(one, view, sights.of(one.name).hidden)  # noqa: E731  # of each collection
                return jsontext.encode(json_result(sights, result, views, who))
            return self._answer(unit, entry, id_, view) if unit.get(entry, [id_]) else None

        return self._application.run_unit(do)

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

    def describe(self, collection: str, item: Any) -> dict[str, Any]:
        """Describe a collection as it is for the current user and a partial item.

        Raises:
            ValidationError: the item is not an object.
        """
        home = self._collection(collection)
        if not isinstance(item, Mapping):
            message = "the body is a partial item: an object"
            raise ValidationError(message)
        return describe_for_user(home, item)

    # Parts.

    def _rendered(self, sights: Sights, entry: Entry, stored: StoredDocument, view: str) -> Rendered:
        body = rendered(sights, self._view(entry, view, sights.of(entry.name).hidden), [stored])[0]
        return Rendered(stored.id, body, etag_of(body))

    def _answer(self, unit: Unit, entry: Entry, id_: str, view: str) -> Rendered:
        """Show an item as the unit of work leaves it; who may not read it is told its `_id`."""
        sights = Sights(unit)
        stored = unit.get(entry, [id_]).get(id_)
        if stored is None:
            raise not_found(entry.name)
        sight = sights.of(entry.name)
        if sights.is_clear or (sight.has(stored) and sight.can_read(stored)):
            return self._rendered(sights, entry, stored, view)
        body = jsontext.encode({"_id": id_})
        return Rendered(id_, body, etag_of(body))

    def _wanted(self, sights: Sights, entry: Entry, id_: str, matches: Matches, view: str) -> StoredDocument:
        """Give an item that is there for the user, in the version that he named; who cannot read it names none."""
        find = existing if matches is None else present
        stored = find(sights, entry, id_, Lock.EXCLUSIVE)
        self._check_version(sights, entry, stored, matches, view)
        return stored

    def _check_version(self, sights: Sights, entry: Entry, stored: StoredDocument, matches: Matches, view: str) -> None:
        if matches is not None and not matches(self._rendered(sights, entry, stored, view).etag):
            message = "the item has changed since it was read"
            raise PreconditionError(message, hint="read it again, then send the change with its new ETag")
