import io
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backo import (
    Backoffice,
    Collection,
    DBMemoryConnector,
    DBYmlConnector,
    DeleteStrategy,
    Item,
    LogLevel,
    Ref,
    RefsList,
    String,
    log_system,
    stack,
)
from backo.log import LOGGERS

pytestmark = pytest.mark.usefixtures("loggers")

SECRET = "hunter2"  # what no message may hold


def shop(connector: Callable[[], Any] = DBMemoryConnector) -> Backoffice:
    """Give a back office of authors and their books."""
    office = Backoffice("shop")
    author = {
        "name": String(),
        "books": RefsList(coll="books", field="$.author", ods=DeleteStrategy.DELETE_REFERENCED_ITEMS),
    }
    book = {"title": String(), "author": Ref(coll="authors", field="$.books")}
    office.register_collection(Collection("authors", Item(author), connector()))
    office.register_collection(Collection("books", Item(book), connector()))
    return office


# Handlers and levels.


def test_the_library_is_silent_by_default() -> None:
    """Nothing is written, not even what is serious, and the root logger is left alone."""
    code = (
        "import backo, logging; backo.log_system.get_or_create_logger('ref').critical('x');"
        "raise SystemExit(len(logging.root.handlers))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_loggers_of_the_document() -> None:
    """Each exists below `backo`, under both of its names."""
    assert set(LOGGERS) == {"backoffice", "Item", "ref", "transaction", "yml", "mongo", "select", "migration"}
    for name in LOGGERS:
        assert logging.root.manager.loggerDict[f"backo.{name}"] is log_system.get_or_create_logger(name)
        assert log_system.get_or_create_logger(f"backo.{name}") is log_system.get_or_create_logger(name)
    assert log_system.get_or_create_logger("backo").name == "backo"


def test_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Messages go to stderr in the format of the document, down to the level that is set."""
    log_system.add_handler(log_system.set_streamhandler())
    log_system.setLevel(LogLevel.INFO)
    log = log_system.get_or_create_logger("custom")
    log.debug("not this")
    log.info("this %s", "one")

    found = capsys.readouterr()
    assert re.fullmatch(r'INFO-custom- "[^"]*/test_log\.py", line \d+ : this one\n', found.err)
    assert found.out == ""


def test_a_failure_is_written_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """What `logging` adds to a line stays."""
    log_system.add_handler(log_system.set_streamhandler())
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log_system.get_or_create_logger("custom").exception("failed")

    assert capsys.readouterr().err.endswith("ZeroDivisionError: division by zero\n")


def test_a_file(tmp_path: Path) -> None:
    """Messages are appended to it, in UTF-8."""
    path = tmp_path / "my.log"
    path.write_text("before\n")
    log_system.add_handler(log_system.set_filehandler(path))
    log_system.get_or_create_logger("custom").warning("caf\N{LATIN SMALL LETTER E WITH ACUTE}")

    first, second = path.read_text("utf-8").splitlines()
    assert first == "before"
    assert second.endswith(": caf\N{LATIN SMALL LETTER E WITH ACUTE}")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """That is told where the handler is made."""
    with pytest.raises(OSError, match="nowhere"):
        log_system.set_filehandler(tmp_path / "nowhere" / "my.log")


def test_a_handler_of_one_logger() -> None:
    """It gets the messages of that logger alone."""
    stream = io.StringIO()
    log_system.add_handler(logging.StreamHandler(stream), "ref")
    log_system.get_or_create_logger("ref").warning("of ref")
    log_system.get_or_create_logger("Item").warning("of Item")

    assert stream.getvalue() == "of ref\n"


def test_a_level_of_ones_own(caplog: pytest.LogCaptureFixture) -> None:
    """It counts for its logger, whatever the others have; without one, that stays as it is."""
    log_system.setLevel(LogLevel.ERROR)
    log = log_system.get_or_create_logger("custom", LogLevel.DEBUG)

    assert log_system.get_or_create_logger("custom") is log
    assert log.level == logging.DEBUG
    log.debug("mine")
    log_system.get_or_create_logger("ref").warning("not this")
    assert caplog.messages == ["mine"]


@pytest.mark.parametrize("level", ["WARNING", logging.WARNING, LogLevel.WARNING])
def test_levels(level: Any) -> None:
    """What `logging` accepts is accepted, and the other way round."""
    log_system.setLevel(level)

    assert log_system.get_or_create_logger("custom").getEffectiveLevel() == logging.WARNING
    assert [one.name for one in LogLevel] == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    assert all(logging.getLevelName(one) == one.name for one in LogLevel)


@pytest.mark.parametrize("level", ["LOUD", "warning"])
def test_levels_that_there_are_not(level: str) -> None:
    """They are refused as `logging` refuses them."""
    with pytest.raises(ValueError, match=level):
        log_system.setLevel(level)


# `stack()`.


def inner(limit: int | None = 2) -> str:
    """Draw who called this."""
    return stack(limit)


def outer() -> str:
    """Call it."""
    return inner()


def test_stack() -> None:
    """It is a picture of the callers, innermost first, each one step further to the right."""
    lines = outer().splitlines()

    assert lines[:2] == ["", "  /"]
    assert re.fullmatch(r'  \\ called by "[^"]*test_log\.py", line \d+, in outer', lines[2])
    assert re.fullmatch(r'   \\ called by "[^"]*test_log\.py", line \d+, in test_stack', lines[3])
    assert lines[4:] == [r"    \__"]


def test_limits_of_a_stack() -> None:
    """Eight callers are shown, or as many as are asked for, or all."""

    def deep(depth: int, show: Callable[[], str]) -> str:
        return show() if depth == 0 else deep(depth - 1, show)

    assert len(deep(20, stack).splitlines()) == 8 + 3
    assert len(deep(20, lambda: stack(0)).splitlines()) == 3
    assert len(deep(20, lambda: stack(None)).splitlines()) > 20 + 3


# What the loggers say.


def test_what_the_loggers_say(caplog: pytest.LogCaptureFixture) -> None:
    """The back office, items, links, units of work and queries are told of, values never."""
    caplog.set_level(logging.DEBUG, "backo")
    office = shop()
    office.assemble()
    author = office.authors.create({"name": SECRET})
    book = office.books.create({"title": SECRET, "author": author._id})
    book.set({"title": SECRET * 2})
    book.save()
    list(office.books.select({"title": SECRET, "$or": [{"author.name.$reg": SECRET}, {"_id": SECRET}]}))
    author.reload()
    author.delete()
    with pytest.raises(ZeroDivisionError), office.transaction():
        office.authors.create({"name": SECRET})
        raise ZeroDivisionError
    office.close()

    said = {(record.name, record.getMessage()) for record in caplog.records}
    assert {
        ("backo.backoffice", "'shop' is assembled: authors, books"),
        ("backo.Item", f"created {author_id(said)} of authors"),
        ("backo.transaction", "committed 1 changes of 'shop'"),
        ("backo.transaction", "committed 2 changes of 'shop'"),
        ("backo.backoffice", "'shop' is closed"),
    } <= said
    ids = {message.split()[1] for name, message in said if name == "backo.Item"}
    assert {message.replace(one, "ID") for name, message in said if name == "backo.Item" for one in ids} >= {
        "created ID of authors",
        "created ID of books",
        "saved ID of books",
        "deleted ID of authors",
        "deleted ID of books",
    }
    assert any(name == "backo.ref" and message.startswith("deletes ") for name, message in said)
    assert any(
        name == "backo.select"
        and message.startswith("select from books: (title $eq and (author.[name $reg] or _id $eq))")
        for name, message in said
    )
    assert SECRET not in caplog.text


def author_id(said: set[tuple[str, str]]) -> str:
    """Find the id of the author that was created first."""
    [*_, message] = sorted(message for name, message in said if message.endswith("of authors") and "created" in message)
    return message.split()[1]


def test_links_that_are_changed(caplog: pytest.LogCaptureFixture) -> None:
    """It is told at which item and where, not which."""
    caplog.set_level(logging.DEBUG, "backo.ref")
    office = shop()
    book = office.books.create({"title": "Emma"})
    author = office.authors.create({"name": "Jane", "books": [book._id]})
    author.set({"books": []})
    author.save()

    assert caplog.messages == [
        f"adds a link to {book._id} of books at $.author",
        f"removes a link from {book._id} of books at $.author",
    ]


def test_what_is_undone(caplog: pytest.LogCaptureFixture) -> None:
    """It is told by how much it was."""
    caplog.set_level(logging.DEBUG, "backo.transaction")
    office = shop()
    with pytest.raises(ZeroDivisionError), office.transaction():
        office.authors.create({"name": SECRET})
        raise ZeroDivisionError

    assert caplog.messages == ["rolled back 1 changes of 'shop'"]


def test_folders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is written is told by its folder and number; a file that cannot be read by its id, without what is in it."""
    caplog.set_level(logging.DEBUG, "backo.yml")
    office = Backoffice("shop")
    office.register_collection(Collection("a", Item({"name": String()}), DBYmlConnector(tmp_path / "a")))
    office.a.create({"name": SECRET})
    (tmp_path / "a" / "odd.yml").write_text(f"name: [{SECRET}\n")
    office.close()
    with pytest.raises(Exception, match="cannot be read"):
        list(office.a.select())

    assert f"{tmp_path / 'a'}: wrote 1 items" in caplog.messages
    assert any("odd" in message and "cannot be read" in message for message in caplog.messages)
    assert SECRET not in caplog.text


def test_nothing_is_prepared_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a level that is off, no message is put together."""
    monkeypatch.setattr(logging.LogRecord, "__init__", lambda *_: pytest.fail("a record was made"))
    monkeypatch.setattr("backo.work.unit.Outline", lambda _: pytest.fail("a query was described"))
    office = shop()
    author = office.authors.create({"name": "Jane"})
    office.books.create({"title": "Emma", "author": author._id})

    assert len(list(office.books.select({"title": "Emma"}))) == 1
