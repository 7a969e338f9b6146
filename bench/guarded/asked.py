"""With three functions that look at the item, and a filter of rows."""

from __future__ import annotations

from typing import Any

from flask import Flask

from bench.ours import declare, fill
from bench.places import Place


def _of_adults(_: str, person: Any) -> bool:
    return bool(person.age >= 18)


def _of_some(_: str, person: Any) -> bool:
    return bool(person.male or person.age < 90)


def _of_all(_: str, person: Any) -> bool:
    return person.name is not None


_READ = {"email": _of_all, "salary": _of_adults, "birth": _of_some}

__all__ = ["create_app", "fill"]


def create_app(place: Place) -> Flask:
    """Return the application over the database at `place`."""
    app = Flask("ours")
    declare(place, read=_READ, visible={"age": ("$gte", 0)}).build_routes(app)
    return app
