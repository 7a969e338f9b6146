"""The floor and the library give the same bytes, request by request."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bench import floor, model, ours
from bench.places import Place
from tests.bench.serving import LIBRARIES, server_for

EQUAL_HEADERS = (
    "Content-Type",
    "ETag",
    "Location",
    "X-Total-Count",
    "Cache-Control",
    "Vary",
)
SITES, PEOPLE = "/bench/sites", "/bench/people"
NOBODY = "018cc251-f400-7000-8000-ffffffffffff"


class Places(NamedTuple):
    """Where the two sides keep their data."""

    ours: Place
    floor: Place


@dataclass
class Dialogue:
    """Asks both sides the same, at the same time and with the same next id."""

    clients: list[FlaskClient] = field(default_factory=list)
    asked: int = 0

    def now(self) -> datetime:
        """Return a time that is a new one for each request, whole seconds now and then."""
        return datetime(2025, 3, 30, 1, 59, tzinfo=UTC) + timedelta(milliseconds=250 * self.asked)

    def new_id(self) -> str:
        """Return the id of what this request creates."""
        return f"0195e4a1-0000-7000-8000-{self.asked:012x}"

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """Return the answer both sides gave."""
        self.asked += 1
        answer, by_hand = [client.open(path, method=method, **options) for client in self.clients]
        assert answer.status_code == by_hand.status_code, (answer.text, by_hand.text)
        if answer.status_code < 400:
            assert answer.data == by_hand.data
            for name in EQUAL_HEADERS:
                assert answer.headers.get(name) == by_hand.headers.get(name), name
        else:
            assert answer.mimetype == by_hand.mimetype == "application/problem+json"
        return answer


@contextmanager
def serving(places: Places) -> Iterator[Dialogue]:
    """Serve both sides, each over its place."""
    dialogue = Dialogue()
    app = Flask("ours")
    backoffice = ours.declare(places.ours, dialogue.now, dialogue.new_id)
    backoffice.build_routes(app)
    by_hand = floor.create_app(places.floor, dialogue.now, dialogue.new_id)
    dialogue.clients = [app.test_client(), by_hand.test_client()]
    with closing(backoffice), closing(by_hand.extensions["store"]):
        yield dialogue


@pytest.fixture(params=LIBRARIES)
def places(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Where the two sides keep their data, without items."""
    server_for(request.param, monkeypatch)
    place = Place(request.param, tmp_path)
    both = Places(place.within("ours"), place.within("floor"))
    for one in both:
        one.make()
    yield both
    for one in both:
        one.remove()


@pytest.fixture
def empty(places: Places) -> Iterator[Dialogue]:
    """Both sides, without items."""
    with serving(places) as dialogue:
        yield dialogue


@pytest.fixture
def filled(places: Places) -> Iterator[Dialogue]:
    """Both sides with three sites, the last one without people, filled as the bench does it."""
    ours.fill(places.ours, model.sites(3), model.people(150, 2))
    floor.fill(places.floor, model.sites(3), model.people(150, 2))
    with serving(places) as dialogue:
        yield dialogue


def one(number: int) -> str:
    """Return the path of a filled person."""
    return f"{PEOPLE}/{model.person_id(number)}"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="only what is required"),
        pytest.param(dict.fromkeys(model.person(1, 0).keys() - {"site", "name"}), id="nulls"),
        pytest.param({"address": {"city": "Gent"}}, id="part of an address"),
        pytest.param({"tags": [], "male": False, "age": 0, "surname": ""}, id="falsy values"),
        pytest.param({"surname": 'Ünï "quoted" \\ \n \u0001 \U0001f600'}, id="odd text"),
        pytest.param({"salary": -0.125, "age": 150, "birth": "2024-02-29"}, id="bounds"),
        pytest.param(model.person(1, 0), id="every field"),
    ],
)
def test_created_items(empty: Dialogue, values: model.Values) -> None:
    """What is created reads the same, in the answer, alone and in a list."""
    site = empty.ask("POST", SITES, json={"name": "Here"}).get_json()["_id"]

    created = empty.ask("POST", PEOPLE, json={"name": "Ann"} | values | {"site": site})

    assert created.status_code == 201
    assert empty.ask("GET", created.headers["Location"]).data == created.data
    assert empty.ask("GET", PEOPLE).get_json()["result"] == [created.get_json()]


