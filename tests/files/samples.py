"""Small contents of every kind, disguised ones among them: name of the file, bytes, true type."""

import codecs
import gzip
import io
import tarfile
import zipfile
import zlib
from typing import NamedTuple


class Sample(NamedTuple):
    """A content with the name that somebody gave it, and what it is."""

    filename: str
    content: bytes
    content_type: str


def png() -> bytes:
    """Make an image of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def zipped(*members: tuple[str, bytes], stored: bool = False) -> bytes:
    """Make an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def office(folder: str) -> bytes:
    """Make the archive that an office document is."""
    types = b"<?xml version='1.0'?><Types>" + b"<Default/>" * 50 + b"</Types>"
    return zipped(
        ("[Content_Types].xml", types), ("_rels/.rels", b"<x/>"), ("docProps/app.xml", b"<x/>"), (folder, b"<x/>")
    )


def named_by_itself(content_type: str) -> bytes:
    """Make an archive that says first what it is."""
    return zipped(("mimetype", content_type.encode()), ("content.xml", b"<x/>"), stored=True)


def bomb() -> bytes:
    """Make an archive whose one member says that it has four gigabytes."""
    content = zipped(("zeros.bin", b"\0" * 100_000))
    return content.replace((100_000).to_bytes(4, "little"), b"\xff\xff\xff\xff")


def tar() -> bytes:
    """Make an archive of the other kind."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return file.getvalue()


def ole(stream: str) -> bytes:
    """Make the start of an old office document."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + b"\xff" * 512 + stream.encode("utf-16-le") + b"\0" * 64


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html>\n<html><body><script>alert(1)</script></body></html>"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff\xd9"
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_ODT = "application/vnd.oasis.opendocument.text"

