"""Say what can be wrong with the content of a file, so that the edge can tell the cases apart.

BackoError
├── FileError
│   ├── FileTooLargeError     more bytes than there may be                   (413)
│   └── ContentMissingError   it is recorded, but where it should be it is not
└── FormError                 a body in several parts cannot be read         (400)
"""

from __future__ import annotations

from collections.abc import Iterable

from backo.errors import BackoError, FileError, Problem


class FileTooLargeError(FileError):
    """Raised while content arrives, as soon as there is too much of it.

    Attributes:
        limit: how many bytes (or parts of a form) there may be.
    """

    code = "too_large"

    def __init__(self, limit: int, *, of: str = "bytes", problems: Iterable[Problem] = ()) -> None:
        super().__init__(f"there may be at most {limit} {of} here", problems=problems)
        self.limit = limit


class ContentMissingError(FileError):
    """Raised when there is no content under a file id."""

    code = "file_missing"


class FormError(BackoError):
    """Raised when a body of `multipart/form-data` is not one."""

    code = "malformed"
