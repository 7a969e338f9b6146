"""See a collection as the current user does: which rows are there, which fields, which ids (DESIGN D8).

What a user sees of an item is its *projection*: the item without the fields that he may not read and
without ids of items that are not there for him. Filters, orders, totals and pages are those of the
projections. What the store can decide it decides; only what hangs on functions of the item, or on ids
that may be hidden, is decided here, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias

from backo.connectors.base import Lock, StoredDocument
from backo.context import SYSTEM, acting_as
from backo.paths import FieldPath, value_at
from backo.query.filters import (
    EVERYTHING,
    NOTHING,
    And,
    Compare,
    Filter,
    Not,
    Operator,
    Or,
    Query,
    Through,
    both,
)
from backo.query.matching import Matcher, matcher
from backo.query.sorting import Position, page, position
from backo.references.fields import ids_in
from backo.references.links import Link
from backo.schema.kinds import Kind
from backo.schema.options import Function
from backo.work.catalog import Entry, not_found
from backo.work.loading import glances
from backo.work.projecting import Tree, without_fields, without_ids
from backo.work.rewriting import crosses, rewritten
from backo.work.rights import asked, is_yes, refuse, resolved
from backo.work.unit import Unit, too_many

Paths: TypeAlias = frozenset[FieldPath]

NO_PATHS: Paths = frozenset()
_CHUNK = 200  # rows that are looked at together
_JOINS = (And, Or)


class Sights:
    """What the current user sees of each collection, for the time of one operation."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.is_clear = not unit.catalog.has_secrets()
        self._known: dict[str, Sight] = {}

    def of(self, name: str) -> Sight:
        """Give the sight of a collection."""
        found = self._known.get(name)
        if found is None:
            kind = ClearSight if self.is_clear else Sight
            found = self._known[name] = kind(self, self.unit.catalog.entry(name))
        return found

    def hidden(self, name: str) -> Paths | None:
        """Give the fields of a collection that are there for no item; None when none of its items can be read."""
        if self.is_clear:
            return NO_PATHS
        sight = self.of(name)
        return None if sight.reads is False else sight.hidden

    def is_veiled(self, link: Link) -> bool:
        """Tell whether a link may name items that are not there for the user."""
        return not self.is_clear and self.of(link.target).rows is not EVERYTHING

    def filled(self, link: Link, ids: Sequence[str]) -> dict[str, list[str]]:
        """Give the ids that a derived link of a page of items shows.

        Raises:
            QueryError: there are more than one answer may show.
        """
        if link.reverse is None or not self.is_veiled(link):
            return self.unit.filled(link, ids)
        target, left = self.of(link.target), self.unit.catalog.limits.fill
        reverse, wanted = target.entry.links[link.reverse], set(ids)
        holding = Compare(reverse.path, Operator.IN, tuple(ids), Kind.TEXT, many=reverse.many)
        found: dict[str, list[str]] = {}
        for stored in self.unit.find(target.entry, Query(both(target.rows, holding))):
            for id_ in wanted.intersection(ids_in(value_at(stored.document, reverse.path))):
                found.setdefault(id_, []).append(stored.id)
                left -= 1
            if left < 0:
                raise too_many(link, self.unit.catalog.limits.fill)
        return found


def present(sights: Sights, entry: Entry, id_: str, lock: Lock = Lock.NONE) -> StoredDocument:
    """Give an item that the current user may read.

    Raises:
        NotFoundError: there is none, or none that is there for him.
        RightError: he may not read it.
    """
    stored = existing(sights, entry, id_, lock)
    if not sights.is_clear and not sights.of(entry.name).can_read(stored):
        refuse(f"read this item of {entry.name!r}")
    return stored


def existing(sights: Sights, entry: Entry, id_: str, lock: Lock = Lock.NONE) -> StoredDocument:
    """Give an item that is there for the current user, whether he may read it or not.

    Raises:
        NotFoundError: there is none.
    """
    stored = sights.unit.get(entry, [id_], lock).get(id_)
    if stored is None or not (sights.is_clear or sights.of(entry.name).has(stored)):
        raise not_found(entry.name)
    return stored


@dataclass(frozen=True, slots=True)
class _Asked:
    """A right that depends on the item, and the fields that hang on it."""

    right: Function
    paths: Paths


