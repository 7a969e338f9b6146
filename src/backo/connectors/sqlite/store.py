"""Keep a collection in a table of an SQLite file: the embedded default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from backo.connectors.base import Session, Structure
from backo.connectors.sql.evolution import Evolution
from backo.connectors.sql.layout import Layout
from backo.connectors.sql.store import SqlStore
from backo.connectors.sqlite.database import SqliteDatabase, database_at
from backo.connectors.sqlite.dialect import DIALECT
from backo.connectors.sqlite.evolving import SqliteCatalogue, evolve
from backo.connectors.sqlite.session import SqliteSession
from backo.errors import DefinitionError, SessionError, nearest, shown

if TYPE_CHECKING:
    from backo.connectors.findings import Difference, Finding

_LEVELS = ("FULL", "NORMAL")


class DBSqliteConnector(SqlStore[SqliteSession]):
    """A collection in a table of an SQLite file.

    Connectors that name the same file, of several back offices too, share its connections, and what
    one unit of work does in them is one transaction. Readers and the writer do not disturb one
    another; writers wait for one another, in threads and in processes.

    Args:
        path: the file; it is made, with its folders, at the first use.
        table: the name of the table; None for the name of the collection.
        synchronous: `"FULL"`, what is acknowledged survives a power cut; `"NORMAL"`, faster, it
            survives the end of the process only. For one file the stricter wish counts.

    Raises:
        DefinitionError: an argument makes no sense.
    """

    dialect = DIALECT

    def __init__(self, *, path: str | os.PathLike[str], table: str | None = None, synchronous: str = "FULL") -> None:
        super().__init__(table)
        self._synchronous = _checked_level(synchronous)
        self._database = database_at(_checked_path(path))

    @property
    def database(self) -> SqliteDatabase:
        """The file, shared by all connectors of this process that name it."""
        return self._database

    @property
    def key(self) -> str:
        """What names the store: its file and its table."""
        return f"sqlite:{self._database.path}:{DIALECT.folded(self.table)}"

    @property
    def catalogue(self) -> SqliteCatalogue:
        """What the file knows of its tables."""
        return SqliteCatalogue(self._database.path.name)

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth a column. No I/O.

        Raises:
            DefinitionError: the name of the collection cannot be that of a table.
        """
        super().declare(structure)
        self._database.register(self, self._synchronous)

    def _open(self, *, writing: bool) -> SqliteSession:
        return SqliteSession(self._database, writing=writing)

    def _end(self, session: SqliteSession, *, commit: bool = False) -> None:
        (session.commit if commit else session.rollback)()

    def _own(self, session: Session) -> SqliteSession:
        if not isinstance(session, SqliteSession) or session.database is not self._database:
            message = "the session belongs to another database"
            raise SessionError(message)
        return session

    def _evolve(self, session: SqliteSession, layout: Layout, plan: Evolution) -> None:
        evolve(session, layout, plan, self.structure.collection)

    # Checks: what they need is loaded with the first one.

    def faults(self, session: Session) -> Iterator[Finding]:
        """Look for damage of the tables, and for rows that belong to no document."""
        from backo.connectors.sqlite.checking import damages  # noqa: PLC0415  # as above

        own, _ = self._enter(session)
        damaged = list(damages(own, self._layout_there(own), self.structure.collection))
        yield from damaged
        if all(one.mendable for one in damaged):
            yield from super().faults(session)

    def mend_faults(self, session: Session, faults: Sequence[Finding]) -> list[Finding]:
        """Make indexes, cells and rows of lists anew."""
        from backo.connectors.sqlite.checking import mend_indexes  # noqa: PLC0415  # as above

        return [*mend_indexes(self._own(session), faults), *super().mend_faults(session, faults)]

    def structure_differences(self) -> list[Difference]:
        """Tell how tables, columns and indexes differ from what is declared."""
        from backo.connectors.findings import Difference, DifferenceKind  # noqa: PLC0415  # as above

        if self._database.path.exists():
            return super().structure_differences()
        text = f"the file {self._database.path.name!r} is missing"
        return [Difference(self.structure.collection, self.table, "$", DifferenceKind.TABLE, text, mendable=True)]

    def mend_structure(self) -> None:
        """Make what is missing, in one transaction; other writers wait for it, readers do not."""
        from backo.connectors.sqlite.mending import mend  # noqa: PLC0415  # as above

        session = self._open(writing=True)
        try:
            mend(session, self.table, self.structure, self.catalogue)
            self._end(session, commit=True)
        finally:
            self._end(session)
        self._database.register(self, self._synchronous)  # it is looked at again before the next session

    def _checked_table(self, name: str) -> str:
        if super()._checked_table(name).lower().startswith("sqlite_"):
            message = f"the table name {name!r} is taken by the database itself"
            raise DefinitionError(message)
        return name


def _checked_level(level: str) -> str:
    if level not in _LEVELS:
        message = f"synchronous is 'FULL' or 'NORMAL', not {shown(level)}"
        raise DefinitionError(message, hint=nearest(str(level).upper(), _LEVELS))
    return level


def _checked_path(path: Any) -> str:
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        message = f"path names a file; {shown(path)} does not"
        raise DefinitionError(message)
    if text == ":memory:":
        message = "a database in memory belongs to one connection, so path names a file"
        raise DefinitionError(message, hint="DBMemoryConnector() keeps a collection in memory")
    return text
