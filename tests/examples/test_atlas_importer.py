from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backo import Backoffice
from examples.atlas.importer import Tally, batches, import_world
from examples.atlas.model import build_backoffice
from examples.atlas.source import World, read_world

KEPT = {"FR", "BE", "LU", "MC", "US", "CS", "AL", "AQ"}


@pytest.fixture(scope="module")
def world() -> World:
    """Eight countries of the real world, with their cities of more than 100 000 people."""
    whole = read_world()
    countries = tuple(
        one | {"neighbours": [iso for iso in one["neighbours"] if iso in KEPT]}
        for one in whole.countries
        if one["iso"] in KEPT
    )
    cities = [
        one for one in whole.cities() if one["country"] in KEPT and (one["population"] > 100_000 or one["capital_of"])
    ]
    return replace(whole, countries=countries, cities=lambda: iter(cities), city_total=len(cities))


@pytest.fixture
def backoffice(tmp_path: Path) -> Iterator[Backoffice]:
    """An atlas in a fresh file."""
    with closing(build_backoffice(tmp_path / "atlas.sqlite")) as backoffice:
        yield backoffice


@pytest.fixture
def client(backoffice: Backoffice, world: World) -> FlaskClient:
    """A client of the imported atlas."""
    import_world(backoffice, world=world)
    app = Flask("atlas")
    backoffice.build_routes(app)
    return app.test_client()


def test_everything_is_created_and_told(backoffice: Backoffice, world: World) -> None:
    """The report counts what was stored, and progress ends at the totals."""
    told: list[tuple[str, int, int]] = []

    report = import_world(backoffice, lambda *step: told.append(step), world)

    assert report.tallies == {
        "continents": Tally(created=7),
        "countries": Tally(created=8),
        "cities": Tally(created=world.city_total),
    }
    assert not report.nothing_changed
    assert report.findings == world.findings
    assert told == [
        ("continents", 7, 7),
        ("countries", 8, 8),
        ("cities", world.city_total, world.city_total),
    ]


def test_a_second_import_changes_nothing(backoffice: Backoffice, world: World) -> None:
    """An import can be run again without harm, and says so."""
    import_world(backoffice, world=world)
    before = backoffice.cities.get_by_id("2988507").get_value()

    report = import_world(backoffice, world=world)

    assert report.nothing_changed
    assert report.tallies["cities"] == Tally(unchanged=world.city_total)
    assert backoffice.cities.get_by_id("2988507").get_value() == before


def test_only_what_differs_is_saved(backoffice: Backoffice, world: World) -> None:
    """An item that moved away from the source comes back to it, and no other is touched."""
    import_world(backoffice, world=world)
    france = backoffice.countries.get_by_id("FR")
    france.set({"population": 1})
    france.save()
    backoffice.cities.get_by_id("2996944").delete()  # Lyon

    report = import_world(backoffice, world=world)

    assert report.tallies["countries"] == Tally(changed=1, unchanged=7)
    assert report.tallies["cities"] == Tally(created=1, unchanged=world.city_total - 1)
    assert backoffice.countries.get_by_id("FR").population == 66_987_244


def test_references_come_back(backoffice: Backoffice, world: World) -> None:
    """Borders and capitals that were changed are as in the source again, on both sides."""
    import_world(backoffice, world=world)
    france = backoffice.countries.get_by_id("FR")
    france.set({"neighbours": ["AQ"], "capital": "2996944"})
    france.save()

    import_world(backoffice, world=world)

    neighbours = {item["_id"]: list(item.neighbours) for item in backoffice.countries.select({})}
    assert neighbours["FR"] == ["BE", "LU", "MC"]
    assert (neighbours["MC"], neighbours["AQ"]) == (["FR"], [])
    assert backoffice.countries.get_by_id("FR").capital == "2988507"
    assert import_world(backoffice, world=world).nothing_changed


