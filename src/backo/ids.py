"""Make ids that sort by creation: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import secrets
import threading
import time

_RANDOM_BITS = 62
_COUNTER_BITS = 12


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
        start = (time.time_ns() // 1_000_000 << _COUNTER_BITS) + secrets.randbits(_COUNTER_BITS - 1)
        with self._lock:
            self._last = moment = max(start, self._last + 1)
        milliseconds, counter = moment >> _COUNTER_BITS, moment & (1 << _COUNTER_BITS) - 1
        number = milliseconds << 80 | 7 << 76 | counter << 64 | 2 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


new_id = IdMaker()