class Sight:
    """What the current user sees of one collection.

    Attributes:
        entry: the collection.
        sights: those of the other collections.
    """

    def __init__(self, sights: Sights, entry: Entry) -> None:
        self.sights, self.entry = sights, entry
        self._denied: Paths = NO_PATHS  # of the row that is being matched

    # What does not depend on the item.

    @cached_property
    def reads(self) -> bool | Function:
        """Whether items can be read; a function when that depends on the item."""
        return resolved(self.entry.rights.read, "read")

    @cached_property
    def rows(self) -> Filter:
        """Which rows are there: a filter that no longer crosses links."""
        rows = self.entry.rights.rows
        if rows is None:
            return EVERYTHING
        with acting_as(SYSTEM):
            return self.sights.unit.without_links(self.entry, rows())

    @cached_property
    def _guards(self) -> tuple[Paths, tuple[_Asked, ...]]:
        """The fields that are hidden in every item, and those whose right depends on the item."""
        answers: dict[Any, bool | Function] = {}
        hidden, depending = set(), dict[Function, set[FieldPath]]()
        for path, right in self.entry.rights.reading.items():
            if right not in answers:
                answers[right] = resolved(right, "read")
            answer = answers[right]
            if answer is False:
                hidden.add(path)
            elif callable(answer):
                depending.setdefault(answer, set()).add(path)
        return frozenset(hidden), tuple(_Asked(right, frozenset(paths)) for right, paths in depending.items())

    @property
    def hidden(self) -> Paths:
        """The fields that are hidden in every item."""
        return self._guards[0]

    @cached_property
    def depending(self) -> Paths:
        """The fields whose right depends on the item."""
        return frozenset(path for one in self._guards[1] for path in one.paths)

    @cached_property
    def veiled(self) -> tuple[Link, ...]:
        """The stored links that may name items which are not there for the user."""
        stored = (link for link in self.entry.links.values() if not link.derived)
        return tuple(link for link in stored if self.sights.is_veiled(link))

    @cached_property
    def is_clear(self) -> bool:
        """Whether the user sees everything."""
        return self.reads is True and self.rows is EVERYTHING and not (self.hidden or self.depending or self.veiled)

    # One row.

    def has(self, stored: StoredDocument) -> bool:
        """Tell whether an item is there for the user."""
        return self.rows is EVERYTHING or self._has(stored.document)

    @cached_property
    def _has(self) -> Matcher:
        return matcher(self.rows)

    def can_read(self, stored: StoredDocument) -> bool:
        """Tell whether the user may read an item that is there for him."""
        reads = self.reads
        if isinstance(reads, bool):
            return reads
        with acting_as(SYSTEM):
            return asked(reads, "read", glances(self.entry)(stored))

    def seen(self, ids: Iterable[str]) -> set[str]:
        """Give those of some ids whose items are there for the user."""
        wanted = tuple(dict.fromkeys(ids))
        if not wanted:
            return set()
        if self.rows is EVERYTHING:
            return set(wanted)
        found = self.sights.unit.get(self.entry, wanted)
        return {id_ for id_, stored in found.items() if self._has(stored.document)}

    def get(self, ids: Sequence[str]) -> dict[str, StoredDocument]:
        """Give those of some items that are there for the user, and that he may read."""
        found = self.sights.unit.get(self.entry, ids)
        if self.is_clear:
            return found
        readable = self._readable([stored for stored in found.values() if self.has(stored)])
        return {stored.id: stored for stored in readable}

    def require_reading(self) -> None:
        """Refuse when no item can be read.

        Raises:
            RightError: so it is.
        """
        if self.reads is False:
            refuse(f"read items of {self.entry.name!r}")

    # A page of rows.

    def denied(self, rows: Sequence[StoredDocument]) -> list[Paths]:
        """Give, for each row, the fields that are hidden in it alone."""
        guards = self._guards[1]
        if not guards:
            return [NO_PATHS] * len(rows)
        glance, result = glances(self.entry), []
        questions = [(one.right, one.paths) for one in guards]
        with acting_as(SYSTEM):
            for one in rows:
                record, denied = glance(one), NO_PATHS
                for right, paths in questions:
                    try:
                        answer = right("read", record)
                    except Exception:  # noqa: BLE001  # asked again, to tell of it
                        answer = asked(right, "read", record)
                    if answer is True:
                        continue
                    if answer is False or not is_yes(answer):
                        denied |= paths
                result.append(denied)
        return result

    def unveiled(self, trees: Sequence[Tree], links: Iterable[Link] | None = None) -> list[Tree]:
        """Give trees without the ids of items that are not there for the user."""
        result = list(trees)
        for link in self.veiled if links is None else links:
            named = (id_ for tree in trees for id_ in ids_in(value_at(tree, link.path)))
            seen = self.sights.of(link.target).seen(named)
            result = [without_ids(tree, link, seen) for tree in result]
        return result

    def projected(self, rows: Sequence[StoredDocument], denied: Sequence[Paths]) -> list[Tree]:
        """Give the documents of rows as the user sees them."""
        trees = self.unveiled([one.document for one in rows])
        return [without_fields(tree, self.hidden | paths) for tree, paths in zip(trees, denied, strict=True)]

    # Queries.

    def find(self, query: Query) -> list[StoredDocument]:
        """Give the rows of a query of which the user may read each."""
        unit, entry = self.sights.unit, self.entry
        if self.is_clear and not crosses(query.filter):
            return list(unit.find(entry, query))
        filter_ = self._decided(query.filter)
        soft_sort = any(self._is_soft(key.path) for key in query.sort)
        if not soft_sort and self._is_decided_by_store(filter_):
            return list(unit.find(entry, replace(query, filter=both(self.rows, filter_))))
        rest = Query(EVERYTHING, query.sort, query.skip, query.limit, query.after)
        if soft_sort:
            chosen = page(self._matching(filter_, Query()), rest, lambda pair: pair[1])
            return [stored for stored, _ in chosen]
        end = None if query.limit is None else query.skip + query.limit
        found = self._matching(filter_, Query(EVERYTHING, query.sort, after=query.after))
        return [stored for stored, _ in islice(found, query.skip, end)]

    def count(self, filter_: Filter) -> int:
        """Count the rows that match and that the user may read."""
        unit, entry = self.sights.unit, self.entry
        filter_ = self._decided(filter_)
        if self._is_decided_by_store(filter_):
            return unit.count(entry, both(self.rows, filter_))
        return sum(1 for _ in self._matching(filter_, Query()))

    def position(self, stored: StoredDocument, query: Query) -> Position:
        """Give the place of a row in the order of a query, as the user sees it."""
        if not any(self._is_soft(key.path) for key in query.sort):
            return position(stored.document, query.sort)
        return position(self.projected([stored], self.denied([stored]))[0], query.sort)

    def _matching(self, filter_: Filter, query: Query) -> Iterator[tuple[StoredDocument, Tree]]:
        """Give the rows that match, each with its projection, in the order of a query."""
        matches = matcher(filter_, through=self._through)
        candidates = self.sights.unit.find(self.entry, replace(query, filter=both(self.rows, self._widened(filter_))))
        while rows := list(islice(candidates, _CHUNK)):
            rows = self._readable(rows)
            denied = self.denied(rows)
            for stored, tree, paths in zip(rows, self.projected(rows, denied), denied, strict=True):
                self._denied = paths
                if matches(tree):
                    yield stored, tree

    def _readable(self, rows: Sequence[StoredDocument]) -> list[StoredDocument]:
        reads = self.reads
        if isinstance(reads, bool):
            return list(rows) if reads else []
        with acting_as(SYSTEM):
            glance = glances(self.entry)
            return [one for one in rows if asked(reads, "read", glance(one))]

    def _through(self, through: Through) -> Matcher:
        """Match a derived link that is hidden in some items; its filter says in which items it matches."""
        matches, path = matcher(through.filter), through.path
        return lambda document: not _touches(path, self._denied) and matches(document)

    # Filters.

    def _decided(self, filter_: Filter) -> Filter:
        return self.without_links(filter_) if not self.is_clear or crosses(filter_) else filter_

    def without_links(self, filter_: Filter) -> Filter:
        """Rewrite a filter so that it crosses no link, and finds no item by a link to what is not there.

        A condition on a derived link that is hidden in some items stays, to be judged row by row.
        """
        filter_ = self._restricted(filter_) if self.veiled or self.hidden else filter_
        links, graph = self.entry.links, self.sights.unit.catalog.graph
        return rewritten(Query(filter_), links, graph, self._search, self._kept).filter

    def _kept(self, path: FieldPath) -> bool:
        """Tell whether a condition on a derived link has to be judged row by row."""
        return _touches(path, self.depending)

    def _search(self, collection: str, filter_: Filter, path: FieldPath) -> Iterator[tuple[str, Any]]:
        """Give id and value at a path of the items of a collection that match, as the user sees them."""
        for stored in self.sights.of(collection).find(Query(filter_)):
            yield stored.id, value_at(stored.document, path)

    def _restricted(self, filter_: Filter) -> Filter:
        """Decide comparisons with fields that are always hidden, and with ids of items that are not there."""
        if isinstance(filter_, _JOINS):
            return type(filter_)(tuple(map(self._restricted, filter_.parts)))
        if isinstance(filter_, Not):
            return Not(self._restricted(filter_.part))
        if any(filter_.path[: len(path)] == path for path in self.hidden):
            is_absent = isinstance(filter_, Compare) and _holds_on_absent(filter_)
            return EVERYTHING if is_absent else NOTHING
        link = self._veiled_at(filter_)
        if link is None or not isinstance(filter_, Compare) or not _names_ids(filter_):
            return filter_
        value: Any = filter_.value
        seen = self.sights.of(link.target).seen(value if isinstance(value, tuple) else [value])
        return replace(filter_, operator=Operator.IN, value=tuple(sorted(seen))) if seen else NOTHING

    def _veiled_at(self, filter_: Filter) -> Link | None:
        if not isinstance(filter_, Compare):
            return None
        return next((link for link in self.veiled if link.path == filter_.path), None)

    def _is_soft(self, path: FieldPath) -> bool:
        """Tell whether the value of a field may be another one for the user than in the store."""
        hiding = self.hidden | self.depending
        return _touches(path, hiding) or any(_overlap(path, link.path) for link in self.veiled)

    def _is_soft_leaf(self, leaf: Filter) -> bool:
        if isinstance(leaf, Through):
            return True  # only those are left that have to be judged row by row
        if not isinstance(leaf, Compare):
            return False
        if _touches(leaf.path, self.hidden | self.depending):
            return True
        veiled = [link for link in self.veiled if _overlap(leaf.path, link.path)]
        return bool(veiled) and not (veiled[0].path == leaf.path and _names_ids(leaf))

    def _is_decided_by_store(self, filter_: Filter) -> bool:
        return self.reads is True and not _any_leaf(filter_, self._is_soft_leaf)

    def _widened(self, filter_: Filter) -> Filter:
        """Give a filter for the store that holds wherever the one for the user does."""
        if isinstance(filter_, _JOINS):
            return type(filter_)(tuple(map(self._widened, filter_.parts)))
        if isinstance(filter_, Not):
            return EVERYTHING if _any_leaf(filter_, self._is_soft_leaf) else filter_
        if isinstance(filter_, Through):
            return filter_.filter
        if not self._is_soft_leaf(filter_) or not isinstance(filter_, Compare):
            return filter_
        is_hiding_alone = filter_.path in self.depending and not any(
            _overlap(filter_.path, link.path) for link in self.veiled
        )
        return filter_ if is_hiding_alone and not _holds_on_absent(filter_) else EVERYTHING


