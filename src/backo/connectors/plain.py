"""What a store without transactions of its own has to offer, and the sessions that it then gets.

`backo.connectors.journal` tells how the two work together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

from backo.connectors.base import Decision, Lock, Session, Store, StoredDocument, Structure, Write, links_at
from backo.connectors.commit import Direct
from backo.connectors.folder import Files, SharedFolder, Staged
from backo.connectors.misfits import MOST_SHOWN, repeated_value
from backo.connectors.overlay import LARGEST_CHUNK, Base, View
from backo.connectors.pending import Images
from backo.connectors.reading import find, referrers
from backo.errors import SessionError
from backo.paths import FieldPath
from backo.query.filters import Filter, Query
from backo.query.matching import matcher

if TYPE_CHECKING:
    from backo.connectors.journal import JournalledDatabase, Prepared


@dataclass(frozen=True, slots=True)
class News:
    """What changed in a store without a session of ours: documents by id, None where one went."""

    images: Images


class PlainStore(Store):
    """A store without transactions of its own; `JournalledDatabase` gives it some.

    A subclass has a `base` that sessions see through their views. One that keeps files in a shared
    folder, or lets its documents be changed by others, overrides more.
    """

    def __init__(self) -> None:
        super().__init__()
        self._database: JournalledDatabase | None = None
        self._is_judged = False  # the documents were found to fit the structure

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth an index."""
        super().declare(structure)
        self._is_judged = False

    @property
    def database(self) -> JournalledDatabase:
        """The database of its group; of its own when it was never grouped."""
        if self._database is None:
            from backo.connectors.journal import group  # noqa: PLC0415  # a group is made of stores

            group([self])
        return cast("JournalledDatabase", self._database)

    @property
    def joined(self) -> JournalledDatabase | None:
        """The database of its group, if it was grouped or used."""
        return self._database

    def join(self, database: JournalledDatabase) -> None:
        """Become a part of a database."""
        self._database = database

    # What a session asks

    def get(self, session: Session, ids: Sequence[str], lock: Lock = Lock.NONE) -> dict[str, StoredDocument]:
        """Read documents by id, in one go; those that do not exist are left out."""
        return self._view(session, ids).get(ids)

    def find(self, session: Session, query: Query) -> Iterator[StoredDocument]:
        """Give the documents of a query in its order, seeing the session's own writes."""
        return find(self._view(session), query)

    def count(self, session: Session, filter_: Filter) -> int:
        """Count the documents that match, seeing the session's own writes."""
        return self._view(session).count(filter_)

    def referrers(self, session: Session, path: FieldPath, ids: Sequence[str], limit: int) -> list[tuple[str, str]]:
        """Find who holds a link: pairs (target id, id of the holder)."""
        column = next(column for column in self.structure.columns if column.path == path)
        return referrers(self._view(session), column, ids, limit)

    def write(self, session: Session, writes: Sequence[Write]) -> None:
        """Do a batch of writes in the session, in one go."""
        with self._own(session).writes():
            self._view(session, [write.id for write in writes]).write(writes)

    def _own(self, session: Session) -> PlainSession:
        if not isinstance(session, PlainSession) or session.database is not self.database:
            raise SessionError("this session belongs to another database")
        return session

    def _view(self, session: Session, ids: Collection[str] | None = None) -> View:
        view = self._own(session).view(self, ids)
        if session.unjudged:
            view.leaves_out_unreadable = True
        elif not self._is_judged:
            self._judge()
        return view

    def _judge(self) -> None:
        """Look, at the first use, whether what was stored before fits the structure.

        Raises:
            StoredDataError: it does not.
        """
        for column in self.structure.columns:
            with self.database.mutex:
                repeated = self.base.repeated(column.path) if column.unique else []
            if repeated:
                raise repeated_value(self.structure.collection, column.path, repeated)
        self._refuse_misplaced_links()
        self._is_judged = True

    def link_holders(self, path: FieldPath) -> list[str]:
        """Give ids of documents that hold links at a path; those that cannot be read are left out."""
        session = self.database.begin(writing=False)
        try:
            self.database.attend(session)
            return [stored.id for stored in islice(self._matching(links_at(path)), MOST_SHOWN + 1)]
        finally:
            session.rollback()

    def _matching(self, filter_: Filter) -> Iterator[StoredDocument]:
        """Give the committed documents that match."""
        matches, after, is_first = matcher(filter_), None, True
        while is_first or after is not None:
            with self.database.mutex:
                page, after = self.base.page(filter_, after, LARGEST_CHUNK)
            yield from (stored for stored in page if matches(stored.document))
            is_first = False

    # What its database asks; a store that only its sessions change needs but `base` and `learn`

    @property
    @abstractmethod
    def key(self) -> str:
        """What names the store in journals and in the order of locks."""

    @property
    @abstractmethod
    def base(self) -> Base:
        """The committed documents, as far as they are known here."""

    @abstractmethod
    def learn(self, images: Images, staged: Staged) -> None:
        """Let the base be what has been committed; called with the mutex held."""

    @property
    def folder(self) -> SharedFolder | None:
        """The folder that is locked while the store changes, if it keeps files."""
        return None

    @property
    def direct(self) -> Direct | None:
        """The store itself, when reads and commits go straight to a connector."""
        return None

    def files(self, images: Images) -> Files:
        """Write documents as files of the folder."""
        return {}

    def is_current(self) -> bool:
        """Tell, at little cost, that no other process has changed anything since the last `look`."""
        return True

    def look(self) -> News | None:
        """Find what others changed; called with the lock of the folder held."""
        return None

    def glance(self, ids: Collection[str] | None) -> News | None:
        """Find what people changed by hand, without any lock.

        Args:
            ids: the documents that matter; None for all of them.
        """
        return None

    def take(self, news: News) -> bool:
        """Let the base be as the news says, unless it is out of date; called with the mutex held."""
        return False

    def forget(self) -> None:
        """Close what is open, and forget what can be read again."""

    def after_fork(self) -> None:
        """Forget, in a forked child, what belongs to its parent."""
        self.forget()


