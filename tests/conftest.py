"""How hard Hypothesis tries, what tests may be called, and who acts and who logs in them."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from backo import CurrentUser, current_user
from tests.scale import PROVE

# No deadline: on a shared machine under coverage, the time of one example says nothing.
# The fast profile draws the same examples on each run; new ones are for the deep profile.
settings.register_profile(
    "fast",
    max_examples=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep",
    max_examples=2_000,
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("deep" if PROVE else "fast")


@pytest.fixture
def users() -> Iterator[None]:
    """Let a test change who acts, and of which class users are, outside of any request."""
    yield
    current_user.reset(CurrentUser())


@pytest.fixture
def loggers() -> Iterator[None]:
    """Let a test set handlers and levels of the loggers of the library."""
    before = {logger: (logger.level, list(logger.handlers)) for logger in _loggers()}
    yield
    for logger in _loggers():
        level, handlers = before.get(logger, (logging.NOTSET, []))
        logger.setLevel(level)
        for handler in [one for one in logger.handlers if one not in handlers]:
            logger.removeHandler(handler)
            handler.close()


def _loggers() -> list[logging.Logger]:
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "backo"]
    return [logging.getLogger(name) for name in names]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that hold an address: they differ between the processes that share a run."""
    unstable = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unstable:
        message = f"give these cases an id= of their own: {unstable}"
        raise pytest.UsageError(message)
