"""Run units of work over stores that know no transactions: memory, YAML, five-method connectors.

All such stores of one back office form one *database*. A writing session is alone in it: it holds
the turn among the threads of this process, and the locks of all folders among processes, so it may
touch any of the stores. It writes into views (`overlay`), which become the stored state when it
commits (`commit`). Reading sessions hold nothing: what they began to see is kept for them while
commits change the base, so readers and the writer do not wait for one another.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from weakref import WeakSet

from backo.connectors.base import Database, Decision, Rank, Store
from backo.connectors.commit import Commit, FilesOf
from backo.connectors.folder import SharedFolder
from backo.connectors.locks import FolderLocks
from backo.connectors.overlay import Change, View
from backo.connectors.pending import Images
from backo.connectors.plain import PlainSession, PlainStore
from backo.errors import BackoError, DBError, DefinitionError, SessionError, StateError

TIMEOUT = 60.0  # seconds that a session waits for its turn

_log = logging.getLogger("backo.transaction")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What waits for the decision of another database."""

    commit: Commit
    changes: Mapping[PlainStore, Change]
    decision: Decision


class JournalledDatabase(Database):
    """The stores of one group, their locks, and the turn to write.

    Args:
        stores: the stores.
        journal: a folder for journals.
        deciders: stores of the databases that may be asked what became of a unit of work.

    Attributes:
        mutex: held, for a short time, by whoever reads or changes what is in memory.
    """

    rank: ClassVar[Rank] = Rank.FOLLOWS

    def __init__(
        self, stores: Sequence[PlainStore], journal: Path | None = None, deciders: Sequence[Store] = ()
    ) -> None:
        self.stores = stores
        self.journal = journal
        self.deciders = deciders
        self._home = SharedFolder(Path(os.path.realpath(journal))) if journal else None
        folders = [store.folder for store in stores] + [self._home]
        self._locks = FolderLocks([folder for folder in folders if folder], self._apply, self._settle)
        self._unfinished: Commit | None = None  # one that failed, and whose undoing failed too
        self._undecided: Prepared | None = None  # of a unit that ended before its decision was known
        self._over: dict[tuple[SharedFolder | None, str], str] = {}  # the last unit by journal's folder and decider
        self._renew()
        _databases.add(self)

    def _renew(self) -> None:
        self.mutex = threading.RLock()
        self._turn = threading.Condition(self.mutex)
        self._is_open = False  # what a crash had left was completed
        self._owner: int | None = None  # the thread whose turn it is: it has, or is taking, the locks of the folders
        self._is_fresh = False  # it has them, and memory is as the folders are
        self._writer: PlainSession | None = None
        self._readers: WeakSet[PlainSession] = WeakSet()  # those that see a state already

    @property
    def key(self) -> str:
        """What names the group: its first store."""
        return f"journal:{min((store.key for store in self.stores), default='')}"

    # Sessions

    def begin(self, *, writing: bool, once: bool = False) -> PlainSession:
        """Open a session; one for writing waits for its turn.

        Raises:
            DBError: the database is away, or stayed locked for longer than its time-out.
            SessionError: this thread has a session for writing already.
        """
        session = PlainSession(self, writing=writing)
        if writing:
            with _store_errors():
                self._take_turn(session)
        return session

    def _take_turn(self, session: PlainSession) -> None:
        deadline = time.monotonic() + TIMEOUT
        self._wait(deadline)
        try:
            self._lock(exclusive=True, deadline=deadline)
            self._learn()
        except BaseException:
            self._give_turn()
            raise
        with self._turn:
            self._writer = session
            self._is_fresh = True
            self._turn.notify_all()

    def attend(self, session: PlainSession) -> None:
        """Let a session see one state from now on: the one that is stored now."""
        if session.writing or session in self._readers:
            return
        with _store_errors():
            if not self._is_fresh and not self._is_current():
                self._catch_up(session)
        with self.mutex:
            self._readers.add(session)

    def _is_current(self) -> bool:
        return self._is_open and self._is_finished() and all(store.is_current() for store in self.stores)

    def _is_finished(self) -> bool:
        return self._unfinished is None and self._undecided is None

    def _catch_up(self, session: PlainSession) -> None:
        """Learn what others changed, unless a writing session of this process has."""
        deadline = time.monotonic() + TIMEOUT
        if not self._wait(deadline, or_fresh=True):
            return
        try:
            self._lock(exclusive=not self._is_finished(), deadline=deadline)
            self._learn()
            with self.mutex:
                self._readers.add(session)
        finally:
            self._give_turn()

    def _wait(self, deadline: float, *, or_fresh: bool = False) -> bool:
        """Wait for the turn, or also for memory to be fresh; tell whether it is our turn."""
        with self._turn:
            if self._owner == threading.get_ident() and not or_fresh:
                raise SessionError("this thread has a unit of work in this database already")
            ready = self._turn.wait_for(
                lambda: self._owner is None or (or_fresh and self._is_fresh), deadline - time.monotonic()
            )
            if not ready:
                raise DBError("the store stayed locked by another unit of work")
            if self._owner is not None:
                return False
            self._owner = threading.get_ident()
            return True

    def leave(self, session: PlainSession) -> None:
        """Let a session go that has ended."""
        with self.mutex:
            self._readers.discard(session)
        if session.writing:
            self._give_turn()

    def _give_turn(self) -> None:
        self._locks.unlock()
        with self._turn:
            self._owner = self._writer = None
            self._is_fresh = False
            self._turn.notify_all()

    def _lock(self, *, exclusive: bool, deadline: float) -> None:
        """Take the locks of all folders, and finish what could not be undone before."""
        self._locks.lock(exclusive=exclusive, deadline=deadline)
        self._is_open = True
        if self._unfinished is not None:
            with self.mutex:
                self._unfinished.undo_later()
                self._unfinished = None
        if self._undecided is not None:
            self._end_undecided(self._undecided)
            self._undecided = None

    def _apply(self, images: Mapping[str, Images]) -> set[str]:
        """Give documents of connectors, by key, what a journal says of them; tell which of these keys are ours."""
        ours = {store.direct.key: store.direct for store in self.stores if store.direct}
        with self.mutex:
            for key in images.keys() & ours.keys():
                ours[key].apply(images[key])
        return {*ours}

    def _settle(self, home: Path, key: str, unit: str) -> bool:
        """Ask the database with this key, as seen from a journal's folder, whether it committed a unit."""
        for database in {store.database: None for store in self.deciders}:
            if database.key_from(home) == key:
                return database.settle(unit)
        message = f"whether the unit of work in {home / '.pending'} was committed is known in {key}, not declared here"
        raise DBError(message, hint="start the application that declares that database")

    def _learn(self) -> None:
        """Bring memory up to date, all stores at once."""
        news = [(store, store.look()) for store in self.stores]
        with self.mutex:
            for store, found in news:
                if found is not None:
                    self._tell(store, found.images)
                    store.take(found)

    def notice(self, store: PlainStore, ids: Collection[str] | None, session: PlainSession) -> None:
        """Learn what people changed by hand, as far as it matters to a read of a session."""
        with _store_errors():
            news = store.glance(ids)
        if news is not None:
            with self.mutex:
                # A session that has seen nothing of this store may as well see the news.
                self._tell(store, news.images, but=None if session.has_seen(store) else session)
                store.take(news)

    def _tell(self, store: PlainStore, images: Images, but: PlainSession | None = None) -> None:
        """Let every session that sees a state go on seeing it, before the base changes."""
        others = [session for session in self._readers if session is not but]
        if others and images:
            before = store.base.images(images)
            for session in others:
                session.keep(store, before)

    # Writing

    def commit(self, views: Mapping[PlainStore, View]) -> None:
        """Make what was written in views the stored state.

        Raises:
            DBError: it could not be done, and nothing of it was.
        """
        with _store_errors():
            changes = _changes(views)
            commit = self._commit_of(changes)
            with self._unseen(changes):
                try:
                    commit.prepare()
                    self._carry_out(commit, changes)
                except BaseException:
                    self._give_up(commit)
                    raise
            commit.end()

    def _commit_of(self, changes: Mapping[PlainStore, Change], decision: Decision | None = None) -> Commit:
        return Commit(
            _files({store: change.after for store, change in changes.items()}),
            {store.direct: change for store, change in changes.items() if store.direct},
            lambda: _files({store: change.before for store, change in changes.items()}),
            self._home,
            decision,
        )

    def _unseen(self, changes: Mapping[PlainStore, Change]) -> AbstractContextManager[object]:
        """Let nobody look meanwhile: what others read directly must not be seen half done."""
        return self.mutex if any(store.direct for store in changes) else nullcontext()

    def _give_up(self, commit: Commit) -> None:
        self._is_fresh = False
        self._unfinished = commit
        if commit.undo():
            self._unfinished = None

    def _carry_out(self, commit: Commit, changes: Mapping[PlainStore, Change]) -> None:
        self._tell_direct(changes)
        commit.carry_out()
        self._know(commit, changes, changes)

    def _tell_direct(self, changes: Mapping[PlainStore, Change]) -> None:
        for store, change in changes.items():
            if store.direct:
                self._tell(store, change.after)

    def _know(self, commit: Commit, stores: Iterable[PlainStore], changes: Mapping[PlainStore, Change]) -> None:
        """Let the memory of stores be as what has been stored."""
        with self.mutex:
            for store in stores:
                after = changes[store].after
                if not store.direct:
                    self._tell(store, after)
                store.learn(after, commit.staged[store.folder] if store.folder else {})

    # What another database decides

    def prepare(self, views: Mapping[PlainStore, View], decision: Decision) -> Prepared:
        """Make what was written in views ready to become the stored state, whatever happens.

        Raises:
            ConflictError, DBError: it could not be done, and nothing of it was.
        """
        with _store_errors():
            prepared = Prepared(self._commit_of(changes := _changes(views), decision), changes, decision)
            with self._unseen(changes):
                try:
                    self._tell_direct(changes)
                    prepared.commit.prepare()
                except BaseException:
                    self._give_up(prepared.commit)
                    raise
            return prepared

    def over(self, prepared: Prepared) -> list[str]:
        """Name the units of before whose journals are gone for good: their folder has just been synced."""
        unit = self._over.get((prepared.commit.home, prepared.decision.database.key))
        return [] if unit is None else [unit]

    def finish(self, prepared: Prepared) -> None:
        """Do what was decided. What fails now is left to the next session, with the journal."""
        commit, changes = prepared.commit, prepared.changes
        is_done = False
        try:
            with self._unseen(changes):
                self._tell_direct(changes)
                commit.carry_out()
            is_done = True
        except (BackoError, OSError):
            _log.exception("a unit of work that is committed could not be completed now; the next session has to")
        finally:
            self._know(commit, [store for store in changes if is_done or _is_in_memory(store)], changes)
            if is_done and commit.end():
                self._over[commit.home, prepared.decision.database.key] = prepared.decision.unit
            else:
                self._is_open = self._is_fresh = False

    def refuse(self, prepared: Prepared) -> None:
        """Forget what was prepared, or let the next session learn what was decided. Does not raise."""
        self._is_fresh = False
        if prepared.decision.outcome is False:
            try:
                with self._unseen(prepared.changes):
                    prepared.commit.drop()
            except (BackoError, OSError):
                _log.exception("a unit of work that failed could not be undone now; the next session has to")
            else:
                return
        self._undecided = prepared

    def _end_undecided(self, prepared: Prepared) -> None:
        """Learn the decision, and do what a journal has not seen to.

        Raises:
            DBError: who decides is still away, or a connector is.
        """
        if prepared.decision.settle():
            self._know(prepared.commit, filter(_is_in_memory, prepared.changes), prepared.changes)
        elif prepared.commit.home is None:
            with self._unseen(prepared.changes):
                prepared.commit.drop()

    # Ending

    def close(self) -> None:
        """Give back locks and files, once it is our turn; reading sessions are over."""
        self._wait(time.monotonic() + TIMEOUT)
        self._end_sessions()
        self._is_open = False
        with ExitStack() as everything:  # each is closed, whatever another one raises
            everything.callback(self._give_turn)
            everything.callback(self._locks.close)
            for store in self.stores:
                everything.callback(store.forget)

    def is_used(self) -> bool:
        """Tell whether a session is open, or one that ended has left something to do."""
        return self._owner is not None or len(self._readers) > 0 or not self._is_finished()

    def after_fork(self) -> None:
        """Start anew in a forked child: locks, files and sessions are its parent's."""
        self._end_sessions()
        self._renew()
        for store in self.stores:
            store.after_fork()
        self._locks.close()

    def _end_sessions(self) -> None:
        for session in [*self._readers, *([self._writer] if self._writer else [])]:
            session.end()


