"""Read parts of open files, and write all of a chunk: the system calls that files share."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from backo.errors import DBError

CHUNK = 64 * 1024  # bytes that are moved at a time


class FilePart(io.RawIOBase):
    """A part of an open file, which it closes in the end.

    Args:
        descriptor: of the file; other parts may share its position, which is not used.
        start: the first byte.
        end: the byte after the last one.
    """

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._start = start
        self._end = max(start, end)
        self._position = start

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read in any order."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read on, as much as fits."""
        self._check_open()
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._end - self._position)
        if wanted <= 0:
            return 0
        with failures("read"):
            count = os.preadv(self._descriptor, [view[:wanted]], self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the part."""
        self._check_open()
        base = {os.SEEK_SET: self._start, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = max(self._start, base + offset)
        return self._position - self._start

    def _check_open(self) -> None:
        if self.closed:
            message = "this file is closed"
            raise ValueError(message)

    def close(self) -> None:
        """Let go of the file."""
        if not self.closed:
            super().close()
            os.close(self._descriptor)


def buffered(raw: io.RawIOBase) -> BinaryIO:
    """Give a raw stream a buffer."""
    return cast("BinaryIO", io.BufferedReader(raw, CHUNK))


def write_all(descriptor: int, chunk: bytes | bytearray | memoryview) -> None:
    """Write all of it, however often the system takes only a part.

    Raises:
        OSError: it could not.
    """
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


@contextmanager
def failures(done: str) -> Iterator[None]:
    """Turn a failure of the file system into one of a store.

    Args:
        done: what was to be done with a content, for the message.
    """
    try:
        yield
    except OSError as error:
        message = f"a content cannot be {done}: {error.strerror}"
        raise DBError(message) from error
