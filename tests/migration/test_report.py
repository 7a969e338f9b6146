import pytest
from deepdiff import DeepDiff

from backo import StateError
from backo.migration.report import Ids, Report, visible


def report() -> Report:
    """Give a report on four items."""
    found = Report(dry_run=True)
    found.changes.append("a", {"_id": "a", "n": 1}, {"_id": "a", "n": 2, "new": None})
    found.changes.append("c", {"_id": "c", "old": 1}, {"_id": "c", "n": None})
    found.nochanges._ids.append("b")
    found.nochanges._ids.append("é")
    return found


def test_a_report_tells_ids_totals_and_differences() -> None:
    """Under the names of the document, as `deepdiff` writes them."""
    found = report()

    assert found.changes._ids == ["a", "c"]
    assert (found.changes.total, found.nochanges.total, found.total) == (2, 2, 2)
    assert found.no_changes is found.nochanges
    assert list(found.no_changes._ids) == ["b", "é"]
    assert found.changes.diff == [DeepDiff({"n": 1}, {"n": 2}), DeepDiff({"old": 1}, {})]
    assert isinstance(found.changes.diff[0], DeepDiff)
    assert repr(found) == "<Report: would change 2, 2 without changes>"


def test_sequences_behave_like_lists() -> None:
    """Indexes from both ends, slices, membership, comparison."""
    ids = report().changes._ids

    assert (ids[0], ids[-1], ids[:1], ids[::-1]) == ("a", "c", ["a"], ["c", "a"])
    assert "c" in ids
    assert ids != ["a"]
    assert ids != "ac"
    assert repr(ids) == "<2: 'a', 'c'>"
    with pytest.raises(IndexError):
        ids[2]


def test_ids_in_order_are_found() -> None:
    """By halving, and what is not there is not."""
    ids = Ids()
    for one in ("a", "c", "é"):
        ids.append(one)

    assert [ids.place(one) for one in ("a", "b", "c", "é", "z")] == [0, None, 1, 2, None]


def test_a_closed_report_keeps_its_totals() -> None:
    """Its files are gone, and it says so."""
    with report() as found:
        assert found.changes._ids[0] == "a"

    assert found.changes.total == 2
    for read in (lambda: found.changes._ids[0], lambda: found.changes.diff[0], lambda: found.nochanges._ids[0]):
        with pytest.raises(StateError, match="closed"):
            read()


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        pytest.param({}, {"a": None}, {}, id="new-null"),
        pytest.param({"a": None}, {"a": None}, {"a": None}, id="known-null"),
        pytest.param({"a": {}}, {"a": {"b": None}}, {"a": {}}, id="in-a-group"),
        pytest.param({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}, id="was-no-group"),
        pytest.param(
            {"a": [{}]}, {"a": [{"b": None}, {"b": None}]}, {"a": [{}, {"b": None}]}, id="in-groups-of-a-list"
        ),
    ],
)
def test_new_nulls_are_not_shown(before: object, after: object, shown: object) -> None:
    """Null and absent are the same, so a new null is no difference."""
    assert visible(after, before) == shown
