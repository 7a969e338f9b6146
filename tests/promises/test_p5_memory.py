"""P5: a file of any size passes through a server without staying in its memory."""

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

from tests.scale import record_figure, scaled

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
LARGE = scaled(64, 1024)  # MiB of the file that is sent and fetched
MOST = 32  # MiB that a server may need for it


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
def serving(folder: Path) -> Iterator[Server]:
    """Run a server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "tests.promises.file_server", str(folder), str(listener.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
        port = listener.getsockname()[1]
    try:
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_large_file_does_not_stay_in_memory(tmp_path: Path) -> None:
    """It is sent up and fetched again as it was, and the server hardly grows meanwhile."""
    with serving(tmp_path) as server:
        small, digest = server.send(2)  # loads what has to be loaded
        assert server.fetch(small["film"]["href"]) == digest
        before = server.memory("VmRSS")

        large, digest = server.send(LARGE)
        sent = server.memory("VmHWM") - before
        fetched = server.fetch(large["film"]["href"])
        growth = server.memory("VmHWM") - before

    assert large["film"]["size"] == LARGE * MIB
    assert fetched == digest
    record_figure("files", {"memory_file_mib": LARGE, "memory_growth_mib": round(growth, 1)})
    assert sent <= growth <= MOST
    assert {path.name for path in (tmp_path / "films").rglob("*") if path.is_file()} == {
        one["film"]["file_id"] for one in (small, large)
    }
