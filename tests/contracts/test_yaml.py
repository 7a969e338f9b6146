"""The store of YAML files."""

from pathlib import Path

from backo.connectors.yaml import DBYmlConnector
from backo.testing.connector_contract import ConnectorContract


class TestYaml(ConnectorContract):
    """Keeps the contract."""

    def make_store(self, folder: Path) -> DBYmlConnector:
        """Make the store."""
        return DBYmlConnector(path=folder / "things")
