"""Take in content: spooled, counted, hashed and typed in one pass, then read as often as needed.

Up to 1 MiB stays in memory, more goes to a temporary file. Content is not changed after it arrived,
and its temporary file goes with the last object that knows it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import secrets
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from backo.files.names import file_name
from backo.files.refusals import ContentMissingError, FileTooLargeError
from backo.files.sniffing import HEAD, sniffed
from backo.files.streams import CHUNK, FilePart, buffered, failures, write_all
from backo.schema.problems import Refusal

IN_MEMORY = 1024 * 1024  # bytes of a content that are kept in memory
BASE64 = "base64:"  # what a text starts with that is not the content itself
ASIDE = ".aside-"  # how the name of a file starts that is not in its place yet

_DIGEST_BYTES = 16
_TRIES = 3  # to remove a temporary file

Given: TypeAlias = "bytes | bytearray | memoryview | str | BinaryIO"
"""What content may be given as; a text is UTF-8, or `base64:` and the content in base64."""


class Source(Protocol):
    """Something whose bytes can be read, from the start, several times."""

    def open(self, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of it for reading: from byte `start`, `length` bytes or all that follow.

        Raises:
            ContentMissingError: it is not there any more.
        """


@dataclass(frozen=True, slots=True)
class Named:
    """Content that is given together with the name of its file."""

    content: Given
    filename: str | None


