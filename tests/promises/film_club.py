"""Sends files to a server in a process of its own, fetches them, and looks at its memory meanwhile."""

import hashlib
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024


class Server:
    """A running server.

    Attributes:
        port: where it listens.
        process: it.
    """

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.port, self.process = port, process

    def memory(self, name: str) -> float:
        """Give a figure of its resident memory in MiB: `VmRSS` now, `VmHWM` at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(f"{name}:"))

    def send(self, size: int) -> tuple[Any, str]:
        """Send a file of so many MiB in a form; gives the item and the hash of what was sent."""
        head = b'--x\r\nContent-Disposition: form-data; name="film"; filename="film.bin"\r\n\r\n'
        tail, digest = b"\r\n--x--\r\n", hashlib.sha256()

        def body() -> Iterator[bytes]:
            yield head
            for number in range(size):
                piece = number.to_bytes(4, "big") * (MIB // 4)
                digest.update(piece)
                yield piece
            yield tail

        headers = {
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(len(head) + size * MIB + len(tail)),
        }
        with self._asked("POST", "/cinema/films", body(), headers) as answer:
            assert answer.status == 201
            return json.loads(answer.read()), digest.hexdigest()

    def fetch(self, address: str) -> str:
        """Fetch a file; gives the hash of what came."""
        digest = hashlib.sha256()
        with self._asked("GET", address, None, {}) as answer:
            assert answer.status == 200
            while piece := answer.read(MIB):
                digest.update(piece)
        return digest.hexdigest()

    @contextmanager
    def _asked(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, headers)
            yield connection.getresponse()
        finally:
            connection.close()


@contextmanager
def serving(folder: Path, kind: str = "folder") -> Iterator[Server]:
    """Run a server in a process of its own; the kind is that of `file_server`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "tests.promises.file_server", str(folder), str(listener.fileno()), kind]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
        port = listener.getsockname()[1]
    try:
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(timeout=30)
