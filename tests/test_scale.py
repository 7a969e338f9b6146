import json
from pathlib import Path

import pytest

from tests import scale


@pytest.mark.parametrize(("prove", "size"), [(False, 10), (True, 1_000)], ids=["test", "prove"])
def test_a_proof_has_two_sizes(monkeypatch: pytest.MonkeyPatch, prove: bool, size: int) -> None:
    """The same test is reduced in one form and full in the other."""
    monkeypatch.setattr(scale, "PROVE", prove)

    assert scale.scaled(10, 1_000) == size


def test_figures_are_merged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Figures of several tests meet in one file, the latest of a name replacing the earlier."""
    monkeypatch.setattr(scale, "PROVE", True)
    monkeypatch.setattr(scale, "RESULTS", tmp_path / "results")

    scale.record_figure("races", {"runs": 1, "lost": 0})
    scale.record_figure("races", {"runs": 2})

    assert json.loads((tmp_path / "results/races.json").read_text()) == {"lost": 0, "runs": 2}
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["races.json"]


def test_the_reduced_form_leaves_no_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`make test` does not change what `make prove` recorded."""
    monkeypatch.setattr(scale, "PROVE", False)
    monkeypatch.setattr(scale, "RESULTS", tmp_path)

    scale.record_figure("races", {"runs": 1})

    assert list(tmp_path.iterdir()) == []
