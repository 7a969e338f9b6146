"""Keep a collection as a folder of YAML files, one per item, that people may read and edit.

All documents are also kept in memory, as JSON text with the indexes of `Shelf`: about a kilobyte
each, and 0.1 ms to read each once. So this store is for thousands of items; for many more there is
SQLite.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from backo.connectors import yaml_items
from backo.connectors.base import Capabilities, Session, Structure
from backo.connectors.findings import Finding, FindingKind
from backo.connectors.folder import Files, Position, SharedFolder, Staged
from backo.connectors.pending import Images
from backo.connectors.plain import News, PlainStore
from backo.connectors.shelf import Shelf
from backo.connectors.yaml_names import file_name
from backo.connectors.yaml_watch import Difference, Watch, is_item, known_file

_log = logging.getLogger("backo.yml")

RESCAN = 1.0  # seconds between two looks at all files, for what people changed
RESCAN_SHARE = 0.05  # of the time, at most, goes into these looks


@dataclass(frozen=True, slots=True)
class _Look(News):
    """What a look at the folder found.

    Attributes:
        difference: from what was known.
        since: the position for which it is one.
        position: how far announcements have been read with it.
    """

    difference: Difference
    since: Position | None
    position: Position


class DBYmlConnector(PlainStore):
    """A folder with one YAML file per item, made when it is missing.

    Several processes may use it at once. Files may be edited by hand: such a change is seen at once
    by whoever asks for the item, and within about a second by lists. A file that cannot be read
    makes every answer that would need it a `DBError` that names the file.

    Args:
        path: the folder.
    """

    capabilities = Capabilities(durable=True, keeps_text=True)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path).absolute()
        self._shelf = Shelf(())
        self._position: Position | None = None  # None until the folder has been read
        self._scan_at = 0.0  # when to look at all files again, by `time.monotonic()`

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth an index."""
        super().declare(structure)
        self.forget()

    @cached_property
    def folder(self) -> SharedFolder:
        """The folder that is locked while the store changes."""
        return SharedFolder(Path(os.path.realpath(self.path)))

    @cached_property
    def _watch(self) -> Watch:
        return Watch(self.folder)

    @property
    def key(self) -> str:
        """What names the store: the path of its folder."""
        return f"yaml:{self.folder.path}"

    @property
    def base(self) -> Shelf:
        """The committed documents."""
        return self._shelf

    def forget(self) -> None:
        """Close the folder, and forget what its files say."""
        if "folder" in self.__dict__:
            self.folder.close()
            self._watch = Watch(self.folder)
        self._shelf = Shelf(self.structure.columns)
        self._position = None

    def unreadable(self, session: Session) -> Mapping[str, str]:
        """Tell which files are there and cannot be read: why, by the id of the item."""
        self._view(session)
        with self.database.mutex:
            return dict(self._shelf.unreadable)

    def faults(self, session: Session) -> Iterator[Finding]:
        """Tell of the files that cannot be read."""
        for id_, why in sorted(self.unreadable(session).items()):
            yield Finding(self.structure.collection, id_.lstrip("\0"), "$", FindingKind.UNREADABLE, why)

    # Looking at files

    def is_current(self) -> bool:
        """Tell that nobody has begun to change a file since the last look."""
        return self._position is not None and self.folder.mark() == self._position.stamp

    def look(self) -> News | None:
        """Read what was announced since the last look; everything the first time."""
        if self.is_current():
            return None
        if self._position is None:
            position, names = self.folder.announced(Position(None))[0], None
        else:
            position, names = self.folder.announced(self._position)
        if names is None:
            self._scan_at = time.monotonic() + RESCAN
            difference = self._watch.compare(None)
        else:
            difference = self._watch.compare(list(filter(is_item, names)), reread=True)
        return _Look(difference.images, difference, self._position, position)

    def glance(self, ids: Collection[str] | None) -> News | None:
        """Look for files that people changed: those of some items, or all of them once in a while.

        What it finds is true when nobody announced a change from before it until after it.
        """
        position, started = self._position, time.monotonic()
        if position is None:
            return None
        is_scan = ids is None and started >= self._scan_at
        names = None if is_scan else set(self._watch.broken) if ids is None else set(map(file_name, ids))
        if names == set() or self.folder.mark() != position.stamp:
            return None
        difference = self._watch.compare(names)
        if self.folder.mark() != position.stamp:
            return None
        if is_scan:
            now = time.monotonic()
            self._scan_at = now + max(RESCAN, (now - started) / RESCAN_SHARE)
        return _Look(difference.images, difference, position, position) if difference.files else None

    def take(self, news: News) -> bool:
        """Let the base be as a look found it, unless it has moved on since."""
        if not isinstance(news, _Look) or news.since is not self._position:
            return False
        difference = news.difference
        self._watch.take(difference)
        for id_ in difference.images:
            self._shelf.unreadable.pop(id_, None)
        for id_ in difference.unreadable:
            _log.warning("%s: the item %s cannot be read", self.path, id_)
        self._shelf.unreadable.update(difference.unreadable)
        self._shelf.update(difference.images)
        self._position = news.position
        return True

    # Committing

    def files(self, images: Images) -> Files:
        """Write documents as files."""
        return {file_name(id_): yaml_items.write(stored) if stored else None for id_, stored in images.items()}

    def learn(self, images: Images, staged: Staged) -> None:
        """Let the base be what has been committed."""
        _log.debug("%s: wrote %d items", self.path, len(images))
        difference = Difference(images=dict(images))
        for id_ in images:
            name = file_name(id_)
            aside = staged[name]
            difference.files[name] = known_file(id_, aside.stamp, aside.content) if aside else None
        self.take(_Look(images, difference, self._position, self._after(self._position)))

    def _after(self, position: Position | None) -> Position:
        """Give the position after our own announcement."""
        mark = self.folder.mark()
        if position is not None and position.stamp and mark and mark[2] == position.stamp[2]:
            return Position(mark, position.start)
        return self.folder.announced(Position(None))[0]
