"""Write down in a MongoDB database which units of work over several databases it has committed.

The collection `_backo_units` has a document for each of the last ones, and for each that a crash interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pymongo.client_session import ClientSession
from pymongo.database import Database as DriverDatabase
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from backo.errors import DBError

if TYPE_CHECKING:
    from backo.connectors.mongo.session import MongoSession

UNITS = "_backo_units"


def decide(session: MongoSession, unit: str, over: Sequence[str]) -> None:
    """Add the document of a unit, remove those of others.

    Raises:
        DBError: the unit has been settled.
    """
    units = session.database.driver[UNITS]
    row = {"_id": unit, "committed": True, "at": datetime.now(UTC)}

    def work(handle: ClientSession | None) -> None:
        units.insert_one(row, session=handle)
        if over:
            units.delete_many({"_id": {"$in": [*over]}}, session=handle)

    try:
        session.run(work)
    except DBError as error:
        if isinstance(error.__cause__, DuplicateKeyError):
            message = f"a unit of work in {session.database.name!r} was given up by somebody else"
            raise DBError(message) from error
        raise


def settle(database: DriverDatabase[dict[str, Any]], unit: str, *, is_transaction: bool) -> bool:
    """Tell whether a unit was committed, after adding a document that says no where there is none.

    Raises:
        PyMongoError: the server is away, or a transaction that is just adding the document has not ended.
    """
    row = {"_id": unit, "committed": False, "at": datetime.now(UTC)}
    try:
        if not is_transaction:
            database[UNITS].insert_one(row)
            return False
        with database.client.start_session() as handle, handle.start_transaction():
            database[UNITS].insert_one(row, session=handle)
    except DuplicateKeyError:
        found = database[UNITS].with_options(read_concern=ReadConcern("majority")).find_one({"_id": unit})
        return bool(found and found["committed"])
    return False
