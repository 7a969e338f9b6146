"""Keep a collection in a table of an SQLite file: the embedded default."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, starmap
from typing import Any

from backo.connectors.base import Capabilities, Lock, Session, Store, StoredDocument, Structure, Write
from backo.connectors.sqlite.cells import is_storable
from backo.connectors.sqlite.database import SqliteDatabase, database_at
from backo.connectors.sqlite.evolution import Evolution, evolution, evolve, read_layout
from backo.connectors.sqlite.filters import MOST_LEVELS, Condition, can_push, is_one_of, levels
from backo.connectors.sqlite.layout import BOOKS, UNITS, Layout, folded
from backo.connectors.sqlite.paging import Stretch, counting, stretches
from backo.connectors.sqlite.referring import link_holders, referrers
from backo.connectors.sqlite.session import Row, SqliteSession
from backo.connectors.sqlite.writing import write
from backo.errors import DBError, DefinitionError, SessionError, nearest, shown
from backo.paths import FieldPath
from backo.query.filters import EVERYTHING, Compare, Filter, Query
from backo.query.matching import matcher
from backo.query.splitting import split
from backo.schema.kinds import Kind

_LEVELS = ("FULL", "NORMAL")
_LONGEST_NAME = 200  # characters of a table's name
_PAGE = 1_000  # rows that are fetched at once; more are streamed


class DBSqliteConnector(Store):
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

    capabilities = Capabilities(transactional=True, durable=True, keeps_text=True)

    def __init__(self, *, path: str | os.PathLike[str], table: str | None = None, synchronous: str = "FULL") -> None:
        super().__init__()
        self._synchronous = _checked_level(synchronous)
        self._table = None if table is None else _checked_table(table)
        self._database = database_at(_checked_path(path))
        self._layout: Layout | None = None
        self._failure: DBError | None = None

    @property
    def database(self) -> SqliteDatabase:
        """The file, shared by all connectors of this process that name it."""
        return self._database

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.structure.collection if self._table is None else self._table

    @property
    def key(self) -> str:
        """What names the store: its file and its table."""
        return f"sqlite:{self._database.path}:{folded(self.table)}"

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth a column. No I/O.

        Raises:
            DefinitionError: the name of the collection cannot be that of a table.
        """
        super().declare(structure)
        _checked_table(self.table)
        self._layout = None
        self._database.register(self, self._synchronous)

    def prepare(self) -> bool:
        """Bring the tables to what is declared; tell whether they are. What kept them shows at the next use."""
        try:
            self._layout, self._failure = self._prepared(), None
        except DBError as error:
            self._layout, self._failure = None, error
        return self._layout is not None

    def _prepared(self) -> Layout:
        session = SqliteSession(self._database, writing=False)
        try:
            layout, plan = self._plan(session)
        finally:
            session.rollback()
        if not plan:
            return layout
        session = SqliteSession(self._database, writing=True)
        try:
            layout, plan = self._plan(session)  # another process may have done it
            if plan:
                evolve(session, layout, plan, self.structure.collection)
            session.commit()
        finally:
            session.rollback()
        return self._prepared()

    def _plan(self, session: SqliteSession) -> tuple[Layout, Evolution]:
        present = read_layout(session, self.table)
        layout = present or Layout(self.table)
        return layout, evolution(layout, self.structure, is_new=present is None)

    def _enter(self, session: Session) -> tuple[SqliteSession, Layout]:
        """Look at a session that is to be used, and at ourselves."""
        if not isinstance(session, SqliteSession) or session.database is not self._database:
            message = "the session belongs to another database"
            raise SessionError(message)
        if self._layout is not None:
            if self._without_links:
                self._refuse_misplaced_links()
            return session, self._layout
        if self._failure is not None:
            raise type(self._failure)(self._failure.message, hint=self._failure.hint) from self._failure
        message = f"the collection {self.structure.collection!r} was declared after this session began"
        raise SessionError(message)

    def get(self, session: Session, ids: Sequence[str], lock: Lock = Lock.NONE) -> dict[str, StoredDocument]:
        """Read documents by id, in one go; those that do not exist are left out."""
        own, layout = self._enter(session)
        known = [id_ for id_ in ids if is_storable(id_)]
        if len(known) == 1:
            rows = own.rows(layout.select_one, known)
        elif known:
            those = is_one_of(Condition("t._id"), known, Kind.TEXT)
            rows = own.rows(f"{layout.select_all} WHERE {those.text}", those.values)
        else:
            rows = []
        return {row[0]: StoredDocument(row[0], row[1], row[2], text=row[3]) for row in rows}

    def find(self, session: Session, query: Query) -> Iterator[StoredDocument]:
        """Give the documents of a query in its order, seeing the session's own writes."""
        own, layout = self._enter(session)
        if query.limit is not None and query.limit <= 0:
            return iter(())
        pushed, residual = _split(query.filter, layout)
        if residual is EVERYTHING:
            planned = stretches(query, pushed, layout)
            if len(planned) == 1 and query.limit is not None and query.limit <= _PAGE:  # as most pages
                return _documents(_run(own, planned[0].select(query.limit, query.skip)))
            return _documents(_rows(own, planned, query.limit, query.skip))
        matches = matcher(residual)
        rows = _rows(own, stretches(replace(query, skip=0, limit=None), pushed, layout), None, 0)
        matching = (stored for stored in _documents(rows) if matches(stored.document))
        return islice(matching, query.skip, None if query.limit is None else query.skip + query.limit)

    def count(self, session: Session, filter_: Filter) -> int:
        """Count the documents that match, seeing the session's own writes."""
        own, layout = self._enter(session)
        pushed, residual = _split(filter_, layout)
        if residual is EVERYTHING:
            return int(_run(own, counting(pushed, layout))[0][0])
        return sum(1 for _ in self.find(session, Query(filter_)))

    def referrers(self, session: Session, path: FieldPath, ids: Sequence[str], limit: int) -> list[tuple[str, str]]:
        """Find who holds a link: pairs (target id, id of the holder), by target as given, then by holder."""
        own, layout = self._enter(session)
        return referrers(own, layout, path, ids, limit)

    def link_holders(self, path: FieldPath) -> list[str]:
        """Give ids of documents that hold links at a path; the cell of each link that was ever stored is kept up."""
        session = SqliteSession(self._database, writing=False)
        try:
            layout = read_layout(session, self.table)
            return [] if layout is None else link_holders(session, layout, path)
        finally:
            session.rollback()

    def write(self, session: Session, writes: Sequence[Write]) -> None:
        """Do a batch of writes in the session, in one go.

        Raises:
            ConflictError: a document is not at its expected revision, an inserted id exists, or a
                unique value is taken (a problem names its path). The session can only be rolled back.
        """
        own, layout = self._enter(session)
        if not own.writing:
            message = "this session was begun for reading"
            raise SessionError(message)
        if layout.version != own.version:
            layout = self._reread(own)
        write(own, layout, writes)

    def _reread(self, session: SqliteSession) -> Layout:
        """Learn of cells that another process has added since: we have to fill them too."""
        layout = read_layout(session, self.table)
        if layout is None:
            message = f"the table {self.table!r} of {self._database.path.name!r} has been removed meanwhile"
            raise DBError(message)
        self._layout = layout
        return layout


