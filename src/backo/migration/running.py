"""Run a migration: a first pass that only reads and judges, a second one that writes what was found.

The first pass keeps its outcome in temporary files. The second reads each item again: one that is
still of the same revision gets what was found for it, one that was changed meanwhile is migrated
from what it is now. A store with transactions is written in one; others page by page, each page a
journalled unit of work. What only holds when several items change at once is written first, in one.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias, TypeVar

from backo.connectors.base import Lock, Operation, StoredDocument, Write
from backo.context import SYSTEM, acting_as
from backo.errors import ConflictError, NotFoundError, StateError, ValidationError, nearest, shown
from backo.migration.claims import Claims
from backo.migration.drafts import Drafts, note
from backo.migration.fitting import Fitted, Function, fit
from backo.migration.linking import Linking
from backo.migration.report import Report
from backo.query.filters import EVERYTHING, Query
from backo.work.catalog import Catalog, Entry
from backo.work.unit import Unit, open_unit, unit_of_work

_log = logging.getLogger("backo.migration")

PAGE = 500  # items that are read, and in stores without transactions saved, at once
_NAMED = 10  # ids that a message names

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int], None]


def migrate(
    catalog: Catalog,
    name: str,
    function: Function | None = None,
    *,
    ids: Iterable[str] | None = None,
    dry_run: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Do what `Backoffice.migrate` says.

    Args:
        catalog: the assembled application.
        name: of the collection.
        function: gets a document and returns it as it should be; None to check only.
        ids: of the items; None for all.
        dry_run: whether nothing is saved.
        progress: told after each page how many steps of how many are done.
    """
    entry = _entry(catalog, name)
    if function is not None and not callable(function):
        message = f"migrate takes a function from dict to dict, not {shown(function)}"
        raise ValidationError(message)
    if open_unit(catalog) is not None:
        message = "a migration opens units of work of its own, so it cannot run inside an open one"
        raise StateError(message, hint="call migrate() outside transaction() and outside of handlers")
    run = _Run(catalog, entry, function, None if ids is None else _checked_ids(ids), progress)
    with acting_as(SYSTEM):
        items = run.count(2 - dry_run)
        _log.info("%s: looking at %d items%s", name, items, "; nothing will be saved" if dry_run else "")
        try:
            run.judge()
            report = run.drafts.report if dry_run else run.write()
        except Exception as error:
            _log.info("%s: stopped by a %s", name, type(error).__name__)
            raise
    _log.info("%s: %r", name, report)
    return report


def _entry(catalog: Catalog, name: str) -> Entry:
    if name not in catalog.entries:
        message = f"there is no collection {shown(name)}"
        raise NotFoundError(message, hint=nearest(name, catalog.entries))
    return catalog.entries[name]


def _checked_ids(ids: Iterable[str]) -> list[str]:
    """Give the ids once each, in order."""
    given = list(ids) if isinstance(ids, Iterable) and not isinstance(ids, str | bytes) else [ids]
    for one in given:
        if not isinstance(one, str):
            message = f"{shown(one)} is no `_id`, which is a text"
            raise ValidationError(message)
    return sorted({str(one) for one in given})


