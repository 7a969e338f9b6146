"""Without any right."""

from __future__ import annotations

from flask import Flask

from bench.ours import declare, fill
from bench.places import Place

__all__ = ["create_app", "fill"]


def create_app(place: Place) -> Flask:
    """Return the application over the database at `place`."""
    app = Flask("ours")
    declare(place).build_routes(app)
    return app
