"""Files of items, as dialogues: sent as text, base64 or forms, fetched, replaced, removed; on each store."""

import base64
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backo import (
    SYSTEM,
    Action,
    Backoffice,
    BlobFile,
    Collection,
    DeleteStrategy,
    Dict,
    File,
    FileSystemConnector,
    Item,
    Limits,
    List,
    MemoryFileConnector,
    ObjectStoreFileConnector,
    Ref,
    RefsList,
    String,
    ValidationError,
    acting_as,
    current_user,
)
from backo.files.connectors import FileConnector
from tests.files.samples import DISGUISED, HTML, JPEG, SAMPLES, SVG, Sample, png
from tests.work.stores import FEW, connector

PNG = png()
IMAGES = ["image/png", "image/jpeg"]


class Library:
    """Authors with pictures, and books with files everywhere they can be.

    Attributes:
        backoffice: the application.
        client: asks it.
        folder: where the working copies of files are.
        storage: keeps those of `scan` once more.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = folder / "files"
        work, self.storage = working(kind, self.folder), MemoryFileConnector()
        self.backoffice = Backoffice("library", limits=Limits(body=20_000))
        author = Item(
            {
                "name": String(required=True),
                "pict": File(work=work, mime_types=IMAGES),
                "books": RefsList(coll="books", field="$.author", ods=DeleteStrategy.DELETE_REFERENCED_ITEMS),
            }
        )
        book = Item(
            {
                "title": String(required=True),
                "author": Ref(coll="authors", field="$.books"),
                "cover": File(work=work, max_size=3_000_000),
                "scan": File(work=work, storage=self.storage),
                "thumb": BlobFile(mime_types=IMAGES, max_size=100),
                "shop": Dict({"logo": BlobFile(), "name": String()}),
                "photos": List(File(work=work, max_size=1000)),
                "pages": List(Dict({"number": String(), "image": File(work=work)})),
            }
        )
        store = "memory" if kind == "objects" else kind
        for name, item in {"authors": author, "books": book}.items():
            self.backoffice.register_collection(Collection(name, item, connector(store, folder / "items", name)))
        self.backoffice.books.register_action(
            "illustrate",
            Action(
                {
                    "title": String(),
                    "cover": File(work=work, max_size=3_000_000, required=True, mime_types=IMAGES),
                    "photos": List(BlobFile(max_size=1000)),
                },
                illustrate,
            ),
        )
        app = Flask("library")
        self.backoffice.build_routes(app)
        self.client: Any = app.test_client()

    def create(self, **values: Any) -> Any:
        """Create a book; gives what was answered."""
        answer = self.client.post("/library/books", json={"title": "Alpha", **values})
        assert answer.status_code == 201, answer.json
        return answer.json

    def form(self, method: str, path: str, values: Any = None, headers: Any = None, **files: Any) -> Any:
        """Send a form: files by their path as (content, name), or lists of them."""
        parts = {name: given if isinstance(given, list) else [given] for name, given in files.items()}
        body, content_type = form_of(values, parts)
        return self.client.open(
            f"/library/{path}", method=method, data=body, content_type=content_type, headers=headers
        )

    def content(self, shown: Any) -> bytes:
        """Fetch a file as it is shown."""
        answer = self.client.get(shown["href"])
        assert answer.status_code == 200
        return bytes(answer.data)

    def contents(self) -> int:
        """Count the files on disk, temporary ones included."""
        return sum(len(names) for _, _, names in os.walk(self.folder))


def working(kind: str, folder: Path) -> FileConnector:
    """Say where files are kept: as objects for one kind of library, else in a folder."""
    return ObjectStoreFileConnector(url=folder.as_uri()) if kind == "objects" else FileSystemConnector(path=folder)


def illustrate(action: Any, book: Any) -> None:
    """Give the files to the book, unless its title forbids it."""
    book.set({"title": action.title or book.title, "cover": action.cover, "photos": action.photos})
    book.save()
    if action.title == "No":
        message = "it is refused"
        raise ValidationError(message)


def form_of(values: Any, files: dict[str, list[tuple[bytes, str]]]) -> tuple[bytes, str]:
    """Write a form, as browsers do; gives its bytes and its type."""
    parts = [] if values is None else [('name="_json"', json.dumps(values).encode())]
    parts += [
        (f'name="{name}"; filename="{filename}"\r\nContent-Type: image/png', content)
        for name, given in files.items()
        for content, filename in given
    ]
    pieces = [
        f"--frontier\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    ]
    return b"".join([*pieces, b"--frontier--\r\n"]), "multipart/form-data; boundary=frontier"


@pytest.fixture(params=[*FEW, "objects"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    """Give a library on each store, and one with its files in an object store."""
    (tmp_path / "items").mkdir()
    found = Library(request.param, tmp_path)
    yield found
    found.backoffice.close()


def address(book: Any) -> str:
    """Give the address of a book below the back office."""
    return f"books/{book['_id']}"


# Sending


@pytest.mark.parametrize(
    ("sent", "content", "content_type", "filename"),
    [
        ("Hello", b"Hello", "text/plain", "file.txt"),
        ("", b"", "text/plain", "file.txt"),
        ("base64:" + base64.b64encode(PNG).decode(), PNG, "image/png", "file.png"),
        ("base64:AAECAw==", b"\0\1\2\3", "application/octet-stream", "file"),
    ],
    ids=["text", "empty", "image", "binary"],
)
def test_a_file_in_json(library: Library, sent: str, content: bytes, content_type: str, filename: str) -> None:
    """Text is itself, other content is base64; what is shown tells where to fetch it."""
    book = library.create(cover=sent)

    assert set(book["cover"]) == {"file_id", "filename", "content_type", "size", "href"}
    assert book["cover"] | {"file_id": "?"} == {
        "file_id": "?",
        "filename": filename,
        "content_type": content_type,
        "size": len(content),
        "href": f"/library/{address(book)}/cover",
    }
    assert library.content(book["cover"]) == content
    assert library.client.get(f"/library/{address(book)}").json == book
    assert library.client.get("/library/books").json["result"] == [book]


@pytest.mark.parametrize("sent", ["base64:A", "base64:????", "base64:AA=A", 5, True, ["x"], {"file_id": "x"}, {}])
def test_what_is_no_file(library: Library, sent: Any) -> None:
    """Anything but text, null and the object as it was read is refused, and nothing is kept."""
    answer = library.client.post("/library/books", json={"title": "Alpha", "cover": sent})

    assert (answer.status_code, [one["path"] for one in answer.json["errors"]]) == (422, ["$.cover"])
    assert library.contents() == 0


def test_the_dialogue_of_the_document(library: Library) -> None:
    """An author is created with a picture, gets another one, then another one with a name."""
    made = library.form("POST", "authors/", {"name": "Rambo"}, pict=(PNG, "rambo.png"))
    assert (made.status_code, made.json["pict"]["filename"]) == (201, "rambo.png")
    here = f"authors/{made.json['_id']}"

    second = library.form("PUT", here, pict=(JPEG, "rambo1.jpg"))
    assert (second.status_code, second.json["name"], second.json["pict"]["filename"]) == (200, "Rambo", "rambo1.jpg")

    third = library.form("PUT", here, {"name": "Rimbaud"}, pict=(PNG, "rimbaud.png"))
    assert (third.json["name"], library.content(third.json["pict"])) == ("Rimbaud", PNG)
    assert library.contents() == 1


def test_forms_fill_every_place(library: Library) -> None:
    """Parts are named by the path, in any of its spellings; a list takes several of one name."""
    book = library.form(
        "POST",
        "books",
        {"title": "Alpha", "pages": [{"number": "1"}]},
        **{
            "$.cover": (b"cover", "c.txt"),
            "shop.logo": (b"logo", "l.txt"),
            "photos": [(b"one", "1.txt"), (b"two", "2.txt")],
            "pages/0/image": (b"page", "p.txt"),
        },
    ).json

    assert library.content(book["cover"]) == b"cover"
    assert library.content(book["shop"]["logo"]) == b"logo"
    assert [library.content(one) for one in book["photos"]] == [b"one", b"two"]
    assert library.content(book["pages"][0]["image"]) == b"page"
    assert [book["photos"][1]["href"], book["pages"][0]["image"]["href"]] == [
        f"/library/{address(book)}/photos/1",
        f"/library/{address(book)}/pages/0/image",
    ]


def test_forms_patch(library: Library) -> None:
    """`_json` holds operations; a file is one more, and joins a list at its end."""
    book = library.create(photos=["one"], cover="old")

    patched = library.form(
        "PATCH",
        address(book),
        {"op": "replace", "path": "$.title", "value": "Beta"},
        photos=(b"two", "2.txt"),
        cover=(b"new", "c.txt"),
    )

    assert (patched.status_code, patched.json["title"]) == (200, "Beta")
    assert [library.content(one) for one in patched.json["photos"]] == [b"one", b"two"]
    assert library.content(patched.json["cover"]) == b"new"
    assert library.form("PATCH", address(book), cover=(b"last", "c.txt")).json["cover"]["size"] == 4
    assert library.contents() == 3


def test_forms_without_files(library: Library) -> None:
    """A form may hold `_json` alone; a file input in which nothing was chosen is none."""
    made = library.form("POST", "books", {"title": "Alpha"}, cover=(b"", ""))

    assert (made.status_code, made.json["cover"]) == (201, None)


@pytest.mark.parametrize(
    ("part", "detail"),
    [
        ("title", "title"),
        ("nothing", "nothing"),
        ("shop", "shop"),
        ("_meta", "_meta"),
        ("../x", "../x"),
        ("_id", "_id"),
    ],
)
def test_parts_that_name_no_file(library: Library, part: str, detail: str) -> None:
    """They are refused by name, and what arrived before them is forgotten."""
    answer = library.form("POST", "books", {"title": "Alpha"}, **{"cover": (b"x" * 2_000_000, "c"), part: (b"x", "x")})

    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "unknown")
    assert detail in answer.json["errors"][0]["message"]
    assert library.contents() == 0


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"--x--", 400),
        ("multipart/form-data; boundary=", b"--x--", 400),
        ("multipart/form-data; boundary=x", b"", 400),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="cover"\r\n\r\nHel', 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nx\r\n--x--", 400),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="_json"\r\n\r\n{\r\n--x--',
            400,
        ),
        ("multipart/mixed; boundary=x", b"--x--", 415),
    ],
    ids=["no-boundary", "empty-boundary", "empty", "cut", "no-name", "broken-json", "mixed"],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_broken_forms(library: Library, method: str, content_type: str, body: bytes, status: int) -> None:
    """They are malformed, and leave nothing."""
    path = "books" if method == "POST" else address(library.create())

    stream = io.BytesIO(body)  # the client would make a whole form of nothing
    answer = library.client.open(f"/library/{path}", method=method, input_stream=stream, content_type=content_type)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert library.contents() == 0


def test_a_form_for_items_without_files(tmp_path: Path) -> None:
    """It is read all the same: every route that takes an item takes both forms."""
    backoffice = Backoffice("shop")
    backoffice.register_collection(
        Collection("goods", Item({"name": String()}), connector("memory", tmp_path, "goods"))
    )
    app = Flask("shop")
    backoffice.build_routes(app)

    client: Any = app.test_client()
    made = client.post("/shop/goods", data={"_json": '{"name": "tea"}'}, content_type="multipart/form-data")

    assert (made.status_code, made.json["name"]) == (201, "tea")


# Actions


def test_files_of_actions(library: Library) -> None:
    """Parameters that are files arrive in a form, or in JSON, and stay where the function puts them."""
    book = library.create()
    here = f"books/_actions/illustrate/{book['_id']}"

    formed = library.form(
        "POST", here, {"title": "Beta"}, cover=(PNG, "c.png"), photos=[(b"one", "1.txt"), (b"two", "2.txt")]
    )
    assert (formed.status_code, formed.json["title"], formed.json["cover"]["filename"]) == (200, "Beta", "c.png")
    assert library.content(formed.json["cover"]) == PNG
    assert [library.content(one) for one in formed.json["photos"]] == [b"one", b"two"]
    assert library.contents() == 3

    sent = library.client.post(f"/library/{here}", json={"cover": "base64:" + base64.b64encode(JPEG).decode()})
    assert (sent.status_code, library.content(sent.json["cover"])) == (200, JPEG)
    assert (sent.json["title"], sent.json["photos"], library.contents()) == ("Beta", None, 1)


@pytest.mark.parametrize(
    ("values", "files", "status", "path"),
    [
        ({"title": "No"}, {"cover": (PNG, "c.png")}, 422, None),
        ({}, {"cover": (b"text", "c.png")}, 422, "$.cover"),
        ({}, {"cover": (PNG + b"x" * 3_000_000, "c.png")}, 413, "$.cover"),
        ({}, {"cover": (PNG, "c.png"), "photos": (b"x" * 1001, "p")}, 413, "$.photos"),
        ({}, {"scan": (PNG, "c.png")}, 422, "$"),
        ({}, {}, 422, "$.cover"),
        ({"cover": {"file_id": "x"}}, {}, 422, "$.cover"),
    ],
    ids=["function", "type", "size", "size-in-a-list", "unknown", "missing", "object"],
)
def test_files_of_actions_that_are_refused(
    library: Library, values: Any, files: Any, status: int, path: str | None
) -> None:
    """They are judged as those of items are; the book is as before, and nothing is kept."""
    book = library.create(cover="old")

    answer = library.form("POST", f"books/_actions/illustrate/{book['_id']}", values, **files)

    assert answer.status_code == status
    assert [one["path"] for one in answer.json["errors"]] == ([] if path is None else [path])
    assert library.client.get(f"/library/{address(book)}").json == book
    assert library.contents() == 1


# Unchanged, removed, replaced


def test_what_was_read_can_be_sent_back(library: Library) -> None:
    """The object of a file means that file: nothing changes, on PUT and on both patches."""
    book = library.create(cover="c", scan="s", shop={"logo": "l"}, photos=["1", "2"], pages=[{"image": "p"}])
    merge = {"Content-Type": "application/merge-patch+json"}

    assert library.client.put(f"/library/{address(book)}", json=book).json == book
    assert library.client.patch(f"/library/{address(book)}", json=book, headers=merge).json == book
    replace = [{"op": "replace", "path": "$.cover", "value": book["cover"]}]
    assert library.client.patch(f"/library/{address(book)}", json=replace).json["cover"] == book["cover"]
    assert library.content(book["photos"][1]) == b"2"


def test_lists_are_reordered_and_shortened(library: Library) -> None:
    """Objects that were read keep their files, whatever their place; the others go."""
    book = library.create(photos=["one", "two", "three"])
    one, _, three = book["photos"]

    changed = library.client.put(f"/library/{address(book)}", json={"photos": [three, "base64:AAAA", one]}).json

    assert [library.content(one) for one in changed["photos"]] == [b"three", b"\0\0\0", b"one"]
    assert [changed["photos"][0]["file_id"], changed["photos"][2]["file_id"]] == [three["file_id"], one["file_id"]]
    assert library.contents() == 3


@pytest.mark.parametrize(
    "change", [{"filename": "x"}, {"size": 9}, {"content_type": "text/html"}, {"more": 1}], ids=str
)
def test_a_changed_object_is_refused(library: Library, change: dict[str, Any]) -> None:
    """Also one of another field or item; the file stays."""
    book, other = library.create(cover="c", scan="s"), library.create(cover="other")
    here = f"/library/{address(book)}"

    for wrong in ({**book["cover"], **change}, other["cover"], book["scan"]):
        answer = library.client.put(here, json={"cover": wrong})
        assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "file")
    assert library.content(book["cover"]) == b"c"


def test_null_removes(library: Library) -> None:
    """On PUT, with `remove`, in a merge patch and in lists of groups; the content goes too."""
    book = library.create(cover="c", scan="s", shop={"logo": "l"}, pages=[{"number": "1", "image": "p"}])
    here = f"/library/{address(book)}"

    assert library.client.put(here, json={"cover": None}).json["cover"] is None
    remove = [{"op": "remove", "path": "$.pages[0].image"}]
    assert library.client.patch(here, json=remove).json["pages"] == [{"number": "1", "image": None}]
    merge = {"Content-Type": "application/merge-patch+json"}
    changed = library.client.patch(here, json={"scan": None, "shop": {"logo": None}}, headers=merge).json
    assert (changed["scan"], changed["shop"]) == (None, None)
    assert library.contents() == 0
    assert list(library.storage.ids()) == []
    assert library.client.get(f"{here}/cover").status_code == 404


def test_patches_copy_and_move(library: Library) -> None:
    """A copy has a content of its own; `test` compares what is shown."""
    book = library.create(photos=["one", "two"], cover="c")
    here = f"/library/{address(book)}"

    steps = [
        {"op": "test", "path": "$.cover", "value": book["cover"]},
        {"op": "test", "path": "/photos/0/size", "value": 3},
        {"op": "copy", "from": "/photos/0", "path": "/scan"},
        {"op": "move", "from": "/photos/1", "path": "/cover"},
    ]
    changed = library.client.patch(here, json=steps).json

    assert [library.content(changed[name]) for name in ("scan", "cover")] == [b"one", b"two"]
    assert changed["scan"]["file_id"] != changed["photos"][0]["file_id"]
    assert library.contents() == 3
    wrong = [{"op": "test", "path": "$.cover", "value": book["cover"]}]
    assert library.client.patch(here, json=wrong).status_code == 409


def test_deleting_removes_contents_with_what_goes_along(library: Library) -> None:
    """Also those of items that a strategy deletes, in both connectors."""
    author = library.form("POST", "authors", {"name": "Ann"}, pict=(PNG, "a.png")).json
    for number in range(2):
        library.create(author=author["_id"], cover="c", scan="s", photos=["1", "2"], title=str(number))
    kept = library.create(cover="kept")
    assert (library.contents(), len(list(library.storage.ids()))) == (10, 2)

    assert library.client.delete(f"/library/authors/{author['_id']}").status_code == 204

    assert (library.contents(), list(library.storage.ids())) == (1, [])
    assert library.content(kept["cover"]) == b"kept"


# Refused


def test_too_large(library: Library) -> None:
    """413 while it arrives, 422 in JSON; each names the path."""
    large = library.form("POST", "books", {"title": "A"}, cover=(b"x" * 3_000_001, "c"))
    assert (large.status_code, large.json["code"], large.json["errors"][0]["path"]) == (413, "too_large", "$.cover")
    in_json = library.client.post("/library/books", json={"title": "A", "photos": ["x", "x" * 1001]})
    assert (in_json.status_code, in_json.json["errors"]) == (
        422,
        [{"path": "$.photos[1]", "code": "max_size", "message": "Must have at most 1000 bytes"}],
    )
    assert library.client.post("/library/books", json={"title": "A", "cover": "x" * 20_001}).status_code == 413
    much = library.form("POST", "books", {"title": "A" * 20_001})
    assert much.status_code == 413
    parts = library.form("POST", "books", {"title": "A"}, photos=[(b"x", "x")] * 100)
    assert (parts.status_code, parts.json["detail"]) == (413, "there may be at most 100 parts here")
    assert library.contents() == 0


def test_an_endless_body_is_refused_by_its_length(library: Library) -> None:
    """What says that it is larger than all its parts may be is not read."""

    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError

    answer = library.client.put(
        f"/library/{address(library.create())}",
        input_stream=Unread(),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(10**13)},
    )

    assert answer.status_code == 413


def test_a_wrong_type_is_refused_by_its_bytes(library: Library) -> None:
    """The name and what the client says do not help."""
    answer = library.form("POST", "authors", {"name": "Ann"}, pict=(HTML, "a.png"))

    assert (answer.status_code, answer.json["errors"]) == (
        422,
        [
            {
                "path": "$.pict",
                "code": "mime_type",
                "message": "Must be of type image/png, image/jpeg; by its content it is text/html",
            }
        ],
    )
    assert library.contents() == 0


def test_a_refused_change_leaves_the_old_file(library: Library) -> None:
    """Whatever else is wrong with the request, and nothing new stays behind."""
    book = library.create(cover="old", photos=["p"])
    here, large = f"/library/{address(book)}", b"x" * 2_000_000

    refused = [
        library.form("PUT", address(book), {"title": 5}, cover=(large, "c")),
        library.form("PUT", address(book), {"title": None}, cover=(large, "c")),
        library.form("PUT", address(book), {"nothing": 1}, cover=(large, "c")),
        library.form("PUT", address(book), {"author": "nobody"}, cover=(large, "c")),
        library.form("PUT", "books/nobody", {}, cover=(large, "c")),
        library.form("PUT", address(book), cover=(large, "c"), thumb=(b"x" * 99, "t.png")),
        library.form("PATCH", address(book), {"op": "test", "path": "$.title", "value": "x"}, cover=(large, "c")),
        library.form("PUT", address(book), headers={"If-Match": '"other"'}, cover=(large, "c")),
    ]

    assert [one.status_code for one in refused] == [422, 422, 422, 422, 404, 422, 409, 412]
    assert library.client.get(here).json == book
    assert library.content(book["cover"]) == b"old"
    assert library.contents() == 2


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\holiday.png", "holiday.png"),
        ("..", "file"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("été.txt", "été.txt"),
        ("n" * 300 + ".txt", "n" * 251 + ".txt"),
        ("a\x7fb.txt", "ab.txt"),
    ],
    ids=ascii,
)
def test_hostile_names_are_data(library: Library, sent: str, kept: str) -> None:
    """A base name comes back, quoted, and no path is made of what was sent."""
    answer = library.form("PUT", address(library.create()), cover=(b"Hello", sent))

    assert (answer.status_code, answer.json["cover"]["filename"]) == (200, kept)
    assert {path.name for path in library.folder.rglob("*") if path.is_file()} == {answer.json["cover"]["file_id"]}
    disposition = library.client.get(answer.json["cover"]["href"]).headers["Content-Disposition"]
    assert disposition.isascii()
    assert "filename*=UTF-8''" in disposition


# Fetching


def test_headers_of_a_file(library: Library) -> None:
    """Its type, its length, its name, and nothing that a browser could run."""
    book = library.form("POST", "books", {"title": "A"}, cover=(PNG, "pixel.png"), scan=(HTML, "page.html")).json

    shown, page = library.client.get(book["cover"]["href"]), library.client.get(book["scan"]["href"])

    assert shown.data == PNG
    assert {name: shown.headers[name] for name in ("Content-Type", "Content-Length", "X-Content-Type-Options")} == {
        "Content-Type": "image/png",
        "Content-Length": str(len(PNG)),
        "X-Content-Type-Options": "nosniff",
    }
    assert shown.headers["Content-Disposition"].startswith('inline; filename="pixel.png"')
    assert (shown.headers["Cache-Control"], shown.headers["Vary"]) == ("private, no-cache", "Cookie, Authorization")
    assert page.headers["Content-Disposition"].startswith('attachment; filename="page.html"')
    assert "sandbox" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("field", ["cover", "thumb"])
def test_etags_and_head(library: Library, field: str) -> None:
    """The tag is that of the content; HEAD answers as GET does, without the content."""
    book = library.form("POST", "books", {"title": "A"}, **{field: (PNG, "a.png")}).json
    full = library.client.get(book[field]["href"])
    tag = full.headers["ETag"]

    known = library.client.get(book[field]["href"], headers={"If-None-Match": tag})
    other = library.client.get(book[field]["href"], headers={"If-Match": '"other"'})
    head = library.client.head(book[field]["href"], headers={"Range": "bytes=0-1"})

    assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", tag)
    assert "Content-Type" not in known.headers
    assert (other.status_code, other.json["code"]) == (412, "precondition")
    assert (head.status_code, head.data, dict(head.headers)) == (200, b"", dict(full.headers))
    library.form("PUT", address(book), **{field: (JPEG, "a.png")})
    assert library.client.get(book[field]["href"], headers={"If-None-Match": tag}).data == JPEG


@pytest.mark.parametrize("field", ["cover", "scan", "shop.logo"])
@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-4", 206, b"01234"),
        ("bytes=5-", 206, b"56789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_parts_of_a_file(library: Library, field: str, asked: str, status: int, part: bytes) -> None:
    """One range is answered with that part, anything else with the whole."""
    book = library.form("POST", "books", {"title": "A"}, **{field: (b"0123456789", "a.txt")}).json

    answer = library.client.get(f"/library/{address(book)}/{field}", headers={"Range": asked})

    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (status, part, str(len(part)))
    if status == 206:
        start = b"0123456789".index(part)
        assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/10"


def test_a_part_that_is_not_there(library: Library) -> None:
    """416 tells how long the file is; `If-Range` with another version gives the whole."""
    book = library.create(cover="0123456789")

    beyond = library.client.get(book["cover"]["href"], headers={"Range": "bytes=10-"})
    changed = library.client.get(book["cover"]["href"], headers={"Range": "bytes=1-2", "If-Range": '"other"'})

    assert (beyond.status_code, beyond.json["status"], beyond.headers["Content-Range"]) == (416, 416, "bytes */10")
    assert (changed.status_code, changed.data) == (200, b"0123456789")


@pytest.mark.parametrize("path", ["pages[0].image", "$.pages[0].image", "pages/0/image", "pages/0/image/"])
def test_spellings_of_an_address(library: Library, path: str) -> None:
    """A path is a selector, or has slashes."""
    book = library.create(pages=[{"image": "page"}])

    assert library.client.get(f"/library/{address(book)}/{path}").data == b"page"


@pytest.mark.parametrize(
    "path",
    ["thumb", "title", "nothing", "shop", "photos", "photos/1", "photos/-1", "$", "$.*", "../../x", "%00", "a" * 500],
)
def test_where_there_is_no_file(library: Library, path: str) -> None:
    """It is a 404 with a problem document; so is a file of an item that is not there."""
    book = library.create(photos=["one"])

    for where in (address(book), "books/nobody"):
        answer = library.client.get(f"/library/{where}/{path}")
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_methods_of_a_file(library: Library) -> None:
    """A file is read alone; what is not below an item has no files at all."""
    book = library.create(cover="c")

    refused = library.client.put(book["cover"]["href"], data=b"x")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    for path in ("books/_check/cover", "books/_selections/_all/cover", "books/_actions/borrow/1/x", "_meta/x/y"):
        assert library.client.get(f"/library/{path}").status_code == 404


def test_a_content_that_is_gone(library: Library) -> None:
    """It is read from the storage; where there is none it is a 404 that says so."""
    book = library.create(cover="c", scan="scan")
    assert len(list(library.storage.ids())) == 1
    for path in list(library.folder.rglob("*")):
        if path.is_file():
            path.unlink()

    assert library.content(book["scan"]) == b"scan"
    part = library.client.get(book["scan"]["href"], headers={"Range": "bytes=1-2"})
    assert (part.status_code, part.data) == (206, b"ca")
    missing = library.client.get(book["cover"]["href"])
    assert (missing.status_code, missing.json["code"]) == (404, "file_missing")


def test_files_behind_a_mount_point(library: Library) -> None:
    """Their addresses begin where the application was reached; in Python there is none."""
    book = library.create(cover="c", shop={"logo": "l"})

    mounted = library.client.get(f"/library/{address(book)}", environ_overrides={"SCRIPT_NAME": "/outer"}).json

    assert mounted["cover"]["href"] == f"/outer/library/{address(book)}/cover"
    item: Any = library.backoffice.books.get_by_id(book["_id"])
    assert (item.cover["href"], item.get_value()["shop"]["logo"]["href"]) == (None, None)
    assert item.get_value()["cover"]["file_id"] == book["cover"]["file_id"]


# Judging and describing


def test_describing(library: Library) -> None:
    """`_meta` tells what a file may be."""
    described = library.client.get("/library/_meta").json["collections"][1]["item"]["sub_scheme"]

    assert (described["thumb"]["type"], described["thumb"]["type_short"]) == (
        "<class 'backo.blobfile.BlobFile'>",
        "BlobFile",
    )
    assert (described["thumb"]["mime_types"], described["thumb"]["max_size"]) == (IMAGES, 100)
    assert described["photos"]["sub_type"]["max_size"] == 1000
    assert (described["cover"]["mime_types"], described["cover"]["type_short"]) == ([], "File")


@pytest.mark.parametrize(
    ("item", "path", "error"),
    [
        ({"thumb": "base64:" + base64.b64encode(PNG).decode()}, "$.thumb", None),
        ({"thumb": None}, "$.thumb", None),
        ({"thumb": "Hello"}, "$.thumb", "Must be of type image/png, image/jpeg; by its content it is text/plain"),
        ({"thumb": "base64:?"}, "$.thumb", "Must be base64 text after 'base64:'"),
        ({"photos": ["x", "x" * 1001]}, "$.photos[1]", "Must have at most 1000 bytes"),
        ({"photos": ["x", "x" * 1001]}, "$.photos[0]", None),
        ({"pages": [{"image": 3}]}, "$.pages.image", "Must be a text, 'base64:' and base64 text, null, or the object"),
    ],
)
def test_checking(library: Library, item: Any, path: str, error: str | None) -> None:
    """Files are judged like other fields, and nothing stays behind."""
    found = library.client.post("/library/books/_check", json={"item": item, "path": path}).json["error"]

    assert found is None if error is None else found.startswith(error)
    assert library.contents() == 0


def test_asking_for_files(library: Library) -> None:
    """Lists can ask whether there is a file, and nothing about it."""
    full, empty = library.create(cover="c"), library.create()

    def ids(query: str) -> list[str]:
        return [one["_id"] for one in library.client.get(f"/library/books?{query}").json["result"]]

    narrowed = library.client.post("/library/books/_selections/_all", json={"cover": None}).json
    assert [one["_id"] for one in narrowed["result"]] == [empty["_id"]]
    assert sorted(ids("")) == sorted([full["_id"], empty["_id"]])
    for query in ("cover=c", "cover.size=1", "cover.$reg=c", "_sort=cover", "thumb.content.$reg=A"):
        assert library.client.get(f"/library/books?{query}").status_code == 400


# Samples


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a gallery of files of any type, and of images alone."""
    work = FileSystemConnector(path=tmp_path_factory.mktemp("gallery"))
    item = Item({"any": File(work=work), "image": File(work=work, mime_types=["image/png", "image/jpeg", "image/gif"])})
    backoffice = Backoffice("gallery")
    backoffice.register_collection(Collection("files", item, connector("memory", Path(), "files")))
    app = Flask("gallery")
    backoffice.build_routes(app)
    yield app.test_client()
    backoffice.close()


