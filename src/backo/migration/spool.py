"""Keep many pieces of bytes in a temporary file, found by their number; memory holds eight bytes for each."""

from __future__ import annotations

import os
import weakref
from array import array
from tempfile import SpooledTemporaryFile

from backo.errors import StateError

IN_MEMORY = 1024 * 1024  # bytes that need no file yet


class Spool:
    """Pieces of bytes in the order in which they came; used by one thread at a time.

    The file has no name, and is gone when the spool is closed or collected.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # it lives as long as the spool
        self._ends = array("q")
        self._close = weakref.finalize(self, self._file.close)

    def append(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            StateError: the spool is closed.
        """
        self._check_open()
        self._file.seek(0, os.SEEK_END)
        self._file.write(piece)
        self._ends.append((self._ends[-1] if self._ends else 0) + len(piece))

    def __getitem__(self, number: int) -> bytes:
        """Give a piece.

        Raises:
            StateError: the spool is closed.
            IndexError: there are not so many.
        """
        self._check_open()
        end = self._ends[number]
        start = self._ends[number - 1] if number % len(self._ends) else 0
        self._file.seek(start)
        return self._file.read(end - start)

    def __len__(self) -> int:
        return len(self._ends)

    def close(self) -> None:
        """Let go of the file."""
        self._close()

    def _check_open(self) -> None:
        if not self._close.alive:
            message = "the report is closed"
            raise StateError(message, hint="read it before close(), or inside its `with` block")
