# ruff: noqa: S101  # a test suite says what holds with `assert`
"""Test whether a file connector keeps the contract of `backo.files.connectors`, whoever wrote it.

Subclass the suite in a test module, say how a connector is made, and let pytest run it:

    class TestMyFiles(FileConnectorContract):
        def make_connector(self, folder: Path) -> MyFileConnector:
            return MyFileConnector(folder / "files")
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

import pytest

from backo.errors import FileError
from backo.files.connectors import FileConnector, is_file_id, new_file_id
from backo.files.content import received
from backo.files.refusals import ContentMissingError

CONTENT = bytes(range(256)) * 1000
THREADS = 8

HOSTILE_IDS = (
    "",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "a" * 31,
    "a" * 33,
    "A" * 32,
    "g" * 32,
    "a" * 30 + "/b",
    "a" * 31 + "\n",
    "a" * 31 + "\0",
    "../" + "a" * 29,
    "٠" * 32,
)


class FileConnectorContract:
    """The suite. `make_connector` is the only thing to be given."""

    keeps_files: ClassVar[bool] = True
    """Whether a second connector to the same place finds what the first one wrote."""

    def make_connector(self, folder: Path) -> FileConnector:
        """Make a connector to a place below an empty folder; to the same place when called again."""
        raise NotImplementedError

    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[FileConnector]:
        """Give an empty connector, closed in the end."""
        connector = self.make_connector(tmp_path)
        yield connector
        connector.close()

    # Whole contents

    @pytest.mark.parametrize("content", [b"", b"a", CONTENT, b"\0" * (5 << 20)], ids=["empty", "byte", "some", "much"])
    def test_what_is_written_is_read(self, connector: FileConnector, content: bytes) -> None:
        """A content comes back as it was, with its size."""
        file_id = new_file_id()

        written = connector.write(file_id, io.BytesIO(content))

        assert written == len(content) == connector.size(file_id)
        assert read(connector, file_id) == content
        assert connector.exists(file_id)

    def test_a_stream_is_read_from_where_it_is(self, connector: FileConnector) -> None:
        """Only what a stream still gives is written, in whatever pieces it gives it."""
        stream = io.BytesIO(CONTENT)
        stream.seek(10)
        file_id = new_file_id()

        connector.write(file_id, cast("BinaryIO", Dribble(stream)))

        assert read(connector, file_id) == CONTENT[10:]

    def test_what_has_arrived_is_kept(self, connector: FileConnector) -> None:
        """Content that waits in memory, or in a file of the connector's own folder, is kept as often as asked."""
        for content in (b"small", CONTENT * 20):
            arrived = received(content, len(content), folder=connector.arrivals)
            ids = [new_file_id(), new_file_id()]
            for file_id in ids:
                connector.keep(file_id, arrived)
            arrived.discard()

            assert [read(connector, file_id) for file_id in ids] == [content, content]
            connector.delete(ids[0])
            assert read(connector, ids[1]) == content

    def test_a_content_can_be_written_anew(self, connector: FileConnector) -> None:
        """The later content of an id counts: a failed unit of work may be tried again."""
        file_id = new_file_id()

        connector.write(file_id, io.BytesIO(CONTENT))
        connector.write(file_id, io.BytesIO(b"new"))

        assert read(connector, file_id) == b"new"
        assert list(connector.ids()) == [file_id]

    # Parts

    @pytest.mark.parametrize(
        ("start", "length"),
        [(0, None), (0, 0), (0, 1), (7, 100), (7, None), (len(CONTENT) - 3, 100), (len(CONTENT), 5), (10**9, 5)],
    )
    def test_a_part_is_a_slice(self, connector: FileConnector, start: int, length: int | None) -> None:
        """From `start`, `length` bytes or all that follow; beyond the end there is nothing."""
        file_id = new_file_id()
        connector.write(file_id, io.BytesIO(CONTENT))

        with connector.open(file_id, start, length) as stream:
            found = stream.read()

        assert found == (CONTENT[start:] if length is None else CONTENT[start : start + length])

    def test_a_stream_is_read_in_pieces(self, connector: FileConnector) -> None:
        """A part can be read piece by piece."""
        file_id = new_file_id()
        connector.write(file_id, io.BytesIO(CONTENT))

        with connector.open(file_id, 5, 1000) as stream:
            pieces = list(iter(lambda: stream.read(33), b""))

        assert b"".join(pieces) == CONTENT[5:1005]
        assert max(map(len, pieces)) <= 33

    # What is not there

    def test_what_is_not_there_is_missing(self, connector: FileConnector) -> None:
        """Reading what was never written, or was deleted, says that it is missing; deleting it does nothing."""
        gone, never = new_file_id(), new_file_id()
        connector.write(gone, io.BytesIO(CONTENT))
        connector.delete(gone)
        connector.delete(gone)

        for file_id in (gone, never):
            assert not connector.exists(file_id)
            with pytest.raises(ContentMissingError):
                connector.open(file_id)
            with pytest.raises(ContentMissingError):
                connector.size(file_id)
        assert list(connector.ids()) == []

    def test_what_is_being_read_can_be_deleted(self, connector: FileConnector) -> None:
        """A download that has begun ends well."""
        file_id = new_file_id()
        connector.write(file_id, io.BytesIO(CONTENT))

        with connector.open(file_id) as stream:
            first = stream.read(10)
            connector.delete(file_id)
            rest = stream.read()

        assert first + rest == CONTENT

    @pytest.mark.parametrize("file_id", HOSTILE_IDS, ids=ascii)
    def test_what_is_no_id_is_refused(self, connector: FileConnector, file_id: str, tmp_path: Path) -> None:
        """Only ids of ours name contents; anything else is refused by every method, and touches nothing."""
        before = tree(tmp_path)

        for use in (
            lambda: connector.write(file_id, io.BytesIO(b"x")),
            lambda: connector.open(file_id),
            lambda: connector.size(file_id),
            lambda: connector.exists(file_id),
            lambda: connector.delete(file_id),
        ):
            with pytest.raises(FileError):
                use()

        assert tree(tmp_path) == before

    # Whole or not at all

    def test_a_stream_that_fails_leaves_nothing(self, connector: FileConnector, tmp_path: Path) -> None:
        """When the stream raises, its error comes through and there is no content."""
        connector.write(new_file_id(), io.BytesIO(b"another"))
        before, file_id = tree(tmp_path), new_file_id()

        with pytest.raises(ConnectionError):
            connector.write(file_id, cast("BinaryIO", Broken(CONTENT)))

        assert not connector.exists(file_id)
        assert tree(tmp_path) == before

    def test_a_deleted_content_leaves_nothing(self, connector: FileConnector, tmp_path: Path) -> None:
        """After a deletion all is as before the content was written."""
        connector.write(new_file_id(), io.BytesIO(b"another"))
        before, file_id = tree(tmp_path), new_file_id()

        connector.write(file_id, io.BytesIO(CONTENT))
        connector.delete(file_id)

        assert tree(tmp_path) == before

    # All of them

    def test_ids_are_listed(self, connector: FileConnector) -> None:
        """Every content is listed once; young ones only when they are asked for."""
        ids = {new_file_id() for _ in range(20)}
        for file_id in ids:
            connector.write(file_id, io.BytesIO(b""))

        found = list(connector.ids())

        assert sorted(found) == sorted(ids)
        assert list(connector.ids(older_than=3600)) == []

    def test_an_empty_place_lists_nothing(self, connector: FileConnector) -> None:
        """Before the first content there is none, and looking makes none."""
        assert list(connector.ids()) == []

    def test_another_connector_finds_the_same(self, connector: FileConnector, tmp_path: Path) -> None:
        """What one connector wrote, another one to the same place reads, lists and deletes."""
        if not self.keeps_files:
            pytest.skip("it keeps its contents for itself")
        file_id = new_file_id()
        connector.write(file_id, io.BytesIO(CONTENT))

        other = self.make_connector(tmp_path)

        assert read(other, file_id) == CONTENT
        assert list(other.ids()) == [file_id]
        other.delete(file_id)
        assert not connector.exists(file_id)

    def test_threads_share_a_connector(self, connector: FileConnector) -> None:
        """Contents that are written, read and deleted at once do not disturb one another."""

        def use(number: int) -> None:
            content = hashlib.sha256(bytes([number])).digest() * 100
            for _ in range(20):
                file_id = new_file_id()
                connector.write(file_id, io.BytesIO(content))
                assert read(connector, file_id) == content
                connector.delete(file_id)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(use, range(THREADS)))

        assert list(connector.ids()) == []

    def test_ids_are_random(self) -> None:
        """No two ids are the same, and each has the one form."""
        ids = [new_file_id() for _ in range(1000)]

        assert len(set(ids)) == len(ids)
        assert all(map(is_file_id, ids))


class Dribble:
    """A stream that gives less than is asked for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Give at most a thousand bytes."""
        return self._stream.read(min(size, 1000))


class Broken:
    """A stream that gives something, then fails."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int) -> bytes:
        """Give it once."""
        content, self._content = self._content, b""
        if not content:
            message = "the line went dead"
            raise ConnectionError(message)
        return content


def read(connector: FileConnector, file_id: str) -> bytes:
    """Read a whole content."""
    with connector.open(file_id) as stream:
        return stream.read()


def tree(folder: Path) -> dict[str, bytes | None]:
    """Give everything below a folder: contents of files, None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
