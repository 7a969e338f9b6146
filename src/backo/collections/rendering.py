"""Show stored items as JSON text: what does not depend on the item is done once per view."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backo import jsontext
from backo.connectors.base import StoredDocument
from backo.paths import FieldPath
from backo.references.fields import FillStrategy
from backo.references.links import Link
from backo.schema.nodes import Node
from backo.schema.views import Mask, known_view, mask, without_paths
from backo.work.catalog import Entry
from backo.work.loading import loaded
from backo.work.projecting import without_fields
from backo.work.sight import Sights


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """How the items of a collection are shown in one view.

    Attributes:
        entry: the collection.
        name: of the view.
        stored: the names of the fields that are stored.
        mask: which fields are shown; None for all.
        as_stored: whether the stored text is the answer, byte for byte.
        by_record: whether values depend on the item: computed or conditional fields, `loaded` handlers.
        filled: derived links whose ids are looked up.
        empty: derived links that are shown without their ids.
    """

    entry: Entry
    name: str
    stored: tuple[str, ...]
    mask: Mask | None
    as_stored: bool
    by_record: bool
    filled: tuple[Link, ...]
    empty: tuple[Link, ...]


def view_of(entry: Entry, name: str, hidden: frozenset[FieldPath] = frozenset()) -> View:
    """Prepare a view; one that does not exist is `client`, and so is `save`.

    Args:
        entry: the collection.
        name: of the view.
        hidden: fields that are not shown in any view.
    """
    schema = entry.schema
    name = known_view(schema, "client" if name.removeprefix("+") == "save" else name)
    return masked_view(entry, name, without_paths(schema, mask(schema, name), hidden))


def masked_view(entry: Entry, name: str, shown_fields: Mask | None, named: Collection[FieldPath] = ()) -> View:
    """Prepare to show some fields.

    Args:
        entry: the collection.
        name: of the view.
        shown_fields: which fields; None for all.
        named: derived links whose ids are looked up in any case.
    """
    schema = entry.schema
    derived = [link for path, link in entry.links.items() if link.derived and _shows(shown_fields, path)]
    computed = [node for node in schema.computed if _shows(shown_fields, node.path)]
    conditional = any(callable(node.options.exists) for node in schema.conditional)
    by_record = bool(computed) or conditional or any(True for _ in schema.handlers("loaded"))
    by_items = bool(derived) or by_record or bool(schema.conditional)
    has_unstored = any(not node.stored for node in schema.nodes.values() if node.options.exists is not False)
    return View(
        entry=entry,
        name=name,
        stored=tuple(field for field, node in schema.children.items() if node.stored),
        mask=shown_fields,
        as_stored=shown_fields is None and not by_items and not has_unstored and entry.contents is None,
        by_record=by_record,
        filled=tuple(link for link in derived if link.fill is FillStrategy.FILL or link.path in named),
        empty=tuple(link for link in derived if link.fill is not FillStrategy.FILL and link.path not in named),
    )


def _shows(shown_fields: Mask | None, path: FieldPath) -> bool:
    """Tell whether a mask keeps a path."""
    for name in path:
        if shown_fields is None:
            return True
        if name not in shown_fields:
            return False
        shown_fields = shown_fields[name]
    return True


def rendered(sights: Sights, view: View, page: Sequence[StoredDocument]) -> list[bytes]:
    """Give the JSON text of each item of a page, as the current user sees it."""
    if not view.as_stored:
        return [jsontext.encode(tree) for tree in shown(sights, view, page)]
    sight = sights.of(view.entry.name)
    if sight.veiled:
        return [jsontext.encode(tree) for tree in shown(sights, view, page)]
    if not sight.depending:
        return [one.text or _text(view, one) for one in page]
    rows = zip(page, sight.denied(page), strict=True)
    return [_text_without(view, one, paths) if paths else one.text or _text(view, one) for one, paths in rows]


def _text_without(view: View, one: StoredDocument, paths: frozenset[FieldPath]) -> bytes:
    """Give the JSON text of an item without some fields."""
    names = [path[0] for path in paths if len(path) == 1]
    if one.text and len(names) == len(paths):
        return jsontext.without_members(one.text, names)
    return jsontext.encode(without_fields(_complete(view, one.document), paths))


def _text(view: View, one: StoredDocument) -> bytes:
    return jsontext.encode(_complete(view, one.document))


def shown(sights: Sights, view: View, page: Sequence[StoredDocument]) -> list[dict[str, Any]]:
    """Give the JSON form of each item of a page as the current user sees it, its fields in schema order."""
    ids = [one.id for one in page]
    links = [(link, sights.filled(link, ids)) for link in view.filled] + [(link, {}) for link in view.empty]
    sight = sights.of(view.entry.name)
    trees = []
    for one in page:
        named = {link.path: found.get(one.id, []) for link, found in links}
        tree = _by_record(view, one, named) if view.by_record else _complete(view, _outside(view, one))
        for link, _ in links:
            ids_named = named[link.path]
            _put(tree, view, link.path, ids_named if link.many else (ids_named[0] if ids_named else None))
        trees.append(tree)
    if not sight.is_clear:
        rows = zip(sight.unveiled(trees), sight.denied(page), strict=True)
        trees = [without_fields(tree, sight.hidden | paths) for tree, paths in rows]
    return [_ordered(view.entry.schema.children, tree, view.mask) for tree in trees]


def _outside(view: View, one: StoredDocument) -> Mapping[str, Any]:
    """Give a document without what is never shown: the contents of files."""
    contents = view.entry.contents
    return one.document if contents is None else contents.shown(one.id, one.document)


def _complete(view: View, document: Mapping[str, Any]) -> dict[str, Any]:
    """Name every stored field, null where it is unset."""
    return {name: document.get(name) for name in view.stored}


def _by_record(view: View, one: StoredDocument, named: Mapping[FieldPath, list[str]]) -> dict[str, Any]:
    """Let the item itself say what depends on it."""
    record = loaded(view.entry, one)
    record._links_seen |= {path: tuple(named.get(path, ())) for path, link in view.entry.links.items() if link.derived}
    return record._json(view.mask)


def _put(tree: dict[str, Any], view: View, path: FieldPath, value: Any) -> None:
    """Put what a derived link names where it is shown; an unset group is shown when there is something in it."""
    children = view.entry.schema.children
    for name in path[:-1]:
        if tree.get(name) is None:
            if not value:
                return
            tree[name] = dict.fromkeys(children[name].children)
        else:
            tree[name] = dict(tree[name])
        tree, children = tree[name], children[name].children
    tree[path[-1]] = value


def _ordered(children: Mapping[str, Node], tree: Mapping[str, Any], keep: Mask | None) -> dict[str, Any]:
    """Copy a tree in schema order, keeping what a mask names."""
    result: dict[str, Any] = {}
    for name, node in children.items():
        if name not in tree or (keep is not None and name not in keep):
            continue
        value = tree[name]
        inner = None if keep is None else keep[name]
        if node.children and value is not None and (inner is not None or not node.is_list):
            value = _ordered_value(node, value, inner)
        result[name] = value
    return result


def _ordered_value(node: Node, value: Any, keep: Mask | None) -> Any:
    if isinstance(value, list):
        return [_ordered_value(node, one, keep) for one in value]
    return _ordered(node.children, value, keep)
