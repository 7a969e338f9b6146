"""The connectors that come with the package."""

import io
import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from backo.errors import DBError
from backo.files.connectors import (
    FileConnector,
    FileSystemConnector,
    MemoryFileConnector,
    check_file_id,
    new_file_id,
)
from backo.files.content import ASIDE, IN_MEMORY, received
from backo.files.refusals import ContentMissingError
from backo.testing.file_contract import CONTENT, FileConnectorContract, read, tree


class TestMemory(FileConnectorContract):
    """The in-memory connector keeps the contract."""

    keeps_files = False

    def make_connector(self, folder: Path) -> MemoryFileConnector:
        return MemoryFileConnector()


class TestFileSystem(FileConnectorContract):
    """The connector to a folder keeps the contract, in a folder that is missing at first."""

    def make_connector(self, folder: Path) -> FileSystemConnector:
        return FileSystemConnector(path=folder / "made" / "files")


class DictFiles(FileConnector):
    """A connector with nothing but the five methods, as users write them."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def write(self, file_id: str, stream: BinaryIO) -> int:
        content = b"".join(iter(lambda: stream.read(1000), b""))
        self.contents[check_file_id(file_id)] = content
        return len(content)

    def open(self, file_id: str, start: int = 0, length: int | None = None) -> BinaryIO:
        content = self.contents.get(check_file_id(file_id))
        if content is None:
            raise ContentMissingError("there is none")
        return io.BytesIO(content[start : len(content) if length is None else start + length])

    def size(self, file_id: str) -> int:
        with self.open(file_id) as stream:
            return len(stream.read())

    def delete(self, file_id: str) -> None:
        self.contents.pop(check_file_id(file_id), None)

    def ids(self, *, older_than: float = 0.0) -> Iterator[str]:
        return iter([] if older_than else list(self.contents))


class TestMinimal(FileConnectorContract):
    """The five methods are enough; the others are made from them."""

    keeps_files = False

    def make_connector(self, folder: Path) -> FileConnector:
        return DictFiles()


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    """A declaration touches no disk; neither does looking."""
    connector = FileSystemConnector(path=tmp_path / "files")

    assert list(connector.ids()) == []
    assert not connector.exists(new_file_id())
    assert tree(tmp_path) == {}


def test_contents_lie_in_two_levels_of_folders(tmp_path: Path) -> None:
    """A folder never holds too many, and the place follows from the id alone."""
    connector = FileSystemConnector(path=tmp_path)
    file_id = "0123456789abcdef0123456789abcdef"

    connector.write(file_id, io.BytesIO(b"x"))

    assert list(tree(tmp_path)) == ["01", "01/23", f"01/23/{file_id}"]


def test_a_relative_path_stays_where_it_was_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changing the working directory later moves nothing."""
    monkeypatch.chdir(tmp_path)
    connector = FileSystemConnector(path="files")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    connector.write(new_file_id(), io.BytesIO(b"x"))

    assert (tmp_path / "files").is_dir()


def test_strangers_in_the_folder_are_no_contents(tmp_path: Path) -> None:
    """Only files in their place are listed."""
    connector = FileSystemConnector(path=tmp_path)
    for name in (f"{ASIDE}1", "README", "ab/cd/readme", "ab/cd/" + "0" * 32, "0" * 32):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")

    assert list(connector.ids()) == []


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    """What somebody links into the place of a content is not served."""
    connector = FileSystemConnector(path=tmp_path / "files")
    file_id = new_file_id()
    (tmp_path / "secret").write_text("secret")
    place = tmp_path / "files" / file_id[:2] / file_id[2:4] / file_id
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "secret")

    with pytest.raises(DBError):
        connector.open(file_id)


def test_what_arrived_in_the_folder_is_linked_not_copied(tmp_path: Path) -> None:
    """A large upload is written once."""
    connector = FileSystemConnector(path=tmp_path)
    arrived = received(b"\0" * (IN_MEMORY + 1), 10 * IN_MEMORY, folder=connector.arrivals)
    file_id = new_file_id()

    connector.keep(file_id, arrived)

    assert arrived.path is not None
    assert arrived.path.stat().st_ino == (tmp_path / file_id[:2] / file_id[2:4] / file_id).stat().st_ino
    arrived.discard()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [file_id]


