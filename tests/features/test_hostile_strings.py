"""Strings that mean something to a database, a shell or a file system, through every entry, on every store."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backo import (
    Action,
    Backoffice,
    BlobFile,
    Collection,
    DeleteStrategy,
    FreeDict,
    Item,
    List,
    Ref,
    RefsList,
    Selection,
    String,
)
from tests.scale import record_figure, scaled
from tests.work.stores import KINDS, connector

BODY = 1 << 20  # bytes that a JSON body may have
SHORT = 10_000  # characters of a text that is sent in many places
LONGEST = 500  # characters of a text that is unique
MERGE = "application/merge-patch+json"

STRINGS = {
    "quote": "'",
    "quotes": "''\"\"``$$",
    "backslash": "\\'\\",
    "or": "' OR '1'='1",
    "drop": "'; DROP TABLE texts; --",
    "drop-double": '"; DROP TABLE "texts"; --',
    "comment": "/* */ -- #",
    "where": "$where",
    "operator": "$gt",
    "filter": '{"$gt": ""}',
    "javascript": "'; while(true){}; '",
    "percent": "%s %(a)s %% ? :a $1 @a",
    "like": "%_[a]*",
    "path": "../../etc/passwd",
    "dots": "..",
    "null": "null",
    "nul": "\0",
    "nul-inside": "a\0b",
    "lines": "a\r\nX-Injected: 1\r\n\r\nb",
    "control": "\x01\x1b[31m\x7f",
    "right-to-left": "\u202eabc\u202c",
    "joined": "\ufeffa\u200bb\u2028c",
    "combining": "e\u0301\u0301",
    "emoji": "\U0001f600",
    "surrogate": "\ud800",
    "yaml": "!!python/object/apply:os.system ['true']",
    "yaml-lines": "a: b\n- c\n--- \n...\n&x *x",
    "json": '"}, {"_id": "witness"',
    "prototype": "__proto__",
    "id": "witness",
    "html": "<script>alert(1)</script>",
    "space": " ",
    "megabyte-fits": "x" * (BODY - 500),
    "megabyte": "'" * BODY,
}


def is_text(text: str) -> bool:
    """Tell whether a text can be stored: no NUL, no half of a character, not larger than a request may be."""
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text) and len(text) < BODY


@dataclass
class Archive:
    """A back office of texts, and who sends it strings.

    `witness` and `other` are the ids of two items that nobody speaks of.
    """

    client: FlaskClient
    witness: str = ""
    other: str = ""

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> TestResponse:
        """Send a request; whatever it is, the answer is no failure of ours."""
        data = None if body is None else json.dumps(body)
        answer = self.client.open(f"/archive/texts{path}", method=method, data=data, content_type=kind)
        return sound(answer)

    def upload(self, values: Any, **files: tuple[BytesIO, str]) -> TestResponse:
        """Create an item with files."""
        form: dict[str, Any] = {"_json": json.dumps(values), **files}
        return sound(self.client.post("/archive/texts", data=form, content_type="multipart/form-data"))

    def create(self, **values: Any) -> str:
        """Create an item; give its id."""
        answer = self.send("POST", "", values)
        assert answer.status_code == 201, answer.text[:500]
        return str(answer.json["_id"])  # type: ignore[index]  # an item

    def stored(self) -> dict[str, Any]:
        """Give everything that is stored, by id."""
        return {item["_id"]: item for item in self.send("GET", "?_page=1000").json["result"]}  # type: ignore[index]


def sound(answer: TestResponse) -> TestResponse:
    """See that an answer is one of the kinds that we give."""
    assert answer.status_code < 500, answer.text[:500]
    assert "X-Injected" not in answer.headers
    assert answer.status_code < 400 or answer.mimetype == "application/problem+json", answer.text[:500]
    return answer


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of store in turn."""
    return str(request.param)


@pytest.fixture
def archive(kind: str, tmp_path: Path) -> Iterator[Archive]:
    """Texts of every kind, two of them stored."""
    unlink = DeleteStrategy.UNLINK_REFERENCED_ITEMS
    item = Item(
        {
            "text": String(),
            "short": String(index=True, max_length=LONGEST),
            "single": String(unique=True),
            "words": List(String()),
            "more": FreeDict(),
            "scan": BlobFile(),
            "parent": Ref(coll="texts", field="$.children"),
            "children": RefsList(coll="texts", field="$.parent", ods=unlink),
            "related": RefsList(coll="texts", ods=unlink),
        }
    )
    texts = Collection("texts", item, connector(kind, tmp_path, "texts"))
    texts.register_action("say", Action({"text": String(), "more": FreeDict()}, lambda action, item: [action.text]))
    texts.register_selection("short", Selection(["$.short"], filter={"short": ("$ne", None)}))
    backoffice = Backoffice("archive")
    backoffice.register_collection(texts)
    app = Flask("archive")
    with closing(backoffice):
        backoffice.build_routes(app)
        found = Archive(app.test_client())
        found.witness = found.create(text="witness", short="a", single="a", words=["a"], more={"a": 1})
        found.other = found.create(text="other", short="b", single="b", parent=found.witness)
        yield found


