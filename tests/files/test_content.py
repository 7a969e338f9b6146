"""Content that arrives."""

import base64
import copy
import gc
import hashlib
import io
import os
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.errors import DBError
from backo.files import content as content_module
from backo.files.content import ASIDE, IN_MEMORY, Content, Spool, received
from backo.files.refusals import ContentMissingError, FileTooLargeError
from backo.files.streams import CHUNK
from backo.schema.problems import Refusal

LIMIT = 10 * IN_MEMORY
BYTES = bytes(range(256)) * 20


def whole(content: Content) -> bytes:
    """Read all of it."""
    with content.open() as stream:
        return stream.read()


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let more than a hundred bytes go to a file."""
    monkeypatch.setattr(content_module, "IN_MEMORY", 100)


@pytest.mark.parametrize(
    "given_as",
    [
        BYTES,
        bytearray(BYTES),
        memoryview(BYTES),
        memoryview(BYTES).cast("I"),
        io.BytesIO(BYTES),
        "base64:" + base64.b64encode(BYTES).decode(),
        "base64:" + base64.encodebytes(BYTES).decode(),
    ],
    ids=["bytes", "bytearray", "memoryview", "words", "stream", "base64", "base64-in-lines"],
)
def test_content_is_taken_in_from_anything(given_as: Any) -> None:
    """Bytes, streams and base64 texts give the same content."""
    content = received(given_as, LIMIT)

    assert whole(content) == BYTES
    assert content.size == len(BYTES)
    assert content.digest == hashlib.blake2b(BYTES, digest_size=16).hexdigest()
    assert content.content_type == "application/octet-stream"


@pytest.mark.parametrize("text", ["Hello word", "", "été 日本 😀", "base64", "BASE64:AAAA", " base64:AAAA"])
def test_a_text_is_its_bytes(text: str) -> None:
    """A text that does not start with `base64:` is UTF-8."""
    content = received(text, LIMIT)

    assert whole(content) == text.encode()
    assert content.content_type == "text/plain"


def test_a_stream_of_text_is_never_decoded() -> None:
    """What an open text file gives is text, also when it starts like base64."""
    assert whole(received(io.StringIO("base64:AAAA"), LIMIT)) == b"base64:AAAA"  # type: ignore[arg-type]  # on purpose


@given(st.binary(max_size=2000), st.integers(1, 300))
def test_pieces_do_not_matter(content: bytes, size: int) -> None:
    """However content arrives, it is the same, in memory or in a file."""
    spool = Spool(LIMIT)
    for start in range(0, len(content), size):
        spool.write(content[start : start + size])
    arrived = spool.finish()

    assert whole(arrived) == content
    assert (arrived.size, arrived.digest) == (len(content), received(content, LIMIT).digest)


@pytest.mark.usefixtures("small_memory")
@given(st.binary(max_size=400), st.integers(0, 500), st.none() | st.integers(0, 500))
def test_a_part_is_a_slice(content: bytes, start: int, length: int | None) -> None:
    """From memory and from a file alike."""
    with received(content, LIMIT).open(start, length) as stream:
        assert stream.read() == (content[start:] if length is None else content[start : start + length])


@pytest.mark.parametrize(
    "text",
    [
        "base64:A",
        "base64:AAA",
        "base64:AA=A",
        "base64:AAAA=",
        "base64:AAAA====",
        "base64:====",
        "base64:AA==AAAA",
        "base64:é",
        "base64:AA-_",
    ],
)
def test_what_is_not_base64_is_refused(text: str) -> None:
    """A text that says that it is base64 has to be."""
    with pytest.raises(Refusal) as refused:
        received(text, LIMIT)

    assert refused.value.findings[0].code == "base64"


def test_padding_inside_a_long_base64_text_is_refused() -> None:
    """A long text is decoded in steps, which are not seen."""
    step = base64.b64encode(b"\0" * (content_module._BASE64_STEP // 4 * 3)).decode()

    assert received("base64:" + step + step + "AA==", LIMIT).size == content_module._BASE64_STEP // 4 * 6 + 1
    for wrong in (step[:-4] + "AA==" + step, "=" + step[1:] + step, step + "=", step[:-1] + "é" + step):
        with pytest.raises(Refusal):
            received("base64:" + wrong, LIMIT)


@pytest.mark.parametrize("given_as", [None, 12, ["a"], object(), {"a": 1}])
def test_what_has_no_bytes_is_refused(given_as: Any) -> None:
    """Neither bytes, nor text, nor a stream."""
    with pytest.raises(Refusal):
        received(given_as, LIMIT)


def test_a_lone_surrogate_is_refused() -> None:
    """It has no bytes."""
    with pytest.raises(Refusal) as refused:
        received("a\ud800", LIMIT)

    assert refused.value.findings[0].code == "text"


def test_a_stream_of_something_else_is_refused() -> None:
    """A stream gives bytes or text."""

    class Numbers:
        def read(self, size: int) -> Any:
            return [1, 2]

    with pytest.raises(Refusal):
        received(Numbers(), LIMIT)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("given_as", [b"12345", "12345", io.BytesIO(b"12345"), "base64:MTIzNDU="])
def test_content_is_counted_while_it_arrives(given_as: Any) -> None:
    """The first byte too much ends it; up to the limit it is taken."""
    with pytest.raises(FileTooLargeError) as refused:
        received(given_as, 4)

    assert refused.value.limit == 4
    assert refused.value.code == "too_large"
    assert received(b"1234", 4).size == 4


def test_an_endless_stream_ends_at_the_limit() -> None:
    """What is too much is not read on."""

    class Endless:
        given = 0

        def read(self, size: int) -> bytes:
            self.given += size
            return b"\0" * size

    stream = Endless()
    with pytest.raises(FileTooLargeError):
        received(stream, 3 * IN_MEMORY)  # type: ignore[arg-type]  # a stream has more methods

    assert stream.given <= 3 * IN_MEMORY + CHUNK


@pytest.mark.parametrize(
    ("attribute", "value", "filename"),
    [
        ("name", "/home/me/rambo.png", "rambo.png"),
        ("filename", "C:\\rambo.png", "rambo.png"),
        ("name", "<stdin>", None),
        ("name", 3, None),
        ("name", "", None),
    ],
)
def test_a_stream_may_bring_a_name(attribute: str, value: Any, filename: str | None) -> None:
    """An uploaded file, or an open one."""

    class Stream(io.BytesIO):
        pass

    stream = Stream(b"x")
    setattr(stream, attribute, value)

    assert received(stream, LIMIT).filename == filename
    assert received(stream, LIMIT, filename="other.txt").filename == "other.txt"


# Files aside


def asides(folder: Path) -> list[Path]:
    """List what lies aside."""
    return list(folder.glob(f"{ASIDE}*"))


@pytest.mark.usefixtures("small_memory")
def test_more_than_memory_takes_goes_to_the_given_folder(tmp_path: Path) -> None:
    """Under a name there, until nobody knows the content any more."""
    small, large = (received(b"x" * size, LIMIT, folder=tmp_path / "made") for size in (100, 101))

    assert small.path is None
    assert large.path is not None
    assert asides(tmp_path / "made") == [large.path]
    with large.open() as stream:
        del large
        gc.collect()
        assert asides(tmp_path / "made") == []
        assert stream.read() == b"x" * 101


@pytest.mark.usefixtures("small_memory")
def test_without_a_folder_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a crash leaves nothing."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    content = received(b"x" * 200, LIMIT)

    assert list(tmp_path.iterdir()) == []
    assert whole(content) == b"x" * 200


@pytest.mark.usefixtures("small_memory")
def test_discarding_removes_the_file_at_once(tmp_path: Path) -> None:
    """What is discarded can not be read any more, and discarding it again does nothing."""
    content = received(b"x" * 200, LIMIT, folder=tmp_path)

    content.discard()
    content.discard()

    assert asides(tmp_path) == []
    with pytest.raises(ContentMissingError):
        content.open()


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("wrong", ["size", "stream"])
def test_what_is_refused_leaves_nothing(tmp_path: Path, wrong: str) -> None:
    """However it ends."""

    class Broken:
        pieces: Iterator[bytes] = iter([b"x" * 200])

        def read(self, size: int) -> bytes:
            for piece in self.pieces:
                return piece
            raise ConnectionError

    with pytest.raises((FileTooLargeError, ConnectionError)):
        received(b"x" * 2000 if wrong == "size" else Broken(), 1000, folder=tmp_path)  # type: ignore[arg-type]  # as above

    assert asides(tmp_path) == []


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_full_disk_is_a_failure_of_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Not the client's fault; nothing is left."""

    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DBError):
        received(b"x" * 200, LIMIT, folder=tmp_path)

    monkeypatch.undo()
    assert asides(tmp_path) == []


