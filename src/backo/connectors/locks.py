"""Lock several folders together, after completing what a crash left in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backo.connectors.folder import SharedFolder
from backo.connectors.pending import Apply, Settle, involved, recover
from backo.errors import DBError


class FolderLocks:
    """The locks of the folders of one database, taken in the order of their paths by whoever takes them.

    Args:
        folders: the folders.
        apply: gives documents of connectors what a journal says of them.
        settle: asks the database that decides a journal.
    """

    def __init__(self, folders: Sequence[SharedFolder], apply: Apply, settle: Settle) -> None:
        self._folders = {folder.path: folder for folder in folders}
        self._apply = apply
        self._settle = settle

    def lock(self, *, exclusive: bool, deadline: float) -> None:
        """Take all locks. What was left under way is completed first, which may need more folders than these.

        Args:
            exclusive: to change files; else to read them while nobody changes any.
            deadline: when to give up, by `time.monotonic()`.

        Raises:
            DBError: one stayed locked until then, or what was left cannot be completed here and now.
        """
        others: dict[Path, SharedFolder] = {}
        try:
            while True:
                folders = {**self._folders, **others}
                for path in sorted(folders):
                    folders[path].lock(exclusive=exclusive, deadline=deadline)
                needed = involved([folder for folder in self._folders.values() if folder.is_pending()])
                if needed is None:
                    break
                if exclusive and needed <= folders.keys():
                    recover(folders, self._apply, self._settle)
                    self._refuse_leftovers()
                    continue
                for folder in folders.values():  # and take them all, in order
                    folder.unlock()
                exclusive = True
                others = {path: SharedFolder(path) for path in needed - self._folders.keys()}
        finally:
            for folder in others.values():
                folder.close()
        if exclusive:
            for folder in self._folders.values():
                folder.clean()

    def _refuse_leftovers(self) -> None:
        for folder in self._folders.values():
            if folder.is_pending():
                message = f"{folder.path / '.pending'} is of a unit of work with collections that are not declared here"
                raise DBError(message, hint="start the application that declares them")

    def unlock(self) -> None:
        """Let others in."""
        for folder in self._folders.values():
            folder.unlock()

    def close(self) -> None:
        """Give the locks back, with their files."""
        for folder in self._folders.values():
            folder.close()
