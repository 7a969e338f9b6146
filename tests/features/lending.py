"""A library that lends books, on any store: actions and selections to talk to."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import request

from backo import (
    Action,
    Backoffice,
    Bool,
    Collection,
    ConflictError,
    Date,
    Decimal,
    Dict,
    FillStrategy,
    FreeDict,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    RightError,
    Selection,
    String,
    ValidationError,
    current_user,
)
from tests.features.dialogue import Dialogue
from tests.work.stores import Stores, named

ROLES = {"wallrich": ["EMPLOYEE"], "lang": []}
STAFF, READER = {"X-User": "wallrich"}, {"X-User": "lang"}


class Library:
    """Remembers the library that the functions are called in."""

    current: Backoffice


library = Library()


def authenticate() -> None:
    """Believe what the header says."""
    login = request.headers.get("X-User")
    if login:
        current_user.set({"_id": login, "login": login, "roles": ROLES[login]})


def is_employee(right_name: str, item: Any) -> bool:
    """Tell whether the user works here; who is asked about "execute" or "read" only."""
    return current_user.has_role("EMPLOYEE") and right_name in {"execute", "read"}


def is_free(right_name: str, book: Any) -> bool:
    """Tell whether nobody has the book; who is asked about "see" only."""
    return not book.borrowed and right_name == "see"


def failing(right_name: str, item: Any) -> bool:
    """Fail."""
    raise KeyError(right_name)


def borrow(action: Action, book: Item, **kwargs: Any) -> None:
    """Lend the book."""
    book.borrow.user = action.user_id
    book.borrow.until = action.until
    book.save(**kwargs)


def _set_wrong(book: Any) -> None:
    book.place.shelf = "high"


def _dangle(book: Any) -> None:
    book.author = "nobody"
    book.save()


def _raise(error: Exception) -> Callable[[Any], Any]:
    def fail(book: Any) -> Any:
        raise error

    return fail


FAILURES: Mapping[str, Callable[[Any], Any]] = {
    "invalid": _set_wrong,
    "dangling": _dangle,
    "right": _raise(RightError("not you")),
    "conflict": _raise(ConflictError("too late")),
    "refused": _raise(ValidationError("no")),
    "bug": lambda book: 1 // 0,
    "a set": lambda book: {1, 2},
    "something inside": lambda book: {"a": [1, object()]},
    "a time": lambda book: datetime(2024, 1, 31, tzinfo=UTC),
    "no number": lambda book: float("nan"),
}


def fail(action: Any, book: Any) -> Any:
    """Change this and that, then fail."""
    book.title, book.author = "spoilt", None
    book.save()
    library.current.books.create({"name": "orphan", "author": "bob"})
    return FAILURES[action.how](book)


RESULTS: Mapping[str, Callable[[Any], Any]] = {
    "nothing": lambda book: None,
    "text": lambda book: "done",
    "zero": lambda book: 0,
    "no": lambda book: False,
    "item": lambda book: book,
    "draft": lambda book: library.current.books.set({"name": "draft", "price": "1.5"}),
    "parts": lambda book: {"tags": book.tags, "lines": book.lines, "author": book.author},
    "items": lambda book: {"author": book.author.item, "books": (book, *book.author.item.books.items())},
    "found": lambda book: library.current.people.select({"login": "Lang"}),
}


def give(action: Any, book: Any) -> Any:
    """Give something back."""
    return RESULTS[action.what](book)


def remove(action: Any, book: Any) -> None:
    """Take the book away."""
    book.delete()


BOOK = {
    "name": String(required=True),
    "title": String(),
    "price": Decimal(),
    "tags": List(String()),
    "lines": List(Dict({"text": String(), "number": Int()})),
    "place": Dict({"room": String(), "shelf": Int(), "bought": Date()}),
    "more": FreeDict(),
    "secret": String(views=["!client"]),
    "label": String(set=lambda book: f"{book.name}: {book.title}"),
    "author": Ref(coll="people", field="$.books"),
    "borrow": Dict({"user": Ref(coll="people", field="$.borrowed"), "until": Date()}),
    "borrowed": Bool(set=lambda book: book.borrow.user is not None, views=["save"]),
}

PERSON = {
    "name": String(required=True, views=["short"]),
    "login": String(),
    "friend": Ref(coll="people"),
    "likes": RefsList(coll="books"),
    "books": RefsList(coll="books", field="$.author"),
    "borrowed": RefsList(coll="books", field="$.borrow.user", ofs=FillStrategy.NOT_FILL),
}

PARAMETERS = {
    "user_id": String(required=True, max_length=20),
    "until": Date(required=True),
    "days": Int(default=14, min=1),
    "remarks": List(Dict({"text": String(required=True)})),
}

ACTIONS = {
    "borrow": Action(PARAMETERS, borrow, can_execute=is_employee, exists=is_free, description="Lend a book."),
    "fail": Action({"how": String()}, fail),
    "give": Action({"what": String(default="nothing")}, give),
    "remove": Action({}, remove),
    "hidden": Action({}, remove, can_see=failing),
    "closed": Action({}, remove, can_execute=False),
    "not_there": Action({}, remove, can_see=False),
}

SELECTIONS = {
    "borrowed": Selection(["$.title", "$.borrow.user.login"], filter={"borrowed": True}, description="Who has what."),
    "mine": Selection(["$.title"], filter=lambda user: {"borrow.user.name": user.login}),
    "dear": Selection(filter={"price.$gt": 9}, sort="-price"),
    "staff": Selection(["$.name"], can_read=is_employee),
    "closed": Selection(["$.name"], can_read=False),
}


def lending(stores: Stores) -> Backoffice:
    """Declare books and people."""
    library.current = backoffice = Backoffice("library")
    stores.opened.append(backoffice)
    for name, fields in {"books": BOOK, "people": PERSON}.items():
        connector: Any = stores.connector(name)
        connector.generate_id = named
        backoffice.register_collection(Collection(name, Item(fields), connector, meta_data_handler=None))
    for name, action in ACTIONS.items():
        backoffice.books.register_action(name, action)
    for name, selection in SELECTIONS.items():
        backoffice.books.register_selection(name, selection)
    return backoffice


BOOKS: list[dict[str, Any]] = [
    {"name": "b1", "title": "Docker", "price": "12.50", "tags": ["x", "y", "z"], "author": "ann"},
    {"name": "b2", "title": "Martine", "price": "9.9", "author": "ann", "secret": "s"},
    {
        "name": "b3",
        "title": "Winter",
        "price": "30",
        "author": "bob",
        "lines": [{"text": "one", "number": 1}, {"text": "two"}],
        "place": {"room": "east", "shelf": 2, "bought": "2020-02-29"},
        "more": {"a": [{"b": 7}]},
    },
    {"name": "b4"},
]


def fill(backoffice: Backoffice) -> None:
    """Store four books, two authors and two readers; one of them has two books."""
    with backoffice.transaction():
        for person in (
            {"name": "ann", "friend": "bob", "likes": ["b3", "b1"]},
            {"name": "bob", "likes": []},
            {"name": "wallrich", "login": "Wallrich"},
            {"name": "lang", "login": "Lang"},
        ):
            backoffice.people.create(person)
        for book in BOOKS:
            lent = {"borrow": {"user": "lang", "until": "2024-02-01"}} if book["name"] in {"b2", "b3"} else {}
            backoffice.books.create({**book, **lent})


def talking(stores: Stores) -> Iterator[Dialogue]:
    """Give a library that is filled."""
    backoffice = lending(stores)
    talk = Dialogue(backoffice, auth=authenticate)
    fill(backoffice)
    yield talk
