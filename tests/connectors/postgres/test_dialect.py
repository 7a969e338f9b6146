"""What PostgreSQL says in its own way: names, patterns, texts that it has no room for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backo.connectors.postgres import DBPostgresConnector, adapters
from backo.connectors.postgres.adapters import kept
from backo.connectors.postgres.dialect import DIALECT
from backo.connectors.sql.dialect import Condition
from backo.connectors.texts import is_storable
from backo.query.filters import Compare, Operator, Query, SortKey
from backo.schema.kinds import Kind
from backo.testing.connector_contract import contents, found_ids, reading, save
from tests.connectors.postgres.stores import store_at
from tests.connectors.sqlite.stores import text

FIELD = Condition("name")
TEXTS = ("", "a", "\0", "\1", "\2", "\1\1", "\1\2", "a\0b", "a\1b", "\0\1", "\1\0", "é", "\U0001f600", "~")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DBPostgresConnector]:
    """A store with texts that PostgreSQL cannot keep as they are, in a column."""
    found = store_at(tmp_path, text("name", index=True))
    save(found, *({"_id": str(number), "name": one} for number, one in enumerate(TEXTS)))
    yield found
    found.database.close()


def test_short_names_stay() -> None:
    """Up to 63 bytes a name is its own."""
    assert DIALECT.name("things/name#index") == "things/name#index"
    assert DIALECT.name("é" * 31) == "é" * 31


@settings(max_examples=30)
@given(st.text(min_size=50, max_size=90), st.text(min_size=50, max_size=90), st.text(max_size=2))
def test_longer_names_are_shortened_one_to_one(one: str, other: str, end: str) -> None:
    """They fit, tell where they come from, and are those of no other text."""
    encodable = [text.encode(errors="ignore").decode() for text in (one, other, one + end)]
    names = [DIALECT.name(text) for text in encodable]

    assert len(set(names)) == len(set(encodable))
    assert all(len(name.encode()) <= 63 for name in names)
    assert all(name[:20] == text[:20] for name, text in zip(names, encodable, strict=True) if text.isascii())


def test_literal_patterns_are_pushed() -> None:
    """A text, or the beginning of one, is what both mean the same by; all else is left to us."""
    assert DIALECT.found(FIELD, "ab") == Condition("strpos(name, ?) > 0", ("ab",))
    assert DIALECT.found(FIELD, "^ab") == Condition("strpos(name, ?) = 1", ("ab",))
    for pattern in ("", "^", "a.b", "a$", "a|b", "[a]", "a\\b", "^^a", "(a)", "a\0", "\1", "\2"):
        assert DIALECT.found(FIELD, pattern) is None


def test_parts_of_texts_that_might_be_parts_of_how_nul_is_kept() -> None:
    """They are left to us."""
    for part in ("\0", "a\0", "\1b", "\2", "a\1"):
        assert DIALECT.contains(FIELD, part) is None
    for part in ("a", "a\0b", "a\2"):
        assert DIALECT.contains(FIELD, part) is not None


@given(st.text(alphabet="\0\1\2a"), st.text(alphabet="\0\1\2a"))
def test_texts_are_kept_exactly_and_in_order(one: str, other: str) -> None:
    """What is kept has no NUL, reads as before, and compares as before."""
    assert "\0" not in kept(one)
    assert adapters.given([(kept(one), 1, None)]) == [(one, 1, None)]
    assert (kept(one) < kept(other)) == (one < other)


def test_every_text_is_kept_and_found(store: DBPostgresConnector) -> None:
    """By equality, by its parts and in order."""
    name = ("name",)
    assert {one["name"] for one in contents(store).values()} == set(TEXTS)
    with reading(store) as session:
        for number, one in enumerate(TEXTS):
            equal = Compare(name, Operator.EQ, one, Kind.TEXT)
            assert found_ids(store, session, Query(equal)) == [str(number)]
            holding = {str(other) for other, whole in enumerate(TEXTS) if one in whole}
            part = Compare(name, Operator.CONTAINS, one, Kind.TEXT)
            assert set(found_ids(store, session, Query(part))) == holding
        ordered = [TEXTS[int(id_)] for id_ in found_ids(store, session, Query(sort=(SortKey(name, Kind.TEXT),)))]
    assert ordered == sorted(TEXTS)


def test_lone_surrogates_match_nothing(store: DBPostgresConnector) -> None:
    """A text that no database can hold is asked for without an error."""
    lone = "a\ud800"
    assert not is_storable(lone)
    with reading(store) as session:
        assert store.get(session, [lone, "0"]).keys() == {"0"}
        for operator in (Operator.EQ, Operator.CONTAINS):
            assert store.count(session, Compare(("name",), operator, lone, Kind.TEXT)) == 0
