"""Compare the contents of files with what documents say of them; loaded where a collection has files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from heapq import merge
from itertools import groupby
from typing import Any

from backo.connectors.base import Document
from backo.connectors.findings import Finding, FindingKind
from backo.connectors.repeats import Sorter
from backo.files.connectors import FileConnector, is_file_id
from backo.files.fields import File
from backo.files.places import leaves
from backo.files.refusals import ContentMissingError
from backo.paths import Place, to_text
from backo.work.catalog import Catalog, Entry
from backo.work.contents import Contents

_THERE, _NAMED = b"\0", b"\1"


def wrong_contents(entry: Entry, contents: Contents, id_: str, document: Document) -> Iterator[Finding]:
    """Find the files of a document whose content is missing, or of another size."""
    for place, field, leaf in _files(contents, document):
        sizes = [_size(connector, leaf["file_id"]) for connector in _connectors(field)]
        known = [size for size in sizes if size is not None]
        if not known:
            kind, text = FindingKind.NO_CONTENT, f"the content {leaf['file_id']} is missing"
        elif any(size != leaf.get("size") for size in known):
            kind, text = FindingKind.WRONG_SIZE, f"the content {leaf['file_id']} is not as long as the item says"
        else:
            continue
        yield Finding(entry.name, id_, to_text(place), kind, text)


def named_contents(contents: Contents, document: Document) -> Iterator[str]:
    """Give the ids of the contents that a document names."""
    return (leaf["file_id"] for _, _, leaf in _files(contents, document))


def _files(contents: Contents, document: Document) -> Iterator[tuple[Place, File, Mapping[str, Any]]]:
    for path, declared in contents.files.items():
        if isinstance(declared.field, File):
            for place, leaf in leaves(path, document):
                if isinstance(leaf, Mapping) and is_file_id(leaf.get("file_id")):
                    yield place, declared.field, leaf


def _connectors(field: File) -> tuple[FileConnector, ...]:
    return (field.work,) if field.storage is None else (field.work, field.storage)


def _size(connector: FileConnector, file_id: str) -> int | None:
    with suppress(ContentMissingError):
        return connector.size(file_id)
    return None


class Orphans:
    """The contents that were there before the documents were looked at, and the ids that these name.

    An id is random, so it is enough that any document names it, in whatever place its content is.
    """

    def __init__(self, catalog: Catalog, older_than: float) -> None:
        self._named = Sorter()
        self._places: list[tuple[str, FileConnector, Sorter]] = []
        known: set[FileConnector] = set()
        for entry in catalog.entries.values():
            for connector in entry.contents.connectors() if entry.contents else ():
                if connector not in known:
                    known.add(connector)
                    there = Sorter()
                    for file_id in connector.ids(older_than=older_than):
                        there.add(file_id.encode() + _THERE)
                    self._places.append((entry.name, connector, there))

    def note(self, file_id: str) -> None:
        """Note that a document names a content."""
        self._named.add(file_id.encode() + _NAMED)

    def found(self) -> Iterator[tuple[Finding, FileConnector]]:
        """Give the contents that no document named, with the place of each, and let go of what was noted."""
        with closing(self._named):
            for name, connector, there in self._places:
                with closing(there):
                    for file_id, marks in groupby(merge(there, self._named), key=lambda record: record[:-1]):
                        if {record[-1:] for record in marks} == {_THERE}:
                            id_ = file_id.decode()
                            text = f"no item names the content in {connector!r}"
                            yield Finding(name, id_, "$", FindingKind.ORPHAN, text, mendable=True), connector
