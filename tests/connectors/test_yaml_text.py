"""YAML text that means the same to every reader."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backo.connectors.yaml_text import YamlError, read, write

WORDS = """y n yes No ON off true null ~ = << - -- --- ... ? : # & * ! | > % @ ` ' " \\ 0 00 012 0o14 0x1F 1_000 1:30
    190:20:30 1e3 1.0e+3 .5 5. .inf -.INF .nan +1 2001-01-01 2001-12-14t21:59:43.10-05:00 e1 a:b a: :a a#b #a
    [a] {a} a,b ,a tag!x !x &x *x 😀 é e\u0301 שלום \u200f ok"""
TRICKY = st.sampled_from(WORDS.split())
TEXTS = st.one_of(
    TRICKY,
    st.text(),
    st.text(st.sampled_from("ab \n\t\r:#-'\"\\|>\x85\u2028\u2029\ufeff\x00\x7f\xa0é😀"), max_size=12),
    st.builds("{}{}{}".format, TRICKY, st.sampled_from(["", " ", "\n", ": ", " #", "\n  "]), TRICKY),
)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_what_is_written_is_read_by_every_reader(document: dict[str, Any]) -> None:
    """Our reader (YAML 1.2) and PyYAML's (YAML 1.1, in C and in Python) give back the very same values."""
    text = write(document)

    for reading in (read(text.encode()), yaml.load(text, yaml.CSafeLoader), yaml.safe_load(text)):
        assert repr(reading) == repr(document)


def test_text_stays_readable() -> None:
    """Plain words, lines of text and letters of any script are written as they are."""
    document = {
        "name": "Zoë",
        "title": "Head of R&D, Paris (FR)",
        "smile": "😀 ok",
        "city": "ירושלים",
        "note": "first line\n\n  second: line\n",
        "lines": [{"size": 1, "tags": ["a", "b"]}, [], {}],
    }

    assert write(document) == (
        "name: Zoë\n"
        "title: Head of R&D, Paris (FR)\n"
        'smile: "😀 ok"\n'
        "city: ירושלים\n"
        "note: |\n  first line\n\n    second: line\n"
        "lines:\n  - size: 1\n    tags:\n      - a\n      - b\n  - []\n  - {}\n"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("1_000", "1_000"),
        ("012", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("-7", -7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("TRUE", True),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("<<", "<<"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_what_people_type_is_read_as_yaml_1_2(text: str, value: object) -> None:
    """Scalars without quotes follow the core schema."""
    assert repr(read(f"key: {text}".encode())) == repr({"key": value})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no mapping"),
        ("- 1", "no mapping"),
        ("a: [", "line 2"),
        ("a: 1\na: 2", "line 2: the key 'a' is there twice"),
        ("a: .nan", "not a number"),
        ("a: -.inf", "not a number"),
        ("a: 1e999", "too large"),
        ("a: " + "1" * 5000, "4300"),
        ("a: !!python/object:os.system x", "tag"),
        ("a: !!binary eA==", "tag"),
        ("a: !!int '1'", "tag"),
        ("!!set {a: 1}", "tag"),
        ("a: &x 1", "anchors"),
        ("a: *x", "aliases"),
        ("? [1]\n: 2", "key is not text"),
        ("a: 1\n---\nb: 2", "second document"),
        ("a: \x01", "control characters"),
        ('a: "\\ud800"', "line 1"),
        ("a: " + "[" * 100_000, "nest"),  # newer parsers refuse it themselves, in words of their own
    ],
)
def test_what_is_no_json_object_is_refused(text: str, message: str) -> None:
    """The error says what is wrong, and nothing is built or run meanwhile."""
    with pytest.raises(YamlError, match=message):
        read(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    """Not UTF-8 is an error like others."""
    with pytest.raises(YamlError):
        read(b"a: \xff")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"x", {1: 2}, {2}], ids=repr)
def test_what_is_not_json_is_not_written(value: object) -> None:
    """Nothing is written that would be read as something else."""
    with pytest.raises(YamlError):
        write({"a": value})
