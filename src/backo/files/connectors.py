"""Keep contents under ids of ours: the interface, in memory, and in a folder.

An id is made by `new_file_id` and by nothing else: 128 random bits. What has another form is no id,
so nothing from outside becomes a path. Contents are written once, whole, and are never changed.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from backo.errors import BackoError, FileError, shown
from backo.files.content import ASIDE, Content, Source
from backo.files.refusals import ContentMissingError
from backo.files.streams import CHUNK, FilePart, buffered, failures, write_all

_ID = re.compile(r"[0-9a-f]{32}")
_ID_BYTES = 16


def new_file_id() -> str:
    """Make the id of a new content: 32 random hexadecimal digits."""
    return secrets.token_hex(_ID_BYTES)


def is_file_id(text: object) -> bool:
    """Tell whether a text has the form of an id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def check_file_id(file_id: str) -> str:
    """Give an id back when it has the form of one.

    Raises:
        FileError: it has not.
    """
    if not is_file_id(file_id):
        message = f"{shown(file_id)} is not the id of a content"
        raise FileError(message)
    return file_id


class FileConnector(ABC):
    """A place for contents; `backo.testing.file_contract` tests what is said here.

    Every method raises `FileError` when it is given an id of another form (`check_file_id` does it),
    and `DBError` when the place fails or is away. Nothing is opened before the first use; one
    connector serves many threads.
    """

    @abstractmethod
    def write(self, file_id: str, stream: BinaryIO) -> int:
        """Store all that a stream still gives under the `file_id`, and return how many bytes it was.

        When it returns, the content survives the end of the process; when it raises, also because the
        stream did, there is nothing. A content that was there under this id is replaced.
        """

    @abstractmethod
    def open(self, file_id: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of the content `file_id`: from byte `start`, `length` bytes or all that follow.

        What was opened can be read to its end, even when the content is deleted meanwhile.

        Raises:
            ContentMissingError: there is none.
        """

    @abstractmethod
    def size(self, file_id: str) -> int:
        """Tell how many bytes the content `file_id` has.

        Raises:
            ContentMissingError: there is none.
        """

    @abstractmethod
    def delete(self, file_id: str) -> None:
        """Forget the content `file_id`; nothing happens when there is none."""

    @abstractmethod
    def ids(self, *, older_than: float = 0.0) -> Iterator[str]:
        """Give the ids of all contents, in any order, to look for those that nobody refers to.

        Args:
            older_than: seconds; contents stored later than that are left out.
        """

    def exists(self, file_id: str) -> bool:
        """Tell whether there is a content `file_id`."""
        try:
            self.size(file_id)
        except ContentMissingError:
            return False
        return True

    def keep(self, file_id: str, source: Source) -> None:
        """Store a content under the `file_id`, from a source that can be read anew.

        A connector may know a shorter way than a copy.
        """
        with source.open() as stream:
            self.write(file_id, stream)

    @property
    def arrivals(self) -> Path | None:
        """The folder from which `keep` can take a file without copying it; None when there is none."""
        return None

    def close(self) -> None:  # noqa: B027  # most have nothing to give back
        """Give back what is open; the next use opens it again."""


class MemoryFileConnector(FileConnector):
    """Contents in memory, for tests; they are gone with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contents: dict[str, tuple[float, bytes]] = {}

    def write(self, file_id: str, stream: BinaryIO) -> int:
        """Store all that a stream gives."""
        check_file_id(file_id)
        parts = []
        while chunk := stream.read(CHUNK):
            parts.append(bytes(chunk))
        content = b"".join(parts)
        with self._lock:
            self._contents[file_id] = (time.time(), content)
        return len(content)

    def open(self, file_id: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of a content."""
        content = self._content(file_id)
        return io.BytesIO(content[start:] if length is None else content[start : start + length])

    def size(self, file_id: str) -> int:
        """Tell how many bytes a content has."""
        return len(self._content(file_id))

    def delete(self, file_id: str) -> None:
        """Forget a content."""
        check_file_id(file_id)
        with self._lock:
            self._contents.pop(file_id, None)

    def ids(self, *, older_than: float = 0.0) -> Iterator[str]:
        """Give the ids of all contents."""
        latest = time.time() - older_than
        with self._lock:
            found = [file_id for file_id, (stored, _) in self._contents.items() if stored <= latest]
        return iter(found)

    def _content(self, file_id: str) -> bytes:
        check_file_id(file_id)
        with self._lock:
            found = self._contents.get(file_id)
        if found is None:
            raise missing()
        return found[1]


_ABANDONED = 24 * 3600  # seconds after which a file aside belongs to nobody
_TRIES = 100  # to move a file into a folder that another process removes as often, since it is empty


class FileSystemConnector(FileConnector):
    """Contents as files `ab/cd/abcd…` below a folder, which is made when it is missing.

    A content is written aside, synced, moved into place, and the folders are synced. Several
    processes may use one folder. What a crash leaves aside is removed a day later.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._swept = False

    def __repr__(self) -> str:
        return f"FileSystemConnector({str(self.path)!r})"

    @property
    def arrivals(self) -> Path | None:
        """The folder itself: a file in it can be linked to its place."""
        return self.path

    def write(self, file_id: str, stream: BinaryIO) -> int:
        """Store all that a stream gives."""
        place = self._place(file_id)
        aside = self._new_aside()
        try:
            size = _copied(stream, aside)
            self._install(aside, place)
        finally:
            with suppress(OSError):  # it has been moved, or the folder is away
                aside.unlink(missing_ok=True)
        return size

    def keep(self, file_id: str, source: Source) -> None:
        """Store a content: by a second link to its file where it lies in this folder, else by a copy."""
        arrived = source.path if isinstance(source, Content) else None
        if arrived is None or arrived.parent != self.path:
            super().keep(file_id, source)
            return
        place = self._place(file_id)
        aside = self._new_aside()
        try:
            os.link(arrived, aside)
        except OSError:  # a file system without links
            super().keep(file_id, source)
            return
        try:
            with failures(f"written to {aside}"):
                _sync(arrived, os.O_RDONLY)
            self._install(aside, place)
        finally:
            with suppress(OSError):  # as above
                aside.unlink(missing_ok=True)

    def open(self, file_id: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of a content."""
        place = self._place(file_id)
        with failures(f"found at {place}"):
            try:
                descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                raise missing() from None
            size = os.fstat(descriptor).st_size
        end = size if length is None else min(size, start + length)
        return buffered(FilePart(descriptor, start, end))

    def size(self, file_id: str) -> int:
        """Tell how many bytes a content has."""
        place = self._place(file_id)
        with failures(f"found at {place}"):
            try:
                return place.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                raise missing() from None

    def delete(self, file_id: str) -> None:
        """Forget a content, with the folders that are empty then."""
        place = self._place(file_id)
        with failures(f"found at {place}"):
            place.unlink(missing_ok=True)
        for folder in (place.parent, place.parent.parent):
            with suppress(OSError):  # it is not empty, or somebody else has removed it
                folder.rmdir()

    def ids(self, *, older_than: float = 0.0) -> Iterator[str]:
        """Give the ids of all contents."""
        latest = time.time() - older_than
        with failures(f"kept in {self.path}"):
            for place in self.path.glob("??/??/*"):
                file_id = place.name
                if is_file_id(file_id) and place == self._place(file_id):
                    with suppress(FileNotFoundError):  # it has just been removed
                        if place.stat(follow_symlinks=False).st_mtime <= latest:
                            yield file_id

    def _place(self, file_id: str) -> Path:
        check_file_id(file_id)
        return self.path / file_id[:2] / file_id[2:4] / file_id

    def _new_aside(self) -> Path:
        """Name a file that is not there yet, in the folder itself; the first one looks for old ones."""
        with failures(f"kept in {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            if not self._swept:
                _sync_folder(self.path.parent)
                self._sweep()
                self._swept = True
        return self.path / f"{ASIDE}{secrets.token_hex(8)}"

    def _sweep(self) -> None:
        """Remove what crashes left aside."""
        latest = time.time() - _ABANDONED
        for aside in self.path.glob(f"{ASIDE}*"):
            with suppress(FileNotFoundError):  # another process is faster
                if aside.stat(follow_symlinks=False).st_mtime < latest:
                    aside.unlink()

    def _install(self, aside: Path, place: Path) -> None:
        """Move a synced file into place, durably; what cannot be made durable is not left there."""
        folder = place.parent
        try:
            with failures(f"moved to {place}"):
                self._move(aside, place)
                for one in (folder, folder.parent, self.path):
                    _sync_folder(one)
        except BaseException:
            with suppress(BackoError):
                self.delete(place.name)
            raise

    def _move(self, aside: Path, place: Path) -> None:
        """Move a file into a folder that others may remove while it is empty."""
        for remaining in reversed(range(_TRIES)):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                aside.replace(place)
            except (FileNotFoundError, FileExistsError):  # removed meanwhile; `mkdir` tells it as either
                if not remaining:
                    raise
            else:
                return


def missing() -> ContentMissingError:
    """Say that there is no such content; who asks knows the id."""
    return ContentMissingError("the content of this file is not there")


def _copied(stream: BinaryIO, aside: Path) -> int:
    """Write a stream to a new file, synced; returns how many bytes it was."""
    size = 0
    with failures(f"written to {aside}"):
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        while chunk := stream.read(CHUNK):
            with failures(f"written to {aside}"):
                write_all(descriptor, chunk)
            size += len(chunk)
        with failures(f"written to {aside}"):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size


def _sync_folder(folder: Path) -> None:
    with suppress(FileNotFoundError):  # what was put there has been deleted again, and the folder with it
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
