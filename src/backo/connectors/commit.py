"""Make what one session wrote last: all of it, or none.

The protocol of the files is told in `backo.connectors.pending`; this module walks through its steps,
and back when one fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol, TypeAlias

from backo.connectors.base import Decision
from backo.connectors.folder import Files, SharedFolder, Staged
from backo.connectors.overlay import Change
from backo.connectors.pending import Changes, Images, Journal
from backo.errors import BackoError

_log = logging.getLogger("backo.transaction")

FilesOf: TypeAlias = Mapping[SharedFolder, Files]


class Direct(Protocol):
    """A store whose commits go through a connector, one document at a time, and may fail in the middle."""

    @property
    def key(self) -> str:
        """What names it in journals."""

    def check(self, change: Change) -> None:
        """Look whether documents are what they should be before.

        Raises:
            ConflictError: one is not, by other hands.
            DBError: the connector failed.
        """

    def carry_out(self, change: Change) -> None:
        """Turn documents from what they are before into what they are after.

        Raises:
            ConflictError: one is not as it should be before, by other hands; nothing has been done.
            DBError: the connector failed, and it may be done in part.
        """

    def take_back(self, change: Change) -> None:
        """Turn documents that are as after into what they were before; leave others alone.

        Raises:
            DBError: the connector failed.
        """

    def apply(self, images: Images) -> None:
        """Give documents these contents, whatever is there now.

        Raises:
            DBError: the connector failed.
        """


class Commit:
    """One commit under way, with the locks of its folders held.

    Args:
        files: what to make of files.
        direct: what to change in stores that write for themselves.
        files_before: gives what the files were; asked when the commit fails.
        home: the folder for journals, if there is one of its own.
        decision: of another database whether this is to be carried out; None to decide it here.

    Attributes:
        home: the folder of its journal, where it needs one.
    """

    def __init__(
        self,
        files: FilesOf,
        direct: Mapping[Direct, Change],
        files_before: Callable[[], FilesOf],
        home: SharedFolder | None,
        decision: Decision | None = None,
    ) -> None:
        self.staged: dict[SharedFolder, Staged] = {}
        self.home: SharedFolder | None = None
        self._files = files
        self._direct = direct
        self._files_before = files_before
        self._journal: Journal | None = None
        self._is_decided = False
        self._decision = decision
        changed = sum(map(len, files.values()))
        if changed > 1 or (decision and changed) or (direct and home):
            self.home = home or min(files, key=lambda folder: folder.path)
            self._journal = Journal(self.home, files, decision)

    def prepare(self) -> None:
        """Write everything aside, then the journal where one is needed: steps 1 to 4.

        Connectors that no journal can mend write at once, when another database decides: they may
        fail, and it would be too late after the decision.
        """
        if self._decision and self._journal:
            for store, change in self._direct.items():
                store.check(change)
        for folder, files in self._files.items():
            folder.announce(files)
        for folder, files in self._files.items():
            self.staged[folder] = folder.stage(files)
        if self._journal:
            self._journal.commit(Changes(self._files, {store.key: one.after for store, one in self._direct.items()}))
        self._is_decided = True
        if self._decision and not self._journal:
            for store, change in self._direct.items():
                store.carry_out(change)

    def carry_out(self) -> None:
        """Give everything its new content: step 5."""
        for store, change in self._direct.items():
            if not self._decision:
                store.carry_out(change)
            elif self._journal:
                store.apply(change.after)
        for folder, staged in self.staged.items():
            folder.install(staged)

    def end(self) -> bool:
        """Forget the journal: step 6. Where that fails, which is told, the next session does it."""
        if self._journal:
            try:
                self._journal.end()
            except OSError:
                _log.warning("a journal could not be removed", exc_info=True)
                return False
        return True

    def drop(self) -> None:
        """Forget what has been prepared: the database that decides said no.

        Raises:
            BackoError, OSError: it cannot be done now.
        """
        if self._journal:
            self._journal.end()
            for folder in self._files:
                folder.clean()
        else:
            self._take_back({})

    def undo(self) -> bool:
        """Go back to what was before, after any failure.

        Returns:
            Whether all is as before. If not, `undo_later` has to be called before anybody goes on.
        """
        if not self._is_decided:
            with suppress(OSError):
                self.end()
                for folder in self._files:
                    folder.clean()
            return True
        files = self._files_before()
        try:
            if self._journal:
                self._journal.replace(Changes(files, {store.key: one.before for store, one in self._direct.items()}))
        except OSError:
            _log.exception("the undoing of a failed commit could not be journalled; it goes on without")
        try:
            self._take_back(files)
        except (BackoError, OSError):
            _log.exception("a failed commit could not be undone now; the next session has to")
            return False
        self.end()
        return True

    def undo_later(self) -> None:
        """Go back to what was before, unless a journal has seen to it.

        Raises:
            DBError, OSError: that cannot be done now either.
        """
        if not self._journal:
            self._take_back(self._files_before())

    def _take_back(self, files: FilesOf) -> None:
        for store, change in self._direct.items():
            store.take_back(change)
        for folder, contents in files.items():
            folder.apply(contents)
            folder.clean()
