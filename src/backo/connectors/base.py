"""What a store must offer: five methods from a user's connector, a few more from ours.

Three ideas meet here:

- a *connector* (`DBConnector`) is the five methods that a user writes for a place of his own;
- a *store* (`Store`) can get, find, count and write batches inside a session; ours are stores;
- a *session* (`Session`) is the part of one unit of work that happens in one *database*: several
  collections that share a database share its session, so they commit together.

Nothing here performs I/O before the first use. Connectors know documents, kinds and filters; they
never see items, users or HTTP.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from backo import jsontext
from backo.connectors.misfits import MOST_SHOWN, misplaced_links
from backo.paths import FieldPath
from backo.query.filters import Compare, Filter, Operator, Or, Query
from backo.schema.kinds import Kind

if TYPE_CHECKING:
    from backo.connectors.findings import Difference, Finding  # few processes look for them

Document: TypeAlias = dict[str, Any]  # plain JSON values, with `_id` (and `_meta` where there is a handler)


class StoredDocument:
    """One version of one document, as a store keeps it.

    Attributes:
        id: the `_id`.
        rev: the revision, an integer that each write raises.
        fingerprint: of the schema under which the document was written.
        text: the JSON text of the document when the store keeps it (with its key order), else None.
    """

    __slots__ = ("_document", "fingerprint", "id", "rev", "text")

    def __init__(
        self,
        id_: str,
        rev: int,
        fingerprint: str,
        text: bytes | None = None,
        *,
        document: Document | None = None,
    ) -> None:
        self.id = id_
        self.rev = rev
        self.fingerprint = fingerprint
        self.text = text
        self._document = document

    @property
    def document(self) -> Document:
        """The document as plain values; not to be changed (it may be shared)."""
        if self._document is None:
            self._document = jsontext.decode(self.text or b"{}")
        return self._document

    def glanced(self, read: Callable[[bytes], Document] = jsontext.decode) -> Document:
        """The same for somebody who looks at it now and never again: of a large page nothing is kept.

        Args:
            read: reads the JSON text, or what is wanted of it; what is given may be more.
        """
        return read(self.text or b"{}") if self._document is None else self._document


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a store should be able to look up without reading documents.

    Attributes:
        path: the field.
        kind: how it compares (its elements when `many`).
        many: whether the field is a list.
        index: whether an index is kept.
        unique: whether two documents may not have the same value (absent values do not collide).
        link: whether it is a stored link (its values are ids of items of another collection).
    """

    path: FieldPath
    kind: Kind
    many: bool = False
    index: bool = False
    unique: bool = False
    link: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """What a store has to know of its collection: its name, and the fields worth a column."""

    collection: str
    columns: tuple[Column, ...] = ()


class Operation(StrEnum):
    """What a write does."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Write:
    """One change of one document.

    Attributes:
        operation: insert, update or delete.
        id: the `_id`.
        expected_rev: for update and delete, the revision that must be stored now.
        rev: for insert and update, the revision to store.
        fingerprint: for insert and update, of the schema that checked the document.
        document: for insert and update, the whole document (with `_id`).
    """

    operation: Operation
    id: str
    expected_rev: int = 0
    rev: int = 0
    fingerprint: str = ""
    document: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do by itself.

    Attributes:
        transactional: commits and rolls back by itself, and survives a crash.
        durable: what it acknowledged survives the end of the process.
        keeps_text: gives `StoredDocument.text`.
        unbounded: one transaction may change as much, and take as long, as it needs.
        locks: several sessions write at a time, so what is about to be changed or referred to has to be locked.
    """

    transactional: bool = False
    durable: bool = False
    keeps_text: bool = False
    unbounded: bool = False
    locks: bool = False


class Lock(StrEnum):
    """How documents are held until the end of a session.

    Stores that let one writing session in at a time (all but the database servers) have nothing to do.
    """

    NONE = "none"
    SHARED = "shared"  # somebody is about to refer to them: they may not be deleted
    EXCLUSIVE = "exclusive"  # somebody is about to change or delete them


