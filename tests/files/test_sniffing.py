"""Types by bytes."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.files.media_types import (
    HTML,
    SVG,
    XML,
    declared_type,
    extension_for,
    is_one_of,
    is_shown_in_place,
    refined,
    unrefined,
)
from backo.files.sniffing import HEAD, sniffed
from tests.files.samples import DISGUISED, SAMPLES, Sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: f"{one.filename}-is-{one.content_type.partition('/')[2]}")
def test_a_content_is_what_its_bytes_say(sample: Sample) -> None:
    """Bytes decide; the name may say which kind of text it is."""
    assert refined(sniffed(sample.content), sample.filename) == sample.content_type


def test_there_are_enough_samples() -> None:
    """Thirty-five samples are asked for, disguised ones among them."""
    assert len({one.content for one in SAMPLES}) >= 35
    assert len(DISGUISED) >= 10


@pytest.mark.parametrize("sample", DISGUISED, ids=lambda one: one.filename)
def test_a_disguise_shows_nothing_in_place(sample: Sample) -> None:
    """Markup and programs are never inline, whatever they are called."""
    content_type = refined(sniffed(sample.content), sample.filename)

    assert not is_shown_in_place(content_type) or content_type in {"image/png", "image/jpeg"}


@pytest.mark.parametrize(
    ("content_type", "shown"),
    [
        ("image/png", True),
        ("image/jpeg", True),
        ("application/pdf", True),
        ("text/plain", True),
        ("image/svg+xml", False),
        ("text/html", False),
        ("application/xml", False),
        ("text/csv", False),
        ("text/javascript", False),
        ("application/octet-stream", False),
        ("video/mp4", False),
    ],
)
def test_what_is_shown_in_place(content_type: str, *, shown: bool) -> None:
    """Plain images, PDF and plain text; nothing else."""
    assert is_shown_in_place(content_type) is shown


@given(st.binary(max_size=200))
def test_any_bytes_have_a_type(content: bytes) -> None:
    """Nothing is an error."""
    assert declared_type(sniffed(content)) == sniffed(content)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_only_the_head_counts(head: bytes, tail: bytes) -> None:
    """What follows the head changes nothing."""
    full = head.ljust(HEAD, b" ")

    assert sniffed(full + tail) == sniffed(full)


BLANKS = st.text(alphabet=" \t\r\n", max_size=5)
COMMENTS = st.builds("<!--{}-->".format, st.text(alphabet="ab <>/\n", max_size=10))
PROLOGS = st.lists(BLANKS | COMMENTS, max_size=4).map("".join)
CASES = st.sampled_from([str.lower, str.upper, str.title])


@given(
    st.sampled_from(["", "\ufeff"]), PROLOGS, st.sampled_from(["html", "script", "body", "iframe", "a", "svg"]), CASES
)
def test_no_prolog_hides_markup(mark: str, prolog: str, tag: str, case: type[str]) -> None:
    """Marks, blanks and comments before the first element, and its case, change nothing."""
    text = f"{mark}{prolog}<{case(tag)} x='1'>"

    assert sniffed(text.encode()) == (SVG if tag == "svg" else HTML)


@given(PROLOGS, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_no_encoding_hides_markup(prolog: str, encoding: str) -> None:
    """A text that says its encoding is read in it."""
    assert sniffed(f"{prolog}<script>".encode(encoding)) == HTML


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_a_text_may_be_cut_anywhere(text: str) -> None:
    """A head that ends inside a character is text all the same."""
    content = ("a" + text).encode()

    assert {sniffed(content[:end]).partition("/")[0] for end in range(1, len(content))} <= {"text"}


@pytest.mark.parametrize("filename", ["x.html", "x.svg", "x.png", "x.js", "x", "", None, ".csv"])
@pytest.mark.parametrize("content_type", [HTML, SVG, "image/png", "application/octet-stream", "application/pdf"])
def test_a_name_refines_text_alone(content_type: str, filename: str | None) -> None:
    """Of anything but text, a name says nothing."""
    assert refined(content_type, filename) == content_type


def test_renaming_takes_back_what_a_name_said() -> None:
    """What bytes said stays."""
    assert unrefined("text/csv") == unrefined("application/json") == "text/plain"
    assert unrefined("application/rss+xml") == XML
    assert [unrefined(one) for one in (HTML, SVG, XML, "image/png")] == [HTML, SVG, XML, "image/png"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("image/png", "image/png"),
        (" Image/JPG ", "image/jpeg"),
        ("application/x-zip-compressed", "application/zip"),
        ("image/*", "image/*"),
        ("png", None),
        ("image/", None),
        ("*/*", None),
        ("image/png; q=1", None),
        ("", None),
    ],
)
def test_declared_types_are_read(written: str, read: str | None) -> None:
    """As people write them, synonyms included."""
    assert declared_type(written) == read


def test_a_family_names_its_types() -> None:
    """A star stands for every type of its family."""
    assert is_one_of("image/png", ("image/*",))
    assert is_one_of("image/png", ("text/plain", "image/png"))
    assert not is_one_of("text/html", ("image/*", "text/plain"))
    assert not is_one_of("image/png", ())


def test_usual_extensions_are_known() -> None:
    """A file without a name gets one that fits."""
    assert extension_for("image/jpeg") == "jpg"
    assert extension_for("application/x-unknown") == ""


@pytest.mark.parametrize(
    "piece",
    [b"<!--", b"<?x", b"<!doctype a [", b"<", b"< ", b"<a:", b"PK\3\4", b"<?xml?>", b"<!---->", b"<a-", b"]", b"\r\n"],
)
def test_looking_takes_little_time(piece: bytes) -> None:
    """No content makes the look expensive (it takes a millisecond; a hundred are allowed for a busy machine)."""
    content = piece * (HEAD // len(piece))
    start = time.perf_counter()

    sniffed(content)
    sniffed(b"<!doctype html [" + content)

    assert time.perf_counter() - start < 0.1
