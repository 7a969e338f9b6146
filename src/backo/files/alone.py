"""Let a declaration hold one file of its own, to try it out: `a = BlobFile(); a.set(b"…")`."""

from __future__ import annotations

from typing import Any, BinaryIO

from backo.errors import ValidationError
from backo.files.content import Given
from backo.files.values import FileValue, FileVersion
from backo.schema.fields import Check
from backo.schema.problems import Refusal


class OwnFile:
    """One file that a declaration holds for itself.

    It has the methods of a `FileValue` and is checked as the file of an item would be. It belongs to no
    item, is kept by no connector, and all who use the declaration share it: it is for a dialogue,
    a script or a test. What is declared still cannot be changed.

    >>> from backo.files.fields import BlobFile
    >>> a = BlobFile(max_size=100)
    >>> a.set(b"Hello word")
    >>> a.filename = "my_hello.txt"
    >>> a.content_type, a.size, a.get_content()
    ('text/plain', 10, b'Hello word')
    """

    _own: FileValue

    def hold_nothing(self, check: Check) -> None:
        """Begin without a file.

        Args:
            check: what a file has to pass.
        """

        def keep(given: Any) -> FileVersion | None:
            try:
                version: FileVersion | None = None if given is None else check(given)
            except Refusal as refusal:
                message = f"this is no {type(self).__name__} as it is declared"
                raise ValidationError(message, problems=refusal.problems()) from refusal
            return version

        object.__setattr__(self, "_own", FileValue(None, keep))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "filename":
            self._own.filename = value
        else:
            super().__setattr__(name, value)

    @property
    def filename(self) -> str | None:
        """The name; may be set."""
        return self._own.filename

    @filename.setter
    def filename(self, name: str) -> None:  # for type checkers: `__setattr__` comes first
        self._own.filename = name

    @property
    def content_type(self) -> str | None:
        """What its bytes say."""
        return self._own.content_type

    @property
    def size(self) -> int | None:
        """In bytes."""
        return self._own.size

    @property
    def file_id(self) -> str | None:
        """A random id, another one for each content."""
        return self._own.file_id

    def set(self, given: Any) -> None:
        """Set the file; see `FileValue.set`."""
        self._own.set(given)

    def set_content(self, content: Given) -> None:
        """Replace the content; see `FileValue.set_content`."""
        self._own.set_content(content)

    def get_content(self) -> bytes:
        """Give the whole content; see `FileValue.get_content`."""
        return self._own.get_content()

    def open(self, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open the content for reading; see `FileValue.open`."""
        return self._own.open(start, length)