class _Run:
    """One migration under way."""

    def __init__(
        self,
        catalog: Catalog,
        entry: Entry,
        function: Function | None,
        ids: Sequence[str] | None,
        progress: Progress | None,
    ) -> None:
        self._catalog, self._entry, self._function, self._ids = catalog, entry, function, ids
        self._progress, self._done, self._total = progress, 0, 0
        self._linking = Linking(catalog, entry, function)
        self._together: list[str] = []
        self.drafts = Drafts()

    def count(self, passes: int) -> int:
        """Count the items, and how many steps so many passes take.

        Raises:
            NotFoundError: some of the ids are unknown.
        """
        if self._ids is None:
            with unit_of_work(self._catalog, writing=False) as unit:
                items = self._entry.store.count(unit.session(self._entry), EVERYTHING)
        else:
            self._check_known(self._ids)
            items = len(self._ids)
        self._total = items * passes
        return items

    def _check_known(self, ids: Sequence[str]) -> None:
        unknown: list[str] = []
        for some in _chunks(ids):
            with unit_of_work(self._catalog, writing=False) as unit:
                found = self._entry.store.get(unit.session(self._entry), some)
            unknown += [id_ for id_ in some if id_ not in found]
        if unknown:
            named = ", ".join(map(shown, unknown[:_NAMED])) + (" and others" if len(unknown) > _NAMED else "")
            message = f"there is no such item in {self._entry.name!r}: {named}"
            raise NotFoundError(message)

    def _step(self, items: int) -> None:
        self._done += items
        if items and self._progress is not None:
            self._progress(min(self._done, self._total), self._total)

    # The first pass.

    def judge(self) -> None:
        """Find out what becomes of each item, and whether that fits.

        Raises:
            StoredDataError, ValidationError: it does not.
        """
        claims = Claims(self._entry, self._function)
        page: Sequence[StoredDocument] | None = None
        while True:
            with unit_of_work(self._catalog, writing=False) as unit:
                page = self._page(unit, page)
            if not page:
                break
            fitted = [fit(self._entry, self._function, stored) for stored in page]
            with unit_of_work(self._catalog, writing=False) as unit:
                self._linking.check(unit, fitted)
                claims.check(unit, fitted)
            for one in fitted:
                self.drafts.add(one)
                if one.is_changed:
                    _log.debug("%s/%s: is to be changed", self._entry.name, one.id)
            self._step(len(page))
        with unit_of_work(self._catalog, writing=False) as unit:
            self._together = sorted(claims.settle(self.drafts) | self._linking.settle(unit, self.drafts))

    def _page(self, unit: Unit, before: Sequence[StoredDocument] | None) -> list[StoredDocument]:
        """Read the items after those of a page, as they are stored; nothing when these were the last."""
        store, session = self._entry.store, unit.session(self._entry)
        after = before[-1].id if before else None
        if self._ids is None:
            return self._next(unit, after)
        rest = islice(self._ids, 0 if after is None else bisect_right(self._ids, after), None)
        while some := list(islice(rest, PAGE)):
            found = store.get(session, some, Lock.EXCLUSIVE if unit.writing else Lock.NONE)
            if found:  # who was deleted meanwhile is left out
                return [found[id_] for id_ in some if id_ in found]
        return []

    def _next(self, unit: Unit, after: str | None) -> list[StoredDocument]:
        """Read the items after an id; where others may change them meanwhile, hold them if they are to be written."""
        store, session = self._entry.store, unit.session(self._entry)
        while True:
            found = list(store.find(session, Query(limit=PAGE, after=None if after is None else (after,))))
            if not (found and unit.writing and store.capabilities.locks):
                return found
            held = store.get(session, [one.id for one in found], Lock.EXCLUSIVE)
            if held:
                return [held[one.id] for one in found if one.id in held]
            after = found[-1].id

    # The second pass.

    def write(self) -> Report:
        """Save what was found, and what has to be found anew; give what was done.

        Raises:
            StoredDataError, ValidationError: an item was changed meanwhile so that it does not fit.
            ConflictError: it was changed so that it has to be judged with others again.
        """
        report = Report(dry_run=False)
        if self._entry.store.capabilities.unbounded:
            with unit_of_work(self._catalog, writing=True) as unit:
                self._write_together(unit)
                page = self._write_page(unit, None, report)
                while page:
                    page = self._write_page(unit, page, report)
        else:
            if self._together:
                with unit_of_work(self._catalog, writing=True) as unit:
                    self._write_together(unit)
            page = None
            while page is None or page:
                with unit_of_work(self._catalog, writing=True) as unit:
                    page = self._write_page(unit, page, report)
        self.drafts.report.close()
        return report

    def _write_together(self, unit: Unit) -> None:
        """Write the items that are only right together."""
        ids = self._together
        found = self._entry.store.get(unit.session(self._entry), ids, Lock.EXCLUSIVE) if ids else {}
        fitted = [self._again(found[id_]) if id_ in found else None for id_ in ids]
        known = [one for one in fitted if one is not None]
        if len(known) < len(ids):
            raise self._moved()
        self._save(unit, known)

    def _write_page(
        self, unit: Unit, before: Sequence[StoredDocument] | None, report: Report
    ) -> Sequence[StoredDocument]:
        """Write the items after those of a page; gives the new page."""
        page = self._page(unit, before)
        together = set(self._together)
        fitted = [self._fitted(stored) for stored in page if stored.id not in together]
        self._save(unit, fitted)
        outcome = {one.id: one for one in fitted}
        for stored in page:
            if stored.id in outcome:
                note(report, outcome[stored.id])
            else:
                place = self.drafts.report.changes._ids.place(stored.id)  # noqa: SLF001  # a documented name
                if place is not None:
                    report.changes.append(stored.id, *self.drafts.report.changes.documents(place))
        self._step(len(page))
        return page

    def _again(self, stored: StoredDocument) -> Fitted | None:
        """Give what the first pass found, for an item that is still the same."""
        fitted = self.drafts.again(stored, self._entry.schema.fingerprint)
        if fitted is None or fitted.is_changed or fitted.is_current:
            return fitted
        after = self._entry.checked(stored.id, stored.document)
        return Fitted(stored, after, is_changed=False, is_current=False)

    def _fitted(self, stored: StoredDocument) -> Fitted:
        """Give what becomes of an item as it is now."""
        fitted = self._again(stored)
        if fitted is None:
            _log.info(
                "%s/%s: is new, or was changed meanwhile; it is looked at as it is now", self._entry.name, stored.id
            )
            fitted = fit(self._entry, self._function, stored)
            if self._linking.decides_together(fitted):
                raise self._moved()
        return fitted

    def _moved(self) -> ConflictError:
        message = f"{self._entry.name}: items that have to change together were changed meanwhile by others"
        return ConflictError(message, hint="run the migration again")

    def _save(self, unit: Unit, page: Sequence[Fitted]) -> None:
        """Write documents over the very versions that they were made of."""
        changed = [one for one in page if not one.is_current]
        if not changed:
            return
        self._linking.check_targets(unit, changed, Lock.SHARED)
        writes = [
            Write(
                Operation.UPDATE,
                one.id,
                one.stored.rev,
                one.stored.rev + 1,
                self._entry.schema.fingerprint,
                one.after,
            )
            for one in changed
        ]
        self._entry.store.write(unit.session(self._entry), writes)


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, PAGE)):
        yield some
