"""What the routes of the floor ask of the database, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from bench.floor.kinds import Kind
from bench.floor.listing import Dialect, Listing
from bench.model import Values


@dataclass(frozen=True, slots=True)
class Page:
    """One page: how many items match, how many there are on it, and these as JSON with commas between."""

    total: int
    count: int
    body: bytes


class Change(Protocol):
    """One transaction that writes."""

    def held(self, kind: Kind, item_id: str) -> bytes | None:
        """Return the document of an item that is about to be changed, and keep others from changing it."""
        ...

    def has_site(self, site_id: str) -> bool:
        """Tell whether there is a site, and keep others from deleting it."""
        ...

    def has_people(self, site_id: str) -> bool:
        """Tell whether anybody refers to a site."""
        ...

    def insert(self, kind: Kind, row: Values) -> None:
        """Store a new item."""
        ...

    def update(self, kind: Kind, row: Values) -> None:
        """Replace an item."""
        ...

    def delete(self, kind: Kind, item_id: str) -> None:
        """Remove an item."""
        ...


class Store(Protocol):
    """A database with the tables of the floor, durable at each commit."""

    dialect: Dialect

    def one(self, kind: Kind, item_id: str) -> bytes | None:
        """Return the document of an item."""
        ...

    def page(self, kind: Kind, asked: Listing) -> Page:
        """Return one page with its total."""
        ...

    def changing(self) -> AbstractContextManager[Change]:
        """Begin to write; commit at the end, roll back when something was raised."""
        ...

    def fill(self, kind: Kind, rows: Iterable[Values]) -> None:
        """Store many items in one transaction."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...
