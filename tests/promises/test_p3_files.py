"""P3 for files: whatever fails and whenever, documents and contents are as before, or as after; no orphan stays."""

import errno
import gc
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backo import (
    Backoffice,
    BlobFile,
    Collection,
    DBError,
    DeleteStrategy,
    Dict,
    File,
    FileSystemConnector,
    Item,
    List,
    MemoryFileConnector,
    ObjectStoreFileConnector,
    Ref,
    RefsList,
    String,
)
from backo.connectors.mongo.session import MongoSession
from backo.connectors.plain import PlainSession
from backo.connectors.postgres.session import PostgresSession
from backo.connectors.sqlite.session import SqliteSession
from backo.files.connectors import FileConnector
from backo.files.places import leaves
from tests.scale import record_figure, scaled
from tests.work.stores import KINDS, connector, dump

LARGE = b"x" * (1024 * 1024 + 1)  # more than stays in memory
CALLS = ("open", "write", "fsync", "replace", "rename", "unlink", "link", "mkdir")
STRIDE = scaled(7, 1)  # of the steps that fail, each n-th
EVENTS = ("loaded", "before_save", "saved", "created", "before_delete")


class HookError(Exception):
    """A hook failed."""


@dataclass
class Trouble:
    """Lets the n-th step fail: a call of the operating system, a write of a store, a hook.

    Attributes:
        left: steps until the one that fails; None while nothing does.
        struck: what has failed.
    """

    left: int | None = None
    struck: str | None = None

    def step(self, name: str, error: Exception) -> None:
        """Pass a step, or fail in it."""
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.struck = name
                raise error

    def calls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch the operating system."""
        for name in CALLS:
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def commits(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        """Watch the sessions of a kind of store: a commit can fail before it has done anything."""
        sessions = {"sqlite": SqliteSession, "postgres": PostgresSession, "mongo": MongoSession}
        session: Any = sessions.get(kind, PlainSession)
        monkeypatch.setattr(session, "commit", self.around("commit", session.commit, after=False))

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.step(f"os.{name}", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            return call(*arguments, **options)

        return watched

    def around(self, name: str, function: Callable[..., Any], *, after: bool = True) -> Callable[..., Any]:
        """Fail before a function, or after it has done its work."""

        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.step(f"before {name}", DBError("the store is away"))
            result = function(*arguments, **options)
            if after:
                self.step(f"after {name}", DBError("the store is away"))
            return result

        return wrapped

    def hook(self, event: str, root: Any, me: Any) -> None:
        """Be a handler."""
        self.step(event, HookError(event))

    @contextmanager
    def at(self, number: int) -> Iterator[None]:
        """Let one step fail."""
        self.left, self.struck = number, None
        try:
            yield
        finally:
            self.left = None


def failing(connector: FileConnector, name: str, trouble: Trouble) -> FileConnector:
    """Let every operation of a place for contents fail."""
    for operation in ("write", "open", "size", "delete"):
        setattr(connector, operation, trouble.around(f"{name}.{operation}", getattr(connector, operation)))
    return connector


@dataclass
class Shop:
    """Authors with pictures, whose books go with them; books with files everywhere.

    Attributes:
        kind: of its stores; or `objects`, for files in an object store.
        folder: where everything is.
        trouble: what fails.
    """

    kind: str
    folder: Path
    trouble: Trouble
    backoffice: Backoffice = field(init=False)
    client: Any = field(init=False)
    places: dict[str, FileConnector] = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "items").mkdir(parents=True)
        vault = failing(MemoryFileConnector(), "vault", self.trouble)
        work: FileConnector = FileSystemConnector(path=self.folder / "files")
        if self.kind == "objects":
            work = failing(ObjectStoreFileConnector(url=(self.folder / "files").as_uri()), "work", self.trouble)
        self.places = {"work": work, "vault": vault}
        on = [(event, self.trouble.hook) for event in EVENTS]
        author = {
            "name": String(required=True),
            "pict": File(work=work, storage=vault),
            "books": RefsList(coll="books", field="$.author", ods=DeleteStrategy.DELETE_REFERENCED_ITEMS),
            "fans": RefsList(coll="authors", field="$.fans", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS),
        }
        book = {
            "name": String(required=True),
            "author": Ref(coll="authors", field="$.books"),
            "scan": File(work=work, storage=vault),
            "thumb": BlobFile(),
            "shop": Dict({"logo": File(work=work)}),
            "photos": List(File(work=work)),
        }
        self.backoffice = Backoffice("shop")
        for name, fields in {"authors": author, "books": book}.items():
            where = connector("memory" if self.kind == "objects" else self.kind, self.folder / "items", name)
            where.generate_id = lambda item: str(item["name"])
            self.backoffice.register_collection(Collection(name, Item(fields, on=on), where))
        app = Flask("shop")
        self.backoffice.build_routes(app)
        self.client = app.test_client()
        self._fill()
        self._watch()

    def _fill(self) -> None:
        for name in ("old", "kept"):
            self.backoffice.authors.create({"name": name, "pict": name.encode()})
            for number in range(2):
                files = {"scan": LARGE, "shop": {"logo": b"logo"}, "photos": [b"1", b"2"], "thumb": b"thumb"}
                self.backoffice.books.create({"name": f"{name}-{number}", "author": name, **files})
        self.backoffice.authors.create({"name": "fan", "fans": ["old"]})

    def _watch(self) -> None:
        """Let the stores fail too."""
        for entry in self.backoffice.catalog.entries.values():
            store: Any = entry.store
            store.write = self.trouble.around("store.write", store.write)

    def contents(self) -> dict[str, bytes]:
        """Give all that is on disk and in the vault, by place."""
        found = {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b"/"
            for path in (self.folder / "files").rglob("*")
        }
        vault = self.places["vault"]
        return found | {f"vault/{one}": vault.open(one).read() for one in vault.ids()}

    def named(self) -> set[tuple[str, str]]:
        """Give the contents that documents name."""
        named = set()
        for key, document in dump(self.backoffice).items():
            contents = self.backoffice.catalog.entries[key.partition("/")[0]].contents
            assert contents is not None
            for path, declared in contents.files.items():
                if isinstance(declared.field, File):
                    for _, leaf in leaves(path, document):
                        named |= {("work", leaf["file_id"])}
                        named |= {("vault", leaf["file_id"])} if declared.field.storage else set()
        return named

    def orphans(self) -> set[tuple[str, str]]:
        """Give contents without a document, and documents without a content."""
        kept = {(place, one) for place, where in self.places.items() for one in where.ids()}
        return kept ^ self.named()

    def state(self) -> tuple[Any, Any]:
        """Give everything that there is; what has arrived for an item in Python goes with the item."""
        gc.collect()
        return dump(self.backoffice), self.contents()


def in_python(shop: Shop) -> bool:
    """Change, copy, create and delete files, and delete an author with all that goes along, in one unit of work."""
    books: Any = shop.backoffice.books
    try:
        with shop.backoffice.transaction():
            kept = books.get_by_id("kept-0")
            kept.scan = LARGE + b"!"
            kept.shop.logo = books.get_by_id("old-1").scan  # a copy of what is about to go
            kept.photos = [b"3", kept.photos[1]]
            kept.thumb = None
            kept.save()
            books.create({"name": "new", "scan": b"new", "photos": [b"4"], "author": "kept"})
            shop.backoffice.authors.get_by_id("old").delete()
            kept.scan = b"again"
            kept.save()
    except (DBError, HookError, OSError):
        return False
    return True


def deleted(shop: Shop) -> bool:
    """Delete an author, his books and all their files, with one request."""
    return bool(shop.client.delete("/shop/authors/old").status_code == 204)


def sent(shop: Shop) -> bool:
    """Replace files, a large one among them, with one request."""
    parts = [
        (b'name="_json"', json.dumps({"author": "old"}).encode()),
        (b'name="scan"; filename="s"', LARGE + b"?"),
        (b'name="shop.logo"; filename="l"', b"other"),
        (b'name="photos"; filename="p"', LARGE),
        (b'name="photos"; filename="q"', b"q"),
    ]
    body = b"".join(b"--x\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % part for part in parts) + b"--x--"
    answer = shop.client.put("/shop/books/kept-0", data=body, content_type="multipart/form-data; boundary=x")
    return bool(answer.status_code == 200)


WORK = {"python": in_python, "delete": deleted, "send": sent}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("kind", [*KINDS, "objects"])
def test_every_step_fails_once(kind: str, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of any write, file operation or hook leaves all as before, or the request is done; 0 orphans."""
    trouble = Trouble()
    trouble.calls(monkeypatch)
    trouble.commits(monkeypatch, kind)
    do, number, shops, failed, struck = WORK[work], 0, 0, 0, set()
    while True:
        shops += 1
        with closing((shop := Shop(kind, tmp_path / str(shops), trouble)).backoffice):
            before = shop.state()
            assert shop.orphans() == set()
            is_done = False
            while not is_done:
                number += STRIDE
                with trouble.at(number):
                    is_done = do(shop)
                struck.add(trouble.struck)
                assert shop.orphans() == set(), f"after step {number}, {trouble.struck}"
                if not is_done:
                    failed += 1
                    assert shop.state() == before, f"after step {number}, {trouble.struck}"
            assert shop.state()[0] != before[0]
        if trouble.struck is None:
            break
    assert failed * STRIDE > 10
    record_figure("p3_files", {f"{kind}_{work}_steps": number, f"{kind}_{work}_refused": failed})
    most = {"before work.delete", "after work.delete"} if kind == "objects" else {"os.unlink"}
    assert most & struck  # the largest part of the steps; each kind of work has others beside
    assert len(struck) >= scaled(2, 6)
