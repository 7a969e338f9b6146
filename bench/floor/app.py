"""The routes of the floor: list, read, create, update and delete people and sites."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
from flask import Flask, Response, request

from bench.floor.answers import RefusedError, answer_errors, bare_answer, etag_of, json_answer
from bench.floor.checks import missing_parent
from bench.floor.kinds import PEOPLE, SITES, Kind, checked, merged, new_document, row_of, touched
from bench.floor.listing import listing
from bench.floor.store import Store
from bench.model import FILLED_AT, Clock, NewId, Values, utc_now

_FILE = "floor.sqlite"
_decode = msgspec.json.Decoder().decode


def uuid7() -> str:
    """Return a UUIDv7: milliseconds since 1970, then random bits."""
    bits = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | secrets.randbits(12) << 64
    digits = f"{bits | 2 << 62 | secrets.randbits(62):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def create_app(folder: Path, clock: Clock = utc_now, new_id: NewId = uuid7) -> Flask:
    """Return the application over the database in `folder`, which is made when missing."""
    app = Flask("floor")
    app.config["MAX_CONTENT_LENGTH"] = 1 << 20
    answer_errors(app)
    store = app.extensions["store"] = Store(folder / _FILE)
    for kind in (SITES, PEOPLE):
        Routes(kind, store, clock, new_id).add_to(app)
    return app


def fill(folder: Path, sites: Iterable[Values], people: Iterable[Values]) -> None:
    """Store `sites` and `people`, which carry their `_id`, in one transaction."""
    store = Store(folder / _FILE)
    with store.writing() as connection:
        for kind, items in ((SITES, sites), (PEOPLE, people)):
            connection.executemany(kind.insert, (_filled(kind, values) for values in items))
    store.close()


def _filled(kind: Kind, values: Values) -> Values:
    item_id = values.pop("_id")
    return row_of(new_document(kind, checked(kind, values), item_id, FILLED_AT))


class Routes:
    """The five routes of one kind."""

    def __init__(self, kind: Kind, store: Store, clock: Clock, new_id: NewId) -> None:
        self._kind = kind
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._path = f"/bench/{kind.name}"

    def add_to(self, app: Flask) -> None:
        """Add the routes to `app`."""
        for method, rule, view in (
            ("GET", self._path, self.list_page),
            ("POST", self._path, self.create),
            ("GET", f"{self._path}/<item_id>", self.read),
            ("PUT", f"{self._path}/<item_id>", self.update),
            ("DELETE", f"{self._path}/<item_id>", self.delete),
        ):
            app.add_url_rule(rule, f"{self._kind.name}.{view.__name__}", view, methods=[method])

    def list_page(self) -> Response:
        """Answer one page with the total."""
        asked = listing(request.args, self._kind.columns)
        tail = f"FROM {self._kind.name}{asked.where}"
        connection = self._store.connection
        (total,) = connection.execute(f"SELECT count(*) {tail}", asked.values).fetchone()
        rows = connection.execute(
            f"SELECT doc {tail} ORDER BY {asked.order} LIMIT ? OFFSET ?",
            (*asked.values, asked.page, asked.skip),
        ).fetchall()
        headers = {"X-Total-Count": str(total)}
        end = asked.skip + len(rows)
        if end < total:
            headers["Link"] = f'<{self._path}?_skip={end}&_page={asked.page}>; rel="next"'
        body = (
            f'{{"result":[{",".join([doc for (doc,) in rows])}],"total":{total},'
            f'"_view":"client","_skip":{asked.skip},"_page":{asked.page}}}'
        )
        return json_answer(200, body.encode(), headers)

    def read(self, item_id: str) -> Response:
        """Answer one item, or 304."""
        body = self._stored(self._store.connection, item_id).encode()
        etag = etag_of(body)
        if request.if_none_match.contains_weak(etag):
            return bare_answer(304, {"ETag": f'"{etag}"'})
        return json_answer(200, body, {"ETag": f'"{etag}"'})

    def create(self) -> Response:
        """Store a new item under an existing parent."""
        values = checked(self._kind, _body())
        document = new_document(self._kind, values, self._new_id(), self._clock())
        row = row_of(document)
        with self._store.writing() as connection:
            if self._kind is PEOPLE:
                _check_parent(connection, document)
            connection.execute(self._kind.insert, row)
        body = row["doc"].encode()
        location = f"{self._path}/{document['_id']}"
        return json_answer(201, body, {"ETag": f'"{etag_of(body)}"', "Location": location})

    def update(self, item_id: str) -> Response:
        """Lay what was sent over the stored item."""
        values = _body()
        sent_back = {key: values.pop(key) for key in ("_id", "_meta") if key in values}
        changes = checked(self._kind, values)
        with self._store.writing() as connection:
            text = self._stored(connection, item_id)
            _check_match(text)
            before = _decode(text)
            if any(before[key] != value for key, value in sent_back.items()):
                raise RefusedError(422, "_id and _meta cannot be changed.")
            after = merged(self._kind, before, changes)
            if after != before:
                if self._kind is PEOPLE and after["site"] != before["site"]:
                    _check_parent(connection, after)
                row = row_of(touched(after, self._clock()))
                connection.execute(self._kind.update, row)
                text = row["doc"]
        body = text.encode()
        return json_answer(200, body, {"ETag": f'"{etag_of(body)}"'})

    def delete(self, item_id: str) -> Response:
        """Delete an item nothing refers to."""
        with self._store.writing() as connection:
            _check_match(self._stored(connection, item_id))
            if self._kind is SITES:
                _check_childless(connection, item_id)
            connection.execute(f"DELETE FROM {self._kind.name} WHERE _id = ?", (item_id,))
        return bare_answer(204, {})

    def _stored(self, connection: sqlite3.Connection, item_id: str) -> str:
        statement = f"SELECT doc FROM {self._kind.name} WHERE _id = ?"
        row: tuple[str] | None = connection.execute(statement, (item_id,)).fetchone()
        if row is None:
            raise RefusedError(404, "There is no such item.")
        return row[0]


def _body() -> Values:
    if request.mimetype != "application/json":
        raise RefusedError(415, "A body of application/json is expected.")
    try:
        values = _decode(request.get_data())
    except msgspec.DecodeError as error:
        raise RefusedError(400, f"The body is not JSON: {error}") from error
    if type(values) is not dict:
        raise RefusedError(422, "An object is expected.")
    return values


def _check_parent(connection: sqlite3.Connection, person: Values) -> None:
    found = connection.execute("SELECT 1 FROM sites WHERE _id = ?", (person["site"],))
    if found.fetchone() is None:
        raise RefusedError(422, "The item is not valid.", missing_parent("$.site"))


def _check_childless(connection: sqlite3.Connection, site_id: str) -> None:
    found = connection.execute("SELECT 1 FROM people WHERE site = ? LIMIT 1", (site_id,))
    if found.fetchone() is not None:
        raise RefusedError(409, "Someone still refers to this site.")


def _check_match(text: str) -> None:
    if request.if_match and not request.if_match.contains(etag_of(text.encode())):
        raise RefusedError(412, "The item was changed.")
