"""Keep contents in an object store, S3, Google Cloud Storage or Azure, by way of `obstore`.

Each content is one object, named by its id below the prefix of the URL. What goes up and what comes
down passes in parts of bounded size.
"""

from __future__ import annotations

import io
import mmap
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import from_url

from backo.errors import DBError, DefinitionError, shown
from backo.files.connectors import FileConnector, check_file_id, is_file_id, missing
from backo.files.object_failures import failure_of, is_beyond_the_end, is_bucket_missing
from backo.files.refusals import ContentMissingError
from backo.files.streams import CHUNK, buffered

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ObjectMeta
    from obstore.store import ObjectStore

T = TypeVar("T")

_PART = 5 * 1024 * 1024  # bytes of one part of an upload; S3 takes no smaller ones, and 10 000 of them
_AT_ONCE = 3  # parts that are on their way
_PIECE = 64 * 1024  # bytes of a download that are held at a time
_LISTED = 1000  # objects of a list that are held at a time

_REMOTE = ("s3", "gcs", "azure")
_KNOWN = "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///folder and memory:/// are known"

# Each read must come in time, but a whole download takes as long as its reader does.
_CLIENT = {"read_timeout": "30s", "timeout": "1day"}

_OPTION = re.compile(r"key: '([^']+)'")  # in what the driver says of an unknown one
_FAILURES = (BaseError, OSError, ValueError, NotImplementedError)


class _BeyondTheEndError(DBError):
    """Raised when a content has nothing from a byte on; stores refuse to send that."""


class _Driver:
    """Which process uses the driver: its threads do not pass into a fork, where it would wait for ever."""

    def __init__(self) -> None:
        self._process: int | None = None

    def enter(self) -> None:
        """Let this process use it.

        Raises:
            DBError: a parent of this process has.
        """
        process = os.getpid()
        if self._process is None:
            self._process = process
        elif self._process != process:
            message = "object storage cannot be used in this process: it was forked from one that had used it already"
            raise DBError(message, hint="fork before the first use (no preloading), or start processes anew (spawn)")


_DRIVER = _Driver()


