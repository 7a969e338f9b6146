"""Contents through changes, commits and failures."""

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.errors import DBError
from backo.files.connectors import FileConnector, FileSystemConnector, MemoryFileConnector, new_file_id
from backo.files.lifecycle import FilePlan, Remove, Write, carry_out, orphans, plan
from backo.files.objects import ObjectStoreFileConnector
from backo.files.places import versions, with_versions
from backo.files.refusals import ContentMissingError
from backo.testing.file_contract import read
from tests.files.items import FakeRecord, Library


class FakeUnit:
    """A unit of work that only remembers."""

    def __init__(self) -> None:
        self.log: list[Callable[[], None]] = []
        self.after: list[Callable[[], Any]] = []

    def undo_with(self, undo: Callable[[], None]) -> None:
        self.log.append(undo)

    def after_commit(self, function: Callable[[], Any]) -> None:
        self.after.append(function)
        self.log.append(lambda: self.after.remove(function))

    def undo(self, start: int = 0) -> None:
        """Take back what was done since then."""
        while len(self.log) > start:
            self.log.pop()()

    def commit(self) -> None:
        """Do what waits for the commit."""
        for function in self.after:
            function()


class Shelf:
    """Books in a dict, changed as the unit of work changes items."""

    def __init__(self) -> None:
        self.library = Library()
        self.documents: dict[str, Any] = {}

    def save(self, unit: FakeUnit, id_: str, record: FakeRecord | None) -> None:
        """Store a book, or delete it."""
        files, before = self.library.files, self.documents.get(id_)
        after = None if record is None else record.document()
        known = {} if record is None else versions(files, record._values)
        carry_out(plan(files, before, after, known), unit)
        unit.undo_with(lambda: self.documents.update({id_: before}))
        self.documents[id_] = after

    def load(self, id_: str) -> FakeRecord:
        """Make a record of a stored book."""
        record = self.library.record()
        stored = {name: value for name, value in self.documents[id_].items() if name != "_id"}
        record.set(stored, trusted=True)
        return record

    def contents(self) -> set[str]:
        """Give all that the connectors keep."""
        kept = {f"work {one}" for one in self.library.work.ids()}
        return kept | {f"storage {one}" for one in self.library.storage.ids()}

    def named(self) -> set[str]:
        """Give all that should be kept, by the documents."""
        found = set()
        for document in filter(None, self.documents.values()):
            after = plan(self.library.files, document, None, {}).removals
            for one in after:
                found.add(f"{'work' if one.connector is self.library.work else 'storage'} {one.file_id}")
        return found


@pytest.fixture
def shelf() -> Shelf:
    """Give an empty shelf."""
    return Shelf()


@pytest.fixture
def stored(shelf: Shelf) -> FakeRecord:
    """Give a stored book, with files everywhere."""
    record, unit = shelf.library.record(), FakeUnit()
    record.set(
        {
            "cover": b"cover",
            "scan": b"scan",
            "thumb": b"thumb",
            "shop": {"logo": b"logo"},
            "photos": [b"one", b"two"],
            "pages": [{"image": b"page"}],
        },
    )
    shelf.save(unit, "1", record)
    unit.commit()
    return shelf.load("1")


# Plans


def test_a_plan_is_a_value(shelf: Shelf) -> None:
    """New content is written to every connector of its field; a blob is part of its document."""
    record, work, storage = shelf.library.record(), shelf.library.work, shelf.library.storage
    record.set({"cover": b"cover", "scan": b"scan", "thumb": b"thumb"})
    cover, scan = record._values["cover"], record._values["scan"]
    known = versions(shelf.library.files, record._values)

    created = plan(shelf.library.files, None, record.document(), known)
    deleted = plan(shelf.library.files, record.document(), None, {})

    assert created == FilePlan(
        writes=(
            Write(work, cover.file_id, cover.source),
            Write(work, scan.file_id, scan.source),
            Write(storage, scan.file_id, scan.source),
        )
    )
    assert deleted == FilePlan(
        removals=(Remove(work, cover.file_id), Remove(work, scan.file_id), Remove(storage, scan.file_id))
    )


def test_nothing_changes_nothing(shelf: Shelf, stored: FakeRecord) -> None:
    """Saving as it is, renaming, reordering: no content moves."""
    before = stored.document()
    photos = stored._values["photos"]
    stored.set({"cover": stored._values["cover"].renamed("other.txt"), "photos": [photos[1], photos[0]]})

    assert stored.document() != before
    assert (
        plan(shelf.library.files, before, stored.document(), versions(shelf.library.files, stored._values))
        == FilePlan()
    )


def test_only_what_is_replaced_is_removed(shelf: Shelf, stored: FakeRecord) -> None:
    """In lists and groups too."""
    before, gone = stored.document(), stored._values["photos"][0].file_id
    stored.set({"photos": [b"new", stored._values["photos"][1]]})

    found = plan(shelf.library.files, before, stored.document(), versions(shelf.library.files, stored._values))

    assert [one.file_id for one in found.removals] == [gone]
    assert [one.file_id for one in found.writes] == [stored._values["photos"][0].file_id]


