"""Several processes on one file: nothing is lost, nothing is half done, whoever dies or forks when."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from backo.query.filters import EVERYTHING, Compare, Operator
from backo.schema.kinds import Kind
from backo.testing.connector_contract import contents, reading
from tests.connectors.sqlite import workers
from tests.connectors.sqlite.stores import sql
from tests.scale import scaled

ROOT = Path(__file__).parents[3]
TIMEOUT = 60.0  # seconds after which something is thought to hang


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "things.db"


def started(what: str, path: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start a worker."""
    command = [sys.executable, "-m", "tests.connectors.sqlite.workers", what, str(path), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(worker: subprocess.Popen[str]) -> list[str]:
    """Wait for the end of a worker that should end well; give its lines."""
    output, errors = worker.communicate(timeout=TIMEOUT)
    assert worker.returncode == 0, errors
    return output.splitlines()


def heard_before(worker: subprocess.Popen[str], seconds: float) -> list[str]:
    """Kill a worker some time after its first line; give all its lines."""
    assert worker.stdout is not None
    with worker:
        first = worker.stdout.readline()
        time.sleep(seconds)
        worker.kill()
        # Not by `communicate`, which passes over what `readline` has read ahead.
        return [first.strip(), *worker.stdout.read().split()]


def check(path: Path, acknowledged: Sequence[str], *, unsure: int = 0) -> None:
    """Find every unit that was acknowledged, whole, and at most so many others, whole too."""
    totals, lines = workers.accounts(path), workers.entries(path)
    found = contents(lines)
    assert found.keys() >= set(acknowledged)
    assert len(found) <= len(acknowledged) + unsure
    assert contents(totals).get("total", {"entries": 0})["entries"] == len(found)
    with reading(lines) as session:
        everybody = lines.referrers(session, ("account",), ["total"], sys.maxsize)
        assert [holder for _, holder in everybody] == sorted(found)
        assert lines.count(session, Compare(("words",), Operator.EQ, "w", Kind.TEXT, many=True)) == len(found)
        assert lines.count(session, EVERYTHING) == len(found)
    lines.database.close()
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_two_processes_write(path: Path) -> None:
    """A few hundred units of each, from the first use on, all count."""
    each = scaled(150, 1000)

    both = [started("add", path, name, each) for name in "ab"]
    acknowledged = [line for worker in both for line in said(worker)]

    assert len(acknowledged) == 2 * each
    check(path, acknowledged)


def test_a_killed_writer_leaves_whole_units(path: Path) -> None:
    """Killed at any moment, one writer after the other loses nothing that it was told is there."""
    choose = random.Random(1)
    acknowledged: list[str] = []
    times = scaled(8, 200)

    for number in range(times):
        acknowledged += heard_before(started("add", path, f"w{number}"), choose.uniform(0, 0.05))

    assert len(acknowledged) > times
    check(path, acknowledged, unsure=times)


def test_a_killed_writer_keeps_nobody_waiting(path: Path) -> None:
    """Killed while others write, it leaves no lock behind."""
    others = [started("add", path, name, scaled(100, 500)) for name in "ab"]
    acknowledged = heard_before(started("add", path, "k"), 0)

    acknowledged += [line for worker in others for line in said(worker)]

    check(path, acknowledged, unsure=1)


def test_a_fork_between_sessions(path: Path) -> None:
    """Parent and child go on, each with connections of its own."""
    assert said(started("fork_idle", path)) == ["child 0", "documents 101"]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("how", ["fork_and_leave", "fork_unannounced"])
def test_a_child_has_locks_of_its_own(path: Path, how: str) -> None:
    """The end of the parent's connections does not take the log away from under its child."""
    assert said(started(how, path)) == ["child 0", "log True documents 4"]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_fork_inside_a_session(path: Path) -> None:
    """The child is refused, and neither its life nor its end disturbs the parent's unit."""
    refused = "the database 'things.db' cannot be used in a process forked inside one of its sessions"
    assert said(started("fork_inside", path)) == [refused, "child 0", "documents before inside more"]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_fork_beside_a_session(path: Path) -> None:
    """The session of another thread is waited for, so the child can work."""
    assert said(started("fork_beside", path)) == ["child 0", "documents before child thread"]
