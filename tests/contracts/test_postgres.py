"""The store of PostgreSQL tables."""

from pathlib import Path

from backo.connectors.postgres import DBPostgresConnector
from backo.testing.connector_contract import ConnectorContract
from tests.servers import postgres_in


class TestPostgres(ConnectorContract):
    """Keeps the contract."""

    writes_alone = False

    def make_store(self, folder: Path) -> DBPostgresConnector:
        """Make the store, in a schema of its own."""
        return DBPostgresConnector(connection_string=postgres_in(folder))
