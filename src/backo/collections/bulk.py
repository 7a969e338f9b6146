"""Create any number of items, a batch in each unit of work, so that memory stays constant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from backo.connectors.base import Column
from backo.errors import ConflictError, DBError, Problem, RightError, ValidationError, shown
from backo.paths import to_text
from backo.query.filters import Compare, Operator, Query
from backo.query.reading import one_value
from backo.schema.problems import MAX_PROBLEMS
from backo.work.creating import create_all
from backo.work.unit import Unit, open_unit, unit_of_work

if TYPE_CHECKING:
    from backo.collections.collection import Collection

Documents: TypeAlias = Sequence[Mapping[str, Any]]
Told: TypeAlias = "Callable[[list[str]], object] | None"

_LOOKED_UP = 500  # values that are looked for at once


def create_many(collection: Collection, values: Iterable[Mapping[str, Any]], size: int, told: Told) -> int:
    """Create items in batches; see `Collection.create_many`.

    Raises:
        ValidationError: values do not fit, or the size is no number of items.
        RightError: the current user may not create one of them.
        ConflictError: an `_id` or a unique value is taken.
    """
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        message = f"batch_size is a whole number from 1, not {shown(size)}"
        raise ValidationError(message)
    created = 0
    for batch in _batches(values, size):
        try:
            ids = _create(collection, batch, created)
        except (ValidationError, ConflictError, RightError) as error:
            if created and not error.hint and open_unit(collection.catalog) is None:
                error.hint = f"the first {created} items are stored, and nothing of what follows"
            raise
        created += len(ids)
        if told is not None:
            told(ids)
    return created


def _batches(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def _create(collection: Collection, batch: Sequence[Any], start: int) -> list[str]:
    """Create a batch in the open unit of work, or in one of its own, where a value that is taken can be told."""
    entry, is_fresh = collection.entry, collection.connector.generate_id is None
    is_joined = open_unit(collection.catalog) is not None
    documents: Documents = ()

    def do(unit: Unit) -> list[str]:
        nonlocal documents
        documents = create_all(unit, entry, batch, collection.make_id, is_fresh=is_fresh, start=start)
        return [document["_id"] for document in documents]

    try:
        return collection.application.run_unit(do)
    except ConflictError as error:
        if not is_joined:
            with suppress(DBError):  # then it is told without positions
                error.problems = tuple(_located(collection, documents, start, error.problems))
        raise


def _located(
    collection: Collection, documents: Documents, start: int, problems: Iterable[Problem]
) -> Iterator[Problem]:
    """Say which items of a batch that was refused have a unique value that is taken."""
    columns = {to_text(one.path): one for one in collection.store.structure.columns if one.unique and not one.many}
    left = MAX_PROBLEMS
    for problem in problems:
        column = columns.get(problem.path) if problem.code == "unique" else None
        positions = [] if column is None else _taken(collection, documents, column)[:left]
        left -= len(positions)
        if not positions:
            yield problem
        for position in positions:
            place = f"$[{start + position}]{problem.path.removeprefix('$')}"
            yield Problem(place, problem.code, problem.message)


def _taken(collection: Collection, documents: Documents, column: Column) -> list[int]:
    """List the positions of the values that an earlier document has, or a stored one."""
    read = one_value(column.path, column.kind)
    values = [read(dict(document)) for document in documents]
    first: dict[Any, int] = {}
    taken = set()
    for position, value in enumerate(values):
        if value is not None and first.setdefault(value, position) != position:
            taken.add(position)
    wanted = list(first)
    entry = collection.entry
    with unit_of_work(collection.catalog, writing=False) as unit:
        for start in range(0, len(wanted), _LOOKED_UP):
            some = wanted[start : start + _LOOKED_UP]
            asked = Query(Compare(column.path, Operator.IN, tuple(some), column.kind))
            taken |= {first[value] for one in unit.find(entry, asked) if (value := read(one.document)) in first}
    return sorted(taken)