class ObjectStoreFileConnector(FileConnector):
    """Contents as objects in S3 (and what speaks its protocol), Google Cloud Storage or Azure.

    Needs the extra `objects`. Parts of a large content that a crash left in the store are not
    listed; let a lifecycle rule of the bucket remove unfinished uploads. The driver cannot be used
    in a process that was forked after its first use; there every method raises `DBError`.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, also the addresses
            with `https://` of these services; for tests `file:///folder`, made when it is missing, and
            `memory:///`. It holds no credentials.
        options: those of `obstore.store.from_url`: credentials and settings by their names
            (`access_key_id=`, `endpoint=`, `region=`, …), `client_options=`, `retry_config=`,
            `credential_provider=`. What is not given is taken from the environment.

    Raises:
        DefinitionError: the URL is of another form or holds credentials, or there is no such option.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._scheme = _scheme_of(url)
        self.url = url
        self._options = _completed(self._scheme, options)
        self._lock = threading.Lock()
        self._store: ObjectStore | None = None
        if self._scheme in _REMOTE:
            self._check_options()

    def __repr__(self) -> str:
        return f"ObjectStoreFileConnector(url={self.url!r})"

    def write(self, file_id: str, stream: BinaryIO) -> int:
        """Store all that a stream gives."""
        check_file_id(file_id)
        parts = _Parts(stream)
        first = parts.take()
        # An iterable is sent in several parts, bytes as one object with one request.
        given = first if len(first) < _PART else chain([first], parts)

        def put(store: ObjectStore) -> None:
            try:
                obstore.put(store, file_id, given, chunk_size=_PART, max_concurrency=_AT_ONCE)
            except _FAILURES:
                if parts.failure is None:
                    raise

        self._done("written to", put)
        if parts.failure is not None:
            raise parts.failure
        return parts.size

    def open(self, file_id: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of a content."""
        check_file_id(file_id)
        found = self._found(file_id, start, length)
        part, pieces = (range(0), iter(())) if found is None else (range(*found.range), self._pieces(found))
        return buffered(_Part(partial(self._fetch, file_id), part, pieces))

    def size(self, file_id: str) -> int:
        """Tell how many bytes a content has."""
        check_file_id(file_id)
        try:
            return self._done("found in", lambda store: obstore.head(store, file_id))["size"]
        except ContentMissingError:
            pass  # or the whole bucket is, which an answer without a body does not tell
        return self._get(file_id, {"range": (0, 1)}).meta["size"]

    def delete(self, file_id: str) -> None:
        """Forget a content."""
        check_file_id(file_id)
        try:
            self._done("removed from", lambda store: obstore.delete(store, file_id))
        except ContentMissingError:
            return

    def ids(self, *, older_than: float = 0.0) -> Iterator[str]:
        """Give the ids of all contents."""
        latest = time.time() - older_than
        for found in self._listed():
            if is_file_id(found["path"]) and found["last_modified"].timestamp() <= latest:
                yield found["path"]

    def close(self) -> None:
        """Let go of the connections; contents in memory stay."""
        if self._scheme != "memory":
            with self._lock:
                self._store = None

    def _listed(self) -> Iterator[ObjectMeta]:
        stream = self._done("listed in", lambda store: obstore.list(store, chunk_size=_LISTED))
        while batch := self._done("listed in", lambda _: next(stream, None)):
            yield from batch

    def _found(self, file_id: str, start: int, length: int | None) -> GetResult | None:
        """Ask for a part of a content; None when the part is empty, which stores refuse to send."""
        if length is not None and length <= 0:
            self.size(file_id)
            return None
        if start == 0 and length is None:
            return self._get(file_id, None)
        try:
            return self._get(file_id, {"range": {"offset": start} if length is None else (start, start + length)})
        except _BeyondTheEndError:
            return None

    def _fetch(self, file_id: str, part: range) -> Iterator[bytes]:
        """Give a part of a content, piece by piece."""
        return self._pieces(self._get(file_id, {"range": (part.start, part.stop)}))

    def _pieces(self, found: GetResult) -> Iterator[bytes]:
        stream = found.stream(_PIECE)
        while piece := self._done("read from", lambda _: next(stream, None)):
            yield piece

    def _get(self, file_id: str, options: GetOptions | None) -> GetResult:
        return self._done("read from", lambda store: obstore.get(store, file_id, options=options))

    def _done(self, how: str, work: Callable[[ObjectStore], T]) -> T:
        """Do something in the store, and tell its failures without what the driver says of them."""
        _DRIVER.enter()
        try:
            return work(self._opened())
        except _FAILURES as error:
            kind, text = type(error).__name__, str(error)
        if kind == "FileNotFoundError" and how not in {"written to", "listed in"} and not is_bucket_missing(text):
            raise missing()
        failure = failure_of(kind, text)
        message = f"a content cannot be {how} {self.url}: {failure.reason}"
        raise (_BeyondTheEndError if is_beyond_the_end(text) else DBError)(message, hint=failure.hint)

    def _opened(self) -> ObjectStore:
        with self._lock:
            if self._store is None:
                self._store = from_url(self.url, **self._options)
            return self._store

    def _check_options(self) -> None:
        """Let the driver look at the options, which connects to nothing.

        Raises:
            DefinitionError: there is one that it does not know, or cannot read.
        """
        try:
            from_url(self.url, **self._options)
        except UnknownConfigurationKeyError as error:
            name = _OPTION.search(str(error))
            problem = f"no option {shown(name[1])}" if name is not None else "not each of these options"
        except (ValueError, TypeError):
            problem = "a value of another form for one of the options"
        except BaseError:
            return  # something is missing that may be in the environment by the first use
        else:
            return
        message = f"{self!r}: the object store takes {problem}"
        raise DefinitionError(message, hint="the options are those of obstore.store.from_url")


