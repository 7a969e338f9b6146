"""Items with files: what is given for a file is related to the files that are there, wherever it comes from.

Loaded with the first collection that has file fields; the items of others know nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from backo.collections.entity import Entity
from backo.connectors.base import StoredDocument
from backo.context import root_of
from backo.files.fields import address_of
from backo.files.places import (
    Files,
    files_of,
    for_patches,
    no_file,
    place_of,
    settled,
    version_at,
    versions,
    with_versions,
)
from backo.files.values import FileVersion
from backo.items.presenting import plain
from backo.paths import Place, to_text
from backo.schema.compiler import Schema
from backo.schema.nodes import Node
from backo.schema.problems import Refusal
from backo.work.catalog import Entry
from backo.work.contents import Contents
from backo.work.loading import loaded
from backo.work.sight import Sight

if TYPE_CHECKING:
    from backo.collections.collection import Collection


class FileEntity(Entity):
    """An item with files; its class is generated when the application is assembled."""

    __slots__ = ()

    _files: ClassVar[Files]
    _with_files: ClassVar[Names[str]]  # the top-level fields that are files, or have some inside

    def _merge(self, given: Mapping[Any, Any], *, moved: bool = True) -> None:
        super()._merge({name: self._settled(name, value) for name, value in given.items()}, moved=moved)

    def _take_over(self, document: Mapping[str, Any]) -> None:
        super()._take_over({name: self._settled(name, value, trusted=True) for name, value in document.items()})

    def _settled(self, name: Any, value: Any, *, trusted: bool = False) -> Any:
        """Take the object of a file as it was read, or as a document keeps it, for that file."""
        if name not in self._with_files:
            return value
        field, present = self._schema.children[name].field, self._values[name]
        try:
            return settled(field, plain(value), present, trusted=trusted or self._stamping)
        except Refusal as refusal:
            raise self._invalid(refusal.below(name)) from None

    def _json(self, names: Names[str] | None = None) -> dict[str, Any]:
        shown: dict[str, Any] = for_patches(self._files, super()._json(names), self._values, partial(address_of, self))
        return shown

    def _decode(self, document: Mapping[str, Any], rev: int) -> None:
        known = versions(self._files, self._values)  # content that has just arrived is read from where it is
        super()._decode(document, rev)
        self._values = with_versions(self._files, self._values, known)


@address_of.register(FileEntity)
def _address_of(record: FileEntity, place: Place) -> str | None:
    id_, contents = record._values["_id"], record._home.entry.contents
    return None if id_ is None or contents is None else contents.address(id_, place)


def contents_of(home: Collection, schema: Schema) -> Contents:
    """Prepare the file fields of a collection.

    Raises:
        DefinitionError: one is where it cannot be.
    """

    def address(id_: str, place: Place) -> str | None:
        root = root_of(home.application)
        if root is None:
            return None
        return "/".join([root, *(quote(part, safe="") for part in (home.name, id_, *map(str, place)))])

    return Contents(files_of(schema), address)


def attributes_of(contents: Contents) -> dict[str, Any]:
    """Give what the class of the items of a collection with files has beside that of others."""
    return {"_files": contents.files, "_with_files": frozenset(path[0] for path in contents.files)}


def file_of(contents: Contents, sight: Sight, stored: StoredDocument, path: str) -> FileVersion:
    """Give a file of an item, where the current user may read it.

    Args:
        contents: the file fields of the collection.
        sight: of the collection.
        stored: the item, which he may read.
        path: where the file is, as an address or a selector writes it.

    Raises:
        PathNotFoundError: there is no file there, or none for him.
    """
    place = place_of(path)
    version = version_at(contents.files, stored.document, place)
    names = tuple(step for step in place if isinstance(step, str))
    nodes = [sight.entry.schema.nodes[names[:end]] for end in range(1, len(names) + 1)]
    hidden = sight.hidden | sight.denied([stored])[0]
    if hidden.intersection(node.path for node in nodes) or not _exist(nodes, sight.entry, stored):
        raise no_file(to_text(place))  # in the same words as of one that is not there
    return version


def _exist(nodes: Iterable[Node], entry: Entry, stored: StoredDocument) -> bool:
    """Tell whether fields exist in an item as it is now; the document tells that they did when it was stored."""
    if not entry.schema.conditional:
        return True
    record = loaded(entry, stored)
    return all(record._exists(node, record._value_at(node.path)) for node in nodes)
