"""Over which stores the two sides are tried, and the server that one of them needs."""

from functools import cache

import pytest

from bench.places import SERVER
from tests.servers import Postgres, postgres

FLOORS = ["sqlite", "postgres"]
LIBRARIES = FLOORS


def server_for(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server up that a store needs, where the bench looks for it."""
    if store == "postgres":
        monkeypatch.setenv(SERVER, postgres())


def logging_server_for(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a server up that writes a log, in which plans can be read."""
    if store == "postgres":
        monkeypatch.setenv(SERVER, _logging_server())


@cache
def _logging_server() -> str:
    return Postgres(logging_collector="on", log_line_prefix="", log_rotation_size="0").start()
