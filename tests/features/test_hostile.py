import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from backo import DBMemoryConnector, DBPostgresConnector, DBSqliteConnector, DBYmlConnector
from backo.http.routes import ROUTES, Route
from tests.features.dialogue import Connector, talking
from tests.features.hostile import FIELDS, JSON, Attack, attacks, sound
from tests.scale import record_figure, scaled
from tests.servers import postgres_in

BASE = "/library"
SECONDS = 10  # for one request, on a busy machine

Opener = Callable[[Path, str], Connector]


def in_memory(folder: Path, name: str) -> Connector:
    """Keep a collection in memory."""
    return DBMemoryConnector()


def in_sqlite(folder: Path, name: str) -> Connector:
    """Keep a collection in a database."""
    return DBSqliteConnector(path=str(folder / "library.sqlite"), table=name)


def in_yaml(folder: Path, name: str) -> Connector:
    """Keep a collection in a folder."""
    return DBYmlConnector(path=str(folder / name))


def in_postgres(folder: Path, name: str) -> Connector:
    """Keep a collection in a database that several sessions write to."""
    return DBPostgresConnector(connection_string=postgres_in(folder), table=name)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail, rather than hang, when the time is over."""

    def fail(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"still busy after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def send(client: FlaskClient, attack: Attack) -> int:
    """Send one request and judge the form of its answer; give the status."""
    with at_most(SECONDS):
        answer = client.open(attack.path, method=attack.method, data=attack.body, headers=dict(attack.headers))
    assert answer.status_code < 500, (str(attack), answer.text[:500])
    assert "X-Injected" not in answer.headers
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json", str(attack)
        if attack.method != "HEAD":
            assert json.loads(answer.data)["status"] == answer.status_code, str(attack)
    return answer.status_code


def stored(client: FlaskClient) -> dict[str, Any]:
    """Read all that is stored."""
    return {name: client.get(f"{BASE}/{name}?_page=1000&_sort=_id").json for name in FIELDS}


@contextmanager
def library(opener: Opener, folder: Path) -> Iterator[FlaskClient]:
    """Open a library with two authors and three books, to somebody who means no good."""
    folder.mkdir(exist_ok=True)
    talks = talking(*(opener(folder, name) for name in FIELDS))
    yield next(talks).app.test_client()
    next(talks, None)


@pytest.mark.parametrize(
    ("opener", "share"),
    [
        pytest.param(in_memory, scaled(3, 1), id="memory"),
        pytest.param(in_sqlite, scaled(20, 1), id="sqlite"),
        pytest.param(in_yaml, scaled(20, 1), id="yaml"),
        pytest.param(in_postgres, scaled(20, 1), id="postgres"),
    ],
)
def test_hostile_requests(tmp_path: Path, opener: Opener, share: int) -> None:
    """Each gets a 2xx, 3xx or 4xx in bounded time; what is refused changes nothing."""
    sent = list(attacks(BASE))[::share]
    with library(opener, tmp_path / "first") as client:
        answers = [(attack, send(client, attack)) for attack in sent]
    refused = [attack for attack, status in answers if status >= 400]

    with library(opener, tmp_path / "second") as client:
        expected = stored(client)
        for attack in refused:
            if attack.method not in {"GET", "HEAD"} and send(client, attack) < 400:
                expected = stored(client)  # refused before because of what another one had stored
        assert stored(client) == expected
    kinds = Counter(f"{opener.__name__}_answers_{status // 100}xx" for _, status in answers)
    record_figure("hostile", {f"{opener.__name__}_requests": len(sent), **kinds})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([name for names in FIELDS.values() for name in names])
OBJECTS = st.dictionaries(NAMES | st.text(max_size=8), JSON_VALUES, max_size=5)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "test", "move", "copy"]), "path": st.text(max_size=12)},
    optional={"value": JSON_VALUES, "from": st.text(max_size=12)},
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.one_of(JSON_VALUES, OBJECTS, st.lists(OPERATIONS, max_size=5)).map(json.dumps).map(str.encode),
)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{'+'.join(route.methods)} {route.template}")
def test_random_requests(tmp_path: Path, route: Route) -> None:
    """Nor does anything random break the server."""
    with library(in_memory, tmp_path) as client:

        @given(
            method=st.sampled_from(route.methods),
            collection=st.sampled_from(list(FIELDS)),
            id_=st.sampled_from(["a1", "b1", "l1"]) | st.text(max_size=12),
            pairs=st.lists(st.tuples(NAMES | st.text(max_size=8), st.text(max_size=12)), max_size=3),
            body=BODIES,
        )
        def check(method: str, collection: str, id_: str, pairs: list[tuple[str, str]], body: bytes) -> None:
            name = sound(route)["name"]
            path = route.template.format(collection=collection, id=_quoted(id_), name=name, path=_quoted(id_))
            query = "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in pairs)
            send(client, Attack(method, f"{BASE}{path}?{query}", body, {"Content-Type": "application/json"}))

        check()


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize("times", [18, 60, 1000])
def test_a_patch_that_doubles_an_item(tmp_path: Path, times: int) -> None:
    """A small patch cannot make a large item: what it makes is bounded as a body is."""
    with library(in_memory, tmp_path) as client:
        client.post(f"{BASE}/logs", json={"more": {"a": [1]}})
        before = client.get(f"{BASE}/logs/l1").data
        patch = [{"op": "copy", "from": "/more", "path": f"/more/x{number}"} for number in range(times)]

        status = send(client, Attack("PATCH", f"{BASE}/logs/l1", json.dumps(patch).encode(), JSON))

        assert status in {413, 422}
        assert client.get(f"{BASE}/logs/l1").data == before
