"""Read selected values of a page of items, and of the items that their links name, in few reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from backo.collections.rendering import View, shown
from backo.collections.selectors import Cross, Each, End, Fan, Name, Pick, Reach
from backo.connectors.base import StoredDocument
from backo.errors import QueryError
from backo.work.sight import Sights

Tree: TypeAlias = dict[str, Any]  # the JSON form of an item


def trees_of(sights: Sights, view: View, stored: Sequence[StoredDocument]) -> list[Tree]:
    """Give the JSON trees of items of one collection: the one way by which selections see values.

    Args:
        sights: of the current user.
        view: which fields are read; it knows its collection.
        stored: the items, of a page or named by links.
    """
    return shown(sights, view, stored)


def selected(
    sights: Sights, views: Sequence[View], reaches: Sequence[Reach], page: Sequence[StoredDocument]
) -> list[Any]:
    """Give the row of each item of a page: its `_id`, then the values that the selectors name.

    Each distance is one round, in which every collection is read once.

    Args:
        sights: of the current user.
        views: of the sources, by their numbers; the first is that of the page.
        reaches: the compiled selectors.
        page: the items.

    Raises:
        QueryError: the links name more items than one answer may show.
    """
    reader = _Reader(sights, views)
    starts = trees_of(sights, views[0], page)
    while True:
        rows = [
            [one.id, *(reader.value(reach, tree) for reach in reaches)] for one, tree in zip(page, starts, strict=True)
        ]
        if not reader.read_wanted():
            return rows


class _Reader:
    """Follows compiled selectors through the trees that were read; what is not there yet is noted."""

    def __init__(self, sights: Sights, views: Sequence[View]) -> None:
        self._sights, self._views = sights, views
        self._trees: list[dict[str, Tree | None]] = [{} for _ in views]
        self._wanted: list[dict[str, None]] = [{} for _ in views]
        self._crossed = 0

    def value(self, reach: Reach, value: Any) -> Any:
        """Give what a selector names below a value; None where it leads nowhere."""
        match reach:
            case End():
                return value
            case Name(name, then):
                if isinstance(value, list):
                    return [self.value(reach, one) for one in value]
                return self.value(then, value.get(name)) if isinstance(value, dict) else None
            case Pick(index, then):
                is_there = isinstance(value, list) and -len(value) <= index < len(value)
                return self.value(then, value[index]) if is_there else None
            case Each(start, stop, then, objects):
                if isinstance(value, list):
                    return [self.value(then, one) for one in value[start:stop]]
                is_object = objects and isinstance(value, dict)
                return [self.value(then, one) for one in value.values()] if is_object else None
            case Fan(parts):
                if not isinstance(value, dict):
                    return None
                return [self.value(then, value.get(name)) for name, then in parts]
            case Cross(source, then):
                return self._across(source, then, value)

    def _across(self, source: int, then: Reach, value: Any) -> Any:
        """Go on in the item that an id names, or in each of several; those that are not to be seen are left out."""
        if isinstance(value, list):
            trees = [tree for one in value if (tree := self._tree(source, one)) is not None]
            return [self.value(then, tree) for tree in trees]
        tree = None if value is None else self._tree(source, value)
        return None if tree is None else self.value(then, tree)

    def _tree(self, source: int, id_: str) -> Tree | None:
        self._crossed += 1
        if self._crossed > (limit := self._sights.unit.catalog.limits.fill):
            message = f"the links of these rows name more than {limit} items"
            raise QueryError(message, hint="ask for a smaller page")
        known = self._trees[source]
        if id_ not in known:
            self._wanted[source][id_] = None
        return known.get(id_)

    def read_wanted(self) -> bool:
        """Read what was noted; tell whether there was anything."""
        wanted, self._wanted = self._wanted, [{} for _ in self._views]
        self._crossed = 0
        for source, ids in enumerate(wanted):
            if ids:
                view, known = self._views[source], self._trees[source]
                found = self._sights.of(view.entry.name).get(list(ids))
                known |= dict.fromkeys(ids)
                known |= zip(found, trees_of(self._sights, view, list(found.values())), strict=True)
        return any(wanted)
