"""Read a body of `multipart/form-data` (RFC 7578) while it arrives.

The bytes are taken apart by the sans-IO parser of the library `multipart`, which is named in this
module alone and loaded when the first form arrives. (The decoder of Werkzeug, which Flask brings, is
not used: where the last boundary arrives in two pieces, it may add a byte to the file before.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from backo.errors import shown
from backo.files.forms import Form, FormReader
from backo.files.places import Files
from backo.files.refusals import FormError
from backo.files.streams import CHUNK

MULTIPART = "multipart/form-data"
MAX_PARTS = 100

_MAX_BOUNDARY = 200  # characters; RFC 2046 says 70, some clients write more
_MAX_HEADER = 4096  # bytes of one header of a part
_MAX_HEADERS = 16  # of one part
MAX_BESIDE = MAX_PARTS * _MAX_HEADERS * _MAX_HEADER  # bytes of a form beside what its parts hold, at most
_MAX_BETWEEN = 2 * _MAX_HEADERS * _MAX_HEADER  # bytes that belong to no part: what a client may send beside them

Reader: TypeAlias = Callable[[int], bytes]
"""Reads at most so many bytes of a body, none at its end."""


def boundary_of(content_type: str) -> bytes:
    """Read the boundary out of the header `Content-Type`.

    Raises:
        FormError: there is none that can be used.
    """
    kind, options = _library().parse_options_header(content_type)
    boundary = options.get("boundary", "")
    good = boundary.isascii() and boundary.isprintable() and not boundary.endswith(" ")
    if kind != MULTIPART or not 0 < len(boundary) <= _MAX_BOUNDARY or not good:
        message = f"{shown(content_type)} names no form with a boundary"
        raise FormError(message)
    return bytes(boundary, "ascii")


def read_form(read: Reader, boundary: bytes, files: Files, *, json_size: int, max_parts: int = MAX_PARTS) -> Form:
    """Read a form.

    Args:
        read: gives the body, piece by piece.
        boundary: between its parts.
        files: the file fields that its parts may name.
        json_size: bytes that the part `_json` may have.
        max_parts: how many parts it may have.

    Raises:
        FormError: it is malformed, or has not arrived whole.
        FileTooLargeError: there are too many parts, or one is too large; the rest is not read.
        ValidationError: a part names no file field, or the same one as another part.
    """
    reader = FormReader(files, json_size=json_size, max_parts=max_parts)
    try:
        for event in _events(read, boundary):
            if isinstance(event, bytes | bytearray):
                reader.take(event)
            elif event is None:
                reader.end()
            else:
                reader.begin(event.name, event.filename)
    except BaseException:
        reader.discard()
        raise
    return reader.form


def _events(read: Reader, boundary: bytes) -> Iterator[Any]:
    """Take a body apart: for each part an object with its `name` and `filename`, its bytes, then None.

    Raises:
        FormError: it is malformed, or has not arrived whole.
    """
    library = _library()
    parser = library.PushMultipartParser(boundary, max_header_size=_MAX_HEADER, max_header_count=_MAX_HEADERS)
    between, is_open, is_empty = 0, False, True  # bytes since the last part, and whether one is arriving
    try:
        while chunk := read(CHUNK):
            is_empty = False
            between += 0 if is_open else len(chunk)
            for event in parser.parse(chunk):
                yield event
                between, is_open = 0, event is not None
            if between > _MAX_BETWEEN:
                message = "the form has more before, between or after its parts than a form can have"
                raise FormError(message)
        parser.close()
        if is_empty:
            message = "a form is expected"
            raise FormError(message)
    except library.MultipartError as error:
        message = f"the form cannot be read: {error.args[0]}"
        raise FormError(message) from error


def _library() -> Any:
    import multipart  # noqa: PLC0415  # see above

    return multipart
