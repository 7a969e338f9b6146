"""Declare what a type checker would refuse."""

from typing import Any


def declared(kind: Any, **options: Any) -> Any:
    """Declare a field with any options."""
    return kind(**options)
