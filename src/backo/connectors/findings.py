"""Say what is wrong with stored data, and what differs from the declarations, as values that every store can give."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backo.errors import shown

MOST_NAMED = 10  # ids that one value carries beside its own


class FindingKind(StrEnum):
    """What is wrong with stored data.

    Attributes:
        UNREADABLE: a document, or the place where it is kept, cannot be read.
        MISFIT: a document does not fit the declaration.
        DANGLING: a link names an item that is not there.
        REPEATED: a list of links names an item twice.
        ONE_SIDED: a link that both sides store is stored by one.
        MISPLACED: a link is stored on the side where it is looked up.
        MISSING_LINK: a required link that is looked up finds nothing.
        SHARED_TARGET: several items name one that only one of them may name.
        SHARED_VALUE: several items have a value that is declared unique.
        COMPANION: what the store keeps beside a document, to find it by, does not agree with it.
        DAMAGE: the store itself finds its files or indexes damaged.
        NO_CONTENT: the content of a file is missing.
        WRONG_SIZE: the content of a file has another size than its item says.
        ORPHAN: a content is named by no item.
    """

    UNREADABLE = "unreadable"
    MISFIT = "misfit"
    DANGLING = "dangling"
    REPEATED = "repeated"
    ONE_SIDED = "one_sided"
    MISPLACED = "misplaced"
    MISSING_LINK = "missing_link"
    SHARED_TARGET = "shared_target"
    SHARED_VALUE = "shared_value"
    COMPANION = "companion"
    DAMAGE = "damage"
    NO_CONTENT = "no_content"
    WRONG_SIZE = "wrong_size"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with stored data.

    Attributes:
        collection: where.
        id: the `_id` of the item, or the id of a content that no item names; None for a whole collection.
        path: of the field, a selector such as `"$.author"`; `"$"` for the whole item.
        kind: what is wrong.
        text: the same as a sentence.
        mendable: whether it can be mended without losing anything.
        mended: whether it was mended.
        others: ids of other items that it is about, some of them when they are many.
    """

    collection: str
    id: str | None
    path: str
    kind: FindingKind
    text: str
    mendable: bool = False
    mended: bool = False
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say where it is and what it is, in one line."""
        where = self.collection if self.id is None else f"{self.collection}/{self.id}"
        path = "" if self.path == "$" else f" {self.path}"
        state = ", mended" if self.mended else ", can be mended" if self.mendable else ""
        return f"{where}{path}: {self.text} ({self.kind}{state})"


class DifferenceKind(StrEnum):
    """How the structure of a store differs from the declarations.

    Attributes:
        TABLE: the place of a collection is missing.
        COLUMN: what is kept beside the documents for a field is missing.
        TYPE: it is there, but for a field of another type.
        INDEX: an index is missing.
        UNIQUE: an index that guards unique values is missing.
        KEPT: something is there that is not declared; it is left alone.
    """

    TABLE = "table"
    COLUMN = "column"
    TYPE = "type"
    INDEX = "index"
    UNIQUE = "unique"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in the structure of a store that is not as declared.

    Attributes:
        collection: whose.
        name: of the table, column or index in the store.
        path: of the field, a selector; `"$"` where it is about none.
        kind: how it differs.
        text: the same as a sentence.
        mendable: whether it can be made without losing anything.
        ids: of items that stand in the way, some of them when they are many.
    """

    collection: str
    name: str
    path: str
    kind: DifferenceKind
    text: str
    mendable: bool = False
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say where it is and what it is, in one line."""
        path = "" if self.path == "$" else f" {self.path}"
        return f"{self.collection}{path}: {self.text} ({self.kind}{', can be mended' if self.mendable else ''})"


def named(ids: tuple[str, ...], total: int | None = None) -> str:
    """Name some ids in a sentence.

    >>> named(("a", "b")), named(("a", "b"), 9)
    ("'a', 'b'", "'a', 'b' and 7 more")
    """
    more = 0 if total is None else total - len(ids)
    return ", ".join(map(shown, ids)) + (f" and {more} more" if more > 0 else "")
