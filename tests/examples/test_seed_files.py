"""The chapters "Files objects", "BlobFile()", "File()" and "routes" (of files) of the document.

Mended in the declarations: commas are missing after `pict`.
"""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backo import (
    Action,
    Backoffice,
    BlobFile,
    Collection,
    DefinitionError,
    File,
    FileSystemConnector,
    Item,
    MemoryFileConnector,
    Ref,
    RefsList,
    String,
    ValidationError,
)
from tests.examples.curl import curl_for
from tests.files.samples import JPEG, png
from tests.work.stores import Stores

PNG = png()
PICTURES = {"rambo.png": PNG, "rambo1.png": PNG + b"1", "rimbaud.png": PNG + b"2"}

Picture = Callable[[Path], File | BlobFile]


def a_blob(folder: Path) -> BlobFile:
    """Declare the picture of the chapter "BlobFile()"."""
    return BlobFile(require=True, mime_types=["image/jpeg", "image/png"])


def a_file(folder: Path) -> File:
    """Declare the picture of the chapter "File()"."""
    work = FileSystemConnector(path=str(folder / "store" / "the" / "file"))
    return File(require=True, mime_types=["image/jpeg", "image/png"], work=work)


PICTURED = pytest.mark.parametrize("picture", [a_blob, a_file], ids=["BlobFile", "File"])


