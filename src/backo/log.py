"""Hand out the loggers of the library, all below `backo`, and show where a message comes from.

The library is silent until a handler is added, here or by the application; the root logger is left alone.
"""

from __future__ import annotations

import logging
import os
import sys
from enum import IntEnum
from typing import Final

_ROOT = "backo"

LOGGERS: Final = ("Item", "backoffice", "migration", "mongo", "ref", "select", "transaction", "yml")

_FRAMES = 8  # of a stack that are shown, unless more are asked for

_backo = logging.getLogger(_ROOT)
_backo.addHandler(logging.NullHandler())
for _name in LOGGERS:
    logging.getLogger(f"{_ROOT}.{_name}")


class LogLevel(IntEnum):
    """How much a message matters: the levels of `logging`, and taken wherever it takes one.

    Attributes:
        DEBUG: 10.
        INFO: 20.
        WARNING: 30.
        ERROR: 40.
        CRITICAL: 50.

    >>> LogLevel.INFO == logging.INFO
    True
    """

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR
    CRITICAL = logging.CRITICAL


class _Formatter(logging.Formatter):
    """Writes `LEVEL-logger- "path", line number : message`, where the name of the logger is that below `backo`."""

    def __init__(self) -> None:
        super().__init__('%(levelname)s-%(name)s- "%(pathname)s", line %(lineno)d : %(message)s')

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name that `logging` gives it
        """Write the line of a record."""
        values = record.__dict__ | {"name": record.name.removeprefix(f"{_ROOT}.")}
        return super().formatMessage(logging.makeLogRecord(values))


class LogSystem:
    """Where the messages of the library go, and which of them."""

    def add_handler(self, handler: logging.Handler, name: str | None = None) -> None:
        """Send messages to a handler.

        Args:
            handler: any of `logging`'s, or one that `set_streamhandler` or `set_filehandler` made.
            name: of the logger whose messages it gets; those of all when there is none.
        """
        (_backo if name is None else self.get_or_create_logger(name)).addHandler(handler)

    def set_streamhandler(self) -> logging.Handler:
        """Make a handler that writes to stderr, for `add_handler`."""
        return _formatted(logging.StreamHandler())

    def set_filehandler(self, path: str | os.PathLike[str]) -> logging.Handler:
        """Make a handler that appends to the file at a path, in UTF-8, for `add_handler`.

        Raises:
            OSError: the file cannot be opened.
        """
        return _formatted(logging.FileHandler(path, encoding="utf-8"))

    def setLevel(self, level: int | str) -> None:  # noqa: N802  # the documented name, that of `logging`
        """Leave out messages that matter less, except those of loggers that have a level of their own.

        Raises:
            ValueError: there is no such level.
        """
        _backo.setLevel(level)

    def get_or_create_logger(self, name: str, level: int | str | None = None) -> logging.Logger:
        """Give a logger of the library, or one of one's own beside them.

        Args:
            name: such as `"Item"`; `"backo.Item"` is the same one.
            level: of this logger alone; as before, or that of all, when there is none.

        Raises:
            ValueError: there is no such level.
        """
        logger = _backo if name == _ROOT else logging.getLogger(f"{_ROOT}.{name.removeprefix(f'{_ROOT}.')}")
        if level is not None:
            logger.setLevel(level)
        return logger


log_system = LogSystem()
"""The loggers of the library: the one `LogSystem`."""


def stack(limit: int | None = _FRAMES) -> str:
    """Draw who called the function in which this is written, innermost first, to be put into a message.

    Args:
        limit: how many callers are shown at most; None for all.
    """
    frame = sys._getframe(1).f_back  # noqa: SLF001  # documented, and all that `logging` itself uses
    lines = ["", "  /"]
    while frame is not None and (limit is None or len(lines) < limit + 2):
        code = frame.f_code
        margin = " " * len(lines)
        lines.append(f'{margin}\\ called by "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}')
        frame = frame.f_back
    lines.append(" " * len(lines) + "\\__")
    return "\n".join(lines)


def _formatted(handler: logging.Handler) -> logging.Handler:
    handler.setFormatter(_Formatter())
    return handler
