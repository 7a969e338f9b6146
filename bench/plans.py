"""How a database ran the statements that requests caused: asked of SQLite again, told by PostgreSQL at once."""

from __future__ import annotations

import re
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch
from uuid import uuid4

from flask.testing import FlaskClient

from bench.client import Answer
from bench.places import Place, run

_Asked: TypeAlias = tuple[Path, str]  # a file, and a statement with its values

_TOLD = (  # of the sessions whose statements we want to see; the others say nothing
    ("session_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_nested_statements", "on"),
    ("log_min_messages", "log"),
)
_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE")
_ENTRY = re.compile(r"duration: .* plan:\n((?:\t.*\n)+)")
_WALK = re.compile(r"Seq Scan on .*\(cost=[\d.]+\.\.([\d.]+)")
_LEAST_WALK = 100.0  # what it costs by the reckoning of PostgreSQL, where to read a page costs 1
_PATIENCE = 20.0  # seconds that the server may take to write its log


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, and the steps by which it ran."""

    statement: str
    steps: list[str]

    @property
    def walks_a_table(self) -> bool:
        """Tell whether every row of a table was looked at; one of a few pages is read whole with the least work."""
        return any(map(_walks_a_table, self.steps))


def _walks_a_table(step: str) -> bool:
    walk = _WALK.search(step)
    if walk is not None:
        return float(walk[1]) > _LEAST_WALK
    return step.startswith("SCAN ") and " USING " not in step


class Recorder(ABC):
    """Answers requests in this process, and tells by which plans."""

    warm_up = 7
    """Requests before one is recorded: the driver of PostgreSQL prepares what it has seen five times."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def exchange(self, request: bytes) -> Answer:
        """Answer a request of `bench.client`."""
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.decode().split(" ", 2)
        kind = "application/json" if body else None
        answer = self._client.open(path, method=method, data=body, content_type=kind)
        return Answer(answer.status_code, answer.data, b"\r\n" + str(answer.headers).encode())

    @abstractmethod
    def record(self, request: bytes) -> tuple[Answer, list[Plan]]:
        """Answer a request; tell how the statements ran that it caused."""


@contextmanager
def recorder(place: Place, side: str = "ours") -> Iterator[Recorder]:
    """Have a side answer in this process, over the data at a place."""
    asked: list[_Asked] = []
    with patch.object(sqlite3, "connect", _traced(sqlite3.connect, asked)):
        app = import_module(f"bench.{side}").create_app(replace(place, settings=_TOLD))
        with closing(app.extensions["store"]):
            client = app.test_client()
            yield _OfSqlite(client, asked) if place.store == "sqlite" else _OfPostgres(client, place)


def _traced(connect: Callable[..., sqlite3.Connection], asked: list[_Asked]) -> Callable[..., Any]:
    def connect_traced(file: Path, **options: Any) -> sqlite3.Connection:
        connection = connect(file, **options)
        connection.set_trace_callback(lambda statement: asked.append((file, statement)))
        return connection

    return connect_traced


class _OfSqlite(Recorder):
    """Notes the statements, with their values, and asks for the plan of each afterwards."""

    def __init__(self, client: FlaskClient, asked: list[_Asked]) -> None:
        super().__init__(client)
        self._asked = asked

    def record(self, request: bytes) -> tuple[Answer, list[Plan]]:
        self._asked.clear()
        answer = self.exchange(request)
        asked = [(file, text) for file, text in self._asked if text.startswith(_PLANNED)]
        return answer, [Plan(text, _steps(file, text)) for file, text in asked]


def _steps(file: Path, statement: str) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        connection.set_trace_callback(None)
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]


class _OfPostgres(Recorder):
    """Reads in the log of the server what `auto_explain` says between two marks."""

    def __init__(self, client: FlaskClient, place: Place) -> None:
        super().__init__(client)
        self._url = replace(place, settings=_TOLD[-1:]).url()

    def record(self, request: bytes) -> tuple[Answer, list[Plan]]:
        self._told_since_last_mark()
        answer = self.exchange(request)
        return answer, [_plan(entry) for entry in _ENTRY.findall(self._told_since_last_mark())]

    def _told_since_last_mark(self) -> str:
        """Mark the end of the log; give what is between that mark and the one before, as soon as it is written."""
        mark = f"mark of the bench {uuid4()}"
        run(self._url, f"DO $$ BEGIN RAISE LOG '{mark}'; END $$")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            ((text,),) = run(self._url, "SELECT coalesce(pg_read_file(pg_current_logfile()), '')")
            before, found, _ = text.partition(mark)
            if found:
                told: str = before.rpartition("mark of the bench ")[2]
                return told
            time.sleep(0.02)
        raise RuntimeError("the server writes no log that can be read here: it needs logging_collector = on")


def _plan(entry: str) -> Plan:
    """Read one entry: the text of the statement, then lines of which the first shows a cost."""
    lines = [line.removeprefix("\t") for line in entry.splitlines()]
    first = next(position for position, line in enumerate(lines) if "(cost=" in line)
    statement = " ".join(line.strip() for line in lines[:first]).removeprefix("Query Text: ")
    return Plan(statement, lines[first:])
