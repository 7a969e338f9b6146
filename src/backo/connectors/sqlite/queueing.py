"""Let the threads of one process write in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """A lock that is handed to the thread that has waited longest.

    SQLite lets one writer in at a time and makes the others poll; threads that queue here first do
    not poll, and none of them starves.
    """

    def __init__(self) -> None:
        self._guard = threading.RLock()  # a session may be collected, and released, anywhere
        self._waiting: deque[threading.Lock] = deque()
        self._held = False
        self._owner: int | None = None

    def is_mine(self) -> bool:
        """Tell whether this thread holds the lock."""
        return self._owner == threading.get_ident()

    def acquire(self, timeout: float) -> bool:
        """Wait for the lock, at most `timeout` seconds; tell whether it is held now."""
        turn = threading.Lock()
        turn.acquire()
        with self._guard:
            if not self._held:
                self._held = True
                self._owner = threading.get_ident()
                return True
            self._waiting.append(turn)
        if not turn.acquire(timeout=timeout):
            with self._guard:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                    return False
        # It was handed over, perhaps in the last moment: `_held` never became false.
        self._owner = threading.get_ident()
        return True

    def release(self) -> None:
        """Hand the lock to the next in the queue, if any."""
        with self._guard:
            self._owner = None
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False
