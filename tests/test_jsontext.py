import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo import jsontext
from backo.errors import ValidationError
from backo.jsontext import decode, decode_untrusted, depth, encode, equal

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_a_value_written_is_read_again(value: object) -> None:
    """Types, signs, digits and the order of keys survive."""
    again = decode(encode(value))

    assert repr(again) == repr(value)


def test_a_subclass_of_text_is_text() -> None:
    """Ids that know their item are written as ids."""

    class Id(str):
        __slots__ = ()

    assert encode({"id": Id("a")}) == b'{"id":"a"}'


def test_what_is_no_json_value_is_not_written() -> None:
    """A bug is not hidden."""
    with pytest.raises(TypeError):
        encode({"value": object()})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"nul",
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"1" * 5_000,
        b'"\xff"',
        b'"\\ud800"',
        b"[" * 100_000,
        b"[1,]",
        b"'a'",
        b"\xef\xbb\xbf{}",
        b"{} {}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_not_json_is_invalid(text: bytes) -> None:
    """Whatever comes from outside is a value or a `ValidationError`."""
    with pytest.raises(ValidationError):
        decode_untrusted(text, max_depth=64)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_an_error(text: bytes) -> None:
    """Nothing else happens."""
    with contextlib.suppress(ValidationError):
        decode_untrusted(text, max_depth=64)


@pytest.mark.parametrize(
    ("text", "levels"),
    [(b"1", 0), (b"[]", 1), (b'{"a":[{}]}', 3), (b'"[[["', 0), (b'["\\"[[", [1]]', 2), (b"[[1],[2]]", 2)],
)
def test_depth(text: bytes, levels: int) -> None:
    """Brackets inside text do not nest."""
    assert depth(text) == levels


def test_json_may_be_as_deep_as_allowed() -> None:
    """Sixty-four levels are read, one more is refused."""
    assert decode_untrusted(b"[" * 64 + b"]" * 64, max_depth=64) != []

    with pytest.raises(ValidationError, match="64 levels"):
        decode_untrusted(b"[" * 65 + b"]" * 65, max_depth=64)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, None, True),
        (None, False, False),
        ("1", 1, False),
        ([1, [2]], [1.0, [2]], True),
        ([1], [True], False),
        ([1], [1, 1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1.0}, True),
        ({"a": None}, {}, False),
        ({"a": 1}, {"a": True}, False),
        ([], {}, False),
    ],
)
def test_equal_values(one: object, other: object, *, same: bool) -> None:
    """Numbers are equal by value, objects in any order, and true is not one (RFC 6902, 4.6)."""
    assert equal(one, other) is same
    assert equal(other, one) is same


@pytest.mark.parametrize(
    "text",
    [
        rb'"\ud800"',
        rb'{"\uD800": 1}',
        rb'"\udc00"',
        rb'"\ud83d\ude00 \ude00"',
        rb'"\\\ud800"',
        rb'"\ud800\n"',
        rb'"\ud800\u0041"',
        rb'"\ud800\ud800\udc00"',
        rb'"\ud800 and much more text"',
    ],
)
def test_half_a_surrogate_pair_is_called_so(text: bytes) -> None:
    """What is JSON but no text says what is wrong with it."""
    with pytest.raises(ValidationError, match=r"^this is not JSON: a text holds half of a surrogate pair$"):
        decode_untrusted(text, max_depth=64)


@pytest.mark.parametrize("text", [rb'"\ud83d\ude00', rb'"\\ud800', rb'"\\\\ud800'])
def test_what_only_looks_like_half_a_surrogate_pair(text: bytes) -> None:
    """A whole pair, and an escaped backslash, are no fault."""
    with pytest.raises(ValidationError, match="truncated"):
        decode_untrusted(text, max_depth=64)


@pytest.mark.parametrize("text", [b'{"a": "x\xff"}', b'"\xc3"', b'"\xed\xa0\x80"'])
def test_other_bytes_are_not_utf_8(text: bytes) -> None:
    """No place is named, since none is known."""
    with pytest.raises(ValidationError, match=r"^this is not JSON: a text is not UTF-8$"):
        decode_untrusted(text, max_depth=64)


def test_leaving_members_out() -> None:
    """What stays is byte for byte as it was."""
    text = b'{"a":1.50,"b":{"a":[2,"\\u00e9"]},"c":null}'

    assert jsontext.without_members(text, ["c", "d"]) == b'{"a":1.50,"b":{"a":[2,"\\u00e9"]}}'
    assert jsontext.without_members(text, ["a"]) == b'{"b":{"a":[2,"\\u00e9"]},"c":null}'


def test_reading_some_members() -> None:
    """The others are passed over."""
    assert jsontext.decoder_of(frozenset({"a", "z"}))(b'{"a":{"b":1},"c":[2]}') == {"a": {"b": 1}}
