"""Judge one place of a partial item, such as a form that somebody is filling in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from backo.errors import Problem, QueryError, ValidationError, shown
from backo.items.record import Record
from backo.paths import FieldPath, Place, parse_selector
from backo.query.limits import QueryLimits, Tally
from backo.query.scopes import Node, Scope, locate
from backo.schema.kinds import Kind


def parse_place(text: str, scope: Scope, limits: QueryLimits) -> Place:
    """Read the path of a field, or of an element of a list; `$`, and nothing, is the item as a whole.

    Raises:
        QueryError: it is something else, or there is no such field.
    """
    selector = parse_selector(text)
    place = tuple(step for step in selector if isinstance(step, str) or (isinstance(step, int) and step >= 0))
    if len(place) < len(selector):
        message = f"{shown(text)} does not name a field, or an element of one"
        raise QueryError(message, hint="write it as $.name, $.group.name or $.list[0].name")
    if place:
        _check_declared(place, scope, limits)
    return place


def _check_declared(place: Place, scope: Scope, limits: QueryLimits) -> None:
    """Refuse a place that no item can have; raises `QueryError`."""
    tally, names = Tally(limits), _names(place)
    found = locate(scope, names, tally) if names else None
    if found is not None and found.links:
        tally.refuse(names, "unknown", "Is a field of another item")
    tally.settle()
    for holder in (_names(place[:end]) for end, step in enumerate(place) if isinstance(step, int)):
        if not _may_be_list(scope.node(holder)):
            tally.refuse(holder, "unknown", "Is not a list")
    tally.settle()


def _names(place: Place) -> FieldPath:
    return tuple(step for step in place if isinstance(step, str))


def _may_be_list(node: Node | None) -> bool:
    """Tell whether a field is a list, or a value about which nothing is declared."""
    return node is not None and (node.is_list or (node.kind is Kind.JSON and not node.is_group))


def problems_of(record: Record, values: Mapping[str, Any]) -> list[Problem]:
    """Set what can be set of a new item; list what is wrong with the rest, then with the item as it became."""
    problems: list[Problem] = []
    for name, value in values.items():
        try:
            record.set({name: value})
        except ValidationError as error:
            problems += error.problems
    try:
        record._judge_complete()
    except ValidationError as error:
        problems += error.problems
    return problems


def fault_at(place: Place, problems: Iterable[Problem]) -> str | None:
    """Give the first problem at a place, or below it; None where there is none.

    A name behind a list stands for that field of every element. Of the item as a whole the text says
    where the problem is.

    >>> fault_at(("pets", "n"), [Problem("$.pets[1].n", "type", "Must be a text")])
    'Must be a text'
    >>> fault_at((), [Problem("$.pets[1].n", "type", "Must be a text")])
    '$.pets[1].n: Must be a text'
    """
    steps = [rf"\[{step}\]" if isinstance(step, int) else rf"(?:\[\d+\])*\.{re.escape(step)}" for step in place]
    is_there = re.compile(rf"\${''.join(steps)}(?![^.\[])").match
    for problem in problems:
        if is_there(problem.path):
            return problem.message if place or problem.path == "$" else f"{problem.path}: {problem.message}"
    return None
