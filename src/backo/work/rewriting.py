"""Rewrite filters across links into conditions that a store can answer (DESIGN D7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from backo.paths import FieldPath
from backo.query.filters import And, Compare, Filter, Not, Operator, Or, Query, Through, id_is_in
from backo.references.fields import ids_in
from backo.references.links import Link, LinkGraph
from backo.schema.kinds import Kind

_JOINS = (And, Or)

Search: TypeAlias = Callable[[str, Filter, FieldPath], Iterator[tuple[str, Any]]]
"""Gives (id, value at a path) of the items of a collection that match a filter."""
Kept: TypeAlias = Callable[[FieldPath], bool]

HERE = ""
"""The collection of a `Through` that is rewritten already: its filter is about the items that have the link."""


def rewritten(
    query: Query, links: Mapping[FieldPath, Link], graph: LinkGraph, search: Search, is_kept: Kept = lambda _: False
) -> Query:
    """Give a query without `Through`; unchanged when there is none.

    Args:
        query: the query.
        links: of its collection, by path.
        graph: all links.
        search: looks at the other side.
        is_kept: tells which derived links stay in sight: their `Through` remains, and its filter says by
            `_id` in which items of this collection it holds.
    """
    if not crosses(query.filter):
        return query
    return replace(query, filter=_Rewriting(links, graph, search, is_kept).of(query.filter))


def crosses(filter_: Filter) -> bool:
    """Tell whether a filter crosses a link anywhere."""
    if isinstance(filter_, _JOINS):
        return any(map(crosses, filter_.parts))
    if isinstance(filter_, Not):
        return crosses(filter_.part)
    return isinstance(filter_, Through)


@dataclass(frozen=True, slots=True)
class _Rewriting:
    links: Mapping[FieldPath, Link]
    graph: LinkGraph
    search: Search
    is_kept: Kept

    def of(self, filter_: Filter) -> Filter:
        if isinstance(filter_, _JOINS):
            return type(filter_)(tuple(map(self.of, filter_.parts)))
        if isinstance(filter_, Not):
            return Not(self.of(filter_.part))
        if isinstance(filter_, Through) and filter_.collection != HERE:
            return self._through(filter_, self.links[filter_.path])
        return filter_

    def _through(self, through: Through, link: Link) -> Filter:
        """Look the other side up first; then it is a condition on the link, or on `_id` when it is derived."""
        if not link.derived:
            ids = tuple(id_ for id_, _ in self.search(link.target, through.filter, ()))
            return Compare(link.path, Operator.IN, ids, Kind.TEXT, many=link.many)
        reverse = self.graph.reverse_of(link)
        path = reverse.path if reverse else ()
        named = {id_: None for _, value in self.search(link.target, through.filter, path) for id_ in ids_in(value)}
        here = id_is_in(tuple(named))
        return replace(through, collection=HERE, filter=here) if self.is_kept(through.path) else here
