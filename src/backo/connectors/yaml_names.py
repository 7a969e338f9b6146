"""Name the file of an item after its id, so that no two ids share a file on any file system.

Lower-case letters, digits, `-`, `_`, `~` and inner dots stand for themselves; every other byte of
the id (UTF-8) is written `%` and two hexadecimal digits, capitals too, since some file systems take
`A` and `a` for the same. A name that would be too long ends in `=` and the SHA-256 of the id.
"""

from __future__ import annotations

import hashlib
import re

SUFFIX = ".yml"
LONGEST = 200  # bytes before the suffix; file systems take 255 with it

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_~.")
_ENCODED = re.compile(r"%([0-9a-f]{2})")


def file_name(id_: str) -> str:
    """Name the file of an id.

    >>> file_name("0198-ab"), file_name("Jo"), file_name("../x")
    ('0198-ab.yml', '%4ao.yml', '%2e.%2fx.yml')
    """
    raw = id_.encode("utf-8", "surrogatepass")
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in raw) or "%"
    if name.startswith("."):
        name = "%2e" + name[1:]
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 65]}={hashlib.sha256(raw).hexdigest()}"
    return name + SUFFIX


def id_of(name: str) -> str | None:
    """Give the id whose file has this name; None when the name does not tell, or is no such name.

    >>> id_of("%4ao.yml"), id_of("Jo.yml")
    ('Jo', None)
    """
    stem = name.removesuffix(SUFFIX)
    try:
        raw = _ENCODED.sub(lambda match: chr(int(match[1], 16)), stem).encode("latin-1")
        id_ = "" if stem == "%" else raw.decode("utf-8", "surrogatepass")
    except UnicodeError:
        return None
    return id_ if file_name(id_) == name else None
