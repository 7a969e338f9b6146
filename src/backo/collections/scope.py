"""What a filter may name in a collection: the parser's view of schema and links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from backo.paths import FieldPath
from backo.references.links import Link
from backo.schema.compiler import Schema
from backo.schema.nodes import Node


@dataclass(frozen=True, slots=True, eq=False)
class CollectionScope:
    """A collection as `backo.query.parsing.Scope` sees it.

    Attributes:
        name: of the collection.
        schema: of its items.
        links: its links by path.
        scopes: gives the scope of another collection.
    """

    name: str
    schema: Schema
    links: Mapping[FieldPath, Link]
    scopes: Callable[[str], CollectionScope]

    def node(self, path: FieldPath) -> Node | None:
        """Give the field at a path; below a FreeDict any name is a field of kind JSON."""
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
        if not path:
            return list(self.schema.children)
        node = self.schema.nodes.get(path)
        return [] if node is None else list(node.children)

    def is_derived(self, path: FieldPath) -> bool:
        """Tell whether a link is looked up instead of stored."""
        link = self.links.get(path)
        return link is not None and link.derived
