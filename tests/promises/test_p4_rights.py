"""P4: what a user may not see cannot be read, filtered, sorted, counted, tested or inferred."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from backo.collections import filing
from backo.collections.overlaying import Overlay
from backo.files.places import place_of, version_at
from backo.query.filters import EVERYTHING
from backo.query.sorting import position
from backo.work.sight import NO_PATHS, Sight, Sights
from tests.promises.guarded import Kind, Worlds, about_files, by_patch, file_ids, questions, shown
from tests.scale import record_figure, scaled
from tests.work.stores import EVERY

SEEDS, QUESTIONS = scaled(3, 25), scaled(150, 200)


@pytest.fixture(autouse=True)
def _same_file_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let chance not tell the worlds apart."""
    monkeypatch.setattr("backo.files.values.new_file_id", file_ids)


@pytest.mark.parametrize("kind", EVERY)
def test_answers_depend_only_on_what_the_user_sees(kind: str, tmp_path: Path) -> None:
    """Two worlds that differ in hidden rows, fields, links and counts answer alike, byte for byte."""
    statuses: dict[int, int] = {}
    for seed in range(SEEDS):
        worlds = Worlds(kind, tmp_path / str(seed), seed)
        for question in islice(questions(Random(seed)), QUESTIONS):
            first, second = worlds.ask(question)
            assert first == second, f"seed {seed}: {shown(question)}"
            statuses[first[0]] = statuses.get(first[0], 0) + 1
        worlds.close()
    assert {200, 304, 400, 401 + 2, 404, 409} <= statuses.keys()  # the questions reach what they are about
    record_figure("promises", {f"p4_reads_{kind}": sum(statuses.values()), f"p4_statuses_{kind}": statuses})


# Each gate of the reads, and how it is taken out: what to replace, and by what. Two more only make errors
# clear, since what they refuse would be absent anyway: `Collection.scope_for` and `Overlay._check_step`.
GATES: dict[str, tuple[object, str, object]] = {
    "rows": (Sight, "rows", EVERYTHING),
    "rows of a single item": (Sight, "has", lambda self, stored: True),
    "right to read an item": (Sight, "can_read", lambda self, stored: True),
    "right to read an item of a list": (Sight, "reads", True),
    "fields that are always hidden": (Sight, "hidden", NO_PATHS),
    "fields that are hidden in some items": (Sight, "denied", lambda self, rows: [NO_PATHS] * len(rows)),
    "ids of stored links": (Sight, "unveiled", lambda self, trees, links=None: list(trees)),
    "ids of derived links": (Sights, "filled", lambda self, link, ids: self.unit.filled(link, ids)),
    "values in filters": (Sight, "_is_soft_leaf", lambda self, leaf: False),
    "values in orders": (Sight, "_is_soft", lambda self, path: False),
    "ids in filters": (Sight, "_restricted", lambda self, filter_: filter_),
    "filters across links": (
        Sight,
        "_search",
        lambda self, collection, filter_, path: self.sights.unit._search(collection, filter_, path),
    ),
    "hidden derived links in filters": (Sight, "_kept", lambda self, path: False),
    "cursors": (Sight, "position", lambda self, stored, query: position(stored.document, query.sort)),
    "files": (
        filing,
        "file_of",
        lambda contents, sight, stored, path: version_at(contents.files, stored.document, place_of(path)),
    ),
    "what patches are tested against": (Overlay, "_projected", lambda self, names: self._record._json(names)),
}


# What to ask where among all questions too few are about the gate.
KINDS_OF: dict[str, Sequence[Kind]] = {"files": [about_files], "what patches are tested against": [by_patch]}


# Where to begin so that the question comes soon.
SOON = {"cursors": 7, "hidden derived links in filters": 12}


@pytest.mark.parametrize("gate", GATES)
def test_without_any_one_gate_the_answers_differ(gate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above sees each gate: without it some question tells the two worlds apart."""
    owner, name, replacement = GATES[gate]
    monkeypatch.setattr(owner, name, replacement)

    seeds = sorted(range(25), key=lambda seed: (seed - SOON.get(gate, 0)) % 25)
    assert any(_differ(seed, tmp_path / str(seed), KINDS_OF.get(gate, ())) for seed in seeds)


def _differ(seed: int, folder: Path, kinds: Sequence[Kind]) -> bool:
    """Tell whether some question has two answers."""
    worlds = Worlds("memory", folder, seed)
    pairs = (worlds.ask(question) for question in islice(questions(Random(seed), kinds), 200))
    found = any(first != second for first, second in pairs)
    worlds.close()
    return found
