"""Know media types by their names: synonyms, what names of files add, what browsers may show."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backo.files.names import extension_of

PLAIN = "text/plain"
BINARY = "application/octet-stream"
ZIP = "application/zip"
HTML = "text/html"
SVG = "image/svg+xml"
XML = "application/xml"
OLE = "application/x-ole-storage"
JAVASCRIPT = "text/javascript"

# What a browser shows and cannot run.
SHOWN_IN_PLACE = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
        "image/vnd.microsoft.icon",
        "application/pdf",
        PLAIN,
    },
)

# Other names of the types, as people write them in `mime_types`.
_SYNONYMS: Mapping[str, str] = {
    "application/gzip-compressed": "application/gzip",
    "application/javascript": JAVASCRIPT,
    "application/x-gzip": "application/gzip",
    "application/x-javascript": JAVASCRIPT,
    "application/x-pdf": "application/pdf",
    "application/x-rar": "application/vnd.rar",
    "application/x-rar-compressed": "application/vnd.rar",
    "application/x-zip-compressed": ZIP,
    "application/zip-compressed": ZIP,
    "audio/mp3": "audio/mpeg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-midi": "audio/midi",
    "audio/x-wav": "audio/wav",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-icon": "image/vnd.microsoft.icon",
    "image/x-ms-bmp": "image/bmp",
    "image/x-png": "image/png",
    "text/json": "application/json",
    "text/rtf": "application/rtf",
    "text/x-markdown": "text/markdown",
    "text/x-yaml": "application/yaml",
    "text/xml": XML,
    "text/yaml": "application/yaml",
    "video/avi": "video/x-msvideo",
    "video/x-m4v": "video/mp4",
}

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/(?:[a-z0-9][a-z0-9!#$&^_.+-]{0,126}|\*)")

# What the name of a file may say of plain text.
_TEXTS: Mapping[str, str] = {
    "css": "text/css",
    "csv": "text/csv",
    "eml": "message/rfc822",
    "geojson": "application/geo+json",
    "htm": HTML,
    "html": HTML,
    "ics": "text/calendar",
    "js": JAVASCRIPT,
    "json": "application/json",
    "jsonl": "application/jsonl",
    "markdown": "text/markdown",
    "md": "text/markdown",
    "mjs": JAVASCRIPT,
    "py": "text/x-python",
    "rst": "text/x-rst",
    "sh": "text/x-shellscript",
    "sql": "application/sql",
    "srt": "application/x-subrip",
    "tex": "text/x-tex",
    "toml": "application/toml",
    "tsv": "text/tab-separated-values",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    "xml": XML,
    "yaml": "application/yaml",
    "yml": "application/yaml",
}

# Those that only a name tells; markup is told by the bytes too.
_BY_NAME = frozenset(_TEXTS.values()) - {HTML, XML}

# What it may say of XML, which is text too.
_XMLS: Mapping[str, str] = {
    "atom": "application/atom+xml",
    "gpx": "application/gpx+xml",
    "kml": "application/vnd.google-earth.kml+xml",
    "rss": "application/rss+xml",
}

# How a file without a name of its own is called.
_EXTENSIONS: Mapping[str, str] = {
    PLAIN: "txt",
    HTML: "html",
    SVG: "svg",
    XML: "xml",
    ZIP: "zip",
    "application/gzip": "gz",
    "application/pdf": "pdf",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/vnd.microsoft.icon": "ico",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
}


def refined(content_type: str, filename: str | None) -> str:
    """Let the name of a file say which kind of text it is.

    >>> refined("text/plain", "table.csv"), refined("text/html", "table.csv"), refined("image/png", "a.md")
    ('text/csv', 'text/html', 'image/png')
    """
    names = {PLAIN: _TEXTS, XML: _XMLS}.get(content_type, {})
    return names.get(extension_of(filename), content_type)


def unrefined(content_type: str) -> str:
    """Take back what a name may have said, as far as it can be told; markup stays what it is."""
    if content_type in _BY_NAME:
        return PLAIN
    return XML if content_type in _XMLS.values() else content_type


def is_shown_in_place(content_type: str) -> bool:
    """Tell whether a browser may show it where it is: plain images, PDF and text, never markup."""
    return content_type in SHOWN_IN_PLACE


def extension_for(content_type: str) -> str:
    """Give the usual extension of a type, without the dot; nothing where there is none to tell."""
    return _EXTENSIONS.get(content_type, "")


def declared_type(text: str) -> str | None:
    """Read a type of `mime_types` such as `image/png` or `image/*`; None when it is none.

    >>> declared_type("Image/JPG"), declared_type("image/*"), declared_type("png")
    ('image/jpeg', 'image/*', None)
    """
    lower = text.strip().lower()
    return _SYNONYMS.get(lower, lower) if _TYPE.fullmatch(lower) else None


def is_one_of(content_type: str, declared: tuple[str, ...]) -> bool:
    """Tell whether a type is among those declared, each read by `declared_type`."""
    family = content_type.partition("/")[0] + "/*"
    return content_type in declared or family in declared
