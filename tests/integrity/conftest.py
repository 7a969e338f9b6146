"""Each of our stores, to be opened, damaged and opened again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrity.library import SQL
from tests.migration.opening import Place
from tests.work.stores import KINDS


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each of our stores in turn."""
    found = Place(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture(params=SQL)
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place in each of the SQL databases in turn."""
    found = Place(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    """A place in an SQLite file."""
    found = Place("sqlite", tmp_path)
    yield found
    found.close()
