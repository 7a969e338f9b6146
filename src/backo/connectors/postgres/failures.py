"""Turn what the driver raises into errors of ours, without showing what was stored, or a password."""

from __future__ import annotations

import psycopg
from psycopg import errors

from backo.connectors.sql.dialect import Collision
from backo.errors import DBError, TransientError

_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)
_LOST = ("08", "57")  # classes of SQLSTATE: the connection is broken, the server is going down
_REASONS: dict[str, tuple[str, str | None]] = {
    "55P03": ("kept a lock for too long", None),
    "57014": ("gave up a statement that took too long", None),
    "53300": ("has no connection left", "raise its max_connections, or run fewer processes and threads"),
    "53100": ("has no room left on its disk", None),
    "54000": ("cannot keep an index entry of that size", "indexed and unique texts are short: give them max_length="),
    "25P03": (
        "ended a unit of work that let it wait for too long",
        "let handlers be short, or raise its idle_in_transaction_session_timeout",
    ),
    "3F000": ("has no schema of the search path", "create it, or name another one in the connection string"),
    "0A000": (
        "cannot do this; a standby server takes no changes",
        "point the connection string to the primary server",
    ),
    "25006": ("is read-only", "point the connection string to the primary server"),
    "28P01": ("refuses the password", None),
    "28000": ("refuses the user", None),
    "3D000": ("does not exist", None),
    "42501": ("does not permit this to its user", "grant it, or create the tables with check_structure(apply=True)"),
    "57P03": ("is starting or stopping", None),
}


def is_lost(error: psycopg.Error) -> bool:
    """Tell whether the connection is gone, and with it the transaction."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state != "57014" and state.startswith(_LOST)


def failure(error: psycopg.Error, name: str) -> DBError | Collision:
    """Make the error for one of the driver; raise it `from` that one.

    The text names the database and the reason; the driver's own text, which may quote values, stays
    in the chained error.
    """
    if isinstance(error, errors.UniqueViolation):
        return Collision(error.diag.constraint_name or "")
    if isinstance(error, _AGAIN):
        return TransientError(f"the database {name!r} asks to try again")
    reason, hint = _REASONS.get(error.sqlstate or "", (None, None))
    if reason is None and is_lost(error):
        return TransientError(f"the connection to the database {name!r} was lost")
    return DBError(f"the database {name!r} {reason or f'failed (SQLSTATE {error.sqlstate})'}", hint=hint)
