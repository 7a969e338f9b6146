"""What a filter may name in a collection: the parser's view of schema and links, and of what a user may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from backo.paths import FieldPath
from backo.references.links import Link
from backo.schema.compiler import Schema
from backo.schema.nodes import Node
from backo.work.sight import NO_PATHS, Sights


@dataclass(frozen=True, slots=True, eq=False)
class CollectionScope:
    """A collection as `backo.query.parsing.Scope` sees it.

    Attributes:
        name: of the collection.
        schema: of its items.
        links: its links by path.
        scopes: gives the scope of another collection.
        hidden: fields that may not be named, with all that is inside them; None for all but `_id`.
    """

    name: str
    schema: Schema
    links: Mapping[FieldPath, Link]
    scopes: Callable[[str], CollectionScope]
    hidden: frozenset[FieldPath] | None = NO_PATHS

    def is_hidden(self, path: FieldPath) -> bool:
        """Tell whether a field may not be named."""
        if self.hidden is None:
            return path != ("_id",)
        return any(path[: len(one)] == one for one in self.hidden)

    def node(self, path: FieldPath) -> Node | None:
        """Give the field at a path; below a FreeDict any name is a field of kind JSON."""
        if self.hidden != NO_PATHS and self.is_hidden(path):
            return None
        node = self.schema.nodes.get(path)
        if node is not None:
            return None if node.options.exists is False else node
        for length in range(len(path) - 1, 0, -1):
            above = self.schema.nodes.get(path[:length])
            if above is not None:
                return above.below(path) if above.is_free else None
        return None

    def target(self, path: FieldPath) -> CollectionScope | None:
        """Give the scope of the collection that a link refers to."""
        link = self.links.get(path)
        return None if link is None else self.scopes(link.target)

    def names(self, path: FieldPath) -> Iterable[str]:
        """Give the known names below a path, for hints."""
        node = self.schema.nodes.get(path)
        children = self.schema.children if not path else {} if node is None else node.children
        return [name for name in children if not self.is_hidden((*path, name))]

    def is_derived(self, path: FieldPath) -> bool:
        """Tell whether a link is looked up instead of stored."""
        link = self.links.get(path)
        return link is not None and link.derived


def scope_for(home: str, scopes: Callable[[str], CollectionScope], sights: Sights) -> CollectionScope:
    """Give the scope of a collection in which only that can be named which the current user sees in some item.

    Args:
        home: the collection.
        scopes: gives the full scope of a collection.
        sights: of the current user.
    """
    full = scopes(home)
    return CollectionScope(
        full.name, full.schema, full.links, lambda name: scope_for(name, scopes, sights), sights.hidden(home)
    )
