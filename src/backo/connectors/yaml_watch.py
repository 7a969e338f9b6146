"""Notice which files of a folder changed, whoever changed them."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from backo.connectors import yaml_items
from backo.connectors.base import StoredDocument
from backo.connectors.folder import SharedFolder, Stamp
from backo.connectors.yaml_names import SUFFIX, id_of
from backo.connectors.yaml_text import YamlError

UNREAD = -1  # the hash of nothing
SETTLED = 20_000_000  # nanoseconds after which a change of a file is sure to change its time


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What is known of one file.

    Attributes:
        id: of the item in it.
        stamp: of the version that was read.
        content: a hash of its bytes, while the file is so young that another version may have the same
            stamp; `UNREAD` when the system would not let it be read, so that it is tried again.
    """

    id: str
    stamp: Stamp
    content: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different from what was known.

    Attributes:
        files: what is known now, by name; None for a file that is gone.
        images: documents by id; None where there is none, or none that can be read.
        unreadable: by id, why a file that is there cannot be read.
    """

    files: dict[str, KnownFile | None] = field(default_factory=dict)
    images: dict[str, StoredDocument | None] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def known_file(id_: str, stamp: Stamp, content: bytes) -> KnownFile:
    """Remember a file that has just been read or written."""
    is_young = stamp[0] > time.time_ns() - SETTLED
    return KnownFile(id_, stamp, hash(content) if is_young else None)


def is_item(name: str) -> bool:
    """Tell whether a name is one that the file of an item may have."""
    return name.endswith(SUFFIX) and not name.startswith(".") and "/" not in name


class Watch:
    """What is known of the files of one folder.

    Attributes:
        broken: names of the files that cannot be read.
    """

    def __init__(self, folder: SharedFolder) -> None:
        self.broken: set[str] = set()
        self._folder = folder
        self._known: dict[str, KnownFile] = {}

    def compare(self, names: Collection[str] | None, *, reread: bool = False) -> Difference:
        """Compare files with what is known of them, and read those that differ.

        Args:
            names: the files to look at; None for all.
            reread: read them even if they look the same.
        """
        if names is None:
            stamps = {name: stamp for name, stamp in self._folder.stamps().items() if is_item(name)}
            names = {*stamps, *self._known}
        else:
            stamps = {name: stamp for name in names if (stamp := self._folder.stamp(name))}
        found = Difference()
        for name in names:
            known, stamp = self._known.get(name), stamps.get(name)
            if stamp is None:
                self._add_gone(name, known, found)
            elif known is None or reread or known.stamp != stamp or known.content is not None:
                self._add_read(name, known, stamp, found)
        return found

    def take(self, difference: Difference) -> None:
        """Know what a difference says."""
        for name, file in difference.files.items():
            self.broken.discard(name)
            if file is None:
                self._known.pop(name, None)
            else:
                self._known[name] = file
                if file.id in difference.unreadable:
                    self.broken.add(name)

    def _add_gone(self, name: str, known: KnownFile | None, found: Difference) -> None:
        if known is not None:
            found.files[name] = found.images[known.id] = None

    def _add_read(self, name: str, known: KnownFile | None, stamp: Stamp, found: Difference) -> None:
        content = b""
        stored, is_unread = None, False
        try:
            read = self._folder.read(name)
            if read is None:
                self._add_gone(name, known, found)
                return
            stamp, content = read
            if known is not None and known.stamp == stamp and known.content == hash(content):
                found.files[name] = known_file(known.id, stamp, content)
                return
            stored = yaml_items.read(name, content)
            id_ = stored.id
        except (OSError, YamlError) as error:
            id_ = id_of(name) or f"\0{name}"  # one that no item has
            path = str(self._folder.path / name).encode("utf-8", "replace").decode()
            found.unreadable[id_] = f"{path} cannot be read: {error}"
            is_unread = isinstance(error, OSError)
        if known is not None and known.id != id_:
            found.images[known.id] = None
        found.files[name] = KnownFile(id_, stamp, UNREAD) if is_unread else known_file(id_, stamp, content)
        found.images[id_] = stored
