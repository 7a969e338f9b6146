"""Serve an application on this machine until somebody stops it."""

import signal
from collections.abc import Callable
from contextlib import suppress

from flask import Flask
from waitress.server import create_server

HOST = "127.0.0.1"


def interrupt_on_sigterm() -> None:
    """Let SIGTERM raise `KeyboardInterrupt`, as Ctrl-C does, also for a job in the background."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def serve(app: Flask, port: int, announce: Callable[[str], None]) -> None:
    """Answer requests until Ctrl-C; those that are running then are finished first.

    Args:
        app: the application.
        port: where to listen on 127.0.0.1; 0 takes a free port.
        announce: called with the address (`"http://127.0.0.1:8000"`) once the port is open.

    Raises:
        OSError: the port is taken.
    """
    server = create_server(app, host=HOST, port=port)
    try:
        with suppress(KeyboardInterrupt):  # Ctrl-C comes while we announce
            announce(f"http://{HOST}:{server.effective_port}")
            server.run()  # returns on KeyboardInterrupt, within 5 seconds
    finally:
        server.close()
