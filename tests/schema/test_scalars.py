import enum
import ipaddress
import re
import uuid
from decimal import Decimal as Number
from typing import Any

import pytest

from backo import (
    Bool,
    Bytes,
    Decimal,
    DefinitionError,
    Email,
    Field,
    Float,
    Int,
    Ipaddress,
    Ipnetwork,
    String,
    Url,
    Uuid,
)
from backo.errors import shown
from backo.schema.problems import Refusal
from tests.schema.declaring import declared


class Text(str):
    """A subclass of text."""

    __slots__ = ()


class Level(enum.IntEnum):
    """A subclass of the whole numbers."""

    HIGH = 3


NAN, INFINITY = float("nan"), float("inf")
UUID = uuid.UUID("018cc251-f400-7000-9000-000000000001")


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        (String(), "", ""),
        (String(), "é😀\u2028", "é😀\u2028"),
        (String(), Text("a"), "a"),
        (Int(), 0, 0),
        (Int(), 5.0, 5),
        (Int(), -0.0, 0),
        (Int(), Level.HIGH, 3),
        (Int(), 2**63 - 1, 2**63 - 1),
        (Int(), -(2**63), -(2**63)),
        (Float(), 12, 12.0),
        (Float(), 1e308, 1e308),
        (Float(), -0.0, -0.0),
        (Bool(), False, False),
        (Decimal(), "1.50", Number("1.50")),
        (Decimal(), "-.5", Number("-0.5")),
        (Decimal(), "1.", Number(1)),
        (Decimal(), "1e3", Number("1E+3")),
        (Decimal(), 12, Number(12)),
        (Decimal(), Number("1.10"), Number("1.10")),
        (Uuid(), str(UUID).upper(), UUID),
        (Uuid(), UUID, UUID),
        (Bytes(), "aGk=", b"hi"),
        (Bytes(), b"hi", b"hi"),
        (Bytes(), bytearray(b"hi"), b"hi"),
        pytest.param(Bytes(), memoryview(b"hi"), b"hi", id="Bytes-memoryview"),
        (Bytes(), "", b""),
        (Email(), "a.b+c@example.org", "a.b+c@example.org"),
        (Url(), "https://example.org/?a=b#c", "https://example.org/?a=b#c"),
        (Url(), "http://[::1]:8080/", "http://[::1]:8080/"),
        (Ipaddress(), "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        (Ipaddress(), "::1", ipaddress.ip_address("::1")),
        (Ipaddress(), "fe80::1%eth0", ipaddress.ip_address("fe80::1%eth0")),
        (Ipaddress(), ipaddress.ip_address("::1"), ipaddress.ip_address("::1")),
        (Ipnetwork(), "10.0.0.0/8", ipaddress.ip_network("10.0.0.0/8")),
        (Ipnetwork(), ipaddress.ip_network("::/64"), ipaddress.ip_network("::/64")),
    ],
    ids=repr,
)
def test_what_a_type_takes(field: Field, given: Any, kept: Any) -> None:
    """A value, or its JSON form, becomes the value, of exactly the type that is documented."""
    value = field.compiled()(given)

    assert repr(value) == repr(kept)
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        (String(), 12, "type"),
        (String(), b"a", "type"),
        (String(), ["a"], "type"),
        (String(), "a\0b", "text"),
        (String(), "\ud800", "text"),
        (String(), "a\udfffb", "text"),
        (Int(), "12", "type"),
        (Int(), True, "type"),
        (Int(), 5.5, "type"),
        (Int(), NAN, "type"),
        (Int(), INFINITY, "type"),
        (Int(), 2**63, "range"),
        (Int(), 1e300, "range"),
        (Int(), 10**5000, "range"),
        (Int(), Number(5), "type"),
        (Float(), "1.5", "type"),
        (Float(), True, "type"),
        (Float(), NAN, "finite"),
        (Float(), -INFINITY, "finite"),
        (Float(), 10**400, "range"),
        (Bool(), 1, "type"),
        (Bool(), "true", "type"),
        (Bool(), 0.0, "type"),
        (Decimal(), 1.5, "type"),
        (Decimal(), True, "type"),
        (Decimal(), "", "type"),
        (Decimal(), " 1", "type"),
        (Decimal(), "1_000", "type"),
        (Decimal(), "١", "type"),
        (Decimal(), "NaN", "type"),
        (Decimal(), "Infinity", "type"),
        (Decimal(), Number("NaN"), "finite"),
        (Decimal(), Number("sNaN"), "finite"),
        (Decimal(), Number("-Infinity"), "finite"),
        (Decimal(), "1" * 1001, "range"),
        (Decimal(), "1e9999", "range"),
        (Decimal(), 10**5000, "range"),
        (Uuid(), str(UUID).replace("-", ""), "type"),
        (Uuid(), "{" + str(UUID) + "}", "type"),
        (Uuid(), 12, "type"),
        (Bytes(), "aGk", "base64"),
        (Bytes(), "aGk=\n", "base64"),
        (Bytes(), "é", "base64"),
        (Bytes(), 12, "type"),
        (Bytes(), [104, 105], "type"),
        (Email(), "a", "email"),
        (Email(), "a@b@c", "email"),
        (Email(), "a@-b", "email"),
        (Email(), "a@b.", "email"),
        (Email(), "a b@c", "email"),
        (Email(), "a@" + "b" * 300, "email"),
        (Email(), 5, "type"),
        (Url(), "ftp://example.org", "url"),
        (Url(), "example.org", "url"),
        (Url(), "http://", "url"),
        (Url(), "http://a b", "url"),
        (Url(), "http://a\nb", "url"),
        (Url(), "http://a:99999", "url"),
        (Url(), "http://[::1", "url"),
        (Url(), "javascript:alert(1)", "url"),
        (Ipaddress(), "10.0.0.256", "type"),
        (Ipaddress(), 12, "type"),
        (Ipaddress(), "fe80::1%\0", "text"),
        (Ipaddress(), ipaddress.ip_interface("10.0.0.1/8"), "type"),
        (Ipnetwork(), "10.0.0.1/8", "type"),
        (Ipnetwork(), 12, "type"),
    ],
    ids=lambda value: ascii(shown(value))[:30],
)
def test_what_a_type_refuses(field: Field, given: Any, code: str) -> None:
    """Types are strict: nothing is read as something else."""
    with pytest.raises(Refusal) as refusal:
        field.compiled()(given)

    assert [one.code for one in refusal.value.findings] == [code]


