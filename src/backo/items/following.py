"""Follow a selector from a record through groups, lists and links."""

from __future__ import annotations

from typing import Any

from backo.errors import PathNotFoundError
from backo.paths import Everything, Selector, Slice


def follow(value: Any, selector: Selector) -> Any:
    """Read a selector; several values come as a list, what is absent is None.

    A name after a list is read in each of its elements; a name after a link, in the item it names.

    Raises:
        PathNotFoundError: a step leads nowhere.
    """
    for position, step in enumerate(selector):
        if value is None:
            return None
        rest = selector[position + 1 :]
        match step:
            case Slice(start=start, stop=stop):
                return [follow(one, rest) for one in _elements(value, step)[start:stop]]
            case Everything():
                return [follow(one, rest) for one in _everything(value, step)]
            case str() if isinstance(value, list | tuple):
                return [follow(one, selector[position:]) for one in _targets(value)]
            case _:
                value = _child(value, step)
    return value


def _child(value: Any, step: str | int) -> Any:
    """Take one step into a record, a group, an object, a list, or the item that a link names."""
    if isinstance(value, str) and isinstance(step, str) and hasattr(value, "item"):
        value = value.item
        if value is None:  # the current user cannot see it
            return None
    try:
        if isinstance(step, str) or isinstance(value, list | tuple):
            return value[step]
    except (KeyError, IndexError, TypeError):
        pass
    raise _nothing(step)


def _everything(value: Any, step: Everything) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str) or not hasattr(value, "__iter__") or not hasattr(value, "__getitem__"):
        raise _nothing(step)
    return [value[name] for name in value]


def _elements(value: Any, step: Slice) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise _nothing(step)


def _targets(value: list[Any] | tuple[Any, ...]) -> list[Any]:
    """Give the items that a list of links names, or the elements of another list."""
    items = getattr(value, "items", None)
    return list(items()) if callable(items) else list(value)


def _nothing(step: str | int | Slice | Everything) -> PathNotFoundError:
    match step:
        case Slice() | Everything():
            return PathNotFoundError("a slice or a star of the selector needs a list or a group")
    return PathNotFoundError(f"there is nothing at step {step!r} of the selector")
