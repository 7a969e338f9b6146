"""Libraries to talk to."""

from collections.abc import Iterator

import pytest

from tests.features import lending
from tests.features.dialogue import Dialogue, talking
from tests.work.stores import Stores, stores

__all__ = ["stores"]


@pytest.fixture
def talk() -> Iterator[Dialogue]:
    """A library with two authors and three books, in memory."""
    yield from talking()


@pytest.fixture
def lend(stores: Stores) -> Iterator[Dialogue]:
    """A library that lends its books, on each of our stores in turn."""
    yield from lending.talking(stores)
