"""Make what is missing in the tables of a collection while other processes read and write them.

1. Columns and tables of lists are added, in a moment in which nobody writes, and noted as pending:
   from then on every writer fills them, and nobody reads by them. A session that began before has
   ended by then, so no later commit of it can leave them empty.
2. Batches of documents are locked and their cells filled, each batch in a transaction of its own.
3. Indexes are made beside running transactions. One that an interrupted run has left unfinished
   is dropped first: it serves no query, costs every write and, if unique, refuses values.
4. The note is written anew, without what was pending.

All of it can be stopped anywhere and run again; two runs take turns.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import psycopg
from psycopg import ClientCursor, Connection

from backo.connectors.base import Structure
from backo.connectors.postgres.database import PostgresDatabase
from backo.connectors.postgres.dialect import DIALECT
from backo.connectors.postgres.evolving import (
    BATCH,
    TURN,
    PostgresCatalogue,
    add_cell,
    create_holder_index,
    create_index,
    create_list_table,
    evolve,
    fill,
    index_name,
    note,
    raise_version,
)
from backo.connectors.postgres.session import PostgresSession
from backo.connectors.sql.dialect import Row
from backo.connectors.sql.differing import foreign_columns, layout_there, unheld, useless
from backo.connectors.sql.evolution import Evolution, evolution
from backo.connectors.sql.layout import Layout, holder_index, quoted
from backo.errors import DBError, TransientError

_TRIES = 60  # of a step that somebody stands in the way of
_PAUSE = 0.2  # seconds between them
_LOOK = 0.1  # seconds after which one looks again whether it is one's turn

T = TypeVar("T")


def mend(database: PostgresDatabase, table: str, structure: Structure, catalogue: PostgresCatalogue) -> None:
    """Make what is missing and can be made; drop nothing but indexes that were never finished.

    Raises:
        DBError: the server is away, the tables are of a newer version or not ours, or somebody
            kept locks for too long. What was done stays, and is gone on with by the next run.
    """
    database.start_notes()
    with _turn(database, table):
        _Mending(database, table, structure, catalogue).run()


@contextmanager
def _turn(database: PostgresDatabase, table: str) -> Iterator[None]:
    """Wait until nobody else mends a table, and let nobody else do so.

    The transaction that has the turn holds no state of the database, so that an index that is being
    made does not wait for it: hence READ COMMITTED, and statements whose values are written into
    them (others leave a portal open). The one that waits looks now and then for the same reason.
    """
    with database.apart() as connection, ClientCursor(connection) as cursor:
        while True:
            cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            if cursor.execute(TURN.replace("?", "%s"), (table,)).fetchone() == (True,):
                break
            cursor.execute("ROLLBACK")
            time.sleep(_LOOK)
        yield


@dataclass(frozen=True, slots=True)
class _Indexing:
    """What is to be done about indexes.

    Attributes:
        dropped: names of those that were never finished.
        made: statements by the name of what they make.
        filled: names of tables that are to be looked at by the planner before.
    """

    dropped: frozenset[str]
    made: dict[str, str]
    filled: tuple[str, ...]


class _Mending:
    """One run."""

    def __init__(
        self, database: PostgresDatabase, table: str, structure: Structure, catalogue: PostgresCatalogue
    ) -> None:
        self._database, self._table, self._structure, self._catalogue = database, table, structure, catalogue

    def run(self) -> None:
        """Do all steps."""
        self._in_session(self._add, alone=True)
        self._fill()
        with self._database.apart() as connection:
            self._make_indexes(connection)
        self._in_session(self._settle, alone=True)

    def _in_session(self, work: Callable[[PostgresSession], T], *, alone: bool = False) -> T:
        """Do a step in a transaction; again when somebody stood in its way."""
        for attempt in range(1, _TRIES + 1):
            try:
                session = PostgresSession(self._database, writing=True, alone=alone, soon=alone)
                try:
                    result = work(session)
                    session.commit()
                finally:
                    session.rollback()
            except DBError as error:
                is_in_the_way = isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
                if attempt == _TRIES or not (is_in_the_way or isinstance(error, TransientError)):
                    raise
                time.sleep(random.uniform(0, 2 * _PAUSE))  # noqa: S311  # jitter, not a secret
            else:
                return result
        raise AssertionError

    def _plan(self, session: PostgresSession) -> tuple[Layout, Evolution]:
        layout = layout_there(session, self._table, self._catalogue)
        known = layout or Layout(self._table, DIALECT)
        return known, evolution(known, self._structure, is_new=layout is None)

    def _add(self, session: PostgresSession) -> None:
        """Add the table, or columns and tables of lists that nobody reads yet."""
        layout, plan = self._plan(session)
        if plan.is_new:
            evolve(session, layout, plan, self._structure.collection)
            return
        foreign = foreign_columns(session, layout, self._catalogue)
        cells = tuple(cell for cell in plan.cells if cell.many or cell.name not in foreign)
        if not cells:
            return
        pending = layout.pending.union(cell.name for cell in cells)
        grown = replace(layout, cells=(*layout.cells, *cells), pending=pending)
        for cell in cells:
            if not cell.many:
                session.change(add_cell(layout, cell))
        for list_ in grown.lists:
            if list_.cell in cells:
                for statement in create_list_table(list_):
                    session.change(statement)
        note(session, grown)

    def _fill(self) -> None:
        """Fill what is pending, batch by batch."""
        after: str | None = ""
        while after is not None:
            after = self._in_session(partial(self._fill_batch, after=after))

    def _fill_batch(self, session: PostgresSession, after: str) -> str | None:
        """Fill the cells of the next documents, as they are now; give the last `_id`, or None at the end."""
        layout, plan = self._plan(session)
        if not plan.pending:
            return None
        batch = session.rows(
            f"SELECT _id, _document FROM {quoted(layout.table)} WHERE _id > ?"
            f" ORDER BY _id LIMIT {BATCH} FOR NO KEY UPDATE",
            (after,),
        )
        if not batch:
            return None
        fill(session, layout, plan.pending, [(id_, text) for id_, text in batch])
        last: str = batch[-1][0]
        return last

    def _make_indexes(self, connection: Connection[Row]) -> None:
        """Make each index that is missing and that values allow, beside running transactions."""
        work = self._in_session(self._indexing)
        for name in work.dropped:
            connection.execute(_drop(name))
        for table in work.filled:
            connection.execute(f"ANALYZE {quoted(table)}".encode())
        for name, statement in work.made.items():
            if _make(connection, name, statement):
                self._in_session(raise_version)

    def _indexing(self, session: PostgresSession) -> _Indexing:
        """Find out what is to be done about indexes."""
        layout, plan = self._plan(session)
        unfinished = self._catalogue.unfinished_of(session, layout.table)
        made = {
            index_name(layout, cell, unique=unique): create_index(layout, cell, unique=unique, online=True)
            for cell, unique in plan.indexes
            if cell in layout.cells
        }
        dropped = unfinished.intersection(made).union(name for _, name in useless(layout, plan, unfinished))
        for list_ in unheld(session, layout, self._catalogue):
            made[holder_index(list_)] = create_holder_index(list_, online=True)
            dropped |= self._catalogue.unfinished_of(session, list_.name).intersection(made)
        filled = [list_.name for list_ in layout.lists if list_.cell in plan.pending]
        return _Indexing(dropped, made, (layout.table, *filled) if plan.pending else ())

    def _settle(self, session: PostgresSession) -> None:
        """Let everybody read by what is filled now."""
        layout, plan = self._plan(session)
        if plan.pending:
            note(session, replace(layout, pending=layout.pending.difference(cell.name for cell in plan.pending)))


def _make(connection: Connection[Row], name: str, statement: str) -> bool:
    """Make an index; tell whether values allow it. What is left of one that failed is dropped."""
    for attempt in range(1, _TRIES + 1):
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            with suppress(psycopg.Error):  # it is for the next run then
                connection.execute(_drop(name))
            if isinstance(error, psycopg.errors.UniqueViolation):
                return False
            if attempt == _TRIES or not isinstance(error, psycopg.errors.DeadlockDetected):
                raise
        else:
            return True
    raise AssertionError


def _drop(name: str) -> bytes:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(name)}".encode()
