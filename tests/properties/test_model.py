"""The same answers as the model, whatever is asked, on every store."""

import logging
import os
import random
import shutil
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from tests.properties.programs import DifferenceError, Program, Variant, play, program, smaller, variant
from tests.scale import record_figure, scaled
from tests.work.stores import EVERY, MIXED

LENGTH = 50
SEED = os.environ.get("BACKO_SEED")  # replays one program, comparing everything after each step

_numbers = count()


def failure(graph: Variant, kinds: list[str], folder: Path, steps: Program) -> Exception | None:
    """Run a program, comparing everything after each step; give what goes wrong."""
    folder = folder / str(next(_numbers))  # a server does not notice that a folder has gone
    try:
        play(graph, steps, kinds, folder, often=True)
    except Exception as error:  # noqa: BLE001  # whatever it is, the program shows it
        return error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


@pytest.mark.parametrize("kind", [*EVERY, *MIXED])
def test_programs(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Random programs on random graphs give the answers of the model: results, refusals, contents, both sides of links.

    A difference is shown with its seed and the smallest part of the program that shows it.
    """
    caplog.set_level(logging.ERROR, "backo.backoffice")  # some of these graphs are odd
    kinds = [kind] if kind == "memory" else ["memory", kind]
    first, programs = (
        (int(SEED), 1) if SEED else (0, scaled({"mongo": 5}.get(kind, 10 if kind in MIXED else 25), 1_000))
    )
    told: dict[str, int] = {}
    for seed in range(first, first + programs):
        dice = random.Random(seed)
        graph = variant(dice)
        steps = program(dice, graph, LENGTH)

        fails = partial(failure, graph, kinds, tmp_path / "again")
        try:
            for answer, times in play(graph, steps, kinds, tmp_path / f"once-{seed}", often=bool(SEED)).items():
                told[answer] = told.get(answer, 0) + times
        except Exception as error:
            least = smaller(steps, lambda rest: fails(rest) is not None) if fails(steps) else steps  # noqa: B023  # now
            shown = "\n".join(f"    {step!r}," for step in least)
            relations = "\n".join(f"    {one!r}" for one in graph.relations)
            message = (
                f"BACKO_SEED={seed} on {kind}: {fails(least) or error!r}\n"
                f"the least program that shows it:\n{shown}\nin:\n{relations}\n    stored: {sorted(graph.owners)}"
            )
            raise DifferenceError(message) from error
        finally:
            shutil.rmtree(tmp_path / f"once-{seed}", ignore_errors=True)
    print(f"seeds {first} to {first + programs - 1} on {kind}: {dict(sorted(told.items()))}")  # noqa: T201  # shown by -s
    record_figure(
        "properties",
        # The first difference ends the proof, so these all gave the same answers.
        {f"model_{kind}_programs_alike": programs, f"model_{kind}_steps_alike": sum(told.values())},
    )
