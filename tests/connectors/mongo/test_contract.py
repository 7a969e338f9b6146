"""The contract of every store, on MongoDB."""

from pathlib import Path

from backo.connectors.mongo import DBMongoConnector
from backo.testing.connector_contract import ConnectorContract
from tests.servers import mongo_in


class TestMongo(ConnectorContract):
    """Keeps the contract; several sessions write at once."""

    writes_alone = False

    def make_store(self, folder: Path) -> DBMongoConnector:
        """Make a store in a database of its own."""
        return DBMongoConnector(connection_string=mongo_in(folder), collection="things of /all\\ sorts")
