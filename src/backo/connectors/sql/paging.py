"""Plan the statements that give the rows of a query, in its order.

The order of a query is that of its sort keys, absent values last both ways, then of `_id`. Where an
index has the first sort key, the rows of a page are taken from *stretches* of that index, one after
the other until the page is full:

    the rows with the first key of the position to go on from    ordered by the other keys
    the rows further on                                          ordered by all keys
    the rows without the first key                               ordered by the other keys

Each is a walk along an index, whatever its position and however many rows there are. Downwards the
index has `_id` in the wrong direction for rows with equal keys: such a stretch is cut at the key of
the last row that is wanted (`Stretch.cut`), and the rows with that key become a stretch of their own.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from backo.connectors.sql.dialect import CellValue, Condition, Dialect
from backo.connectors.sql.filters import (
    ALWAYS,
    both,
    compiled,
    driving_list,
    element_test,
    operand,
)
from backo.connectors.sql.layout import Layout, quoted
from backo.query.filters import EVERYTHING, And, Compare, Filter, Operator, Query

_ENDLESS = 2**63 - 1  # rows: no limit


class Key(NamedTuple):
    """One key of an order.

    Attributes:
        dialect: of the database.
        field: its expression.
        descending: whether it goes downwards.
        present: whether no row in question has it absent.
    """

    dialect: Dialect
    field: Condition
    descending: bool = False
    present: bool = False

    @property
    def order(self) -> str:
        """The term of ORDER BY; absent values come last."""
        text = self.field.text + (" DESC" if self.descending else "")
        if self.present or self.descending is self.dialect.sorts_absent_first_upwards:
            return text
        return text + " NULLS LAST"

    def equals(self, value: Any) -> Condition:
        """The rows that have this value (None: that have none)."""
        if value is None:
            return Condition(f"{self.field.text} IS NULL", self.field.values)
        return Condition(f"{self.field.text} = ?", (*self.field.values, self.dialect.bound(value)))

    def beyond(self, value: Any) -> Condition:
        """The rows with a value further on in the order (None: with any value)."""
        if value is None:
            return Condition(f"{self.field.text} IS NOT NULL", self.field.values)
        sign = "<" if self.descending else ">"
        return Condition(f"{self.field.text} {sign} ?", (*self.field.values, self.dialect.bound(value)))


class Source(NamedTuple):
    """Where the rows come from, and which of them.

    Attributes:
        shown: what makes a stored document of a row.
        tables: what follows FROM, with its values; the rows are those of the alias `t`.
        where: which of the rows.
        id: the expression for `_id` that the order uses.
    """

    shown: str
    tables: Condition
    where: Condition
    id: str = "t._id"

    def select(self, what: str, where: Condition = ALWAYS, rest: Condition = ALWAYS) -> Condition:
        """Write a statement: what to select, further conditions, what follows them."""
        matching = both(self.where, where)
        text = f"SELECT {what} FROM {self.tables.text}"
        if matching != ALWAYS:
            text += f" WHERE {matching.text}"
        if rest != ALWAYS:
            text += f" {rest.text}"
        return Condition(text, (*self.tables.values, *matching.values, *rest.values))


class Stretch(NamedTuple):
    """Rows that follow one another in the order of a query.

    Attributes:
        source: where they come from.
        where: which of the rows of the source.
        keys: their order.
        cut: the first key, where rows with equal keys have to be put in order by `_id`.
    """

    source: Source
    where: Condition
    keys: tuple[Key, ...]
    cut: Key | None = None

    def select(self, limit: int | None, skip: int) -> Condition:
        """Write the statement for some of the rows."""
        return self.source.select(self.source.shown, self.where, _ordered(self.keys, limit, skip))

    def counting(self) -> Condition:
        """Write the statement that counts the rows."""
        return self.source.select("count(*)", self.where)

    def select_cut(self, position: int) -> Condition:
        """Write the statement for the key of the row at a position."""
        assert self.cut is not None  # noqa: S101  # asked only then
        return self.source.select(self.cut.field.text, self.where, _ordered((self.cut,), 1, position))

    def cut_at(self, value: CellValue) -> tuple[Stretch, Stretch]:
        """Give the rows before those with a key, and those with it."""
        assert self.cut is not None  # noqa: S101  # as above
        before = Condition(f"{self.cut.field.text} > ?", (value,))
        return (
            self._replace(where=both(self.where, before), cut=None),
            self._replace(where=both(self.where, self.cut.equals(value)), keys=self.keys[1:], cut=None),
        )


def _ordered(keys: Sequence[Key], limit: int | None, skip: int) -> Condition:
    text = "ORDER BY " + ", ".join(key.order for key in keys)
    values = tuple(value for key in keys for value in key.field.values)
    if limit is None and not skip:
        return Condition(text, values)
    return Condition(text + " LIMIT ? OFFSET ?", (*values, _ENDLESS if limit is None else limit, skip))


def source(filter_: Filter, layout: Layout) -> Source:
    """Find where the rows that match a filter come from; all of it can be pushed."""
    if filter_ is EVERYTHING:
        return _whole(layout.dialect.shown, layout.table)
    table = f"{quoted(layout.table)} AS t"
    driving = driving_list(filter_, layout)
    if driving is None:
        return Source(layout.dialect.shown, Condition(table), compiled(filter_, layout))
    list_, compare, rest = driving
    value = element_test(compare, layout.dialect)
    joined = f"{table} JOIN {quoted(list_.name)} AS s ON s._id = t._id AND s.{value.text}"
    return Source(layout.dialect.shown, Condition(joined, value.values), compiled(rest, layout), "s._id")


@lru_cache(maxsize=256)
def _whole(shown: str, table: str) -> Source:
    return Source(shown, Condition(f"{quoted(table)} AS t"), ALWAYS)


def counting(filter_: Filter, layout: Layout) -> Condition:
    """Write the statement that counts the rows that match a filter; all of it can be pushed."""
    driving = driving_list(filter_, layout) if filter_ is not EVERYTHING else None
    if driving is not None and driving[2] == EVERYTHING:
        list_, compare, _ = driving
        value = element_test(compare, layout.dialect)
        return Condition(f"SELECT count(*) FROM {quoted(list_.name)} WHERE {value.text}", value.values)
    return source(filter_, layout).select("count(*)")


def stretches(query: Query, pushed: Filter, layout: Layout) -> list[Stretch] | None:
    """Plan a query whose filter, as far as it is pushed, is given apart; None where its order cannot be written.

    Without a limit there is one stretch, for the database then does best by itself.
    """
    rows, dialect = source(pushed, layout), layout.dialect
    fields = [operand(key.path, key.kind, layout) for key in query.sort]
    if None in fields:
        return None
    sort = [Key(dialect, field, key.descending) for field, key in zip(fields, query.sort, strict=True) if field]
    keys = (*sort, Key(dialect, Condition(rows.id), present=True))
    cell = layout.scalar_of.get((query.sort[0].path, query.sort[0].kind)) if query.sort else None
    if query.limit is None or cell is None or not layout.is_indexed(cell):
        return [Stretch(rows, _after(keys, query.after), keys)]
    first, *others = keys
    position = query.after[0] if query.after else None
    planned = []
    if query.after:
        equal = both(first.equals(position), _after(others, query.after[1:]))
        planned.append(Stretch(rows, equal, tuple(others)))
    if not query.after or position is not None:
        needs_cut = first.descending and cell not in layout.unique and not _is_narrowed(pushed, layout)
        ordered = (first._replace(present=True), *others)
        planned.append(Stretch(rows, first.beyond(position), ordered, first if needs_cut else None))
        planned.append(Stretch(rows, first.equals(None), tuple(others)))
    return planned


def _after(keys: Sequence[Key], position: Sequence[Any] | None) -> Condition:
    """Write the condition for the rows strictly after a position."""
    if position is None:
        return ALWAYS
    key, value = keys[0], position[0]
    if len(keys) == 1:
        return key.beyond(value)
    equal = both(key.equals(value), _after(keys[1:], position[1:]))
    if value is None:
        return equal  # nothing comes after absent values
    beyond, absent = key.beyond(value), key.equals(None)
    return Condition(
        f"({beyond.text} OR {absent.text} OR {equal.text})",
        (*beyond.values, *absent.values, *equal.values),
    )


def _is_narrowed(filter_: Filter, layout: Layout) -> bool:
    """Tell whether a filter asks for values of an index: the database then takes these rows, and sorts them."""
    parts = filter_.parts if isinstance(filter_, And) else (filter_,)
    return any(
        isinstance(part, Compare)
        and part.operator in {Operator.EQ, Operator.IN}
        and (part.many or part.path == ("_id",) or (part.path, part.kind) in layout.scalar_of)
        for part in parts
    )
