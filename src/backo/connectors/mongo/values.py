"""Write documents as the server keeps them, and read them back exactly.

A stored document has the fields of the item as they are, in their JSON form, and beside them what is
ours: `_rev`, `_schema` (fingerprint), `_cells` (`backo.connectors.mongo.layout`) and `_lock`.

BSON does not hold every JSON value. What it would change, or refuse, is kept as JSON text in an
object `{"_json": text}`: an object with keys that are empty or hold `$`, `.` or NUL where they mean
something, an integer beyond 64 bits, what is nested too deep, and an object that looks like this one.

Documents of other programs may hold what JSON has no word for. It is read in the form of the type
that is meant for it: ids as their hexadecimal digits, times as RFC 3339, bytes as base64.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bson.int64 import Int64
from bson.objectid import ObjectId

from backo import jsontext
from backo.connectors.base import Document, StoredDocument

JSON = "_json"
REV, SCHEMA, CELLS, LOCK = "_rev", "_schema", "_cells", "_lock"
OURS = frozenset({REV, SCHEMA, CELLS, LOCK})

_LEAST, _MOST = -(2**63), 2**63 - 1
_MOST_LEVELS = 80  # of the hundred that a server takes; what is deeper is kept as text

_AS_IT_IS = frozenset({str, bool, int, type(None)})


def kept(document: Document) -> dict[str, Any]:
    """Write the fields of a document as BSON holds them."""
    return {name: _kept(value, 1) for name, value in document.items()}


def _kept(value: Any, level: int) -> Any:
    kind = type(value)
    if kind is str or kind is bool or kind is float or value is None:
        return value
    if kind is int:
        return value if _LEAST <= value <= _MOST else _as_text(value)
    if kind is dict:
        if level >= _MOST_LEVELS or any(map(_is_odd, value)) or (len(value) == 1 and JSON in value):
            return _as_text(value)
        return {key: _kept(inner, level + 1) for key, inner in value.items()}
    if kind is list:
        return _as_text(value) if level >= _MOST_LEVELS else [_kept(inner, level + 1) for inner in value]
    return _kept(jsontext.decode(jsontext.encode(value)), level)  # a subclass of one of these


def _is_odd(key: str) -> bool:
    """Tell whether a key means something to the server."""
    return not key or key[0] == "$" or "." in key or "\0" in key


def _as_text(value: Any) -> dict[str, str]:
    return {JSON: jsontext.encode(value).decode()}


def stored(raw: Mapping[str, Any]) -> StoredDocument:
    """Read a document; one of another program has revision 0 and no fingerprint."""
    document = {name: plain(value) for name, value in raw.items() if name not in OURS}
    id_ = document["_id"] = str(document["_id"])
    rev, fingerprint = raw.get(REV), raw.get(SCHEMA)
    return StoredDocument(
        id_,
        int(rev) if isinstance(rev, int) and rev > 0 else 0,
        fingerprint if isinstance(fingerprint, str) else "",
        document=document,
    )


def plain(value: Any) -> Any:
    """Read one value as JSON."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is Int64:
        return int(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is dict:
        text = value.get(JSON) if len(value) == 1 else None
        if type(text) is str:
            return _from_text(value, text)
        return {key: plain(inner) for key, inner in value.items()}
    if kind is list:
        return [plain(inner) for inner in value]
    return _foreign(value)


def _from_text(value: dict[str, Any], text: str) -> Any:
    try:
        return jsontext.decode(text)
    except ValueError:  # of another program, which means something else by it
        return value


def _foreign(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)  # ObjectId, Decimal128, UUID and the like


def is_json(value: Any) -> bool:
    """Tell whether a value is kept as we would keep it: conditions of the server then mean what they say."""
    if isinstance(value, dict):
        return all(map(is_json, value.values()))
    if isinstance(value, list):
        return all(map(is_json, value))
    return type(value) in _AS_IT_IS or type(value) is Int64 or (type(value) is float and math.isfinite(value))


def is_id(value: Any) -> bool:
    """Tell whether a value can be the `_id` of an item: a text, or an id of the server."""
    return isinstance(value, str | ObjectId)
