"""What an atlas is: three collections, and the references between them.

continent  1 ──── n  country  1 ──── n  city
                     country  1 ──── 1  city      its capital
                     country  n ──── n  country   its neighbours
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backo import (
    Backoffice,
    Collection,
    DBSqliteConnector,
    DeleteStrategy,
    Dict,
    FillStrategy,
    Float,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    String,
    Url,
)

CREDIT = "Data: GeoNames (https://www.geonames.org), CC BY 4.0."


def location() -> Dict:
    """Declare a place on the globe, in degrees."""
    return Dict(
        {
            "latitude": Float(min=-90, max=90, required=True),
            "longitude": Float(min=-180, max=180, required=True),
        },
        description="WGS 84, in degrees; north and east are positive",
    )


def density(country: Item) -> float | None:
    """Compute the people per square kilometre, where the area is known."""
    return round(country.population / country.area, 1) if country.area else None


def lies_in_it(headed: str, city: Item) -> bool:
    """Refuse a capital that lies in another country."""
    if headed != city.country:
        raise ValueError("a capital lies in its own country")
    return True


CONTINENT = Item(
    {
        "code": String(required=True, unique=True, pattern=r"^[A-Z]{2}$"),
        "name": String(required=True, unique=True),
        "population": Int(min=0, index=True),
        "location": location(),
        "wikipedia": Url(),
        "geonameid": Int(unique=True, description="https://www.geonames.org/<geonameid>"),
        "countries": RefsList(coll="countries", field="$.continent", ods=DeleteStrategy.MUST_BE_EMPTY),
    },
    description=f"A continent. {CREDIT}",
)

COUNTRY = Item(
    {
        "iso": String(required=True, unique=True, pattern=r"^[A-Z]{2}$", description="ISO 3166-1"),
        "iso3": String(unique=True, pattern=r"^[A-Z]{3}$"),
        "iso_numeric": Int(unique=True, min=1, max=999),
        "name": String(required=True, unique=True),
        "continent": Ref(coll="continents", field="$.countries", required=True),
        "capital": Ref(coll="cities", field="$.capital_of"),
        "neighbours": RefsList(
            coll="countries",
            field="$.neighbours",
            ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS,
        ),
        "population": Int(required=True, min=0, index=True),
        "area": Float(min=0, index=True, description="km²"),
        "density": Float(set=density, description="people per km²"),
        "languages": List(String(), uniq=True, description="IETF tags, most spoken first"),
        "currency": Dict({"code": String(pattern=r"^[A-Z]{3}$"), "name": String()}),
        "calling_code": String(),
        "top_level_domain": String(),
        "postal_code": String(description="a regular expression, or an example"),
        "geonameid": Int(unique=True),
        # Some countries have thousands of cities: they are kept, but not listed with the country.
        "cities": RefsList(
            coll="cities",
            field="$.country",
            ods=DeleteStrategy.MUST_BE_EMPTY,
            ofs=FillStrategy.NOT_FILL,
            description="see /atlas/cities?country=<iso>",
        ),
    },
    description=f"A country or territory. {CREDIT}",
)

CITY = Item(
    {
        "name": String(required=True, index=True),
        "country": Ref(coll="countries", field="$.cities", required=True),
        "capital_of": Ref(coll="countries", field="$.capital", constraint=lies_in_it),
        "region": String(description="the first administrative division, by its code"),
        "population": Int(required=True, min=0, index=True),
        "timezone": String(required=True, index=True),
        "location": location(),
        "geonameid": Int(required=True, unique=True),
    },
    description=f"A city of more than 15 000 people, or a capital. {CREDIT}",
)


# Natural ids make addresses that people can guess: /atlas/countries/FR.
IDENTIFIERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "continents": lambda continent: continent["code"],
    "countries": lambda country: country["iso"],
    "cities": lambda city: str(city["geonameid"]),
}


def build_backoffice(database: Path) -> Backoffice:
    """Declare the atlas, in one SQLite file; nothing is opened before its first use."""
    backoffice = Backoffice("atlas")
    for name, item in {"continents": CONTINENT, "countries": COUNTRY, "cities": CITY}.items():
        connector = DBSqliteConnector(path=database, table=name)
        connector.generate_id = IDENTIFIERS[name]
        backoffice.register_collection(Collection(name, item, connector))
    return backoffice
