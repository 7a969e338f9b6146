"""The two types for documents are compared on the same answers."""

from pathlib import Path

import pytest

from bench.json_or_jsonb import cases, compared, connected, sizes_on_disk
from bench.places import Place
from tests.bench.serving import server_for


def test_both_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every case is measured, on tables that hold the same documents."""
    server_for("postgres", monkeypatch)
    place = Place("postgres", tmp_path)
    place.make()

    with connected(place) as connection:
        found = list(compared(connection, size=30, rounds=1))
        stored = [
            connection.execute(f"SELECT _id, _document::jsonb::text FROM as_{type_} ORDER BY _id".encode()).fetchall()
            for type_ in ("json", "jsonb")
        ]
        disk = sizes_on_disk(connection)
    place.remove()

    assert [one.title for one in found] == [case.title for case in cases(30)]
    assert all(one.json > 0 and one.jsonb > 0 for one in found)
    assert len(stored[0]) == 30
    assert stored[0] == stored[1]
    assert disk.keys() == {"json", "jsonb"}
