"""Share a folder of files between threads of several processes: one lock, whole files, announcements.

Beside the files, whose names are their owner's affair, a folder holds:

- `.lock`: locked (`flock`) while files change; its text is the layout of the folder;
- `.changes`: the names of files, one a line, written *before* these files change. Whoever has seen
  it at one length knows by one `stat` that nothing changed since, or else which files to look at;
- `.aside-<n>`: next contents, written and synced before they are moved into place. One that a crash
  left behind is written over by the next writer;
- `.pending`: a unit of work under way, of which `backo.connectors.pending` knows the meaning.

Nothing here knows what the files contain.
"""

from __future__ import annotations

import fcntl
import os
import random
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from backo.errors import DBError

LAYOUT = b"backo folder, layout 1\n"
CHANGES_SIZE = 256 * 1024  # bytes of `.changes` before it is started anew
LONGEST_PAUSE = 0.004  # seconds between two tries to lock

Stamp: TypeAlias = tuple[int, int, int]  # of one version of a file: mtime_ns, size, inode
Files: TypeAlias = Mapping[str, bytes | None]  # contents by name; None where there is to be no file
Staged: TypeAlias = "dict[str, Aside | None]"  # what is to become of files, by name

_DIRECT = os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Position:
    """How far `.changes` has been read: its stamp then, and its first line."""

    stamp: Stamp | None
    start: bytes = b""


@dataclass(frozen=True, slots=True)
class Aside:
    """A content that has been written aside: where, with which stamp (which the file keeps when it is moved)."""

    path: str
    stamp: Stamp
    content: bytes


def stamp_of(status: os.stat_result) -> Stamp:
    """Give what tells one version of a file from another; a rename always changes the inode."""
    return status.st_mtime_ns, status.st_size, status.st_ino


