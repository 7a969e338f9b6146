"""The connection reads whole answers, however they arrive."""

import socket
from collections.abc import Iterable
from threading import Thread

import pytest

from bench.client import Answer, Connection, delete, get, send

HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n"


def exchange(pieces: Iterable[bytes]) -> Answer:
    """Return how an answer that arrives in `pieces` is read."""

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(10_000)
            for piece in pieces:
                peer.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        try:
            with Connection(listener.getsockname()[1]) as connection:
                return connection.exchange(get("/"))
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ([HEAD + b"hello"], Answer(200, b"hello")),
        ([HEAD, b"he", b"llo"], Answer(200, b"hello")),
        ([HEAD[:20], HEAD[20:-2], HEAD[-2:] + b"hello"], Answer(200, b"hello")),
        ([b"HTTP/1.1 204 NO CONTENT\r\nServer: x\r\n\r\n"], Answer(204, b"")),
    ],
    ids=["at once", "body apart", "head in pieces", "no body"],
)
def test_answers(pieces: list[bytes], answer: Answer) -> None:
    """The status and the body."""
    assert exchange(pieces) == answer


def test_a_closed_connection_is_an_error() -> None:
    """Half an answer is none."""
    with pytest.raises(ConnectionError):
        exchange([HEAD, b"he"])


def test_requests() -> None:
    """The bytes of the three kinds of requests."""
    assert get("/a").startswith(b"GET /a HTTP/1.1\r\n")
    assert delete("/a").endswith(b"\r\n\r\n")
    assert send("PUT", "/a", b"{}").endswith(b"Content-Length: 2\r\n\r\n{}")
