"""The routes of the floor: list, read, create, update and delete people and sites."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from importlib import import_module

import msgspec
from flask import Flask, Response, request

from bench.floor.answers import RefusedError, answer_errors, bare_answer, etag_of, json_answer
from bench.floor.checks import missing_parent
from bench.floor.kinds import PEOPLE, SITES, Kind, checked, merged, new_document, row_of, touched
from bench.floor.listing import listing
from bench.floor.store import Change, Store
from bench.model import FILLED_AT, Clock, NewId, Values, utc_now
from bench.places import Place

_decode = msgspec.json.Decoder().decode


def uuid7() -> str:
    """Return a UUIDv7: milliseconds since 1970, then random bits."""
    bits = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | secrets.randbits(12) << 64
    digits = f"{bits | 2 << 62 | secrets.randbits(62):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def create_app(place: Place, clock: Clock = utc_now, new_id: NewId = uuid7) -> Flask:
    """Return the application over the database at `place`; tables are made when missing."""
    app = Flask("floor")
    app.config["MAX_CONTENT_LENGTH"] = 1 << 20
    answer_errors(app)
    store = app.extensions["store"] = _store(place)
    for kind in (SITES, PEOPLE):
        Routes(kind, store, clock, new_id).add_to(app)
    return app


def fill(place: Place, sites: Iterable[Values], people: Iterable[Values]) -> None:
    """Store `sites` and `people`, which carry their `_id`, each in one transaction."""
    store = _store(place)
    for kind, items in ((SITES, sites), (PEOPLE, people)):
        store.fill(kind, (_filled(kind, values) for values in items))
    store.close()


def _store(place: Place) -> Store:
    store: Store = import_module(f"bench.floor.{place.store}").Store(place)
    return store


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
        asked = listing(request.args, self._kind.columns, self._store.dialect)
        page = self._store.page(self._kind, asked)
        headers = {"X-Total-Count": str(page.total)}
        end = asked.skip + page.count
        if end < page.total:
            headers["Link"] = f'<{self._path}?_skip={end}&_page={asked.page}>; rel="next"'
        shown = f'],"total":{page.total},"_view":"client","_skip":{asked.skip},"_page":{asked.page}}}'
        return json_answer(200, b'{"result":[' + page.body + shown.encode(), headers)

    def read(self, item_id: str) -> Response:
        """Answer one item, or 304."""
        body = _found(self._store.one(self._kind, item_id))
        etag = etag_of(body)
        if request.if_none_match.contains_weak(etag):
            return bare_answer(304, {"ETag": f'"{etag}"'})
        return json_answer(200, body, {"ETag": f'"{etag}"'})

    def create(self) -> Response:
        """Store a new item under an existing parent."""
        values = checked(self._kind, _body())
        document = new_document(self._kind, values, self._new_id(), self._clock())
        row = row_of(document)
        with self._store.changing() as change:
            if self._kind is PEOPLE:
                _check_parent(change, document)
            change.insert(self._kind, row)
        body = row["doc"].encode()
        location = f"{self._path}/{document['_id']}"
        return json_answer(201, body, {"ETag": f'"{etag_of(body)}"', "Location": location})

    def update(self, item_id: str) -> Response:
        """Lay what was sent over the stored item."""
        values = _body()
        sent_back = {key: values.pop(key) for key in ("_id", "_meta") if key in values}
        changes = checked(self._kind, values)
        with self._store.changing() as change:
            body = _found(change.held(self._kind, item_id))
            _check_match(body)
            before = _decode(body)
            if any(before[key] != value for key, value in sent_back.items()):
                raise RefusedError(422, "_id and _meta cannot be changed.")
            after = merged(self._kind, before, changes)
            if after != before:
                if self._kind is PEOPLE and after["site"] != before["site"]:
                    _check_parent(change, after)
                row = row_of(touched(after, self._clock()))
                change.update(self._kind, row)
                body = row["doc"].encode()
        return json_answer(200, body, {"ETag": f'"{etag_of(body)}"'})

    def delete(self, item_id: str) -> Response:
        """Delete an item nothing refers to."""
        with self._store.changing() as change:
            _check_match(_found(change.held(self._kind, item_id)))
            if self._kind is SITES and change.has_people(item_id):
                raise RefusedError(409, "Someone still refers to this site.")
            change.delete(self._kind, item_id)
        return bare_answer(204, {})


def _found(body: bytes | None) -> bytes:
    if body is None:
        raise RefusedError(404, "There is no such item.")
    return body


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


def _check_parent(change: Change, person: Values) -> None:
    if not change.has_site(person["site"]):
        raise RefusedError(422, "The item is not valid.", missing_parent("$.site"))


def _check_match(body: bytes) -> None:
    if request.if_match and not request.if_match.contains(etag_of(body)):
        raise RefusedError(412, "The item was changed.")
