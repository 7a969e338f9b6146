"""Keep a collection in a table of a PostgreSQL database."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from backo.connectors.base import Capabilities, Lock, Session, StoredDocument, Structure
from backo.connectors.postgres.database import MOST, PostgresDatabase, database_at
from backo.connectors.postgres.dialect import DIALECT
from backo.connectors.postgres.evolving import PostgresCatalogue, evolve
from backo.connectors.postgres.session import PostgresSession
from backo.connectors.sql.evolution import Evolution
from backo.connectors.sql.layout import Layout
from backo.connectors.sql.store import SqlStore, checked_text
from backo.errors import DefinitionError, SessionError, shown

_LONGEST_NAME = 63  # bytes
_PAUSES = (0.002, 0.004, 0.008)  # seconds between looks at what others hold, at most
_MORE_PAUSES = (*_PAUSES, 0.016, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0)  # where nobody tries again
_LOCKING = {Lock.NONE: "", Lock.SHARED: " FOR KEY SHARE", Lock.EXCLUSIVE: " FOR UPDATE"}


class DBPostgresConnector(SqlStore[PostgresSession]):
    """A collection in a table of a PostgreSQL database.

    Connectors with the same connection string, of several back offices too, share its pool, and what
    one unit of work does in them is one transaction. Several processes, on several machines, may work
    in one database: what is about to be changed or referred to is locked, and a unit of work that the
    server gives up for another one's sake is run again.

    Args:
        connection_string: a URL or `key=value` pairs, as libpq takes them. Tables are made in the
            first schema of the search path.
        table: the name of the table; None for the name of the collection.
        max_connections: how many connections one process opens at most to this database; of several
            wishes the largest counts. One for each thread that serves requests is enough.

    Raises:
        DefinitionError: an argument makes no sense.
    """

    capabilities = Capabilities(transactional=True, durable=True, keeps_text=True, unbounded=True, locks=True)
    dialect = DIALECT

    def __init__(self, *, connection_string: str, table: str | None = None, max_connections: int = MOST) -> None:
        super().__init__(table)
        if not isinstance(max_connections, int) or max_connections < 1:
            message = f"max_connections is a number of connections, not {shown(max_connections)}"
            raise DefinitionError(message)
        self._database = database_at(checked_text(connection_string, "connection_string"))
        self._most = max_connections

    @property
    def database(self) -> PostgresDatabase:
        """The database, shared by all connectors of this process that name it in the same way."""
        return self._database

    @property
    def key(self) -> str:
        """What names the store: its database and its table."""
        return f"postgres:{self._database.name}:{self.table}"

    @property
    def catalogue(self) -> PostgresCatalogue:
        """What the database knows of its tables."""
        return PostgresCatalogue(self._database.name)

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth a column. No I/O.

        Raises:
            DefinitionError: the name of the collection cannot be that of a table.
        """
        super().declare(structure)
        self._database.register(self, self._most)

    def get(self, session: Session, ids: Sequence[str], lock: Lock = Lock.NONE) -> dict[str, StoredDocument]:
        """Give the documents with these ids; those that are not there are left out.

        Who holds documents waits for others only in the order of tables and ids, so that no two wait for
        one another. Out of that order it looks again and again, and then gives up.

        Raises:
            TransientError: somebody else held one of them for too long to go on waiting.
        """
        own, layout = self._enter(session)
        held = self._locking(own, lock)
        if not held or own.may_wait(self.table, ids):
            found = self._get(own, layout, ids, held)
            if held and len(found) < len(ids):
                # While their locks were waited for, somebody may have deleted and made them in one
                # transaction; a statement sees only what was there when it began.
                for id_ in sorted({*ids} - found.keys()):
                    found |= self._get(own, layout, [id_], held)
            return found
        found = self._get(own, layout, ids, f"{held} SKIP LOCKED")
        for pause in _PAUSES if own.is_repeated else _MORE_PAUSES:
            rest = [id_ for id_ in ids if id_ not in found]
            if not rest or not (rest := [*self._get(own, layout, rest, "")]):
                return found
            time.sleep(random.uniform(0, pause))  # noqa: S311  # jitter, not a secret
            found |= self._get(own, layout, rest, f"{held} SKIP LOCKED")
        raise own.given_up(f"an item of {self.structure.collection!r} is being changed by somebody else")

    def _checked_table(self, name: str) -> str:
        if "?" in super()._checked_table(name) or len(name.encode()) > _LONGEST_NAME:
            message = f"{shown(name)} cannot be the name of a table of PostgreSQL"
            raise DefinitionError(message, hint=f"up to {_LONGEST_NAME} bytes, without / and ?")
        return name

    def _open(self, *, writing: bool) -> PostgresSession:
        return PostgresSession(self._database, writing=writing, alone=writing)

    def _end(self, session: PostgresSession, *, commit: bool = False) -> None:
        (session.commit if commit else session.rollback)()

    def _own(self, session: Session) -> PostgresSession:
        if not isinstance(session, PostgresSession) or session.database is not self._database:
            message = "the session belongs to another database"
            raise SessionError(message)
        return session

    def _evolve(self, session: PostgresSession, layout: Layout, plan: Evolution) -> None:
        evolve(session, layout, plan, self.structure.collection)

    def mend_structure(self) -> None:
        """Make what is missing, in batches and beside running transactions: others go on meanwhile."""
        from backo.connectors.postgres.mending import mend  # noqa: PLC0415  # few processes do

        mend(self._database, self.table, self.structure, self.catalogue)
        self._database.register(self, self._most)  # it is looked at again before the next session

    def _locking(self, session: PostgresSession, lock: Lock) -> str:
        return _LOCKING[lock] if session.writing else ""
