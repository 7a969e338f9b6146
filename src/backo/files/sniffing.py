"""Tell the type of a content by its bytes.

What a client says of a type is not heard. The name of a file may refine plain text (`.csv`, `.md`),
never anything else, and markup is recognised before names are asked: a page is a page, whatever it
is called.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import NamedTuple

from backo.files.markup import markup_of
from backo.files.media_types import BINARY, OLE, PLAIN, ZIP

HEAD = 16 * 1024  # bytes of a content that are looked at


class _Signature(NamedTuple):
    offset: int
    start: bytes
    content_type: str


# Those that begin a content even when all of it is text.
_OF_ANY: tuple[_Signature, ...] = (
    _Signature(0, b"%PDF-", "application/pdf"),
    _Signature(0, b"%!PS-Adobe", "application/postscript"),
    _Signature(0, b"{\\rtf", "application/rtf"),
    _Signature(0, b"GIF87a", "image/gif"),
    _Signature(0, b"GIF89a", "image/gif"),
)

# Those that count only where there is more than text: a letter may begin with `MZ` or `OTTO`.
_OF_BINARY: tuple[_Signature, ...] = (
    _Signature(0, b"\x89PNG\r\n\x1a\n", "image/png"),
    _Signature(0, b"\xff\xd8\xff", "image/jpeg"),
    _Signature(0, b"II*\0", "image/tiff"),
    _Signature(0, b"MM\0*", "image/tiff"),
    _Signature(0, b"8BPS\0\1", "image/vnd.adobe.photoshop"),
    _Signature(0, b"\0\0\1\0", "image/vnd.microsoft.icon"),
    _Signature(0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    _Signature(0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    _Signature(0, b"\x1f\x8b", "application/gzip"),
    _Signature(0, b"BZh", "application/x-bzip2"),
    _Signature(0, b"\xfd7zXZ\0", "application/x-xz"),
    _Signature(0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    _Signature(0, b"Rar!\x1a\x07", "application/vnd.rar"),
    _Signature(0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    _Signature(0, b"\x04\x22\x4d\x18", "application/x-lz4"),
    _Signature(257, b"ustar", "application/x-tar"),
    _Signature(0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    _Signature(0, b"fLaC", "audio/flac"),
    _Signature(0, b"ID3", "audio/mpeg"),
    _Signature(0, b"MThd\0\0\0\6", "audio/midi"),
    _Signature(0, b"#!AMR", "audio/amr"),
    _Signature(0, b"\0\0\1\xba", "video/mpeg"),
    _Signature(0, b"\0\0\1\xb3", "video/mpeg"),
    _Signature(0, b"FLV\1", "video/x-flv"),
    _Signature(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    _Signature(0, b"wOFF", "font/woff"),
    _Signature(0, b"wOF2", "font/woff2"),
    _Signature(0, b"OTTO\0", "font/otf"),
    _Signature(0, b"\0\1\0\0\0", "font/ttf"),
    _Signature(0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    _Signature(0, b"PAR1", "application/vnd.apache.parquet"),
    _Signature(0, b"\0asm\1\0\0\0", "application/wasm"),
    _Signature(0, b"\x7fELF", "application/x-executable"),
    _Signature(0, b"MZ", "application/vnd.microsoft.portable-executable"),
    _Signature(0, b"\xca\xfe\xba\xbe", "application/java-vm"),
)

_RIFF: Mapping[bytes, str] = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}

# The brand that stands first in an ISO container (`ftyp`).
_BRANDS: Mapping[bytes, str] = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"crx ": "image/x-canon-cr3",
    b"3gp4": "video/3gpp",
    b"3gp5": "video/3gpp",
}

_OOXML: Mapping[str, str] = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_NAMED_BY_THEMSELVES = re.compile(rb"application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z-]{1,40})")

_OLE_STREAMS: Mapping[str, str] = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
}


def sniffed(head: bytes) -> str:
    r"""Tell the type of a content by its first bytes (`HEAD` of them are enough).

    >>> sniffed(b"\x89PNG\r\n\x1a\n\0"), sniffed(b"Hello word"), sniffed(b"\xef\xbb\xbf <HTML>")
    ('image/png', 'text/plain', 'text/html')
    """
    head = head[:HEAD]
    found = _signed(head, _OF_ANY)
    if found is not None:
        return found
    text = _text(head)
    if text is not None:
        return markup_of(text) or PLAIN
    return _zip(head) or _ole(head) or _container(head) or _signed(head, _OF_BINARY) or BINARY


def _signed(head: bytes, signatures: tuple[_Signature, ...]) -> str | None:
    for offset, start, content_type in signatures:
        if head.startswith(start, offset):
            return content_type
    return None


_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY_BYTES = bytes([*range(9), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_MANY_HIGH_BYTES = 0.3  # of a text in an 8-bit encoding; what has more is none


def _text(head: bytes) -> str | None:
    """Decode what is text; None when it is not."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            decoded = head[len(mark) :].decode(encoding, "ignore")
            return None if _CONTROLS.search(decoded) else decoded
    if len(head.translate(None, _BINARY_BYTES)) != len(head):
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        high = sum(byte >= 0x80 for byte in head)
        return head.decode("latin-1") if high <= _MANY_HIGH_BYTES * len(head) else None


_LOCAL_HEADER = re.compile(rb"PK\x03\x04.{22}(?P<name>..)..", re.DOTALL)


def _zip(head: bytes) -> str | None:
    """Tell what kind of document an archive is, by the names and the first content in it."""
    if not head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return None
    names = []
    for match in _LOCAL_HEADER.finditer(head):
        end = match.end() + int.from_bytes(match["name"], "little")
        names.append(head[match.end() : end].decode("utf-8", "replace"))
        if len(names) == 1 and names[0] == "mimetype" and (own := _NAMED_BY_THEMSELVES.match(head, end)):
            return own[0].decode()
    if "AndroidManifest.xml" in names:
        return "application/vnd.android.package-archive"
    if "META-INF/MANIFEST.MF" in names:
        return "application/java-archive"
    if "[Content_Types].xml" in names or "_rels/.rels" in names:
        for folder, content_type in _OOXML.items():
            if any(name.startswith(folder) for name in names):
                return content_type
    return ZIP


def _ole(head: bytes) -> str | None:
    """Tell an old office document by the streams in it, as far as they show at its start."""
    if not head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return None
    for name, content_type in _OLE_STREAMS.items():
        if name.encode("utf-16-le") in head:
            return content_type
    return OLE


def _container(head: bytes) -> str | None:
    """Tell the types that share a container, and those known by more than their first bytes."""
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in {b"AIFF", b"AIFC"}:
        return "audio/aiff"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[4:8] in {b"moov", b"mdat", b"wide"} and head[0] == 0:
        return "video/quicktime"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(b"OggS"):
        return "video/ogg" if b"theora" in head[:256] else "audio/ogg"
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    if len(head) > 3 and head[0] == 0xFF:
        return _frame(head)
    return None


def _frame(head: bytes) -> str | None:
    """Tell bare audio frames by their first header."""
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    if head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 not in {0x00, 0xF0}:  # layer III, a known bit rate
        return "audio/mpeg"
    return None
