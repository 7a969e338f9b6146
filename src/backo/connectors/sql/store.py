"""Keep a collection in a table of an SQL database: what does not depend on which."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, starmap
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from backo.connectors.base import Capabilities, Lock, Session, Store, StoredDocument, Structure, Write
from backo.connectors.misfits import misplaced_links
from backo.connectors.sql.dialect import Condition, Dialect, Row, SqlSession
from backo.connectors.sql.evolution import Catalogue, Evolution, evolution, read_layout
from backo.connectors.sql.filters import can_push, levels
from backo.connectors.sql.layout import BOOKS, UNITS, Layout
from backo.connectors.sql.paging import Stretch, counting, stretches
from backo.connectors.sql.referring import link_holders, referrers
from backo.connectors.sql.writing import write
from backo.connectors.texts import is_storable
from backo.errors import DBError, DefinitionError, SessionError, shown
from backo.paths import FieldPath
from backo.query import sorting
from backo.query.filters import EVERYTHING, Compare, Filter, Query
from backo.query.matching import matcher
from backo.query.splitting import split
from backo.schema.kinds import Kind

if TYPE_CHECKING:
    from backo.connectors.findings import Difference, Finding

LONGEST_NAME = 200  # characters of a table's name
_PAGE = 1_001  # rows that are fetched at once: the largest page, and whether there is another; more are streamed

S = TypeVar("S", bound=SqlSession)


class SqlStore(Store, Generic[S]):
    """A collection in a table; a database adds how it opens sessions, and how it changes its tables."""

    capabilities = Capabilities(transactional=True, durable=True, keeps_text=True, unbounded=True)
    dialect: Dialect

    def __init__(self, table: str | None) -> None:
        super().__init__()
        self._table = None if table is None else self._checked_table(table)
        self._layout: Layout | None = None
        self._failure: DBError | None = None

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.structure.collection if self._table is None else self._table

    @property
    @abstractmethod
    def catalogue(self) -> Catalogue:
        """What the database knows of its tables."""

    @abstractmethod
    def _open(self, *, writing: bool) -> S:
        """Open a session for ourselves, without a look at the tables first."""

    @abstractmethod
    def _end(self, session: S, *, commit: bool = False) -> None:
        """End a session of our own."""

    @abstractmethod
    def _own(self, session: Session) -> S:
        """Look at a session that is to be used.

        Raises:
            SessionError: it is of another database.
        """

    @abstractmethod
    def _evolve(self, session: S, layout: Layout, plan: Evolution) -> None:
        """Bring the tables to what is declared, in a writing session."""

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth a column. No I/O.

        Raises:
            DefinitionError: the name of the collection cannot be that of a table.
        """
        super().declare(structure)
        self._checked_table(self.table)
        self._layout = None

    def _checked_table(self, name: str) -> str:
        is_name = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and is_storable(name)
        if not is_name or not name.isprintable() or "/" in name:
            message = f"{shown(name)} cannot be the name of a table"
            raise DefinitionError(message, hint=f"up to {LONGEST_NAME} printable characters, without /")
        if name.lower() in {BOOKS, UNITS}:
            message = f"the table name {name!r} is taken by the database itself"
            raise DefinitionError(message)
        return name

    # The tables.

    def prepare(self) -> bool:
        """Bring the tables to what is declared; tell whether they are. What kept them shows at the next use."""
        try:
            self._layout, self._failure = self._prepared(), None
        except DBError as error:
            self._layout, self._failure = None, error
        return self._layout is not None

    def _prepared(self) -> Layout:
        session = self._open(writing=False)
        try:
            layout, plan = self._plan(session)
        finally:
            self._end(session)
        if not plan:
            return layout
        session = self._open(writing=True)
        try:
            layout, plan = self._plan(session)  # another process may have done it
            if plan:
                self._evolve(session, layout, plan)
            self._end(session, commit=True)
        finally:
            self._end(session)
        return self._prepared()

    def _plan(self, session: S) -> tuple[Layout, Evolution]:
        present = read_layout(session, self.table, self.catalogue)
        layout = present or Layout(self.table, self.dialect)
        return layout, evolution(layout, self.structure, is_new=present is None)

    def _enter(self, session: Session) -> tuple[S, Layout]:
        """Look at a session that is to be used, and at ourselves."""
        own = self._own(session)
        if self._layout is not None:
            if self._without_links and not session.unjudged:
                self._refuse_misplaced_links_in(own)
            return own, self._layout
        if session.unjudged:
            return own, self._layout_there(own)
        if self._failure is not None:
            raise type(self._failure)(self._failure.message, hint=self._failure.hint) from self._failure
        message = f"the collection {self.structure.collection!r} was declared after this session began"
        raise SessionError(message)

    def _layout_there(self, session: S) -> Layout:
        """Learn what there is, although it may not be what is declared."""
        from backo.connectors.sql.differing import layout_there  # noqa: PLC0415  # only checks need it

        layout = layout_there(session, self.table, self.catalogue)
        if layout is None:
            message = f"the table {self.table!r} of {self.catalogue.name!r} is missing"
            raise self._failure or DBError(message)
        return layout

    def _reread(self, session: S) -> Layout:
        """Learn of cells that another process has added since: we have to fill them too."""
        layout = read_layout(session, self.table, self.catalogue)
        if layout is None:
            message = f"the table {self.table!r} of {self.catalogue.name!r} has been removed meanwhile"
            raise DBError(message)
        self._layout = layout
        return layout

    # Reading.

    def get(self, session: Session, ids: Sequence[str], lock: Lock = Lock.NONE) -> dict[str, StoredDocument]:
        """Read documents by id, in one go; those that do not exist are left out."""
        own, layout = self._enter(session)
        return self._get(own, layout, ids, self._locking(own, lock))

    def _get(self, own: S, layout: Layout, ids: Sequence[str], held: str) -> dict[str, StoredDocument]:
        """Read documents with a statement that ends in how they are to be held."""
        known = [id_ for id_ in ids if is_storable(id_)]
        if len(known) == 1:
            rows = own.rows(layout.select_one + held, known)
        elif known:
            those = self.dialect.is_one_of(Condition("t._id"), known, Kind.TEXT)
            order = " ORDER BY t._id" if held else ""  # so that no two wait for one another
            rows = own.rows(f"{layout.select_all} WHERE {those.text}{order}{held}", those.values)
        else:
            rows = []
        return {row[0]: StoredDocument(row[0], row[1], row[2], text=row[3]) for row in rows}

    def _locking(self, session: S, lock: Lock) -> str:
        """Give what a statement says to hold what it reads; nothing where a writing session is alone."""
        return ""

    def find(self, session: Session, query: Query) -> Iterator[StoredDocument]:
        """Give the documents of a query in its order, seeing the session's own writes."""
        own, layout = self._enter(session)
        if query.limit is not None and query.limit <= 0:
            return iter(())
        pushed, residual = self._split(query.filter, layout)
        if residual is EVERYTHING:
            planned = stretches(query, pushed, layout)
            if planned is None:
                return self._sorted(own, layout, query, pushed, residual)
            if len(planned) == 1 and query.limit is not None and query.limit <= _PAGE:  # as most pages
                return _documents(_run(own, planned[0].select(query.limit, query.skip)))
            return _documents(_rows(own, planned, query.limit, query.skip))
        planned = stretches(replace(query, skip=0, limit=None), pushed, layout)
        if planned is None:
            return self._sorted(own, layout, query, pushed, residual)
        matches = matcher(residual)
        matching = (stored for stored in _documents(_rows(own, planned, None, 0)) if matches(stored.document))
        return islice(matching, query.skip, None if query.limit is None else query.skip + query.limit)

    def _sorted(
        self, session: S, layout: Layout, query: Query, pushed: Filter, residual: Filter
    ) -> Iterator[StoredDocument]:
        """Sort in memory, by a field that the database cannot read; with a limit, `skip + limit` documents are held."""
        rows = _rows(session, stretches(Query(), pushed, layout) or (), None, 0)
        return iter(sorting.page(_documents(rows), replace(query, filter=residual)))

    def count(self, session: Session, filter_: Filter) -> int:
        """Count the documents that match, seeing the session's own writes."""
        own, layout = self._enter(session)
        pushed, residual = self._split(filter_, layout)
        if residual is EVERYTHING:
            return int(_run(own, counting(pushed, layout))[0][0])
        return sum(1 for _ in self.find(session, Query(filter_)))

    def _split(self, filter_: Filter, layout: Layout) -> tuple[Filter, Filter]:
        """Give what SQL can answer of a filter, and what is left to do."""
        if filter_ is EVERYTHING:
            return EVERYTHING, EVERYTHING
        if levels(filter_) > self.dialect.most_levels:
            return EVERYTHING, filter_

        def can_push_here(compare: Compare) -> bool:
            return can_push(compare, layout)

        return split(filter_, can_push_here)

    def referrers(self, session: Session, path: FieldPath, ids: Sequence[str], limit: int) -> list[tuple[str, str]]:
        """Find who holds a link: pairs (target id, id of the holder), by target as given, then by holder."""
        own, layout = self._enter(session)
        return referrers(own, layout, path, ids, limit)

    def link_holders(self, path: FieldPath) -> list[str]:
        """Give ids of documents that hold links at a path; the cell of each link that was ever stored is kept up."""
        session = self._open(writing=False)
        try:
            return self._link_holders_in(session, path)
        finally:
            self._end(session)

    def _link_holders_in(self, session: SqlSession, path: FieldPath) -> list[str]:
        layout = read_layout(session, self.table, self.catalogue)
        return [] if layout is None else link_holders(session, layout, path)

    def _refuse_misplaced_links_in(self, session: S) -> None:
        """Do as `_refuse_misplaced_links`, in a session of this database: another one might wait for a connection.

        Raises:
            StoredDataError: there are some.
        """
        for store, path in self._without_links:
            if isinstance(store, SqlStore) and store.database is self.database:
                holders = store._link_holders_in(session, path)  # noqa: SLF001  # of our own kind
            else:
                holders = store.link_holders(path)
            if holders:
                raise misplaced_links(store.structure.collection, path, holders)
        self._without_links = ()

    # Writing.

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
        write(own, layout, writes, self._locking(own, Lock.EXCLUSIVE))

    # Checks: what they need is loaded with the first one.

    def faults(self, session: Session) -> Iterator[Finding]:
        """Look for rows that belong to no document."""
        from backo.connectors.sql.checking import leftovers  # noqa: PLC0415  # as above

        own, _ = self._enter(session)
        return leftovers(own, self._layout_there(own), self.structure.collection)

    def faults_of(self, session: Session, documents: Sequence[StoredDocument]) -> Iterator[Finding]:
        """Look whether cells and rows of lists agree with documents."""
        from backo.connectors.sql.checking import disagreements  # noqa: PLC0415  # as above

        own, _ = self._enter(session)
        return disagreements(own, self._layout_there(own), self.structure.collection, documents)

    def mend_faults(self, session: Session, faults: Sequence[Finding]) -> list[Finding]:
        """Make cells and rows of lists anew."""
        from backo.connectors.sql.checking import mend  # noqa: PLC0415  # as above

        own, _ = self._enter(session)
        return mend(own, self._layout_there(own), faults, self._locking(own, Lock.EXCLUSIVE))

    def structure_differences(self) -> list[Difference]:
        """Tell how tables, columns and indexes differ from what is declared."""
        from backo.connectors.sql.differing import differences  # noqa: PLC0415  # as above

        session = self._open(writing=False)
        try:
            return list(differences(session, self.table, self.structure, self.catalogue))
        finally:
            self._end(session)


def _run(session: SqlSession, statement: Condition) -> list[Row]:
    return session.rows(statement.text, statement.values)


def _rows(session: SqlSession, planned: Iterable[Stretch], limit: int | None, skip: int) -> Iterator[Row]:
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


def checked_text(value: Any, name: str) -> str:
    """Give an argument that has to be a text.

    Raises:
        DefinitionError: it is none, or empty.
    """
    if not isinstance(value, str) or not value or "\0" in value:
        message = f"{name} is a text; {shown(value)} is not"
        raise DefinitionError(message)
    return value
