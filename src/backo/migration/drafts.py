"""Keep what the first pass of a migration found, for the second one."""

from __future__ import annotations

from array import array

from backo.connectors.base import Document, StoredDocument
from backo.migration.fitting import Fitted
from backo.migration.report import Report


class Drafts:
    """The outcome of each item of a run, in order of `_id`, with the revision that it was made of.

    Attributes:
        report: what would be changed.
    """

    def __init__(self) -> None:
        self.report = Report(dry_run=True)
        self._changed = array("q")
        self._unchanged = array("q")

    def add(self, fitted: Fitted) -> None:
        """Remember what becomes of an item."""
        note(self.report, fitted)
        (self._changed if fitted.is_changed else self._unchanged).append(fitted.stored.rev)

    def after(self, id_: str) -> Document | None:
        """Give the document that a changed item gets; None when it is not changed."""
        place = self.report.changes._ids.place(id_)  # noqa: SLF001  # a documented name
        return None if place is None else self.report.changes.documents(place)[1]

    def again(self, stored: StoredDocument, fingerprint: str) -> Fitted | None:
        """Give what was found for this very version of an item; None when it is another one.

        Of an item that says the same as before, but has to be written under another fingerprint, the
        document is not kept: `after` is then the one that is stored.
        """
        changes, nochanges = self.report.changes, self.report.nochanges
        place = changes._ids.place(stored.id)  # noqa: SLF001  # as above
        if place is not None:
            if self._changed[place] != stored.rev:
                return None
            return Fitted(stored, changes.documents(place)[1], is_changed=True, is_current=False)
        place = nochanges._ids.place(stored.id)  # noqa: SLF001  # as above
        if place is None or self._unchanged[place] != stored.rev:
            return None
        return Fitted(stored, stored.document, is_changed=False, is_current=stored.fingerprint == fingerprint)


def note(report: Report, fitted: Fitted) -> None:
    """Let a report tell what became of an item."""
    if fitted.is_changed:
        report.changes.append(fitted.id, fitted.before, fitted.after)
    else:
        report.nochanges._ids.append(fitted.id)  # noqa: SLF001  # as above
