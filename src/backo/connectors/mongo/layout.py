"""Describe how one collection is kept, as values: cells, indexes, the fields that are ours.

A document of a collection `users` is kept with the fields of the item, and

    _rev       its revision
    _schema    the fingerprint of the schema under which it was written
    _cells     the comparable of each column, by name: {"born": 1709208000000001, "home/zip": "1010"}

A list has an array of its different values; what is absent has no cell. `_cells._layout` counts the
cells that were known when the document was written: documents with fewer are filled up. Scalar
indexes end with `_id`, which makes pages, cursors and referrers a walk along one index.

Where other programs have given ids of the server (ObjectId), each document has its `_id` as text in
`_cells._id` too, and everything goes by that. Cells can be rebuilt from the fields of the documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from backo.connectors.base import Document, Write
from backo.connectors.mongo.cells import Reader, reader
from backo.connectors.mongo.values import CELLS, REV, SCHEMA, kept
from backo.paths import FieldPath
from backo.schema.kinds import Kind

Condition: TypeAlias = dict[str, Any]  # of MongoDB; values in it stand behind an operator, always

BOOKS = "_backo"
"""The collection of our notes, one on each collection that is kept in a database."""

COUNT = "_layout"
ID_CELL = "_id"
ID_INDEX = "_id#unique"


@dataclass(frozen=True, slots=True)
class Cell:
    """What is kept beside the fields of each document, for one field.

    Attributes:
        name: in `_cells`.
        path: the field.
        kind: how it compares.
        many: whether it is a list.
    """

    name: str
    path: FieldPath
    kind: Kind
    many: bool = False

    @property
    def place(self) -> str:
        """Where it is in a document, as conditions and indexes name it."""
        return f"{CELLS}.{self.name}"


@dataclass(frozen=True)
class Layout:
    """One collection as it is kept.

    Attributes:
        collection: its name in the database.
        cells: everything that is kept beside the fields, in the order in which it was declared; also
            what is not declared any more, for another process may still rely on it.
        indexes: names of the indexes that exist.
        filled: how many of the cells every document has.
        is_plain: whether all documents hold JSON alone, so that their fields can be asked for as they are.
        has_object_ids: whether some `_id`s are none of ours.
        adds_ids: whether documents get their `_id` as text because some are going to be none of ours.
    """

    collection: str
    cells: tuple[Cell, ...] = ()
    indexes: frozenset[str] = frozenset()
    filled: int = 0
    is_plain: bool = True
    has_object_ids: bool = False
    adds_ids: bool = False

    @property
    def id_place(self) -> str:
        """Where the text of an `_id` is in a document."""
        return f"{CELLS}.{ID_CELL}" if self.has_object_ids else "_id"

    @cached_property
    def scalar_of(self) -> dict[tuple[FieldPath, Kind], Cell]:
        """Cells of scalar fields that can be relied upon, by path and kind."""
        return {(cell.path, cell.kind): cell for cell in self.cells[: self.filled] if not cell.many}

    @cached_property
    def list_of(self) -> dict[tuple[FieldPath, Kind], Cell]:
        """Cells of lists that can be relied upon, by path and kind."""
        return {(cell.path, cell.kind): cell for cell in self.cells[: self.filled] if cell.many}

    @cached_property
    def unique(self) -> tuple[Cell, ...]:
        """The cells that a unique index guards."""
        return tuple(cell for cell in self.cells if unique_index(cell) in self.indexes)

    def is_indexed(self, cell: Cell) -> bool:
        """Tell whether documents can be walked in the order of a cell."""
        return not self.indexes.isdisjoint({self.plain_index(cell), unique_index(cell)})

    def plain_index(self, cell: Cell) -> str:
        """Give the name of the index on (cell, _id); it is another one where other ids have joined ours."""
        return f"{cell.name}#index{'~ids' if self.has_object_ids else ''}"

    @cached_property
    def _readers(self) -> tuple[tuple[str, Reader], ...]:
        return tuple((cell.name, reader(cell.path, cell.kind, many=cell.many)) for cell in self.cells)

    def cells_of(self, document: Document) -> dict[str, Any]:
        """Give `_cells` for a document."""
        values = ((name, read(document)) for name, read in self._readers)
        cells: dict[str, Any] = {COUNT: len(self.cells)}
        cells |= {name: value for name, value in values if value is not None}
        return cells | {ID_CELL: document["_id"]} if self.has_object_ids or self.adds_ids else cells

    def row(self, write: Write) -> dict[str, Any]:
        """Give what is kept of an insert or an update."""
        return {
            **kept(write.document),
            REV: write.rev,
            SCHEMA: write.fingerprint,
            CELLS: self.cells_of(write.document),
        }


def unique_index(cell: Cell) -> str:
    """Give the name of the unique index on the values of a cell that are not absent."""
    return f"{cell.name}#unique"
