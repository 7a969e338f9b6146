"""Check JSON values whose shape nobody declared, and the text that stands in any value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from backo.schema.problems import MAX_PROBLEMS, Finding, Refusal, name_of

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
MAX_DEPTH = 64  # levels of lists and objects inside one value

_SURROGATE = re.compile("[\ud800-\udfff]")


def check_text(value: str) -> None:
    """Refuse text that no store keeps: NUL and lone surrogates.

    Raises:
        Refusal: the text has one.
    """
    if "\0" in value:
        raise Refusal.of("text", "Must not contain a NUL character")
    if not value.isascii() and _SURROGATE.search(value):
        raise Refusal.of("text", "Must not contain a lone surrogate")


def copied_json(value: Any, depth: int = 0) -> Any:
    """Copy a JSON value, checking each part.

    Raises:
        Refusal: a part is not a JSON value, or it nests too deep.
    """
    match value:
        case None | bool():
            return value
        case str():
            check_text(value)
            return str.__str__(value)
        case int():
            if not INT_MIN <= value <= INT_MAX:
                raise Refusal.of("range", "Must be an integer of 64 bits")
            return int(value)
        case float():
            if not math.isfinite(value):
                raise Refusal.of("finite", "Must be a finite number")
            return float(value)
        case dict() | list() | tuple() | Mapping() if depth >= MAX_DEPTH:
            raise Refusal.of("depth", f"Must not be nested more than {MAX_DEPTH} levels deep")
        case list() | tuple():
            return _copied_list(value, depth)
        case dict() | Mapping():
            return _copied_object(value, depth)
    raise Refusal.of("type", "Must be a JSON value")


def _copied_list(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    elements: list[Any] = []
    findings: list[Finding] = []
    for index, inner in enumerate(value):
        try:
            elements.append(copied_json(inner, depth + 1))
        except Refusal as refusal:
            findings += refusal.below(index)
            if len(findings) >= MAX_PROBLEMS:
                break
    if findings:
        raise Refusal(findings)
    return elements


def _copied_object(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    findings: list[Finding] = []
    for key, inner in value.items():
        try:
            parts[_copied_key(key)] = copied_json(inner, depth + 1)
        except Refusal as refusal:
            findings += refusal.below(name_of(key))
            if len(findings) >= MAX_PROBLEMS:
                break
    if findings:
        raise Refusal(findings)
    return parts


def _copied_key(key: Any) -> str:
    if not isinstance(key, str):
        raise Refusal.of("type", "Must have text as keys")
    check_text(key)
    return str.__str__(key)