def test_a_file_named_twice_is_removed_with_its_last_name(shelf: Shelf, stored: FakeRecord) -> None:
    """A list may hold the same photo twice."""
    photo = stored._values["photos"][0]
    stored.set({"photos": [photo, photo]})
    twice = stored.document()
    stored.set({"photos": [photo]})

    assert plan(shelf.library.files, twice, stored.document(), {}) == FilePlan()


# Effects


def test_contents_follow_their_documents(shelf: Shelf, stored: FakeRecord) -> None:
    """Written at once, removed after the commit, in both connectors."""
    old = stored._values["scan"]
    assert shelf.contents() == shelf.named()
    unit = FakeUnit()

    stored.set({"scan": b"new"})
    shelf.save(unit, "1", stored)

    assert old.get_content() == b"scan"
    assert shelf.load("1")._values["scan"].get_content() == b"new"
    unit.commit()
    assert shelf.contents() == shelf.named()
    with pytest.raises(ContentMissingError):
        old.get_content()


def test_a_deleted_item_takes_its_contents_along(shelf: Shelf, stored: FakeRecord) -> None:
    """After the commit, and all of them."""
    unit = FakeUnit()

    shelf.save(unit, "1", None)

    assert stored._values["cover"].get_content() == b"cover"
    unit.commit()
    assert shelf.contents() == set()


def test_what_fails_leaves_the_old_and_no_orphan(shelf: Shelf, stored: FakeRecord) -> None:
    """A rollback after any number of changes."""
    before, contents = shelf.documents["1"], shelf.contents()
    unit = FakeUnit()
    for number in range(3):
        stored.set({"scan": b"new %d" % number, "photos": [b"other"]})
        shelf.save(unit, "1", stored)
    shelf.save(unit, "1", None)

    unit.undo()
    unit.commit()  # nothing of what was planned is left to do

    assert shelf.documents["1"] == before
    assert shelf.contents() == contents


def test_an_operation_that_failed_inside_a_unit_removes_nothing(shelf: Shelf, stored: FakeRecord) -> None:
    """The unit commits all the same; what the operation would have removed is still named."""
    unit = FakeUnit()
    stored.set({"cover": b"first"})
    shelf.save(unit, "1", stored)
    start = len(unit.log)
    shelf.save(unit, "1", None)
    unit.undo(start)

    unit.commit()

    assert shelf.contents() == shelf.named()
    assert shelf.load("1")._values["cover"].get_content() == b"first"


def test_a_failed_save_can_be_tried_again(shelf: Shelf, stored: FakeRecord) -> None:
    """The record still knows the new content."""
    first, second = FakeUnit(), FakeUnit()
    stored.set({"cover": b"new"})
    shelf.save(first, "1", stored)
    first.undo()

    shelf.save(second, "1", stored)
    second.commit()

    assert shelf.load("1")._values["cover"].get_content() == b"new"
    assert shelf.contents() == shelf.named()


def test_a_file_of_another_item_is_copied(shelf: Shelf, stored: FakeRecord) -> None:
    """Each has its own content: deleting one leaves the other."""
    unit, other = FakeUnit(), shelf.library.record()
    other.set({"cover": stored._values["cover"], "scan": stored._values["thumb"]})
    shelf.save(unit, "2", other)
    shelf.save(unit, "1", None)

    unit.commit()

    assert shelf.load("2")._values["cover"].get_content() == b"cover"
    assert shelf.load("2")._values["scan"].get_content() == b"thumb"
    assert shelf.contents() == shelf.named()


def test_a_document_never_names_what_is_not_there(shelf: Shelf, stored: FakeRecord) -> None:
    """A document that comes from elsewhere is taken when its contents are there, in one of the connectors."""
    document, unit = shelf.documents["1"], FakeUnit()
    known = versions(shelf.library.files, stored._values)
    found = plan(shelf.library.files, None, document, known)

    assert found == plan(shelf.library.files, None, document, {})
    assert (found.writes, found.removals) == ((), ())
    carry_out(found, unit)
    shelf.library.work.delete(stored._values["scan"].file_id)
    carry_out(found, unit)
    shelf.library.storage.delete(stored._values["scan"].file_id)
    with pytest.raises(ContentMissingError):
        carry_out(found, unit)
    assert unit.log == []


def test_a_record_that_was_decoded_anew_knows_its_contents_again(shelf: Shelf, stored: FakeRecord) -> None:
    """As when its changes were laid over those of somebody else: what has arrived is put back."""
    stored.set({"cover": b"new"})
    arrived = versions(shelf.library.files, stored._values)
    again = shelf.library.record()
    again.set({name: one for name, one in stored.document().items() if name != "_id"}, trusted=True)
    with pytest.raises(ContentMissingError):
        shelf.save(FakeUnit(), "1", again)

    again._values = with_versions(shelf.library.files, again._values, arrived)
    shelf.save(FakeUnit(), "1", again)

    assert shelf.load("1")._values["cover"].get_content() == b"new"


