"""P2: an acknowledged write is never lost, not by `kill -9`, not by a second writer."""

import os
import random
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backo import Backoffice, ConflictError
from tests.promises.shop import open_shop
from tests.scale import record_figure, scaled
from tests.servers import start_for
from tests.work.stores import ACROSS, DURABLE, EVERY, audit

ROOT = Path(__file__).parents[2]


def start(*arguments: str, before: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    """Start a worker in a process of its own."""
    start_for(arguments[1])
    return subprocess.Popen(
        [*before, sys.executable, "-m", "tests.promises.workers", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


class Memory:
    """What the victims said, and so what must be there."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.last: dict[str, str] = {}  # of each group: the last word, such as `?+` or `!-`
        self.pages: dict[str, list[int | None]] = {}  # of each book: the values it may have

    def hear(self, line: str) -> None:
        """Remember one line."""
        sign, name = line[:2], line[2:]
        self.acknowledged += sign[0] == "!"
        if sign[1] == "=":
            book, number = name.split()
            known = self.pages.setdefault(book, [None])
            self.pages[book] = [int(number)] if sign == "!=" else [*known, int(number)]
        else:
            self.last[name] = sign

    def wrong(self, shop: Backoffice) -> list[str]:
        """Say what is not as it must be after a restart."""
        wrong = audit(shop)
        authors: dict[str, Any] = {author["_id"]: author for author in shop.authors.select()}
        books: dict[str, list[Any]] = {}
        for book in shop.books.select():
            books.setdefault(book["group"].split("/")[0], []).append(book)
        for name, sign in self.last.items():
            there = name in authors
            if sign == "!+" and not there:
                wrong.append(f"the acknowledged group {name} is lost")
            if sign == "!-" and (there or name in books):
                wrong.append(f"the group {name} is there again")
        for name, author in authors.items():
            found = books.pop(name, [])
            if author["sold"] != len(found) or author["favourite"] != f"{name}-0" or author["friends"] != [name]:
                wrong.append(f"the group {name} is half there: {len(found)} of {author['sold']}")
            for book in found:
                allowed = self.pages.get(book["_id"])
                if allowed is not None and book["pages"] not in allowed:
                    wrong.append(f"{book['_id']} has {book['pages']} pages, not one of {allowed}")
        wrong += [f"books of the group {name} without their author" for name in books]
        return wrong


class Killer:
    """Kills victims: in the middle of an import or a cascade, or while they clear away what the last one left."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.spans = {"+": [0.01], "-": [0.005]}  # seconds that imports and cascades took
        self.during: Counter[str] = Counter()

    def kill(self, victim: "subprocess.Popen[str]", seed: int, hear: Callable[[str], None]) -> None:
        """Start a victim and kill it at a random moment of a random operation."""
        assert victim.stdin is not None
        assert victim.stdout is not None
        victim.stdin.write(f"{seed}\n")
        victim.stdin.flush()
        pid = int(victim.stdout.readline().split()[1])
        kind, nth = self.dice.choice("+-"), self.dice.randint(1, 4)
        if self.dice.random() < 0.15:
            time.sleep(self.dice.uniform(0, 0.02))
            os.kill(pid, signal.SIGKILL)
            nth = 0
        last, began = "start", time.monotonic()
        for line in victim.stdout:
            if line == "dead\n":
                break
            hear(line.rstrip("\n"))
            last = line[:2]
            if last[0] == "!" and last[1] in self.spans:
                self.spans[last[1]] = [*self.spans[last[1]][-9:], time.monotonic() - began]
            began = time.monotonic()
            if nth and last == f"?{kind}":
                nth -= 1
                if not nth:
                    time.sleep(self.dice.uniform(0, sum(self.spans[kind]) / len(self.spans[kind])))
                    os.kill(pid, signal.SIGKILL)
        self.during[last] += 1

    @property
    def inside(self) -> int:
        """How many victims were in the middle of an import or a cascade."""
        return self.during["?+"] + self.during["?-"]


@pytest.mark.parametrize("kind", [*DURABLE, *ACROSS])
def test_killed_at_random_moments(kind: str, tmp_path: Path) -> None:
    """After `kill -9` inside an import or a cascade, what was acknowledged is there, and nothing is half done."""
    few = 3 if "mongo" in kind else 4 if kind in ACROSS else 8  # its server keeps what the dead had locked
    wanted = scaled(few, 20 if "mongo" in kind else 200)
    memory, killer = Memory(), Killer(random.Random(kind))
    with start("serve", kind, str(tmp_path)) as server:
        seed, wrong = 0, list[str]()
        while killer.inside < wanted and seed < 20 * wanted:
            killer.kill(server, seed, memory.hear)
            with closing(open_shop(kind, tmp_path)) as shop:
                wrong += memory.wrong(shop)
                assert wrong == [], f"after kill {seed}"
                prune(shop, memory)
            seed += 1
        assert server.stdin is not None
        server.stdin.close()
    assert killer.inside >= wanted
    record_figure(
        "promises",
        {
            f"p2_{kind}_kills": seed,
            f"p2_{kind}_kills_inside_an_import": killer.during["?+"],
            f"p2_{kind}_kills_inside_a_cascade": killer.during["?-"],
            f"p2_{kind}_kills_inside_a_change": killer.during["?="],
            f"p2_{kind}_kills_before_the_first_operation": killer.during["start"],
            f"p2_{kind}_acknowledged": memory.acknowledged,
            f"p2_{kind}_lost_or_half_done": len(wrong),
        },
    )


def prune(shop: Backoffice, memory: Memory) -> None:
    """Keep the shop small, so that looking at all of it stays quick."""
    if shop.authors.count() > 60:
        with shop.transaction():
            for author in shop.authors.select():
                author.delete()
        memory.last.clear()
        memory.pages.clear()


# What one acknowledged write syncs.


def synced(trace: str) -> dict[str, list[str]]:
    """Read what strace saw: for each mark the names of the files and folders that were synced."""
    found: dict[str, list[str]] = {}
    mark: str | None = None
    for line in trace.splitlines():
        told = re.search(r'write\(1<[^>]*>, "(begin|end) (\w+)', line)
        if told:
            mark = told[2] if told[1] == "begin" else None
            if mark:
                found[mark] = []
        done = re.search(r"(?:fsync|fdatasync)\(\d+<([^>]*)>\)\s*= 0", line)
        if done and mark:
            found[mark].append(done[1])
    return found


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here to count with")


def traced(kind: str, folder: Path) -> dict[str, list[str]]:
    """Let a process make single writes, and see what it asks the kernel to sync."""
    trace = folder / "trace"
    worker = start(
        "writes",
        kind,
        str(folder),
        before=("strace", "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(trace)),
    )
    said, _ = worker.communicate(timeout=120)
    if worker.returncode and not said:
        pytest.skip("strace may not trace here")
    assert worker.returncode == 0
    return synced(trace.read_text("utf-8", "replace"))


@needs_strace
def test_sqlite_syncs_its_log_before_it_acknowledges(tmp_path: Path) -> None:
    """Each acknowledged unit of work syncs the write-ahead log once or more, however many items it has."""
    found = traced("sqlite", tmp_path)

    assert found.keys() == {"create", "save", "delete", "several"}
    for mark, files in found.items():
        assert [Path(file).name for file in files if file.endswith("-wal")], mark
    record_figure("promises", {f"p2_sqlite_syncs_of_one_{mark}": len(files) for mark, files in found.items()})


@needs_strace
def test_yaml_syncs_file_and_folder_before_it_acknowledges(tmp_path: Path) -> None:
    """One changed file: its content and its folder. Several: each content, the journal, and each folder."""
    found = traced("yaml", tmp_path)

    books = str(tmp_path / "books")
    for mark in ("create", "save"):
        assert [Path(file).parent == Path(books) or file == books for file in found[mark]] == [True, True], found[mark]
        assert found[mark][-1] == books, "the folder is synced last, after the rename"
    assert found["delete"] == [books]
    for folder in (books, str(tmp_path / "authors")):
        assert folder in found["several"]
    contents = [file for file in found["several"] if ".aside-" in Path(file).name]
    assert len(contents) == 4
    assert any(".pending" in file for file in found["several"])
    record_figure("promises", {f"p2_yaml_syncs_of_one_{mark}": len(files) for mark, files in found.items()})


def test_yaml_syncs_without_strace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, counted inside the process: content before the rename, folder after it, then it is acknowledged."""
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def note_sync(file: int) -> None:
        done.append("sync folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "sync content")
        fsync(file)

    def note_rename(*paths: Any) -> None:
        done.append("rename")
        rename(*paths)

    with closing(open_shop("yaml", tmp_path)) as shop:
        shop.books.create({"name": "b0"})
        monkeypatch.setattr(os, "fsync", note_sync)
        monkeypatch.setattr(os, "rename", note_rename)
        book: Any = shop.books.get_by_id("b0")
        book.pages = 3
        book.save()

    assert done == ["sync content", "rename", "sync folder"]


def test_sqlite_is_told_to_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection that is opened keeps a write-ahead log and syncs it at each commit (`synchronous=FULL`)."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remember(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **{**options, "check_same_thread": False}))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    with closing(open_shop("sqlite", tmp_path)) as shop:
        shop.books.create({"name": "b0"})
        shop.books.count()
        threads = [threading.Thread(target=shop.books.create, args=({"name": f"b{number}"},)) for number in (1, 2)]
        for thread in threads:
            thread.start()
            thread.join()

        writing = [one for one in opened if not one.execute("PRAGMA query_only").fetchone()[0]]
        assert writing
        assert {one.execute("PRAGMA synchronous").fetchone()[0] for one in writing} == {2}
        assert {one.execute("PRAGMA journal_mode").fetchone()[0] for one in opened} == {"wal"}


# A second writer.


@pytest.mark.parametrize("kind", EVERY)
def test_writers_of_one_item_lose_nothing(kind: str, tmp_path: Path) -> None:
    """Threads that change one item each see all their acknowledged changes, or a conflict that they try again."""
    writers, rounds = 4, scaled(10, 200)
    conflicts: list[int] = []
    with closing(open_shop(kind, tmp_path)) as shop:
        shop.authors.create({"name": "a", "sold": 0})

        def write() -> None:
            met = 0
            for _ in range(rounds):
                while True:
                    author: Any = shop.authors.get_by_id("a")
                    author.sold += 1
                    try:
                        author.save()
                        break
                    except ConflictError:
                        met += 1
                        time.sleep(random.random() * 0.002)
            conflicts.append(met)

        threads = [threading.Thread(target=write) for _ in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        sold = shop.authors.get_by_id("a")["sold"]
        assert sold == writers * rounds
    record_figure(
        "promises",
        {
            f"p2_{kind}_increments": writers * rounds,
            f"p2_{kind}_increments_lost": writers * rounds - sold,
            f"p2_{kind}_conflicts": sum(conflicts),
        },
    )
