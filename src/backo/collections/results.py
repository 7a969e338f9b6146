"""Turn what an action gave back into JSON: plain values as they are, items as a view shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backo.collections.entity import Entity
from backo.collections.rendering import View, shown
from backo.connectors.base import StoredDocument
from backo.errors import DefinitionError
from backo.items.presenting import plain
from backo.schema.anyjson import copied_json
from backo.schema.problems import Refusal
from backo.work.catalog import Entry
from backo.work.sight import Sights


def json_result(sights: Sights, result: Any, view: Callable[[Entry], View], who: str) -> Any:
    """Give the JSON form of a result.

    Args:
        sights: of the current user.
        result: plain values, items, and lists and dicts of them; what iterates becomes a list.
        view: gives the view of a collection in which its items are shown.
        who: gave the result, for messages.

    Raises:
        DefinitionError: it holds something that has no JSON form.
    """
    items: list[Entity] = []
    tree = _gathered(result, items)
    trees = _trees(sights, items, view)
    try:
        return copied_json(_filled(tree, trees))
    except Refusal as refusal:
        problems = refusal.problems()
        message = f"{who} returned something that is not JSON"
        hint = "return plain values (texts, numbers, lists, dicts), items, or nothing"
        raise DefinitionError(message, problems=problems, hint=hint) from None


def _gathered(value: Any, items: list[Entity]) -> Any:
    """Copy a value without what belongs to items (their groups and lists); list the items in it."""
    if isinstance(value, Entity):
        items.append(value)
        return value
    if isinstance(value, list | tuple | Iterator):
        return [_gathered(one, items) for one in value]
    if isinstance(value, Mapping):
        return {name: _gathered(one, items) for name, one in value.items()}
    return plain(value)


def _trees(sights: Sights, items: list[Entity], view: Callable[[Entry], View]) -> Mapping[int, dict[str, Any]]:
    """Show the items as they are now, those of a collection together; of one that the user may not read, its `_id`."""
    pages: dict[str, list[Entity]] = {}
    for item in items:
        pages.setdefault(item._home.name, []).append(item)
    trees: dict[int, dict[str, Any]] = {}
    for page in pages.values():
        entry = page[0]._home.entry
        sight = sights.of(entry.name)
        documents = [_as_stored(entry, item) for item in page]
        shown_items = shown(sights, view(entry), documents)
        for item, stored, tree in zip(page, documents, shown_items, strict=True):
            is_readable = sight.is_clear or (sight.has(stored) and sight.can_read(stored))
            trees[id(item)] = tree if is_readable else {"_id": item._values["_id"]}
    return trees


def _as_stored(entry: Entry, item: Entity) -> StoredDocument:
    """Give the document of an item as its record holds it, stored or not."""
    return StoredDocument(str(item._values["_id"] or ""), 0, entry.schema.fingerprint, document=item._encode())


def _filled(value: Any, trees: Mapping[int, dict[str, Any]]) -> Any:
    """Put the trees of items in their places."""
    if isinstance(value, Entity):
        return trees[id(value)]
    if isinstance(value, list):
        return [_filled(one, trees) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, trees) for name, one in value.items()}
    return value
