"""What other processes do in the tests: `python -m tests.connectors.sqlite.workers <what> <file> …`."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backo.connectors.sqlite import DBSqliteConnector
from backo.connectors.sqlite.database import SqliteDatabase
from backo.errors import DBError
from backo.query.filters import EVERYTHING
from backo.testing.connector_contract import contents, insert, reading, save, update, writing
from tests.connectors.sqlite.stores import store_at, text


def accounts(path: Path) -> DBSqliteConnector:
    """The store in which each unit counts itself."""
    return store_at(path, collection="accounts")


def entries(path: Path) -> DBSqliteConnector:
    """The store to which each unit adds."""
    columns = (text("number", unique=True), text("account", link=True), text("words", many=True, index=True))
    return store_at(path, *columns, collection="entries")


def add(path: Path, name: str, count: int = sys.maxsize) -> None:
    """Add entries, one in each unit, and say of each that it is acknowledged."""
    totals, lines = accounts(path), entries(path)
    for number in itertools.islice(itertools.count(), count):
        id_ = f"{name}-{number}"
        with writing(totals) as session:
            total = totals.get(session, ["total"]).get("total")
            lines.write(session, [insert({"_id": id_, "number": id_, "account": "total", "words": ["w", id_]})])
            if total is None:
                totals.write(session, [insert({"_id": "total", "entries": 1})])
            else:
                changed = {"_id": "total", "entries": total.document["entries"] + 1}
                totals.write(session, [update(changed, expected=total.rev, rev=total.rev + 1)])
        say(id_)


def say(*words: object) -> None:
    """Tell the test something, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def fork(work: Callable[[], None]) -> Any:
    """Start a child of this process."""
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    return child


def finish(child: Any) -> None:
    """Wait for a child that should end well."""
    child.join(30)
    say("child", child.exitcode)


def fork_idle(path: Path) -> None:
    """Fork between two sessions; afterwards both processes work, at the same time."""
    store = entries(path)
    save(store, {"_id": "before"})
    contents(store)

    def work() -> None:
        for number in range(50):
            save(store, {"_id": f"child{number}"})
            contents(store)

    child = fork(work)
    for number in range(50):
        save(store, {"_id": f"parent{number}"})
    finish(child)
    say("documents", len(contents(store)))


def fork_and_leave(path: Path) -> None:
    """Fork, and close the parent's connections while the child reads and writes: its locks must be its own."""
    store = entries(path)
    save(store, {"_id": "before"})
    with reading(store) as session:
        store.count(session, EVERYTHING)
    go_on, has_read = multiprocessing.Event(), multiprocessing.Event()

    def work() -> None:
        with reading(store) as session:
            assert store.count(session, EVERYTHING) == 1
            has_read.set()
            assert go_on.wait(30)
            assert store.count(session, EVERYTHING) == 1
        save(store, {"_id": "child"})
        assert set(contents(store)) == {"before", "parent", "anew", "child"}

    child = fork(work)
    assert has_read.wait(30)
    save(store, {"_id": "parent"})
    store.database.close()
    has_log = path.with_name(path.name + "-wal").exists()
    save(store, {"_id": "anew"})
    store.database.close()
    go_on.set()
    finish(child)
    say("log", has_log, "documents", len(contents(store)))


def fork_unannounced(path: Path) -> None:
    """As `fork_and_leave`, by somebody who does not tell before a fork (some servers fork in C)."""
    SqliteDatabase.before_fork = lambda self: None  # type: ignore[method-assign]  # this process is short
    fork_and_leave(path)


def fork_inside(path: Path) -> None:
    """Fork inside a session: the child is refused, the parent's unit is not disturbed."""
    store = entries(path)
    save(store, {"_id": "before"})

    def work() -> None:
        try:
            contents(store)
        except DBError as error:
            say(error.message)
            session.rollback()

    with writing(store) as session:
        store.write(session, [insert({"_id": "inside"})])
        finish(fork(work))
        child = os.fork()
        if not child:
            sys.exit(0)  # with everything that the end of an interpreter does
        os.waitpid(child, 0)
        store.write(session, [insert({"_id": "more"})])
    say("documents", *sorted(contents(store)))


def fork_beside(path: Path) -> None:
    """Fork while another thread is inside a session: it is waited for."""
    store = entries(path)
    save(store, {"_id": "before"})
    has_begun, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(store) as session:
            store.write(session, [insert({"_id": "thread"})])
            has_begun.set()
            may_end.wait(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    assert has_begun.wait(30)
    child = fork(lambda: save(store, {"_id": "child"}))
    finish(child)
    thread.join()
    say("documents", *sorted(contents(store)))


if __name__ == "__main__":
    what, file, *rest = sys.argv[1:]
    if what == "add":
        add(Path(file), rest[0], *map(int, rest[1:]))
    else:
        {f.__name__: f for f in (fork_idle, fork_and_leave, fork_unannounced, fork_inside, fork_beside)}[what](
            Path(file)
        )
