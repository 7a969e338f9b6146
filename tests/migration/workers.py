"""What the processes of these tests do; each opens its collection anew.

`python -m tests.migration.workers NAME FOLDER …`
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from backo import Backoffice, Collection, Float, Item, String
from backo.connectors.base import Operation, Write
from backo.work.unit import unit_of_work
from tests.work.stores import connector, named

_BATCH = 1_000  # items that are stored at once
_TEXT = "A book of which a few hundred characters are known, so that items are of a usual size. " * 5


def books(kind: str, folder: Path, *, note: bool) -> Backoffice:
    """Declare books: as they were, or with the note that they need now."""
    fields: dict[str, Any] = {"name": String(required=True), "text": String(), "tag": String(index=True)}
    if note:
        fields["note"] = Float(required=True)
    backoffice = Backoffice("library")
    where = connector(kind, folder, "books")
    where.generate_id = named
    backoffice.register_collection(Collection("books", Item(fields), where))
    backoffice.assemble()
    return backoffice


def with_note(document: dict[str, Any]) -> dict[str, Any]:
    """Give a book its note."""
    document.setdefault("note", 10.0)
    return document


def fill(kind: str, folder: Path, count: int) -> None:
    """Store books as they were."""
    with closing(books(kind, folder, note=False)) as backoffice:
        entry = backoffice.catalog.entry("books")
        for start in range(0, count, _BATCH):
            documents: list[dict[str, Any]] = [
                {"name": f"b{number:06}", "text": _TEXT, "tag": None, "_id": f"b{number:06}", "_meta": None}
                for number in range(start, min(start + _BATCH, count))
            ]
            with unit_of_work(backoffice.catalog, writing=True) as unit:
                writes = [
                    Write(Operation.INSERT, one["_id"], rev=1, fingerprint=entry.schema.fingerprint, document=one)
                    for one in documents
                ]
                entry.store.write(unit.session(entry), writes)


def killed(kind: str, folder: Path, step: int) -> None:
    """Migrate, and die when the second pass has come so far."""

    def die(done: int, total: int) -> None:
        if done >= total // 2 + step:
            os.kill(os.getpid(), signal.SIGKILL)

    books(kind, folder, note=True).migrate("books", with_note, dry_run=False, progress=die)


def measured(folder: Path, limit: int) -> None:
    """Migrate twice, read the report, and tell by how many bytes the process grew at its largest."""
    with closing(books("sqlite", folder, note=True)) as backoffice:
        ids = [f"b{number:06}" for number in range(limit)]
        backoffice.migrate("books", with_note, _ids=ids).changes.diff[0].pretty()  # everything is loaded
        before = _peak()
        with backoffice.migrate("books", with_note, dry_run=False) as report:
            found = {
                "changed": report.changes.total,
                "last": report.changes._ids[-1],
                "different": sum(len(diff) for diff in report.changes.diff[:: max(report.changes.total // 100, 1)]),
            }
        with backoffice.migrate("books", with_note, dry_run=False) as report:
            found |= {"changed again": report.changes.total, "unchanged": report.nochanges.total}
        found["bytes"] = _peak() - before
    sys.stdout.write(json.dumps(found))


def _peak() -> int:
    """Give the largest size of this process so far; `ru_maxrss` would be that of who started it, if that is larger."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


if __name__ == "__main__":
    run: Callable[[], None] = {
        "killed": lambda: killed(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])),
        "measured": lambda: measured(Path(sys.argv[2]), int(sys.argv[3])),
    }[sys.argv[1]]
    run()
