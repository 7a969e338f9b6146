import gc
import tempfile
from pathlib import Path

import pytest

from backo import StateError
from backo.migration import spool
from backo.migration.spool import Spool


def open_files() -> int:
    """Count the files that this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_pieces_are_found_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones too, from either end, while more are added, in memory and in a file."""
    monkeypatch.setattr(spool, "IN_MEMORY", 10)
    pieces = Spool()

    for number in range(20):
        pieces.append(b"x" * number)
        assert pieces[0] == b""
        assert pieces[-1] == pieces[number] == b"x" * number

    assert len(pieces) == 20
    with pytest.raises(IndexError):
        pieces[20]


def test_the_file_is_gone_with_the_spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is closed with it or forgotten with it, and no name of it is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = open_files()
    closed, forgotten = Spool(), Spool()
    for one in (closed, forgotten):
        one.append(b"x" * 2 * spool.IN_MEMORY)
    assert open_files() == before + 2

    closed.close()
    closed.close()
    del forgotten, one
    gc.collect()

    assert open_files() == before
    assert list(tmp_path.iterdir()) == []
    for use in (lambda: closed[0], lambda: closed.append(b"")):
        with pytest.raises(StateError):
            use()