def kept(answer: TestResponse, text: str, read: Callable[[Any], Any]) -> str:
    """See that a text was stored as it is, or refused where it cannot be; give the id of the item."""
    if not is_text(text):
        assert answer.status_code in {400, 413, 422}, answer.text[:500]
        return ""
    if answer.status_code == 413:  # with what is around it, and its escapes, it is too large after all
        assert len(text) > BODY // 2
        return ""
    assert answer.status_code in {200, 201}, answer.text[:500]
    assert read(answer.json) == text
    return str(answer.json["_id"])  # type: ignore[index]  # an item


Entry = Callable[[Archive, str], object]


def in_a_field(archive: Archive, text: str) -> None:
    """The value of a field; it is found again by a filter, in an address and in a body, as nothing else is."""
    id_ = kept(archive.send("POST", "", {"text": text}), text, lambda item: item["text"])
    if id_:
        assert archive.send("GET", f"/{id_}").json["text"] == text  # type: ignore[index]
        wanted = [id_, archive.witness] if text == "witness" else [id_]
        found = [archive.send("POST", "/_selections/_all", {"text": text})]
        if len(text) < SHORT:
            found += [archive.send("GET", f"?text={quote(text)}"), archive.send("GET", f"?text.$eq={quote(text)}")]
        for one in found:
            if one.status_code != 413:
                ids = sorted(item["_id"] for item in one.json["result"])  # type: ignore[index]
                assert ids == sorted(wanted), one.request.path


def in_an_indexed_field(archive: Archive, text: str) -> None:
    """The value of a field with an index, and of one that is unique."""
    for name in ("short", "single"):
        answer = archive.send("POST", "", {name: text})
        if len(text) > LONGEST:
            assert answer.status_code in {400, 413, 422}
            continue
        kept(answer, text, itemgetter(name))
        if is_text(text):
            found = archive.send("GET", f"?{name}={quote(text)}").json["result"]  # type: ignore[index]
            assert [item[name] for item in found] == [text]
            again = archive.send("POST", "", {name: text})
            assert again.status_code == (409 if name == "single" else 201)


def in_changes(archive: Archive, text: str) -> None:
    """What a PUT, a patch of either kind and an item of a list bring."""
    id_ = archive.create(text="mine", words=["a"])
    kept(archive.send("PUT", f"/{id_}", {"text": text}), text, lambda item: item["text"])
    kept(archive.send("PATCH", f"/{id_}", {"text": text}, MERGE), text, lambda item: item["text"])
    replace = {"op": "replace", "path": "$.text", "value": text}
    kept(archive.send("PATCH", f"/{id_}", replace), text, lambda item: item["text"])
    add = [{"op": "add", "path": "/words/-", "value": text}]
    kept(archive.send("PATCH", f"/{id_}", add), text, lambda item: item["words"][-1])
    kept(archive.send("PUT", f"/{id_}", {"words": [text]}), text, lambda item: item["words"][0])
    archive.send("PATCH", f"/{id_}", {"op": "test", "path": "/text", "value": text})
    if len(text) > SHORT:
        return
    archive.send("PATCH", f"/{id_}", {text: text}, MERGE)
    for operation in ("add", "remove", "replace", "test", "copy", "move"):
        archive.send("PATCH", f"/{id_}", {"op": operation, "path": text, "from": text, "value": 1})


def in_a_free_object(archive: Archive, text: str) -> None:
    """Values and names in an object without a schema."""
    kept(archive.send("POST", "", {"more": {"a": [text]}}), text, lambda item: item["more"]["a"][0])
    kept(archive.send("POST", "", {"more": {text: 1}}), text, lambda item: next(iter(item["more"])))
    if len(text) < SHORT:
        archive.send("GET", f"?{quote('more.' + text, errors='surrogatepass')}=1")
    archive.send("POST", "/_selections/_all", {"more": {text: 1}})


def in_links(archive: Archive, text: str) -> None:
    """Ids in references and lists of them: there are no such items."""
    sent: list[dict[str, Any]] = [{"parent": text}, {"related": [text]}, {"children": [text]}]
    statuses = {archive.send("POST", "", body).status_code for body in sent}
    assert statuses <= {400, 413, 422}
    id_ = archive.create(text="mine")
    for body in sent:
        assert archive.send("PUT", f"/{id_}", body).status_code in {400, 413, 422}
        (name,) = body
        change = {"op": "add", "path": f"/{name}/-", "value": text}
        assert archive.send("PATCH", f"/{id_}", change).status_code in {400, 413, 422}


def in_addresses(archive: Archive, text: str) -> None:
    """Ids, names of collections, actions, selections and files: there is nothing of the kind."""
    name = quote(text[:20_000], safe="", errors="surrogatepass")
    if text == "..":
        name = f"{name}%00"  # or it would be another address
    for method, body in (("GET", None), ("PUT", {"text": "x"}), ("PATCH", []), ("DELETE", None)):
        assert archive.send(method, f"/{name}", body).status_code in {404, 405}
    archive.send("POST", f"/_actions/say/{name}", {})
    archive.send("POST", f"/_actions/{name}/{archive.witness}", {})
    archive.send("POST", f"/_selections/{name}", {})
    archive.send("GET", f"/{archive.witness}/{name}")
    sound(archive.client.get(f"/archive/{name}"))


