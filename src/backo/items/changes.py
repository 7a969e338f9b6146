"""Compare two documents of one schema, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backo import jsontext
from backo.paths import FieldPath
from backo.schema.compiler import Schema
from backo.schema.nodes import Node

_UNSET: Mapping[str, Any] = {}


def changed_paths(schema: Schema, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldPath]:
    """List the fields whose stored values differ; groups are compared inside, lists as a whole.

    `null` and absent are the same. Computed fields, `_id` and `_meta` do not count.
    """
    return _changed(schema.children, before, after)


def _changed(children: Mapping[str, Node], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldPath]:
    paths: list[FieldPath] = []
    for name, node in children.items():
        if node.read_only or not node.stored:
            continue
        old, new = before.get(name), after.get(name)
        if old is new or (old == new and not node.loose):
            continue
        if node.children and node.element is None:
            paths += _changed(node.children, old or _UNSET, new or _UNSET)
        elif not _same(node, old, new):
            paths.append(node.path)
    return paths


def _same(node: Node, old: Any, new: Any) -> bool:
    """Compare the JSON values of a field, by their text where nothing else is declared about them."""
    if old is None or new is None:
        return old is new
    if node.children:
        if isinstance(old, list) and isinstance(new, list):
            element = node.element or node
            return len(old) == len(new) and all(_same(element, one, other) for one, other in zip(old, new, strict=True))
        return all(_same(child, old.get(name), new.get(name)) for name, child in node.children.items())
    return bool(old == new) and (not node.loose or jsontext.encode(old) == jsontext.encode(new))


def merged_ids(origin: Sequence[str], mine: Sequence[str], present: Sequence[str]) -> tuple[str, ...] | None:
    """Lay the ids that we added to a list, and took from it, over what others made of it.

    Who moved ids decides where they stand, and what the other one added comes last.

    Returns:
        The ids, or None when both put the same ids into different orders.
    """
    if list(present) == list(origin):
        return tuple(mine)
    before, ours, theirs = set(origin), set(mine), set(present)
    kept = before & ours & theirs
    order, own, other = ([one for one in ids if one in kept] for ids in (origin, mine, present))
    if own != order and other not in (order, own):
        return None
    first, second, both = (present, mine, ours) if own == order else (mine, present, theirs)
    base = [one for one in first if one in both or one not in before]
    return (*base, *(one for one in second if one not in before and one not in base))


def laid_over(present: Mapping[str, Any], changed: Mapping[str, Any], paths: list[FieldPath]) -> dict[str, Any]:
    """Copy a document, taking these paths from another one.

    A group of which something is taken exists afterwards, unless nothing in it is set.
    """
    result = dict(present)
    for path in paths:
        _take(result, changed, path)
    return result


def _take(target: dict[str, Any], source: Mapping[str, Any] | None, path: FieldPath) -> None:
    name, rest = path[0], path[1:]
    value = None if source is None else source.get(name)
    if rest:
        inner = dict(target.get(name) or {})
        _take(inner, value, rest)
        value = inner if any(one is not None for one in inner.values()) else None
    target[name] = value
