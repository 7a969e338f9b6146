"""Missing columns and indexes are made while others write; it can be killed anywhere and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backo.connectors.base import Document
from backo.connectors.postgres import DBPostgresConnector, mending
from backo.errors import DBError
from backo.query.filters import Compare, Operator
from backo.schema.kinds import Kind
from backo.testing.connector_contract import contents, delete, insert, reading, refused, save, update, writing
from tests.connectors.postgres.stores import NEW, column_names, disagreeing, indexes, sql, store_at
from tests.connectors.sqlite.stores import text
from tests.scale import scaled
from tests.servers import postgres_in

TIMEOUT = 60.0  # seconds after which something is thought to hang
INDEXES = {"things/age#index", "things/email#unique", "things/tags#holder"}


def eventually(happened: Callable[[], bool]) -> None:
    """Wait for what another thread or process is about to do."""
    deadline = time.monotonic() + TIMEOUT
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def thing(number: int, **more: Any) -> Document:
    """Make a document that has a value in each of the new columns."""
    return {"_id": f"{number:05}", "name": "n", "age": number % 7, "email": f"e{number}", "tags": ["t"]} | more


def old_store(folder: Path, size: int = 5) -> DBPostgresConnector:
    """Store some documents under the declaration from before."""
    store = store_at(folder, text("name"), process="old")
    save(store, *map(thing, range(size)))
    return store


def pending(folder: Path) -> bool:
    """Tell whether columns are noted that are not filled yet."""
    return bool(sql(folder, "SELECT 1 FROM _backo WHERE value LIKE '%\"pending\"%'"))


def is_waiting(folder: Path, beginning: str) -> bool:
    """Tell whether a statement of this folder's stores waits for a lock."""
    return bool(
        sql(
            folder,
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND starts_with(query, %s)",
            beginning,
        )
    )


def assert_whole(folder: Path, store: DBPostgresConnector) -> None:
    """Look whether all is as declared, and agrees with the documents."""
    assert store.structure_differences() == []
    assert not pending(folder)
    assert indexes(folder) == INDEXES
    assert indexes(folder, valid=False) == set()
    assert disagreeing(store) == []
    with reading(store) as session:
        aged = store.count(session, Compare(("age",), Operator.EQ, 3, Kind.INTEGER))
    assert aged == sum(one.get("age") == 3 for one in contents(store).values())


def test_writers_go_on_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process of the old declaration adds, changes and deletes in a loop is in the new columns."""
    monkeypatch.setattr(mending, "BATCH", 7)
    size = scaled(150, 20_000)
    old = old_store(tmp_path, size)
    new = store_at(tmp_path, *NEW, process="new")
    is_over = threading.Event()

    def write() -> int:
        number = size
        while not is_over.is_set():
            with writing(old) as session:
                first = old.get(session, [f"{number - size:05}"]).values()
                moved = [update(thing(number - size, age=3, tags=["u", "v"]), expected=one.rev, rev=9) for one in first]
                old.write(session, [insert(thing(number)), *moved])
            with writing(old) as session:
                old.write(session, [delete(f"{number:05}")] if number % 3 else [])
            number += 1
        return number - size

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            new.mend_structure()
        finally:
            is_over.set()
        assert writer.result(TIMEOUT) > 0

    assert_whole(tmp_path, new)
    with refused(old) as session:
        old.write(session, [insert(thing(size * 9, email="e1"))])
    for store in (old, new):
        store.database.close()


def test_a_writer_that_began_before(tmp_path: Path) -> None:
    """It is waited for, without keeping others from writing for long; what it commits last is in the new columns."""
    old = old_store(tmp_path)
    new = store_at(tmp_path, *NEW, process="new")

    with ThreadPoolExecutor(1) as pool:
        with writing(old) as session:
            old.write(session, [insert(thing(7, age=3)), update(thing(1, age=3), expected=1, rev=2)])
            mended = pool.submit(new.mend_structure)
            eventually(lambda: is_waiting(tmp_path, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL"))
            save(old, thing(8, age=3))
            assert not mended.done()
        mended.result(TIMEOUT)

    assert_whole(tmp_path, new)
    for store in (old, new):
        store.database.close()


WORKER = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from backo.connectors.postgres import mending
    from tests.connectors.postgres.stores import NEW, store_at

    left = int(sys.argv[2])
    step = mending._Mending._in_session
    mending.BATCH = 2

    def counted(self, work, **how):
        global left
        result = step(self, work, **how)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    mending._Mending._in_session = counted
    store_at(Path(sys.argv[1]), *NEW, process="worker").mend_structure()
    """
)


