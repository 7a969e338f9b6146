import os
import threading
import time
import uuid

import pytest

from backo import ids
from backo.ids import IdMaker, is_id, new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    """It has the form of RFC 9562, section 5.7, and the present time."""
    id_ = uuid.UUID(new_id())

    assert str(id_) == str(id_).lower()
    assert (id_.version, id_.variant) == (7, uuid.RFC_4122)


def test_ids_carry_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first 48 bits are milliseconds since 1970."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123 * 1_000_000)

    assert uuid.UUID(IdMaker()()).int >> 80 == 1_700_000_000_123


def test_ids_sort_by_creation() -> None:
    """Many within one millisecond, they differ and never decrease."""
    made = [new_id() for _ in range(20_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_clock_that_goes_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids never decrease within a process."""
    make = IdMaker()
    times = iter([2_000, 1_000, 1_000, 1_999, 2_001])
    monkeypatch.setattr(time, "time_ns", lambda: next(times) * 1_000_000)

    made = [make() for _ in range(5)]

    assert made == sorted(set(made))


def test_ids_differ_between_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-two bits are random, so two processes at the same moment make different ids."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000)
    numbers = iter([0, 1 << 2, 0, 2 << 2])  # where to begin to count, and the rest, of each
    monkeypatch.setattr(ids, "_chance", lambda: next(numbers))

    one, other = IdMaker()(), IdMaker()()

    assert one[:18] == other[:18]
    assert one != other


def test_a_forked_process_makes_ids_of_its_own() -> None:
    """What its parent had drawn of chance, it does not use too."""
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, "\n".join(new_id()[19:] for _ in range(600)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        theirs = set(told.read().splitlines())
    os.waitpid(child, 0)

    assert len(theirs) == 600
    assert not theirs & {new_id()[19:] for _ in range(600)}


def test_threads_share_a_maker() -> None:
    """No id is made twice."""
    make, made = IdMaker(), []

    def some() -> None:
        made.extend([make() for _ in range(2_000)])

    threads = [threading.Thread(target=some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id_[:23] for id_ in made}) == 8_000


@pytest.mark.parametrize(
    "text", ["a", "a_b", "-", "~", "..", "a b", "é", "日本", "%2F", "x" * 128, "018f3c1e-7b2a-7c3d-9a4b-0123456789ab"]
)
def test_what_an_address_can_name_is_an_id(text: str) -> None:
    """Most texts can be percent-encoded and found again."""
    assert is_id(text, 128)


@pytest.mark.parametrize(
    "text", ["", "/", "a/b", "a\0", "a\n", "\n", "\x7f", "\x85", "\ud800", "_", "_check", "_a", "x" * 129]
)
def test_what_no_address_can_name_is_no_id(text: str) -> None:
    """What would be cut at a slash, taken for a route or refused by the edge cannot be reached."""
    assert not is_id(text, 128)