def in_query_strings(archive: Archive, text: str) -> None:
    """Values, names, operators, patterns, sorts, cursors, pages and views."""
    word = quote(text[:2_000], safe="", errors="surrogatepass")
    for query in (
        *(f"text.${operator}={word}" for operator in ("eq", "ne", "lt", "gte", "nin", "contains", "re", "not")),
        *(f"{name}={word}" for name in ("_id", "parent", "children", "related", "parent.text", "words", "more.a")),
        *(f"{name}={word}" for name in ("_sort", "_after", "_page", "_skip", "_view", "_total", "_meta.ctime")),
        f"{word}=1",
        f"text.${word}=1",
        f"_sort=text&_after={word}&_page=1",
    ):
        archive.send("GET", f"?{query}")
        archive.send("GET", f"/_selections/short?{query}")


def in_filters(archive: Archive, text: str) -> None:
    """The filter of a selection: values, names, operators, patterns."""
    for body in (
        *({"text": [operator, text]} for operator in ("$eq", "$gt", "$contains", "$re", "$not")),
        {"text": ["$in", [text]]},
        {"$or": [{"text": text}, {"parent": text}]},
        {"$not": {"words": text}},
        {"parent": {"text": text}},
        {"text": {text: 1}},
        {"text": [text, 1]},
        {text: 1},
        {"_id": text},
        {"children": text},
    ):
        archive.send("POST", "/_selections/short", body)
        archive.send("POST", "/_selections/_all", body)


def in_actions(archive: Archive, text: str) -> None:
    """Parameters of an action, and what is only checked."""
    answer = archive.send("POST", f"/_actions/say/{archive.witness}", {"text": text, "more": {text: text}})
    assert answer.status_code in ({200, 413} if is_text(text) else {400, 413, 422})
    if answer.status_code == 200:
        assert answer.json == [text]
    archive.send("POST", "/_check", {"item": {"text": text, "parent": text}, "path": "$.text"})
    archive.send("POST", "/_check", {"item": {"text": "a"}, "path": text})
    archive.send("POST", "/_meta", {"text": text, "more": {text: text}})


def in_file_names(archive: Archive, text: str) -> None:
    """The name of a file, which is data and no path, and of the part that brings it."""
    name = text.encode("utf-8", "replace").decode()[:5000]
    for one in '"\r\n':  # as browsers do
        name = name.replace(one, f"%{ord(one):02X}")
    answer = archive.upload({"text": "file"}, scan=(BytesIO(b"content"), name))
    assert answer.status_code in {201, 400, 422}
    if answer.status_code == 201:
        scan = answer.json["scan"]  # type: ignore[index]
        assert not set(scan["filename"]) & set("/\\\0\r\n")
        served = sound(archive.client.get(scan["href"]))
        assert (served.status_code, served.data) == (200, b"content")
    archive.send("POST", "", {"scan": text})
    archive.send("POST", "", {"scan": {"file_id": text, "filename": text, "href": text}})
    form = {"_json": "{}", name: (BytesIO(b"content"), "a.txt")}
    sound(archive.client.post("/archive/texts", data=form, content_type="multipart/form-data"))


def in_headers(archive: Archive, text: str) -> None:
    """Conditions, origins and types; a header cannot hold everything."""
    value = text.encode("ascii", "replace").decode().replace("\r", "").replace("\n", "").replace("\0", "")[:5000]
    for name in ("If-Match", "If-None-Match", "Content-Type", "Range", "Accept", "Origin"):
        path = f"/archive/texts/{archive.witness}"
        sound(archive.client.put(path, data='{"text": "witness"}', headers={"Content-Type": "a/b", name: value}))


ENTRIES: list[Entry] = [
    in_a_field,
    in_an_indexed_field,
    in_changes,
    in_a_free_object,
    in_links,
    in_addresses,
    in_query_strings,
    in_filters,
    in_actions,
    in_file_names,
    in_headers,
]


def test_hostile_strings(kind: str, archive: Archive) -> None:
    """Each is stored as it is, or refused as declared; nothing breaks, and no other item is touched."""
    before = archive.stored()
    texts = [*STRINGS.values()][scaled(len(kind) % 3, 0) :: scaled(3, 1)]  # all of them, over all kinds
    for text in texts:
        for entry in ENTRIES:
            entry(archive, text)

        there = archive.stored()
        assert {id_: there.get(id_) for id_ in before} == before, text[:100]
        for id_ in there.keys() - before.keys():
            assert archive.send("DELETE", f"/{id_}").status_code == 204
    record_figure("hostile", {f"in_{kind}_strings": len(texts), f"in_{kind}_entries": len(ENTRIES)})
