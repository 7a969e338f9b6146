"""Field types of files: `File` keeps its content with connectors, `BlobFile` in the document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial, singledispatch
from pathlib import Path
from typing import Any, ClassVar, Unpack

from backo.errors import DefinitionError, shown
from backo.files.alone import OwnFile
from backo.files.connectors import FileConnector, is_file_id
from backo.files.content import Content, Given, Named, Source, Spool, is_content, received
from backo.files.media_types import declared_type, is_one_of
from backo.files.refusals import FileTooLargeError
from backo.files.values import FACTS, FileObject, FileValue, FileVersion, Inline, Kept
from backo.items.presenting import presented
from backo.paths import Place
from backo.schema.fields import Field, Json
from backo.schema.kinds import Kind
from backo.schema.nodes import Node
from backo.schema.options import CommonOptions
from backo.schema.problems import Refusal

FILE_SIZE = 1024**3  # bytes of a `File` that says nothing else
BLOB_SIZE = 8 * 1024**2  # bytes of a `BlobFile` that says nothing else

_REFUSED = "Must be a text, 'base64:' and base64 text, null, or the object of this file as it was read"


class FileOptions(CommonOptions, total=False):
    """Options of `BlobFile`."""

    mime_types: Iterable[str] | None
    max_size: int | None


class KeptFileOptions(FileOptions, total=False):
    """Options of `File`."""

    work_connector: FileConnector
    work: FileConnector
    storage_connector: FileConnector | None
    storage: FileConnector | None


class FileField(OwnFile, Field):
    """What `File` and `BlobFile` have in common.

    Options:
        mime_types: the types that are taken, such as `image/png` or `image/*`; all when there are none.
        max_size: in bytes.

    A declaration can also hold one file of its own (`OwnFile`).
    """

    kind = Kind.JSON
    files = True
    own_options: ClassVar[Mapping[str, str]] = {"mime_types": "mime_types", "max_size": "max_size"}
    default_size: ClassVar[int]

    mime_types: tuple[str, ...]
    max_size: int

    def __init__(self, **options: Unpack[FileOptions]) -> None:
        super().__init__(**options)  # type: ignore[misc]  # the base takes every option at run time
        self.hold_nothing(self.compiled())

    def configure(self, *, mime_types: Iterable[str] | None = None, max_size: int | None = None) -> None:
        """Take the options of a file."""
        name = type(self).__name__
        options = self.options
        if options.compute is not None or options.enum is not None or options.unique or options.index:
            message = f"{name}: a file has none of the options 'set', 'enum', 'unique' and 'index'"
            raise DefinitionError(message)
        if max_size is None:
            max_size = self.default_size
        if not isinstance(max_size, int) or isinstance(max_size, bool) or max_size < 0:
            message = f"{name}: max_size is a number of bytes, not {shown(max_size)}"
            raise DefinitionError(message)
        self._set(mime_types=_types(name, mime_types), max_size=max_size)

    # The value of an item.

    @property
    def arrivals(self) -> Path | None:
        """The folder where content that arrives is best put, if there is one."""
        return None

    def spool(self, *, taken: int = 0) -> Spool:
        """Make what takes content while it arrives, up to the size of the field.

        Args:
            taken: bytes that others of the same request hold in memory already.
        """
        return Spool(self.max_size, self.arrivals, taken=taken)

    def convert(self, value: Any) -> FileVersion | None:
        """Accept content, what has arrived, or a file that was read elsewhere (a copy of it then)."""
        version = self._version_of(value)
        return None if version is None else self._housed(version)

    def _version_of(self, value: Any) -> FileVersion | None:
        filename = None
        if isinstance(value, Named):
            value, filename = value.content, value.filename
        match value:
            case FileVersion():
                return value
            case FileValue():
                return value.version and value.version.copied()
            case FileObject() if value.is_as_read:
                return value.version.copied()
            case Content():
                return FileVersion.of(value, filename)
        if isinstance(value, Mapping) or not is_content(value):
            raise Refusal.of("file", _REFUSED)
        return FileVersion.of(self._received(value), filename)

    def _received(self, given: Given) -> Content:
        try:
            return received(given, self.max_size, folder=self.arrivals)
        except FileTooLargeError as error:
            raise self._too_large() from error

    def _housed(self, version: FileVersion) -> FileVersion:
        """Give the version with a source that suits the field."""
        return version

    def settled(self, given: Any, present: Mapping[str, FileVersion], *, trusted: bool) -> Any:
        """Relate what is given for a field to the files that are there, before it is converted.

        Args:
            given: as it was given. The object of a file as it was read stands for that file.
            present: the files that are there, by id.
            trusted: whether the JSON form is that of a document; clients do not write it.

        Returns:
            A version where one is meant; any other value as it was given.
        """
        match given:
            case FileValue():
                given = given.version
            case FileObject() if given.is_as_read:
                given = given.version
        if isinstance(given, FileVersion):
            return given if given.file_id in present else given.copied()
        if isinstance(given, Mapping):
            return self._stored(given) if trusted else _as_read(given, present)
        return given

    def _stored(self, given: Mapping[str, Any]) -> FileVersion:
        try:
            return self.from_json(given)
        except ValueError as error:
            raise Refusal.of("file", str(error)) from error

    def rules(self) -> list[Callable[[Any], None]]:
        """Give the checks of size and type."""
        return [*super().rules(), self._check_size, self._check_type]

    def _check_size(self, value: FileVersion | None) -> None:
        if value is not None and value.size > self.max_size:
            raise self._too_large()

    def _too_large(self) -> Refusal:
        return Refusal.of("max_size", f"Must have at most {self.max_size} bytes")

    def _check_type(self, value: FileVersion | None) -> None:
        if value is not None and self.mime_types and not is_one_of(value.content_type, self.mime_types):
            allowed = ", ".join(self.mime_types[:10])
            raise Refusal.of("mime_type", f"Must be of type {allowed}; by its content it is {value.content_type}")

    def to_json(self, value: FileVersion) -> dict[str, Any]:
        """Write what a document keeps: the facts, and the digest."""
        return {**value.facts(), "digest": value.digest, **self._inlined(value)}

    def _inlined(self, value: FileVersion) -> dict[str, Any]:
        """Give what a document keeps of the content itself."""
        return {}

    def from_json(self, json: Json) -> FileVersion:
        """Read what a document keeps.

        Raises:
            ValueError: it is something else.
        """
        if not isinstance(json, Mapping) or not _are_facts(*(json.get(name) for name in (*FACTS, "digest"))):
            message = "Must be a file as documents keep it"
            raise ValueError(message)
        told = {name: json[name] for name in (*FACTS, "digest")}
        return FileVersion(**told, source=self._source_of(json))

    def _source_of(self, json: Mapping[str, Any]) -> Source:
        """Say where the content of a stored version is."""
        raise NotImplementedError

    def operand(self, value: Any) -> Json:
        """Refuse to compare: only whether there is a file can be asked."""
        raise Refusal.of("operator", "Is a file: it can be compared with null only")

    def described(self, value: FileVersion) -> dict[str, Any]:
        """Tell what a default is; its id is another one in each item."""
        return {name: fact for name, fact in value.facts().items() if name != "file_id"}

    def facts(self) -> dict[str, Any]:
        """Give what is taken."""
        return {"mime_types": list(self.mime_types), "max_size": self.max_size}


class BlobFile(FileField):
    """A small file whose content is part of the document.

    Options:
        mime_types: the types that are taken.
        max_size: in bytes, 8 MiB when nothing is said.
    """

    default_size = BLOB_SIZE

    def _housed(self, version: FileVersion) -> FileVersion:
        if isinstance(version.source, Inline):
            return version
        return replace(version, source=Inline(source=version.source))

    def _inlined(self, value: FileVersion) -> dict[str, Any]:
        source = value.source if isinstance(value.source, Inline) else Inline(source=value.source)
        return {"content": source.encoded}

    def _source_of(self, json: Mapping[str, Any]) -> Source:
        content = json.get("content")
        if not isinstance(content, str) or _decoded_size(content) != json["size"]:
            message = "Must have its content, in base64"
            raise ValueError(message)
        return Inline(encoded=content)


class File(FileField):
    """A file whose content is kept by connectors, and only described in the document.

    Options:
        work_connector: keeps the content (also `work`).
        storage_connector: keeps a second copy, read when the first one is gone (also `storage`).
        mime_types: the types that are taken.
        max_size: in bytes, 1 GiB when nothing is said.
    """

    own_options: ClassVar[Mapping[str, str]] = {
        **FileField.own_options,
        "work_connector": "work",
        "work": "work",
        "storage_connector": "storage",
        "storage": "storage",
    }
    default_size = FILE_SIZE

    work: FileConnector
    storage: FileConnector | None

    def __init__(self, **options: Unpack[KeptFileOptions]) -> None:
        super().__init__(**options)  # type: ignore[misc]  # the base takes every option at run time

    def configure(
        self,
        *,
        work: FileConnector | None = None,
        storage: FileConnector | None = None,
        **own: Any,
    ) -> None:
        """Take the connectors, and the options of a file."""
        if not isinstance(work, FileConnector):
            message = f"File needs work_connector=, a FileConnector, not {shown(work)}"
            raise DefinitionError(message, hint="such as FileSystemConnector(path=…); a BlobFile needs none")
        if not isinstance(storage, FileConnector | None):
            message = f"File: storage_connector is a FileConnector, not {shown(storage)}"
            raise DefinitionError(message)
        self._set(work=work, storage=storage)
        super().configure(**own)

    @property
    def arrivals(self) -> Path | None:
        """The folder from which the work connector can take a file without a copy."""
        return self.work.arrivals

    def _source_of(self, json: Mapping[str, Any]) -> Source:
        return Kept(json["file_id"], self.work, self.storage)


def _types(name: str, declared: Iterable[str] | None) -> tuple[str, ...]:
    if declared is None:
        return ()
    if isinstance(declared, str) or not isinstance(declared, Iterable):
        message = f"{name}: mime_types is a list of types, not {shown(declared)}"
        raise DefinitionError(message)
    types = []
    for one in declared:
        read = declared_type(one) if isinstance(one, str) else None
        if read is None:
            message = f"{name}: {shown(one)} is not a type such as 'image/png' or 'image/*'"
            raise DefinitionError(message)
        types.append(read)
    return tuple(dict.fromkeys(types))


def _are_facts(file_id: Any, filename: Any, content_type: Any, size: Any, digest: Any) -> bool:
    texts = all(isinstance(one, str) and one for one in (filename, content_type, digest))
    return is_file_id(file_id) and texts and isinstance(size, int) and not isinstance(size, bool) and size >= 0


def _as_read(given: Mapping[str, Any], present: Mapping[str, FileVersion]) -> Any:
    """Find the file that an object of a client stands for: all facts are there and as they were read.

    The address is not compared: it depends on how the application was reached.
    """
    file_id = given.get("file_id")
    found = present.get(file_id) if isinstance(file_id, str) else None
    href = given.get("href")
    if found is None or not isinstance(href, str | None):
        return given
    facts = found.facts()
    told = {name: value for name, value in given.items() if name != "href"}
    same = told == facts and type(told["size"]) is not bool
    return found if same else given


def _decoded_size(text: str) -> int | None:
    """Tell how many bytes a base64 text stands for, without decoding it; None when it cannot be one."""
    return None if len(text) % 4 else len(text) // 4 * 3 - text[-2:].count("=")


@singledispatch
def address_of(record: Any, place: Place) -> str | None:
    """Tell the address of a file of a record; whoever gives addresses registers a function here."""
    del record, place
    return None


@presented.register(FileField)
def _file_value(field: FileField, record: Any, node: Node, place: Place, value: FileVersion | None) -> FileValue:
    del field, node

    def keep(given: Any) -> FileVersion | None:
        record._assign(place, given)  # noqa: SLF001  # the value is a part of the record
        kept: Any = record._values  # noqa: SLF001  # as above
        for step in place:
            kept = kept[step] if isinstance(step, int) or isinstance(kept, Mapping) else None
        return kept  # type: ignore[no-any-return]  # a version, or None

    return FileValue(value, keep, partial(address_of, record, place))
