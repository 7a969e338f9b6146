"""Tell what a migration changed, item by item, without holding it in memory."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from backo import jsontext
from backo.connectors.base import Document
from backo.migration.spool import Spool

T_co = TypeVar("T_co", covariant=True)

_SHOWN = 3  # elements that `repr` shows


class _Read(Sequence[T_co]):
    """A sequence whose elements are made when they are read; it equals a list with the same elements."""

    @abstractmethod
    def _element(self, number: int) -> T_co:
        """Make one element."""

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | list[T_co]:
        """Give one element, or a list of some."""
        if isinstance(index, slice):
            return [self._element(number) for number in range(*index.indices(len(self)))]
        return self._element(range(len(self))[index])

    def __iter__(self) -> Iterator[T_co]:
        return map(self._element, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(map(_is_equal, self, other))

    __hash__ = None  # type: ignore[assignment]  # as lists have none

    def __repr__(self) -> str:
        elements = [*map(repr, islice(self, _SHOWN)), *(["…"] if len(self) > _SHOWN else [])]
        return f"<{len(self)}: {', '.join(elements)}>"


def _is_equal(one: object, other: object) -> bool:
    return bool(one == other)


class Ids(_Read[str]):
    """The `_id`s of items, in their order."""

    def __init__(self) -> None:
        self.spool = Spool()

    def append(self, id_: str) -> None:
        """Add one."""
        self.spool.append(id_.encode())

    def place(self, id_: str) -> int | None:
        """Find one among ids that are in order; None when it is not there."""
        place = bisect_left(self, id_)
        return place if place < len(self) and self[place] == id_ else None

    def _element(self, number: int) -> str:
        return self.spool[number].decode()

    def __len__(self) -> int:
        return len(self.spool)


class Diffs(_Read[Any]):
    """For each changed item a `deepdiff.DeepDiff` from its document before to the one after; made when read."""

    def __init__(self, documents: Spool) -> None:
        self._documents = documents

    def _element(self, number: int) -> Any:
        from deepdiff import DeepDiff  # noqa: PLC0415  # slow to load, and only here

        before, after = jsontext.decode(self._documents[number])
        return DeepDiff(before, visible(after, before))

    def __len__(self) -> int:
        return len(self._documents)


class Unchanged:
    """The items that a migration leaves as they are.

    Attributes:
        _ids: the `_id` of each.
    """

    def __init__(self) -> None:
        self._ids = Ids()

    @property
    def total(self) -> int:
        """How many they are."""
        return len(self._ids)


class Changed:
    """The items that a migration changes.

    Attributes:
        _ids: the `_id` of each.
        diff: for each a `DeepDiff`.
    """

    def __init__(self) -> None:
        self._ids = Ids()
        self._documents = Spool()
        self.diff = Diffs(self._documents)

    @property
    def total(self) -> int:
        """How many they are."""
        return len(self._ids)

    def append(self, id_: str, before: Document, after: Document) -> None:
        """Add one, with its document before and after."""
        self._ids.append(id_)
        self._documents.append(jsontext.encode([before, after]))

    def documents(self, number: int) -> tuple[Document, Document]:
        """Give a document before and after."""
        before, after = jsontext.decode(self._documents[number])
        return before, after

    def close(self) -> None:
        """Let go of the files."""
        self._ids.spool.close()
        self._documents.close()


class Report:
    """What a migration did, or with `dry_run` would do.

    Long reports are kept in temporary files, which are gone when the report is closed or forgotten.

    Attributes:
        nochanges: the items left as they are: `._ids`, `.total`.
        changes: the items changed: `._ids`, `.total`, `.diff`.
        dry_run: whether nothing was saved.
    """

    def __init__(self, *, dry_run: bool) -> None:
        self.nochanges = Unchanged()
        self.changes = Changed()
        self.dry_run = dry_run

    @property
    def no_changes(self) -> Unchanged:
        """Another name of `nochanges`."""
        return self.nochanges

    @property
    def total(self) -> int:
        """How many items are left as they are."""
        return self.nochanges.total

    def close(self) -> None:
        """Remove the temporary files; ids and diffs can be read no more, the totals can."""
        self.nochanges._ids.spool.close()  # noqa: SLF001  # a documented name
        self.changes.close()

    def __enter__(self) -> Self:
        """Give the report, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        verb = "would change" if self.dry_run else "changed"
        return f"<Report: {verb} {self.changes.total}, {self.nochanges.total} without changes>"


def visible(after: Any, before: Any) -> Any:
    """Leave out the nulls that are new in a document: null and absent are the same.

    >>> visible({"a": 1, "b": None, "c": {"d": None}}, {"a": 1, "c": {}})
    {'a': 1, 'c': {}}
    """
    if isinstance(after, Mapping):
        known = before if isinstance(before, Mapping) else {}
        return {
            name: visible(value, known.get(name)) for name, value in after.items() if value is not None or name in known
        }
    if isinstance(after, list) and isinstance(before, list):
        return [visible(value, one) for value, one in zip(after, [*before, *after[len(before) :]], strict=False)]
    return after
