"""P5: files of any size pass through a server into an object store, and out of it, without staying in its memory."""

from pathlib import Path

from tests.promises.film_club import MIB, serving
from tests.scale import record_figure, scaled

FILES = scaled(2, 5)
LARGE = scaled(32, 1024)  # MiB of each of them
MOST = 64  # MiB that a server may need, however large and many they are: some parts of an upload, each of 5 MiB


def test_large_files_in_an_object_store_do_not_stay_in_memory(tmp_path: Path) -> None:
    """Each is sent up in parts and fetched again as it was; the server grows by some parts, however many there are."""
    with serving(tmp_path, "objects") as server:
        small, digest = server.send(2)  # loads what has to be loaded
        assert server.fetch(small["film"]["href"]) == digest
        before = server.memory("VmRSS")

        ids, growth = {small["film"]["file_id"]}, []
        for _ in range(FILES):
            large, digest = server.send(LARGE)
            assert server.fetch(large["film"]["href"]) == digest
            assert large["film"]["size"] == LARGE * MIB
            ids.add(large["film"]["file_id"])
            growth.append(round(server.memory("VmHWM") - before, 1))

    record_figure("objects", {"files": FILES, "file_mib": LARGE, "memory_growth_mib": growth})
    assert growth[-1] <= MOST
    assert {path.name for path in (tmp_path / "films").iterdir()} == ids
