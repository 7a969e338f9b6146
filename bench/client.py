"""A keep-alive HTTP connection that costs the client as little as Python allows."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"
_BUFFER = 1 << 21
_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the body of an answer, and its head."""

    status: int
    body: bytes
    head: bytes = field(default=b"", compare=False)


def get(path: str) -> bytes:
    """Return the bytes of a GET."""
    return _head("GET", path) + b"\r\n"


def delete(path: str) -> bytes:
    """Return the bytes of a DELETE."""
    return _head("DELETE", path) + b"\r\n"


def send(method: str, path: str, body: bytes) -> bytes:
    """Return the bytes of a request with a body of JSON."""
    head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return _head(method, path) + head.encode() + body


def _head(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n".encode()


class Connection:
    """One connection to a port of the loopback; requests are bytes made before the clock starts."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def exchange(self, request: bytes) -> Answer:
        """Send `request`; return its whole answer (at most 2 MiB)."""
        self._socket.sendall(request)
        filled = head = 0
        while not head:
            filled = self._receive(filled)
            head = self._buffer.find(_END, 0, filled) + 1
        body = head + len(_END) - 1
        found = _LENGTH.search(self._buffer, 0, body)
        end = body + int(found[1]) if found else body
        while filled < end:
            filled = self._receive(filled)
        return Answer(int(self._buffer[9:12]), bytes(self._view[body:end]), bytes(self._view[:body]))

    def _receive(self, filled: int) -> int:
        count = self._socket.recv_into(self._view[filled:])
        if not count:
            raise ConnectionError("the server closed the connection")
        return filled + count