class PlainSession(Session):
    """One unit of work in the stores of one database."""

    def __init__(self, database: JournalledDatabase, *, writing: bool) -> None:
        self.database = database
        self.writing = writing
        self._has_failed = False
        self._is_over = False
        self._prepared: Prepared | None = None
        self._views: dict[PlainStore, View] = {}

    def view(self, store: PlainStore, ids: Collection[str] | None = None) -> View:
        """Give the session's view of a store, after a look at what people changed by hand.

        Raises:
            SessionError: the session has ended.
            DBError: the database is away, or stayed locked.
        """
        if self._is_over:
            raise SessionError("this unit of work has ended")
        view = self._views.get(store)
        if view is None or self.writing:
            self.database.attend(self)
            self.database.notice(store, ids, self)
        return view or self.view_for(store)

    def view_for(self, store: PlainStore) -> View:
        """Give the session's view of a store, made when it is missing."""
        with self.database.mutex:
            view = self._views.get(store)
            if view is None:
                view = self._views[store] = View(store.base, store.structure.columns, self.database.mutex)
            return view

    def has_seen(self, store: PlainStore) -> bool:
        """Tell whether the session has a view of a store already."""
        return store in self._views

    def keep(self, store: PlainStore, images: Images) -> None:
        """Go on seeing documents of a store as they are now, before they change."""
        view = self.view_for(store)
        for id_, before in images.items():
            view.keep(id_, before)

    @contextmanager
    def writes(self) -> Iterator[None]:
        """Do a write; after one that failed the session can only be rolled back."""
        if not self.writing:
            raise SessionError("this unit of work was begun for reading")
        try:
            yield
        except BaseException:
            self._has_failed = True
            raise

    def prepare(self, decision: Decision) -> Sequence[str]:
        """Make everything written ready, so that `commit` cannot fail; whether it is done is decided elsewhere."""
        self._check_whole()
        prepared = self.database.prepare(self._views, decision)
        self._prepared = prepared
        return self.database.over(prepared)

    def _check_whole(self) -> None:
        if self._is_over:
            raise SessionError("this unit of work has ended")
        if self._has_failed:
            raise SessionError("a write of this unit of work was refused; it can only be rolled back")

    def commit(self) -> None:
        """Make everything written durable, at once and whole; when it is prepared, this does not fail."""
        self._check_whole()
        prepared, self._prepared = self._prepared, None
        try:
            if prepared is not None:
                self.database.finish(prepared)
            elif self.writing:
                self.database.commit(self._views)
        finally:
            self.rollback()

    def rollback(self) -> None:
        """Forget everything written; what was read from views can be used no more."""
        if self._is_over:
            return
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            self.database.refuse(prepared)
        self.end()
        self.database.leave(self)

    def end(self) -> None:
        """Be over, without giving anything back."""
        self._is_over = True
        for view in list(self._views.values()):
            view.is_over = True
