"""Say what an id is: a UUID version 7 (RFC 9562, section 5.7), which sorts by creation, unless somebody makes another.

Whoever makes it, an address must be able to name it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from array import array
from secrets import token_bytes

_RANDOM_BITS = 62
_COUNTER_BITS = 12
_CHANCE_BITS = 64
_DRAWN = 4096  # bytes that are asked of the system at once: each time costs more than all the rest of an id

_named = re.compile(r"[^_/\x00-\x1f\x7f-\x9f\ud800-\udfff][^/\x00-\x1f\x7f-\x9f\ud800-\udfff]*").fullmatch


def is_id(text: str, limit: int) -> bool:
    """Tell whether a text can be an id, which an address has to name as one of its parts.

    There it stands beside words of the routes, which start with `_`; it has no slash, no control
    character and no half of a surrogate pair, and at most `limit` characters.

    >>> is_id("a b", 128), is_id("_check", 128), is_id("a/b", 128)
    (True, False, False)
    """
    return len(text) <= limit and _named(text) is not None


_chances: list[int] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_chances.clear)  # two processes may not have the same ones


def _chance() -> int:
    """Give 64 random bits."""
    while True:
        try:
            return _chances.pop()
        except IndexError:
            _chances.extend(array("Q", token_bytes(_DRAWN)))


class IdMaker:
    """Makes UUIDv7 strings that never decrease within a process.

    48 bits of milliseconds, 12 bits that count within one millisecond (from a random start), 62
    random bits. When the counter runs over, or the clock goes back, the time used goes on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0  # milliseconds and counter as one number

    def __call__(self) -> str:
        """Make the next id, such as `018f3c1e-7b2a-7c3d-9a4b-0123456789ab`."""
        start = (time.time_ns() // 1_000_000 << _COUNTER_BITS) + (_chance() >> _CHANCE_BITS - _COUNTER_BITS + 1)
        with self._lock:
            self._last = moment = max(start, self._last + 1)
        milliseconds, counter = moment >> _COUNTER_BITS, moment & (1 << _COUNTER_BITS) - 1
        number = (
            milliseconds << 80 | 7 << 76 | counter << 64 | 2 << _RANDOM_BITS | _chance() >> _CHANCE_BITS - _RANDOM_BITS
        )
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


new_id = IdMaker()
