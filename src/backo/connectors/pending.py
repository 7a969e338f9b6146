"""Commit several files of several folders as one, whatever crashes: the journal of a unit of work.

Each folder has a lock, and one place for word of a unit under way, its `.pending`. It holds either
the *journal* of a unit, with the after-image of everything the unit changes, or a *pointer* to the
folder where that journal is. A unit is committed when its journal is there. Step by step, with the
locks of all its folders held, and what the one who takes a lock next finds after a crash there:

1. Each folder announces the files that will change. *Others look at files that did not change.*
2. New contents are written aside and synced. *They are written over, or cleaned away.*
3. Each folder but the journal's gets its pointer, synced. *A pointer without its journal (there
   is none, or one of another unit) is void, and dropped.*
4. The journal is written aside, synced, renamed to `.pending`, its folder synced: **the commit point**.
   *The unit is completed: its home and each folder that still has the pointer get their contents
   from the journal (again). A folder without the pointer has had them, and perhaps newer ones since.*
5. The contents are moved into place, and each folder is synced. *As 4.*
6. The journal is dropped, then the pointers. *As 3.*

Dropping is not synced. When a power cut brings a pointer or a journal back, no later change can
have been acknowledged in its folder, for that would have synced the folder; so applying it once more
brings back the state in which it was. Without its journal a pointer is void, as in 3.

Whoever finds word of a unit gives back what locks it has, takes those of every folder of the unit in
the order of their paths, and looks again. So no two wait for one another, and a process that knows
only one of the folders completes them all. Paths in a `.pending` are relative: folders may move together.

Where another database decides (`backo.connectors.together`), the journal names it, and step 4 only
prepares: the commit point is the commit of that database. *It is asked: the unit is completed as in
4, or its journal is dropped as in 6. Until it answers the folders stay closed.*

When step 5 fails while the process lives, and nobody else decided, the journal is replaced by one with
the images before, under the same name of unit, and applied: the same steps undo it, and a crash then
completes the undoing.

A change of one file needs no journal: it is announced, written aside and synced, renamed (its commit
point), and its folder synced: two syncs.

Connectors of users take part through their images; only a process that declares them can apply these.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from backo import jsontext
from backo.connectors.base import Decision, StoredDocument
from backo.connectors.folder import Files, SharedFolder
from backo.errors import BackoError, DBError

Images: TypeAlias = Mapping[str, StoredDocument | None]  # documents by id; None where there is to be none
Apply: TypeAlias = Callable[[Mapping[str, Images]], "set[str]"]
"""Gives documents of connectors, by their keys, what a journal says of them; tells which keys it knows."""
Settle: TypeAlias = Callable[[Path, str, str], bool]
"""Tells for a journal's folder, the key of a database from there, and a unit, whether that database committed it."""

_log = logging.getLogger("backo.yml")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a unit changes: files of folders, and documents of connectors by their keys."""

    files: Mapping[SharedFolder, Files] = field(default_factory=dict)
    images: Mapping[str, Images] = field(default_factory=dict)


class Journal:
    """One unit of work under way, from its commit point to its end (steps 3, 4 and 6).

    Args:
        home: where the journal is kept.
        folders: all folders of the unit.
        decision: of another database, if the unit is not committed by its journal.
    """

    def __init__(self, home: SharedFolder, folders: Iterable[SharedFolder], decision: Decision | None = None) -> None:
        self._home = home
        self._unit = decision.unit if decision else secrets.token_hex(16)
        self._decided_by = decision.database.key_from(home.path) if decision else None
        self._pointed = [folder for folder in folders if folder is not home]

    def commit(self, changes: Changes) -> None:
        """Point to the journal from everywhere, then leave it."""
        for folder in self._pointed:
            pointer = {"unit": self._unit, "journal": os.path.relpath(self._home.path, folder.path)}
            folder.set_pending(jsontext.encode(pointer))
        self._write(changes, self._decided_by)

    def replace(self, changes: Changes) -> None:
        """Let the journal hold these changes, and be the commit point of them."""
        self._write(changes, None)

    def _write(self, changes: Changes, decided_by: str | None) -> None:
        content = {
            "unit": self._unit,
            "folders": {
                os.path.relpath(folder.path, self._home.path): {
                    name: None if text is None else text.decode() for name, text in files.items()
                }
                for folder, files in changes.files.items()
            },
            "connectors": {key: list(map(_image, images.items())) for key, images in changes.images.items()},
        }
        if decided_by is not None:
            content["decided_by"] = decided_by
        self._home.set_pending(jsontext.encode(content))

    def end(self) -> None:
        """Forget the unit: it is done, or undone, or was never committed."""
        self._home.drop_pending()
        for folder in self._pointed:
            folder.drop_pending()


def _image(item: tuple[str, StoredDocument | None]) -> list[Any]:
    id_, stored = item
    if stored is None:
        return [id_]
    return [id_, stored.rev, stored.fingerprint, (stored.text or b"").decode()]


def _stored(image: list[Any]) -> tuple[str, StoredDocument | None]:
    id_, *rest = image
    if not rest:
        return id_, None
    rev, fingerprint, text = rest
    return id_, StoredDocument(id_, rev, fingerprint, text=text.encode())


@dataclass(frozen=True, slots=True)
class _Word:
    """What a `.pending` says: the unit, and its journal's folder; of the journal also its changes and who decides."""

    unit: str
    home: Path
    folders: Mapping[Path, Files] | None = None
    connectors: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    decided_by: str | None = None


