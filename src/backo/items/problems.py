"""Turn what was found wrong with an item into the error that callers get."""

from __future__ import annotations

from collections.abc import Iterable

from backo.errors import ValidationError
from backo.schema.problems import Finding, Refusal


def invalid(name: str, findings: Iterable[Finding]) -> ValidationError:
    """Make the error for an item of this name."""
    return ValidationError(f"{name} is not valid", problems=Refusal(findings).problems())