def started(folder: Path, steps: int) -> subprocess.Popen[bytes]:
    """Start a process that mends, and is killed after so many steps."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(steps)], env=environment)


# Steps of five documents: columns, three batches, the end of them, a look at indexes, one step each, the note.
@pytest.mark.parametrize("steps", scaled([1, 3, 7], list(range(1, 10))))
def test_one_that_was_killed_is_run_again(tmp_path: Path, steps: int) -> None:
    """Meanwhile the old declaration works, also in a process that starts; the next run makes all that is missing."""
    old = old_store(tmp_path)
    with started(tmp_path, steps) as worker:
        assert worker.wait(TIMEOUT) == -signal.SIGKILL

    assert pending(tmp_path) == (steps < 9)
    save(old, thing(8, age=3))
    fresh = store_at(tmp_path, text("name"), process="fresh")
    save(fresh, thing(9, age=3))
    assert pending(tmp_path) == (steps < 9)
    new = store_at(tmp_path, *NEW, process="new")
    assert bool(new.structure_differences()) == (steps < 9)
    new.mend_structure()

    assert_whole(tmp_path, new)
    assert len(contents(new)) == 7
    for store in (old, fresh, new):
        store.database.close()


def test_one_that_was_killed_is_gone_on_with_by_the_first_use(tmp_path: Path) -> None:
    """Whoever uses the collection under the new declaration fills what is pending, in one transaction."""
    old = old_store(tmp_path)
    with started(tmp_path, 3) as worker:
        assert worker.wait(TIMEOUT) == -signal.SIGKILL

    new = store_at(tmp_path, *NEW, process="new")
    save(new, thing(9))

    assert_whole(tmp_path, new)
    for store in (old, new):
        store.database.close()


def test_an_index_that_was_never_finished(tmp_path: Path) -> None:
    """It is told, dropped and made anew: by the next run, by the first use, or where nobody wants it any more."""
    old = old_store(tmp_path)

    def interrupt() -> None:
        with psycopg.connect(postgres_in(tmp_path)) as reader, started(tmp_path, 99) as worker:
            try:
                reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                reader.execute("SELECT count(*) FROM pg_class")  # every index waits for those who see an older state
                eventually(lambda: bool(indexes(tmp_path, valid=False)))
            finally:
                worker.kill()
            backends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'worker'"
            eventually(lambda: not sql(tmp_path, backends))

    for number, how in enumerate(("mend", "use", "old")):
        interrupt()
        assert indexes(tmp_path, valid=False) == {"things/age#index"}
        new = store_at(tmp_path, *NEW, process="new")
        texts = [one.text for one in new.structure_differences()]
        assert "the index 'things/age#index' was never finished" in texts
        if how == "old":
            (useless,) = [one for one in old.structure_differences() if one.mendable]
            assert useless.name == "things/age#index"
            old.mend_structure()
            assert indexes(tmp_path) | indexes(tmp_path, valid=False) == {"things/tags#holder"}
            continue
        if how == "mend":
            new.mend_structure()
        save(new, thing(20 + number))
        assert_whole(tmp_path, new)
        new.database.close()
        for name in ("things/age#index", "things/email#unique"):
            sql(tmp_path, f'DROP INDEX "{name}"')
    old.database.close()


def test_two_at_once_take_turns(tmp_path: Path) -> None:
    """Both end well, and the second one finds nothing left to do."""
    old = old_store(tmp_path, 30)
    stores = [store_at(tmp_path, *NEW, process=process) for process in ("first", "second")]

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(store.mend_structure) for store in stores]:
            done.result(TIMEOUT)

    assert_whole(tmp_path, stores[0])
    assert column_names(tmp_path) == ["_id", "_rev", "_schema", "name", "_document", "age", "email"]
    for store in (old, *stores):
        store.database.close()


def test_a_first_use_while_somebody_mends(tmp_path: Path) -> None:
    """It is refused for now, the old declaration is not; afterwards it works."""
    old = old_store(tmp_path)
    new = store_at(tmp_path, *NEW, process="new")

    with mending._turn(old.database, "things"):
        with reading(new) as session, pytest.raises(DBError, match=r"'things' .* just being brought"):
            new.get(session, ["a"])
        save(old, thing(8))
    new.database.close()  # forgets when to try again

    save(new, thing(9))
    assert_whole(tmp_path, new)
    for store in (old, new):
        store.database.close()


def test_values_that_repeat_keep_nothing_else_from_being_made(tmp_path: Path) -> None:
    """The items are named; no unfinished index stays that would refuse values."""
    old = old_store(tmp_path)
    save(old, thing(8, email="e1"))
    new = store_at(tmp_path, *NEW, process="new")

    new.mend_structure()

    (unique,) = new.structure_differences()
    assert (unique.kind, unique.mendable, unique.ids) == ("unique", False, ("00001", "00008"))
    assert indexes(tmp_path) == INDEXES - {"things/email#unique"}
    assert indexes(tmp_path, valid=False) == set()
    save(old, thing(9, email="e1"))
    for store in (old, new):
        store.database.close()
