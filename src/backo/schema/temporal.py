"""Field types of time: dates, times of day and moments (RFC 3339 in JSON)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, Unpack

from backo.schema.fields import Field, Json
from backo.schema.kinds import Kind
from backo.schema.options import CommonOptions, read_flag
from backo.schema.problems import Refusal

_HOUR_MINUTE = r"([01]\d|2[0-3]):[0-5]\d"
_TIME = _HOUR_MINUTE + r":[0-5]\d(\.\d{1,6}0*)?"
_ZONE = rf"([Zz]|[+-]{_HOUR_MINUTE})"
_DATETIME = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}[Tt ]{_TIME}{_ZONE}?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME_OF_DAY = re.compile(_TIME, re.ASCII)


def write_moment(value: datetime) -> str:
    """Write a moment as RFC 3339: `Z` when aware, nothing when naive, microseconds when there are some."""
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


class DatetimeOptions(CommonOptions, total=False):
    """Options of `Datetime`."""

    aware: bool


class Datetime(Field):
    """A moment, to the microsecond: naive ones stay naive, aware ones are kept in UTC.

    Options:
        aware: accept aware ones only.
    """

    kind = Kind.INSTANT
    own_options: ClassVar[Mapping[str, str]] = {"aware": "aware"}

    aware: bool

    def __init__(self, **options: Unpack[DatetimeOptions]) -> None:
        super().__init__(**options)  # type: ignore[misc]  # the base takes every option at run time

    def configure(self, *, aware: bool = False) -> None:
        """Take the option."""
        self._set(aware=read_flag("Datetime: aware", aware))

    def to_json(self, value: datetime) -> str:
        """Write RFC 3339."""
        return write_moment(value)

    def from_json(self, json: Json) -> datetime:
        """Read RFC 3339."""
        return datetime.fromisoformat(json)

    def convert(self, value: Any) -> datetime:
        """Accept a `datetime`, or RFC 3339 text with or without a zone."""
        moment = _moment(value)
        if self.aware and moment.tzinfo is None:
            raise Refusal.of("aware", "Must be a date and time with a zone (Z or +01:00)")
        return moment

    def operand(self, value: Any) -> Json:
        """Turn an operand into JSON; a naive one counts as UTC, so `aware` does not matter here."""
        return self.to_json(_moment(value))

    def from_text(self, text: str) -> Json:
        """Read the text of a query string, where `+` may have become a space."""
        return self.operand(re.sub(r" (\d{2}:\d{2})$", r"+\1", text) if text.count(":") > 2 else text)

    def facts(self) -> dict[str, Any]:
        """Tell whether it must be aware."""
        return {"aware": self.aware}


def _moment(value: Any) -> datetime:
    """Accept what is a moment; a naive one stays naive, an aware one comes in UTC.

    Raises:
        Refusal: it is none.
    """
    if isinstance(value, str) and _DATETIME.fullmatch(value):
        with suppress(ValueError):
            value = datetime.fromisoformat(value.upper())
    if not isinstance(value, datetime):
        raise Refusal.of("type", "Must be a date and time such as 2024-01-31T12:00:00Z")
    if type(value) is datetime and value.tzinfo in (None, UTC) and not value.fold:
        return value
    offset = value.utcoffset()
    exact = datetime.combine(date(value.year, value.month, value.day), _time(value))  # without what a subclass adds
    if offset is None:
        return exact
    try:
        return (exact - offset).replace(tzinfo=UTC)
    except OverflowError:
        raise Refusal.of("range", "Must be a date and time between the years 1 and 9999") from None


class Date(Field):
    """A day: `2024-01-31` in JSON, a `datetime.date` in Python."""

    kind = Kind.TEXT

    def to_json(self, value: date) -> str:
        """Write ISO 8601."""
        return value.isoformat()

    def from_json(self, json: Json) -> date:
        """Read ISO 8601."""
        return date.fromisoformat(json)

    def convert(self, value: Any) -> date:
        """Accept a date or its text."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return date(value.year, value.month, value.day)
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise Refusal.of("type", "Must be a date such as 2024-01-31")


class Time(Field):
    """A time of day without a zone: `12:30:00` in JSON, a naive `datetime.time` in Python."""

    kind = Kind.TEXT

    def to_json(self, value: time) -> str:
        """Write ISO 8601, with six decimals where there are microseconds."""
        return value.isoformat()

    def from_json(self, json: Json) -> time:
        """Read ISO 8601."""
        return time.fromisoformat(json)

    def convert(self, value: Any) -> time:
        """Accept a naive time or its text."""
        if isinstance(value, time) and value.tzinfo is None:
            return _time(value)
        if isinstance(value, str) and _TIME_OF_DAY.fullmatch(value):
            try:
                return time.fromisoformat(value)
            except ValueError:
                pass
        raise Refusal.of("type", "Must be a time such as 12:30:00")


def _time(value: time | datetime) -> time:
    """Give the time of day, naive and of the plain type."""
    return time(value.hour, value.minute, value.second, value.microsecond)
