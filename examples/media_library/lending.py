"""Lend a book and take it back: the two actions, and the lists of what is out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from backo import SYSTEM, Action, Date, Entity, Item, Selection, String, acting_as
from examples.media_library.rights import is_staff

DAYS = 21


def today() -> date:
    """Tell which day it is."""
    return datetime.now(UTC).date()


def in_three_weeks() -> date:
    """Tell when a book is due that is lent today."""
    return today() + timedelta(days=DAYS)


def is_not_past(day: date) -> bool:
    """Refuse a day that is over."""
    if day < today():
        raise ValueError("Must not be past")
    return True


def is_given_back(withdrawn: bool, book: Item) -> bool:  # noqa: FBT001  # a constraint gets the value, then the item
    """Refuse to withdraw a book that is out."""
    if withdrawn and book.borrow.user is not None:
        raise ValueError("Must be given back first")
    return True


def is_on_the_shelf(right_name: str, book: Item) -> bool:
    """Tell whether lending makes sense."""
    return not book.borrowed and not book.withdrawn


def is_out(right_name: str, book: Item) -> bool:
    """Tell whether taking back makes sense."""
    return bool(book.borrowed)


def borrow(action: Action, book: Entity, **kwargs: Any) -> None:
    """Lend the book."""
    book.set({"borrow": {"user": action.user_id, "since": today(), "return_date": action.return_date}})
    _save(book, **kwargs)


def give_back(action: Action, book: Entity, **kwargs: Any) -> None:
    """Take the book back."""
    book.set({"borrow": None})
    _save(book, **kwargs)


def _save(book: Entity, **kwargs: Any) -> None:
    """Save a loan, which nobody may write by hand; `_meta` still names who did it."""
    with acting_as(SYSTEM):
        book.save(**kwargs)


ACTIONS = {
    "borrow": Action(
        {
            "user_id": String(required=True, description="who takes it"),
            "return_date": Date(default=in_three_weeks, constraint=is_not_past, description="in three weeks if unsaid"),
        },
        borrow,
        can_see=is_on_the_shelf,
        can_execute=is_staff,
        description="Lend the book to a user.",
    ),
    "give_back": Action(
        {}, give_back, can_see=is_out, can_execute=is_staff, description="Take the book back from whoever has it."
    ),
}

SELECTIONS = {
    "borrowed": Selection(
        ["$.title", "$.borrow.user.login"],
        filter={"borrowed": True},
        sort="title",
        description="What is out; and with whom, for those who may know.",
    ),
    "mine": Selection(
        ["$.title", "$.borrow.return_date"],
        filter=lambda user: {"borrow.user": user._id},
        sort="title",
        description="What the current user has to bring back.",
    ),
    "late": Selection(
        ["$.title", "$.borrow.user.name", "$.borrow.return_date"],
        filter=lambda: {"borrow.return_date.$lt": today()},
        sort="title",
        can_read=is_staff,
        description="What should be back already.",
    ),
}
