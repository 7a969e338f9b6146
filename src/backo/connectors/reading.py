"""Answer queries from a view: order, pages, referrers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from backo.connectors.base import Column, StoredDocument
from backo.connectors.overlay import View
from backo.connectors.shelf import values_of
from backo.query import sorting
from backo.query.filters import EVERYTHING, Compare, Operator, Query


def find(view: View, query: Query) -> Iterator[StoredDocument]:
    """Give the documents of a query, in its order; without a sort no more are read than are given."""
    if query.sort:
        matching = view.scan(query.filter)
        return iter(sorting.page(matching, replace(query, filter=EVERYTHING)))
    after = None if query.after is None else str(query.after[-1])
    stop = None if query.limit is None else query.skip + max(query.limit, 0)
    return islice(view.scan(query.filter, after), query.skip, stop)


def referrers(view: View, column: Column, ids: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """Find who holds a link to one of these ids: pairs (target, holder), by target as given, then by holder."""
    if not ids or limit <= 0:
        return []
    if not view.is_narrow(_holders(column, ids[:1])):
        return _referrers_in_one_scan(view, column, ids)[:limit]
    found: list[tuple[str, str]] = []
    for target in dict.fromkeys(ids):
        if len(found) >= limit:
            break
        holders = view.scan(_holders(column, (target,)))
        found += [(target, stored.id) for stored in islice(holders, limit - len(found))]
    return found


def _holders(column: Column, ids: Sequence[str]) -> Compare:
    return Compare(column.path, Operator.IN, tuple(ids), column.kind, column.many)


def _referrers_in_one_scan(view: View, column: Column, ids: Sequence[str]) -> list[tuple[str, str]]:
    targets_of = values_of(column)
    holders: dict[str, list[str]] = {target: [] for target in ids}
    for stored in view.scan(_holders(column, ids)):
        for target in targets_of(stored.document):
            if target in holders:
                holders[str(target)].append(stored.id)
    return [(target, holder) for target, those in holders.items() for holder in those]
