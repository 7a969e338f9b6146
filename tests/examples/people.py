"""The users and addresses of the chapter "Quickstart", as the document declares them."""

from backo import Backoffice, Bool, Collection, DBConnector, DeleteStrategy, Item, Ref, RefsList, String
from backo.connectors.base import Store


def quickstart(yml_users: Store | DBConnector, yml_addr: Store | DBConnector) -> Backoffice:
    """Declare users who live at addresses."""
    # -- Description of the backoffice
    my_backoffice = Backoffice("myApp")

    # -- Add the collection "users" into this backoffice (with a reference to the futur "addrs" collection)
    coll_users = Collection(
        "users",
        Item(
            {
                "name": String(),
                "surname": String(),
                "addr": Ref(coll="addrs", field="$.users", required=True),
                "male": Bool(default=True),
            }
        ),
        yml_users,
    )
    my_backoffice.register_collection(coll_users)

    # -- Add the collection "addrs" into this backoffice (with reference to the "users" collection)
    coll_addrs = Collection(
        "addrs",
        Item(
            {
                "name": String(),
                "address": String(),
                "users": RefsList(coll="users", field="$.addr", ods=DeleteStrategy.MUST_BE_EMPTY),
            },
        ),
        yml_addr,
    )
    my_backoffice.register_collection(coll_addrs)
    return my_backoffice