PLAIN_SAMPLES = [
    Sample("pixel.png", png(), "image/png"),
    Sample("photo.jpg", JPEG, "image/jpeg"),
    Sample("moving.gif", b"GIF89a\1\0\1\0\0\0\0;", "image/gif"),
    Sample("new.webp", b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0", "image/webp"),
    Sample("newer.avif", b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "image/avif"),
    Sample("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
    Sample("old.bmp", b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"),
    Sample("scan.tif", b"II*\0\x08\0\0\0", "image/tiff"),
    Sample("favicon.ico", b"\0\0\1\0\1\0\x10\x10", "image/vnd.microsoft.icon"),
    Sample("letter.pdf", PDF, "application/pdf"),
    Sample("letter.rtf", b"{\\rtf1\\ansi Hello}", "application/rtf"),
    Sample("letter.docx", office("word/document.xml"), _DOCX),
    Sample("table.xlsx", office("xl/workbook.xml"), _XLSX),
    Sample("talk.pptx", office("ppt/presentation.xml"), _PPTX),
    Sample("letter.odt", named_by_itself(_ODT), _ODT),
    Sample("book.epub", named_by_itself("application/epub+zip"), "application/epub+zip"),
    Sample("letter.doc", ole("WordDocument"), "application/msword"),
    Sample("table.xls", ole("Workbook"), "application/vnd.ms-excel"),
    Sample("other.ole", ole("Other"), "application/x-ole-storage"),
    Sample("all.zip", zipped(("a.txt", b"x")), "application/zip"),
    Sample("tool.jar", zipped(("META-INF/MANIFEST.MF", b"x")), "application/java-archive"),
    Sample("all.gz", gzip.compress(b"x"), "application/gzip"),
    Sample("all.tar", tar(), "application/x-tar"),
    Sample("all.7z", b"7z\xbc\xaf\x27\x1c\0\4", "application/x-7z-compressed"),
    Sample("all.rar", b"Rar!\x1a\x07\1\0", "application/vnd.rar"),
    Sample("song.mp3", b"ID3\4\0\0\0\0\0\0\xff\xfb\x90\0", "audio/mpeg"),
    Sample("bare.mp3", b"\xff\xfb\x90\x64" + b"\0" * 20, "audio/mpeg"),
    Sample("song.flac", b"fLaC\0\0\0\x22", "audio/flac"),
    Sample("song.ogg", b"OggS\0\2" + b"\0" * 20 + b"\1vorbis", "audio/ogg"),
    Sample("song.wav", b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
    Sample("film.mp4", b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "video/mp4"),
    Sample("film.mov", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
    Sample("film.webm", b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\x82\x84webm", "video/webm"),
    Sample("film.mkv", b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\x82\x88matroska", "video/x-matroska"),
    Sample("film.avi", b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
    Sample("font.woff2", b"wOF2\0\1\0\0", "font/woff2"),
    Sample("program.exe", b"MZ\x90\0\3\0\0\0", "application/vnd.microsoft.portable-executable"),
    Sample("data.sqlite", b"SQLite format 3\0\x10\0", "application/vnd.sqlite3"),
    Sample("noise.bin", bytes(range(256)), "application/octet-stream"),
]

TEXT_SAMPLES = [
    Sample("notes.txt", b"Hello word", "text/plain"),
    Sample("README", "Zażółć gęślą jaźń, 日本".encode(), "text/plain"),
    Sample("empty.txt", b"", "text/plain"),
    Sample("old.txt", "Voilà un été".encode("latin-1"), "text/plain"),
    Sample("windows.txt", codecs.BOM_UTF16_LE + "Hello".encode("utf-16-le"), "text/plain"),
    Sample("marked.txt", codecs.BOM_UTF8 + b"Hello", "text/plain"),
    Sample("terminal.log", b"\x1b[31mred\x1b[0m\n", "text/plain"),
    Sample("table.csv", b"a;b\n1;2\n", "text/csv"),
    Sample("page.md", b"# Title\n\nText.", "text/markdown"),
    Sample("data.json", b'{"a": 1}', "application/json"),
    Sample("style.css", b"a { color: red }", "text/css"),
    Sample("script.js", b"alert(1)", "text/javascript"),
    Sample("settings.yml", b"a: 1\n", "application/yaml"),
    Sample("meeting.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar"),
    Sample("page.html", b"just some words", "text/html"),
    Sample("data.xml", b"<?xml version='1.0'?><a/>", "application/xml"),
    Sample("news.rss", b"<?xml version='1.0'?><rss/>", "application/rss+xml"),
    Sample("angle.txt", b"<3 is a heart, and <me@host> an address", "text/plain"),
    Sample("dear.txt", b"MZ is how this letter begins; OTTO wrote it, ID3 too", "text/plain"),
]

DISGUISED = [
    Sample("page.png", HTML, "text/html"),
    Sample("page.txt", b" \t\r\n<script>alert(1)</script>", "text/html"),
    Sample("page.csv", b"<!-- a comment --><img src=x onerror=alert(1)>", "text/html"),
    Sample("page.jpg", codecs.BOM_UTF8 + b"\n<HTML>", "text/html"),
    Sample("wide.png", codecs.BOM_UTF16_BE + HTML.decode().encode("utf-16-be"), "text/html"),
    Sample("hidden.png", b"<!--" + b" " * 20_000 + b"--><html>", "text/html"),
    Sample("subset.png", b"<!doctype html [" + b" " * 20_000, "text/html"),
    Sample("glued.png", b"<!DOCTYPEhtml><x onclick=alert(1)>", "text/html"),
    Sample("unknown.png", b"<custom-tag><script>alert(1)</script>", "text/html"),
    Sample("page.xml", b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "text/html"),
    Sample("inside.xml", b"<?xml version='1.0'?><a><b xmlns='http://www.w3.org/1999/xhtml'/></a>", "text/html"),
    Sample("drawing.png", SVG, "image/svg+xml"),
    Sample("drawing.jpg", b"<?xml version='1.0'?>\n<!-- by a program -->\n" + SVG, "image/svg+xml"),
    Sample("drawing.txt", b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>\n" + SVG, "image/svg+xml"),
    Sample("drawing.gif", b"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    Sample("inside.png", b"<?xml version='1.0'?><a xmlns:s='http://www.w3.org/2000/svg'><s:svg/></a>", "image/svg+xml"),
    Sample("photo.gif", JPEG, "image/jpeg"),
    Sample("photo.txt", png(), "image/png"),
    Sample("holiday.jpg", b"MZ\x90\0\3\0\0\0", "application/vnd.microsoft.portable-executable"),
    Sample("page.html", png(), "image/png"),
    Sample("letter.pdf", zipped(("a.txt", b"x")), "application/zip"),
    Sample("table.csv", b"a;b\0\1", "application/octet-stream"),
    Sample("bomb.png", bomb(), "application/zip"),
    Sample("not-word.docx", zipped(("word/document.xml", b"x")), "application/zip"),
]

SAMPLES = [*PLAIN_SAMPLES, *TEXT_SAMPLES, *DISGUISED]