class ClearSight(Sight):
    """The sight of a collection by somebody who sees everything: there is nothing to ask."""

    reads = True
    rows = EVERYTHING
    hidden = NO_PATHS
    depending = NO_PATHS
    veiled = ()
    is_clear = True

    def find(self, query: Query) -> list[StoredDocument]:
        """Give the rows of a query."""
        return list(self.sights.unit.find(self.entry, query))

    def count(self, filter_: Filter) -> int:
        """Count the rows that match."""
        return self.sights.unit.count(self.entry, filter_)

    def position(self, stored: StoredDocument, query: Query) -> Position:
        """Give the place of a row in the order of a query."""
        return position(stored.document, query.sort)

    def denied(self, rows: Sequence[StoredDocument]) -> list[Paths]:
        """Give, for each row, no field."""
        return [NO_PATHS] * len(rows)

    def without_links(self, filter_: Filter) -> Filter:
        """Rewrite a filter so that it crosses no link."""
        return self.sights.unit.without_links(self.entry, filter_)


def _names_ids(compare: Compare) -> bool:
    """Tell whether a comparison of a link asks for single ids."""
    if compare.operator is Operator.EQ:
        return isinstance(compare.value, str)
    is_in = compare.operator is Operator.IN and isinstance(compare.value, tuple)
    return is_in and all(isinstance(one, str) for one in compare.value)  # type: ignore[union-attr]  # a tuple


def _holds_on_absent(compare: Compare) -> bool:
    if compare.operator is Operator.EQ:
        return compare.value is None or compare.value == ()
    is_in = compare.operator is Operator.IN and isinstance(compare.value, tuple)
    return is_in and (None in compare.value or () in compare.value)  # type: ignore[operator]  # a tuple


def _any_leaf(filter_: Filter, test: Callable[[Filter], bool]) -> bool:
    if isinstance(filter_, _JOINS):
        return any(_any_leaf(part, test) for part in filter_.parts)
    if isinstance(filter_, Not):
        return _any_leaf(filter_.part, test)
    return test(filter_)


def _overlap(one: FieldPath, other: FieldPath) -> bool:
    """Tell whether one path is the other, or leads through it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _touches(path: FieldPath, paths: Iterable[FieldPath]) -> bool:
    return any(_overlap(path, one) for one in paths)
