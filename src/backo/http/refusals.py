"""What the edge itself refuses, before the application is asked; never seen by Python callers."""

from __future__ import annotations

from backo.errors import BackoError


class MalformedError(BackoError):
    """Raised when a request cannot be read."""

    code = "malformed"


class OriginError(BackoError):
    """Raised when an unsafe request comes from a page of another site."""

    code = "origin"


class MethodError(BackoError):
    """Raised when an address does not know the method.

    Attributes:
        allow: the methods that it knows, as the header `Allow` lists them.
    """

    code = "method"

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"this address knows {allow}, not {method[:20]}")
        self.allow = allow


class TooLargeError(BackoError):
    """Raised when a body has more bytes than it may have."""

    code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"a body may have at most {limit} bytes")


class RangeError(BackoError):
    """Raised when nothing of the part of a file that is asked for is there.

    Attributes:
        content_range: what the header `Content-Range` says of the file.
    """

    code = "range"

    def __init__(self, content_range: str) -> None:
        super().__init__("the file does not have this part")
        self.content_range = content_range


class MediaTypeError(BackoError):
    """Raised when a body is in a form that nobody here reads."""

    code = "media_type"
