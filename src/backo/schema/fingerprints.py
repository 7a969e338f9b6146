"""Sum up what a declaration says about stored documents, so that a change of it is seen (DESIGN D3)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from backo import jsontext
from backo.paths import FieldPath, to_text
from backo.schema.containers import Dict, In, List, Tuple
from backo.schema.fields import Field
from backo.schema.placing import is_stored
from backo.schema.scalars import String

_BYTES = 8


def fingerprint_of(fields: Mapping[str, Field], derived: Collection[FieldPath], version: int | str) -> str:
    """Hash what is declared as data: names and their order, types, bounds, patterns, enums, links.

    Functions, rights, hooks, descriptions and views (but `save`) do not count.

    Args:
        fields: of the item, `_id` and `_meta` included.
        derived: paths of link sides that are looked up instead of stored.
        version: the declared version of the schema.
    """
    description = {
        "version": version,
        "fields": {name: _facts(one) for name, one in fields.items()},
        "derived": sorted(to_text(path) for path in derived),
    }
    return hashlib.blake2b(jsontext.encode(description), digest_size=_BYTES).hexdigest()


def _facts(one: Field) -> dict[str, Any]:
    """Give what a field declares as data, as plain JSON values."""
    options = one.options
    facts: dict[str, Any] = {"type": type(one).__name__, **one.facts()}
    for name in ("required", "unique", "index"):
        if getattr(options, name):
            facts[name] = True
    if not is_stored(options):
        facts["stored"] = False
    if one.allowed is not None:
        facts["enum"] = [one.to_json(value) for value in one.allowed]
    match one:
        case String():
            facts["regexp"] = [_pattern(pattern) for pattern in one.patterns]
        case Dict():
            facts["fields"] = {name: _facts(child) for name, child in one.fields.items()}
        case List():
            facts["element"] = _facts(one.element)
        case Tuple(elements=parts) | In(alternatives=parts):
            facts["parts"] = [_facts(part) for part in parts]
    return facts


def _pattern(pattern: re.Pattern[str]) -> str:
    """Give the text of a pattern, with the flags that were set beside it."""
    usual = re.compile(pattern.pattern).flags
    return pattern.pattern if pattern.flags == usual else f"{pattern.flags}:{pattern.pattern}"