@pytest.mark.parametrize(
    ("field", "fits", "refused", "codes"),
    [
        (String(min_length=2), ["ab", "éé"], "a", ["min_length"]),
        (String(max_length=2), ["", "ab", "😀😀"], "abc", ["max_length"]),
        (String(pattern="^a"), ["a", "ab"], "ba", ["pattern"]),
        (String(pattern="b"), ["abc"], "ac", ["pattern"]),
        (String(pattern=["a", "b"]), ["ab"], "c", ["pattern"]),
        (declared(String, pattern=re.compile("^a", re.IGNORECASE)), ["A"], "b", ["pattern"]),
        (String(enum=["a", "b"]), ["a", "b"], "c", ["enum"]),
        (String(enum=["aa"], min_length=2, pattern="^a"), ["aa"], "b", ["min_length", "pattern", "enum"]),
        (String(unique=True), ["x" * 500], "x" * 501, ["max_length"]),
        (Int(min=1), [1, 5], 0, ["min"]),
        (Int(max=5), [5, -5], 6, ["max"]),
        (Int(min=0, max=0), [0], 1, ["max"]),
        (Int(enum=[1, 2.0]), [1, 2], 3, ["enum"]),
        (Float(min=-0.5, max=1), [-0.5, 1, 0], 1.1, ["max"]),
        (Decimal(min="0.10", max=Number("0.20")), ["0.1", "0.200"], "0.21", ["max"]),
        (Decimal(enum=["1.0"]), [1, "1.00"], "1.1", ["enum"]),
        (Bool(enum=[True]), [True], False, ["enum"]),
        (Bytes(unique=True), [b"x" * 375], b"x" * 376, ["max_length"]),
        (Uuid(enum=[str(UUID)]), [UUID], str(uuid.UUID(int=5)), ["enum"]),
        (Email(pattern="@example.org$"), ["a@example.org"], "a@example.com", ["pattern"]),
        (Email(max_length=3), ["a@b"], "aaaa", ["email", "max_length"]),
    ],
    ids=repr,
)
def test_bounds_and_patterns(field: Field, fits: list[Any], refused: Any, codes: list[str]) -> None:
    """All that is wrong is told; text is measured in characters, decimals as numbers."""
    check = field.compiled()

    for value in fits:
        check(value)
    with pytest.raises(Refusal) as refusal:
        check(refused)
    assert sorted(one.code for one in refusal.value.findings) == sorted(codes)


