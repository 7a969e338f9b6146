"""Say why the documents of a store, from before its present declaration, do not fit it.

Ids are shown, values are not: not everyone may read them.
"""

from __future__ import annotations

from collections.abc import Sequence

from backo.errors import StoredDataError, shown
from backo.paths import FieldPath, to_text

MOST_SHOWN = 3  # ids that a message names


def repeated_value(collection: str, path: FieldPath, ids: Sequence[str]) -> StoredDataError:
    """Say that several documents have one value at a path that is declared unique."""
    message = f"{collection}: {to_text(path)} cannot be unique: {_items(ids)} have the same value"
    return StoredDataError(message, hint="change one of them under the declaration before, or take unique=True away")


def misplaced_links(collection: str, path: FieldPath, ids: Sequence[str]) -> StoredDataError:
    """Say that documents hold links at a path that is declared as the derived side."""
    message = (
        f"{collection}: {to_text(path)} was the stored side of its links, which are still held by {_items(ids)}; "
        "now its reverse is declared as the stored side"
    )
    hint = "declare owner=True there; or take these links away under the declaration before, and link anew"
    return StoredDataError(message, hint=hint)


def _items(ids: Sequence[str]) -> str:
    """Name items.

    >>> _items(["a"]), _items(["d", "c", "b", "a"])
    ("the item 'a'", "the items 'a', 'b', 'c' and others")
    """
    named = ", ".join(map(shown, sorted(ids)[:MOST_SHOWN]))
    return f"the item{'s' if len(ids) > 1 else ''} {named}{' and others' if len(ids) > MOST_SHOWN else ''}"
