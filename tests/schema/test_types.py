"""What every type promises: it is strict, and what is written is read."""

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo import Field, jsontext
from backo.schema.kinds import comparable
from backo.schema.problems import Refusal
from tests.schema.values import ANY_JSON, TYPES

ALL = pytest.mark.parametrize("name", TYPES)


@ALL
@given(data=st.data())
def test_a_value_survives_json(name: str, data: st.DataObject) -> None:
    """Value, JSON form, JSON text and back: the same value of the same type, in the same words (P6)."""
    field, values = TYPES[name]
    check = field.compiled()

    value = check(data.draw(values))
    json = field.to_json(value)
    read = jsontext.decode(jsontext.encode(json))

    assert repr(read) == repr(json)
    again = field.from_json(read)
    assert repr(again) == repr(value)
    assert again == value
    assert repr(field.to_json(again)) == repr(json)
    if field.native:
        assert json is value


@ALL
@given(data=st.data())
def test_a_value_is_taken_as_its_json_form_is(name: str, data: st.DataObject) -> None:
    """A checked value is taken again as it is, and so is its JSON form; neither is what it was made of."""
    field, values = TYPES[name]
    check = field.compiled()
    given_ = data.draw(values)

    value = check(given_)

    assert repr(check(value)) == repr(value)
    assert repr(check(field.to_json(value))) == repr(value)
    assert repr(check(copy.deepcopy(value))) == repr(value)
    assert repr(pickle.loads(pickle.dumps(value))) == repr(value)  # noqa: S301  # our own bytes
    if isinstance(value, list | dict):
        assert value is not given_


@ALL
@given(value=ANY_JSON)
def test_any_json_is_a_value_or_a_refusal(name: str, value: Any) -> None:
    """Nothing else happens, in checks, in operands and in query strings; what is taken can be stored."""
    field, _ = TYPES[name]

    for read in (field.compiled(), field.operand):
        kept, refused = None, None
        try:
            kept = read(value)
        except Refusal as refusal:
            refused = refusal
        assert refused is None or (refused.findings and refused.problems())
        if read != field.operand and kept is not None:
            json = field.to_json(kept)
            assert repr(jsontext.decode(jsontext.encode(json))) == repr(json)


@ALL
@given(text=st.text(max_size=30) | st.sampled_from(["true", "1", "-1.5", "2024-01-31", "aGk=", "\0"]))
def test_any_query_text_is_an_operand_or_a_refusal(name: str, text: str) -> None:
    """What a query string holds is read by the type of the field, and compares."""
    field, _ = TYPES[name]
    inner: Field = getattr(field, "element", field)
    try:
        operand = inner.from_text(text)
    except Refusal:
        return

    comparable(inner.kind, operand)
