"""Answer a request for a file: status, headers and the part that is sent, as HTTP has it (RFC 9110).

A content may be hostile, so it is sent in a way that lets no browser run it: its type is not to be
guessed, markup is a download, scripts are plain text, and what is opened all the same is in a
sandbox of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from backo.files.media_types import JAVASCRIPT, PLAIN, is_shown_in_place
from backo.files.names import content_disposition
from backo.files.streams import CHUNK
from backo.files.values import FileVersion

Headers: TypeAlias = tuple[tuple[str, str], ...]

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(?P<first>\d*)[ \t]*-[ \t]*(?P<last>\d*)[ \t]*", re.IGNORECASE | re.ASCII)
_TAG = re.compile(r'(?:W/)?"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]+)')
_MAX_DIGITS = 18  # of a position; files are shorter than an exabyte
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_PDF = "application/pdf"
_OF_TEXT = re.compile(r"text/|application/(?:json|jsonl|geo\+json|yaml|toml|sql|x-subrip)\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says about the file it wants; each header as it came, None when it did not.

    Attributes:
        method: GET or HEAD.
        range: `Range`.
        if_range: `If-Range`.
        if_none_match: `If-None-Match`.
        if_match: `If-Match`.
    """

    method: str = "GET"
    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a file is sent.

    Attributes:
        status: 200, 206 (a part), 304 (the client has it), 412 or 416.
        headers: of the answer, its length included.
        start: the first byte that is sent.
        length: how many are; 0 where there is no content in the answer.
    """

    status: int
    headers: Headers
    start: int = 0
    length: int = 0


def answered(version: FileVersion, asked: Asked) -> Answer:
    """Decide how a file is sent; to HEAD the content is left out, as by every adapter."""
    tag = f'"{version.digest}"'
    known: Headers = (("ETag", tag),)
    if asked.if_match is not None and not _names(asked.if_match, tag, weakly=False):
        return Answer(412, known)
    if asked.if_none_match is not None and _names(asked.if_none_match, tag, weakly=True):
        return Answer(304, known)
    wanted = asked.range if asked.method == "GET" else None
    if wanted is not None and (asked.if_range is None or _names(asked.if_range, tag, weakly=False, exact=True)):
        part = requested_part(wanted, version.size)
        if part is not None:
            return _partly(version, part, known)
    return Answer(200, (*_headers(version, version.size), *known), 0, version.size)


def requested_part(text: str, size: int) -> range | None:
    """Read the header `Range`; an empty range when nothing of it is there.

    Several ranges, other units and what cannot be read are passed over (None): the whole is sent.

    >>> requested_part("bytes=2-4", 10), requested_part("bytes=-3", 10), requested_part("bytes=9-", 5)
    (range(2, 5), range(7, 10), range(0, 0))
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last = _position(match["first"]), _position(match["last"])
    if first is None:
        return None if last is None else _within(size - min(last, size), size, size)
    if last is not None and last < first:
        return None
    return _within(first, size if last is None else last + 1, size)


def _position(digits: str) -> int | None:
    """Read a position; one with too many digits is beyond every end."""
    if not digits:
        return None
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _within(start: int, end: int, size: int) -> range:
    return range(start, min(end, size)) if start < size else range(0)


def _partly(version: FileVersion, part: range, known: Headers) -> Answer:
    if not part:
        unsatisfied = (("Content-Range", f"bytes */{version.size}"), ("Accept-Ranges", "bytes"), *known)
        return Answer(416, unsatisfied)
    content_range = ("Content-Range", f"bytes {part.start}-{part.stop - 1}/{version.size}")
    return Answer(206, (*_headers(version, len(part)), content_range, *known), part.start, len(part))


def _names(text: str, tag: str, *, weakly: bool, exact: bool = False) -> bool:
    """Tell whether a header names a tag (RFC 9110, 8.8.3.2)."""
    text = text.strip()
    if exact:  # `If-Range` holds one tag, or a date, which never fits
        return text == tag
    if text == "*":
        return True
    bare = tag.strip('"')
    return any(
        (match["quoted"] if match["bare"] is None else match["bare"]) == bare
        for match in _TAG.finditer(text)
        if weakly or not match[0].startswith("W/")
    )


def _headers(version: FileVersion, length: int) -> Headers:
    headers = (
        ("Content-Type", served_type(version.content_type)),
        ("Content-Length", str(length)),
        ("Content-Disposition", content_disposition(version.filename, inline=is_shown_in_place(version.content_type))),
        ("Accept-Ranges", "bytes"),
        ("X-Content-Type-Options", "nosniff"),
    )
    # Chromium does not show a PDF inside a sandbox; a PDF cannot reach the origin it came from.
    return headers if version.content_type == _PDF else (*headers, ("Content-Security-Policy", _SANDBOX))


def served_type(content_type: str) -> str:
    """Give the header `Content-Type` of a file.

    A script is sent as the text that it is, so that no page can load it as a script. A byte order
    mark, where there is one, counts more than the encoding named here.

    >>> served_type("text/javascript"), served_type("image/png")
    ('text/plain; charset=utf-8', 'image/png')
    """
    served = PLAIN if content_type == JAVASCRIPT else content_type
    return f"{served}; charset=utf-8" if _OF_TEXT.match(served) else served


class Chunks:
    """The bytes of an answer, in pieces of at most 64 KiB; to be closed by who iterates.

    The content is opened at once, so that what is missing is known before anything is sent.

    Raises:
        ContentMissingError: it is not there any more.
    """

    def __init__(self, version: FileVersion, answer: Answer) -> None:
        self._stream: BinaryIO | None = version.open(answer.start, answer.length) if answer.length else None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Give the next piece."""
        chunk = b"" if self._stream is None else self._stream.read(CHUNK)
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Close the content."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