def sent(client: Any, field: str, sample: Sample) -> Any:
    """Send a sample; a browser would believe its name."""
    body, content_type = form_of(None, {field: [(sample.content, sample.filename)]})
    return client.post("/gallery/files", data=body, content_type=content_type)


def label(sample: object) -> str:
    """Name a case."""
    return f"{sample.filename}-{sample.content_type}" if isinstance(sample, Sample) else "?"


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_types_are_those_of_the_bytes(gallery: Any, sample: Sample) -> None:
    """Whatever a file is called; and it comes back as it was."""
    made = sent(gallery, "any", sample)

    assert (made.status_code, made.json["any"]["content_type"]) == (201, sample.content_type)
    fetched = gallery.get(made.json["any"]["href"])
    assert fetched.data == sample.content
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("sample", DISGUISED, ids=label)
def test_disguises_are_refused(gallery: Any, sample: Sample) -> None:
    """Where only images are taken, by what they are; where all is taken, they are never shown in place."""
    is_image = sample.content_type in {"image/png", "image/jpeg"}

    assert sent(gallery, "image", sample).status_code == (201 if is_image else 422)
    fetched = gallery.get(sent(gallery, "any", sample).json["any"]["href"])
    kind = fetched.headers["Content-Disposition"].partition(";")[0]
    assert kind == ("inline" if is_image else "attachment")


