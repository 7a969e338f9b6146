"""The chapters "Installation", "Quickstart" and "Internal usage" of the document."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import backo
from backo import DBSqliteConnector, DBYmlConnector
from tests.examples.curl import curl_for
from tests.examples.people import quickstart
from tests.work.stores import Stores

IMPORTED = [
    ["Item", "DBYmlConnector", "Backoffice", "Collection"],
    ["Ref", "RefsList", "DeleteStrategy"],
    ["Collection", "current"],
    ["current_user", "CurrentUser", "CurrentUserWrapper"],
    ["log_system", "LogLevel"],
]


@pytest.mark.parametrize("names", IMPORTED, ids=" ".join)
def test_installation(names: list[str]) -> None:
    """Chapter "Installation": `pip install backo` gives a package of this name, with what the examples import."""
    assert version("backo") == backo.__version__
    assert [name for name in names if not hasattr(backo, name)] == []


@pytest.mark.parametrize("kind", ["yaml", "sqlite"])
def test_quickstart(tmp_path: Path, kind: str) -> None:
    """Chapter "Quickstart": users live at exactly one address, where zero or more users live.

    Mended: `String` and `Bool` are imported, too.
    """
    if kind == "yaml":
        # --- Storage for user
        yml_users: Any = DBYmlConnector(path=str(tmp_path / "path_to_users"))
        # --- Storage for addresses
        yml_addr: Any = DBYmlConnector(path=str(tmp_path / "path_to_addresses"))
    else:
        yml_users = DBSqliteConnector(path=tmp_path / "quickstart.sqlite", table="users")
        yml_addr = DBSqliteConnector(path=tmp_path / "quickstart.sqlite", table="addrs")
    my_backoffice = quickstart(yml_users, yml_addr)
    curl = curl_for(my_backoffice)

    nowhere = curl("""curl -X POST 'http://localhost/myApp/users/' -d '{"name":"neil"}'""")
    moon = curl("""curl -X POST 'http://localhost/myApp/addrs/' -d '{"name":"moon","address":"far"}'""").json or {}
    made = [
        curl(f"""curl -X POST 'http://localhost/myApp/users/' -d '{{"name":"{name}","addr":"{moon["_id"]}"}}'""")
        for name in ("neil", "buzz")
    ]
    ids = [(one.json or {})["_id"] for one in made]

    assert (nowhere.status_code, (nowhere.json or {})["errors"][0]["path"]) == (422, "$.addr")
    assert moon.items() >= {"name": "moon", "address": "far", "users": []}.items()
    neil = curl(f"curl http://localhost/myApp/users/{ids[0]}").json or {}
    assert neil.items() >= {"name": "neil", "surname": None, "addr": moon["_id"], "male": True}.items()
    address = f"http://localhost/myApp/addrs/{moon['_id']}"
    assert (curl(f"curl {address}").json or {})["users"] == sorted(ids)
    assert curl(f"curl -X DELETE {address}").status_code == 409
    for id_ in ids:
        assert curl(f"curl -X DELETE http://localhost/myApp/users/{id_}").status_code == 204
    assert (curl(f"curl {address}").json or {})["users"] == []
    assert curl(f"curl -X DELETE {address}").status_code == 204
    my_backoffice.close()


def test_internal_usage(stores: Stores) -> None:
    """Chapter "Internal usage": an item keeps what was read until it is read again, then both sides agree."""
    backoffice = quickstart(stores.connector("users"), stores.connector("addrs"))
    stores.opened.append(backoffice)

    # Create an adress, save it in the DB and provide the object with a unique id.
    moon_address: Any = backoffice.addrs.create({"name": "moon", "address": "far"})

    # Create a user with this address
    astro: Any = backoffice.users.create({"name": "neil", "surname": "amstrong", "addr": moon_address._id})

    assert moon_address.users == []
    moon_address.reload()  # reload data from the DB so that crossed references are updated
    assert moon_address.users == [astro._id]
    assert astro.addr == moon_address._id
