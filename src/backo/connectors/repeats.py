"""Sort more records than memory holds, and find values that several documents share."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from tempfile import TemporaryFile
from typing import Any

from backo.schema.kinds import Comparable

RUN = 50_000  # records that memory holds while they come
BUFFERS = 4 * 1024 * 1024  # bytes that memory holds while they go, shared by the runs
_LEAST, _MOST = 1024, 64 * 1024  # bytes of one run
_LENGTH = 4  # bytes before each record that tell how long it is
_DIGEST = 16


class Sorter:
    """Records, pieces of bytes, that come in any order and go sorted; used by one thread.

    Memory holds one run of them; the others lie in a temporary file, which is gone when the sorter
    is closed or collected.
    """

    def __init__(self, run: int | None = None) -> None:
        self._size = run or RUN
        self._run: list[bytes] = []
        self._runs: list[tuple[int, int]] = []  # where each one begins and ends in the file
        self._file: Any = None
        self._end = 0

    def add(self, record: bytes) -> None:
        """Take a record."""
        self._run.append(record)
        if len(self._run) >= self._size:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115  # it lives as long as the sorter
            weakref.finalize(self, self._file.close)
        start = self._end
        self._file.seek(start)
        for record in sorted(self._run):
            self._file.write(len(record).to_bytes(_LENGTH) + record)
        self._file.flush()
        self._end = self._file.tell()
        self._runs.append((start, self._end))
        self._run = []

    def __iter__(self) -> Iterator[bytes]:
        """Give all records in order; none may be added meanwhile."""
        return merge(sorted(self._run), *(self._read(start, end) for start, end in self._runs))

    def _read(self, start: int, end: int) -> Iterator[bytes]:
        held = b""
        buffer = max(_LEAST, min(_MOST, BUFFERS // len(self._runs)))
        while start < end or held:
            length = int.from_bytes(held[:_LENGTH]) + _LENGTH if len(held) >= _LENGTH else _LENGTH
            if len(held) < length:
                more = os.pread(self._file.fileno(), min(max(buffer, length), end - start), start)
                start += len(more)
                held += more
                continue
            yield held[_LENGTH:length]
            held = held[length:]

    def close(self) -> None:
        """Let go of what is held, and of the file."""
        self._run, self._runs = [], []
        if self._file is not None:
            self._file.close()


class Repeats:
    """Which documents share values, however many there are."""

    def __init__(self) -> None:
        self._records = Sorter()

    def add(self, values: Iterable[Comparable], id_: str) -> None:
        """Note the values of a document."""
        for value in values:
            digest = hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()
            self._records.add(digest + id_.encode("utf-8", "surrogatepass"))

    def groups(self, most: int) -> Iterator[list[str]]:
        """Give, for each value that several documents have, their ids in order, at most so many."""
        for _, group in groupby(self._records, key=lambda record: record[:_DIGEST]):
            ids: list[str] = []
            for record in group:
                if len(ids) < most:
                    ids.append(record[_DIGEST:].decode("utf-8", "surrogatepass"))
            if len(ids) > 1:
                yield ids

    def close(self) -> None:
        """Let go of what is held."""
        self._records.close()
