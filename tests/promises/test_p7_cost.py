"""P7: cost follows the answer, not the collection: counted, not timed.

The same questions are asked of small and of large collections. What is counted: on SQLite the
statements, and the steps that its virtual machine takes (a scan would show in them); on PostgreSQL
the statements, and the rows and index entries that its plans walk over; on the others the documents
that a store hands out or decodes; on YAML the files that are opened too.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backo import (
    Backoffice,
    Collection,
    DeleteStrategy,
    FillStrategy,
    Int,
    Item,
    Ref,
    RefsList,
    String,
    jsontext,
)
from backo.connectors import yaml_watch
from backo.connectors.base import StoredDocument
from backo.connectors.postgres.session import PostgresSession
from tests.scale import record_figure, scaled
from tests.servers import postgres_in
from tests.work.stores import KINDS, connector, named

SMALL, LARGE = 100, 5_000
RARE = 7  # so many books have the rare tag, in a collection of any size


def build(kind: str, folder: Path, size: int) -> Backoffice:
    """Make a shop with so many books, all of one author."""
    shop = Backoffice("shop")
    author = {
        "name": String(required=True),
        "books": RefsList(
            coll="books",
            field="$.author",
            ofs=FillStrategy.NOT_FILL,
            ods=DeleteStrategy.MUST_BE_EMPTY,
            required=True,
        ),
    }
    book = {
        "name": String(required=True),
        "rank": Int(index=True),
        "code": Int(unique=True),
        "tag": String(index=True),
        "pages": Int(),
        "author": Ref(coll="authors", field="$.books"),
        "twin": Ref(coll="books", field="$.twin"),
    }
    for name, fields in {"authors": author, "books": book}.items():
        where = connector(kind, folder, name)
        where.generate_id = named
        shop.register_collection(Collection(name, Item(fields), where))
    with shop.transaction():
        shop.authors.create({"name": "many"})
        shop.books.create({"name": "other"})
        shop.authors.create({"name": "few", "books": ["other"]})
        for number in range(size):
            shop.books.create(
                {
                    "name": f"b{number:05}",
                    "rank": number,
                    "code": number,
                    "tag": "rare" if number % (size // RARE) == 0 and number // (size // RARE) < RARE else "common",
                    "author": "many",
                    "pages": number % 50,
                }
            )
    return shop


def walked(plan: dict[str, Any]) -> int:
    """Add up the rows that the scans of a plan gave, or looked at in vain."""
    inner = sum(walked(one) for one in plan.get("Plans", ()))
    if "Scan" not in plan["Node Type"]:
        return inner
    return inner + int(plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)))


class Meter:
    """Counts what a store does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        self.on = False
        self.connections: list[sqlite3.Connection] = []
        self.patch = monkeypatch
        connect = sqlite3.connect

        def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
            self.connections.append(connect(*arguments, **options))
            return self.connections[-1]

        monkeypatch.setattr(sqlite3, "connect", watched)
        # A file that is a few milliseconds old is read once more: that would measure how fast the test runs.
        monkeypatch.setattr(yaml_watch, "SETTLED", 0)
        self.watch(jsontext, "decode", "decoded")
        self.watch(StoredDocument, "__init__", "documents")
        self.watch(os, "open", "opened")
        monkeypatch.setattr(PostgresSession, "rows", self._explained(PostgresSession.rows))

    def _explained(self, rows: Callable[..., Any]) -> Callable[..., Any]:
        """Count a statement, and what its plan walks over when it runs."""

        def counted(session: PostgresSession, statement: str, values: Sequence[Any] = ()) -> Any:
            if self.on:
                self.count("statements")
                if (statement.startswith("SELECT t.") and " FOR " not in statement) or "count(*)" in statement:
                    ((plan,),) = rows(session, f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
                    self.counts["walked"] += walked(json.loads(plan)[0]["Plan"])
            return rows(session, statement, values)

        return counted

    def watch(self, owner: Any, name: str, what: str) -> None:
        """Count the calls of a function."""
        call = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.count(what)
            return call(*arguments, **options)

        self.patch.setattr(owner, name, counted)

    def count(self, what: str) -> None:
        """Count one."""
        if self.on:
            self.counts[what] += 1

    @contextmanager
    def running(self) -> Iterator[Counter[str]]:
        """Count what happens inside."""
        self.counts = Counter()
        self.on = True
        for one in self.connections:
            one.set_trace_callback(lambda statement: self.count("statements"))
            one.set_progress_handler(lambda: self.count("steps"), 1)
        try:
            yield self.counts
        finally:
            self.on = False
            for one in self.connections:
                one.set_trace_callback(None)
                one.set_progress_handler(None, 0)


def pages(shop: Backoffice, *pairs: tuple[str, str]) -> Any:
    """Ask for a page, as a route does."""
    return shop.operations.list("books", [("_page", "10"), *pairs])


def cursor(shop: Backoffice, *pairs: tuple[str, str]) -> str:
    """Give the cursor of the second page."""
    key, value = pages(shop, ("_total", "0"), *pairs).next
    assert key == "_after"
    return str(value)


Question = Callable[[Backoffice], Callable[[], Any]]


def change(item: Any, name: str, value: Any) -> Callable[[], Any]:
    """Prepare to change a field of an item."""

    def do() -> None:
        item[name] = value
        item.save()

    return do


QUESTIONS: dict[str, Question] = {
    "get": lambda shop: lambda: shop.operations.read("books", "b00042", "client"),
    "get-parent": lambda shop: lambda: shop.operations.read("authors", "many", "client"),
    "get-nothing": lambda shop: lambda: shop.books.select_one({"_id": "nobody"}),
    "first-page": lambda shop: lambda: pages(shop, ("_total", "0")),
    "next-page": lambda shop: (lambda after: lambda: pages(shop, ("_total", "0"), ("_after", after)))(cursor(shop)),
    "filtered-page-with-total": lambda shop: lambda: pages(shop, ("tag", "rare")),
    "next-filtered-page": lambda shop: (
        lambda after: lambda: pages(shop, ("_total", "0"), ("tag", "common"), ("_after", after))
    )(cursor(shop, ("tag", "common"))),
    "by-unique-value": lambda shop: lambda: shop.books.select_one({"code": 42}),
    "first-page-of-children": lambda shop: lambda: pages(shop, ("_total", "0"), ("author", "many")),
    "create": lambda shop: lambda: shop.books.create({"name": "new1", "code": -1}),
    "create-with-a-reference": lambda shop: lambda: shop.books.create({"name": "new2", "author": "many"}),
    "create-with-a-partner": lambda shop: lambda: shop.books.create({"name": "new3", "twin": "b00041"}),
    "save": lambda shop: change(shop.books.get_by_id("b00043"), "pages", 999),
    "move-away-from-a-parent-that-requires": lambda shop: change(shop.books.get_by_id("b00044"), "author", "few"),
    "move-to-a-parent": lambda shop: change(shop.books.get_by_id("new1"), "author", "many"),
    "delete": lambda shop: lambda: shop.books.get_by_id("b00045").delete(),
    "append-to-the-parent": lambda shop: change(shop.authors.get_by_id("many"), "books", ["b00044"]),
}
SORTED: dict[str, Question] = {
    "first-page-sorted": lambda shop: lambda: pages(shop, ("_total", "0"), ("_sort", "-rank")),
    "next-page-sorted": lambda shop: (
        lambda after: lambda: pages(shop, ("_total", "0"), ("_sort", "rank"), ("_after", after))
    )(cursor(shop, ("_sort", "rank"))),
    "range-by-an-index": lambda shop: lambda: pages(shop, ("_total", "0"), ("rank.$gt", "50"), ("_sort", "rank")),
}


def asked(
    kind: str, folder: Path, size: int, meter: Meter, questions: dict[str, Question]
) -> dict[str, dict[str, int]]:
    """Ask everything of a collection of some size; give what each answer cost."""
    folder.mkdir()
    found = {}
    with closing(build(kind, folder, size)) as shop:
        if kind == "postgres":
            with psycopg.connect(postgres_in(folder), autocommit=True) as connection:
                connection.execute("ANALYZE")
        for name, prepare in questions.items():
            prepare(shop)
            do = prepare(shop)
            with meter.running() as counts:
                do()
            found[name] = dict(counts)
    meter.connections.clear()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_cost_follows_the_answer(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One item, one page, a cursor's next page, each write: the same numbers at a hundred and at thousands of items."""
    meter = Meter(monkeypatch)

    sizes = (SMALL, scaled(1_000, LARGE) if kind == "yaml" else LARGE)  # a file per item takes its time
    small, large = (asked(kind, tmp_path / str(size), size, meter, QUESTIONS) for size in sizes)

    record_figure("promises", {f"p7_{kind}_{name}": dict(counts) for name, counts in large.items()})
    for few, many in zip(small.values(), large.values(), strict=True):
        # A database that plans may well walk over the whole of a small table.
        assert many.pop("walked", 0) <= max(few.pop("walked", 0), SMALL)
    assert small == large


def test_an_index_gives_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite a page sorted by an indexed field, and the next one, cost what they show."""
    meter = Meter(monkeypatch)

    small, large = (asked("sqlite", tmp_path / str(size), size, meter, SORTED) for size in (SMALL, LARGE))

    assert small == large
    record_figure("promises", {f"p7_sqlite_{name}": counts for name, counts in large.items()})


def test_what_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meter sees what a question without an index costs, so that it would show."""
    meter = Meter(monkeypatch)
    question: dict[str, Question] = {"scan": lambda shop: lambda: shop.books.count({"pages": 49})}

    for kind in KINDS:
        small, large = (asked(kind, tmp_path / f"{kind}{size}", size, meter, question)["scan"] for size in (100, 1_000))
        assert sum(large.values()) > 4 * sum(small.values()), kind
