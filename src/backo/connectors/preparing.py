"""Let the stores of a database look after their tables before they are used, each once."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

_RETRY = 1.0  # seconds until a store that could not be prepared is tried again


class Preparable(Protocol):
    """A store whose tables are looked after before a session begins."""

    def prepare(self) -> bool:
        """Bring the tables to what is declared; tell whether they are. Does not raise."""


class Preparation:
    """Which stores of one database have been prepared in this process.

    One that cannot be prepared does not keep the others from working: it says why when it is used.
    """

    def __init__(self) -> None:
        # In the order in which they were declared: where two disagree on a table, the later one is right.
        self._stores: weakref.WeakKeyDictionary[Preparable, None] = weakref.WeakKeyDictionary()
        self.renew()

    def renew(self) -> None:
        """Start anew in a forked child, where a lock may belong to a thread that is not there."""
        self._lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """Let every store be prepared again before the next session."""
        with self._lock:
            self._waiting = self._stores.copy()
            self._retry_at = 0.0
            self.is_done = not self._waiting

    def register(self, store: Preparable) -> None:
        """Learn of a store, or that its structure is another one now."""
        with self._lock:
            for stores in (self._stores, self._waiting):
                stores.pop(store, None)
                stores[store] = None
            self._retry_at = 0.0
            self.is_done = False

    def run(self, first: Callable[[], object] | None = None) -> None:
        """Prepare the stores that wait for it.

        Args:
            first: what comes before, where there are any.
        """
        with self._lock:
            if self.is_done or time.monotonic() < self._retry_at:
                return
            if self._waiting and first is not None:
                first()
            for store in list(self._waiting):
                if store.prepare():
                    self._waiting.pop(store, None)
            self.is_done = not self._waiting
            if not self.is_done:
                self._retry_at = time.monotonic() + _RETRY
