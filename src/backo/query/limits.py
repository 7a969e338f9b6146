"""Bound what one query may ask for, and gather what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from backo.errors import Problem, QueryError, nearest
from backo.paths import FieldPath, to_text

PAGE = 100  # items on a page that names no size
MAX_VALUES = 100_000  # operands of one filter; a long `$in` is one node with many of them
MAX_PATTERNS = 20  # of one filter; to compile one takes up to 5 ms
MAX_SORT_KEYS = 20
MAX_SHOWN_PATH = 200  # characters of a path in a problem
MAX_PROBLEMS = 100  # of one query; the first that does not fit ends the reading
MAX_HINTS = 10  # of one query: looking for the nearest name costs more than refusing
MAX_HINTED = 50  # characters of a name that is worth a hint


class QueryLimits(Protocol):
    """How much one query may ask for (part of the settings of an application)."""

    @property
    def depth(self) -> int:
        """Levels of nesting of a filter, and steps of a path."""

    @property
    def filter(self) -> int:
        """Nodes of the tree that a filter becomes: comparisons, connectives, links crossed."""

    @property
    def pattern(self) -> int:
        """Characters of a pattern."""

    @property
    def page(self) -> int:
        """Items on a page, at most."""


@dataclass(frozen=True, slots=True)
class StandardLimits:
    """The limits where nothing else was set."""

    depth: int = 64
    filter: int = 200
    pattern: int = 200
    page: int = 1_000


DEFAULT_LIMITS: QueryLimits = StandardLimits()


class Tally:
    """What one query has asked for so far, and what was found wrong with it."""

    __slots__ = ("_hints", "_nodes", "_patterns", "_problems", "_values", "limits")

    def __init__(self, limits: QueryLimits) -> None:
        self.limits = limits
        self._nodes = 0
        self._values = 0
        self._patterns = 0
        self._hints = 0
        self._problems: list[Problem] = []

    def add_nodes(self, count: int) -> None:
        """Count nodes of the tree; raise `QueryError` above the limit."""
        self._nodes += count
        if self._nodes > self.limits.filter:
            raise too_much("$", f"A filter has at most {self.limits.filter} nodes")

    def add_values(self, count: int) -> None:
        """Count operands; raise `QueryError` above the limit."""
        self._values += count
        if self._values > MAX_VALUES:
            raise too_much("$", f"A filter has at most {MAX_VALUES} values")

    def add_pattern(self) -> None:
        """Count a pattern; raise `QueryError` above the limit."""
        self._patterns += 1
        if self._patterns > MAX_PATTERNS:
            raise too_much("$", f"A filter has at most {MAX_PATTERNS} patterns")

    def check_depth(self, depth: int) -> None:
        """Raise `QueryError` when a level is too deep."""
        if depth > self.limits.depth:
            raise too_much("$", f"A filter is nested at most {self.limits.depth} levels deep")

    def hint(self, name: str, known: Iterable[str]) -> str:
        """Give the end of a sentence that suggests the nearest of the known names, or nothing."""
        if self._hints >= MAX_HINTS or len(name) > MAX_HINTED:
            return ""
        self._hints += 1
        hint = nearest(name, known)
        return f"; {hint}" if hint else ""

    def refuse(self, where: FieldPath | str, code: str, message: str) -> None:
        """Note a problem at a path (or at a parameter, given as text)."""
        text = where if isinstance(where, str) else to_text(where)
        self._problems.append(Problem(text[:MAX_SHOWN_PATH], code, message))
        if len(self._problems) >= MAX_PROBLEMS:
            self.settle()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found wrong so far."""
        return not self._problems

    def settle(self) -> None:
        """Raise everything that was found.

        Raises:
            QueryError: something was.
        """
        if self._problems:
            message = "the query makes no sense here"
            raise QueryError(message, problems=self._problems)


def too_much(path: str, message: str) -> QueryError:
    """Make the error of a query that asks for more than its limits."""
    return QueryError("the query asks for too much", problems=[Problem(path, "limit", message)])
