"""Keep a collection in MongoDB, as documents that other programs can read."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from backo.connectors.base import Capabilities, Lock, Session, Store, StoredDocument, Structure, Write
from backo.connectors.mongo.addresses import address
from backo.connectors.mongo.cells import unbound
from backo.connectors.mongo.database import MongoDatabase, database_at
from backo.connectors.mongo.evolution import LEASE, evolved, read_layout
from backo.connectors.mongo.failures import DRIVER_ERRORS, failure
from backo.connectors.mongo.filters import MOST_LEVELS, can_push, compiled, levels
from backo.connectors.mongo.layout import BOOKS, Condition, Layout
from backo.connectors.mongo.paging import HIDDEN, WITH_LOCK, Stretch, can_order, statement, stretches
from backo.connectors.mongo.referring import link_holders, referrers
from backo.connectors.mongo.session import MongoSession, Raw
from backo.connectors.mongo.units import UNITS
from backo.connectors.mongo.values import LOCK, REV, stored
from backo.connectors.mongo.writing import write
from backo.connectors.texts import is_storable
from backo.errors import DBError, DefinitionError, SessionError, TransientError, shown
from backo.paths import FieldPath, value_at
from backo.query import sorting
from backo.query.filters import EVERYTHING, Compare, Filter, Query
from backo.query.matching import matcher
from backo.query.splitting import split

if TYPE_CHECKING:
    from backo.connectors.findings import Difference, Finding

_LONGEST_NAME = 150  # bytes of the name of a collection; with that of its database it has 255
_PAGE = 1_000  # documents that are fetched at once; more are streamed


# What has to be the same of a document that is locked once more: whether it is there, or also who else locked it.
_found_as: dict[Lock, Callable[[Raw], Any]] = {
    Lock.SHARED: lambda raw: raw["_id"],
    Lock.EXCLUSIVE: lambda raw: (raw["_id"], raw.get(REV), raw.get(LOCK)),
}


class DBMongoConnector(Store):
    """A collection in a database of MongoDB.

    Connectors with the same connection string, of several back offices too, share its connections, and
    what one unit of work does in them is one transaction. That needs a replica set (of one member, if
    you like) or a sharded cluster; on a server that stands alone each document is written whole, and a
    warning is logged.

    Args:
        connection_string: `mongodb://user:password@host:27017/database?replicaSet=name`; the database is
            named in it.
        collection: the name of the collection in MongoDB; None for the name of the collection here.

    Raises:
        DefinitionError: an argument makes no sense.
    """

    capabilities = Capabilities(transactional=True, durable=True, locks=True)

    def __init__(self, *, connection_string: str, collection: str | None = None) -> None:
        super().__init__()
        self._collection = None if collection is None else _checked_name(collection)
        self._database = database_at(address(connection_string))
        self._layout: Layout | None = None
        self._read_at = 0.0
        self._failure: DBError | None = None

    @property
    def database(self) -> MongoDatabase:
        """The database, shared by all connectors of this process with the same connection string."""
        return self._database

    @property
    def collection(self) -> str:
        """The name of the collection in MongoDB."""
        return self.structure.collection if self._collection is None else self._collection

    @property
    def key(self) -> str:
        """What names the store: its servers, its database and its collection."""
        place = self._database.address
        return f"mongo:{place.hosts}/{place.database}:{self.collection}"

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth a column. No I/O.

        Raises:
            DefinitionError: the name of the collection cannot be one in MongoDB.
        """
        super().declare(structure)
        _checked_name(self.collection)
        self._layout = None
        self._database.register(self)

    def prepare(self) -> bool:
        """Bring the collection to what is declared; tell whether it is. What kept it shows at the next use."""
        try:
            self._read_at = time.monotonic()
            self._layout = evolved(self._database.driver, self.collection, self.structure)
            self._failure = None
        except DBError as error:
            self._layout, self._failure = None, error
        except DRIVER_ERRORS as error:
            self._layout, self._failure = None, failure(error, self._database.name)
        return self._layout is not None

    def _enter(self, session: Session) -> tuple[MongoSession, Layout]:
        """Look at a session that is to be used, and at ourselves."""
        if not isinstance(session, MongoSession) or session.database is not self._database:
            message = "the session belongs to another database"
            raise SessionError(message)
        if self._layout is not None:
            if self._without_links and not session.unjudged:
                self._refuse_misplaced_links()
            return session, self._layout
        if session.unjudged:
            return session, self._layout_there(session)
        if self._failure is not None:
            raise type(self._failure)(self._failure.message, hint=self._failure.hint) from self._failure
        message = f"the collection {self.structure.collection!r} was declared after this session began"
        raise SessionError(message)

    def _layout_there(self, session: MongoSession) -> Layout:
        """Learn what there is, although it may not be what is declared."""
        layout = session.run(lambda _: read_layout(self._database.driver, self.collection))
        if layout is None:
            message = f"the note on the collection {self.collection!r} of {self._database.name!r} is missing"
            raise self._failure or DBError(message)
        return layout

    @property
    def _documents(self) -> Collection[Raw]:
        return self._database.driver[self.collection]

    def get(self, session: Session, ids: Sequence[str], lock: Lock = Lock.NONE) -> dict[str, StoredDocument]:
        """Read documents by id, in one go; those that do not exist are left out."""
        own, layout = self._enter(session)
        known = [id_ for id_ in dict.fromkeys(ids) if is_storable(id_)]
        if not known:
            own.handle()
            return {}
        those: Condition = {layout.id_place: {"$eq": known[0]} if len(known) == 1 else {"$in": known}}
        if lock is not Lock.NONE and own.writing and own.is_transaction:
            found = self._locked(own, those, lock, is_one=len(known) == 1)
        else:
            found = own.run(lambda handle: list(self._documents.find(those, HIDDEN, session=handle)))
        return {one.id: one for one in map(stored, found)}

    def _locked(self, session: MongoSession, those: Condition, lock: Lock, *, is_one: bool) -> list[Raw]:
        """Read documents after a write to each, at which all but one of several transactions have to wait."""
        touched, found_as = {"$inc": {LOCK: 1}}, _found_as[lock]

        def lock_one(handle: ClientSession | None) -> list[Raw]:
            found = self._documents.find_one_and_update(
                those, touched, WITH_LOCK, return_document=ReturnDocument.AFTER, session=handle
            )
            return [] if found is None else [found]

        def lock_all(handle: ClientSession | None) -> list[Raw]:
            self._documents.update_many(those, touched, session=handle)
            return list(self._documents.find(those, WITH_LOCK, session=handle))

        work = lock_one if is_one else lock_all

        def lock_again(before: list[Raw], handle: ClientSession | None) -> None:
            if set(map(found_as, work(handle))) != set(map(found_as, before)):
                raise TransientError("a document has changed before it could be locked again")

        try:
            return session.contend(work, lock_again)
        except DRIVER_ERRORS as error:
            raise failure(error, self._database.name) from error

    def find(self, session: Session, query: Query) -> Iterator[StoredDocument]:
        """Give the documents of a query in its order, seeing the session's own writes."""
        own, layout = self._enter(session)
        if query.limit is not None and query.limit <= 0:
            return iter(())
        pushed, residual = _split(query.filter, layout)
        if not can_order(query, layout):
            return self._sorted_here(own, layout, query, pushed, residual)
        if residual is EVERYTHING:
            return map(stored, self._rows(own, layout, stretches(query, pushed, layout), query.limit, query.skip))
        matches = matcher(residual)
        whole = stretches(replace(query, skip=0, limit=None), pushed, layout)
        found = map(stored, self._rows(own, layout, whole, None, 0))
        matching = (one for one in found if matches(one.document))
        return islice(matching, query.skip, None if query.limit is None else query.skip + query.limit)

    def _sorted_here(
        self, session: MongoSession, layout: Layout, query: Query, pushed: Filter, residual: Filter
    ) -> Iterator[StoredDocument]:
        """Put documents in order that the server cannot."""
        rows = self._rows(session, layout, [Stretch(pushed, ())], None, 0)
        return iter(sorting.page(map(stored, rows), replace(query, filter=residual)))

    def _rows(
        self, session: MongoSession, layout: Layout, planned: Iterable[Stretch], limit: int | None, skip: int
    ) -> Iterator[Raw]:
        """Give the documents of stretches, one after the other, `limit` of them after `skip`."""
        coming = deque(planned)
        while coming and limit != 0:
            stretch = coming.popleft()
            if stretch.cut and limit:
                last = self._cut(session, layout, stretch, skip + limit - 1)
                if last is not None:
                    coming.extendleft(reversed(stretch.cut_at(last)))
                    continue
                stretch = stretch._replace(cut=False)
            given = 0
            for raw in self._run(session, layout, stretch, limit, skip):
                given += 1
                yield raw
            if limit is not None:
                limit -= given
            if given:
                skip = 0
            elif skip and coming:
                skip -= self._count(session, compiled(stretch.where, layout))

    def _run(
        self, session: MongoSession, layout: Layout, stretch: Stretch, limit: int | None, skip: int
    ) -> Iterator[Raw]:
        asked = statement(stretch, layout, limit, skip)

        def open_(handle: ClientSession | None) -> Any:
            if asked.pipeline is not None:
                return self._documents.aggregate(asked.pipeline, session=handle, batchSize=_PAGE)
            found = self._documents.find(asked.condition, HIDDEN, session=handle, batch_size=_PAGE)
            if asked.order:
                found = found.sort(asked.order)
            return found.skip(skip).limit(limit or 0)

        if limit is not None and limit <= _PAGE:  # as most pages
            return iter(session.run(lambda handle: list(open_(handle))))
        return session.stream(open_)

    def _cut(self, session: MongoSession, layout: Layout, stretch: Stretch, position: int) -> Any:
        """Give the first key of the document at a position of a stretch; None where there is none."""
        key = stretch.keys[0]
        place, where = key.place(layout), compiled(stretch.where, layout)

        def find(handle: ClientSession | None) -> Raw | None:
            found = self._documents.find(where, {place: 1, "_id": 0}, session=handle)
            return next(iter(found.sort([(place, key.direction)]).skip(position).limit(1)), None)

        row = session.run(find)
        return None if row is None else unbound(value_at(row, tuple(place.split("."))), key.kind)

    def _count(self, session: MongoSession, where: Condition) -> int:
        return session.run(lambda handle: self._documents.count_documents(where, session=handle))

    def count(self, session: Session, filter_: Filter) -> int:
        """Count the documents that match, seeing the session's own writes."""
        own, layout = self._enter(session)
        pushed, residual = _split(filter_, layout)
        if residual is EVERYTHING:
            return self._count(own, compiled(pushed, layout))
        return sum(1 for _ in self.find(session, Query(filter_)))

    def referrers(self, session: Session, path: FieldPath, ids: Sequence[str], limit: int) -> list[tuple[str, str]]:
        """Find who holds a link: pairs (target id, id of the holder), by target as given, then by holder."""
        own, layout = self._enter(session)
        return referrers(own, layout, path, ids, limit)

    def link_holders(self, path: FieldPath) -> list[str]:
        """Give ids of documents that hold links at a path; the cell of each link that was ever stored is kept up."""
        session = MongoSession(self._database, writing=False)
        try:
            layout = session.run(lambda _: read_layout(self._database.driver, self.collection))
            return [] if layout is None else link_holders(session, layout, path)
        finally:
            session.rollback()

    def write(self, session: Session, writes: Sequence[Write]) -> None:
        """Do a batch of writes in the session, in one go.

        Raises:
            ConflictError: a document is not at its expected revision, an inserted id exists, or a
                unique value is taken (a problem names its path). The session can only be rolled back.
            ValidationError: a document is larger than the server takes.
        """
        own, layout = self._enter(session)
        if not own.writing:
            message = "this session was begun for reading"
            raise SessionError(message)
        if time.monotonic() - self._read_at > LEASE:
            layout = self._reread(own)
        write(own, layout, writes)

    def _reread(self, session: MongoSession) -> Layout:
        """Learn of cells that another process has added since: we have to fill them too."""
        now = time.monotonic()
        self._layout = layout = self._layout_there(session)
        self._read_at = now
        return layout

    # Checks: what they need is loaded with the first one.

    def faults(self, session: Session) -> Iterator[Finding]:
        """Look for documents of other programs that cannot be found by their ids."""
        from backo.connectors.mongo.checking import strangers  # noqa: PLC0415  # as above

        own, _ = self._enter(session)
        return strangers(own, self._layout_there(own), self.structure.collection)

    def faults_of(self, session: Session, documents: Sequence[StoredDocument]) -> Iterator[Finding]:
        """Look whether what is ours of documents agrees with their fields."""
        from backo.connectors.mongo.checking import disagreements  # noqa: PLC0415  # as above

        own, _ = self._enter(session)
        return disagreements(own, self._layout_there(own), self.structure.collection, documents)

    def mend_faults(self, session: Session, faults: Sequence[Finding]) -> list[Finding]:
        """Make what is ours of documents anew; those of other programs become known to all that look by ids."""
        from backo.connectors.mongo.checking import mend  # noqa: PLC0415  # as above

        own, _ = self._enter(session)
        before = self._layout_there(own)
        mended = mend(own, before, faults)
        after = self._layout_there(own)
        if self._layout is not None:
            self._layout = after
        if after.has_object_ids != before.has_object_ids:
            self._database.register(self)  # other indexes serve it now; they are made before the next session
        return mended

    def structure_differences(self) -> list[Difference]:
        """Tell how the collection, its cells and its indexes differ from what is declared."""
        from backo.connectors.mongo.differing import differences  # noqa: PLC0415  # as above

        try:
            return list(differences(self._database.driver, self.collection, self.structure))
        except DRIVER_ERRORS as error:
            raise failure(error, self._database.name) from error

    def mend_structure(self) -> None:
        """Make what is missing, batch by batch; others read and write meanwhile."""
        from backo.connectors.mongo.differing import mend  # noqa: PLC0415  # as above

        try:
            mend(self._database.driver, self.collection, self.structure)
        except DRIVER_ERRORS as error:
            raise failure(error, self._database.name) from error
        self._database.register(self)  # it is looked at again before the next session


def _split(filter_: Filter, layout: Layout) -> tuple[Filter, Filter]:
    """Give what MongoDB can answer of a filter, and what is left to do."""
    if filter_ is EVERYTHING:
        return EVERYTHING, EVERYTHING
    if levels(filter_) > MOST_LEVELS:
        return EVERYTHING, filter_

    def can_push_here(compare: Compare) -> bool:
        return can_push(compare, layout)

    return split(filter_, can_push_here)


def _checked_name(name: Any) -> str:
    is_name = isinstance(name, str) and name.isprintable() and is_storable(name)
    if not is_name or not 0 < len(name.encode()) <= _LONGEST_NAME or "$" in name or name[0] == "." or name[-1] == ".":
        message = f"{shown(name)} cannot be the name of a collection of MongoDB"
        raise DefinitionError(message, hint=f"up to {_LONGEST_NAME} bytes of printable characters, without $")
    if name.startswith("system.") or name in {BOOKS, UNITS}:
        message = f"the collection name {name!r} is taken by the database itself"
        raise DefinitionError(message)
    return str(name)
