"""Contents that documents name are there and as long as they say; those that nothing names are orphans."""

import os
import threading
import time
from io import BytesIO
from pathlib import Path

import pytest

from backo import Backoffice, FileConnector, FileSystemConnector, MemoryFileConnector
from backo.files.connectors import new_file_id
from tests.integrity.library import filled, reopened, scribble, told
from tests.migration.opening import Place


@pytest.fixture
def files(tmp_path: Path) -> FileSystemConnector:
    """A folder for contents."""
    return FileSystemConnector(path=tmp_path / "files")


def path_of(files: FileSystemConnector, file_id: str) -> Path:
    """Find the file of a content."""
    (found,) = files.path.rglob(file_id)
    return found


def cover(library: Backoffice, id_: str) -> str:
    """Give the id of the content of a cover."""
    return str(library.books.get_by_id(id_).cover.file_id)


def age(files: FileSystemConnector) -> None:
    """Let all contents be two hours old."""
    for file_id in list(files.ids()):
        os.utime(path_of(files, file_id), (time.time() - 7200,) * 2)


def test_contents_that_are_there(place: Place, files: FileSystemConnector) -> None:
    """They are no finding, however old they are."""
    library = filled(place, files)
    age(files)

    assert library.check_integrity(apply=True, orphan_age=0).findings == []
    assert len(list(files.ids())) == 3


def test_contents_that_are_not(place: Place, files: FileSystemConnector) -> None:
    """One is missing, one is shorter: they are reported, and stay so."""
    library = filled(place, files)
    path_of(files, cover(library, "b0")).unlink()
    path_of(files, cover(library, "b1")).write_bytes(b"cov")

    for apply in (False, True):
        report = library.check_integrity(apply=apply)
        assert told(report.findings) == [
            ("books", "b0", "$.cover", "no_content"),
            ("books", "b1", "$.cover", "wrong_size"),
        ]
        assert not any(one.mendable for one in report.findings)


def test_orphans(place: Place, files: FileSystemConnector) -> None:
    """Only old ones are found, and removed."""
    library = filled(place, files)
    old, young = new_file_id(), new_file_id()
    files.write(old, BytesIO(b"old"))
    age(files)
    files.write(young, BytesIO(b"young"))

    look = library.check_integrity()
    assert told(look.findings) == [("books", old, "$", "orphan")]
    assert files.exists(old)

    assert library.check_integrity(apply=True).mended == 1
    assert not files.exists(old)
    assert files.exists(young)
    assert library.check_integrity(apply=True).findings == []
    assert [book.cover.get_content() for book in library.books.select()] == [b"cover 0", b"cover 1", b"cover 2"]

    assert library.check_integrity(apply=True, orphan_age=0).mended == 1
    assert not files.exists(young)


def test_orphans_stay_while_an_item_may_name_them(place: Place, files: FileSystemConnector) -> None:
    """An item that does not fit may be of a declaration under which it names contents elsewhere."""
    library = filled(place, files)
    named = cover(library, "b0")
    scribble(place, library, "books", "b0", {"cover": None, "picture": {"file_id": named}})
    library = reopened(place, files)

    report = library.check_integrity(apply=True, orphan_age=0)

    assert set(told(report.findings)) == {("books", named, "$", "orphan"), ("books", "b0", "$.picture", "misfit")}
    assert report.total == 2
    assert report.mended == 0
    assert files.exists(named)


def test_a_busy_place(place: Place) -> None:
    """Contents that are replaced and removed while the check runs are no finding."""
    files: FileConnector = MemoryFileConnector()
    library = filled(place, files)
    done, failures = threading.Event(), []

    def work() -> None:
        number = 0
        try:
            while not done.is_set():
                number += 1
                book = library.books.get_by_id("b0")
                book.cover = f"cover {number}"
                book.save()
                library.books.create({"name": f"x{number}", "cover": "x"}).delete()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test tells
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        found = [library.check_integrity(apply=number % 2 == 1).findings for number in range(8)]
    finally:
        done.set()
        thread.join()

    assert failures == []
    assert found == [[]] * 8
    assert library.check_integrity(apply=True, orphan_age=0).findings == []
