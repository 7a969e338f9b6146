"""The examples of the chapter on logs, as the document shows them.

Slips that are mended: `loggind` is `logging`; names that the sketches leave undefined are defined.
"""

import logging
import re
from pathlib import Path

import pytest

from backo import (
    Backoffice,
    Collection,
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

pytestmark = pytest.mark.usefixtures("loggers")


def test_logs_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Chapter "Logs", "Example": messages go to stderr and to a file."""
    log_system.add_handler(log_system.set_streamhandler())
    log_system.add_handler(log_system.set_filehandler(str(tmp_path / "mylog.log")))
    log_system.setLevel(LogLevel.INFO)

    log = log_system.get_or_create_logger("custom")
    log.setLevel(LogLevel.DEBUG)

    log.debug("hey this is my first debug message")

    written = (tmp_path / "mylog.log").read_text()
    assert "hey this is my first debug message" in written
    assert capsys.readouterr().err == written


def test_logs_advanced_use() -> None:
    """Chapter "Logs", "Advanced use": a logger has handlers and a level of its own."""
    records: list[logging.LogRecord] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    my_own_handler = Keeping()
    log = log_system.get_or_create_logger("custom")
    log.setLevel(logging.DEBUG)
    log.addHandler(my_own_handler)
    log.debug("mine")
    log_system.get_or_create_logger("other").critical("not mine")

    assert [record.getMessage() for record in records] == ["mine"]


def sub_test_set_get_sample() -> str:
    """Call what shows its stack."""
    return say()


def say() -> str:
    """Show the stack."""
    log = log_system.get_or_create_logger("custom")
    log.setLevel(logging.DEBUG)
    log.debug(f"this is a debug message with stack {stack()}")  # noqa: G004  # as the document shows it
    return "said"


def test_logs_stack(capsys: pytest.CaptureFixture[str]) -> None:
    """Chapter "Logs", "stack()": the picture of the document, line by line."""
    log_system.add_handler(log_system.set_streamhandler())
    sub_test_set_get_sample()

    first, second, *calls, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r'DEBUG-custom- ".*/test_seed_logs\.py", line \d+ : this is a debug message with stack ', first)
    assert second == "  /"
    for number, call in enumerate(calls, 2):
        assert re.fullmatch(" " * number + r'\\ called by ".+", line \d+, in .+', call)
    assert calls[0].endswith("in sub_test_set_get_sample")
    assert calls[1].endswith("in test_logs_stack")
    assert last == " " * (len(calls) + 2) + r"\__"
    assert (len(calls), len(last)) == (8, len(r"          \__"))


@pytest.mark.parametrize("name", ["backoffice", "Item", "ref", "transaction", "yml", "mongo", "select", "migration"])
def test_logs_current_loggers(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Chapter "Logs", "current loggers": each can be told apart and given a level."""
    log = log_system.get_or_create_logger(name, LogLevel.DEBUG)
    log.debug("heard")

    assert [(record.name, record.getMessage()) for record in caplog.records] == [(f"backo.{name}", "heard")]


def test_logs_current_loggers_speak(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Chapter "Logs", "current loggers": each tells what the table says it is about, where it has something to tell."""
    log_system.setLevel(LogLevel.DEBUG)
    down = DeleteStrategy.DELETE_REFERENCED_ITEMS
    items = {
        "addrs": Item({"name": String(), "users": RefsList(coll="users", field="$.addr", ods=down)}),
        "users": Item({"name": String(), "addr": Ref(coll="addrs", field="$.users")}),
    }
    backoffice = Backoffice("myApp")
    for name, item in items.items():
        backoffice.register_collection(Collection(name, item, DBYmlConnector(path=tmp_path / name)))

    moon = backoffice.addrs.create({"name": "moon"})
    backoffice.users.create({"name": "neil", "addr": moon["_id"]})
    assert backoffice.users.count({"name": "neil"}) == len(list(backoffice.users.select())) == 1
    backoffice.migrate("users")
    moon.delete()
    backoffice.close()

    assert {record.name for record in caplog.records} == {
        "backo.backoffice",
        "backo.Item",
        "backo.ref",
        "backo.transaction",
        "backo.yml",
        "backo.select",
        "backo.migration",
    }
