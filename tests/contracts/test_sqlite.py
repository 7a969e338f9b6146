"""The store of SQLite tables."""

from pathlib import Path

from backo.connectors.sqlite import DBSqliteConnector
from backo.testing.connector_contract import ConnectorContract


class TestSqlite(ConnectorContract):
    """Keeps the contract."""

    def make_store(self, folder: Path) -> DBSqliteConnector:
        """Make the store."""
        return DBSqliteConnector(path=folder / "things.db", table="things")
