"""The memory of a worker after four clients used it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bench.client import Connection
from bench.rows import ROWS, Turn
from bench.server import Server

_THREADS = 4


def memory_under_load(server: Server, size: int, turns: int) -> dict[str, float]:
    """Send every row `turns` times from each of four threads; return the MiB of the worker."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for future in [pool.submit(_use, server.port, size, n, turns) for n in range(_THREADS)]:
            future.result()
    return server.memory()


def _use(port: int, size: int, thread: int, turns: int) -> None:
    with Connection(port) as connection:
        for number in range(thread * turns, (thread + 1) * turns):
            for row in ROWS:
                turn = Turn(connection, size, number)
                answer = connection.exchange(row.prepare(turn))
                if answer.status != row.status:
                    raise RuntimeError(f"{row.name}: {answer.status} {answer.body[:500]!r}")
                row.settle(turn, answer)
