"""Contents in an object store: its local forms, a stand-in for S3 that refuses, and what is said then."""

import io
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

import pytest

from backo import BackoError, DBError, DefinitionError
from backo.files import objects
from backo.files.connectors import FileSystemConnector, new_file_id
from backo.files.object_failures import failure_of
from backo.files.objects import ObjectStoreFileConnector
from backo.files.refusals import ContentMissingError
from backo.testing.file_contract import CONTENT, Dribble, FileConnectorContract, read, tree

MIB = 1024 * 1024
LARGE = bytes(range(256)) * (11 * MIB // 256)  # three parts of an upload
SECRETS = ("AKIAXYZ", "open sesame")
BUCKET = os.environ.get("BACKO_TEST_BUCKET", "")


class TestFolder(FileConnectorContract):
    """The connector keeps the contract over the local form of the driver, in a folder that is missing at first."""

    def make_connector(self, folder: Path) -> ObjectStoreFileConnector:
        return ObjectStoreFileConnector(url=(folder / "made" / "objects").as_uri())


class TestMemory(FileConnectorContract):
    """It does over the form in memory."""

    keeps_files = False

    def make_connector(self, folder: Path) -> ObjectStoreFileConnector:
        return ObjectStoreFileConnector(url="memory:///")


if BUCKET:  # a real one, such as s3://bucket/prefix; its credentials are in the environment too

    class TestBucket(FileConnectorContract):
        """It does over a real bucket."""

        def make_connector(self, folder: Path) -> ObjectStoreFileConnector:
            return ObjectStoreFileConnector(url=f"{BUCKET}/{folder.parent.name}-{folder.name}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ObjectStoreFileConnector]:
    """A connector to a folder."""
    connector = ObjectStoreFileConnector(url=tmp_path.as_uri())
    yield connector
    connector.close()


# Declarations


@pytest.mark.parametrize(
    ("url", "options", "problem"),
    [
        (Path("/tmp"), {}, "is a text"),  # noqa: S108  # nothing is put there
        ("ftp://host/files", {}, "names no object store"),
        ("https://example.org/files", {}, "names no object store"),
        ("files", {}, "names no object store"),
        ("s3://AKIAXYZ:open%20sesame@bucket", {}, "no credentials"),
        ("abfss://c:AKIAXYZ@x.dfs.core.windows.net/c", {}, "no credentials"),
        ("https://x.blob.core.windows.net/c?sig=AKIAXYZ", {}, "no credentials"),
        ("s3://bucket", {"acess_key_id": "AKIAXYZ"}, "takes no option 'acess_key_id'"),
        ("s3://bucket", {"client_options": {"timeot": "open sesame"}}, "another form"),
        ("s3://bucket", {"secret_access_key": 5}, "another form"),
        ("memory:///", {"region": "here"}, "no options, but region"),
        ("file:///tmp", {"mkdir": True}, "no options, but mkdir"),
    ],
    ids=[
        "path",
        "scheme",
        "webdav",
        "none",
        "password",
        "azure",
        "token",
        "option",
        "client",
        "type",
        "memory",
        "folder",
    ],
)
def test_a_wrong_declaration_is_refused(url: Any, options: dict[str, Any], problem: str) -> None:
    """It fails where it is written, and what could be a secret is not repeated."""
    with pytest.raises(DefinitionError, match=problem) as caught:
        ObjectStoreFileConnector(url, **options)

    assert not any(secret in told(caught.value) for secret in SECRETS)


@pytest.mark.parametrize(
    "url",
    ["s3://bucket/a/b", "gs://bucket", "abfss://container@account.dfs.core.windows.net/a", "az://container/a"],
)
def test_a_declaration_opens_nothing(url: str) -> None:
    """Each form of a URL is taken as it is; no credentials are needed yet, and none are shown."""
    connector = ObjectStoreFileConnector(url=url)

    assert repr(connector) == f"ObjectStoreFileConnector(url={url!r})"


def test_a_folder_is_made_at_the_first_use(tmp_path: Path) -> None:
    """Not by the declaration."""
    connector = ObjectStoreFileConnector(url=(tmp_path / "a" / "b").as_uri())
    assert tree(tmp_path) == {}

    assert not connector.exists(new_file_id())

    assert tree(tmp_path) == {"a": None, "a/b": None}


# Contents


def test_a_content_is_an_object_named_by_its_id(folder: ObjectStoreFileConnector, tmp_path: Path) -> None:
    """It lies right below the prefix."""
    file_id = new_file_id()

    folder.write(file_id, io.BytesIO(CONTENT))

    assert tree(tmp_path) == {file_id: CONTENT}


def test_contents_move_to_another_connector(folder: ObjectStoreFileConnector, tmp_path: Path) -> None:
    """A folder of files becomes a bucket of objects, one stream at a time."""
    before = FileSystemConnector(path=tmp_path / "files")
    for content in (CONTENT, LARGE):
        before.write(new_file_id(), io.BytesIO(content))

    for file_id in before.ids():
        with before.open(file_id) as stream:
            folder.write(file_id, stream)

    assert {one: read(folder, one) for one in folder.ids()} == {one: read(before, one) for one in before.ids()}


@pytest.mark.parametrize("size", [5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 10 * MIB, 11 * MIB])
def test_a_large_content_goes_up_in_parts(folder: ObjectStoreFileConnector, size: int) -> None:
    """Whatever lies at the borders of the parts, and in whatever pieces the stream gives it."""
    file_id = new_file_id()

    written = folder.write(file_id, cast("BinaryIO", Dribble(io.BytesIO(LARGE[:size]))))

    assert written == folder.size(file_id) == size
    assert read(folder, file_id) == LARGE[:size]


@pytest.mark.parametrize("error", [ConnectionError, FileNotFoundError, DBError, ValueError])
def test_a_stream_that_fails_late_leaves_nothing(
    folder: ObjectStoreFileConnector, tmp_path: Path, error: type[Exception]
) -> None:
    """In the second part, too, its own error comes through, and no part stays."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            piece = super().read(size)
            if not piece:
                raise error("the line went dead")
            return piece

    with pytest.raises(error, match="the line went dead"):
        folder.write(new_file_id(), Failing(LARGE))

    assert tree(tmp_path) == {}


def test_any_part_can_be_read_in_any_order(folder: ObjectStoreFileConnector) -> None:
    """A reader that jumps gets what is there, as from a file."""
    file_id = new_file_id()
    folder.write(file_id, io.BytesIO(LARGE))

    with folder.open(file_id, 10, 2 * MIB) as stream:
        part = LARGE[10 : 10 + 2 * MIB]
        assert stream.read(5) == part[:5]
        assert stream.seek(MIB) == MIB
        assert stream.read(5) == part[MIB : MIB + 5]
        assert stream.seek(-3, os.SEEK_END) == len(part) - 3
        assert stream.read() == part[-3:]
        assert stream.seek(0) == 0
        assert stream.read() == part

    with pytest.raises(ValueError, match="closed"):
        stream.read()


def test_a_content_that_ends_early_is_no_success() -> None:
    """A reader gets all of a part or an error."""
    with objects._Part(lambda part: iter([]), range(10), iter([b"abc"])) as stream:
        assert stream.read(3) == b"abc"
        with pytest.raises(DBError, match="before all of it"):
            stream.read(3)


def test_strangers_below_the_prefix_are_no_contents(folder: ObjectStoreFileConnector, tmp_path: Path) -> None:
    """Only objects with an id of ours right below the prefix are listed."""
    for name in ("README", "a/" + "0" * 32, "0" * 31, "0" * 32 + ".txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")

    assert list(folder.ids()) == []


def test_closing_gives_back_and_forgets_nothing(folder: ObjectStoreFileConnector) -> None:
    """The next use opens again; memory keeps what it has."""
    for connector in (folder, ObjectStoreFileConnector(url="memory:///")):
        file_id = new_file_id()
        connector.write(file_id, io.BytesIO(CONTENT))

        connector.close()

        assert read(connector, file_id) == CONTENT


# Processes

IN_THREADS = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # that is what is tested


def in_a_fork(work: Callable[[], object]) -> str:
    """Do something in a fork of this process; gives what came out, or which error."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = repr(work())
        except BackoError as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said


@IN_THREADS
def test_a_fork_of_a_process_that_used_it_is_refused(folder: ObjectStoreFileConnector) -> None:
    """The driver would wait for ever there, for threads that are not."""
    file_id = new_file_id()
    folder.write(file_id, io.BytesIO(CONTENT))

    said = in_a_fork(lambda: folder.size(file_id))

    assert said.startswith("DBError: object storage cannot be used in this process")
    assert folder.size(file_id) == len(CONTENT)


@IN_THREADS
def test_a_fork_before_the_first_use_is_free() -> None:
    """Each process that uses it first may go on."""
    driver = objects._Driver()

    assert in_a_fork(driver.enter) == "None"
    driver.enter()
    driver.enter()
    assert in_a_fork(driver.enter).startswith("DBError")


# Failures


class Refusing(BaseHTTPRequestHandler):
    """A stand-in for S3 that answers everything in one way.

    Attributes:
        status: of its answers; 0 when it does not answer.
        body: of its answers.
        asked: the methods it was asked with.
    """

    status: ClassVar[int] = 0
    body: ClassVar[bytes] = b""
    asked: ClassVar[list[str]] = []

    def answer(self) -> None:
        """Answer."""
        self.asked.append(self.command)
        if not self.status:
            time.sleep(1)
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        body = b"" if self.command == "HEAD" else self.body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815  # as the base class looks for them

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def refusing(status: int, body: str, retries: int = 0) -> Iterator[ObjectStoreFileConnector]:
    """Run a stand-in, and give a connector to it."""
    handler = type("Handler", (Refusing,), {"status": status, "body": body.encode(), "asked": Refusing.asked})
    Refusing.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield connector_to(f"http://127.0.0.1:{server.server_port}", retries)
        server.shutdown()
        thread.join()


def connector_to(endpoint: str, retries: int = 0) -> ObjectStoreFileConnector:
    """Declare a bucket in a place of our own."""
    return ObjectStoreFileConnector(
        url="s3://bucket/prefix",
        endpoint=endpoint,
        access_key_id=SECRETS[0],
        secret_access_key=SECRETS[1],
        region="here",
        client_options={"allow_http": True, "read_timeout": "200ms"},
        retry_config={"max_retries": retries, "backoff": {"init_backoff": timedelta(milliseconds=1)}},
    )


USES: dict[str, Callable[[ObjectStoreFileConnector], object]] = {
    "write": lambda one: one.write("0" * 32, io.BytesIO(b"x")),
    "write-parts": lambda one: one.write("0" * 32, io.BytesIO(LARGE)),
    "open": lambda one: one.open("0" * 32),
    "open-part": lambda one: one.open("0" * 32, 5, 5),
    "size": lambda one: one.size("0" * 32),
    "delete": lambda one: one.delete("0" * 32),
    "ids": lambda one: list(one.ids()),
}
AN_ANSWER = "<Error><Code>{}</Code><AWSAccessKeyId>AKIAXYZ</AWSAccessKeyId><Sent>open sesame</Sent></Error>"


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "NoSuchBucket", "there is no such bucket"),
        (403, "SignatureDoesNotMatch", "access is refused|it answers 403"),
        (503, "SlowDown", "it answers 503"),
        (0, "", "does not answer in time"),
    ],
    ids=["bucket", "rights", "outage", "silence"],
)
def test_a_store_that_fails_is_told_without_secrets(
    status: int, code: str, reason: str, use: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each method says what is wrong and where; what the store repeats of its credentials is in no text, nor log."""
    caplog.set_level(logging.DEBUG)
    with refusing(status, AN_ANSWER.format(code)) as connector, pytest.raises(DBError, match=reason) as caught:
        USES[use](connector)

    said = told(caught.value)
    assert "s3://bucket/prefix" in said
    assert not any(secret in said + caplog.text for secret in SECRETS)


def test_a_store_that_is_away_is_told() -> None:
    """Nobody listens there."""
    with pytest.raises(DBError, match=r"cannot be reached|Connection refused"):
        USES["open"](connector_to("http://127.0.0.1:9"))


def test_the_driver_tries_again() -> None:
    """As often as its options say."""
    with refusing(500, "", retries=2) as connector, pytest.raises(DBError):
        USES["open"](connector)

    assert Refusing.asked == ["GET"] * 3


def test_a_missing_content_is_no_missing_bucket() -> None:
    """Nothing under the id is told as such; deleting it does nothing."""
    with refusing(404, AN_ANSWER.format("NoSuchKey")) as connector:
        for use in ("open", "open-part", "size"):
            with pytest.raises(ContentMissingError):
                USES[use](connector)
        assert not connector.exists("0" * 32)
        connector.delete("0" * 32)
        with pytest.raises(DBError):
            USES["write"](connector)


def test_a_part_beyond_the_end_is_empty() -> None:
    """S3 refuses to send it."""
    with refusing(416, AN_ANSWER.format("InvalidRange")) as connector, connector.open("0" * 32, 5, 5) as stream:
        assert stream.read() == b""


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("GenericError", "No space left on device (os error 28)", "No space left on device"),
        ("UnauthenticatedError", "AKIAXYZ", "the credentials are missing or refused"),
        ("GenericError", "error sending request for url (http://169.254.169.254/latest)", "no credentials were found"),
        ("GenericError", "operation timed out", "it does not answer in time"),
        ("GenericError", "Account must be specified", "a setting is missing"),
        ("GenericError", "dns error", "it cannot be reached"),
        ("FileNotFoundError", "AKIAXYZ", "it is not there"),
        ("NotSupportedError", "AKIAXYZ", "the driver reports NotSupportedError"),
        ("FileNotFoundError", "ContainerNotFound", "there is no such bucket or container"),
    ],
)
def test_reasons(kind: str, text: str, reason: str) -> None:
    """What the driver says is put into few words, which hold nothing of it."""
    assert failure_of(kind, text).reason == reason


def told(error: BaseException) -> str:
    """Give all that a log would show of an error."""
    return "".join(traceback.format_exception(error)).replace(Path(__file__).read_text("utf-8"), "")
