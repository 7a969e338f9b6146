"""Collections that are opened again under another declaration, on any store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backo import Backoffice, Collection, Item
from backo.connectors.base import Operation, Store, Write
from backo.query.filters import Query
from backo.schema.fields import Field
from backo.work.unit import unit_of_work
from tests.work.stores import connector, named

Raw = dict[str, tuple[int, str, dict[str, Any]]]  # revision, fingerprint and document by `_id`


class Place:
    """A place of one kind where collections stay while their declarations change."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self._kept: dict[str, Store] = {}  # what memory holds ends with its connector
        self._open: Backoffice | None = None

    def open(self, **collections: Mapping[str, Field]) -> Backoffice:
        """Close what is open, and assemble a back office with these items here; `_id`s are their names."""
        self.close()
        backoffice = self._open = Backoffice("library")
        for name, fields in collections.items():
            where = self._kept.get(name) or connector(self.kind, self.folder, name)
            if self.kind == "memory":
                self._kept[name] = where
            where.generate_id = named
            backoffice.register_collection(Collection(name, Item(dict(fields)), where))
        backoffice.assemble()
        return backoffice

    def close(self) -> None:
        """Close what is open."""
        if self._open is not None:
            self._open.close()

    def content(self, backoffice: Backoffice, name: str = "books") -> Any:
        """Give everything that is stored, byte for byte where it is in files."""
        read = raw(backoffice, name)
        files = {
            str(path): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.name.endswith("-shm")
        }
        return files, read


def raw(backoffice: Backoffice, name: str = "books") -> Raw:
    """Read what is stored as it is, without a check."""
    entry = backoffice.catalog.entry(name)
    with unit_of_work(backoffice.catalog, writing=False) as unit:
        return {
            one.id: (one.rev, one.fingerprint, dict(one.document))
            for one in entry.store.find(unit.session(entry), Query())
        }


def documents(backoffice: Backoffice, name: str = "books") -> dict[str, dict[str, Any]]:
    """Give the stored documents without `_meta`, by `_id`."""
    return {
        id_: {key: value for key, value in document.items() if key not in {"_id", "_meta"}}
        for id_, (_, _, document) in raw(backoffice, name).items()
    }


def overwrite(backoffice: Backoffice, id_: str, changes: Mapping[str, Any], name: str = "books") -> None:
    """Change a stored document as another process would that has the declaration from before."""
    entry = backoffice.catalog.entry(name)
    rev, fingerprint, document = raw(backoffice, name)[id_]
    with unit_of_work(backoffice.catalog, writing=True) as unit:
        write = Write(Operation.UPDATE, id_, rev, rev + 1, fingerprint, {**document, **changes})
        entry.store.write(unit.session(entry), [write])