class Session(ABC):
    """What one unit of work does in one database; used by one thread.

    A session of an embedded store that was begun for writing is alone: `begin(writing=True)` waits
    for the others. A reading session sees one state from its first read on.

    Attributes:
        unjudged: whether documents are given as they are, although the store would refuse to be used
            because of them (a unique value that repeats, a link where none may be kept, a document
            that cannot be read, which is then left out): for those who look for just these.
        is_repeated: whether the unit of work is run again when it is given up, so that it need not
            wait for long where that might be for ever.
    """

    unjudged: bool = False
    is_repeated: bool = False

    @abstractmethod
    def commit(self) -> None:
        """Make everything written durable, at once and whole.

        Raises:
            DBError: it could not be done, and nothing of it was.
        """

    @abstractmethod
    def rollback(self) -> None:
        """Forget everything written. Does not raise; does nothing after a commit."""

    # For a unit of work that writes in several databases; `backo.connectors.together` calls these.

    def decide(self, unit: str, over: Sequence[str] = ()) -> None:
        """Write down, as a part of what this session commits, that a unit of work is committed.

        The last call before `commit`; of databases whose rank is `ALONE` or `SHARED`. It adds the
        row (unit, committed: true, the time) to the table `_backo_units` of the database, made when
        it is missing, whose key is the unit. So the commit of the session commits the unit.

        Args:
            unit: its id, up to 64 characters of ASCII.
            over: units decided here before, for which nobody will ask again: their rows are removed.

        Raises:
            DBError: it could not be done, or the unit has been settled; the session can only be rolled back.
        """
        raise NotImplementedError(type(self).__name__)

    def prepare(self, decision: Decision) -> Sequence[str]:
        """Make everything written ready, so that `commit` cannot fail; whether it is done is decided elsewhere.

        The last call before `commit` or `rollback`; of databases whose rank is `FOLLOWS`. What is to
        survive a crash is left durably, with the key of the database that decides, for the one who
        has to ask it (`Database.settle`). A `rollback` while the outcome is not known leaves it so.

        Returns:
            The units which that database decided before and for which nobody will ask again.

        Raises:
            ConflictError, DBError: it could not be done; the session can only be rolled back.
        """
        raise NotImplementedError(type(self).__name__)


class Rank(IntEnum):
    """Where a database stands among those of one unit of work.

    A unit opens them for writing in this order, so that no two units wait for one another, and
    commits them in the reverse order. Between equals their keys tell.
    """

    FOLLOWS = 0  # has no transactions of its own: its sessions `prepare`, and do what another one decides
    ALONE = 1  # its sessions `decide`; one of them writes at a time
    SHARED = 2  # its sessions `decide`; several write at a time, and wait for one another's documents
    OTHER = 3  # does neither: a crash between its commit and that of another database leaves half a unit


class Database(ABC):
    """The place that one or several stores share, and where their sessions commit together."""

    rank: ClassVar[Rank] = Rank.OTHER

    @property
    def key(self) -> str:
        """What names the place, in every process and without a password: `kind:where`. No I/O.

        Journals keep it, and errors show it.
        """
        return f"database:{id(self)}"

    def key_from(self, folder: Path) -> str:
        """Give the key as a journal in this folder keeps it: a place among files is named relative to it."""
        return self.key

    def settle(self, unit: str) -> bool:
        """Make sure that a unit of work is decided for ever, and tell whether it was committed.

        Called after a crash, or after a commit of which nobody knows the outcome; perhaps several
        times, also by several processes at once. In a transaction of its own, it tries to add the
        row (unit, committed: false, the time) to the table `_backo_units`, made when it is missing.

        - That succeeds: the unit was not committed, and never will be, since its own row, should its
          transaction still be on its way, now collides with this one. The answer is no.
        - There is a row already: its `committed` is the answer. (Not every row says yes: somebody
          may have settled the unit before.)
        - Another transaction is just adding the row: wait for its end, then look again.

        What it tells is durable before it returns.

        Raises:
            DBError: the database is away; nothing is known.
        """
        raise NotImplementedError(type(self).__name__)

    @abstractmethod
    def begin(self, *, writing: bool, once: bool = False) -> Session:
        """Open a session.

        Args:
            writing: whether it is going to write.
            once: whether it is going to read once only, with one call of its store: a server is then
                asked for one statement, outside of any transaction.

        Raises:
            DBError: the database is away, or stayed locked for longer than its time-out.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back connections, locks and files; the next `begin` opens anew."""