def test_reading_falls_back_to_storage(shelf: Shelf, stored: FakeRecord) -> None:
    """When the working copy is gone; without a storage it is missing."""
    shelf.library.work.delete(stored._values["scan"].file_id)
    shelf.library.work.delete(stored._values["cover"].file_id)

    assert stored._values["scan"].get_content() == b"scan"
    with stored._values["scan"].open(1, 2) as stream:
        assert stream.read() == b"ca"
    with pytest.raises(ContentMissingError):
        stored._values["cover"].get_content()


# Failing connectors


class Failing(MemoryFileConnector):
    """A connector that can be told to fail."""

    failing = False

    def write(self, file_id: str, stream: BinaryIO) -> int:
        super().write(file_id, io.BytesIO(stream.read(1)))
        if self.failing:
            raise DBError("the disk is full")
        return super().write(file_id, stream)

    def delete(self, file_id: str) -> None:
        if self.failing:
            raise DBError("the disk is away")
        super().delete(file_id)


def test_a_content_that_cannot_be_written_fails_the_operation(shelf: Shelf) -> None:
    """What was written before it is taken back, its own half too."""
    record, unit = shelf.library.record(), FakeUnit()
    record.set({"cover": b"cover", "scan": b"scan"})
    field: Any = shelf.library.files["scan",].field
    failing = Failing()
    object.__setattr__(field, "storage", failing)
    failing.failing = True

    with pytest.raises(DBError):
        shelf.save(unit, "1", record)
    failing.failing = False
    unit.undo()

    assert list(shelf.library.work.ids()) == []
    assert list(failing.ids()) == []


def test_a_content_that_cannot_be_removed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a rollback nor what follows a commit fails for it."""
    failing, unit, library = Failing(), FakeUnit(), Library()
    failing.failing = True

    carry_out(FilePlan(removals=(Remove(failing, new_file_id()),)), unit)
    with caplog.at_level(logging.WARNING, "backo.files"):
        unit.commit()

    assert "could not be removed" in caplog.text
    assert library.files


# Everything at once


NAMES = st.sampled_from(["cover", "scan", "thumb"])
CHANGES = st.one_of(
    st.tuples(NAMES, st.binary(max_size=3) | st.none()),
    st.tuples(st.just("photos"), st.lists(st.binary(max_size=3) | st.integers(0, 3), max_size=3)),
    st.tuples(st.just("copy"), st.sampled_from(["1", "2"])),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("save"), st.none()),
)


@given(st.lists(st.tuples(st.lists(CHANGES, max_size=5), st.sampled_from(["commit", "rollback"])), max_size=5))
def test_after_any_units_contents_are_those_that_documents_name(units: list[tuple[list[Any], str]]) -> None:
    """No content without a document, no document without its content, whatever is done and undone."""
    shelf = Shelf()
    for changes, end in units:
        before, contents = dict(shelf.documents), shelf.contents()
        unit = FakeUnit()
        for id_ in ("1", "2"):
            record = shelf.load(id_) if shelf.documents.get(id_) else shelf.library.record()
            for name, value in changes:
                if name == "photos":
                    photos = record._values["photos"] or []
                    record.set(
                        {
                            "photos": [
                                photos[one % len(photos)] if isinstance(one, int) and photos else b"x" for one in value
                            ]
                        }
                    )
                elif name == "copy" and shelf.documents.get(value):
                    record.set({"cover": shelf.load(value)._values["cover"]})
                elif name == "delete":
                    shelf.save(unit, id_, None)
                    record = shelf.library.record()
                elif name == "save":
                    shelf.save(unit, id_, record)
                elif name in {"cover", "scan", "thumb"}:
                    record.set({name: value})
        if end == "commit":
            unit.commit()
        else:
            unit.undo()
            assert {key: one for key, one in shelf.documents.items() if one} == {
                key: one for key, one in before.items() if one
            }
            assert shelf.contents() == contents
        assert shelf.contents() == shelf.named()


# Orphans


@pytest.mark.parametrize("kind", ["memory", "folder", "objects"])
def test_orphans_are_what_nobody_names(tmp_path: Path, kind: str) -> None:
    """Those that are old enough not to be on their way."""
    connectors: dict[str, FileConnector] = {
        "memory": MemoryFileConnector(),
        "folder": FileSystemConnector(path=tmp_path),
        "objects": ObjectStoreFileConnector(url=tmp_path.as_uri()),
    }
    connector = connectors[kind]
    kept, orphan = new_file_id(), new_file_id()
    for file_id in (kept, orphan):
        connector.write(file_id, io.BytesIO(b"x"))

    assert list(orphans(connector, {kept}, older_than=0)) == [orphan]
    assert list(orphans(connector, {kept})) == []
    assert read(connector, kept) == b"x"
