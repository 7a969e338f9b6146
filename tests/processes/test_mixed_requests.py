"""Four processes serve a small graph to sixty-four clients who get in one another's way."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes.clients import Client, Tally, in_threads
from tests.processes.graph import declare
from tests.processes.mixing import Known, Mixer, lost, prepare
from tests.processes.serving import Server
from tests.scale import record_figure, scaled
from tests.work.stores import DURABLE, audit

WORKERS, THREADS = 4, 16


@pytest.mark.parametrize("kind", DURABLE)
def test_mixed_requests(kind: str, tmp_path: Path) -> None:
    """Nothing acknowledged is lost, nothing dangles, nothing breaks; what is stored is sound."""
    known, tally = Known(), Tally()
    with closing(declare(kind, tmp_path)) as graph:
        prepare(graph, known)

        with Server(kind, tmp_path, workers=WORKERS, threads=THREADS) as server:
            first = Client(server.port, tally)
            assert first("GET", "/graph/authors").is_ok
            first.close()
            end = time.monotonic() + scaled(3, 60)
            mixers = [Mixer(server.port, number, known, tally) for number in range(WORKERS * THREADS)]
            in_threads(*(lambda one=one: one.until(end) for one in mixers))

        figures = {str(status): times for status, times in sorted(tally.statuses.items())}
        assert tally.wrong == []
        assert lost(graph, known) == []
        wrong = audit(graph)
        assert wrong == []
        report = graph.check_integrity()
        assert report.is_clean, str(report)
    record_figure(
        "processes",
        {
            f"mixed_{kind}_requests": sum(tally.statuses.values()),
            f"mixed_{kind}_answers": figures,
            f"mixed_{kind}_done": dict(known.done),
        },
    )
