"""The examples as somebody runs them: a process, its output, its addresses, its end."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from examples.atlas.__main__ import ADDRESSES

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Running:
    """A served example: its address, and what it printed before it was there."""

    process: subprocess.Popen[str]
    address: str
    printed: str

    def ask(self, path: str, method: str = "GET", data: str | None = None) -> tuple[int, Any]:
        """Send a request as `curl -d` does, and give its status and body."""
        body = None if data is None else data.encode()
        request = Request(f"{self.address}/{path}", body, method=method)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
                return answer.status, json.loads(answer.read() or "null")
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal, and give the exit code and the last words."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def served(*arguments: str) -> Iterator[Running]:
    """Start an example on a free port, and wait until it serves."""
    command = [sys.executable, "-m", *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            printed = ""
            for line in process.stdout:
                printed += line
                if found := re.search(r"Serving on (\S+)", line):
                    yield Running(process, found[1], printed)
                    break
            else:
                pytest.fail(printed)
        finally:
            process.kill()


@pytest.mark.parametrize("options", [(), ("--sqlite",)], ids=["yaml", "sqlite"])
def test_the_quickstart_by_hand(tmp_path: Path, options: tuple[str, ...]) -> None:
    """What the quickstart shows works over HTTP, and is still there after a restart."""
    folder = tmp_path / "data"
    with served("examples.quickstart", str(folder), *options) as example:
        created, moon = example.ask("addrs/", "POST", '{"name":"moon","address":"far"}')
        _, neil = example.ask("users/", "POST", json.dumps({"name": "neil", "addr": moon["_id"]}))
        patch = '{"op":"replace","path":"$.surname","value":"armstrong"}'
        patched, _ = example.ask(f"users/{neil['_id']}", "PATCH", patch)
        refused, _ = example.ask(f"addrs/{moon['_id']}", "DELETE")
        code, said = example.stop(signal.SIGTERM)
    with served("examples.quickstart", str(folder), *options) as example:
        _, found = example.ask("addrs/?name.$re=oo&_page=10")
        _, neil_again = example.ask(f"users/{neil['_id']}")

    assert (created, patched, refused) == (201, 200, 409)
    assert (code, said.splitlines()[-1]) == (0, "Stopped.")
    assert (found["total"], found["result"][0]["users"]) == (1, [neil["_id"]])
    assert neil_again.items() >= {"surname": "armstrong", "male": True, "addr": moon["_id"]}.items()


def test_the_quickstart_asks_for_a_user_with_an_address(tmp_path: Path) -> None:
    """A user without an address is refused, with the path of what is missing."""
    with served("examples.quickstart", str(tmp_path)) as example:
        status, problem = example.ask("users/", "POST", '{"name":"neil"}')
        code, _ = example.stop(signal.SIGINT)

    assert (status, problem["errors"][0]["path"]) == (422, "$.addr")
    assert code == 0


def test_the_atlas_by_hand(tmp_path: Path) -> None:
    """The whole world is imported, served, and found complete the second time."""
    database = str(tmp_path / "atlas.sqlite")
    imported = subprocess.run(
        [sys.executable, "-m", "examples.atlas", "--database", database, "--no-serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with served("examples.atlas", "--database", database) as example:
        answers = {path: example.ask(path) for path in ADDRESSES.values()}
        refused, _ = example.ask("continents/OC", "DELETE")
        code, said = example.stop(signal.SIGTERM)

    assert "cities: 34006 created, 0 changed, 0 as they were" in imported.stdout
    assert "8  one-sided border (kept, on both sides)" in imported.stdout
    assert "Nothing had to be changed." in example.printed
    assert {status for status, _ in answers.values()} == {200}
    assert all(body["result"] for _, body in answers.values() if "result" in body)
    assert refused == 409
    assert (code, said.splitlines()[-1]) == (0, "Stopped.")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """A port that is taken is said in one line."""
    with served("examples.quickstart", str(tmp_path / "one")) as example:
        port = example.address.split(":")[2].split("/")[0]
        second = subprocess.run(
            [sys.executable, "-m", "examples.quickstart", str(tmp_path / "two"), "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert second.returncode == 1
    assert second.stderr == f"Error: port {port}: Address already in use; try --port 0\n"