class _Arrived:
    """An open temporary file, gone with the last object that knows it.

    Attributes:
        descriptor: of the open file.
        path: where it is, when it was made in a given folder; else it has no name any more.
    """

    __slots__ = ("__weakref__", "_close", "descriptor", "path")

    def __init__(self, folder: Path | None) -> None:
        self.path: Path | None
        with failures("kept aside"):
            self.descriptor, self.path = _unnamed() if folder is None else _made_in(folder)
        self._close = weakref.finalize(self, _forget, self.descriptor, self.path, os.getpid())

    def reader(self, start: int, end: int) -> BinaryIO:
        """Open a part of it, which can be read on when the file has gone."""
        if not self._close.alive:
            message = "this content has been forgotten"
            raise ContentMissingError(message)
        descriptor = os.dup(self.descriptor)
        return buffered(FilePart(descriptor, start, end))

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add to its end."""
        with failures("kept aside"):
            write_all(self.descriptor, chunk)

    def close(self) -> None:
        """Remove it now."""
        self._close()


def _unnamed() -> tuple[int, None]:
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)  # noqa: PTH108  # a text
    return descriptor, None


def _made_in(folder: Path) -> tuple[int, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{ASIDE}{secrets.token_hex(8)}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666), path


def _forget(descriptor: int, path: Path | None, process: int) -> None:
    os.close(descriptor)
    if path is None or os.getpid() != process:  # a fork has the descriptor, but the file is not its own
        return
    for _ in range(_TRIES):  # what stays all the same is swept by the connector, a day later
        with suppress(OSError):
            path.unlink(missing_ok=True)
            return


class Content:
    """Bytes that have arrived.

    Attributes:
        size: in bytes.
        digest: a hash of all bytes, as hexadecimal text.
        content_type: what the bytes say; the name is not asked yet.
        filename: the name it came with, cleaned; None when it came without.
    """

    __slots__ = ("_bytes", "_file", "content_type", "digest", "filename", "size")

    def __init__(self, spool: Spool, filename: str | None) -> None:
        self._bytes, self._file = spool.kept
        self.size = spool.size
        self.digest = spool.digest
        self.content_type = sniffed(spool.head)
        self.filename = None if filename is None else file_name(filename)

    @property
    def path(self) -> Path | None:
        """The file that holds it, in the folder that was given for it; None when there is none."""
        return None if self._file is None else self._file.path

    def open(self, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of it for reading."""
        end = self.size if length is None else min(self.size, start + length)
        return io.BytesIO(self._bytes[start:end]) if self._file is None else self._file.reader(start, end)

    def discard(self) -> None:
        """Remove the temporary file now instead of with the last reference."""
        if self._file is not None:
            self._file.close()

    def __copy__(self) -> Content:
        """Give itself: content does not change."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Content:
        """Give itself: content does not change."""
        return self

    def __repr__(self) -> str:
        """Tell what it is, never what is in it."""
        return f"<{self.size} bytes of {self.content_type}>"


class Spool:
    """Content while it arrives.

    Args:
        max_size: bytes that are taken.
        folder: where to put more than fits into memory; the system's folder for temporary files when
            it is None. A connector that keeps files in that folder can then take it without a copy.
        taken: bytes that others of the same request hold in memory already.
    """

    def __init__(self, max_size: int, folder: Path | None = None, *, taken: int = 0) -> None:
        self.size = 0
        self._max_size = max_size
        self._taken = taken
        self._folder = folder
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self._memory = bytearray()
        self._file: _Arrived | None = None
        self.head = b""

    @property
    def digest(self) -> str:
        """The hash of what has arrived."""
        return self._hash.hexdigest()

    @property
    def held(self) -> int:
        """How many bytes are in memory."""
        return len(self._memory)

    @property
    def kept(self) -> tuple[bytes, _Arrived | None]:
        """What has arrived: as bytes, or in a file."""
        return bytes(self._memory), self._file

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes.

        Raises:
            FileTooLargeError: they are too many; what had arrived is forgotten.
            DBError: there is no room for them.
        """
        self.size += len(chunk)
        if self.size > self._max_size:
            self.discard()
            raise FileTooLargeError(self._max_size)
        self._hash.update(chunk)
        if len(self.head) < HEAD:
            self.head += bytes(chunk[: HEAD - len(self.head)])
        if self._file is None and self._taken + self.size <= IN_MEMORY:
            self._memory += chunk
            return
        if self._file is None:
            self._file = _Arrived(self._folder)
            self._file.write(self._memory)
            self._memory = bytearray()
        self._file.write(chunk)

    def finish(self, filename: str | None = None) -> Content:
        """Give what has arrived.

        Args:
            filename: the name it came with, as it came.

        Raises:
            DBError: it could not be written down.
        """
        if self._file is not None and self._folder is not None:
            with failures("kept aside"):  # now, and not while the stores are locked
                os.fsync(self._file.descriptor)
        return Content(self, filename)

    def discard(self) -> None:
        """Forget what has arrived."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()


def received(given: Given, max_size: int, *, folder: Path | None = None, filename: str | None = None) -> Content:
    """Take in content from whatever it is given as.

    Args:
        given: bytes, a text, or a stream. A stream that has a name gives it to the file.
        max_size: bytes that are taken.
        folder: see `Spool`.
        filename: the name of the file, when it is known.

    Raises:
        FileTooLargeError: it is too much.
        Refusal: it is nothing that can be read, or a text that is not the base64 it says it is.
    """
    if filename is None:
        filename = _own_name(given)
    spool = Spool(max_size, folder)
    try:
        for chunk in _chunks(given):
            spool.write(chunk)
        return spool.finish(filename)
    except BaseException:
        spool.discard()
        raise


def is_content(given: Any) -> bool:
    """Tell whether something can be taken in."""
    return isinstance(given, bytes | bytearray | memoryview | str) or callable(getattr(given, "read", None))


def _own_name(given: Any) -> str | None:
    """Give the name that a stream brings along (an uploaded file, an open one)."""
    for attribute in ("filename", "name"):
        name = getattr(given, attribute, None)
        if isinstance(name, str) and name and not name.startswith("<"):
            return name
    return None


def _chunks(given: Any) -> Iterator[bytes | memoryview]:
    if isinstance(given, str):
        yield from _text_chunks(given)
    elif isinstance(given, bytes | bytearray | memoryview):
        view = memoryview(given).cast("B")
        for start in range(0, len(view), IN_MEMORY):
            yield view[start : start + IN_MEMORY]
    elif is_content(given):
        yield from _stream_chunks(given)
    else:
        raise Refusal.of("type", "Must be bytes, a text or a stream")


def _stream_chunks(stream: Any) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        if isinstance(chunk, str):
            yield from _text_chunks(chunk, encoded=False)
        elif isinstance(chunk, bytes | bytearray | memoryview):
            yield bytes(chunk)
        else:
            raise Refusal.of("type", "Must be a stream that gives bytes")


_BASE64_STEP = 4 * CHUNK  # characters decoded at a time; a multiple of four
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")  # Python's own check lets more padding pass
_BLANKS = str.maketrans("", "", " \t\r\n")  # line ends, as `base64` and MIME write them


def _text_chunks(text: str, *, encoded: bool = True) -> Iterator[bytes]:
    """Read a text: as UTF-8, or decoded when it says that it is base64."""
    if not (encoded and text.startswith(BASE64)):
        try:
            yield text.encode()
        except UnicodeEncodeError:
            raise Refusal.of("text", "Must not contain a lone surrogate") from None
        return
    code = text[len(BASE64) :].translate(_BLANKS)
    for start in range(0, len(code), _BASE64_STEP):
        piece = code[start : start + _BASE64_STEP]
        is_last = start + _BASE64_STEP >= len(code)
        if len(piece) % 4 or not _BASE64.fullmatch(piece) or ("=" in piece and not is_last):
            raise Refusal.of("base64", f"Must be base64 text after {BASE64!r}")
        yield base64.b64decode(piece)