@pytest.mark.parametrize("content", [SVG, HTML], ids=["svg", "html"])
def test_markup_is_never_shown_in_place(gallery: Any, content: bytes) -> None:
    """It is a download, in a sandbox, whatever its name is."""
    for name in ("a.svg", "a.html", "a.txt", "a.png", ""):
        fetched = gallery.get(sent(gallery, "any", Sample(name or "x", content, "")).json["any"]["href"])
        assert fetched.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in fetched.headers["Content-Security-Policy"]


# Rights


def guarded(folder: Path, **rights: Any) -> tuple[Backoffice, Any, str]:
    """Give an item with a file for which there are rights, and its address."""
    names = {"can_read", "visible"}
    of_collection = {name.removeprefix("all_"): right for name, right in rights.items() if name.startswith("all_")}
    of_field = {name: right for name, right in rights.items() if name in names}
    work: FileConnector = MemoryFileConnector()
    item = Item({"group": Dict({"paper": File(work=work)}, **of_field), "name": String()})
    backoffice = Backoffice("safe")
    backoffice.register_collection(
        Collection("papers", item, connector("memory", folder, "papers"), **of_collection),
    )
    with acting_as(SYSTEM):
        made = backoffice.papers.create({"name": "a", "group": {"paper": "secret"}})
    app = Flask("safe")
    backoffice.build_routes(app)
    return backoffice, app.test_client(), f"/safe/papers/{made._id}"


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        ({}, 200),
        ({"can_read": False}, 404),
        ({"can_read": lambda right, item: item.name != "a"}, 404),
        ({"can_read": lambda right, item: item.name == "a"}, 200),
        ({"all_visible": {"name": "b"}}, 404),
        ({"all_can_read": lambda right, item: False}, 401),
        ({"all_can_read": False}, 405),
    ],
    ids=["open", "field", "field-of-item", "field-of-other", "row", "item", "collection"],
)
def test_a_file_is_there_for_those_who_may_read_it(tmp_path: Path, rights: dict[str, Any], status: int) -> None:
    """What guards the field, the item and the row guards the content; what is hidden is as if it were not there."""
    backoffice, client, here = guarded(tmp_path, **rights)

    answer = client.get(f"{here}/group/paper")

    assert answer.status_code == status
    if status == 404 and "all_visible" not in rights:
        assert answer.json == client.get(f"{here}/group/nothing").json | {"detail": answer.json["detail"]}
    assert current_user.is_anonymous()
    backoffice.close()
