"""Read and write the variable parts of addresses: ids and query strings."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import parse_qsl, quote

from backo.errors import NotFoundError, Problem, QueryError
from backo.http.messages import Request
from backo.http.refusals import MalformedError
from backo.ids import is_id

Pairs: TypeAlias = list[tuple[str, str]]

MAX_PAIRS = 1000  # of one query string

_SAFE_IN_QUERY = "%=&+$,;:@!*()/?"
_USUAL_QUERY = re.compile(r"[\w.~%=&+$,;:@!*()/?-]*", re.ASCII)  # in which nothing has to be quoted


def item_id(request: Request, limit: int) -> str:
    """Give the id that an address names, when it can be one at all.

    Args:
        request: its route has a part `id`.
        limit: characters of an id.

    Raises:
        NotFoundError: nothing that is stored has such an id.
    """
    text = request.arguments["id"]
    if is_id(text, limit):
        return text
    message = "there is no such item"
    raise NotFoundError(message)


def pairs_of(query: str) -> Pairs:
    """Decode a query string; keys without a value have the empty text.

    Raises:
        MalformedError: it is not UTF-8, or has too many keys.
    """
    if not query:
        return []
    try:
        if not query.isascii():  # sent without percent-encoding; WSGI hands bytes on as Latin-1
            query = query.encode("latin-1").decode()
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except UnicodeError as error:
        message = "the query string is not UTF-8 text"
        raise MalformedError(message) from error
    except ValueError as error:
        message = f"the query string has more than {MAX_PAIRS} keys"
        raise MalformedError(message) from error


def single(pairs: Pairs, key: str) -> str | None:
    """Give the value of a key that may be given once; None when it is not given.

    Raises:
        QueryError: it is given several times.
    """
    values = [value for name, value in pairs if name == key]
    if len(values) > 1:
        message = "the query makes no sense here"
        raise QueryError(message, problems=[Problem(key, "twice", "Is given twice")])
    return values[0] if values else None


def address_of(root: str, *parts: str) -> str:
    """Write the address of something below the back office.

    >>> address_of("/shop", "users", "a b/c")
    '/shop/users/a%20b%2Fc'
    """
    return "/".join([root, *map(_quoted, parts)])


@lru_cache(256)
def _quoted(part: str) -> str:
    return quote(part, safe="")


def following_query(query: str, pairs: Pairs, start: tuple[str, str]) -> str:
    """Write the query string of the next page: the same question, from a place on.

    Args:
        query: as it was sent.
        pairs: the same, decoded.
        start: where the next page begins: `("_after", cursor)`, or `("_skip", number)` beside the `_after`
            that was sent.
    """
    name, value = start
    replaced = {"_after", "_skip"} if name == "_after" else {"_skip"}
    sent = [part for part in query.split("&") if part]
    kept = [part for part, (key, _) in zip(sent, pairs, strict=True) if key not in replaced]
    following = "&".join([*kept, f"{name}={quote(value)}"])
    return following if _USUAL_QUERY.fullmatch(following) else quote(following.encode("latin-1"), safe=_SAFE_IN_QUERY)
