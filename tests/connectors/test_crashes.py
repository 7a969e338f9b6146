"""Commits of YAML folders that are cut short at every possible moment."""

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from backo.connectors.yaml import DBYmlConnector
from backo.errors import DBError
from tests.connectors.folders import (
    AFTER,
    BEFORE,
    UNITS,
    Contents,
    Crash,
    contents,
    failing,
    leftovers,
    make,
    prepare,
    run_single,
    run_unit,
    state,
)

ORDERS = [pytest.param(("first", "second"), id="first-first"), pytest.param(("second", "first"), id="second-first")]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("unit", "after"), UNITS)
def test_a_crash_at_any_step_leaves_a_unit_whole(
    tmp_path: Path, unit: Callable[[list[DBYmlConnector]], None], after: Contents, order: tuple[str, ...]
) -> None:
    """Whoever opens one of the folders next finds all of the unit or nothing, in both; then nothing is left over."""
    outcomes = set()
    for step in itertools.count():
        folder = tmp_path / str(step)
        prepare(folder)
        stores = make(folder, "first", "second")
        contents(stores[0])  # opened before, as in a running process

        with failing(step, Crash, for_ever=True) as calls, suppress(Crash):
            unit(stores)
        for store in stores:
            store.folder.close()  # as the end of a process does

        found = state(folder, *order)
        assert found in (BEFORE, after), f"step {step}, {calls[-1]}"
        outcomes.add(found == after)
        if found == BEFORE:
            run_single(make(folder, "first", "second"))  # a writer cleans up
        assert leftovers(folder) == []
        if len(calls) <= step:
            break

    assert outcomes == {True, False}
    assert found == after


@pytest.mark.parametrize("is_lasting", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize(("unit", "after"), UNITS)
def test_a_failure_at_any_step_leaves_a_unit_whole(
    tmp_path: Path, unit: Callable[[list[DBYmlConnector]], None], after: Contents, *, is_lasting: bool
) -> None:
    """A disk that fails makes a commit a `DBError`; what is stored, and what the process sees, is all or nothing."""
    for step in itertools.count():
        folder = tmp_path / str(step)
        prepare(folder)
        stores = make(folder, "first", "second")
        is_done = True

        with failing(step, lambda: OSError(28, "no space left"), for_ever=is_lasting) as calls:
            try:
                unit(stores)
            except DBError:
                is_done = False

        seen = {store.structure.collection: contents(store) for store in stores}
        assert seen in (BEFORE, after), f"step {step}, {calls[-1]}"
        if is_done:
            assert seen == after
        elif not is_lasting:
            assert seen == BEFORE
        assert state(folder, "second", "first") == seen
        if seen == BEFORE:
            unit(stores)
            assert {store.structure.collection: contents(store) for store in stores} == after
        assert leftovers(folder) == []
        if len(calls) <= step:
            break

    assert is_done


def test_a_single_document_costs_two_syncs(tmp_path: Path) -> None:
    """One of the file before it is moved into place, one of the folder after."""
    prepare(tmp_path)
    stores = make(tmp_path, "first", "second")

    with failing(-1, Crash, for_ever=False) as calls:
        run_single(stores)

    significant = [call for call in calls if call in {"fsync", "rename", "unlink"}]
    assert significant == ["fsync", "rename", "fsync"]


def test_a_running_process_sees_a_unit_that_another_one_began(tmp_path: Path) -> None:
    """A process that had both folders open when another one died behind its commit point sees all of the unit."""
    rehearsal = tmp_path / "rehearsal"
    prepare(rehearsal)
    rehearsing = make(rehearsal, "first", "second")
    with failing(-1, Crash, for_ever=False) as calls:
        run_unit(rehearsing)
    pointed, committed = [step for step, call in enumerate(calls) if call == "rename"][:2]

    for step, expected in ((pointed + 1, BEFORE), (committed + 1, AFTER)):
        folder = tmp_path / str(step)
        prepare(folder)
        watching, dying = make(folder, "second", "first"), make(folder, "first", "second")
        assert contents(watching[0]) == BEFORE["second"]
        with failing(step, Crash, for_ever=True), pytest.raises(Crash):
            run_unit(dying)
        for store in dying:
            store.folder.close()

        found = {store.structure.collection: contents(store) for store in watching}

        assert found == expected


@pytest.mark.parametrize("is_same_process", [True, False], ids=["same-process", "next-process"])
def test_an_undoing_that_fails_too_is_completed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_same_process: bool
) -> None:
    """When files can be neither moved nor moved back, the commit has failed, and so it stays once they can."""
    prepare(tmp_path)
    stores = make(tmp_path, "first", "second")
    rename = os.rename
    moved = []

    def stuck(source: str, target: str) -> None:
        if target.endswith(".yml"):
            moved.append(target)
            if len(moved) > 1:
                raise OSError(5, "input/output error")
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", stuck)
        with pytest.raises(DBError, match="input/output error"):
            run_unit(stores)

    if is_same_process:
        assert {store.structure.collection: contents(store) for store in stores} == BEFORE
    assert state(tmp_path, "second", "first") == BEFORE
    run_unit(stores)
    assert {store.structure.collection: contents(store) for store in stores} == AFTER
    assert leftovers(tmp_path) == []
