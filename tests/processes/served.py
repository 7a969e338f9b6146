"""The application that a server of several processes serves, and what tests ask its processes.

Its environment says what to serve: `GRAPH_KIND` and `GRAPH_FOLDER`; with `GRAPH_EARLY`, the database
is used before any process is forked, as an application does that looks something up when it starts.
"""

import atexit
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask

from backo.connectors.postgres.session import PostgresSession
from backo.work.unit import unit_of_work
from tests.processes.graph import declare

FOLDER = Path(os.environ["GRAPH_FOLDER"])
STARTED = FOLDER / "started"  # a line for each request that has reached the application

backoffice = declare(os.environ["GRAPH_KIND"], FOLDER)
app = Flask("graph")
backoffice.build_routes(app)


def tell(name: str, text: str) -> None:
    """Add a line to a file, in one write."""
    descriptor = os.open(FOLDER / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def connection() -> dict[str, int]:
    """Tell which process we are, and through which connection of the database we speak."""
    with unit_of_work(backoffice.catalog, writing=False) as unit:
        session = unit.session(backoffice.catalog.entry("counters"))
        if isinstance(session, PostgresSession):
            found = int(session.rows("SELECT pg_backend_pid()")[0][0])
        else:
            found = 0
            backoffice.counters.count()
    return {"process": os.getpid(), "connection": found}


@app.get("/connection")
def say_connection() -> dict[str, int]:
    """Say which process and which connection."""
    return connection()


@app.post("/slowly/<id_>/<seconds>")
def count_slowly(id_: str, seconds: str) -> dict[str, int]:
    """Count a counter up in one unit of work, and take time before it ends."""

    def do() -> None:
        item: Any = backoffice.counters.get_by_id(id_)
        item.count += 1
        item.save()
        next(iter(backoffice.counters.select({"count": item.count})), None)  # the store is handed what is written
        tell("held", str(os.getpid()))
        time.sleep(float(seconds))

    backoffice.run(do)
    return {"process": os.getpid()}


def noting(wsgi: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Note each request that has a number when it reaches the application."""

    def noted(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        number = environ.get("HTTP_X_NUMBER")
        if number:
            tell(STARTED.name, number)
        return wsgi(environ, start)

    return noted


app.wsgi_app = noting(app.wsgi_app)  # type: ignore[method-assign]  # the documented way

if "GRAPH_EARLY" in os.environ:
    PARENT = connection()
    tell("parent", json.dumps(PARENT))

    def look_again() -> None:
        """Tell whether the connection of the first process still works when all others have ended."""
        if os.getpid() == PARENT["process"]:
            tell("parent", json.dumps(connection()))

    atexit.register(look_again)
