"""The people and sites both sides serve: the same data, ids and times for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

Values = dict[str, Any]
Clock = Callable[[], datetime]
NewId = Callable[[], str]

FILLED_AT = datetime(2024, 1, 1, 12, 30, 15, 250_000, tzinfo=UTC)

_SYLLABLES = ("ba", "den", "gor", "lia", "mi", "no", "ru", "sten")
_CITIES = ("Lyon", "Zürich", "Göteborg", "Łódź", "Porto", "Gent", "Turku")
_TAGS = ("admin", "board", "field", "guest", "night", "press", "staff")
_FIRST_BIRTH = date(1925, 1, 1)


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def site_id(number: int) -> str:
    """Return the id the fill gives to site `number`, in the form of a UUIDv7 of 2024."""
    return f"018cc251-f400-7000-9000-{number:012x}"


def person_id(number: int) -> str:
    """Return the id the fill gives to person `number`, in the form of a UUIDv7 of 2024."""
    return f"018cc251-f400-7000-8000-{number:012x}"


def site(number: int) -> Values:
    """Return site `number` as a client would send it."""
    return {"name": f"Site {number}", "city": _CITIES[number % len(_CITIES)]}


def person(number: int, site_number: int) -> Values:
    """Return person `number`, ten fields, as a client would send it.

    Names come in 512 values and ages in 100, both out of step with the number, so
    that an order by name or a range of ages is never the order of insertion.
    """
    mixed = number * 7_919 % 100_003
    first = _SYLLABLES[mixed % 8] + _SYLLABLES[mixed // 8 % 8] + _SYLLABLES[mixed // 64 % 8]
    city = _CITIES[mixed % len(_CITIES)]
    return {
        "name": first.capitalize(),
        "surname": f"Van {city} {number}",
        "age": mixed % 100,
        "email": f"{first}.{number}@example.org",
        "male": mixed % 2 == 0,
        "salary": 1_500.25 + mixed % 4_000,
        "birth": (_FIRST_BIRTH + timedelta(days=mixed % 36_000)).isoformat(),
        "tags": [_TAGS[mixed % 7], _TAGS[(mixed + 3) % 7]],
        "address": {"street": f"{city} street", "number": mixed % 300 + 1, "city": city},
        "site": site_id(site_number),
    }


def sites(count: int) -> Iterator[Values]:
    """Yield the first `count` sites, each with its `_id`."""
    for number in range(count):
        yield {"_id": site_id(number), **site(number)}


def people(count: int, parents: int) -> Iterator[Values]:
    """Yield `count` people, each with its `_id`, spread over the first `parents` sites."""
    for number in range(count):
        yield {"_id": person_id(number), **person(number, number % parents)}
