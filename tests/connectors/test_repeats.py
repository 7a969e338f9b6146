"""Records are sorted whatever their number, and shared values are found."""

import random

from hypothesis import given
from hypothesis import strategies as st

from backo.connectors.repeats import Repeats, Sorter


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=1, max_value=7))
def test_records_come_sorted(records: list[bytes], run: int) -> None:
    """As `sorted` gives them, with any number of runs, as often as they are asked for."""
    sorter = Sorter(run)
    for record in records:
        sorter.add(record)

    assert list(sorter) == sorted(records)
    assert list(sorter) == sorted(records)
    sorter.close()


def test_records_longer_than_what_is_read_at_once() -> None:
    """They come whole."""
    records = [bytes([number]) * (200_000 - number) for number in range(5)]
    sorter = Sorter(2)
    for record in reversed(records):
        sorter.add(record)

    assert list(sorter) == records
    sorter.close()


def test_shared_values_are_found() -> None:
    """Each with the ids that share it, in order, and no more than are asked for."""
    repeats = Repeats()
    pairs = [(number // 3 if number < 6 else number, f"d{number}") for number in range(100)]
    random.Random(1).shuffle(pairs)  # an order, not a secret
    for value, id_ in pairs:
        repeats.add([value, str(value)], id_)

    groups = sorted(repeats.groups(2))

    assert groups == [["d0", "d1"], ["d0", "d1"], ["d3", "d4"], ["d3", "d4"]]
    repeats.close()
