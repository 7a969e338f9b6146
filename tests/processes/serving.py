"""Serve a graph with gunicorn, in the way that docs/how-to/deployment.md recommends: by the very file it shows.

with Server("postgres", tmp_path, workers=4, threads=16) as server:
    server.port
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "deployment.md"
PATIENCE = 60  # seconds for a server to start or to end, on a busy machine

# `shop.py`, as the page calls the module of the application.
_MODULE = "from tests.processes.served import app as app, backoffice as backoffice\n"


def recommended() -> str:
    """Give the `gunicorn.conf.py` that the page shows."""
    (found,) = re.findall(r"```python\n(# gunicorn\.conf\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(found)


class Server:
    """A server of several processes, stopped in the end.

    Args:
        kind: of store.
        folder: where the store is, and what the processes leave word of.
        workers: how many processes.
        threads: how many threads each.
        settings: environment variables beside these, for `tests.processes.served`.
    """

    def __init__(self, kind: str, folder: Path, *, workers: int, threads: int, **settings: str) -> None:
        self.folder = folder
        (folder / "shop.py").write_text(_MODULE, "utf-8")
        (folder / "gunicorn.conf.py").write_text(recommended(), "utf-8")
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), *sys.path]),
            "GRAPH_KIND": kind,
            "GRAPH_FOLDER": str(folder),
            "WEB_CONCURRENCY": str(workers),
            "WEB_THREADS": str(threads),
            **settings,
        }
        self.port = 0

    def __enter__(self) -> Self:
        """Start it; a client that comes early waits in the queue of the port until a worker is there."""
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            self.port = listener.getsockname()[1]
            number = listener.fileno()
            command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", f"--bind=fd://{number}"]
            with (self.folder / "gunicorn.log").open("ab") as log:
                self.process = subprocess.Popen(
                    [*command, "--log-level=warning", "shop:app"],
                    cwd=self.folder,
                    env=self._environment,
                    pass_fds=[number],
                    stdout=log,
                    stderr=log,
                )
        return self

    def terminate(self) -> None:
        """Ask it to finish what is running, and to end."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait until all its processes have ended; give how the first one did."""
        return self.process.wait(PATIENCE)

    def log(self) -> str:
        """Give what it has said."""
        return (self.folder / "gunicorn.log").read_text("utf-8")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        self.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            if error is not None:
                sys.stderr.write(self.log())


def eventually(is_so: object, what: str) -> None:
    """Wait until a function says yes."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
