"""Collect what is wrong with a value, place by place.

A check either returns the value to keep or raises one `Refusal` with everything that it found;
places inside a refusal are relative to the value that was checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backo.errors import MAX_SHOWN, Problem, nearest
from backo.paths import Place, to_text

MAX_PROBLEMS = 100  # of one value; more would tell nobody anything, so checks stop looking for them


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, relative to the value checked; a stable code; a sentence."""

    place: Place
    code: str
    message: str


class Refusal(Exception):  # noqa: N818  # it says what it is; it never leaves the library
    """A value was refused. Internal: the callers turn it into a `ValidationError`."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        super().__init__()
        self.findings = list(findings)

    @classmethod
    def of(cls, code: str, message: str) -> Refusal:
        """Refuse the value itself for one reason."""
        return cls([Finding((), code, message)])

    def below(self, *steps: str | int) -> Iterable[Finding]:
        """Give the findings as seen from further up."""
        return [Finding((*steps, *finding.place), finding.code, finding.message) for finding in self.findings]

    def problems(self) -> list[Problem]:
        """Give the first hundred findings as problems with absolute paths."""
        found = self.findings[:MAX_PROBLEMS]
        return [Problem(to_text(tuple(map(_cut, one.place))), one.code, one.message) for one in found]


def unknown_key(key: object, known: Iterable[str]) -> Finding:
    """Say that there is no such field."""
    hint = nearest(key, known)
    return Finding((name_of(key),), "unknown", "There is no such field" + (f"; {hint}" if hint else ""))


def name_of(key: object) -> str:
    """Write the key of a mapping as a step of a place."""
    return key if isinstance(key, str) else f"<{type(key).__name__}>"


def _cut(step: str | int) -> str | int:
    """Shorten a name that a client made up."""
    return step if isinstance(step, int) or len(step) <= MAX_SHOWN else step[: MAX_SHOWN - 1] + "…"
