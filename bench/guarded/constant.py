"""With rights that are constants: three fields, the collection, and a filter of rows that lets all pass."""

from __future__ import annotations

from flask import Flask

from bench.ours import declare, fill
from bench.places import Place

_READ = {"email": True, "salary": True, "birth": True}

__all__ = ["create_app", "fill"]


def create_app(place: Place) -> Flask:
    """Return the application over the database at `place`."""
    app = Flask("ours")
    declare(place, read=_READ, visible={}, can_read=True, can_modify=True).build_routes(app)
    return app
