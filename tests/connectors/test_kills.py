"""Processes that are killed while they commit."""

import os
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from backo.connectors.base import Document
from backo.testing.connector_contract import contents, save
from tests.connectors.folders import make
from tests.scale import record_figure, scaled

WORKER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from backo.testing.connector_contract import insert, update, writing
    from tests.connectors.folders import make

    first, second = make(Path(sys.argv[1]), "first", "second")
    while True:
        with writing(first) as session:
            stored = first.get(session, ["total"])["total"]
            number = stored.document["number"] + 1
            for store in (first, second):
                total = {"_id": "total", "number": number}
                store.write(session, [update(total, expected=stored.rev, rev=stored.rev + 1)])
                store.write(session, [insert({"_id": f"{number:06}", "number": number})])
        os.write(1, b"%d\\n" % number)
    """
)


def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """However often it dies, both folders have the same units: all that were acknowledged, each whole."""
    for store in make(tmp_path, "first", "second"):
        save(store, {"_id": "total", "number": 0})
        store.database.close()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    moments = random.Random(3)
    kills = scaled(4, 200)

    for _ in range(kills):
        command = [sys.executable, "-c", WORKER, str(tmp_path)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            acknowledged = process.stdout.readline()
            time.sleep(moments.uniform(0, 0.05))
            process.kill()
            acknowledged += process.stdout.read()
        last = int(acknowledged.split()[-1])

        found = []
        for name in moments.sample(["first", "second"], 2):
            (store,) = make(tmp_path, name)
            found.append(contents(store))
            store.database.close()

        assert found[0] == found[1]
        total = found[0]["total"]["number"]
        assert total in {last, last + 1}
        assert found[0] == _expected(total)
    record_figure("yaml", {"kills": kills})


def _expected(total: int) -> dict[str, Document]:
    units = {f"{number:06}": {"_id": f"{number:06}", "number": number} for number in range(1, total + 1)}
    return {**units, "total": {"_id": "total", "number": total}}
