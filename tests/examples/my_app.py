"""The application `myApp` of the chapters on routes: its users as far as the examples show them."""

from typing import Any

from backo import Backoffice, BlobFile, Dict, Int, Item, Ref, String
from tests.work.stores import Stores

USERS: dict[str, dict[str, Any]] = {
    "1234": {"name": "John", "surname": "Rambo", "age": 11, "address": {"number": 1}, "pict": "John pict"},
    "123": {"name": "donald", "surname": "duck", "age": 12, "address": {"number": 12}, "site": "sea"},
    "124": {"name": "Fedora", "surname": "donald", "address": {"number": 2}},
}


def user(**fields: Any) -> Item:
    """Declare a user, with further fields."""
    return Item(
        {
            "name": String(),
            "surname": String(),
            "age": Int(constraint=lambda age: age >= 0),
            "site": Ref(coll="sites"),
            **fields,
        }
    )


def my_app(stores: Stores) -> Backoffice:
    """Declare users and their sites."""
    ids = iter([*USERS, *map(str, range(1000, 2000))])
    users = user(address=Dict({"number": Int()}), pict=BlobFile())
    sites = Item({"name": String()})
    return stores.backoffice(
        {"users": users, "sites": sites},
        app="myApp",
        ids=lambda item: item.name if "address" not in item else next(ids),
    )


def with_users(stores: Stores) -> Backoffice:
    """Declare the application, and store its users."""
    backoffice = my_app(stores)
    backoffice.sites.create({"name": "sea"})
    for values in USERS.values():
        backoffice.users.create(values)
    return backoffice
