"""Migrations that are killed, and long ones: each in a process of its own."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from backo.migration import running
from tests.migration.opening import documents
from tests.migration.workers import books, fill, with_note
from tests.scale import record_figure, scaled
from tests.work.stores import DURABLE, WHOLE

ROOT = Path(__file__).parents[2]
MOST_GROWTH = 64 * 1024 * 1024  # bytes


def work(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a worker to its end."""
    command = [sys.executable, "-m", "tests.migration.workers", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", DURABLE)
def test_a_killed_migration_is_completed(kind: str, tmp_path: Path) -> None:
    """Each item is as before or as after; with transactions all are as before; another run does the rest."""
    count = 3 * running.PAGE
    fill(kind, tmp_path, count)

    dead = work("killed", kind, tmp_path, running.PAGE + 1)

    assert dead.returncode == -9, dead.stderr
    with closing(books(kind, tmp_path, note=True)) as backoffice:
        done = [id_ for id_, one in documents(backoffice).items() if one.get("note") == 10.0]
        assert len(done) == (0 if kind in WHOLE else running.PAGE)
        report = backoffice.migrate("books", with_note, dry_run=False)
        assert (report.changes.total, list(report.nochanges._ids)) == (count - len(done), done)
        assert all(one["note"] == 10.0 for one in documents(backoffice).values())


def test_memory_stays_constant(tmp_path: Path) -> None:
    """A long run and the reading of its report need no more than a fixed amount; a second run changes nothing."""
    count = scaled(5_000, 100_000)
    fill("sqlite", tmp_path, count)

    done = work("measured", tmp_path, 100)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    grown = found.pop("bytes")
    assert found == {
        "changed": count,
        "last": f"b{count - 1:06}",
        "different": 100,
        "changed again": 0,
        "unchanged": count,
    }
    assert grown <= MOST_GROWTH
    record_figure("migration", {"items": count, "growth_mib": round(grown / 1024 / 1024, 1)})
