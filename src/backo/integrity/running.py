"""Check all stored data of an application while it is in use, and mend what can be mended without loss.

Documents are read page by page, each page in a reading unit of work of its own. What looks wrong
is looked at again in a writing one, under the locks of the items: what a running request was just
doing is over then, and only what is still wrong is reported, and mended in the same unit. Values that
several items share are found by sorting them in a temporary file. So memory holds a page.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from backo.connectors.base import Column, Document, Operation, StoredDocument, Write
from backo.connectors.findings import MOST_NAMED, Finding, FindingKind, named
from backo.connectors.repeats import Repeats
from backo.connectors.shelf import Values, values_of
from backo.context import SYSTEM, acting_as
from backo.errors import ConflictError, DBError, StateError, TransientError, ValidationError, shown
from backo.integrity.links import with_link
from backo.integrity.looking import Looked, Looking, mended
from backo.integrity.raw import Raw, chunks, read
from backo.integrity.report import MOST_KEPT, IntegrityReport
from backo.paths import to_text
from backo.query.filters import EVERYTHING
from backo.schema.kinds import Comparable
from backo.work.catalog import Catalog, Entry
from backo.work.unit import open_unit, unit_of_work

if TYPE_CHECKING:
    from backo.integrity.contents import Orphans

_log = logging.getLogger("backo.integrity")

ORPHAN_AGE = 3600.0  # seconds after which a content is no longer on its way to a document
_TOGETHER = 50  # items that are looked at again, and mended, in one unit of work
_SHARING = 100  # items of those that share one value that are looked at again
_SETTLING = 0.2  # seconds in which a request removes what its commit no longer names
_TRIES = 10  # of a unit of work that a store gives up
_PAUSE = 0.02  # seconds before the second try, at most; doubled for each further one

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int], None]


def check_integrity(
    catalog: Catalog, *, apply: bool = False, orphan_age: float = ORPHAN_AGE, progress: Progress | None = None
) -> IntegrityReport:
    """Do what `Backoffice.check_integrity` says.

    Args:
        catalog: the assembled application.
        apply: whether to mend.
        orphan_age: seconds; contents younger than that are left alone.
        progress: told after each page how many items are done, of how many.
    """
    if isinstance(orphan_age, bool) or not isinstance(orphan_age, int | float) or not orphan_age >= 0:
        message = f"orphan_age is a number of seconds, not {shown(orphan_age)}"
        raise ValidationError(message)
    refuse_open_unit(catalog, "check_integrity")
    run = _Run(catalog, orphan_age, progress, apply=apply)
    with acting_as(SYSTEM):
        run.run()
    _log.info("%s: %r", catalog.name, run.report)
    return run.report


def refuse_open_unit(catalog: Catalog, name: str) -> None:
    """Refuse to run inside a unit of work.

    Raises:
        StateError: one is open.
    """
    if open_unit(catalog) is not None:
        message = f"{name} opens units of work of its own, so it cannot run inside an open one"
        raise StateError(message, hint=f"call {name}() outside transaction() and outside of handlers")


class _Run:
    """One check under way."""

    def __init__(self, catalog: Catalog, orphan_age: float, progress: Progress | None, *, apply: bool) -> None:
        self.report = IntegrityReport(applied=apply)
        self._catalog, self._apply = catalog, apply
        self._progress, self._done, self._total = progress, 0, 0
        self._orphan_age = orphan_age
        self._orphans: Orphans | None = None
        self._is_all_seen = True  # no document may hide the names of contents

    def run(self) -> None:
        """Look at everything."""
        entries = self._catalog.entries.values()
        if any(entry.contents is not None for entry in entries):
            from backo.integrity.contents import Orphans  # noqa: PLC0415  # few applications have files

            self._orphans = Orphans(self._catalog, self._orphan_age)  # before any document is read
        if self._progress is not None:
            self._total = sum(map(self._count, entries))
        for entry in entries:
            self._check(entry)
        if self._orphans is not None:
            self._check_orphans(self._orphans)

    def _count(self, entry: Entry) -> int:
        return self._reading(lambda raw: entry.store.count(raw.session(entry), EVERYTHING))

    def _reading(self, function: Callable[[Raw], T]) -> T:
        done = []
        try:
            with unit_of_work(self._catalog, writing=False) as unit:
                done.append(function(Raw(self._catalog, unit)))
        except DBError:
            if not done:  # a damaged store may fail to end what only read
                raise
        return done[0]

    def _writing(self, function: Callable[[Raw], T]) -> T:
        """Call a function in a writing unit of work; once more when a store asks for it.

        Raises:
            TransientError: the store still gives up after ten tries.
        """
        for attempt in range(_TRIES):
            try:
                with unit_of_work(self._catalog, writing=True) as unit:
                    return function(Raw(self._catalog, unit))
            except TransientError:
                if attempt == _TRIES - 1:
                    raise
                time.sleep(random.uniform(0, _PAUSE * 2**attempt))  # noqa: S311  # jitter, not a secret
        raise AssertionError

    # One collection

    def _check(self, entry: Entry) -> None:
        is_damaged = self._check_place(entry)
        shared = [(column, values_of(column), Repeats()) for column in entry.store.structure.columns if column.unique]
        try:
            self._check_pages(entry, shared)
        except DBError as error:
            if not is_damaged:
                raise
            self._is_all_seen = False
            text = f"not all items can be read: {error.message}"
            self.report.add(Finding(entry.name, None, "$", FindingKind.UNREADABLE, text))
        for column, values, repeats in shared:
            with closing(repeats):
                for ids in repeats.groups(_SHARING):
                    self._check_shared(entry, column, values, ids)

    def _check_place(self, entry: Entry) -> bool:
        """Let the store look at itself; tell whether it is damaged."""

        def look(raw: Raw) -> list[Finding]:
            return list(islice(entry.store.faults(raw.session(entry)), MOST_KEPT))

        def mend(raw: Raw) -> list[Finding]:
            found = look(raw)
            done = set(entry.store.mend_faults(raw.session(entry), [one for one in found if one.mendable]))
            return [replace(one, mended=True) if one in done else one for one in found]

        found = self._reading(look)
        if self._apply and any(one.mendable for one in found):
            found = self._writing(mend)
        for one in found:
            self.report.add(one)
        if any(one.kind is FindingKind.UNREADABLE for one in found):
            self._is_all_seen = False
        return any(one.kind is FindingKind.DAMAGE and not one.mended for one in found)

    def _check_pages(self, entry: Entry, shared: Sequence[tuple[Column, Values, Repeats]]) -> None:
        looking, after = Looking(self._catalog, entry), None
        while True:

            def look(raw: Raw, after: str | None = after) -> list[Looked]:
                return looking.look(raw, raw.page(entry, after))

            page = self._reading(look)
            if not page:
                return
            for looked in page:
                if looked.document is not None:
                    for _, values, repeats in shared:
                        repeats.add(values(looked.document), looked.stored.id)
                    self._note_contents(entry, looked.document)
            for ids in chunks((looked.stored.id for looked in page if looked.is_wrong), _TOGETHER):
                self._look_again(entry, looking, ids, apply=self._apply)
            after = page[-1].stored.id
            self._done += len(page)
            if self._progress is not None:
                self._progress(min(self._done, self._total), self._total)

    def _note_contents(self, entry: Entry, document: Document) -> None:
        if self._orphans is not None and entry.contents is not None:
            from backo.integrity.contents import named_contents  # noqa: PLC0415  # as above

            for file_id in named_contents(entry.contents, document):
                self._orphans.note(file_id)

    def _look_again(self, entry: Entry, looking: Looking, ids: list[str], *, apply: bool) -> None:
        """Look again at items that seemed wrong, under their locks; mend them, or only report what is wrong."""

        def look(raw: Raw) -> tuple[list[Looked], set[Finding]]:
            found = sorted(raw.get(entry, ids, change=True), key=lambda stored: stored.id)
            looked = looking.look(raw, found)
            return looked, self._mend(raw, entry, looked) if apply else set()

        try:
            looked, done = self._writing(look)
        except ConflictError:
            if not apply:
                raise
            for id_ in ids:  # one of them has a value that another item took; it is only reported
                self._look_again(entry, looking, [id_], apply=len(ids) > 1)
            return
        for one in looked:
            for finding in (*one.findings, *(flaw.finding for flaw in one.flaws), *one.companions):
                self.report.add(replace(finding, mended=True) if finding in done else finding)
            if one.hides_files:
                self._is_all_seen = False

    def _mend(self, raw: Raw, entry: Entry, looked: Sequence[Looked]) -> set[Finding]:
        """Write what documents are once they are mended; give the findings that are mended with it."""
        companions = [finding for one in looked for finding in one.companions if finding.mendable]
        done = set(entry.store.mend_faults(raw.session(entry), companions)) if companions else set()
        versions = {one.stored.id: one.stored for one in looked}
        before = {one.stored.id: one.document for one in looked if one.document is not None}
        others = {id_ for one in looked for flaw in one.flaws for id_ in flaw.given_to}.difference(versions)
        for stored in raw.get(entry, others, change=True):
            document = read(stored)
            if isinstance(document, dict):
                versions[stored.id], before[stored.id] = stored, document
        after = {one.stored.id: mended(one.document, one.flaws) for one in looked if one.document is not None}
        for one in looked:
            for flaw in one.flaws:
                for id_ in flaw.given_to:
                    after[id_] = with_link(after.get(id_, before[id_]), flaw.link, one.stored.id)
        self._write(raw, entry, versions, {id_: new for id_, new in after.items() if new is not before[id_]})
        return done | {flaw.finding for one in looked for flaw in one.flaws if flaw.finding.mendable}

    def _write(
        self, raw: Raw, entry: Entry, versions: Mapping[str, StoredDocument], changed: Mapping[str, Document]
    ) -> None:
        """Write documents over the very versions that they were made of; under which declaration they fit, stays."""
        writes = [
            Write(
                Operation.UPDATE,
                id_,
                versions[id_].rev,
                versions[id_].rev + 1,
                versions[id_].fingerprint,
                document,
            )
            for id_, document in sorted(changed.items())
        ]
        if writes:
            entry.store.write(raw.session(entry), writes)
            _log.info("%s: mended %d items", entry.name, len(writes))

    # Values that several items share

    def _check_shared(self, entry: Entry, column: Column, values: Values, ids: Iterable[str]) -> None:
        """Look again, under locks, whether items share a value that only one may have."""

        def look(raw: Raw) -> dict[Comparable, list[str]]:
            found: dict[Comparable, list[str]] = {}
            for stored in raw.get(entry, ids, change=True):
                document = read(stored)
                for value in values(document) if isinstance(document, dict) else ():
                    found.setdefault(value, []).append(stored.id)
            return found

        link = entry.links.get(column.path)
        reverse = None if link is None else self._catalog.graph.reverse_of(link)
        for value, holders in self._writing(look).items():
            if len(holders) > 1:
                first, *others = sorted(holders)
                some = tuple(others[:MOST_NAMED])
                if reverse is not None and not reverse.many:
                    kind = FindingKind.SHARED_TARGET
                    text = f"names {shown(value)}, which only one item may name, as {named(some)} does too"
                else:
                    kind, text = FindingKind.SHARED_VALUE, f"has a value that must be unique, as {named(some)} has too"
                self.report.add(Finding(entry.name, first, to_text(column.path), kind, text, others=some))

    # Contents that no item names

    def _check_orphans(self, orphans: Orphans) -> None:
        """Report, and remove, the contents that no document named and that are still there."""
        is_first = True
        for finding, connector in orphans.found():
            if is_first:
                time.sleep(_SETTLING)
                is_first = False
            if not connector.exists(str(finding.id)):  # its item was deleted, or got another one, just now
                continue
            if not self._is_all_seen:
                text = f"{finding.text}; it stays, for an item that cannot be read or does not fit may name it"
                self.report.add(replace(finding, text=text, mendable=False))
                continue
            if self._apply:
                connector.delete(str(finding.id))
            self.report.add(replace(finding, mended=self._apply))
