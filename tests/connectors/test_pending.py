"""Word of units that were left under way, where completing them takes more than the lock of a folder."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backo.errors import DBError
from tests.connectors.folders import (
    AFTER,
    BEFORE,
    Contents,
    Crash,
    contents,
    make,
    prepare,
    run_single,
    run_unit,
    state,
)


def leave_under_way(folder: Path, renames: int) -> None:
    """Crash after so many renames of a unit: the pointer is the first, the journal the second."""
    prepare(folder)
    stores = make(folder, "first", "second")
    done = 0
    rename = os.rename

    def counting(source: str, target: str) -> None:
        nonlocal done
        if done == renames:
            raise Crash
        rename(source, target)
        done += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", counting)
        patch.setattr(os, "unlink", _dead)
        with pytest.raises(Crash):
            run_unit(stores)
    for store in stores:
        store.folder.close()


def _dead(*arguments: object, **options: object) -> None:
    raise Crash


@pytest.mark.parametrize(("renames", "expected"), [(1, BEFORE), (2, AFTER), (3, AFTER)])
def test_folders_that_moved_together_are_completed(tmp_path: Path, renames: int, expected: Contents) -> None:
    """What was left names folders as they lie to one another."""
    leave_under_way(tmp_path / "there", renames)
    shutil.move(tmp_path / "there", tmp_path / "elsewhere")

    assert state(tmp_path / "elsewhere", "second", "first") == expected


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    """A unit is not taken back because its journal cannot be reached; nothing is done until it can."""
    leave_under_way(tmp_path, 2)
    shutil.move(tmp_path / "first", tmp_path / "away")

    for _ in range(2):
        with pytest.raises(DBError, match=r"second/\.pending .*/first .*bring it back"):
            state(tmp_path, "second")

    shutil.move(tmp_path / "away", tmp_path / "first")
    assert state(tmp_path, "second", "first") == AFTER


@pytest.mark.parametrize("text", ["", "{", "[]", '{"unit": 1}', '{"unit": "1", "folders": 7, "connectors": {}}'])
def test_what_cannot_be_understood_is_not_guessed(tmp_path: Path, text: str) -> None:
    """A `.pending` that somebody spoiled is an error that names it."""
    prepare(tmp_path)
    (tmp_path / "first" / ".pending").write_text(text)

    with pytest.raises(DBError, match=r"first/\.pending cannot be understood"):
        state(tmp_path, "first")


def test_collections_that_nobody_declares_are_waited_for(tmp_path: Path) -> None:
    """A journal with images for an unknown connector stays, and its folder is closed until that is declared."""
    prepare(tmp_path)
    journal = '{"unit": "1", "folders": {}, "connectors": {"connector:users": [["a"]]}}'
    (tmp_path / "first" / ".pending").write_text(journal)

    with pytest.raises(DBError, match="not declared here"):
        state(tmp_path, "first")

    assert (tmp_path / "first" / ".pending").read_text() == journal
    assert state(tmp_path, "second") == {"second": BEFORE["second"]}


@pytest.mark.parametrize("unit", [run_unit, run_single])
def test_nothing_is_left_of_a_unit_that_ended(tmp_path: Path, unit: Callable[..., None]) -> None:
    """Only the lock and the announcements stay beside the items."""
    prepare(tmp_path)
    stores = make(tmp_path, "first", "second")

    unit(stores)

    hidden = {path.name for path in tmp_path.glob("*/.*")}
    assert hidden == {".lock", ".changes"}
    assert contents(stores[0])["a"]["name"] == "new"
