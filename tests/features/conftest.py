"""A library to talk to."""

from collections.abc import Iterator

import pytest

from tests.features.dialogue import Dialogue, talking


@pytest.fixture
def talk() -> Iterator[Dialogue]:
    """A library with two authors and three books, in memory."""
    yield from talking()
