"""Commits of YAML folders when the power goes: what was not synced may be there, or not, in part.

The disk is a model: contents of files last once the file is synced, names once their folder is. At
a cut, any choice of what had not been synced yet is made to happen; then the folders are opened.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from backo.connectors.base import Database, Decision, Operation, Rank, Session, Write
from backo.connectors.yaml import DBYmlConnector
from tests.connectors.folders import (
    AFTER,
    BEFORE,
    UNITS,
    Contents,
    contents,
    make,
    prepare,
    run_unit,
    state,
    write_unit,
)
from tests.scale import scaled


@dataclass
class Inode:
    """A file: its bytes in memory, and those on the disk."""

    cached: bytes = b""
    synced: bytes = b""


@dataclass
class Folder:
    """Names on the disk, and changes of names that are not there yet."""

    synced: dict[str, Inode] = field(default_factory=dict)
    cached: dict[str, Inode] = field(default_factory=dict)
    changes: list[tuple[str, str | None, Inode | None]] = field(default_factory=list)  # name, old name, file

    def change(self, name: str, inode: Inode | None, old: str | None = None) -> None:
        """Change a name."""
        self.changes.append((name, old, inode))
        _apply(self.cached, name, old, inode)

    def sync(self) -> None:
        """Let all names last."""
        self.synced, self.changes = dict(self.cached), []


def _apply(names: dict[str, Inode], name: str, old: str | None, inode: Inode | None) -> None:
    if old is not None:
        names.pop(old, None)
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


class Disk:
    """What reaches the disk, told from the calls of `os`."""

    def __init__(self, root: Path) -> None:
        self.folders: dict[str, Folder] = {}
        for folder in root.iterdir():
            names = {path.name: Inode(*[path.read_bytes()] * 2) for path in folder.iterdir()}
            self.folders[folder.name] = Folder(names, dict(names))
        self._open: dict[int, Inode | Folder] = {}
        self.real = {name: getattr(os, name) for name in ("open", "write", "fsync", "rename", "unlink", "close")}

    def _place(self, path: Any) -> tuple[Folder, str]:
        path = Path(path)
        return self.folders[path.parent.name], path.name

    def patched(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the calls."""
        for name in self.real:
            patch.setattr(os, name, getattr(self, name))

    def open(self, path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        """Open, and remember what."""
        descriptor: int = self.real["open"](path, flags, *arguments, **options)
        if flags & os.O_DIRECTORY:
            self._open[descriptor] = self.folders[Path(path).name]
        elif flags & (os.O_WRONLY | os.O_RDWR):
            folder, name = self._place(path)
            if name not in folder.cached:
                folder.change(name, Inode())
            self._open[descriptor] = inode = folder.cached[name]
            if flags & os.O_TRUNC:
                inode.cached = b""
        return descriptor

    def write(self, descriptor: int, content: bytes) -> int:
        """Write into memory."""
        written: int = self.real["write"](descriptor, content)
        if isinstance(inode := self._open.get(descriptor), Inode):
            inode.cached += content[:written]
        return written

    def fsync(self, descriptor: int) -> None:
        """Let a content, or names, last."""
        self.real["fsync"](descriptor)
        match self._open[descriptor]:
            case Folder() as folder:
                folder.sync()
            case Inode() as inode:
                inode.synced = inode.cached

    def close(self, descriptor: int) -> None:
        """Close, and forget."""
        self._open.pop(descriptor, None)
        self.real["close"](descriptor)

    def rename(self, source: Any, target: Any) -> None:
        """Move a name."""
        self.real["rename"](source, target)
        folder, name = self._place(target)
        old = Path(source).name
        folder.change(name, folder.cached[old], old)

    def unlink(self, path: Any, **options: Any) -> None:
        """Remove a name."""
        self.real["unlink"](path, **options)
        folder, name = self._place(path)
        folder.change(name, None)

    def cut(self, random: Random, root: Path) -> None:
        """Write what may be on the disk after a cut at this moment."""
        eagerness = random.choice([0.0, 0.5, 1.0])
        lasting: dict[int, bytes] = {}
        for name, folder in self.folders.items():
            names = dict(folder.synced)
            for new, old, inode in folder.changes:
                if random.random() < eagerness and (old is None or old in names):
                    _apply(names, new, old, inode)
            (root / name).mkdir(parents=True)
            for file, inode in names.items():
                torn = inode.cached[: random.randrange(len(inode.cached) + 1)]
                choice = random.choice([inode.synced, inode.cached, torn])
                content = lasting.setdefault(id(inode), choice if inode.cached != inode.synced else inode.synced)
                (root / name / file).write_bytes(content)


class Cuts:
    """Cuts the power again and again while something happens, and looks at what is left."""

    def __init__(self, disk: Disk, folder: Path, seed: int, look: Callable[..., Contents] = state) -> None:
        self.count = 0
        self._look = look
        self._disk = disk
        self._folder = folder
        self._random = Random(seed)

    def check(self, *allowed: Contents) -> None:
        """Cut several times at this moment."""
        for _ in range(scaled(3, 100)):
            self.count += 1
            root = self._folder / f"cut{self.count}"
            self._disk.cut(self._random, root)
            assert self._look(root, *self._random.choice([("first", "second"), ("second", "first")])) in allowed

    def during(self, action: Callable[[], None], *allowed: Contents) -> None:
        """Cut after each call that changes something on the disk."""

        def cutting(call_disk: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                result = call_disk(*arguments, **options)
                with pytest.MonkeyPatch.context() as real:
                    for name, function in self._disk.real.items():
                        real.setattr(os, name, function)
                    self.check(*allowed)
                return result

            return call

        with pytest.MonkeyPatch.context() as patch:
            self._disk.patched(patch)
            for name in ("write", "fsync", "rename", "unlink"):
                patch.setattr(os, name, cutting(getattr(self._disk, name)))
            action()


@pytest.mark.parametrize(("unit", "after"), UNITS)
def test_a_power_cut_leaves_a_unit_whole(
    tmp_path: Path, unit: Callable[[list[DBYmlConnector]], None], after: Contents
) -> None:
    """Whatever had reached the disk, both folders have all of a unit or nothing; all, once it was acknowledged."""
    prepare(tmp_path / "real")
    stores = make(tmp_path / "real", "first", "second")
    cuts = Cuts(Disk(tmp_path / "real"), tmp_path, seed=1)

    cuts.during(lambda: unit(stores), BEFORE, after)

    assert cuts.count >= 5 * scaled(3, 100)
    cuts.check(after)


@pytest.mark.parametrize("later", [0, 1], ids=["in-the-home-of-the-journal", "in-the-other-folder"])
def test_what_a_power_cut_brings_back_does_no_harm(tmp_path: Path, later: int) -> None:
    """A journal whose removal was not synced never takes back what was acknowledged after it."""
    prepare(tmp_path / "real")
    stores = make(tmp_path / "real", "first", "second")
    disk = Disk(tmp_path / "real")
    with pytest.MonkeyPatch.context() as patch:
        disk.patched(patch)
        run_unit(stores)
    cuts = Cuts(disk, tmp_path, seed=2)
    document = {"_id": "ab"[later], "name": "newer"}
    name = stores[later].structure.collection
    newer = {**AFTER, name: {**AFTER[name], document["_id"]: document}}

    def change() -> None:
        """Change a name."""
        session = stores[later].database.begin(writing=True)
        stores[later].write(session, [Write(Operation.UPDATE, document["_id"], 2, 3, "f", document)])
        session.commit()

    cuts.check(AFTER)
    cuts.during(change, AFTER, newer)

    cuts.check(newer)


class Oracle(Database):
    """A database that only tells what became of units of work."""

    rank = Rank.ALONE

    @property
    def key(self) -> str:
        """Its name."""
        return "oracle:here"

    def __init__(self) -> None:
        self.committed = False

    def begin(self, *, writing: bool, once: bool = False) -> Session:
        """Nobody needs a session."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""

    def settle(self, unit: str) -> bool:
        """Tell it of all units."""
        return self.committed


def test_a_power_cut_leaves_what_another_database_decided(tmp_path: Path) -> None:
    """Until the decision nothing is there, from the decision on everything, whatever had reached the disk."""
    oracle = Oracle()

    def declared(root: Path, *names: str) -> list[DBYmlConnector]:
        stores = make(root, *names)
        beside: Any = SimpleNamespace(database=oracle)
        stores[0].database.deciders = [beside]
        return stores

    def look(root: Path, *names: str) -> Contents:
        found = {}
        for name in names:
            (store,) = declared(root, name)
            found[name] = contents(store)
            store.database.close()
        return found

    prepare(tmp_path / "real")
    stores = declared(tmp_path / "real", "first", "second")
    cuts = Cuts(Disk(tmp_path / "real"), tmp_path, seed=3, look=look)
    sessions: list[Session] = []

    def get_ready() -> None:
        sessions.append(stores[0].database.begin(writing=True))
        write_unit(stores, sessions[0])
        sessions[0].prepare(Decision(oracle, "0" * 32))

    cuts.during(get_ready, BEFORE)
    cuts.check(BEFORE)
    oracle.committed = True
    cuts.check(AFTER)
    cuts.during(sessions[0].commit, AFTER)

    cuts.check(AFTER)
    assert cuts.count > 10 * scaled(3, 100)