class Decision:
    """The outcome of one unit of work that writes in several databases, which one of them decides.

    Attributes:
        database: the one that decides.
        unit: the id of the unit.
        outcome: whether it was committed; None while that is not known here.
    """

    __slots__ = ("database", "outcome", "unit")

    def __init__(self, database: Database, unit: str) -> None:
        self.database = database
        self.unit = unit
        self.outcome: bool | None = None

    def settle(self) -> bool:
        """Tell whether the unit was committed; from now on it stays so.

        Raises:
            DBError: the database is away.
        """
        if self.outcome is None:
            self.outcome = self.database.settle(self.unit)
        return self.outcome


IdMaker: TypeAlias = Callable[[Any], str]


class DBConnector(ABC):
    """Where the documents of one collection live: the five methods that a user's own connector needs.

    A document is a plain JSON object with `_id`, `_rev` (int) and `_schema` (text), which the
    connector gives back as it got them. Whatever it raises that is not a `BackoError` is treated as
    a `DBError`.
    """

    generate_id: IdMaker | None = None
    """A function of the new item that gives its `_id`; None for time-ordered random ids (UUIDv7)."""

    @abstractmethod
    def create(self, document: Document) -> str:
        """Store a new document; return its `_id`.

        Raises:
            ConflictError: there is a document with this `_id` already.
        """

    @abstractmethod
    def save(self, id_: str, document: Document) -> None:
        """Replace a stored document.

        Raises:
            NotFoundError: there is none with this `_id`.
        """

    @abstractmethod
    def get_by_id(self, id_: str) -> Document:
        """Give the document with this `_id`.

        Raises:
            NotFoundError: there is none.
        """

    @abstractmethod
    def delete_by_id(self, id_: str) -> None:
        """Remove the document with this `_id`.

        Raises:
            NotFoundError: there is none.
        """

    @abstractmethod
    def select(
        self,
        filter_: Filter,
        projection: Sequence[str] | None = None,
        page_size: int = 0,
        skip: int = 0,
        sort: Sequence[str] = (),
    ) -> Iterable[Document]:
        """Give the documents that match.

        Filter, projection and sort are offers: what a connector ignores is done by the library.

        Args:
            filter_: a tree of `backo.query.filters`.
            projection: names of the top-level fields that are needed; None for all.
            page_size: at most so many; 0 for all.
            skip: leave out so many first.
            sort: field paths such as `"name"`, `"-address.zip"`; then by `_id`.
        """

    def close(self) -> None:
        """Give back what is open; the next use opens anew."""
        return


