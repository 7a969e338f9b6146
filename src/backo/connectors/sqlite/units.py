"""Write down in a database file which units of work over several databases it has committed.

The table `_backo_units` has a row for each of the last ones, and for each that a crash interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backo.connectors.sql.layout import UNITS
from backo.errors import DBError

if TYPE_CHECKING:
    from backo.connectors.sqlite.session import SqliteSession

_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {UNITS} "
    "(unit TEXT PRIMARY KEY NOT NULL, committed INTEGER NOT NULL, at TEXT NOT NULL) WITHOUT ROWID"
)
_INSERT = f"INSERT OR IGNORE INTO {UNITS} (unit, committed, at) VALUES (?, ?, datetime('now'))"  # noqa: S608  # ours
_SELECT = f"SELECT committed FROM {UNITS} WHERE unit = ?"  # noqa: S608  # as above
_DELETE = f"DELETE FROM {UNITS} WHERE unit = ?"  # noqa: S608  # as above


def decide(session: SqliteSession, unit: str, over: Sequence[str]) -> None:
    """Add the row of a unit, remove those of others.

    Raises:
        DBError: the unit has been settled.
    """
    session.change(_CREATE)
    if session.rows(_SELECT, (unit,)):
        message = f"a unit of work in {session.database.path.name!r} was given up by somebody else"
        raise DBError(message)
    session.change(_INSERT, (unit, 1))
    if over:
        session.change_many(_DELETE, [(one,) for one in over])


def settle(session: SqliteSession, unit: str) -> bool:
    """Tell whether a unit was committed, after adding a row that says no where there is none."""
    session.change(_CREATE)
    session.change(_INSERT, (unit, 0))
    return bool(session.rows(_SELECT, (unit,))[0][0])


def sync_log(path: Path) -> None:
    """Let whatever has been committed in a file survive a power cut.

    SQLite does so for commits of its own process, under `synchronous = FULL`. What was committed by
    one that died, perhaps before it had synced, may be read all the same.

    Raises:
        DBError: the disk fails.
    """
    try:
        log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)  # of its files the one without locks
        try:
            os.fsync(log)
        finally:
            os.close(log)
    except FileNotFoundError:
        return  # it has been copied into the file, and synced
    except OSError as error:
        raise DBError(f"the database {path.name!r} could not be synced: {error.strerror}") from error