def _word(folder: SharedFolder) -> _Word | None:
    content = folder.pending()
    if content is None:
        return None
    try:
        found = jsontext.decode(content)
        if "journal" in found:
            return _Word(found["unit"], _resolved(folder.path, found["journal"]))
        folders = {
            _resolved(folder.path, path): {
                name: None if text is None else text.encode() for name, text in files.items()
            }
            for path, files in found["folders"].items()
        }
        return _Word(found["unit"], folder.path, folders, found["connectors"], found.get("decided_by"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DBError(f"{folder.path / '.pending'} cannot be understood") from error


def _resolved(path: Path, relative: str) -> Path:
    return Path(os.path.normpath(path / relative))


def involved(folders: Sequence[SharedFolder]) -> set[Path] | None:
    """Name the folders to be locked before what was left in these can be completed; None for nothing left.

    Raises:
        DBError: one of them is not there.
    """
    found: set[Path] = set()
    for folder in folders:
        word = _word(folder)
        if word is None:
            continue
        journal = word if word.home == folder.path else _word(SharedFolder(word.home))
        needed = {folder.path, word.home, *(journal.folders or () if journal else ())}
        for path in needed:
            if not path.is_dir():
                hint = "bring it back; or remove the file, and with it a part of that unit"
                raise DBError(f"{folder.path / '.pending'} is of a unit of work that needs {path}", hint=hint)
        found |= needed
    return found or None


def recover(folders: Mapping[Path, SharedFolder], apply: Apply, settle: Settle) -> None:
    """Complete what was left under way, or drop it where it was not committed.

    A journal stays when it has images for a connector that this process does not declare.

    Args:
        folders: by path, all that `involved` named, exclusively locked.
        apply: for the connectors that this process declares.
        settle: for the databases that this process declares.

    Raises:
        DBError: a connector cannot apply its images now, or who decides cannot be asked.
    """
    words = {path: word for path, folder in folders.items() if (word := _word(folder)) is not None}
    for path, word in words.items():
        if word.folders is None:
            continue
        if word.decided_by is None or settle(path, word.decided_by, word.unit):
            _complete(path, word, words, folders, apply)
        else:
            _log.warning("%s: dropped a unit of work that was not committed in %s", path, word.decided_by)
            folders[path].drop_pending()
    for path, word in words.items():
        if word.folders is None and folders[path].is_pending():
            _log.warning("%s: dropped word of a unit of work that was not committed, or has been completed", path)
            folders[path].drop_pending()


def _complete(
    home: Path,
    journal: _Word,
    words: Mapping[Path, _Word],
    folders: Mapping[Path, SharedFolder],
    apply: Apply,
) -> None:
    """Apply one journal wherever it has not been applied, and remove it when that is everywhere."""
    for path, files in (journal.folders or {}).items():
        if path == home or (path in words and words[path].unit == journal.unit):
            folders[path].apply(files)
            _log.warning("%s: completed a unit of work that was interrupted, %d files", path, len(files))
            if path != home:
                folders[path].drop_pending()
    images = {key: dict(map(_stored, found)) for key, found in journal.connectors.items()}
    try:
        known = apply(images)
    except BackoError as error:
        raise DBError(f"the unit of work in {home / '.pending'} cannot be completed: {error}") from error
    if images.keys() <= known:
        folders[home].drop_pending()
