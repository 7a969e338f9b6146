import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from bench.import_sides import SIDES


def stored(database: Path) -> list[Any]:
    """Give the rows of goods without ids, times and fingerprints, and the statements of their tables."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT code, price, _document FROM goods ORDER BY code").fetchall()
        made = connection.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'goods' ORDER BY sql").fetchall()
    documents = [msgspec.json.decode(text) for _, _, text in rows]
    for document in documents:
        document.update(_id=len(document["_id"]), shop=len(document["shop"]), _meta=list(document["_meta"]))
    return [*((code, price) for code, price, _ in rows), *documents, *made]


def test_both_sides_store_the_same(tmp_path: Path) -> None:
    """The driver alone writes what this library writes: rows, documents, tables and indexes."""
    sides = {name: SIDES["sqlite", name](str(tmp_path)) for name in ("ours", "raw")}
    for side in sides.values():
        side.load(0, 30, 20)
        side.load(30, 50, 20)
        side.close()

    ours, raw = stored(tmp_path / "ours.sqlite"), stored(tmp_path / "raw.sqlite")
    assert len(ours) > 100
    assert ours == raw