def test_an_interrupted_import_is_completed(backoffice: Backoffice, world: World) -> None:
    """What a first run did not reach, the next one adds."""

    def interrupt(name: str, _done: int, _total: int) -> None:
        if name == "countries":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_world(backoffice, interrupt, world)

    report = import_world(backoffice, world=world)

    assert report.tallies["countries"] == Tally(unchanged=8)
    assert report.tallies["cities"] == Tally(created=world.city_total)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param(
            "continents/EU",
            {"name": "Europe", "countries": ["AL", "BE", "CS", "FR", "LU", "MC"]},
            id="continent",
        ),
        pytest.param(
            "countries/FR",
            {
                "continent": "EU",
                "capital": "2988507",
                "neighbours": ["BE", "LU", "MC"],
                "currency": {"code": "EUR", "name": "Euro"},
                "density": 122.5,
                "cities": [],
            },
            id="country",
        ),
        pytest.param("countries/AL", {"neighbours": ["CS"]}, id="one-sided-border"),
        pytest.param("countries/AQ", {"capital": None, "density": 0.0}, id="no-capital"),
        pytest.param(
            "cities/2988507",
            {
                "name": "Paris",
                "country": "FR",
                "capital_of": "FR",
                "location": {"latitude": 48.85341, "longitude": 2.3488},
            },
            id="city",
        ),
    ],
)
def test_items_over_http(client: FlaskClient, path: str, shown: dict[str, Any]) -> None:
    """Both sides of every reference are there, under natural ids."""
    answer = client.get(f"/atlas/{path}")

    assert answer.status_code == 200
    assert shown.items() <= answer.get_json().items()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param(
            "cities?country.name=France&population.$gt=500000&_sort=-population",
            ["Paris", "Marseille", "Lyon", "Toulouse"],
            id="across-a-reference",
        ),
        pytest.param(
            "cities?capital_of.population.$gt=60000000&_sort=-population",
            ["Paris", "Washington"],
            id="capitals-of-large-countries",
        ),
        pytest.param(
            "countries?continent=EU&continent=NA&population.$gt=1000000&_sort=name",
            ["Albania", "Belgium", "France", "Serbia and Montenegro", "United States"],
            id="given-twice",
        ),
        pytest.param("cities?country=FR&name.$reg=ourg$", ["Strasbourg"], id="pattern"),
    ],
)
def test_filters_over_http(client: FlaskClient, query: str, names: list[str]) -> None:
    """Filters reach across references, and answers come in the order asked for."""
    answer = client.get(f"/atlas/{query}")

    assert answer.status_code == 200, answer.get_json()
    assert [item["name"] for item in answer.get_json()["result"]] == names


def test_a_continent_with_countries_stays(client: FlaskClient) -> None:
    """What others need is not deleted."""
    assert client.delete("/atlas/continents/EU").status_code == 409
    assert client.get("/atlas/continents/EU").status_code == 200


def test_a_capital_lies_in_its_country(client: FlaskClient) -> None:
    """A city of another country is refused as a capital, from either side."""
    brussels = client.get("/atlas/countries/BE").get_json()["capital"]

    from_city = client.put(f"/atlas/cities/{brussels}", json={"capital_of": "FR"})
    from_country = client.put("/atlas/countries/FR", json={"capital": brussels})

    assert (from_city.status_code, from_country.status_code) == (422, 422)
    assert client.get("/atlas/countries/FR").get_json()["capital"] == "2988507"


def test_a_capital_moves(client: FlaskClient) -> None:
    """A new capital frees the old one: the relation is one to one."""
    assert client.put("/atlas/countries/FR", json={"capital": "2996944"}).status_code == 200

    assert client.get("/atlas/cities/2996944").get_json()["capital_of"] == "FR"
    assert client.get("/atlas/cities/2988507").get_json()["capital_of"] is None


def test_batches_tell_how_far_they_reach() -> None:
    """Items come in lists of a thousand, the last one shorter."""
    items = [{"number": number} for number in range(2_500)]

    made = list(batches(items))

    assert [(done, len(batch)) for done, batch in made] == [(1000, 1000), (2000, 1000), (2500, 500)]
    assert [one for _, batch in made for one in batch] == items
