"""The two kinds of documents the floor keeps: their fields and columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from bench.floor.answers import RefusedError
from bench.floor.checks import ADDRESS, PERSON, SITE, Check, Problems, check_fields, require
from bench.model import Values

_ANONYMOUS = {"_id": "000", "login": "ANONYMOUS"}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its table of the same name, what it accepts, what a new one starts from."""

    name: str
    checks: dict[str, Check]
    defaults: Values
    required: tuple[str, ...]
    columns: dict[str, type]


SITES = Kind(
    name="sites",
    checks=SITE,
    defaults={"name": None, "city": None, "people": []},
    required=("name",),
    columns={"_id": str},
)
PEOPLE = Kind(
    name="people",
    checks=PERSON,
    defaults=dict.fromkeys(PERSON) | {"male": True},
    required=("name", "site"),
    columns={"_id": str, "name": str, "age": int, "site": str},
)


def checked(kind: Kind, values: Values) -> Values:
    """Return the values a client sent, of the right types.

    Raises:
        RefusedError: 422, with every problem.
    """
    problems: Problems = []
    accepted = check_fields(values, kind.checks, "$", problems)
    if problems:
        raise RefusedError(422, "The item is not valid.", problems)
    return accepted


def new_document(kind: Kind, values: Values, item_id: str, now: datetime) -> Values:
    """Return the document of a new item.

    Raises:
        RefusedError: 422, when a required value is missing.
    """
    document = merged(kind, kind.defaults, values)
    document["_id"] = item_id
    document["_meta"] = {
        "ctime": now,
        "mtime": now,
        "created_by": _ANONYMOUS,
        "modified_by": _ANONYMOUS,
    }
    return document


def merged(kind: Kind, document: Values, changes: Values) -> Values:
    """Return `document` with `changes` laid over it.

    Raises:
        RefusedError: 422, when a required value is missing.
    """
    after = document | changes
    if changes.get("address") is not None:
        address = dict.fromkeys(ADDRESS) | (document["address"] or {}) | changes["address"]
        after["address"] = address if any(v is not None for v in address.values()) else None
    problems = require(after, kind.required)
    if problems:
        raise RefusedError(422, "The item is not valid.", problems)
    return after


def touched(document: Values, now: datetime) -> Values:
    """Return `document` stamped as modified."""
    return document | {"_meta": document["_meta"] | {"mtime": now, "modified_by": _ANONYMOUS}}


def row_of(document: Values) -> Values:
    """Return the columns of a document: its values by name, and itself as text."""
    return document | {"doc": _encode(document).decode()}
