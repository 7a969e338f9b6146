"""Commit the sessions of one unit of work that wrote in several databases.

One database decides; the order is that of `Rank`, reversed:

1. The databases without transactions of their own *prepare*: from here on nothing can keep them
   from doing their part. What they leave on disk names the database that decides, and the unit.
2. The transactional databases commit, by falling rank and key. The last one also writes down the id
   of the unit: **its commit is the commit of the unit**.
3. Those that prepared do their part, and forget what they left. Later that database is told that
   nobody will ask it for this unit again.

Whoever finds after a crash what step 1 left asks the database that decides (`Database.settle`), and
so does step 2 when its commit fails: it may have been done all the same.

With one transactional database the unit is whole, whenever what crashes. With several, a crash or a
failure between their commits leaves a part of it; the log tells of the failure.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import TypeAlias

from backo.connectors.base import Database, Decision, Rank, Session
from backo.errors import BackoError, TransientError

_log = logging.getLogger("backo.transaction")

Part: TypeAlias = tuple[Database, Session]


def opening_order(database: Database) -> tuple[Rank, str]:
    """Give what databases are sorted by before a unit of work opens them for writing; it commits in reverse."""
    return database.rank, database.key


def commit_together(parts: Sequence[Part], has_written: Callable[[Database], bool]) -> None:
    """Commit the sessions of one unit of work; those that wrote nothing take no part, and end last.

    Raises:
        ConflictError, DBError: it could not be done; but for several transactional databases, nothing was.
    """
    if len(parts) == 1:
        parts[0][1].commit()
        return
    writers = sorted((part for part in parts if has_written(part[0])), key=_place, reverse=True)
    if len(writers) > 1:
        _commit_writers(writers)
    else:
        for _, session in writers:
            session.commit()
    for database, session in parts:
        if not has_written(database):
            session.commit()


def _place(part: Part) -> tuple[Rank, str]:
    return opening_order(part[0])


def _commit_writers(writers: Sequence[Part]) -> None:
    first = [part for part in writers if part[0].rank is not Rank.FOLLOWS]
    decision, over = _prepared(first, writers[len(first) :])
    committed: list[str] = []
    for database, session in writers:
        try:
            if decision is not None and database is decision.database:
                _decide(decision, session, over)
            else:
                session.commit()
        except Exception as error:
            if committed:
                parts = " and ".join(committed)
                _log.critical("half of a unit of work is committed: %s; but not %s: %s", parts, database.key, error)
            raise
        committed.append(database.key)


def _prepared(first: Sequence[Part], followers: Sequence[Part]) -> tuple[Decision | None, list[str]]:
    """Let those that follow prepare for the decision of the last one before them, if that one can decide."""
    if not first or not followers or first[-1][0].rank is Rank.OTHER:
        return None, []
    decision = Decision(first[-1][0], secrets.token_hex(16))
    return decision, [unit for _, session in followers for unit in session.prepare(decision)]


def _decide(decision: Decision, session: Session, over: Sequence[str]) -> None:
    """Commit the unit by committing the session of the database that decides."""
    try:
        session.decide(decision.unit, over)
        session.commit()
    except Exception as error:
        session.rollback()
        if not _was_committed(decision, error):
            raise
    decision.outcome = True


def _was_committed(decision: Decision, error: Exception) -> bool:
    """Find out whether a commit that failed was done all the same; no, as far as nobody can tell."""
    if isinstance(error, TransientError):  # it says that nothing was done
        decision.outcome = False
        return False
    try:
        was_committed = decision.settle()
    except BackoError as unknown:
        key = decision.database.key
        _log.critical("whether a unit of work was committed in %s is not known yet: %s", key, unknown)
        return False
    if was_committed:
        _log.warning("a commit in %s failed, and was done all the same", decision.database.key, exc_info=error)
    return was_committed
