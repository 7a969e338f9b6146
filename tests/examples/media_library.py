"""The media library of the chapters "Collection", "Action" and "Selection" of the document, made whole.

The document leaves out the other collections, the fields of a book and two commas; they are filled in here.
"""

from datetime import datetime
from typing import Any

from backo import (
    Action,
    Backoffice,
    Bool,
    Collection,
    Datetime,
    Dict,
    Item,
    Ref,
    RefsList,
    Selection,
    String,
    current_user,
)
from tests.work.stores import Stores

books_item = Item(
    {
        "title": String(require=True),
        "author": String(),
        "borrow": Dict(
            {
                "user": Ref(coll="users", field="$.borrowed"),
                "date": Datetime(),
                "return_date": Datetime(),
            }
        ),
        "borrowed": Bool(set=lambda book: book.borrow.user is not None, views=["save"]),
    }
)

users_item = Item({"login": String(require=True), "borrowed": RefsList(coll="books", field="$.borrow.user")})


def borrow(action: Action, book: Item, **kwargs: Any) -> None:
    """Borrow the book."""
    book.borrow.user = action.user_id
    book.borrow.date = datetime.now().replace(microsecond=0)
    book.borrow.return_date = action.return_date
    book.save(**kwargs)


def can_borrow(right_name: str, book: Item) -> bool:
    """Tell if current_user can execute the borrow action."""
    return current_user.has_role("EMPLOYEE")


def can_see_borrow_action(right_name: str, book: Item) -> bool:
    """Tell if the borrow action is a nonsense."""
    return not book.borrowed


def media_library(stores: Stores) -> Backoffice:
    """Declare the media library with two users and three books."""
    backoffice = Backoffice("media_library")
    stores.opened.append(backoffice)
    ids = {"Docker en pratique": "666", "Martine en ville": "1234", "Martine à la mer": "77"}
    connector: Any = stores.connector("books")
    connector.generate_id = lambda book: ids[book.title]
    books = Collection("books", books_item, connector)

    borrow_action = Action(
        {
            "user_id": String(require=True),
            "return_date": Datetime(require=True),
        },
        borrow,
        can_execute=can_borrow,
        exists=can_see_borrow_action,
    )
    # Add the action to the book collection
    books.register_action("borrow", borrow_action)

    borrowed_book_select = Selection(["$.title", "$.borrow.user.login"], filter={"borrowed": True})
    books.register_selection("borrowed", borrowed_book_select)

    backoffice.register_collection(books)
    users: Any = stores.connector("users")
    users.generate_id = lambda user: user.login.lower()
    backoffice.register_collection("users", Collection("users", users_item, users))
    backoffice.users.create({"login": "Wallrich"})
    backoffice.users.create({"login": "Lang"})
    for title in ids:
        backoffice.books.create({"title": title})
    return backoffice
