"""Forms with files."""

import contextlib
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.errors import BackoError, ValidationError
from backo.files import content as content_module
from backo.files.connectors import FileSystemConnector
from backo.files.content import Content
from backo.files.fields import File
from backo.files.forms import Form
from backo.files.multipart import boundary_of, read_form
from backo.files.places import Files, files_of
from backo.files.refusals import FileTooLargeError, FormError
from backo.schema.containers import Dict, List
from tests.files.items import Library, compiled

BOUNDARY = b"----WebKitFormBoundary7MA4YWxkTrZu0gW"
FILES = Library().files
MEGABYTE = 1024 * 1024


def part(name: str, content: bytes, filename: str | None = None, *more: bytes) -> bytes:
    """Write a part of a form."""
    head = b'Content-Disposition: form-data; name="%b"' % name.encode()
    if filename is not None:
        head += b'; filename="%b"' % filename.encode()
    return b"--" + BOUNDARY + b"\r\n" + b"\r\n".join([head, *more]) + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Write a form."""
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def read(body: bytes, files: Files = FILES, *, pieces: int = 10**6, **limits: Any) -> Form:
    """Read a form that arrives in pieces of at most so many bytes."""
    stream = io.BytesIO(body)
    return read_form(lambda size: stream.read(min(size, pieces)), BOUNDARY, files, **{"json_size": 1000, **limits})


def contents(found: Form) -> dict[Any, Any]:
    """Give the bytes of the files of a form."""
    return {
        place: [whole(one) for one in given_file] if isinstance(given_file, list) else whole(given_file)
        for place, given_file in found.files.items()
    }


def whole(content: Content) -> bytes:
    """Read all of it."""
    with content.open() as stream:
        return stream.read()


# Reading


def test_a_form_brings_json_and_files() -> None:
    """As curl sends it."""
    found = read(
        form(
            part("_json", b'{"title": "Rambo"}'),
            part("cover", b"\x89PNG\r\n\x1a\n\0", "rambo.png", b"Content-Type: text/html"),
            part("shop.logo", b"logo", "C:\\logo.csv"),
        )
    )

    assert found.json == b'{"title": "Rambo"}'
    assert contents(found) == {("cover",): b"\x89PNG\r\n\x1a\n\0", ("shop", "logo"): b"logo"}
    cover, logo = found.files["cover",], found.files["shop", "logo"]
    assert isinstance(cover, Content)
    assert isinstance(logo, Content)
    assert (cover.filename, cover.content_type, cover.size) == ("rambo.png", "image/png", 9)
    assert logo.filename == "logo.csv"


def test_a_form_without_json_changes_files_alone() -> None:
    """`-F pict=@rambo1.png` is enough."""
    assert read(form(part("$.cover", b"x", "x"))).json is None


def test_parts_of_one_name_fill_a_list() -> None:
    """In their order; one is a list too. An index names one place."""
    found = read(form(part("photos", b"one", "1"), part("photos", b"two", "2")))
    one = read(form(part("photos", b"one", "1")))
    indexed = read(form(part("photos[1]", b"one", "1"), part("pages[0].image", b"page", "2")))

    assert contents(found) == {("photos",): [b"one", b"two"]}
    assert contents(one) == {("photos",): [b"one"]}
    assert contents(indexed) == {("photos", 1): b"one", ("pages", 0, "image"): b"page"}


def test_a_part_without_a_file_name_is_content_too() -> None:
    """`-F cover=text`; its type is that of its bytes."""
    found = read(form(part("cover", b"Hello")))
    cover = found.files["cover",]

    assert isinstance(cover, Content)
    assert (cover.filename, cover.content_type) == (None, "text/plain")


def test_an_input_in_which_nothing_was_chosen_is_nothing() -> None:
    """Browsers send it as an empty file without a name; an empty file with one is a file."""
    assert read(form(part("cover", b"", ""))).files == {}
    assert contents(read(form(part("cover", b"", "empty.txt")))) == {("cover",): b""}
    assert contents(read(form(part("cover", b"x", "")))) == {("cover",): b"x"}


def test_an_empty_form_is_a_form() -> None:
    """It changes nothing."""
    found = read(form())

    assert (found.json, found.files) == (None, {})


BODY = form(
    part("_json", b'{"title": "\r\n--Rambo"}'),
    part("cover", b"\r\n--" + BOUNDARY[:-1] + b"\r\n\r--\n" + BOUNDARY + b"\n\r", "a"),
    part("thumb", b"\r\n" * 10, "b"),
    part("scan", b"", "c"),
)


@pytest.mark.parametrize("pieces", [1, 2, 3, 5, 7, 31, 64, 100, 1000])
def test_pieces_do_not_matter(pieces: int) -> None:
    """However the body arrives, and however much its content looks like a boundary."""
    found = read(BODY, pieces=pieces)

    assert found.json == b'{"title": "\r\n--Rambo"}'
    assert contents(found) == {
        ("cover",): b"\r\n--" + BOUNDARY[:-1] + b"\r\n\r--\n" + BOUNDARY + b"\n\r",
        ("thumb",): b"\r\n" * 10,
        ("scan",): b"",
    }


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", BOUNDARY, BOUNDARY[:9], b"a", b"\0"]), max_size=30),
    st.integers(1, 90),
)
def test_any_content_without_the_boundary_survives(bits: list[bytes], pieces: int) -> None:
    """Every byte of it."""
    content = b"".join(bits).replace(b"\n--" + BOUNDARY, b"").replace(b"\r--" + BOUNDARY, b"")

    assert contents(read(form(part("cover", content, "x")), pieces=pieces)) == {("cover",): content}


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_read_or_refused(body: bytes, pieces: int) -> None:
    """With an error of ours, never another one."""
    for given_body in (body, part("cover", body), BODY[: len(body)] + body, form(body)):
        with contextlib.suppress(BackoError):
            read(given_body, pieces=pieces).discard()


@given(st.integers(0, len(BODY) - 5))
def test_a_form_that_has_not_arrived_whole_is_refused(end: int) -> None:
    """Wherever it breaks off."""
    with pytest.raises(FormError):
        read(BODY[:end])


# Refusing


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a form at all",
        b"x" * 1_000_000,
        form(b"--" + BOUNDARY + b"\r\n\r\nno headers\r\n"),
        form(b"--" + BOUNDARY + b"\r\nContent-Type: text/plain\r\n\r\nno disposition\r\n"),
        form(b"--" + BOUNDARY + b"\r\nContent-Disposition: form-data\r\n\r\nno name\r\n"),
        form(b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nno UTF-8\r\n'),
        form(part("", b"x", "x")),
        form(part("cover", b"x", "x", b"X-Long: " + b"x" * 200_000)),
        form(part("_json", b"{}"), part("_json", b"{}")),
    ],
    ids=lambda body: ascii(body[-60:]),
)
def test_what_is_no_form_is_malformed(body: bytes) -> None:
    """400."""
    with pytest.raises(FormError):
        read(body, pieces=1000)


@pytest.mark.parametrize(
    "name", ["title", "nothing", "shop", "shop.name", "_id", "..", "a/b/c", "$.*", "x" * 2000, "photos[-1]", "cover.x"]
)
def test_a_part_that_names_no_file_is_refused(name: str) -> None:
    """422, before any of it is kept."""
    with pytest.raises(ValidationError) as refused:
        read(form(part(name, b"x" * 10**6, "x")))

    assert refused.value.problems[0].code == "unknown"
    assert len(refused.value.problems[0].message) < 300


def test_a_file_cannot_be_there_twice() -> None:
    """Outside lists."""
    with pytest.raises(ValidationError) as refused:
        read(form(part("cover", b"x", "x"), part("$.cover", b"y", "y")))

    assert [(one.path, one.code) for one in refused.value.problems] == [("$.cover", "twice")]


class Counted:
    """A body that tells how much of it was read."""

    def __init__(self, start: bytes, piece: bytes, times: int) -> None:
        self.start, self.piece, self.times, self.read_bytes = start, piece, times, 0

    def read(self, size: int) -> bytes:
        """Read on."""
        chunk = self.start or self.piece * (self.times > 0)
        self.times -= not self.start
        self.start = b""
        self.read_bytes += len(chunk)
        return chunk


def test_a_file_is_counted_while_it_arrives() -> None:
    """413 as soon as it is too much, naming the field; the rest is not read."""
    body = Counted(part("thumb", b"", "x")[:-2], b"x" * 1000, 10**6)

    with pytest.raises(FileTooLargeError) as refused:
        read_form(body.read, BOUNDARY, FILES, json_size=1000)

    assert body.read_bytes < 5000
    assert refused.value.limit == 1000
    assert [(one.path, one.code) for one in refused.value.problems] == [("$.thumb", "max_size")]


@pytest.mark.parametrize(
    "start", [b"", b"--" + BOUNDARY + b"--\r\n", form(part("cover", b"x", "x"))], ids=["before", "empty", "after"]
)
def test_what_belongs_to_no_part_is_counted(start: bytes) -> None:
    """A body that never ends is not read for ever; a little after the end is passed over."""
    body = Counted(start, b"x" * 10_000, 10**6)

    with pytest.raises(FormError):
        read_form(body.read, BOUNDARY, FILES, json_size=1000)

    assert body.read_bytes < 300_000
    assert read(form(part("cover", b"x", "x")) + b"\r\n" * 100, pieces=7).files


def test_the_json_is_counted_too() -> None:
    """Against the limit of JSON bodies."""
    body = Counted(part("_json", b"")[:-2], b" " * 100, 10**6)

    with pytest.raises(FileTooLargeError) as refused:
        read_form(body.read, BOUNDARY, FILES, json_size=1000)

    assert body.read_bytes < 3000
    assert refused.value.limit == 1000
    assert read(form(part("_json", b" " * 1000))).json == b" " * 1000


def test_parts_are_counted() -> None:
    """A hundred, whatever they are."""
    hundred = [part("photos", b"x", "x")] * 100

    assert len(contents(read(form(*hundred)))["photos",]) == 100
    with pytest.raises(FileTooLargeError, match="100 parts"):
        read(form(*hundred, part("_json", b"{}")))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: form(part("cover", b"x" * 200, "x"), part("nothing", b"x")),
        lambda: form(part("photos", b"x" * 200, "x"), part("thumb", b"x" * 2000, "x")),
        lambda: form(part("photos", b"x" * 200, "x"), part("photos", b"y" * 200, "x"))[:-60],
        lambda: form(part("cover", b"x" * 200, "x"))[:300],
    ],
    ids=["unknown", "too-large", "broken-off", "inside"],
)
def test_what_is_refused_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[], bytes]
) -> None:
    """No temporary file."""
    monkeypatch.setattr(content_module, "IN_MEMORY", 100)
    work = FileSystemConnector(path=tmp_path)
    files = files_of(
        compiled(cover=File(work=work), photos=List(File(work=work)), thumb=File(work=work, max_size=1000))
    )

    with pytest.raises(BackoError):
        read(wrong(), files, pieces=50)

    assert list(tmp_path.iterdir()) == []


def test_leaving_the_form_removes_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they were used or not."""
    monkeypatch.setattr(content_module, "IN_MEMORY", 100)
    files = files_of(compiled(photos=List(File(work=FileSystemConnector(path=tmp_path)))))

    with read(form(part("photos", b"x" * 200, "x"), part("photos[0]", b"x" * 200, "x")), files):
        assert len(list(tmp_path.iterdir())) == 2

    assert list(tmp_path.iterdir()) == []


