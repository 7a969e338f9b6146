"""Say what an id is: a UUID version 7 (RFC 9562, section 5.7), which sorts by creation, unless somebody makes another.

Whoever makes it, an address must be able to name it.
"""

from __future__ import annotations

import re
import threading
import time
from secrets import token_bytes

_RANDOM_BITS = 62
_COUNTER_BITS = 12
_BYTES = 10  # of chance: as many bits as the two take together, and a little more

_named = re.compile(r"[^_/\x00-\x1f\x7f-\x9f\ud800-\udfff][^/\x00-\x1f\x7f-\x9f\ud800-\udfff]*").fullmatch


def is_id(text: str, limit: int) -> bool:
    """Tell whether a text can be an id, which an address has to name as one of its parts.

    There it stands beside words of the routes, which start with `_`; it has no slash, no control
    character and no half of a surrogate pair, and at most `limit` characters.

    >>> is_id("a b", 128), is_id("_check", 128), is_id("a/b", 128)
    (True, False, False)
    """
    return len(text) <= limit and _named(text) is not None


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
        chance = int.from_bytes(token_bytes(_BYTES))  # asked for once, since that costs more than all the rest
        start = (time.time_ns() // 1_000_000 << _COUNTER_BITS) + (chance & (1 << _COUNTER_BITS - 1) - 1)
        with self._lock:
            self._last = moment = max(start, self._last + 1)
        milliseconds, counter = moment >> _COUNTER_BITS, moment & (1 << _COUNTER_BITS) - 1
        number = (
            milliseconds << 80
            | 7 << 76
            | counter << 64
            | 2 << _RANDOM_BITS
            | chance >> _COUNTER_BITS - 1 & (1 << _RANDOM_BITS) - 1
        )
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


new_id = IdMaker()
