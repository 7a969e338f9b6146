"""Let the files of items follow their documents: what the unit of work, and those who show items, need of them.

Loaded with the first collection that has file fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from backo.files.connectors import FileConnector
from backo.files.fields import File
from backo.files.lifecycle import Unit, carry_out, plan
from backo.files.places import Files, for_clients, versions
from backo.paths import Place

Address: TypeAlias = Callable[[str, Place], str | None]
"""Tells, for the `_id` of an item and a place in it, the address of the file there."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The file fields of one collection.

    Attributes:
        files: by path.
        address: where a file of an item can be fetched.
    """

    files: Files
    address: Address

    def change(
        self,
        unit: Unit,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        values: Mapping[str, Any] | None,
    ) -> None:
        """Write the contents that a new document names, and see to it that those it no longer names go.

        Args:
            unit: the open unit of work, inside the operation that changes the item.
            before: the document that is there; None where there is none.
            after: the document that is to be stored; None when the item is deleted.
            values: of the record, which know where content that has arrived is.

        Raises:
            DBError: a connector failed; the operation takes back what was written.
            ContentMissingError: a content that is to be there, or to be copied, is not.
        """
        carry_out(plan(self.files, before, after, versions(self.files, values)), unit)

    def shown(self, id_: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Copy a stored document as clients see it: the facts of its files and their addresses, no content."""
        shown: dict[str, Any] = for_clients(self.files, document, partial(self.address, id_))
        return shown

    def connectors(self) -> Iterator[FileConnector]:
        """Give the connectors that keep the contents."""
        for declared in self.files.values():
            if isinstance(declared.field, File):
                yield declared.field.work
                if declared.field.storage is not None:
                    yield declared.field.storage
