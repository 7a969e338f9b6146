"""A back office for the proofs: authors with three lists of books, one for each strategy, on any durable store."""

from pathlib import Path
from typing import Any

from backo import Backoffice, Collection, DeleteStrategy, Int, Item, Ref, RefsList, String
from tests.work.stores import connector

STRATEGIES = (
    DeleteStrategy.MUST_BE_EMPTY,
    DeleteStrategy.DELETE_REFERENCED_ITEMS,
    DeleteStrategy.UNLINK_REFERENCED_ITEMS,
)
MUST_BE_EMPTY, DELETE, UNLINK = range(3)  # numbers of the lists: `books0`, `books1`, `books2`


def by_name(item: Any) -> str:
    """Give an item its name as its `_id`."""
    return str(item["name"])


def open_shop(kind: str, folder: Path) -> Backoffice:
    """Declare the shop; nothing is opened before its first use."""
    author: dict[str, Any] = {"name": String(required=True), "sold": Int()}
    book: dict[str, Any] = {"name": String(required=True), "pages": Int(), "group": String(index=True)}
    for number, strategy in enumerate(STRATEGIES):
        author[f"books{number}"] = RefsList(coll="books", field=f"$.author{number}", ods=strategy)
        book[f"author{number}"] = Ref(coll="authors", field=f"$.books{number}")
    author["favourite"] = Ref(coll="books", field="$.fan", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS)
    book["fan"] = Ref(coll="authors", field="$.favourite")
    author["friends"] = RefsList(coll="authors", field="$.friends", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS)
    shop = Backoffice("shop")
    for name, fields in {"authors": author, "books": book}.items():
        where = connector(kind, folder, name)
        where.generate_id = by_name
        shop.register_collection(Collection(name, Item(fields), where))
    shop.assemble()
    return shop
