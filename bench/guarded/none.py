"""Without any right."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from bench.ours import declare, fill

__all__ = ["create_app", "fill"]


def create_app(folder: Path) -> Flask:
    """Return the application over the database in `folder`."""
    app = Flask("ours")
    declare(folder).build_routes(app)
    return app
