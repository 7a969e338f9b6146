"""Who may do what: a right is a function of its name and an item, asked for the current user."""

from typing import Any

from backo import CurrentUserWrapper, Item, current_user

ADMIN, EMPLOYEE, READER = ROLES = ("ADMIN", "EMPLOYEE", "READER")
STAFF = (ADMIN, EMPLOYEE)


def is_admin(right_name: str, item: Item) -> bool:
    """Allow it to those who run the library."""
    return current_user.has_role(ADMIN)


def is_new(right_name: str, item: Item) -> bool:
    """Allow it while the item is created: what an `_id` is made of never changes."""
    return bool(item._id is None)


def is_staff(right_name: str, item: Item) -> bool:
    """Allow it to those who work in the library."""
    return current_user.has_role(STAFF)


def is_admin_or_oneself(right_name: str, user: Item) -> bool:
    """Allow it to admins, and to each user for himself."""
    return current_user.has_role(ADMIN) or bool(user._id == current_user._id)


def is_staff_or_oneself(right_name: str, user: Item) -> bool:
    """Allow it to those who work here, and to each user for himself."""
    return current_user.has_role(STAFF) or bool(user._id == current_user._id)


def is_staff_or_borrower(right_name: str, book: Item) -> bool:
    """Allow it to those who work here, and to whoever has the book."""
    return current_user.has_role(STAFF) or bool(book.borrow.user == current_user._id)


def books_on_the_shelf(user: CurrentUserWrapper) -> dict[str, Any]:
    """Hide withdrawn books from readers: for them there are none."""
    return {} if user.has_role(STAFF) else {"withdrawn": False}
