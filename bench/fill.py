"""Fill the database of a side, in a process of its own: `python -m bench.fill SIDE STORE FOLDER N P`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from bench import model
from bench.places import Place
from bench.rows import parents_of


def fill_all(sides: Mapping[Place, str], size: int, parents: int) -> None:
    """Fill the place of each side at once with `size` people over the first `parents` sites."""
    processes: list[subprocess.Popen[bytes]] = []
    for place, side in sides.items():
        place.make()
        arguments = [side, place.store, str(place.folder), str(size), str(parents)]
        processes.append(subprocess.Popen([sys.executable, "-m", "bench.fill", *arguments]))
    codes = [process.wait() for process in processes]
    if any(codes):
        raise RuntimeError("a database could not be filled")
    for place in sides:
        place.settle()


def main(side: str, store: str, folder: str, size: str, parents: str) -> None:
    """Fill the database of `side` through the code of that side."""
    count = int(size)
    sites = model.sites(parents_of(count))
    people = model.people(count, int(parents))
    import_module(f"bench.{side}").fill(Place(store, Path(folder)), sites, people)


if __name__ == "__main__":
    main(*sys.argv[1:])
