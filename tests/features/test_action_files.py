"""Actions that are given files: as text, in base64, and as parts of a form."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backo import Action, Backoffice, BlobFile, Collection, File, FileSystemConnector, Item, List, String
from tests.files.samples import SAMPLES
from tests.work.stores import FEW, connector

PNG = next(one.content for one in SAMPLES if one.content_type == "image/png")


def publish(action: Any, book: Any) -> None:
    """Take a cover and pages into the book."""
    book.cover = action.cover
    book.notes = [*action.notes] if action.notes else None
    book.save()
    if action.title == "fail":
        raise RuntimeError(action.title)


@pytest.fixture(params=FEW)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FlaskClient]:
    """A book that can be published, on each store."""
    work = FileSystemConnector(path=tmp_path / "files")
    backoffice = Backoffice("press")
    where = connector(request.param, tmp_path, "books")
    where.generate_id = lambda _: "b1"
    item = Item({"cover": File(work=work), "notes": List(BlobFile())})
    books = Collection("books", item, where, meta_data_handler=None)
    parameters = {
        "title": String(),
        "cover": File(work=work, mime_types=["image/png"], max_size=100_000),
        "notes": List(BlobFile(max_size=10)),
    }
    books.register_action("publish", Action(parameters, publish))
    backoffice.register_collection(books)
    backoffice.books.create({})
    flask = Flask("press")
    backoffice.build_routes(flask)
    yield flask.test_client()
    backoffice.close()


def kept(folder: Path) -> list[bytes]:
    """Give the contents in the folder of files; nothing else may lie there."""
    return sorted(one.read_bytes() for one in (folder / "files").rglob("*") if one.is_file())


def test_a_form(client: FlaskClient, tmp_path: Path) -> None:
    """The parts of a form are parameters, and their contents become those of the item."""
    form = {"_json": '{"title": "x"}', "cover": (io.BytesIO(PNG), "front.png"), "notes": (io.BytesIO(b"one"), "1.txt")}

    answer = client.post("/press/books/_actions/publish/b1", data=form, content_type="multipart/form-data")

    assert (answer.status_code, answer.get_json()["cover"]["filename"], answer.get_json()["cover"]["size"]) == (
        200,
        "front.png",
        len(PNG),
    )
    assert [one["filename"] for one in answer.get_json()["notes"]] == ["1.txt"]
    assert client.get(answer.get_json()["cover"]["href"]).data == PNG
    assert client.get(answer.get_json()["notes"][0]["href"]).data == b"one"
    assert kept(tmp_path) == [PNG]


def test_text(client: FlaskClient) -> None:
    """Small files may be text."""
    answer = client.post("/press/books/_actions/publish/b1", json={"notes": ["a", "base64:Yg=="]})

    assert [client.get(one["href"]).data for one in answer.get_json()["notes"]] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("form", "status", "path"),
    [
        ({"cover": (io.BytesIO(b"<html>"), "front.png")}, 422, "$.cover"),
        ({"notes": (io.BytesIO(b"x" * 11), "1.txt")}, 413, "$.notes"),
        ({"page": (io.BytesIO(b"x"), "1.txt")}, 422, "$"),
        ({"_json": '{"title": 5}', "cover": (io.BytesIO(PNG), "front.png")}, 422, "$.title"),
    ],
)
def test_what_is_refused(client: FlaskClient, tmp_path: Path, form: dict[str, Any], status: int, path: str) -> None:
    """A parameter that does not fit is told by its path, and leaves nothing behind."""
    sent = {
        name: (io.BytesIO(one[0].getvalue()), one[1]) if isinstance(one, tuple) else one for name, one in form.items()
    }

    answer = client.post("/press/books/_actions/publish/b1", data=sent, content_type="multipart/form-data")

    assert (answer.status_code, answer.get_json()["errors"][0]["path"]) == (status, path)
    assert kept(tmp_path) == []


def test_an_action_that_fails(client: FlaskClient, tmp_path: Path) -> None:
    """What it saved is undone, contents included."""
    form = {"_json": '{"title": "fail"}', "cover": (io.BytesIO(PNG), "front.png")}

    answer = client.post("/press/books/_actions/publish/b1", data=form, content_type="multipart/form-data")

    assert answer.status_code == 500
    assert client.get("/press/books/b1").get_json()["cover"] is None
    assert kept(tmp_path) == []