def _scheme_of(url: str) -> str:
    """Tell which kind of store a URL names; a URL that holds a secret is not repeated.

    Raises:
        DefinitionError: it names none, or holds credentials.
    """
    if not isinstance(url, str):
        message = f"ObjectStoreFileConnector: the URL is a text, not {shown(url)}"
        raise DefinitionError(message, hint=_KNOWN)
    parts = urlsplit(url)
    is_user = "@" in parts.netloc and not parts.scheme.startswith("abfs")  # there it is `container@account`
    if parts.query or parts.fragment or is_user or parts.password is not None:
        message = "ObjectStoreFileConnector: a URL holds no credentials, and nothing after '?' or '#'"
        raise DefinitionError(message, hint="give them as options, or in the environment")
    try:
        scheme: str = obstore.parse_scheme(url)
    except (BaseError, ValueError):
        scheme = ""
    if scheme not in {*_REMOTE, "local", "memory"}:
        message = f"ObjectStoreFileConnector: {shown(url)} names no object store"
        raise DefinitionError(message, hint=_KNOWN)
    return scheme


def _completed(scheme: str, options: dict[str, Any]) -> dict[str, Any]:
    """Add what is set where nothing is said.

    Raises:
        DefinitionError: there are options for a store that has none.
    """
    if scheme in _REMOTE:
        return {**options, "client_options": {**_CLIENT, **(options.get("client_options") or {})}}
    if options:
        message = (
            f"ObjectStoreFileConnector: a folder and memory have no options, but {', '.join(sorted(options))} given"
        )
        raise DefinitionError(message)
    return {"mkdir": True} if scheme == "local" else {}


class _Parts:
    """What a stream gives, in parts of one size, the last one excepted.

    Attributes:
        size: bytes that were given so far.
        failure: what the stream raised, since the driver may put it into words of its own.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0
        self.failure: Exception | None = None

    def take(self) -> memoryview:
        """Read the next part; nothing at the end."""
        # Memory of its own, given back whole: the allocator keeps large blocks, in each of its arenas.
        part, size = memoryview(mmap.mmap(-1, _PART)), 0
        while size < _PART and (piece := self._stream.read(min(CHUNK, _PART - size))):
            part[size : size + len(piece)] = piece
            size += len(piece)
        self.size += size
        return part[:size]

    def __iter__(self) -> Iterator[memoryview]:
        """Give the parts that are left."""
        try:
            while part := self.take():
                yield part
        except Exception as error:
            self.failure = error
            raise


class _Part(io.RawIOBase):
    """A part of a content, read as it arrives; going elsewhere in it asks the store anew.

    Args:
        fetch: gives the pieces of a part.
        part: the bytes.
        pieces: of the part from its start.
    """

    def __init__(self, fetch: Callable[[range], Iterator[bytes]], part: range, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._fetch = fetch
        self._part = part
        self._position = part.start
        self._pieces: Iterator[bytes] | None = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read in any order."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read on, as much as has arrived and fits."""
        self._check_open()
        if self._position >= self._part.stop:
            return 0
        if not self._piece:
            self._piece = self._next_piece()
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._piece))
        view[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the part."""
        self._check_open()
        base = {os.SEEK_SET: self._part.start, os.SEEK_CUR: self._position, os.SEEK_END: self._part.stop}[whence]
        position = max(self._part.start, base + offset)
        if position != self._position:
            self._forget()
            self._position = position
        return position - self._part.start

    def close(self) -> None:
        """Let go of the content."""
        if not self.closed:
            super().close()
            self._forget()

    def _next_piece(self) -> memoryview:
        if self._pieces is None:
            self._pieces = self._fetch(range(self._position, self._part.stop))
        piece = next(self._pieces, b"")
        if not piece:
            message = "a content ended before all of it had arrived"
            raise DBError(message)
        return memoryview(piece)

    def _forget(self) -> None:
        self._pieces, self._piece = None, memoryview(b"")

    def _check_open(self) -> None:
        if self.closed:
            message = "this file is closed"
            raise ValueError(message)
