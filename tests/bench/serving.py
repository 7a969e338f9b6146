"""Over which stores the two sides are tried, and the server that one of them needs."""

import pytest

from bench.places import SERVER
from tests.servers import postgres

FLOORS = ["sqlite", "postgres"]
LIBRARIES = FLOORS


def server_for(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server up that a store needs, where the bench looks for it."""
    if store == "postgres":
        monkeypatch.setenv(SERVER, postgres())
