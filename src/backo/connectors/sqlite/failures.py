"""Turn what the driver raises into errors of ours, without showing what was stored."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from backo.errors import DBError

_REASONS = {
    sqlite3.SQLITE_BUSY: "stayed locked by another writer for too long",
    sqlite3.SQLITE_LOCKED: "stayed locked by another writer for too long",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_READONLY: "cannot be written to",
    sqlite3.SQLITE_PERM: "cannot be opened: the permission is missing",
    sqlite3.SQLITE_FULL: "has no room left on its disk",
    sqlite3.SQLITE_IOERR: "could not be read or written",
}


def primary_code(error: sqlite3.Error) -> int:
    """Give the primary result code of SQLite (0 when the driver itself raised)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether somebody else holds a lock that is worth waiting for."""
    return primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def failure(error: sqlite3.Error, path: Path) -> DBError:
    """Make the `DBError` for an error of the driver; raise it `from` that error.

    The text names the file and the reason; the driver's own text, which may quote a statement,
    stays in the chained error.
    """
    reason = _REASONS.get(primary_code(error))
    if reason is None:
        reason = f"failed ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    return DBError(f"the database {path.name!r} {reason}")
