"""The contract of every store, on a file and a table with names that have to be quoted."""

from pathlib import Path

from backo.connectors.sqlite import DBSqliteConnector
from backo.testing.connector_contract import ConnectorContract


class TestSqliteWithOddNames(ConnectorContract):
    """Keeps the contract, synced at checkpoints only."""

    def make_store(self, folder: Path) -> DBSqliteConnector:
        """Make a store in the folder."""
        return DBSqliteConnector(path=folder / "a ? #b.db", table='x"; DROP TABLE y --', synchronous="NORMAL")
