"""P3 for files: what a killed process leaves behind between a content and its commit is found, and nothing else is."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backo.files.lifecycle import orphans
from tests.promises.dying import archive

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["folder", "objects"])
def test_a_content_without_its_commit_is_an_orphan(tmp_path: Path, kind: str) -> None:
    """It is listed once it is old enough, and can be deleted; what items name stays."""
    backoffice, work = archive(tmp_path, kind)
    kept: Any = backoffice.papers.create({"scan": "kept"})

    died = subprocess.run(
        [sys.executable, "-m", "tests.promises.dying", str(tmp_path), kind], cwd=ROOT, check=False, timeout=60
    )
    assert died.returncode == -signal.SIGKILL
    named = {paper.scan.file_id for paper in backoffice.papers.select()}
    assert named == {kept.scan.file_id}
    found = list(orphans(work, named, older_than=0))
    assert len(found) == 1
    assert list(orphans(work, named)) == []
    with work.open(found[0]) as stream:
        assert stream.read() == b"lost"
    for file_id in found:
        work.delete(file_id)

    assert list(orphans(work, named, older_than=0)) == []
    assert backoffice.papers.get_by_id(kept._id).scan.get_content() == b"kept"
    backoffice.close()
