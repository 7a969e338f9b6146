r"""Search texts for patterns from outside, in linear time (RE2).

A pattern has the syntax of RE2, which is that of Python without look-around and back-references.
It is found anywhere in a text. `\d`, `\w`, `\s` and `\b` know ASCII only (`\pL` is any letter), `.`
does not match a line break, `$` is the very end, and `(?i)` in front ignores case.

RE2 is imported when the first pattern is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, TypeAlias

Search: TypeAlias = Callable[[str], bool]

# RE2's default of 8 MiB lets some patterns of 200 characters cost 0.1 ms for each byte of text;
# with half a MiB they are refused, and no pattern that people write is. RE2's module keeps the last
# 128 patterns, and so do we: 64 MiB at worst.
_MEMORY = 1 << 19
_KEPT = 128


class PatternError(ValueError):
    """Raised when RE2 refuses a pattern; the text says why."""


@cache
def _engine() -> tuple[Any, Any]:
    """Import RE2; give the module and our options."""
    import re2  # noqa: PLC0415  # 14 ms that most processes never need

    options = re2.Options()
    options.log_errors = False  # it would write to standard error
    options.never_capture = True
    options.max_mem = _MEMORY
    return re2, options


@lru_cache(maxsize=_KEPT)
def searcher(pattern: str) -> Search:
    """Compile a pattern into a function that tells whether a text has it.

    >>> searcher("^J.*n$")("Johann")
    True

    Raises:
        PatternError: RE2 refuses the pattern.
    """
    re2, options = _engine()
    try:
        search = re2.compile(pattern, options).search
    except UnicodeEncodeError:
        raise PatternError("lone surrogate") from None
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        raise PatternError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None

    def is_found(text: str) -> bool:
        return search(text.encode("utf-8", "surrogatepass")) is not None

    return is_found
