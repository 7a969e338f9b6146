"""Plan what a change of an item means for contents, then do it inside its unit of work.

    new content   → written under its fresh id before the commit, deleted when the unit fails
    old content   → deleted after the commit, and never if there is none

What is planned is a value and depends on values alone. A `BlobFile` is part of its document, so it
is never planned for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

from backo.errors import BackoError
from backo.files.connectors import FileConnector, is_file_id, missing
from backo.files.content import Source
from backo.files.fields import File
from backo.files.places import Files, leaves
from backo.files.values import FileVersion, Kept

_log = logging.getLogger("backo.files")

_TRIES = 3  # to remove a content
ORPHAN_AGE = 3600.0  # seconds after which a content without a document is no longer on its way to one


@dataclass(frozen=True, slots=True)
class Write:
    """Keep a new content.

    Attributes:
        connector: where.
        file_id: under which id.
        source: gives the bytes.
    """

    connector: FileConnector
    file_id: str
    source: Source


@dataclass(frozen=True, slots=True)
class Remove:
    """Forget a content.

    Attributes:
        connector: where it is.
        file_id: under which id.
    """

    connector: FileConnector
    file_id: str


@dataclass(frozen=True, slots=True)
class Expect:
    """Find a content that a document names anew although nothing new has arrived for it.

    Attributes:
        connectors: where it may be; one of them has to have it.
        file_id: under which id.
    """

    connectors: tuple[FileConnector, ...]
    file_id: str


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What is to be done with contents.

    Attributes:
        expectations: before anything else.
        writes: before the commit, the working copy of each content before its stored one.
        removals: after the commit.
    """

    expectations: tuple[Expect, ...] = ()
    writes: tuple[Write, ...] = ()
    removals: tuple[Remove, ...] = ()


class Unit(Protocol):
    """What is needed of a unit of work."""

    def undo_with(self, undo: Callable[[], None]) -> None:
        """Remember how to put something back, should the operation or the unit fail."""

    def after_commit(self, function: Callable[[], Any]) -> None:
        """Call a function once the unit is committed, and never if it, or the operation, is not."""


_Found: TypeAlias = dict[str, File]


def plan(files: Files, before: Any, after: Any, known: Mapping[str, FileVersion]) -> FilePlan:
    """Plan what replacing one document of an item by another means for contents.

    Args:
        files: the file fields of the item.
        before: the stored document; None where there is none.
        after: the document that is to be stored; None when the item is deleted.
        known: the versions of the new document, by id (`places.versions`), which know where content
            that has just arrived can be read.
    """
    old, new = _found(files, before), _found(files, after)
    arrived = {file_id: one.source for file_id, one in known.items() if not _is_kept(one)}
    fresh = {file_id: field for file_id, field in new.items() if file_id not in old}
    return FilePlan(
        expectations=tuple(
            Expect(_connectors(field), file_id) for file_id, field in fresh.items() if file_id not in arrived
        ),
        writes=tuple(
            Write(connector, file_id, arrived[file_id])
            for file_id, field in fresh.items()
            if file_id in arrived
            for connector in _connectors(field)
        ),
        removals=tuple(
            Remove(connector, file_id)
            for file_id, field in old.items()
            if file_id not in new
            for connector in _connectors(field)
        ),
    )


def _found(files: Files, document: Any) -> _Found:
    """Give the fields of the contents that a document names, by their ids."""
    found: _Found = {}
    for path, declared in files.items():
        if isinstance(declared.field, File):
            for _, leaf in leaves(path, document):
                if isinstance(leaf, Mapping) and is_file_id(leaf.get("file_id")):
                    found[leaf["file_id"]] = declared.field
    return found


def _is_kept(version: FileVersion) -> bool:
    """Tell whether the content is already where it belongs, under its own id."""
    return isinstance(version.source, Kept) and version.source.file_id == version.file_id


def _connectors(field: File) -> tuple[FileConnector, ...]:
    return (field.work,) if field.storage is None else (field.work, field.storage)


def carry_out(plan: FilePlan, unit: Unit) -> None:
    """Write what is new now, and let the unit of work see to the rest.

    To be called before the document is handed to the unit, inside the operation that changes it.

    Raises:
        DBError: a connector failed; the operation takes back what was written.
        ContentMissingError: a content that is to be there, or to be copied, is not.
    """
    for expect in plan.expectations:
        if not any(connector.exists(expect.file_id) for connector in expect.connectors):
            raise missing()
    for write in plan.writes:
        unit.undo_with(partial(_removed, Remove(write.connector, write.file_id)))
        write.connector.keep(write.file_id, write.source)
    for remove in plan.removals:
        unit.after_commit(partial(_removed, remove))


def _removed(remove: Remove) -> None:
    """Forget a content; one that stays after several tries is told in the log, and found by `orphans`."""
    for remaining in reversed(range(_TRIES)):
        try:
            remove.connector.delete(remove.file_id)
        except (BackoError, OSError):
            if not remaining:
                _log.warning("content %s could not be removed from %r", remove.file_id, remove.connector, exc_info=True)
        else:
            return


def orphans(
    connector: FileConnector,
    referenced: Collection[str],
    *,
    older_than: float = ORPHAN_AGE,
) -> Iterator[str]:
    """Give the ids of contents that no document names: what a crash between two steps leaves behind.

    Args:
        connector: where to look.
        referenced: the ids that documents name.
        older_than: seconds; a content is written before its document, so a young one may be on its way.
    """
    return (file_id for file_id in connector.ids(older_than=older_than) if file_id not in referenced)
