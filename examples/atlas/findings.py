"""What is wrong or missing in the source, and what the import does about it.

Nothing of the source is hidden: whatever is changed, completed or doubtful is a `Finding`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of findings, gravest first."""

    UNKNOWN_CONTINENT = "unknown continent"
    UNKNOWN_COUNTRY = "unknown country"
    UNKNOWN_NEIGHBOUR = "unknown neighbour"
    ONE_SIDED_BORDER = "one-sided border"
    NO_CAPITAL = "no capital named"
    CAPITAL_NOT_FOUND = "capital not found"
    CAPITAL_AMBIGUOUS = "ambiguous capital"
    CAPITAL_RESPELT = "capital spelt otherwise"
    CAPITAL_RENAMED = "capital under another name"
    DISSOLVED = "country that is no more"
    NO_CITIES = "country without a city"
    NO_VALUE = "missing value"
    NO_POPULATION = "nobody lives there"
    UNTIDY_TEXT = "untidy text"
    LOOSE_PATTERN = "loose postal pattern"
    CONTINENTS_DISAGREE = "two continents"
    POPULATIONS_DISAGREE = "parts above the whole"
    FOREIGN_TIMEZONE = "timezone of another country"
    LOOKALIKES = "perhaps the same city twice"


TREATMENTS = {
    Kind.UNKNOWN_CONTINENT: "the country is left out, with its cities",
    Kind.UNKNOWN_COUNTRY: "these cities are left out",
    Kind.UNKNOWN_NEIGHBOUR: "the border is left out",
    Kind.ONE_SIDED_BORDER: "kept, on both sides",
    Kind.NO_CAPITAL: "stored without a capital",
    Kind.CAPITAL_NOT_FOUND: "stored without a capital",
    Kind.CAPITAL_AMBIGUOUS: "the most populous is taken",
    Kind.CAPITAL_RESPELT: "the city is taken",
    Kind.CAPITAL_RENAMED: "the city that also has this name is taken",
    Kind.DISSOLVED: "stored as it is",
    Kind.NO_CITIES: "stored without cities",
    Kind.NO_VALUE: "stored without a value",
    Kind.NO_POPULATION: "stored as 0",
    Kind.UNTIDY_TEXT: "outer blanks are removed",
    Kind.LOOSE_PATTERN: "stored as it is",
    Kind.CONTINENTS_DISAGREE: "the country's own word is taken",
    Kind.POPULATIONS_DISAGREE: "stored as they are",
    Kind.FOREIGN_TIMEZONE: "stored as it is",
    Kind.LOOKALIKES: "both are stored",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw of the source.

    Attributes:
        kind: what sort of flaw it is, and so what is done about it (`TREATMENTS`).
        subject: the item, as in an address: `"countries/XK"`.
        text: what was found, in words.
    """

    kind: Kind
    subject: str
    text: str

    def __str__(self) -> str:
        """Give one line."""
        return f"{self.subject}: {self.text}"


def summary(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield one line per kind: how many, and what was done."""
    count = Counter(finding.kind for finding in findings)
    for kind in Kind:
        if kind in count:
            yield f"{count[kind]:5}  {kind} ({TREATMENTS[kind]})"
