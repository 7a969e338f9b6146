"""Downloads as HTTP has them."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.files.connectors import MemoryFileConnector
from backo.files.content import received
from backo.files.refusals import ContentMissingError
from backo.files.serving import Answer, Asked, Chunks, answered, requested_part, served_type
from backo.files.values import FileVersion, Kept
from tests.files.samples import HTML, PDF, SVG, png

CONTENT = bytes(range(200))


def version(content: bytes = CONTENT, filename: str = "a.bin") -> FileVersion:
    """Make a file."""
    return FileVersion.of(received(content, 10**6, filename=filename))


def headers(answer: Answer) -> dict[str, str]:
    """Give the headers, each of which is there once."""
    assert len(dict(answer.headers)) == len(answer.headers)
    return dict(answer.headers)


def body(file: FileVersion, answer: Answer) -> bytes:
    """Give what is sent."""
    return b"".join(Chunks(file, answer))


def test_a_whole_file_is_sent() -> None:
    """With all that a client needs to know of it."""
    file = version()

    answer = answered(file, Asked())

    assert answer.status == 200
    assert headers(answer) == {
        "Content-Type": "application/octet-stream",
        "Content-Length": "200",
        "Content-Disposition": "attachment; filename=\"a.bin\"; filename*=UTF-8''a.bin",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "ETag": f'"{file.digest}"',
    }
    assert body(file, answer) == CONTENT


def test_the_tag_is_that_of_the_content() -> None:
    """Equal contents have equal tags, whatever they are called and wherever they are."""
    assert headers(answered(version(), Asked()))["ETag"] == headers(answered(version(filename="b"), Asked()))["ETag"]
    assert headers(answered(version(), Asked()))["ETag"] != headers(answered(version(b"other"), Asked()))["ETag"]


@pytest.mark.parametrize(
    ("content", "filename", "content_type", "disposition", "sandboxed"),
    [
        (png(), "a.html", "image/png", "inline", True),
        (PDF, "a.pdf", "application/pdf", "inline", False),
        (b"Hello", "a.txt", "text/plain; charset=utf-8", "inline", True),
        (b"a;b", "a.csv", "text/csv; charset=utf-8", "attachment", True),
        (b"alert(1)", "a.js", "text/plain; charset=utf-8", "attachment", True),
        (b"{}", "a.json", "application/json; charset=utf-8", "attachment", True),
        (HTML, "a.png", "text/html; charset=utf-8", "attachment", True),
        (SVG, "a.png", "image/svg+xml", "attachment", True),
        (b"<?xml version='1.0'?><a/>", "a.txt", "application/xml", "attachment", True),
        (b"\0\1", "a.png", "application/octet-stream", "attachment", True),
    ],
    ids=["png", "pdf", "text", "csv", "script", "json", "html", "svg", "xml", "binary"],
)
def test_nothing_that_is_sent_can_run(
    content: bytes, filename: str, content_type: str, disposition: str, *, sandboxed: bool
) -> None:
    """Markup is a download, scripts are text, all but PDF is in a sandbox."""
    found = headers(answered(version(content, filename), Asked()))

    assert found["Content-Type"] == content_type
    assert found["Content-Disposition"].partition(";")[0] == disposition
    assert ("Content-Security-Policy" in found) is sandboxed
    assert found["X-Content-Type-Options"] == "nosniff"


# Conditions

TAG = f'"{version().digest}"'


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (Asked(if_none_match=TAG), 304),
        (Asked(if_none_match=f"W/{TAG}"), 304),
        (Asked(if_none_match=f'"x", {TAG}'), 304),
        (Asked(if_none_match=TAG.strip('"')), 304),
        (Asked(if_none_match="*"), 304),
        (Asked(if_none_match='"x"'), 200),
        (Asked(if_none_match=""), 200),
        (Asked(if_none_match=TAG, range="bytes=0-1"), 304),
        (Asked(if_match=TAG), 200),
        (Asked(if_match="*"), 200),
        (Asked(if_match='"x"'), 412),
        (Asked(if_match=f"W/{TAG}"), 412),
        (Asked(if_match='"x"', if_none_match=TAG), 412),
        (Asked(range="bytes=0-1"), 206),
        (Asked(range="bytes=0-1", if_range=TAG), 206),
        (Asked(range="bytes=0-1", if_range=f"W/{TAG}"), 200),
        (Asked(range="bytes=0-1", if_range='"x"'), 200),
        (Asked(range="bytes=0-1", if_range="*"), 200),
        (Asked(range="bytes=0-1", if_range="Sun, 06 Nov 1994 08:49:37 GMT"), 200),
        (Asked(range="bytes=500-", if_range='"x"'), 200),
        (Asked(range="bytes=500-"), 416),
        (Asked(method="HEAD", range="bytes=0-1"), 200),
        (Asked(method="HEAD", range="bytes=500-"), 200),
    ],
    ids=repr,
)
def test_conditions_come_before_ranges(asked: Asked, status: int) -> None:
    """In the order of RFC 9110, 13.2.2."""
    answer = answered(version(), asked)

    assert answer.status == status
    assert headers(answer)["ETag"] == TAG
    if status in {304, 412, 416}:
        assert body(version(), answer) == b""
        assert "Content-Length" not in headers(answer)
        assert "Content-Disposition" not in headers(answer)


# Ranges


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=0-", range(200)),
        ("bytes=10-19", range(10, 20)),
        ("bytes=190-500", range(190, 200)),
        ("bytes=199-", range(199, 200)),
        ("bytes=-1", range(199, 200)),
        ("bytes=-500", range(200)),
        ("BYTES = 1 - 2 ", range(1, 3)),
        ("bytes=0-99999999999999999999999999999999", range(200)),
        ("bytes=-" + "9" * 5000, range(200)),
        ("bytes=" + "0" * 5000 + "-" + "0" * 5000, range(0)),
        ("bytes=200-", range(0)),
        ("bytes=200-300", range(0)),
        ("bytes=-0", range(0)),
        ("bytes=99999999999999999999999-", range(0)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=1-2,5-6", None),
        ("bytes=1--2", None),
        ("bytes=+1-2", None),
        ("bytes=1.5-2", None),
        ("bytes=٣-٤", None),
        ("items=1-2", None),
        ("", None),
        ("bytes", None),
        ("bytes=0-1\r\nX: y", None),
    ],
    ids=lambda one: repr(one)[:30],
)
def test_ranges_are_read(text: str, part: range | None) -> None:
    """One range; several, other units and nonsense are passed over."""
    assert requested_part(text, 200) == part


@given(st.binary(max_size=50), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_is_a_slice(content: bytes, first: int, last: int | None) -> None:
    """What is sent is what Python's slicing gives; nothing of it there is 416."""
    file = version(content)
    expected = content[first : None if last is None else last + 1]

    answer = answered(file, Asked(range=f"bytes={first}-{'' if last is None else last}"))

    if last is not None and last < first:
        assert (answer.status, body(file, answer)) == (200, content)
    elif not expected:
        assert answer.status == 416
        assert headers(answer)["Content-Range"] == f"bytes */{len(content)}"
    else:
        assert (answer.status, body(file, answer)) == (206, expected)
        assert headers(answer)["Content-Length"] == str(len(expected))
        assert headers(answer)["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(content)}"


@given(st.binary(max_size=50), st.integers(0, 60))
def test_a_suffix_is_a_slice_from_the_end(content: bytes, length: int) -> None:
    """As many bytes as there are."""
    file = version(content)
    expected = content[-length:] if length else b""

    answer = answered(file, Asked(range=f"bytes=-{length}"))

    assert answer.status == (206 if expected else 416)
    assert body(file, answer) == expected


@given(
    st.text() | st.from_regex(r"\Abytes=[0-9,\- ]{0,12}\Z"),
    st.none() | st.text(),
    st.none() | st.text(),
    st.none() | st.text(),
)
def test_any_headers_get_an_answer(
    range_: str, if_range: str | None, none_match: str | None, match: str | None
) -> None:
    """Nothing that a client sends is an error, and the length is that of what is sent."""
    file = version()

    answer = answered(file, Asked("GET", range_, if_range, none_match, match))

    assert answer.status in {200, 206, 304, 412, 416}
    assert len(body(file, answer)) == answer.length
    assert headers(answer).get("Content-Length", "0") == str(answer.length)


# Sending


def test_a_large_file_is_sent_in_pieces() -> None:
    """Of at most 64 KiB."""
    content = bytes(1000) * 1000
    file = version(content)

    pieces = list(Chunks(file, answered(file, Asked())))

    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 64 * 1024


class Watched(MemoryFileConnector):
    """A connector that tells what was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Any] = []

    def open(self, file_id: str, start: int = 0, length: int | None = None) -> Any:
        stream = super().open(file_id, start, length)
        self.opened.append(stream)
        return stream


def test_a_content_is_closed_however_it_ends() -> None:
    """Read to its end, or given up in the middle, or before."""
    connector, file = Watched(), version()
    connector.write(file.file_id, io.BytesIO(CONTENT))
    kept = FileVersion(**file.facts(), digest=file.digest, source=Kept(file.file_id, connector, None))

    for taken in (0, 1, 2):
        chunks = Chunks(kept, answered(kept, Asked()))
        for _ in zip(range(taken), chunks, strict=False):
            pass
        chunks.close()
        chunks.close()
        assert list(chunks) == []

    assert [stream.closed for stream in connector.opened] == [True] * 3


def test_what_is_missing_is_known_before_anything_is_sent() -> None:
    """The answer can still become another one."""
    file = version()
    lost = FileVersion(**file.facts(), digest=file.digest, source=Kept(file.file_id, MemoryFileConnector(), None))

    with pytest.raises(ContentMissingError):
        Chunks(lost, answered(lost, Asked()))
    assert list(Chunks(lost, answered(lost, Asked(if_none_match="*")))) == []


def test_types_of_text_name_an_encoding() -> None:
    """Others do not."""
    assert served_type("text/markdown") == "text/markdown; charset=utf-8"
    assert served_type("application/yaml") == "application/yaml; charset=utf-8"
    assert served_type("application/jsonlines") == "application/jsonlines"
