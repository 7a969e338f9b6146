"""Files between the edge and the items: bodies that arrive in odd ways, contents that change while they are sent."""

import io
from typing import Any, BinaryIO

import flask
import pytest
from flask import Flask

from backo import Backoffice, Collection, DBMemoryConnector, File, Item, List, MemoryFileConnector, String

FORM = "multipart/form-data; boundary=x"
BODY = b'--x\r\nContent-Disposition: form-data; name="paper"; filename="a"\r\n\r\nHello\r\n--x--\r\n'


class Opened(MemoryFileConnector):
    """Contents in memory, of which is known what is open."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[BinaryIO] = []
        self.between: Any = None

    def open(self, file_id: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part, after whatever happens in between."""
        between, self.between = self.between, None
        if between is not None:
            between()
        self.streams.append(super().open(file_id, start, length))
        return self.streams[-1]


@pytest.fixture
def work() -> Opened:
    """Keep contents."""
    return Opened()


@pytest.fixture
def backoffice(work: Opened) -> Backoffice:
    """Declare papers."""
    backoffice = Backoffice("shop")
    item = Item({"name": String(), "paper": File(work=work, max_size=200_000), "more": List(File(work=work))})
    backoffice.register_collection(Collection("papers", item, DBMemoryConnector()))
    return backoffice


@pytest.fixture
def app(backoffice: Backoffice) -> Flask:
    """Serve them."""
    app = Flask("app")
    backoffice.build_routes(app)
    return app


def send(app: Flask, body: Any, **environ: Any) -> Any:
    """Send a form."""
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    client: Any = app.test_client()
    return client.post("/shop/papers", input_stream=stream, content_type=FORM, environ_overrides=environ)


def test_a_form_that_says_how_long_it_is(app: Flask, work: Opened) -> None:
    """The usual one."""
    answer = send(app, BODY, CONTENT_LENGTH=str(len(BODY)))

    assert (answer.status_code, answer.json["paper"]["size"], len(list(work.ids()))) == (201, 5, 1)


def test_a_form_in_chunks(app: Flask, work: Opened) -> None:
    """It has no length, and ends where the server says."""
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}

    assert send(app, BODY, **environ).json["paper"]["size"] == 5
    assert send(app, BODY.replace(b"Hello", b"x" * 200_001), **environ).status_code == 413
    assert len(list(work.ids())) == 1


def test_a_form_that_is_cut(app: Flask, work: Opened) -> None:
    """It leaves nothing, whether its length was known or not."""
    for body, length in ((BODY, len(BODY) + 5), (BODY[:-10], len(BODY) - 10), (BODY[:20], 20)):
        answer = send(app, body, CONTENT_LENGTH=str(length))
        assert (answer.status_code, answer.json["code"]) == (400, "malformed")
    assert list(work.ids()) == []


def test_a_form_that_a_hook_has_read(app: Flask) -> None:
    """It is still there."""
    read: list[bytes] = []
    app.before_request(lambda: read.append(flask.request.get_data()))

    assert send(app, BODY, CONTENT_LENGTH=str(len(BODY))).json["paper"]["size"] == 5
    assert len(read) == 1


def test_the_limits_of_the_application_are_its_own(app: Flask) -> None:
    """What Flask is told about forms does not count here."""
    app.config.update(MAX_CONTENT_LENGTH=10, MAX_FORM_MEMORY_SIZE=1, MAX_FORM_PARTS=0)

    assert send(app, BODY, CONTENT_LENGTH=str(len(BODY))).status_code == 201


def test_a_body_larger_than_all_its_parts_may_be(app: Flask) -> None:
    """It is refused before it is read, unless a list may take as much."""
    item = app.test_client()

    assert send(app, BODY, CONTENT_LENGTH=str(200 * 1024**3)).status_code == 413
    assert item.get("/shop/papers").json == {"result": [], "total": 0, "_view": "client", "_skip": 0, "_page": 100}


def test_a_content_is_closed_with_its_answer(app: Flask, backoffice: Backoffice, work: Opened) -> None:
    """Read to its end, given up in the middle, or not sent at all."""
    made: Any = backoffice.papers.create({"paper": b"x" * 150_000})
    client: Any = app.test_client()
    here = f"/shop/papers/{made._id}/paper"

    whole = client.get(here)
    assert len(whole.data) == 150_000
    given_up = client.get(here, buffered=False)
    assert len(next(given_up.iter_encoded())) == 64 * 1024
    assert not work.streams[-1].closed
    given_up.close()
    client.head(here).close()
    whole.close()

    assert len(work.streams) == 3
    assert all(stream.closed for stream in work.streams)


def test_a_file_that_is_replaced_before_it_is_opened(app: Flask, backoffice: Backoffice, work: Opened) -> None:
    """The new one is sent, with its own length and tag."""
    made: Any = backoffice.papers.create({"paper": b"old"})
    client: Any = app.test_client()
    here = f"/shop/papers/{made._id}/paper"
    tag = client.get(here).headers["ETag"]

    def replace() -> None:
        made.paper = b"new one"
        made.save()

    work.between = replace
    answer = client.get(here, headers={"Range": "bytes=0-"})

    assert (answer.status_code, answer.data) == (206, b"new one")
    assert answer.headers["ETag"] != tag


def test_a_file_that_is_deleted_before_it_is_opened(app: Flask, backoffice: Backoffice, work: Opened) -> None:
    """It is not there any more."""
    made: Any = backoffice.papers.create({"paper": b"old"})
    here = f"/shop/papers/{made._id}/paper"

    work.between = made.delete
    assert app.test_client().get(here).status_code == 404
    assert list(work.ids()) == []
