"""Hold the value of a file field: what an item keeps, and what Python code handles.

- `FileVersion` is the value itself, one immutable state of a file. Records keep it.
- `FileValue` is what reading a field gives, and what a `constraint` gets: the same facts, and methods
  that change the item.
- `FileObject` is its plain form, the object that clients see, and what `onchange` gets; in Python it
  still knows its version.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast

from backo.errors import FileError, StateError
from backo.files.connectors import FileConnector, new_file_id
from backo.files.content import Content, Given, Named, Source, is_content
from backo.files.media_types import extension_for, refined, unrefined
from backo.files.names import NAMELESS, file_name
from backo.files.refusals import ContentMissingError

FACTS = ("file_id", "filename", "content_type", "size")
"""What a client is told of a file, beside where it is."""


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One state of a file.

    Attributes:
        file_id: of its content; a new content has a new one.
        filename: as it is offered for saving.
        content_type: by its bytes, refined by its name where it is text.
        size: in bytes.
        digest: a hash of its content.
        source: where the content can be read.
    """

    file_id: str
    filename: str
    content_type: str
    size: int
    digest: str
    source: Source = field(compare=False, repr=False)

    @classmethod
    def of(cls, content: Content, filename: str | None = None) -> FileVersion:
        """Make the first version of what has arrived, under a fresh id.

        Args:
            content: what has arrived.
            filename: the name it is given when it did not bring one; a usual name when there is none.
        """
        name = content.filename or filename
        content_type = refined(content.content_type, name)
        if name is None:
            extension = extension_for(content_type)
            name = f"{NAMELESS}.{extension}" if extension else NAMELESS
        return cls(new_file_id(), file_name(name), content_type, content.size, content.digest, content)

    def open(self, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open the content, or a part of it, for reading.

        Raises:
            ContentMissingError: it is not there any more.
        """
        return self.source.open(start, length)

    def get_content(self) -> bytes:
        """Give the whole content; raises as `open` does."""
        with self.open() as stream:
            return stream.read()

    def renamed(self, filename: str) -> FileVersion:
        """Give the version with another name; the name may refine what kind of text it is."""
        name = file_name(filename)
        return replace(self, filename=name, content_type=refined(unrefined(self.content_type), name))

    def copied(self) -> FileVersion:
        """Give a version for another place: the same content under an id of its own."""
        return replace(self, file_id=new_file_id())

    def facts(self) -> dict[str, Any]:
        """Give what a client is told, beside where it is."""
        return {name: getattr(self, name) for name in FACTS}

    def _plain(self) -> FileObject:
        """Give the plain form; the address is known by the item alone."""
        return FileObject(self, None)

    def __getitem__(self, name: str) -> Any:
        """Read a fact by its name, as selectors do."""
        if name not in FACTS:
            raise KeyError(name)
        return getattr(self, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> FileVersion:
        """Give itself: a version does not change."""
        return self


class FileObject(dict[str, Any]):
    """The plain form of a file: `{"file_id", "filename", "content_type", "size", "href"}`.

    Given back to an item in Python it means the version that it was read from.
    """

    __slots__ = ("version",)

    version: FileVersion

    def __init__(self, version: FileVersion, href: str | None) -> None:
        super().__init__(version.facts(), href=href)
        self.version = version

    def __deepcopy__(self, memo: dict[int, Any]) -> FileObject:
        """Copy the object; the version stays the same."""
        return FileObject(self.version, self["href"])

    def __reduce__(self) -> Any:
        """Pickle as the plain dict that it is elsewhere."""
        return (dict, (dict(self),))

    @property
    def is_as_read(self) -> bool:
        """Whether nobody has changed the object since it was read."""
        return self == {**self.version.facts(), "href": self.get("href")}


class FileValue:
    """A file as Python code reads it from an item; changing it changes the item.

    Without a file it is false, equals None, and its facts are None.
    """

    __slots__ = ("_href", "_keep", "_version")

    def __init__(
        self,
        version: FileVersion | None,
        keep: Callable[[Any], FileVersion | None],
        href: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Make a handle.

        Args:
            version: what is there now.
            keep: takes what a file may be given as, keeps it where the file is, gives what is there then.
            href: tells the address of the file.
        """
        self._version, self._keep, self._href = version, keep, href

    @property
    def version(self) -> FileVersion | None:
        """The present state, None when there is no file."""
        return self._version

    @property
    def filename(self) -> str | None:
        """The name under which it is offered for saving; may be set.

        Raises:
            StateError: it is set where there is no file.
        """
        return None if self._version is None else self._version.filename

    @filename.setter
    def filename(self, name: str) -> None:
        if self._version is None:
            message = "there is no file to name"
            raise StateError(message, hint="set its content first")
        self._version = self._keep(self._version.renamed(name))

    @property
    def content_type(self) -> str | None:
        """What its bytes say."""
        return None if self._version is None else self._version.content_type

    @property
    def size(self) -> int | None:
        """In bytes."""
        return None if self._version is None else self._version.size

    @property
    def file_id(self) -> str | None:
        """A random id, another one for each content."""
        return None if self._version is None else self._version.file_id

    def set(self, given: Any) -> None:
        """Set the file.

        Args:
            given: content (`bytes`, text, a stream), a file that was read elsewhere, or None for no file.

        Raises:
            ValidationError: it is too large, of another type, or nothing that can be read.
        """
        if self._version is not None and is_content(given):
            given = Named(given, self._version.filename)
        self._version = self._keep(given)

    def set_content(self, content: Given) -> None:
        """Replace the content; the name stays unless a stream brings one.

        Raises:
            ValidationError: as `set` does.
        """
        self.set(content)

    def open(self, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open the content, or a part of it, for reading.

        Args:
            start: the first byte.
            length: how many bytes; None for all that follow.

        Raises:
            FileError: there is no file.
            ContentMissingError: there is, but its content is not there any more.
        """
        return self._present().open(start, length)

    def get_content(self) -> bytes:
        """Give the whole content; raises as `open` does."""
        return self._present().get_content()

    def _present(self) -> FileVersion:
        if self._version is None:
            message = "there is no file here"
            raise FileError(message)
        return self._version

    def _plain(self) -> FileObject | None:
        """Give the plain form."""
        return None if self._version is None else FileObject(self._version, self._href())

    def __getitem__(self, name: str) -> Any:
        """Read a fact by its name, as selectors do."""
        if name == "href":
            return self._href() if self else None
        if name not in FACTS:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        """Give the names of the facts."""
        return iter((*FACTS, "href"))

    def __bool__(self) -> bool:
        """Tell whether there is a file."""
        return self._version is not None

    def __eq__(self, other: object) -> bool:
        """Compare with another file, its plain form, or None."""
        if isinstance(other, FileValue):
            return self._version == other.version
        if isinstance(other, FileVersion) or other is None:
            return self._version == other
        return self._plain() == other

    __hash__ = None  # type: ignore[assignment]  # files change

    def __repr__(self) -> str:
        """Show the facts, never the content."""
        facts = None if self._version is None else self._version.facts()
        return f"<file {facts!r}>"


class Inline:
    """Content that lies in the document itself, as base64 text."""

    __slots__ = ("_encoded", "_source")

    def __init__(self, *, encoded: str | None = None, source: Source | None = None) -> None:
        self._encoded, self._source = encoded, source

    @property
    def encoded(self) -> str:
        """The content in base64."""
        if self._encoded is None:
            with cast("Source", self._source).open() as stream:
                self._encoded = base64.b64encode(stream.read()).decode("ascii")
            self._source = None
        return self._encoded

    def open(self, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of it for reading."""
        if self._source is not None:
            return self._source.open(start, length)
        try:
            content = base64.b64decode(self.encoded, validate=True)
        except ValueError as error:
            message = "what is stored as the content of this file is not base64"
            raise ContentMissingError(message) from error
        return io.BytesIO(content[start:] if length is None else content[start : start + length])


@dataclass(frozen=True, slots=True)
class Kept:
    """Content that connectors keep.

    Attributes:
        file_id: under which it is kept.
        work: where it is looked for first.
        storage: where it is looked for then.
    """

    file_id: str
    work: FileConnector
    storage: FileConnector | None

    def open(self, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a part of it for reading."""
        if self.storage is None:
            return self.work.open(self.file_id, start, length)
        try:
            return self.work.open(self.file_id, start, length)
        except ContentMissingError:
            return self.storage.open(self.file_id, start, length)
