"""Run what one unit of work does in one database: in a transaction where the server has them."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from backo.connectors.base import Session
from backo.connectors.mongo import units
from backo.connectors.mongo.failures import DRIVER_ERRORS, failure, is_outcome_unknown, is_transient
from backo.errors import ConflictError, DBError, SessionError, TransientError

if TYPE_CHECKING:
    from backo.connectors.mongo.database import MongoDatabase

T = TypeVar("T")
Raw: TypeAlias = dict[str, Any]  # a document as the driver gives it
Work: TypeAlias = Callable[[ClientSession | None], T]

_log = logging.getLogger("backo.mongo")

_LOCK_PATIENCE = 20.0  # seconds to wait for somebody else's lock, which others hold for the time of a unit of work
_COMMIT_PATIENCE = 10.0  # seconds to ask again whether a commit has happened
_STANDS_IN_THE_WAY = "another unit of work changes the same documents"
_POLL = (0.001, 0.02)  # seconds between two attempts: from, to


class MongoSession(Session):
    """One transaction, begun at its first statement: all of them see the state of that moment.

    A server that stands alone has no transactions. There each statement counts at once, and what was
    written is taken back when the session is rolled back, as far as nobody has changed it since.
    """

    def __init__(self, database: MongoDatabase, *, writing: bool) -> None:
        self.database = database
        self.writing = writing
        self.is_transaction = database.has_transactions
        self.written: set[tuple[str, str]] = set()  # collection and id
        self._handle: ClientSession | None = None
        self._process = os.getpid()
        self._undo: list[Callable[[], Any]] = []
        self._undo_at_once: list[Callable[[], Any]] = []
        self._redo: list[Work[Any]] = []
        self._streams = 0  # that are open
        self._is_fresh = True
        self._lost: Exception | None = None  # why what was done before is not a part of the transaction any more
        self._ended = False

    def handle(self) -> ClientSession | None:
        """Give what a statement has to be told of its transaction, begun if it was not.

        Raises:
            SessionError: the session has ended, or belongs to the parent of this process.
            DBError: the server is away.
        """
        if self._ended:
            message = "this session has ended"
            raise SessionError(message)
        if self._process != os.getpid():
            message = "this session belongs to the parent of this process"
            raise SessionError(message)
        self._refuse_lost()
        if self._is_fresh:
            self._is_fresh = False
            if self.is_transaction:
                self._begin()
        return self._handle

    def _begin(self) -> None:
        try:
            if self._handle is None:
                self._handle = self.database.client.start_session()
            self._handle.start_transaction(
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority"),
                read_preference=ReadPreference.PRIMARY,
            )
        except DRIVER_ERRORS as error:
            raise failure(error, self.database.name) from error

    def run(self, work: Work[T]) -> T:
        """Run a statement.

        Raises:
            TransientError: the server asks for the whole unit of work again.
            DBError: it failed, or is away.
        """
        handle = self.handle()
        try:
            return work(handle)
        except DRIVER_ERRORS as error:
            raise failure(error, self.database.name) from error

    def contend(self, work: Work[T], again: Callable[[T, ClientSession | None], Any]) -> T:
        """Run a statement that others may stand in the way of, and wait for them.

        The server ends a transaction that meets a change of another one. It is begun anew, and the locks
        and writes of before are done again, each at the revisions that it found first. Reads are not:
        what was read without a lock may have changed, as in any session that waits for a lock.

        Args:
            work: the statement; it raises errors of the driver.
            again: does it again, handed what it gave; it raises `TransientError` or `ConflictError` where
                it finds something else.

        Raises:
            TransientError: something else was found.
            DBError: the server is away, or others stood in the way for too long.
        """
        deadline = time.monotonic() + _LOCK_PATIENCE
        while True:
            handle = self.handle()
            try:
                done = work(handle)
            except DRIVER_ERRORS as error:
                if not self.is_transaction or self._streams or not is_transient(error):
                    raise
                if time.monotonic() > deadline:
                    raise _stayed_locked() from error
            else:
                self._redo.append(partial(again, done))
                return done
            try:
                self._begin_until(deadline)
            except Exception as error:
                self._lost = error
                raise

    def _refuse_lost(self) -> None:
        """Let nothing be kept of a transaction that could not be done again, also when somebody caught its error.

        Raises:
            TransientError: the whole may be done again.
            SessionError: it may not.
        """
        if isinstance(self._lost, TransientError):
            raise TransientError(self._lost.message) from self._lost
        if self._lost is not None:
            message = "a statement of this session has failed; it can only be rolled back"
            raise SessionError(message) from self._lost

    def _begin_until(self, deadline: float) -> None:
        while not self._begin_anew():
            if time.monotonic() > deadline:
                raise _stayed_locked()

    def _begin_anew(self) -> bool:
        """Begin the transaction once more, and do what it did; tell whether nobody stood in the way."""
        time.sleep(random.uniform(*_POLL))  # noqa: S311  # so that nobody polls in step
        self._abort()
        self._begin()
        try:
            for redo in self._redo:
                redo(self._handle)
        except ConflictError as error:
            raise TransientError(_STANDS_IN_THE_WAY) from error
        except DRIVER_ERRORS as error:
            if not is_transient(error):
                raise TransientError(_STANDS_IN_THE_WAY) from error
            return False
        return True

    def let_go(self) -> None:
        """End the transaction, which has only read; the next statement begins another one."""
        if self._redo:
            message = "this session has written or locked documents"
            raise SessionError(message)
        self._abort()
        self._is_fresh = True

    def stream(self, open_: Work[Any]) -> Iterator[Raw]:
        """Run a query; give its documents as they are asked for, until the session ends."""
        cursor = self.run(open_)
        self._streams += 1
        try:
            for raw in cursor:
                yield raw
                if self._ended:
                    message = "this session has ended before all documents were read"
                    raise SessionError(message)
        except DRIVER_ERRORS as error:
            raise failure(error, self.database.name) from error
        finally:
            self._streams -= 1
            with contextlib.suppress(*DRIVER_ERRORS):
                cursor.close()

    def undo_with(self, undo: Callable[[], Any], *, at_once: bool = False) -> None:
        """Remember how to take back what was written where there is no transaction.

        Args:
            undo: takes back one write; the last one is taken back first.
            at_once: before all others: what makes room for them.
        """
        (self._undo_at_once if at_once else self._undo).append(undo)

    def decide(self, unit: str, over: Sequence[str] = ()) -> None:
        """Write down, as a part of what this session commits, that a unit of work is committed."""
        units.decide(self, unit, over)

    def commit(self) -> None:
        """Make everything written durable, at once and whole."""
        if self._ended:
            message = "this session has ended"
            raise SessionError(message)
        self._refuse_lost()
        self._undo.clear()
        self._undo_at_once.clear()
        self._redo.clear()
        try:
            if self._handle is not None and self.writing:
                self._commit(self._handle)
        finally:
            self.rollback()

    def _commit(self, handle: ClientSession) -> None:
        deadline = time.monotonic() + _COMMIT_PATIENCE
        while True:
            try:
                handle.commit_transaction()
            except DRIVER_ERRORS as error:
                if not is_outcome_unknown(error):
                    raise failure(error, self.database.name) from error
                if time.monotonic() > deadline:
                    message = f"the MongoDB server of {self.database.name!r} does not say whether a commit has happened"
                    raise DBError(message) from error
            else:
                return
            time.sleep(random.uniform(*_POLL))  # noqa: S311  # as above

    def rollback(self) -> None:
        """Forget everything written; does nothing after the end."""
        if self._ended:
            return
        self._ended = True
        if self._process != os.getpid():
            return
        self._abort()
        if self._handle is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                self._handle.end_session()
            self._handle = None
        for undo in (*self._undo_at_once, *reversed(self._undo)):
            try:
                undo()
            except DRIVER_ERRORS:
                _log.exception("what a unit of work wrote into %r could not be taken back", self.database.name)

    def _abort(self) -> None:
        if self._handle is not None and self._handle.in_transaction:
            with contextlib.suppress(*DRIVER_ERRORS):
                self._handle.abort_transaction()

    def __del__(self) -> None:
        """Let no session that was forgotten keep its locks; not here, where the driver may hold locks of its own."""
        if not self._ended and self._handle is not None:
            self.database.forget(self._handle)


def _stayed_locked() -> DBError:
    message = f"documents stayed locked by other units of work for {_LOCK_PATIENCE:g} seconds"
    hint = "a killed process keeps its locks for transactionLifetimeLimitSeconds of the server: lower that"
    return DBError(message, hint=hint)
