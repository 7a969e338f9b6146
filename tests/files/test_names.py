"""File names as data."""

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.files.names import MAX_NAME, content_disposition, extension_of, file_name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("rambo.png", "rambo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\rambo.png", "rambo.png"),
        ("a/b\\c/d.txt", "d.txt"),
        ("folder/", "file"),
        ("", "file"),
        (None, "file"),
        (".", "file"),
        ("..", "file"),
        (" . . ", "file"),
        ("a\0b\r\nc\x7f.txt", "abc.txt"),
        ("  spaces  .txt ", "spaces  .txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("half\ud800.txt", "half.txt"),
        ("e\u0301te\u0301.txt", "été.txt"),
        (".profile", ".profile"),
        ('a"b;c.txt', 'a"b;c.txt'),
        ("日本.png", "日本.png"),
        ("👩\u200d👩\u200d👧.png", "👩\u200d👩\u200d👧.png"),
    ],
)
def test_names_are_cleaned(given_name: str | None, kept: str) -> None:
    """The base name stays, without what nobody sees."""
    assert file_name(given_name) == kept


@pytest.mark.parametrize(
    ("given_name", "size", "end"),
    [
        ("a" * 300 + ".jpeg", 255, ".jpeg"),
        ("é" * 300 + ".jpeg", 255, "é.jpeg"),
        ("é" * 300, 254, "é"),
        ("a." + "b" * 300, 255, "b"),
        ("x" + "e\u0338" * 300 + ".txt", 254, "e\u0338.txt"),
    ],
    ids=["ascii", "two-bytes", "no-extension", "long-extension", "accents"],
)
def test_long_names_are_cut_well(given_name: str, size: int, end: str) -> None:
    """To 255 bytes; the extension stays, no character and no accent is torn off."""
    cut = file_name(given_name)

    assert len(cut.encode()) == size
    assert cut.endswith(end)


NAMES = st.text(st.characters() | st.sampled_from('./\\ \0\r\n"%\u202e\u0301\ud800é'), max_size=400)


@given(NAMES)
def test_any_name_becomes_a_good_one(given_name: str) -> None:
    """Not empty, no path, nothing invisible, short; and cleaning it again changes nothing."""
    name = file_name(given_name)

    assert name.strip(". ")
    assert name == name.strip()
    assert not set(name) & set("/\\\0\r\n")
    assert not any(unicodedata.category(one) in {"Cc", "Cs"} for one in name)
    assert len(name.encode()) <= MAX_NAME
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
        ("Été 1.txt", "attachment; filename=\"Ete 1.txt\"; filename*=UTF-8''%C3%89t%C3%A9%201.txt"),
        ("日本.png", "attachment; filename=\"file.png\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.png"),
        ("日本", "attachment; filename=\"file\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC"),
        ('a"b%41;.txt', "attachment; filename=\"a_b_41;.txt\"; filename*=UTF-8''a%22b%2541%3B.txt"),
        (".profile", "attachment; filename=\".profile\"; filename*=UTF-8''.profile"),
    ],
)
def test_names_are_sent_back(name: str, header: str) -> None:
    """In both forms of RFC 6266."""
    assert content_disposition(name, inline=False) == header
    assert content_disposition(name, inline=True) == header.replace("attachment", "inline")


@given(NAMES)
def test_any_name_makes_a_good_header(given_name: str) -> None:
    """Printable ASCII without a quote inside the quotes; and the name comes back from it."""
    name = file_name(given_name)
    header = content_disposition(name, inline=True)

    match = re.fullmatch(
        r"inline; filename=\"([ !#-\[\]-~]+)\"; filename\*=UTF-8''([!#$&+.^_`|~\w%-]+)", header, re.ASCII
    )
    assert match is not None
    assert unquote(match[2]) == name


@pytest.mark.parametrize(
    ("name", "extension"), [("a.TXT", "txt"), ("a.tar.gz", "gz"), ("a", ""), (".a", ""), ("a.", ""), (None, "")]
)
def test_extensions_are_read(name: str | None, extension: str) -> None:
    """What stands after the last dot, in lower case."""
    assert extension_of(name) == extension
