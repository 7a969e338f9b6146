"""The in-memory store, which is the reference."""

from pathlib import Path

from backo.connectors.memory import DBMemoryConnector
from backo.testing.connector_contract import ConnectorContract


class TestMemory(ConnectorContract):
    """Keeps the contract."""

    def make_store(self, folder: Path) -> DBMemoryConnector:
        """Make the store."""
        return DBMemoryConnector()
