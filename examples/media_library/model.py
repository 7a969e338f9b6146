"""What a media library is made of: three collections, and the references between them.

author  n ──── n  book  n ──── 0..1  user    who has borrowed it
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from backo import (
    Backoffice,
    Bool,
    Collection,
    Date,
    DBMemoryConnector,
    DBSqliteConnector,
    Decimal,
    DeleteStrategy,
    Dict,
    File,
    FileConnector,
    FileSystemConnector,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    String,
)
from examples.media_library.lending import ACTIONS, SELECTIONS, is_given_back
from examples.media_library.passwords import hashed
from examples.media_library.rights import (
    READER,
    ROLES,
    books_on_the_shelf,
    is_admin,
    is_admin_or_oneself,
    is_new,
    is_staff,
    is_staff_or_borrower,
    is_staff_or_oneself,
)

Connector: TypeAlias = DBSqliteConnector | DBMemoryConnector

USER = Item(
    {
        "login": String(required=True, unique=True, pattern=r"^[a-z][a-z0-9-]{1,30}\Z", can_modify=is_new),
        "name": String(required=True),
        "roles": List(String(enum=list(ROLES)), required=True, min=1, uniq=True, default=[READER], can_modify=is_admin),
        "password": String(required=True, transform=hashed, can_read=False, description="never shown; kept as a hash"),
        "remarks": String(can_read=is_staff, can_modify=is_admin),
        # Lending and taking back are actions: see `lending`.
        "borrowed": RefsList(coll="books", field="$.borrow.user", can_modify=False),
    },
    description="Somebody who can log in.",
)

AUTHOR = Item(
    {
        "name": String(required=True, unique=True),
        "born": Int(description="the year"),
        "books": RefsList(coll="books", field="$.authors"),
    },
    description="Somebody who wrote a book of ours.",
)


def book(covers: FileConnector) -> Item:
    """Declare a book.

    Args:
        covers: keeps the pictures.
    """
    return Item(
        {
            "barcode": String(required=True, unique=True, pattern=r"^[0-9]{3,13}\Z", can_modify=is_new),
            "title": String(required=True, index=True),
            "year": Int(min=1450, max=2100),
            # An author of no book can be deleted; that of a book cannot.
            "authors": RefsList(
                coll="authors", field="$.books", required=True, ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS
            ),
            "cover": File(work_connector=covers, mime_types=["image/png", "image/jpeg"], max_size=1024**2),
            "price": Decimal(min=0, can_read=is_staff, can_modify=is_admin, description="what a lost copy costs"),
            "remarks": String(can_read=is_staff),
            "withdrawn": Bool(
                required=True,
                default=False,
                constraint=is_given_back,
                description="no longer lent; readers do not see it",
            ),
            "borrow": Dict(
                {
                    "user": Ref(coll="users", field="$.borrowed"),
                    "since": Date(),
                    "return_date": Date(index=True),
                },
                can_read=is_staff_or_borrower,
                can_modify=False,  # by the actions only: see `lending`
            ),
            "borrowed": Bool(set=lambda book: book.borrow.user is not None, views=["save"]),
        },
        description="A copy on our shelves, or out.",
    )


# Ids that people can guess make addresses that they can type: /media_library/books/666.
IDENTIFIERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "users": lambda user: user["login"],
    "books": lambda book: book["barcode"],
}


def declare(connect: Callable[[str], Connector], covers: FileConnector) -> Backoffice:
    """Declare the library; nothing is opened before its first use.

    Args:
        connect: gives the store of a collection, by its name.
        covers: keeps the pictures.
    """
    backoffice = Backoffice("media_library")

    def add(name: str, item: Item, **rights: Any) -> Collection:
        connector = connect(name)
        if name in IDENTIFIERS:
            connector.generate_id = IDENTIFIERS[name]
        return backoffice.register_collection(Collection(name, item, connector, **rights))

    add(
        "users",
        USER,
        can_read=is_staff_or_oneself,
        can_create=is_admin,
        can_modify=is_admin_or_oneself,
        can_delete=is_admin,
    )
    add("authors", AUTHOR, can_create=is_staff, can_modify=is_staff, can_delete=is_admin)
    books = add(
        "books",
        book(covers),
        visible=books_on_the_shelf,
        can_create=is_staff,
        can_modify=is_staff,
        can_delete=False,  # a book is withdrawn: its barcode is never given to another one
    )
    for name, action in ACTIONS.items():
        books.register_action(name, action)
    for name, selection in SELECTIONS.items():
        books.register_selection(name, selection)
    return backoffice


def build_backoffice(folder: Path) -> Backoffice:
    """Declare the library in a folder: one SQLite file, and one file for each cover."""
    database = folder / "library.sqlite"
    return declare(
        lambda name: DBSqliteConnector(path=database, table=name), FileSystemConnector(path=folder / "covers")
    )