def authors(stores: Stores, pict: File | BlobFile) -> Backoffice:
    """Declare authors with a picture, and their books; the `_id` of Rambo is that of the document."""
    an_author = Item(
        {
            "name": String(require=True),
            "surname": String(),
            "pict": pict,
            "books": RefsList(coll="books", field="$.author"),
        }
    )
    a_book = Item({"name": String(), "author": Ref(coll="authors", field="$.books")})
    return stores.backoffice({"authors": an_author, "books": a_book}, app="myApp", ids=lambda item: "id_of_rambo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder where the pictures of the commands are."""
    for name, content in PICTURES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_files_objects_attributes() -> None:
    """Chapter "Files objects": the attributes and methods of a file.

    Mended: the size of `b'Hello word'` is 10.
    """
    a = BlobFile()

    a.set(b"Hello word")
    first = a.file_id
    # or
    a.set_content(b"Hello word")

    a.filename = "my_hello.txt"
    assert a.content_type == "text/plain"
    assert a.size == 10
    assert isinstance(a.file_id, str)
    assert a.file_id not in {first, BlobFile().file_id}

    # Get the content of the file
    assert a.get_content() == b"Hello word"
    assert a.filename == "my_hello.txt"


@pytest.mark.parametrize(
    ("options", "content", "codes"),
    [
        ({"mime_types": ["image/png"]}, PNG, []),
        ({"mime_types": ["image/png"]}, JPEG, ["mime_type"]),
        ({"max_size": 8192}, b"x" * 8192, []),
        ({"max_size": 8192}, b"x" * 8193, ["max_size"]),
        ({"require": True}, None, ["required"]),
    ],
    ids=["type", "other-type", "size", "too-large", "missing"],
)
@pytest.mark.parametrize("kind", ["BlobFile", "File"])
def test_files_objects_options(stores: Stores, kind: str, options: Any, content: Any, codes: list[str]) -> None:
    """Chapter "Files objects": what a file may be; both kinds take the options of other fields, too."""
    pict = BlobFile(**options) if kind == "BlobFile" else File(work_connector=MemoryFileConnector(), **options)
    backoffice = authors(stores, pict)

    def create() -> Any:
        return backoffice.authors.create({"name": "Rambo", "pict": content})

    if codes:
        with pytest.raises(ValidationError) as refused:
            create()
        assert [(problem.path, problem.code) for problem in refused.value.problems] == [("$.pict", codes[0])]
    else:
        assert create().pict.get_content() == content


def test_files_objects_connectors(stores: Stores, tmp_path: Path) -> None:
    """Chapter "Files objects": the main location of a file, and a second one where it is kept permanently."""
    work = FileSystemConnector(path=tmp_path / "work")
    pict = File(work_connector=work, storage_connector=FileSystemConnector(path=tmp_path / "storage"))
    backoffice = authors(stores, pict)
    backoffice.authors.create({"name": "Rambo", "pict": PNG})

    copies = {name: [one for one in (tmp_path / name).rglob("*") if one.is_file()] for name in ("work", "storage")}
    assert {name: [one.read_bytes() for one in found] for name, found in copies.items()} == {
        "work": [PNG],
        "storage": [PNG],
    }
    copies["work"][0].unlink()
    rambo: Any = backoffice.authors.get_by_id("id_of_rambo")
    assert rambo.pict.get_content() == PNG
    with pytest.raises(DefinitionError, match="needs work_connector="):
        File()


@PICTURED
def test_file_in_an_item(stores: Stores, tmp_path: Path, picture: Picture) -> None:
    """Chapters "BlobFile()" and "File()": an author with a picture, inlined or in a folder."""
    backoffice = authors(stores, picture(tmp_path))

    rambo: Any = backoffice.authors.create({"name": "Rambo", "surname": "John", "pict": PNG})
    rambo.pict.filename = "rambo.png"
    rambo.save()

    found: Any = backoffice.authors.get_by_id(rambo._id)
    assert (found.pict.filename, found.pict.content_type, found.pict.size) == ("rambo.png", "image/png", len(PNG))
    assert found.pict.get_content() == PNG
    stored = [one for one in (tmp_path / "store").rglob("*") if one.is_file()]
    assert [one.read_bytes() for one in stored] == ([PNG] if picture is a_file else [])
    with pytest.raises(ValidationError):
        backoffice.authors.create({"name": "Rambo"})


@pytest.mark.parametrize("kind", ["BlobFile", "File"])
def test_file_routes_json(stores: Stores, kind: str) -> None:
    """Chapter "routes" (of files), 1: a file embedded in JSON, in base64 or as the text it is.

    What the document sends is a text, not an image, so its author takes any type here.
    """
    curl = curl_for(authors(stores, BlobFile() if kind == "BlobFile" else File(work=MemoryFileConnector())))

    # creating an author with a pict
    made = curl(
        "curl -X POST 'http://localhost/myApp/authors/' "
        """-d '{"surname":"John","name":"Rambo", "pict" : "base64:Sm9obiBwaWN0"}'"""
    )

    assert (made.status_code, made.json) == (201, curl("curl http://localhost/myApp/authors/id_of_rambo").json)
    assert curl("curl http://localhost/myApp/authors/id_of_rambo/pict").data == b"John pict"
    put = curl("""curl -X PUT http://localhost/myApp/authors/id_of_rambo -d '{"pict": "Just a text"}'""")
    assert (put.json or {})["pict"]["content_type"] == "text/plain"
    assert curl("curl http://localhost/myApp/authors/id_of_rambo/pict").data == b"Just a text"


@PICTURED
def test_file_routes_json_of_images(stores: Stores, tmp_path: Path, picture: Picture) -> None:
    """Chapter "routes" (of files), 1: where only images are taken, an image in base64 is, and that text is not."""
    curl = curl_for(authors(stores, picture(tmp_path)))

    refused, made = (
        curl(
            "curl -X POST 'http://localhost/myApp/authors/' "
            f"""-d '{{"surname":"John","name":"Rambo", "pict" : "base64:{encoded}"}}'"""
        )
        for encoded in ("Sm9obiBwaWN0", base64.b64encode(PNG).decode())
    )

    assert [(one["path"], one["code"]) for one in (refused.json or {})["errors"]] == [("$.pict", "mime_type")]
    assert (made.status_code, (made.json or {})["pict"]["content_type"]) == (201, "image/png")


@PICTURED
def test_file_routes_multipart(stores: Stores, folder: Path, picture: Picture) -> None:
    """Chapter "routes" (of files), 2 and 3: each file is a part of a multipart message, and has an address."""
    curl = curl_for(authors(stores, picture(folder)), folder)

    # creating an author with a pict
    made = curl(
        """curl -X POST -F _json='{"surname":"John","name":"Rambo"}' """
        "-F pict=@rambo.png http://localhost/myApp/authors/"
    )
    assert made.status_code == 201
    assert (made.json or {}).items() >= {"_id": "id_of_rambo", "surname": "John", "name": "Rambo"}.items()
    assert (made.json or {})["pict"]["filename"] == "rambo.png"
    assert curl("curl http://localhost/myApp/authors/id_of_rambo/pict").data == PICTURES["rambo.png"]

    # Modifying the author picture
    changed = curl("curl -X PUT -F pict=@rambo1.png http://localhost/myApp/authors/id_of_rambo")
    assert (changed.status_code, (changed.json or {})["name"]) == (200, "Rambo")
    assert curl("curl http://localhost/myApp/authors/id_of_rambo/pict").data == PICTURES["rambo1.png"]

    # Modifying the author picture and name
    changed = curl(
        """curl -X PUT  -F _json='{ "name":"Rimbaud" }' """
        "-F pict=@rimbaud.png http://localhost/myApp/authors/id_of_rambo"
    )
    assert (changed.status_code, (changed.json or {})["name"]) == (200, "Rimbaud")
    sent = curl("curl http://localhost/myApp/authors/id_of_rambo/pict")
    assert (sent.status_code, sent.content_type, sent.data) == (200, "image/png", PICTURES["rimbaud.png"])


def test_file_routes_of_actions(stores: Stores, folder: Path) -> None:
    """Chapter "routes" (of files): every route that takes values, actions too, can be called in the two ways."""

    def portray(action: Action, author: Item, **kwargs: Any) -> None:
        author.set({"name": action.name, "pict": action.pict})
        author.save(**kwargs)

    pict = File(work=FileSystemConnector(path=folder / "store"))
    connector: Any = stores.connector("authors")
    connector.generate_id = lambda author: "id_of_rambo"
    collection = Collection("authors", Item({"name": String(), "pict": pict}), connector)
    collection.register_action("portray", Action({"name": String(), "pict": BlobFile(require=True)}, portray))
    backoffice = Backoffice("myApp")
    stores.opened.append(backoffice)
    backoffice.register_collection(collection)
    backoffice.authors.create({})
    curl = curl_for(backoffice, folder)
    address = "http://localhost/myApp/authors"

    by_json = curl(
        f"curl -X POST {address}/_actions/portray/id_of_rambo "
        """-d '{"name":"John", "pict" : "base64:Sm9obiBwaWN0"}'"""
    )
    sent = curl(f"curl {address}/id_of_rambo/pict").data
    by_form = curl(
        f"""curl -X POST -F _json='{{"name":"Rambo"}}' -F pict=@rambo.png {address}/_actions/portray/id_of_rambo"""
    )

    assert (by_json.status_code, (by_json.json or {})["name"], sent) == (200, "John", b"John pict")
    assert (by_form.status_code, (by_form.json or {})["name"]) == (200, "Rambo")
    assert (by_form.json or {})["pict"].items() >= {"filename": "rambo.png", "content_type": "image/png"}.items()
    assert curl(f"curl {address}/id_of_rambo/pict").data == PNG
