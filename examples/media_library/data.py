"""A little to begin with: four users, three authors, five books, two of them lent."""

import struct
import zlib
from datetime import timedelta
from typing import Any

from backo import SYSTEM, Backoffice, acting_as
from examples.media_library.lending import DAYS, in_three_weeks, today
from examples.media_library.rights import ADMIN, EMPLOYEE, READER

USERS: list[dict[str, Any]] = [
    {"login": "ada", "name": "Ada Root", "roles": [ADMIN]},
    {"login": "wallrich", "name": "Eva Wallrich", "roles": [EMPLOYEE]},
    {"login": "lang", "name": "Jo Lang", "roles": [READER], "remarks": "often late"},
    {"login": "martin", "name": "Lou Martin", "roles": [READER]},
]

AUTHORS: list[dict[str, Any]] = [
    {"name": "Gilbert Delahaye", "born": 1923},
    {"name": "Marcel Marlier", "born": 1930},
    {"name": "Pierre Docker", "born": 1975},
]

BOOKS: list[dict[str, Any]] = [
    {"barcode": "666", "title": "Docker en pratique", "year": 2019, "by": ["Pierre Docker"], "price": "39.90"},
    {
        "barcode": "1234",
        "title": "Martine en ville",
        "year": 1971,
        "by": ["Gilbert Delahaye", "Marcel Marlier"],
        "price": "12.50",
        "remarks": "page 7 is torn",
    },
    {"barcode": "1235", "title": "Martine à la mer", "year": 1956, "by": ["Gilbert Delahaye", "Marcel Marlier"]},
    {"barcode": "1236", "title": "Martine au parc", "year": 1967, "by": ["Gilbert Delahaye"], "price": "9.00"},
    {"barcode": "667", "title": "Docker 0.1", "year": 2013, "by": ["Pierre Docker"], "withdrawn": True},
]

FOUNDER = {"_id": "ada", "login": "ada", "roles": [ADMIN]}  # whom `_meta` names

LOANS = {"666": "wallrich", "1234": "lang"}


def password_of(login: str) -> str:
    """Give the password of a user of these; it opens nothing but this example."""
    return f"{login}-library"


def fill(backoffice: Backoffice) -> None:
    """Store it, all or nothing, unless there are users already."""
    with acting_as(FOUNDER), acting_as(SYSTEM), backoffice.transaction():
        if backoffice.users.count():
            return
        for user in USERS:
            backoffice.users.create({**user, "password": password_of(user["login"])})
        ids = {author["name"]: backoffice.authors.create(author)._id for author in AUTHORS}
        for book in BOOKS:
            values = {name: value for name, value in book.items() if name != "by"}
            values["authors"] = [ids[name] for name in book["by"]]
            backoffice.books.create({**values, "cover": cover(200, 300, int(book["barcode"])), **_loan(book)})


def _loan(book: dict[str, Any]) -> dict[str, Any]:
    """Say who has a book; the one of the employee should be back since yesterday."""
    user = LOANS.get(book["barcode"])
    if user is None:
        return {}
    due = today() - timedelta(days=1) if user == "wallrich" else in_three_weeks()
    return {"borrow": {"user": user, "since": due - timedelta(days=DAYS), "return_date": due}}


def cover(width: int, height: int, seed: int) -> bytes:
    """Draw a picture of one colour, as PNG.

    Args:
        width: in pixels.
        height: in pixels.
        seed: another one gives another colour.
    """
    colour = (seed * 2654435761).to_bytes(8, "big")[-3:]
    rows = (b"\0" + colour * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