class Store(ABC):
    """Where the documents of one collection live, as a unit of work uses it.

    Ours are stores; a `DBConnector` of a user is adapted to one (`backo.connectors.adapted`). A
    store is told its structure once, by `declare`, before its first use.
    """

    generate_id: IdMaker | None = None
    """A function of the new item that gives its `_id`; None for time-ordered random ids (UUIDv7)."""

    capabilities: Capabilities = Capabilities()

    def __init__(self) -> None:
        self.structure = Structure("")
        self._without_links: tuple[LinkPlace, ...] = ()

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth a column. No I/O."""
        self.structure = structure

    @property
    def key(self) -> str:
        """What names the place where the documents are kept: two stores with one key would mix theirs."""
        return f"store:{id(self)}"

    def expect_no_links(self, places: Iterable[LinkPlace]) -> None:
        """Learn where no link may be kept: the derived sides of all pairs that have a side here. No I/O.

        Links that are there all the same were stored under another declaration. A store of ours
        looks for them at its first use, and refuses to be used while there are any.
        """
        self._without_links = tuple(dict.fromkeys(places))

    def _refuse_misplaced_links(self) -> None:
        """Look for links where none may be kept, until there are none; to be called before each use.

        Raises:
            StoredDataError: there are some.
        """
        for store, path in self._without_links:
            holders = store.link_holders(path)
            if holders:
                raise misplaced_links(store.structure.collection, path, holders)
        self._without_links = ()

    def link_holders(self, path: FieldPath) -> list[str]:
        """Give ids of documents that hold links at a path which is no column of links now; some are enough."""
        session = self.database.begin(writing=False)
        try:
            return [stored.id for stored in self.find(session, Query(links_at(path), limit=MOST_SHOWN + 1))]
        finally:
            session.rollback()

    @property
    @abstractmethod
    def database(self) -> Database:
        """The database; stores that share one commit together."""

    @abstractmethod
    def get(self, session: Session, ids: Sequence[str], lock: Lock = Lock.NONE) -> dict[str, StoredDocument]:
        """Read documents by id, in one go; those that do not exist are left out.

        `ids` are any texts from outside: a store checks or binds them, it never trusts them.
        """

    @abstractmethod
    def find(self, session: Session, query: Query) -> Iterator[StoredDocument]:
        """Give the documents of a query in its order, seeing the session's own writes."""

    @abstractmethod
    def count(self, session: Session, filter_: Filter) -> int:
        """Count the documents that match, seeing the session's own writes."""

    @abstractmethod
    def referrers(self, session: Session, path: FieldPath, ids: Sequence[str], limit: int) -> list[tuple[str, str]]:
        """Find who holds a link: pairs (target id, id of the holder), by target as given, then by holder.

        Args:
            session: the session to read in.
            path: a column with `link=True`.
            ids: the targets asked for.
            limit: at most so many pairs are given (ask for one more to see whether there are more).
        """

    @abstractmethod
    def write(self, session: Session, writes: Sequence[Write]) -> None:
        """Do a batch of writes in the session, in one go; it has at most one write of each id.

        Uniqueness is judged after the whole batch: two documents may swap their unique values.

        Raises:
            ConflictError: a document is not at its expected revision, an inserted id exists, or a
                unique value is taken (a problem names its path). The session can only be rolled back.
        """

    # What follows is for checks of the stored data; sessions given here are `unjudged`.

    def unreadable(self, session: Session) -> Mapping[str, str]:  # for those that have some
        """Tell which documents are there and cannot be read: why, by id. They are left out elsewhere.

        Only for a store that knows this beforehand; what is read and then is no JSON is found anyway.
        """
        return {}

    def faults(self, session: Session) -> Iterator[Finding]:  # as above
        """Look for what is wrong with the place as a whole: damage, and what belongs to no document.

        All that is found has to be true of one state of the store, so that a running request never
        causes a finding. `mendable` is what `mend_faults` would mend.
        """
        return iter(())

    def faults_of(self, session: Session, documents: Sequence[StoredDocument]) -> Iterator[Finding]:
        """Look whether what is kept beside documents (columns, lists, indexes) agrees with them.

        Args:
            session: in which the documents were read.
            documents: a page of them, which can be read.
        """
        return iter(())

    def mend_faults(self, session: Session, faults: Sequence[Finding]) -> list[Finding]:  # as above
        """Make anew what is wrong beside documents; the documents and their revisions stay.

        Args:
            session: for writing; whoever calls commits it.
            faults: of `faults` and `faults_of`, found in this very session.

        Returns:
            Those that were mended. One that cannot be is left as it is; nothing is raised because of it.
        """
        return []

    def structure_differences(self) -> list[Difference]:
        """Tell how tables, columns and indexes differ from what is declared; none for a store that has none.

        It opens sessions of its own, only reads, and does so before the store is prepared for its
        first use: nothing may be made by looking. Of a unique index that is missing it tells whether
        the stored values allow it: if not, the difference is not `mendable`, and names items that
        share a value. What is there and not declared is told as `DifferenceKind.KEPT`.

        Raises:
            DBError: the store is away, or of a newer version.
        """
        return []

    def mend_structure(self) -> None:  # noqa: B027  # most stores have none
        """Make what `structure_differences` tells as `mendable`, and nothing else; never drop anything.

        It opens sessions of its own, while the application may be in use: others go on reading, and
        what is filled is filled in bounded batches where the store can do that. It may be stopped
        and run again. What cannot be made after all is left, and told by the next look.

        Raises:
            DBError: the store is away, or of a newer version.
        """


LinkPlace: TypeAlias = tuple[Store, FieldPath]


def links_at(path: FieldPath) -> Filter:
    """Build the filter for documents that hold a link, or a list with one, at a path."""
    return Or(tuple(Compare(path, Operator.GTE, "", Kind.TEXT, many) for many in (False, True)))
