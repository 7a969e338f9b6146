"""Take out of the JSON form of an item what a user may not see: fields, and ids of items that are not there for him."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from backo.paths import FieldPath, value_at
from backo.references.fields import ids_in
from backo.references.links import Link

Tree = dict[str, Any]


def without_fields(tree: Tree, paths: Iterable[FieldPath]) -> Tree:
    """Copy a tree without some fields; a group, or an element of a list, in which nothing is left is unset.

    >>> without_fields({"name": "Jo", "pay": {"base": 1, "year": None}}, [("pay", "base")])
    {'name': 'Jo', 'pay': None}
    """
    for path in paths:
        tree = _without(tree, path)
    return tree


def _without(value: Any, path: FieldPath) -> Any:
    if isinstance(value, list):
        return [_without(one, path) for one in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    name, rest = path[0], path[1:]
    if not rest:
        return {key: one for key, one in value.items() if key != name}
    inner = _without(value[name], rest)
    if isinstance(inner, Mapping) and all(one is None for one in inner.values()):
        inner = None
    return {**value, name: inner}


def without_ids(tree: Tree, link: Link, seen: Collection[str]) -> Tree:
    """Copy a tree without those ids of a stored link that are not seen; a list without ids is empty, never unset."""
    named = value_at(tree, link.path)
    kept = [one for one in ids_in(named) if one in seen]
    value = kept if link.many else next(iter(kept), None)
    return tree if value == named else _with(tree, link.path, value)


def _with(tree: Mapping[str, Any], path: FieldPath, value: Any) -> Tree:
    """Copy a tree with another value at a path; a group in which nothing is left is unset."""
    name, rest = path[0], path[1:]
    if not rest:
        return {**tree, name: value}
    if tree.get(name) is None:
        return dict(tree)
    inner = _with(tree[name], rest, value)
    return {**tree, name: None if all(one in (None, []) for one in inner.values()) else inner}
