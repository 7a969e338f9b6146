"""Stores look after their tables once, before they are used."""

import pytest

from backo.connectors.preparing import Preparation


class Store:
    """One that can be prepared, or not yet."""

    def __init__(self, *, can: bool = True) -> None:
        self.can = can
        self.asked = 0

    def prepare(self) -> bool:
        """Do it."""
        self.asked += 1
        return self.can


def test_each_is_prepared_once() -> None:
    """Until it is declared anew, or everything is forgotten."""
    preparation, one, other, first = Preparation(), Store(), Store(), []
    for store in (one, other):
        preparation.register(store)

    for _ in range(2):
        preparation.run(lambda: first.append(1))
    preparation.register(one)
    preparation.run(lambda: first.append(2))
    preparation.forget()
    preparation.run(lambda: first.append(3))

    assert preparation.is_done
    assert (one.asked, other.asked, first) == (3, 2, [1, 2, 3])


def test_one_that_cannot_be_prepared_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are prepared; it is tried again after a while."""
    now = [0.0]
    monkeypatch.setattr("backo.connectors.preparing.time.monotonic", lambda: now[0])
    preparation, good, bad = Preparation(), Store(), Store(can=False)
    for store in (bad, good):
        preparation.register(store)

    preparation.run()
    preparation.run()
    tried_at_once = bad.asked
    now[0], bad.can = 10.0, True
    preparation.run()

    assert (good.asked, tried_at_once, bad.asked) == (1, 1, 2)
    assert preparation.is_done
