"""A small item with files everywhere they can be, and a record of it that knows no store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backo.errors import ValidationError
from backo.files.connectors import MemoryFileConnector
from backo.files.fields import BlobFile, File
from backo.files.places import Files, files_of, settled
from backo.paths import Place
from backo.schema.compiler import Schema, compile_schema
from backo.schema.containers import Dict, List
from backo.schema.fields import Field
from backo.schema.options import Options
from backo.schema.problems import Refusal
from backo.schema.scalars import String


def compiled(**fields: Field) -> Schema:
    """Compile a declaration."""
    return compile_schema("book", fields, Options(), system={"_id": String()})


class Library:
    """The declaration, with its connectors.

    Attributes:
        work: keeps the contents.
        storage: keeps those of `scan` once more.
        schema: of a book.
        files: its file fields.
    """

    def __init__(self) -> None:
        self.work, self.storage = MemoryFileConnector(), MemoryFileConnector()
        self.schema = compiled(
            title=String(),
            cover=File(work=self.work),
            scan=File(work=self.work, storage=self.storage),
            thumb=BlobFile(max_size=1000),
            shop=Dict({"logo": File(work=self.work), "name": String()}),
            photos=List(File(work=self.work)),
            pages=List(Dict({"number": String(), "image": File(work=self.work)})),
        )
        self.files: Files = files_of(self.schema)

    def record(self) -> FakeRecord:
        """Make an empty record."""
        return FakeRecord(self.schema)


class FakeRecord:
    """What records do with files, and nothing else."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._values: dict[str, Any] = dict.fromkeys(schema.children)

    def set(self, given: Mapping[str, Any], *, trusted: bool = False) -> None:
        """Set top-level fields, groups as a whole."""
        kept = dict(self._values)
        for name, value in given.items():
            node = self.schema.children[name]
            try:
                value = settled(node.field, value, kept[name], trusted=trusted)  # noqa: PLW2901  # as `Merge` does
                kept[name] = None if value is None else node.check(value)
            except Refusal as refusal:
                problems = Refusal(refusal.below(name)).problems()
                raise ValidationError("it is not valid", problems=problems) from refusal
        self._values = kept

    def _assign(self, place: Place, value: Any) -> None:
        """Set one place."""
        name = str(place[0])
        self.set({name: _with(self._values[name], place[1:], value)})

    def document(self) -> dict[str, Any]:
        """Give the document to store."""
        return {
            name: None if (value := self._values[name]) is None else node.field.to_json(value)
            for name, node in self.schema.children.items()
        }


def _with(current: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    if isinstance(step := place[0], int):
        return [_with(one, place[1:], value) if index == step else one for index, one in enumerate(current)]
    return {**(current or {}), step: _with((current or {}).get(step), place[1:], value)}
