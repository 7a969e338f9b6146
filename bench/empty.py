"""The empty Flask route: what Flask, the WSGI server and the socket cost by themselves."""

from __future__ import annotations

from flask import Flask

from bench.places import Place


def create_app(_place: Place) -> Flask:
    """Return an application that answers `/` with nothing."""
    app = Flask("empty")
    app.add_url_rule("/", "empty", lambda: "")
    return app
