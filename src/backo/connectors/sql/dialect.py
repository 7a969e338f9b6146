"""What an SQL database says in its own way: types, bound values, expressions on documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from backo.connectors.base import Document
from backo.paths import FieldPath
from backo.schema.kinds import Comparable, Kind

CellValue: TypeAlias = str | int | float | None
Values: TypeAlias = tuple[Any, ...]
Row: TypeAlias = tuple[Any, ...]
Reader: TypeAlias = Callable[[Document], CellValue]
ListReader: TypeAlias = Callable[[Document], set[CellValue]]


class Condition(NamedTuple):
    """A piece of SQL with the values of its parameters, in their order; a dozen are made for each statement."""

    text: str
    values: Values = ()


class Dialect(Protocol):
    """One database's way of saying things.

    Attributes:
        types: the type of a cell, by the kind of its field; it never changes what a comparable compares with.
        shown: what is selected of a row `t` to make a `StoredDocument`, the JSON text as bytes.
        most_levels: the levels of nesting of a filter that its parser is given.
        sorts_absent_first_upwards: whether NULL comes first in an ascending order where nothing is said.
    """

    types: dict[Kind, str]
    shown: str
    most_levels: int
    sorts_absent_first_upwards: bool

    def name(self, text: str) -> str:
        """Give the name for an index or a table: shorter where there is a limit, and never that of another text."""

    def folded(self, name: str) -> str:
        """Write a name such that two names of one table are written alike."""

    def guard(self, table: str, column: str, index: str) -> str:
        """Give what a session says of a collision on the unique index of a cell, or of `_id`."""

    def bound(self, value: Comparable) -> CellValue:
        """Give the form in which an operand is bound to a statement."""

    def reader(self, path: FieldPath, kind: Kind) -> Reader:
        """Make the function that reads the cell of a scalar field from a document."""

    def list_reader(self, path: FieldPath, kind: Kind) -> ListReader:
        """Make the function that reads the different values of a list field, without absent ones."""

    def extracted(self, path: FieldPath, kind: Kind) -> Condition | None:
        """Give the expression that reads a comparable from the document of a row `t`; None where there is none."""

    def contains(self, field: Condition, text: str) -> Condition | None:
        """Ask whether a text is in an expression; None where that cannot be asked exactly."""

    def found(self, field: Condition, pattern: str) -> Condition | None:
        """Ask whether a pattern is found in an expression; None where that cannot be asked exactly."""

    def is_one_of(self, field: Condition, values: Sequence[CellValue], kind: Kind) -> Condition:
        """Ask whether an expression has one of some bound values, none of them absent."""


class SqlSession(Protocol):
    """What the statements of one unit of work go through."""

    @property
    def writing(self) -> bool:
        """Whether it was begun for writing."""

    @property
    def version(self) -> int:
        """A number that changes with the tables and indexes."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a query; give all its rows."""

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Run a query; give its rows as they are asked for, until the session ends."""

    def change(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that gives no rows.

        Raises:
            Collision: a value is taken.
        """

    def tried(self, statement: str, values: Sequence[Any] = ()) -> bool:
        """Run a statement; tell whether no unique index stood in its way: then it alone is undone."""

    def change_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows to a table.

        Raises:
            Collision: one has a value that is taken.
        """


class Collision(Exception):  # noqa: N818  # it becomes a ConflictError that says more
    """Raised by a session when a unique index refuses a value.

    Attributes:
        guard: what the database says of it: see `Dialect.guard`.
    """

    def __init__(self, guard: str) -> None:
        super().__init__(guard)
        self.guard = guard