def test_memory_stays_small() -> None:
    """Sixty-four megabytes of upload pass through a few."""
    body = Counted(part("scan", b"", "x")[:-2], bytes(64 * 1024), 64 * 16)
    end = iter([b"\r\n--" + BOUNDARY + b"--\r\n"])

    tracemalloc.start()
    try:
        found = read_form(lambda size: body.read(size) or next(end, b""), BOUNDARY, FILES, json_size=1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    with found:
        scan = found.files["scan",]
        assert isinstance(scan, Content)
        assert scan.size == 64 * MEGABYTE
    assert peak < 4 * MEGABYTE


# Boundaries


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b:c"', b"a b:c"),
        ("multipart/form-data; boundary=----WebKitFormBoundaryX", b"----WebKitFormBoundaryX"),
    ],
)
def test_boundaries_are_read(content_type: str, boundary: bytes) -> None:
    """Quoted or not."""
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/mixed; boundary=a",
        "application/json; boundary=a",
        "multipart/form-data; boundary=" + "a" * 201,
        "multipart/form-data; boundary=é",
        'multipart/form-data; boundary="a "',
        'multipart/form-data; boundary="a\tb"',
    ],
)
def test_what_is_no_boundary_is_refused(content_type: str) -> None:
    """400."""
    with pytest.raises(FormError):
        boundary_of(content_type)