def _changes(views: Mapping[PlainStore, View]) -> dict[PlainStore, Change]:
    return {store: change for store, view in views.items() if (change := view.change()).after}


def _is_in_memory(store: PlainStore) -> bool:
    return store.folder is None and store.direct is None


def _files(images: Mapping[PlainStore, Images]) -> FilesOf:
    return {store.folder: store.files(changed) for store, changed in images.items() if store.folder}


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DBError(f"the store failed: {error}") from error


_databases: WeakSet[JournalledDatabase] = WeakSet()
_grouping = threading.RLock()  # a store that is used before it was grouped groups itself


def _after_fork() -> None:
    for database in list(_databases):
        database.after_fork()


os.register_at_fork(after_in_child=_after_fork)


def group(stores: Iterable[Store], journal: Path | None = None) -> None:
    """Let the plain stores among these share one database, so that one unit of work may commit in all.

    Stores that one of them was grouped with before come along.

    Args:
        stores: the stores of one back office. Those with transactions of their own stay as they are;
            the others ask them what became of a unit of work that wrote in both.
        journal: a folder for the journals of units of work. Connectors with only the five methods
            need it to survive a crash; YAML folders do without.

    Raises:
        DefinitionError: two of them are the same place, or were given different journals.
        StateError: one of them is in use.
    """
    stores = list(stores)
    plain = [store for store in stores if isinstance(store, PlainStore)]
    with _grouping:
        known = {store.joined for store in plain if store.joined is not None}
        members = list(dict.fromkeys([*plain, *(store for database in known for store in database.stores)]))
        journals = {path for path in (journal, *(database.journal for database in known)) if path is not None}
        if len(journals) > 1:
            raise DefinitionError("stores that share units of work were given different journals")
        if any(database.is_used() for database in known):
            raise StateError("a store is in use already", hint="assemble before the first unit of work")
        _refuse_same_places(members)
        others = [store for store in stores if not isinstance(store, PlainStore)]
        deciders = list(dict.fromkeys([*others, *(store for database in known for store in database.deciders)]))
        database = JournalledDatabase(members, next(iter(journals), None), deciders)
        for store in members:
            store.join(database)


def _refuse_same_places(stores: Sequence[PlainStore]) -> None:
    places: dict[str, PlainStore] = {}
    for store in stores:
        other = places.setdefault(store.key, store)
        if other is not store:
            names = f"{other.structure.collection!r} and {store.structure.collection!r}"
            message = f"the collections {names} are kept in the same place, {store.key}"
            raise DefinitionError(message, hint="give each a path= of its own")
