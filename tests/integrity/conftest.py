"""Each of our stores, to be opened, damaged and opened again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.migration.opening import Place
from tests.work.stores import KINDS


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each of our stores in turn."""
    found = Place(request.param, tmp_path)
    yield found
    found.close()
