"""One side served by gunicorn, in a process of its own, on one core.

The parent opens the port, so that nothing has to be guessed or polled: a client that
connects early waits in the backlog until the worker is there.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gunicorn.app.base import BaseApplication

from bench.places import Place

_SETTINGS: dict[str, Any] = {
    "worker_class": "gthread",
    "workers": 1,
    "threads": 4,
    "keepalive": 600,
    "timeout": 600,
    "graceful_timeout": 1,
    "loglevel": "warning",
    "control_socket_disable": True,
}


class Server:
    """A running side: `with Server("floor", place, core=0) as server: server.port`."""

    def __init__(self, side: str, place: Place, core: int | None) -> None:
        self._command = [sys.executable, "-m", "bench.server", side, place.store, str(place.folder)]
        self._command.append("" if core is None else str(core))
        self.port = 0

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            # Before the first connection, which inherits it: gunicorn would set it too late.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.port = listener.getsockname()[1]
            number = listener.fileno()
            self._process = subprocess.Popen([*self._command, str(number)], pass_fds=[number])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def memory(self) -> dict[str, float]:
        """Return `{"VmRSS": MiB, "RssAnon": MiB}` of the worker process."""
        master = self._process.pid
        worker = int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines())
        return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon")}


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The WSGI application of a side, made in the worker, after the fork."""

    def __init__(self, side: str, place: Place, descriptor: str) -> None:
        self._side = side
        self._place = place
        self._descriptor = descriptor
        super().__init__()

    def load_config(self) -> None:
        for name, value in (_SETTINGS | {"bind": f"fd://{self._descriptor}"}).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return import_module(f"bench.{self._side}").create_app(self._place)


def main(side: str, store: str, folder: str, core: str, descriptor: str) -> None:
    """Serve `side` on the listening socket `descriptor` until the process is terminated."""
    if core:
        os.sched_setaffinity(0, {int(core)})
    _Application(side, Place(store, Path(folder)), descriptor).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
