"""Say which fields a view shows (SPEC 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from backo.paths import FieldPath
from backo.schema.compiler import CLIENT_VIEW, Schema
from backo.schema.nodes import Node
from backo.schema.placing import SAVE_VIEW

Mask: TypeAlias = "Mapping[str, Mask | None]"
"""The names that are kept in a group; for each, the mask of the group inside, or None for all of it."""

_MASKS = 1024  # that are kept


@lru_cache(_MASKS)
def view_names(schema: Schema) -> frozenset[str]:
    """Give the names of the views that an item knows."""
    named = {name.removeprefix("!") for node in schema.nodes.values() for name in node.options.views}
    return frozenset(named | {CLIENT_VIEW, SAVE_VIEW} | schema.views.keys())


def known_view(schema: Schema, name: str) -> str:
    """Give the view that a caller gets who asks for this one: an unknown one is `client`."""
    return name if isinstance(name, str) and name.removeprefix("+") in view_names(schema) else CLIENT_VIEW


@lru_cache(_MASKS)
def mask(schema: Schema, view: str) -> Mask | None:
    """Give the mask of a view: `name` keeps all but `!name`, `+name` keeps what names `name`.

    None means that nothing is left out. What is no name of a view is `client`.
    """
    view = known_view(schema, view)
    only = view.startswith("+")
    name = view.removeprefix("+")
    if name in schema.views:
        return mask_of_paths(schema.views[name])
    return _mask(schema.children.values(), name, only=only)


def mask_of_paths(paths: Iterable[FieldPath]) -> Mask:
    """Give the mask that keeps these paths, and `_id`."""
    kept: dict[str, Any] = {"_id": None}
    for path in paths:
        holder: Any = kept
        for name in path[:-1]:
            holder = holder.setdefault(name, {})
            if holder is None:  # all of it is kept already
                break
        else:
            holder[path[-1]] = None
    return kept


def _mask(nodes: Iterable[Node], name: str, *, only: bool) -> Mask | None:
    kept: dict[str, Mask | None] = {}
    whole = True
    for node in nodes:
        views = node.options.views
        if f"!{name}" in views or node.options.exists is False or (name == SAVE_VIEW and not node.stored):
            whole = False
            continue
        inner = _mask(node.children.values(), name, only=only and name not in views) if node.children else None
        if only and name not in views and not inner:
            whole = False
            continue
        kept[node.name] = inner
        whole = whole and inner is None
    return None if whole and not only else kept


def masked(tree: Mapping[str, Any], keep: Mask | None) -> dict[str, Any]:
    """Copy a group, leaving out what the mask does not name."""
    if keep is None:
        return dict(tree)
    return {name: _masked_value(value, keep[name]) for name, value in tree.items() if name in keep}


def _masked_value(value: Any, keep: Mask | None) -> Any:
    if keep is None or value is None:
        return value
    if isinstance(value, list):
        return [_masked_value(one, keep) for one in value]
    return masked(value, keep)


@lru_cache(_MASKS)
def _everything(schema: Schema) -> Mapping[str, Any]:
    return _whole(schema.children.values())


def _whole(nodes: Iterable[Node]) -> Mapping[str, Any]:
    return {node.name: _whole(node.children.values()) if node.children else None for node in nodes}


def without_paths(schema: Schema, keep: Mask | None, paths: Iterable[FieldPath]) -> Mask | None:
    """Take fields out of a mask, and groups of which nothing is left."""
    for path in paths:
        keep = _taken_out(_everything(schema) if keep is None else keep, path, schema.children)
    return keep


def _taken_out(keep: Mapping[str, Any], path: FieldPath, children: Mapping[str, Node]) -> Mapping[str, Any]:
    name, rest = path[0], path[1:]
    if name not in keep:
        return keep
    inner = None
    if rest:
        below = children[name].children
        inner = _taken_out(_whole(below.values()) if keep[name] is None else keep[name], rest, below)
    return {key: inner if key == name else one for key, one in keep.items() if key != name or inner}
