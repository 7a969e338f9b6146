"""The two sizes of a proof: reduced in `make test`, full in `make prove`.

A proof is one test. It asks here how much to do, and leaves here the figures it found.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PROVE = os.environ.get("BACKO_PROVE") == "1"
RESULTS = Path(__file__).parents[1] / "bench" / "results"


def scaled(reduced: T, full: T) -> T:
    """Give the size of this run: `full` in `make prove`, else `reduced`."""
    return full if PROVE else reduced


def record_figure(name: str, figures: Mapping[str, object]) -> None:
    """Merge JSON figures into `bench/results/<name>.json`; only the full form writes any.

    Put the unit in the key: `{"races": 100_000, "p95_ms": 3.1}`.
    """
    if not PROVE:
        return
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps({**known, **figures}, indent=2, sort_keys=True) + "\n", "utf-8")
    aside.replace(path)