@pytest.mark.parametrize("path", [f"{SITES}/{model.site_id(0)}", one(7)], ids=["site", "person"])
def test_reads(filled: Dialogue, path: str) -> None:
    """One item, its head, and nothing when it is known already."""
    etag = filled.ask("GET", path).headers["ETag"]

    assert filled.ask("HEAD", path).status_code == 200
    assert filled.ask("GET", path, headers={"If-None-Match": etag}).status_code == 304
    assert filled.ask("GET", path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "_page=10",
        "_page=1000",
        "_page=7&_skip=30",
        "_skip=200",
        "_sort=name",
        "_sort=-age,name&_page=20",
        "age=30",
        "age.$gte=30&_sort=name&_page=10",
        "age.$gt=10&age.$lt=60&_sort=-name",
        "name.$ne=Badenba&_page=5",
        f"site={model.site_id(1)}&_page=3",
        "age.$gt=120",
    ],
)
def test_lists(filled: Dialogue, query: str) -> None:
    """A page with its total, filtered and sorted."""
    assert filled.ask("GET", f"{PEOPLE}?{query}").status_code == 200
    assert filled.ask("GET", SITES).get_json()["total"] == 3


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"age": 41, "salary": 0.5}, id="two fields"),
        pytest.param({"address": {"number": 1}}, id="inside an address"),
        pytest.param({"address": None, "email": None}, id="to nothing"),
        pytest.param({"tags": ["night"]}, id="a list"),
        pytest.param({"site": model.site_id(2)}, id="another site"),
        pytest.param({}, id="nothing sent"),
        pytest.param({"name": model.person(7, 0)["name"]}, id="nothing changed"),
    ],
)
def test_updates(filled: Dialogue, changes: model.Values) -> None:
    """An item changed in part, also when it is sent back whole."""
    before = filled.ask("GET", one(7)).get_json()

    changed = filled.ask("PUT", one(7), json=changes)

    assert changed.status_code == 200
    assert filled.ask("GET", one(7)).data == changed.data
    whole = changed.get_json() | {"surname": before["surname"] + "!"}
    assert filled.ask("PUT", one(7), json=whole).get_json()["surname"].endswith("!")


def test_matching(filled: Dialogue) -> None:
    """A write that names a version needs that version."""
    etag = filled.ask("GET", one(7)).headers["ETag"]
    known = {"If-Match": etag}

    assert filled.ask("PUT", one(7), json={"age": 1}, headers=known).status_code == 200
    assert filled.ask("PUT", one(7), json={"age": 2}, headers=known).status_code == 412
    assert filled.ask("DELETE", one(7), headers=known).status_code == 412
    assert filled.ask("DELETE", one(7), headers={"If-Match": "*"}).status_code == 204


def test_deletes(filled: Dialogue) -> None:
    """A person goes, a site only when it has no people."""
    assert filled.ask("DELETE", one(7)).status_code == 204
    assert filled.ask("GET", one(7)).status_code == 404
    assert filled.ask("DELETE", one(7)).status_code == 404
    assert filled.ask("DELETE", f"{SITES}/{model.site_id(0)}").status_code == 409
    assert filled.ask("DELETE", f"{SITES}/{model.site_id(2)}").status_code == 204
    assert filled.ask("GET", f"{PEOPLE}?_page=1").get_json()["total"] == 149


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", 12),
        ("name", None),
        ("name", "n" * 501),
        ("surname", "\0"),
        ("age", "12"),
        ("age", 12.5),
        ("age", True),
        ("age", 151),
        ("age", -1),
        ("male", 1),
        ("salary", "1"),
        ("birth", "2023-02-29"),
        ("tags", "night"),
        ("tags", ["night", 1]),
        ("address", []),
        ("address", {"number": "1"}),
        ("address", {"nowhere": 1}),
        ("site", None),
        ("site", 1),
        ("site", NOBODY),
        ("unknown", 1),
        ("_id", "other"),
    ],
)
def test_values_refused(filled: Dialogue, path: str, value: Any) -> None:
    """What does not fit is refused on the way in, and nothing is stored."""
    before = filled.ask("GET", one(7)).data

    assert filled.ask("PUT", one(7), json={path: value}).status_code == 422
    created = filled.ask("POST", PEOPLE, json=model.person(1, 0) | {path: value})

    assert created.status_code == 422
    assert filled.ask("GET", one(7)).data == before
    assert filled.ask("GET", f"{PEOPLE}?_page=1").get_json()["total"] == 150


@pytest.mark.parametrize(
    ("status", "method", "path"),
    [
        (404, "GET", f"{PEOPLE}/{NOBODY}"),
        (404, "DELETE", f"{PEOPLE}/{NOBODY}"),
        (405, "DELETE", PEOPLE),
        (400, "GET", f"{PEOPLE}?_page=1001"),
        (400, "GET", f"{PEOPLE}?_page=ten"),
        (400, "GET", f"{PEOPLE}?age=young"),
        (400, "GET", f"{PEOPLE}?age.$most=1"),
        (400, "GET", f"{PEOPLE}?unknown=1"),
        (400, "GET", f"{PEOPLE}?_sort=unknown"),
    ],
)
def test_requests_refused(filled: Dialogue, status: int, method: str, path: str) -> None:
    """What is unknown or not allowed is answered with a problem."""
    assert filled.ask(method, path).status_code == status


@pytest.mark.parametrize(
    ("status", "body", "mimetype"),
    [
        (400, b"{", "application/json"),
        (400, b'{"name": "\\ud800"}', "application/json"),
        (415, b"name: Ann", "application/yaml"),
    ],
)
def test_bodies_refused(filled: Dialogue, status: int, body: bytes, mimetype: str) -> None:
    """What is not JSON is answered with a problem."""
    assert filled.ask("POST", PEOPLE, data=body, content_type=mimetype).status_code == status
    assert filled.ask("PUT", one(7), data=body, content_type=mimetype).status_code == status