def test_content_is_shared_by_its_copies() -> None:
    """It does not change, so a copy is the same."""
    content = received(b"x", LIMIT)

    assert copy.copy(content) is content
    assert copy.deepcopy([content])[0] is content


def test_content_is_never_shown() -> None:
    """Neither logs nor messages tell what is in it."""
    assert repr(received(b"secret", LIMIT)) == "<6 bytes of text/plain>"


def test_memory_stays_small() -> None:
    """Sixty-four megabytes pass through a few."""

    class Zeros:
        left = 64 * IN_MEMORY

        def read(self, size: int) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    tracemalloc.start()
    try:
        content = received(Zeros(), 64 * IN_MEMORY)  # type: ignore[arg-type]  # as above
        with content.open() as stream:
            while stream.read(CHUNK):
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert content.size == 64 * IN_MEMORY
    assert peak < 4 * IN_MEMORY


def test_readers_do_not_disturb_one_another(small_memory: None) -> None:
    """Each has its own position; a reader may go back and forth inside its part."""
    content = received(bytes(range(200)), LIMIT)
    with content.open() as first, content.open(10, 20) as second:
        assert first.read(5) == bytes(range(5))
        assert second.read(5) == bytes(range(10, 15))
        assert second.seek(-2, os.SEEK_END) == 18
        assert second.read() == bytes(range(28, 30))
        assert second.seek(0) == 0
        assert second.seek(1, os.SEEK_CUR) == 1
        assert second.read() == bytes(range(11, 30))
        assert first.read(1) == b"\5"
    with pytest.raises(ValueError, match="closed"):
        first.read()