def test_without_links_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no links costs a copy, nothing else."""

    def no_links(*_: Any) -> None:
        raise PermissionError

    connector = FileSystemConnector(path=tmp_path)
    arrived = received(b"\0" * (IN_MEMORY + 1), 10 * IN_MEMORY, folder=connector.arrivals)
    file_id = new_file_id()
    monkeypatch.setattr(os, "link", no_links)

    connector.keep(file_id, arrived)

    assert connector.size(file_id) == arrived.size
    assert read(connector, file_id) == b"\0" * (IN_MEMORY + 1)


def test_contents_have_the_usual_permissions(tmp_path: Path) -> None:
    """Copied or linked, a content may be read by whom the umask says."""
    connector = FileSystemConnector(path=tmp_path)
    umask = os.umask(0o027)
    try:
        linked, copied = new_file_id(), new_file_id()
        connector.keep(linked, received(b"\0" * (IN_MEMORY + 1), 10 * IN_MEMORY, folder=connector.arrivals))
        connector.write(copied, io.BytesIO(b"x"))
    finally:
        os.umask(umask)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o640}


def test_what_a_crash_left_aside_goes_after_a_day(tmp_path: Path) -> None:
    """The first write of a process removes old files aside, not those of another process at work."""
    old, young = tmp_path / f"{ASIDE}old", tmp_path / f"{ASIDE}young"
    old.write_text("x")
    young.write_text("x")
    os.utime(old, (1, 1))

    FileSystemConnector(path=tmp_path).write(new_file_id(), io.BytesIO(b"x"))

    assert not old.exists()
    assert young.exists()


FAILING = ("open", "write", "fsync", "replace", "mkdir", "link")


@pytest.mark.parametrize("arrived", [False, True], ids=["written", "linked"])
@pytest.mark.parametrize("call", FAILING)
def test_a_disk_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, *, arrived: bool
) -> None:
    """Whichever call fails, at whichever time, it is a failure of the store and leaves all as before."""
    connector = FileSystemConnector(path=tmp_path / "files")
    connector.write(new_file_id(), io.BytesIO(b"another"))
    source = received(CONTENT * 5, len(CONTENT) * 5, folder=tmp_path / "files" if arrived else None)
    before = tree(tmp_path)

    for nth in range(40):
        file_id = new_file_id()
        with monkeypatch.context() as patch:
            calls = fail_nth(patch, call, nth)
            try:
                connector.keep(file_id, source)
            except DBError:
                pass
            else:
                connector.delete(file_id)
                break
        assert not connector.exists(file_id)
        assert tree(tmp_path) == before, (call, nth)
    else:
        pytest.fail("it never came to an end")
    assert calls() <= 40
    assert tree(tmp_path) == before


def fail_nth(patch: pytest.MonkeyPatch, name: str, nth: int) -> Any:
    """Let the n-th call of a function of `os` fail, and give what counts them."""
    real, count = getattr(os, name), 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count - 1 == nth:
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)

    patch.setattr(os, name, call)
    return lambda: count


def test_a_folder_that_is_removed_meanwhile_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that deletes the last content of a folder does not disturb one that writes there."""
    connector = FileSystemConnector(path=tmp_path)
    mkdir = Path.mkdir
    removed: list[Path] = []

    def racing(self: Path, *arguments: Any, **options: Any) -> None:
        mkdir(self, *arguments, **options)
        if self.parent.parent == tmp_path and len(removed) < 3:
            removed.append(self)
            self.rmdir()

    monkeypatch.setattr(Path, "mkdir", racing)
    file_id = new_file_id()

    connector.write(file_id, io.BytesIO(b"x"))

    assert len(removed) == 3
    assert connector.exists(file_id)


def test_a_folder_that_vanishes_while_it_is_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mkdir` says that the folder exists when another process removes it right after."""
    connector, file_id = FileSystemConnector(path=tmp_path), new_file_id()
    refusals, make = [FileExistsError(), FileNotFoundError()], Path.mkdir

    def removed(path: Path, *arguments: object, **options: object) -> None:
        if path.parent.parent == tmp_path and refusals:
            raise refusals.pop()
        make(path, *arguments, **options)  # type: ignore[arg-type]  # as they were given

    monkeypatch.setattr(Path, "mkdir", removed)

    connector.write(file_id, io.BytesIO(b"x"))

    assert refusals == []
    assert connector.exists(file_id)


def test_many_writers_and_deleters_of_one_folder(tmp_path: Path) -> None:
    """Two connectors, as two processes have them, write and delete in the same leaf folders."""
    connectors = [FileSystemConnector(path=tmp_path) for _ in range(2)]
    start = threading.Barrier(8)

    def use(number: int) -> None:
        connector = connectors[number % 2]
        start.wait()
        for count in range(30):
            file_id = f"0000{number:02x}{count:026x}"
            connector.write(file_id, io.BytesIO(b"x"))
            connector.delete(file_id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))

    assert tree(tmp_path) == {}
