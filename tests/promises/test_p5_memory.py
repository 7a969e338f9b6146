"""P5: a file of any size passes through a server without staying in its memory."""

from pathlib import Path

from tests.promises.film_club import MIB, serving
from tests.scale import record_figure, scaled

LARGE = scaled(64, 1024)  # MiB of the file that is sent and fetched
MOST = 32  # MiB that a server may need for it


def test_a_large_file_does_not_stay_in_memory(tmp_path: Path) -> None:
    """It is sent up and fetched again as it was, and the server hardly grows meanwhile."""
    with serving(tmp_path) as server:
        small, digest = server.send(2)  # loads what has to be loaded
        assert server.fetch(small["film"]["href"]) == digest
        before = server.memory("VmRSS")

        large, digest = server.send(LARGE)
        sent = server.memory("VmHWM") - before
        fetched = server.fetch(large["film"]["href"])
        growth = server.memory("VmHWM") - before

    assert large["film"]["size"] == LARGE * MIB
    assert fetched == digest
    record_figure("files", {"memory_file_mib": LARGE, "memory_growth_mib": round(growth, 1)})
    assert sent <= growth <= MOST
    assert {path.name for path in (tmp_path / "films").rglob("*") if path.is_file()} == {
        one["film"]["file_id"] for one in (small, large)
    }