def _split(filter_: Filter, layout: Layout) -> tuple[Filter, Filter]:
    """Give what SQL can answer of a filter, and what is left to do."""
    if filter_ is EVERYTHING:
        return EVERYTHING, EVERYTHING
    if levels(filter_) > MOST_LEVELS:
        return EVERYTHING, filter_

    def can_push_here(compare: Compare) -> bool:
        return can_push(compare, layout)

    return split(filter_, can_push_here)


def _run(session: SqliteSession, statement: Condition) -> list[Row]:
    return session.rows(statement.text, statement.values)


def _rows(session: SqliteSession, planned: Iterable[Stretch], limit: int | None, skip: int) -> Iterator[Row]:
    """Give the rows of stretches, one after the other, `limit` of them after `skip`."""
    coming = deque(planned)
    while coming and limit != 0:
        stretch = coming.popleft()
        last = _run(session, stretch.select_cut(skip + limit - 1)) if stretch.cut and limit else []
        if last:
            coming.extendleft(reversed(stretch.cut_at(last[0][0])))
            continue
        given = 0
        statement = stretch.select(limit, skip)
        at_once = limit is not None and limit <= _PAGE
        for row in _run(session, statement) if at_once else session.stream(statement.text, statement.values):
            given += 1
            yield row
        if limit is not None:
            limit -= given
        if given:
            skip = 0
        elif skip and coming:
            skip -= _run(session, stretch.counting())[0][0]


def _documents(rows: Iterable[Row]) -> Iterator[StoredDocument]:
    return starmap(StoredDocument, rows)


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


def _checked_table(name: str) -> str:
    is_name = isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and is_storable(name)
    if not is_name or not name.isprintable() or "/" in name:
        message = f"{shown(name)} cannot be the name of a table"
        raise DefinitionError(message, hint=f"up to {_LONGEST_NAME} printable characters, without /")
    if name.lower().startswith("sqlite_") or name.lower() in {BOOKS, UNITS}:
        message = f"the table name {name!r} is taken by the database itself"
        raise DefinitionError(message)
    return name
