"""Write down in a PostgreSQL database which units of work over several databases it has committed.

The table `_backo_units` has a row for each of the last ones, and for each that a crash interrupted.
"""

# ruff: noqa: S608  # names in statements are ours, values are bound

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backo.connectors.sql.dialect import Collision
from backo.connectors.sql.layout import UNITS
from backo.errors import DBError

if TYPE_CHECKING:
    from backo.connectors.postgres.session import PostgresSession

CREATE = (
    f"CREATE TABLE IF NOT EXISTS {UNITS} "
    "(unit text PRIMARY KEY, committed boolean NOT NULL, at timestamptz NOT NULL DEFAULT now())"
)
# Other databases go on from what is committed here, durably: so has this one.
_DURABLY = "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"


def decide(session: PostgresSession, unit: str, over: Sequence[str]) -> None:
    """Add the row of a unit, remove those of others.

    Raises:
        DBError: the unit has been settled.
    """
    session.rows(_DURABLY)
    try:
        session.change(f"INSERT INTO {UNITS} (unit, committed) VALUES (?, true)", (unit,))
    except Collision as error:
        message = f"a unit of work in {session.database.name!r} was given up by somebody else"
        raise DBError(message) from error
    if over:
        session.change(f"DELETE FROM {UNITS} WHERE unit = ANY(?)", (list(over),))


def settle(session: PostgresSession, unit: str) -> bool:
    """Tell whether a unit was committed, after adding a row that says no where there is none.

    A transaction that is just adding the row is waited for.
    """
    session.rows(_DURABLY)
    session.change(f"INSERT INTO {UNITS} (unit, committed) VALUES (?, false) ON CONFLICT (unit) DO NOTHING", (unit,))
    found = session.rows(f"UPDATE {UNITS} SET committed = committed WHERE unit = ? RETURNING committed", (unit,))
    return bool(found[0][0])