# Using


def test_files_are_laid_over_the_json() -> None:
    """Groups on the way are made, lists are extended, what the JSON says of the same file is replaced."""
    found = read(
        form(
            part("cover", b"c", "c"),
            part("shop.logo", b"l", "l"),
            part("photos", b"p", "p"),
            part("pages[0].image", b"i"),
        )
    )
    cover, logo, photos, image = found.files.values()

    tree = {"title": "x", "cover": {"file_id": "old"}, "photos": ["kept"], "pages": [{"number": "1"}]}
    before = repr(tree)

    assert found.laid_over(tree) == {
        "title": "x",
        "cover": cover,
        "photos": ["kept", *(photos if isinstance(photos, list) else [])],
        "pages": [{"number": "1", "image": image}],
        "shop": {"logo": logo},
    }
    assert repr(tree) == before
    assert found.laid_over({}) == {
        "cover": cover,
        "shop": {"logo": logo},
        "photos": photos,
        "pages": [{"image": image}],
    }
    assert found.laid_over({"shop": None, "photos": None, "pages": None})["shop"] == {"logo": logo}


@pytest.mark.parametrize(
    "tree",
    [[], "text", {"shop": "text"}, {"shop": []}, {"pages": {}}, {"pages": "x"}],
    ids=repr,
)
def test_a_place_that_is_none_is_refused(tree: Any) -> None:
    """When the JSON has something else on the way."""
    found = read(form(part("shop.logo", b"l", "l"), part("pages[0].image", b"i")))

    with pytest.raises(ValidationError) as refused:
        found.laid_over(tree)

    assert refused.value.problems[0].code == "place"


def test_an_index_beyond_the_end_is_refused() -> None:
    """A list has no holes; its end can be named."""
    found = read(form(part("photos[1]", b"l", "l")))

    assert len(found.laid_over({"photos": ["kept"]})["photos"]) == 2
    with pytest.raises(ValidationError):
        found.laid_over({})


def test_files_are_operations_of_a_patch() -> None:
    """One for each file."""
    found = read(form(part("cover", b"c", "c"), part("photos", b"1", "1"), part("photos", b"2", "2")))
    photos = found.files["photos",]

    assert isinstance(photos, list)
    assert found.operations() == [
        {"op": "add", "path": "$.cover", "value": found.files["cover",]},
        {"op": "add", "path": "$.photos", "value": photos[0]},
        {"op": "add", "path": "$.photos", "value": photos[1]},
    ]


def test_nested_lists_have_one_name() -> None:
    """A file inside groups inside lists is named by its indexes."""
    files = files_of(compiled(shelves=List(Dict({"photos": List(File(work=Library().work))}))))

    found = read(form(part("shelves[0].photos", b"1", "1"), part("shelves[0].photos", b"2", "2")), files)

    assert contents(found) == {("shelves", 0, "photos"): [b"1", b"2"]}