@pytest.mark.parametrize(
    ("field", "text", "operand"),
    [
        (String(), "01234", "01234"),
        (Int(), "-12", -12),
        (Int(), "+012", 12),
        (Float(), "1", 1.0),
        (Float(), "-1.5e3", -1500.0),
        (Bool(), "true", True),
        (Bool(), "false", False),
        (Decimal(), "1.50", "1.50"),
        (Bytes(), "aGk=", "aGk="),
        (Uuid(), str(UUID).upper(), str(UUID)),
        (Ipaddress(), "10.0.0.1", "10.0.0.1"),
    ],
    ids=repr,
)
def test_query_strings_are_read_by_type(field: Field, text: str, operand: Any) -> None:
    """Digits of a text stay text."""
    assert repr(field.from_text(text)) == repr(operand)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (Int(), "1.0"),
        (Int(), "0x1"),
        (Int(), "١"),
        (Int(), ""),
        (Int(), "9" * 30),
        (Float(), "nan"),
        (Float(), "inf"),
        (Float(), "1e9999"),
        (Float(), "1_0"),
        (Bool(), "1"),
        (Bool(), "True"),
    ],
    ids=repr,
)
def test_query_strings_that_do_not_fit(field: Field, text: str) -> None:
    """They are refused, not guessed at."""
    with pytest.raises(Refusal):
        field.from_text(text)


def test_bounds_do_not_count_for_operands() -> None:
    """Who asks for what is above a maximum finds nothing, which is no mistake."""
    assert Int(max=5).operand(6) == 6
    assert String(max_length=1, pattern="a", enum=["a"]).operand("bb") == "bb"


@pytest.mark.parametrize(
    ("declare", "problem"),
    [
        (lambda: String(min_length=-1), "min_length must be a whole number"),
        (lambda: String(max_length=1.5), "max_length must be a whole number"),  # type: ignore[arg-type]  # on purpose
        (lambda: String(max_length=True), "max_length must be a whole number"),
        (lambda: String(min_length=3, max_length=2), "min_length 3 is above max_length 2"),
        (lambda: String(unique=True, max_length=501), "max_length 501 is above .* 500"),
        (lambda: String(index=True, min_length=501), "min_length 501 is above max_length 500"),
        (lambda: String(pattern="("), "is not a pattern"),
        (lambda: String(pattern=5), "is not a pattern"),  # type: ignore[arg-type]  # on purpose
        (lambda: String(pattern=["a", 5]), "is not a pattern"),  # type: ignore[list-item]  # on purpose
        (lambda: String(pattern=b"a"), "is not a pattern"),  # type: ignore[arg-type]  # on purpose
        (lambda: Int(min=5, max=4), "min 5 is above max 4"),
        (lambda: Int(min="5"), "min '5' does not fit"),
        (lambda: Int(max=1.5), "max 1.5 does not fit"),
        (lambda: Float(max=NAN), "max nan does not fit"),
        (lambda: Decimal(min=1.5), "min 1.5 does not fit"),
        (lambda: Int(default="5"), "default '5' does not fit: Must be an integer"),
        (lambda: Int(default=5, max=4), "default 5 does not fit: Must be at most 4"),
        (lambda: String(default="", min_length=1), "default '' does not fit"),
        (lambda: String(default="c", enum=["a", "b"]), "default 'c' does not fit: Must be one of 'a', 'b'"),
        (lambda: String(default="b", pattern="^a"), "default 'b' does not fit"),
        (lambda: String(enum=["a", 5]), "enum 5 does not fit"),
        (lambda: String(enum=["a", "bb"], max_length=1), "enum 'bb' does not fit"),
        (lambda: Int(enum=[None]), "enum None does not fit"),
        (lambda: Email(default="x"), "default 'x' does not fit"),
    ],
)
def test_a_declaration_that_makes_no_sense(declare: Any, problem: str) -> None:
    """It fails at once, naming type and option."""
    with pytest.raises(DefinitionError, match=problem):
        declare()


@pytest.mark.parametrize("pattern", [3, b"a", ["a", 5], {"a": 1, 2: 3}], ids=repr)
def test_a_pattern_of_another_type(pattern: Any) -> None:
    """The hint says what a pattern is, in no words of Python's own."""
    with pytest.raises(DefinitionError) as error:
        String(pattern=pattern)

    assert error.value.message == f"String: {pattern!r} is not a pattern"
    assert error.value.hint == "a pattern is a regular expression as text; several are a list of them"


def test_the_first_allowed_values_are_named() -> None:
    """A long list is not told in full."""
    with pytest.raises(Refusal) as refusal:
        Int(enum=range(100)).compiled()(1000)

    assert refusal.value.findings[0].message == "Must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"


@pytest.mark.parametrize("field", [Int(), Float(), String(), Int(min=0), Float(max=1)])
def test_the_quick_way_takes_what_the_slow_way_takes(field: Field) -> None:
    """What passes with one look is what conversion would give."""
    for value in (0, 1, 0.0, 1.0, -0.0, "", "a"):
        try:
            kept = field.convert(value)
        except Refusal:
            continue
        assert repr(field.compiled()(value)) == repr(kept)
