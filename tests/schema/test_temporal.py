from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

import pytest

from backo import Date, Datetime, DefinitionError, Field, Time
from backo.schema.problems import Refusal

EAST = timezone(timedelta(hours=5, minutes=30))


class Moment(datetime):
    """What libraries make of a moment."""

    def isoformat(self, *arguments: Any, **named: Any) -> str:
        """Say nothing useful."""
        return "a moment"


class Day(date):
    """What libraries make of a day."""


class Hour(time):
    """What libraries make of a time of day."""


class Nowhere(tzinfo):
    """A zone that knows no offset."""

    def utcoffset(self, moment: datetime | None) -> None:
        """Give none."""

    def dst(self, moment: datetime | None) -> None:
        """Give none."""

    def tzname(self, moment: datetime | None) -> str:
        """Give a name."""
        return "nowhere"

    def __repr__(self) -> str:
        """Show the same in every process: the name of a test is made of it."""
        return "Nowhere()"


@pytest.mark.parametrize(
    ("field", "given", "kept", "json"),
    [
        (Datetime(), "2024-01-31T12:00:00Z", datetime(2024, 1, 31, 12, tzinfo=UTC), "2024-01-31T12:00:00Z"),
        (Datetime(), "2024-01-31t12:00:00z", datetime(2024, 1, 31, 12, tzinfo=UTC), "2024-01-31T12:00:00Z"),
        (Datetime(), "2024-01-31 12:00:00+05:30", datetime(2024, 1, 31, 6, 30, tzinfo=UTC), "2024-01-31T06:30:00Z"),
        (Datetime(), "2024-01-31T12:00:00", datetime(2024, 1, 31, 12), "2024-01-31T12:00:00"),
        (Datetime(), "2024-01-31T12:00:00.5", datetime(2024, 1, 31, 12, 0, 0, 500_000), "2024-01-31T12:00:00.500000"),
        (
            Datetime(),
            "2024-01-31T12:00:00.000001000Z",
            datetime(2024, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
            "2024-01-31T12:00:00.000001Z",
        ),
        (Datetime(), "0001-01-01T00:00:00", datetime(1, 1, 1), "0001-01-01T00:00:00"),
        (Datetime(), datetime(2024, 1, 31, 12), datetime(2024, 1, 31, 12), "2024-01-31T12:00:00"),
        (
            Datetime(),
            datetime(2024, 1, 31, tzinfo=EAST),
            datetime(2024, 1, 30, 18, 30, tzinfo=UTC),
            "2024-01-30T18:30:00Z",
        ),
        (Datetime(), datetime(2024, 10, 27, 2, 30, fold=1), datetime(2024, 10, 27, 2, 30), "2024-10-27T02:30:00"),
        (Datetime(), Moment(2024, 1, 31), datetime(2024, 1, 31), "2024-01-31T00:00:00"),
        (
            Datetime(),
            Moment(2024, 1, 31, tzinfo=EAST),
            datetime(2024, 1, 30, 18, 30, tzinfo=UTC),
            "2024-01-30T18:30:00Z",
        ),
        (Datetime(), datetime(2024, 1, 31, tzinfo=Nowhere()), datetime(2024, 1, 31), "2024-01-31T00:00:00"),
        (Datetime(aware=True), "2024-01-31T12:00:00Z", datetime(2024, 1, 31, 12, tzinfo=UTC), "2024-01-31T12:00:00Z"),
        (Date(), "2024-02-29", date(2024, 2, 29), "2024-02-29"),
        (Date(), Day(2024, 2, 29), date(2024, 2, 29), "2024-02-29"),
        (Time(), "12:30:00", time(12, 30), "12:30:00"),
        (Time(), "12:30:00.25", time(12, 30, 0, 250_000), "12:30:00.250000"),
        (Time(), Hour(12, 30, fold=1), time(12, 30), "12:30:00"),
    ],
    ids=repr,
)
def test_what_a_type_takes(field: Field, given: Any, kept: Any, json: str) -> None:
    """A naive moment stays naive, an aware one is kept in UTC; both to the microsecond."""
    value = field.compiled()(given)

    assert repr(value) == repr(kept)
    assert type(value) is type(kept)
    assert field.to_json(value) == json
    assert repr(field.from_json(json)) == repr(kept)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (Datetime(), "2024-01-31"),
        (Datetime(), "2024-01-31T12:00Z"),
        (Datetime(), "2024-01-31T12:00:60Z"),
        (Datetime(), "2024-01-31T24:00:00Z"),
        (Datetime(), "2024-02-30T12:00:00Z"),
        (Datetime(), "2024-01-31T12:00:00.0000001Z"),
        (Datetime(), "2024-01-31T12:00:00+25:00"),
        (Datetime(), "2024-01-31T12:00:00+01:60"),
        (Datetime(), "2024-01-31T12:00:00+0100"),
        (Datetime(), "2024-01-31T12:00:00 Europe/Paris"),
        (Datetime(), "２０２４-01-31T12:00:00Z"),
        (Datetime(), "0001-01-01T00:00:00+14:00"),
        (Datetime(), "9999-12-31T23:59:59-01:00"),
        (Datetime(), 1_700_000_000),
        (Datetime(), date(2024, 1, 31)),
        (Datetime(aware=True), "2024-01-31T12:00:00"),
        (Datetime(aware=True), datetime(2024, 1, 31)),
        (Date(), "2024-1-31"),
        (Date(), "2023-02-29"),
        (Date(), "20240131"),
        (Date(), "2024-W05-3"),
        (Date(), datetime(2024, 1, 31)),
        (Date(), 5),
        (Time(), "12:30"),
        (Time(), "24:00:00"),
        (Time(), "12:30:00Z"),
        (Time(), time(12, tzinfo=UTC)),
        (Time(), 5),
    ],
    ids=repr,
)
def test_what_a_type_refuses(field: Field, given: Any) -> None:
    """What is not written as RFC 3339 has it, or would lose something, is refused."""
    with pytest.raises(Refusal):
        field.compiled()(given)


def test_operands_compare_in_utc() -> None:
    """In filters a naive moment counts as UTC, also where only aware ones are stored."""
    field = Datetime(aware=True)

    assert field.operand("2024-01-31T12:00:00+01:00") == "2024-01-31T11:00:00Z"
    assert field.operand(datetime(2024, 1, 31)) == "2024-01-31T00:00:00"


def test_a_plus_that_became_a_space() -> None:
    """A zone in a query string is understood even when nobody escaped it."""
    assert Datetime().from_text("2024-01-31T12:00:00 01:00") == "2024-01-31T11:00:00Z"
    assert Datetime().from_text("2024-01-31 12:00:00") == "2024-01-31T12:00:00"


def test_aware_is_on_or_off() -> None:
    """Another value is a mistake."""
    with pytest.raises(DefinitionError, match="aware must be True or False"):
        Datetime(aware=1)  # type: ignore[arg-type]  # on purpose
