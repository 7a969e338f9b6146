"""Tell what a check found: the first findings, and how many there are of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from backo.connectors.findings import Difference, DifferenceKind, Finding, FindingKind

MOST_KEPT = 1_000  # findings that a report carries; of all others it knows the kind
_MOST_SHOWN = 50  # lines of findings that its text has


class IntegrityReport:
    """What `check_integrity` found, and did.

    Attributes:
        findings: each `Finding`, in the order in which they were found; the first thousand.
        counts: how many findings there are of each kind.
        total: how many there are.
        mendable: how many of them can be mended without loss; those that were mended count too.
        mended: how many were mended.
        applied: whether it was to mend.
    """

    def __init__(self, *, applied: bool) -> None:
        self.findings: list[Finding] = []
        self.total = self.mendable = self.mended = 0
        self.applied = applied
        self._counts: Counter[FindingKind] = Counter()

    @property
    def counts(self) -> Mapping[FindingKind, int]:
        """How many findings there are of each kind."""
        return dict(self._counts)

    @property
    def is_clean(self) -> bool:
        """Whether nothing that was found is left: all of it was mended, or there was nothing."""
        return self.total == self.mended

    def add(self, finding: Finding) -> None:
        """Take a finding."""
        self.total += 1
        self.mendable += finding.mendable
        self.mended += finding.mended
        self._counts[finding.kind] += 1
        if len(self.findings) < MOST_KEPT:
            self.findings.append(finding)

    def __str__(self) -> str:
        """Tell the findings, one to a line, and what can be done."""
        lines = [self._summary(), *map(str, self.findings[:_MOST_SHOWN])]
        if self.total > _MOST_SHOWN:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self._counts.items()))
            lines += [f"… and {self.total - _MOST_SHOWN} more; in all {kinds}"]
        if self.mendable and not self.applied:
            lines.append(f"{self.mendable} can be mended without loss; nothing is changed yet.")
        return "\n".join(lines)

    def _summary(self) -> str:
        if not self.total:
            return "nothing wrong was found"
        found = f"{self.total} finding{'s' if self.total > 1 else ''}"
        return f"{found}, {self.mended} mended" if self.applied else found

    def __repr__(self) -> str:
        return f"<IntegrityReport: {self._summary()}>"


@dataclass(frozen=True)
class StructureReport:
    """What `check_structure` found, and did.

    Attributes:
        differences: what differs now.
        mended: what differed before, and was made.
        applied: whether it was to mend.
    """

    differences: tuple[Difference, ...] = ()
    mended: tuple[Difference, ...] = ()
    applied: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether everything that is declared is there; what is there and not declared does no harm."""
        return all(one.kind is DifferenceKind.KEPT for one in self.differences)

    def __str__(self) -> str:
        """Tell the differences, one to a line, and what can be done."""
        lines = [f"{one} – made" for one in self.mended]
        lines += [str(one) for one in self.differences]
        if not lines:
            return "everything is as declared"
        mendable = sum(one.mendable for one in self.differences)
        if mendable and not self.applied:
            lines.append(f"{mendable} can be mended without loss; nothing is changed yet.")
        return "\n".join(lines)
