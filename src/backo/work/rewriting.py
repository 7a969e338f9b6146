"""Rewrite filters across links into conditions that a store can answer (DESIGN D7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from backo.paths import FieldPath
from backo.query.filters import And, Compare, Filter, Not, Operator, Or, Query, Through, id_is_in
from backo.references.fields import ids_in
from backo.references.links import Link, LinkGraph
from backo.schema.kinds import Kind

_JOINS = (And, Or)

Search: TypeAlias = Callable[[str, Filter, FieldPath], Iterator[tuple[str, Any]]]
"""Gives (id, value at a path) of the items of a collection that match a filter."""


def rewritten(query: Query, links: Mapping[FieldPath, Link], graph: LinkGraph, search: Search) -> Query:
    """Give a query without `Through`; unchanged when there is none."""
    if not crosses(query.filter):
        return query
    return replace(query, filter=_rewrite(query.filter, links, graph, search))


def crosses(filter_: Filter) -> bool:
    """Tell whether a filter crosses a link anywhere."""
    if isinstance(filter_, _JOINS):
        return any(map(crosses, filter_.parts))
    if isinstance(filter_, Not):
        return crosses(filter_.part)
    return isinstance(filter_, Through)


def _rewrite(filter_: Filter, links: Mapping[FieldPath, Link], graph: LinkGraph, search: Search) -> Filter:
    if isinstance(filter_, _JOINS):
        return type(filter_)(tuple(_rewrite(part, links, graph, search) for part in filter_.parts))
    if isinstance(filter_, Not):
        return Not(_rewrite(filter_.part, links, graph, search))
    if isinstance(filter_, Through):
        return _through(filter_, links[filter_.path], graph, search)
    return filter_


def _through(through: Through, link: Link, graph: LinkGraph, search: Search) -> Filter:
    """Look the other side up first; then it is a condition on the link, or on `_id` when it is derived."""
    if not link.derived:
        ids = tuple(id_ for id_, _ in search(link.target, through.filter, ()))
        return Compare(link.path, Operator.IN, ids, Kind.TEXT, many=link.many)
    reverse = graph.reverse_of(link)
    path = reverse.path if reverse else ()
    named = {id_: None for _, value in search(link.target, through.filter, path) for id_ in ids_in(value)}
    return id_is_in(tuple(named))
