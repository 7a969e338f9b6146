"""Each of our stores, and collections of one application in stores of two kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.work.stores import KINDS, MIXED, Stores


@pytest.fixture(params=(*KINDS, *MIXED))
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Each of our stores in turn."""
    found = Stores(request.param, tmp_path)
    yield found
    found.close()
