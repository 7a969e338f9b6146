"""The empty Flask route: what Flask, the WSGI server and the socket cost by themselves."""

from __future__ import annotations

from pathlib import Path

from flask import Flask


def create_app(_folder: Path) -> Flask:
    """Return an application that answers `/` with nothing."""
    app = Flask("empty")
    app.add_url_rule("/", "empty", lambda: "")
    return app
