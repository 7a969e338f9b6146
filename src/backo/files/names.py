"""Treat file names as data: clean those that come in, quote those that go out.

A name never becomes a path here or anywhere else.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

MAX_NAME = 255  # bytes of UTF-8
NAMELESS = "file"

_SEPARATORS = re.compile(r"[/\\]")
# Control characters, lone surrogates, ends of lines, and the marks that let `gpj.exe` show as `exe.jpg`.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LONGEST_EXTENSION = 20  # characters after the last dot that are worth keeping when a name is cut
_UNSAFE_IN_QUOTES = re.compile(r"[^ !#$&'()*+,\-.0-9:;<=>?@A-Z\[\]^_`a-z{|}~]")
_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"  # beside letters and digits (RFC 8187, 3.2.1)


def file_name(given: str | None) -> str:
    r"""Clean a name from outside: the base name alone, nothing invisible, 255 bytes, never empty.

    >>> file_name("C:\\fakepath\\holiday.jpg"), file_name("../../etc/passwd"), file_name("..")
    ('holiday.jpg', 'passwd', 'file')
    """
    base = _SEPARATORS.split(given or "")[-1]
    name = unicodedata.normalize("NFC", _UNSHOWN.sub("", base)).strip()
    if not name.strip(". "):
        return NAMELESS
    return _cut(name)


def _cut(name: str) -> str:
    """Shorten a name to what file systems take; its extension stays, no character is torn."""
    if len(name.encode()) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _LONGEST_EXTENSION:
        stem, dot, extension = name, "", ""
    tail = (dot + extension).encode()
    return (_cut_text(stem, MAX_NAME - len(tail)) + dot + extension).strip()


def _cut_text(text: str, size: int) -> str:
    """Give the start of a text in at most so many bytes, without leaving an accent behind its letter."""
    kept = text.encode()[:size].decode("utf-8", "ignore")
    if len(kept) < len(text) and _joins(text[len(kept)]):
        shorter = kept
        while shorter and _joins(shorter[-1]):
            shorter = shorter[:-1]
        kept = shorter[:-1] or kept
    return kept


def _joins(character: str) -> bool:
    """Tell whether a character is drawn together with the one before it."""
    return unicodedata.category(character).startswith("M") or character == "\u200d"


def extension_of(name: str | None) -> str:
    """Give what stands after the last dot, in lower case; nothing for `.profile`.

    >>> extension_of("Table.CSV"), extension_of(".profile"), extension_of("README")
    ('csv', '', '')
    """
    stem, _, extension = (name or "").rpartition(".")
    return extension.lower() if stem else ""


def content_disposition(name: str, *, inline: bool) -> str:
    """Write the header that says under which name to keep a file (RFC 6266, RFC 8187).

    >>> print(content_disposition("Été.txt", inline=False))
    attachment; filename="Ete.txt"; filename*=UTF-8''%C3%89t%C3%A9.txt
    """
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{_ascii(name)}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE_CHARACTERS)}"


def _ascii(name: str) -> str:
    """Write a name for clients that know no other characters; those that do take the other one."""
    stem, _, extension = name.rpartition(".")
    plain = _plain(stem or name) or NAMELESS
    return f"{plain}.{extension}" if stem and (extension := _plain(extension)) else plain


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _UNSAFE_IN_QUOTES.sub("_", decomposed).strip()
