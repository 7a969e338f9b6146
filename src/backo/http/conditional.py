"""Compare ETags with what a client has: `If-None-Match` and `If-Match` (RFC 9110, 13.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from backo.http.messages import Source

_TAG = re.compile(r'(?P<weak>W/)?"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]+)')


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags that a header lists.

    Attributes:
        any: whether it is `*`: whatever there is.
        strong: opaque tags without their quotes.
        weak: those that were sent as `W/"…"`.
    """

    any: bool
    strong: frozenset[str]
    weak: frozenset[str]

    def match_strongly(self, etag: str) -> bool:
        """Tell whether the very same bytes are meant (for `If-Match`)."""
        return self.any or etag in self.strong

    def match_weakly(self, etag: str) -> bool:
        """Tell whether the same item is meant (for `If-None-Match`)."""
        return self.any or etag in self.strong or etag in self.weak


def parse_tags(text: str) -> Tags:
    """Read a list of tags; one without quotes is taken as it stands, an empty list matches nothing.

    >>> parse_tags('"a", W/"b"').match_weakly("b")
    True
    """
    if text.strip() == "*":
        return Tags(any=True, strong=frozenset(), weak=frozenset())
    strong: set[str] = set()
    weak: set[str] = set()
    for match in _TAG.finditer(text):
        (weak if match["weak"] else strong).add(match["bare"] or match["quoted"])
    return Tags(any=False, strong=frozenset(strong), weak=frozenset(weak))


def is_known(source: Source, etag: str) -> bool:
    """Tell whether the client has this version already (`If-None-Match`)."""
    text = source.header("If-None-Match")
    return text is not None and parse_tags(text).match_weakly(etag)


def wanted_version(source: Source) -> Callable[[str], bool] | None:
    """Give the test that the present ETag must pass before anything is done; None when there is none.

    `If-Match` compares strongly. `If-None-Match` on a write asks for the opposite.
    """
    match, none_match = source.header("If-Match"), source.header("If-None-Match")
    if match is None and none_match is None:
        return None
    wanted = None if match is None else parse_tags(match)
    unwanted = None if none_match is None else parse_tags(none_match)

    def is_wanted(etag: str) -> bool:
        if wanted is not None and not wanted.match_strongly(etag):
            return False
        return unwanted is None or not unwanted.match_weakly(etag)

    return is_wanted
