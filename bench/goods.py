"""What `bench.imports` imports: goods of a thousand shops, each with a unique code, a link and an indexed number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SHOPS = 1_000

_MIXED, _PRIME = 48_271, 2_147_483_647


def shop(number: int) -> dict[str, Any]:
    """Return a shop as a program would give it."""
    return {"name": f"Shop {number}"}


def good(number: int, shops: list[str]) -> dict[str, Any]:
    """Return good `number`; neither its code, its price nor its shop comes in the order of an index."""
    return {
        "code": f"{number * _MIXED % _PRIME:010d}",
        "shop": shops[number % len(shops)],
        "price": number * 7_919 % 1_009,
        "name": f"Good number {number}",
        "active": number % 3 == 0,
        "weight": number % 1_000 / 8,
    }


def goods(start: int, end: int, shops: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the goods from `start` on, before `end`."""
    return (good(number, shops) for number in range(start, end))
