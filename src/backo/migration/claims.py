"""Judge, before anything is written, whether unique values stay unique in the end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

from backo.connectors.base import Column
from backo.connectors.shelf import Values, values_of
from backo.errors import BackoError, Problem
from backo.migration.drafts import Drafts
from backo.migration.fitting import Fitted, Function, misfit
from backo.paths import to_text
from backo.query.filters import Compare, Operator, Query
from backo.schema.kinds import Comparable
from backo.work.catalog import Entry
from backo.work.unit import Unit

_Contended: TypeAlias = tuple[str, str, int, Comparable]  # who has a value, who wants it, of which column


class Claims:
    """The unique values that the documents of a run newly take.

    Memory holds a number for each of them, and what is taken from another item.
    """

    def __init__(self, entry: Entry, function: Function | None) -> None:
        self._entry, self._function = entry, function
        self._columns: list[tuple[Column, Values]] = [
            (column, values_of(column)) for column in entry.store.structure.columns if column.unique
        ]
        self._claimed: set[int] = set()
        self._contended: list[_Contended] = []

    def check(self, unit: Unit, page: Sequence[Fitted]) -> None:
        """Note what documents newly take.

        Raises:
            ValidationError: two documents of the run take the same value.
        """
        for number, (column, read) in enumerate(self._columns):
            wanted: dict[Comparable, str] = {}
            for fitted in page:
                if fitted.is_changed:
                    for value in read(fitted.after) - read(fitted.before):
                        mark = _mark(number, value)
                        if mark in self._claimed:
                            raise self._taken(fitted.id, column)
                        self._claimed.add(mark)
                        wanted[value] = fitted.id
            if wanted:
                self._note_holders(unit, number, wanted)

    def _note_holders(self, unit: Unit, number: int, wanted: dict[Comparable, str]) -> None:
        column, read = self._columns[number]
        asked = Compare(column.path, Operator.IN, tuple(wanted), column.kind, column.many)
        for holder in self._entry.store.find(unit.session(self._entry), Query(asked)):
            for value in read(holder.document) & wanted.keys():
                if wanted[value] != holder.id:
                    self._contended.append((holder.id, wanted[value], number, value))

    def settle(self, drafts: Drafts) -> set[str]:
        """Look, once all documents are known, whether who had a value gives it up.

        Returns:
            The items that exchange values: they have to be written at once.

        Raises:
            ValidationError: an item keeps a value that another one takes.
        """
        together: set[str] = set()
        for holder, claimant, number, value in self._contended:
            column, read = self._columns[number]
            after = drafts.after(holder)
            if after is None or value in read(after):
                raise self._taken(claimant, column)
            together |= {holder, claimant}
        return together

    def _taken(self, id_: str, column: Column) -> BackoError:
        problem = Problem(to_text(column.path), "unique", "Another item has this value, which must be unique")
        return misfit(self._entry, id_, [problem], self._function)


def _mark(number: int, value: Comparable) -> int:
    """Sum a value up in 8 bytes."""
    return int.from_bytes(hashlib.blake2b(repr((number, value)).encode(), digest_size=8).digest())