class SharedFolder:
    """One folder. An instance locks for one thread at a time; its owner sees to that.

    Every method may raise `OSError`; `lock` raises `DBError` when its time is over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changes = str(path / ".changes")
        self._lock: int | None = None
        self._directory = -1  # open as long as the lock is
        self._identity = (0, 0)  # device and inode of the lock
        self._locked = False

    def __repr__(self) -> str:
        return f"SharedFolder({str(self.path)!r})"

    # Locking

    def lock(self, *, exclusive: bool, deadline: float) -> None:
        """Take the lock of the folder, made when it is missing; others wait, in other processes too.

        Args:
            exclusive: to change files; else to read them while nobody changes any.
            deadline: when to give up, by `time.monotonic()`.

        Raises:
            DBError: it stayed locked until then, or a newer version of this library laid it out.
        """
        mode = fcntl.LOCK_NB | (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        pause = LONGEST_PAUSE / 16
        while True:
            if self._lock is None:
                self._lock = self._open()
            try:
                fcntl.flock(self._lock, mode)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise DBError(f"{self.path} stayed locked by another process") from None
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # only spreads the tries
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if self._is_current():
                break
            self.close()
        self._locked = True

    def unlock(self) -> None:
        """Let others in. Does nothing when the lock is not held."""
        if self._locked and self._lock is not None:
            self._locked = False
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the lock back, with its file."""
        self._locked = False
        if self._lock is not None:
            lock, self._lock = self._lock, None
            os.close(lock)  # in a forked child this leaves the parent's lock alone, unlike LOCK_UN
            os.close(self._directory)

    def _open(self) -> int:
        self._make()
        lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | _DIRECT, 0o666)
        layout = os.pread(lock, 100, 0)
        if not layout:
            os.pwrite(lock, LAYOUT, 0)
        elif layout != LAYOUT:
            os.close(lock)
            raise DBError(f"{self.path} was laid out by another version of backo", hint="use a newer version")
        status = os.fstat(lock)
        self._identity = status.st_dev, status.st_ino
        self._directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return lock

    def _make(self) -> None:
        """Make the folder when it is missing, durably."""
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            _sync_folder(path.parent)

    def _is_current(self) -> bool:
        """Tell whether the file that was locked is still the one that others will lock."""
        try:
            status = os.stat(f"{self.path}/.lock")  # noqa: PTH116  # on every request: the quick way
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    # Reading

    def mark(self) -> Stamp | None:
        """Give the stamp of `.changes`: while it stays the same, no writer has begun to change a file."""
        try:
            return stamp_of(os.stat(self._changes))  # noqa: PTH116  # as in `_is_current`
        except FileNotFoundError:
            return None

    def announced(self, since: Position) -> tuple[Position, set[str] | None]:
        """Read which files may have changed since a position: their names, or None for any of them.

        To be called with the lock held.
        """
        try:
            changes = os.open(self._changes, os.O_RDONLY | _DIRECT)
        except FileNotFoundError:
            return Position(None), (set() if since.stamp is None else None)
        try:
            stamp = stamp_of(os.fstat(changes))
            start = os.pread(changes, 100, 0).partition(b"\n")[0]
            here = Position(stamp, start)
            if since.stamp is None or start != since.start or stamp[1] < since.stamp[1]:
                return here, None
            lines = os.pread(changes, stamp[1] - since.stamp[1], since.stamp[1])
        finally:
            os.close(changes)
        return here, {line.decode("utf-8", "replace") for line in lines.split(b"\n") if line}

    def stamps(self) -> dict[str, Stamp]:
        """Look at every file: stamps by name, without the folder's own."""
        with os.scandir(self.path) as entries:
            found = {}
            for entry in entries:
                if not entry.name.startswith("."):
                    with suppress(FileNotFoundError):  # it has just been removed
                        found[entry.name] = stamp_of(entry.stat())
            return found

    def stamp(self, name: str) -> Stamp | None:
        """Look at one file; None when there is none."""
        try:
            return stamp_of(os.stat(f"{self.path}/{name}"))  # noqa: PTH116  # as in `_is_current`
        except FileNotFoundError:
            return None

    def read(self, name: str) -> tuple[Stamp, bytes] | None:
        """Read one version of a file; None when there is none."""
        try:
            file = os.open(f"{self.path}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(file, "rb", buffering=0) as content:  # noqa: PTH123  # it is open already
            stamp = stamp_of(os.fstat(file))
            return stamp, content.read()

    # Changing, with the exclusive lock held

    def announce(self, names: Iterable[str]) -> None:
        """Say which files are about to change. Not synced: after a power cut nobody remembers."""
        lines = "".join(f"\n{name}" for name in names) + "\n"  # the line end ahead ends a torn line
        changes = os.open(self._changes, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _DIRECT, 0o666)
        try:
            size = os.fstat(changes).st_size
            if size == 0:
                _write_all(changes, secrets.token_hex(16).encode())
            if size <= CHANGES_SIZE:
                _write_all(changes, lines.encode())
                return
        finally:
            os.close(changes)
        aside = self.path / ".changes-next"
        aside.write_bytes(secrets.token_hex(16).encode() + lines.encode())
        aside.replace(self._changes)

    def stage(self, files: Files) -> Staged:
        """Write new contents aside and sync them; nothing changes yet."""
        staged: Staged = {}
        for number, (name, content) in enumerate(files.items()):
            aside = f"{self.path}/.aside-{number}"
            staged[name] = None if content is None else Aside(aside, _write_synced(aside, content), content)
        return staged

    def install(self, staged: Staged) -> None:
        """Move staged contents into place, remove what is to be removed, sync the folder."""
        for name, aside in staged.items():
            place = f"{self.path}/{name}"
            if aside is not None:
                os.rename(aside.path, place)  # noqa: PTH104  # texts on both sides
            else:
                with suppress(FileNotFoundError):
                    os.unlink(place)  # noqa: PTH108  # as above
        os.fsync(self._directory)

    def apply(self, files: Files) -> None:
        """Give files these contents. Doing it twice, or again after a crash in the middle, is harmless."""
        self.install(self.stage(files))

    def clean(self) -> None:
        """Remove what a crash, or a failure, left aside: there is something when there is `.aside-0`."""
        if self.stamp(".aside-0") is None:
            return
        with os.scandir(self.path) as entries:
            left = [entry.name for entry in entries if entry.name.startswith((".aside-", ".changes-", ".pending-"))]
        for name in left:
            (self.path / name).unlink(missing_ok=True)

    # The unit of work under way

    def is_pending(self) -> bool:
        """Tell whether a unit of work was left under way (to be asked with the lock held)."""
        return os.path.exists(f"{self.path}/.pending")  # noqa: PTH110  # as in `_is_current`

    def pending(self) -> bytes | None:
        """Read what was left under way."""
        found = self.read(".pending")
        return None if found is None else found[1]

    def set_pending(self, content: bytes) -> None:
        """Leave word of a unit of work, durably and whole."""
        aside = f"{self.path}/.pending-next"
        _write_synced(aside, content)
        os.rename(aside, f"{self.path}/.pending")  # noqa: PTH104  # as in `install`
        os.fsync(self._directory)

    def drop_pending(self) -> None:
        """Take the word back. Not synced: each later change of the folder syncs it, and until one it is true."""
        (self.path / ".pending").unlink(missing_ok=True)


def _write_synced(path: str, content: bytes) -> Stamp:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _DIRECT, 0o666)
    try:
        _write_all(file, content)
        os.fsync(file)
        return stamp_of(os.fstat(file))
    finally:
        os.close(file)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
