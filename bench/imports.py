"""Compare the import of many items with the driver alone: `python -m bench.imports --store sqlite --items 1000000`.

Each side imports into a database of its own, in a process of its own, in slices that take turns, so that
what slows the machine slows both. The driver writes the same rows into the same tables: those that this
library has made, documents encoded by `msgspec`, as many rows in one transaction, equally durable.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import msgspec

from bench.import_sides import SIDES, Side

_RESULTS = Path(__file__).parent / "results" / "import.json"
_SLICES = 10
_BATCH = 10_000
_LEAST_RATE, _LEAST_RATIO = 12_000, 0.4
_STORES = ("sqlite", "postgres")


class Slice(msgspec.Struct):
    """What one side tells of a slice: the seconds it took, those of the processor, and the memory afterwards."""

    seconds: float
    cpu_seconds: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one store came to, and what is wanted of it.

    Attributes:
        items: that each side imported.
        batch: how many went into one transaction.
        ours_per_s: items a second.
        raw_per_s: those of the driver.
        ratio: the median over the slices of ours ÷ raw.
        ratios: the least and the greatest.
        ours_cpu_us: of the processor, for an item; a busy machine changes it least.
        raw_cpu_us: the same of the driver.
        rss_mib: memory of our process after the first slice.
        rss_growth_mib: how much it had grown after the last one.
        raw_rss_growth_mib: the same of the driver.
    """

    items: int
    batch: int
    ours_per_s: float
    raw_per_s: float
    ratio: float
    ratios: tuple[float, float]
    ours_cpu_us: float
    raw_cpu_us: float
    rss_mib: float
    rss_growth_mib: float
    raw_rss_growth_mib: float

    def text(self, store: str) -> str:
        """Give the figures in a few lines."""
        rate = "met" if self.ours_per_s >= _LEAST_RATE else "MISSED"
        ratio = "met" if self.ratio >= _LEAST_RATIO else "MISSED"
        return (
            f"{store}: {self.items:,} items, {self.batch:,} in one transaction\n"
            f"  ours  {self.ours_per_s:>8.0f} items/s  ≥ {_LEAST_RATE} {rate}\n"
            f"  raw   {self.raw_per_s:>8.0f} items/s\n"
            f"  ratio {self.ratio:>8.2f} ({self.ratios[0]:.2f}–{self.ratios[1]:.2f})  ≥ {_LEAST_RATIO} {ratio}\n"
            f"  processor {self.ours_cpu_us:.1f} µs an item, raw {self.raw_cpu_us:.1f} µs\n"
            f"  memory {self.rss_mib:.0f} MiB after the first slice, {self.rss_growth_mib:+.1f} MiB after the last one"
            f" (raw {self.raw_rss_growth_mib:+.1f} MiB)"
        )


def main() -> None:
    """Run both sides in turns, print what they came to, and write it to `bench/results/import.json`."""
    options = _options()
    if options.side:
        _serve(SIDES[options.store, options.side](options.place), options.batch)
        return
    with _place(options.store) as place:
        result = _measure(options.store, place, options.items, options.batch)
    print(result.text(options.store))
    known = msgspec.json.decode(_RESULTS.read_bytes()) if _RESULTS.exists() else {}
    known[options.store] = msgspec.to_builtins(result)
    _RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")


@contextmanager
def _place(store: str) -> Iterator[str]:
    """Give a folder, or for a database server a connection string."""
    with tempfile.TemporaryDirectory(prefix="backo-imports-") as folder:
        if store == "postgres":
            from tests.servers import Postgres  # noqa: PLC0415  # nobody else needs a server

            server = Postgres(fsync="on", synchronous_commit="on", full_page_writes="on")
            try:
                yield server.start()
            finally:
                server.remove()
        else:
            yield folder


def _measure(store: str, place: str, items: int, batch: int) -> Result:
    size = items // _SLICES
    sides = {side: _start(store, side, place, batch) for side in ("ours", "raw")}
    slices: dict[str, list[Slice]] = {side: [] for side in sides}
    for number in range(_SLICES):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))  # nobody is always the first
        for side in order:
            slices[side].append(_ask(sides[side], number * size, (number + 1) * size))
    for process in sides.values():
        process.communicate(timeout=60)
    ours, raw = slices["ours"], slices["raw"]
    ratios = [one.seconds / other.seconds for one, other in zip(raw, ours, strict=True)]
    return Result(
        items=size * _SLICES,
        batch=batch,
        ours_per_s=size * _SLICES / sum(one.seconds for one in ours),
        raw_per_s=size * _SLICES / sum(one.seconds for one in raw),
        ratio=median(ratios),
        ratios=(min(ratios), max(ratios)),
        ours_cpu_us=sum(one.cpu_seconds for one in ours) / (size * _SLICES) * 1e6,
        raw_cpu_us=sum(one.cpu_seconds for one in raw) / (size * _SLICES) * 1e6,
        rss_mib=ours[0].rss_mib,
        rss_growth_mib=ours[-1].rss_mib - ours[0].rss_mib,
        raw_rss_growth_mib=raw[-1].rss_mib - raw[0].rss_mib,
    )


def _start(store: str, side: str, place: str, batch: int) -> subprocess.Popen[bytes]:
    """Start a side; the driver finds the tables that ours has made, so it waits until they are there."""
    command = [sys.executable, "-m", "bench.imports", "--store", store, "--batch", str(batch)]
    process = subprocess.Popen(
        [*command, "--side", side, "--place", place], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdout is None or not process.stdout.readline():
        raise RuntimeError(f"the side {side} could not be started")
    return process


def _ask(process: subprocess.Popen[bytes], start: int, end: int) -> Slice:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a side has no pipes")
    process.stdin.write(b"%d %d\n" % (start, end))
    process.stdin.flush()
    return msgspec.json.decode(process.stdout.readline(), type=Slice)


def _serve(side: Side, batch: int) -> None:
    """Import the slices that are asked for, one a line."""
    print("ready", flush=True)
    for line in sys.stdin:
        first, last = map(int, line.split())
        start, cpu = perf_counter(), process_time()
        side.load(first, last, batch)
        told = Slice(perf_counter() - start, process_time() - cpu, _rss())
        print(msgspec.json.encode(told).decode(), flush=True)
    side.close()


def _rss() -> float:
    """Return the memory that this process holds, in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.imports")
    parser.add_argument("--store", choices=_STORES, default="sqlite")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=_BATCH, help="items in one transaction")
    parser.add_argument("--side", choices=("ours", "raw"), help=argparse.SUPPRESS)
    parser.add_argument("--place", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
