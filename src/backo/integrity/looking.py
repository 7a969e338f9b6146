"""Look at a page of documents: what is wrong with each, and what it is once that is mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backo.connectors.base import Document, StoredDocument
from backo.connectors.findings import Finding, FindingKind
from backo.errors import Problem, ValidationError
from backo.integrity.links import Flaw, Links, with_names
from backo.integrity.raw import Raw, read
from backo.paths import to_text
from backo.work.catalog import Catalog, Entry

_MOST_PROBLEMS = 20  # that one document is reported with


@dataclass(frozen=True, slots=True)
class Looked:
    """A document that was looked at.

    Attributes:
        stored: the version.
        document: what it says; None when it cannot be read.
        findings: what is wrong with it, but for its links and what is kept beside it.
        flaws: what is wrong with its links.
        companions: what is wrong with what the store keeps beside it.
    """

    stored: StoredDocument
    document: Document | None
    findings: tuple[Finding, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    companions: tuple[Finding, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.findings or self.flaws or self.companions)

    @property
    def hides_files(self) -> bool:
        """Whether it may name contents that cannot be seen: it cannot be read, or is not as declared."""
        return any(one.kind in {FindingKind.UNREADABLE, FindingKind.MISFIT} for one in self.findings)


class Looking:
    """What looks at the documents of one collection."""

    def __init__(self, catalog: Catalog, entry: Entry) -> None:
        self._entry = entry
        self._links = Links(catalog, entry, self.fits)

    def look(self, raw: Raw, page: Sequence[StoredDocument]) -> list[Looked]:
        """Judge documents as they are in a unit of work."""
        entry = self._entry
        told = {stored.id: read(stored) for stored in page}
        documents = {id_: document for id_, document in told.items() if isinstance(document, dict)}
        flaws = self._links.judge(raw, documents)
        readable = [stored for stored in page if stored.id in documents]
        companions: dict[str, list[Finding]] = {}
        for finding in entry.store.faults_of(raw.session(entry), readable) if readable else ():
            companions.setdefault(str(finding.id), []).append(finding)
        looked = []
        for stored in page:
            document = told[stored.id]
            if isinstance(document, str):
                why = Finding(entry.name, stored.id, "$", FindingKind.UNREADABLE, f"cannot be read: {document}")
                looked.append(Looked(stored, None, (why,)))
                continue
            own = flaws.get(stored.id, [])
            findings = tuple(self._misfits(stored.id, mended(document, own)))
            if findings:  # what does not fit is not altered
                own = [Flaw(replace(flaw.finding, mendable=False), flaw.link) for flaw in own]
            findings += tuple(self._contents(stored.id, document))
            looked.append(Looked(stored, document, findings, tuple(own), tuple(companions.get(stored.id, ()))))
        return looked

    def fits(self, id_: str, document: Document) -> bool:
        """Tell whether a document fits the declaration, but for links that are stored on the wrong side."""
        return not any(True for _ in self._misfits(id_, document))

    def _misfits(self, id_: str, document: Document) -> Iterator[Finding]:
        for problem in self._problems(id_, self._links.stripped(document))[:_MOST_PROBLEMS]:
            yield Finding(self._entry.name, id_, problem.path, FindingKind.MISFIT, problem.message)

    def _problems(self, id_: str, document: Document) -> list[Problem]:
        own = [name for name in self._entry.schema.children if name.startswith("_")]
        problems = [
            Problem(to_text((name,)), "unknown", "is not declared")
            for name in document
            if name.startswith("_") and name not in {"_id", "_meta", *own}
        ]
        if document.get("_id") != id_:
            problems.append(Problem("$._id", "id", "is not the one under which the item is kept"))
        try:
            self._entry.checked(id_, document)
        except ValidationError as error:
            problems += error.problems or [Problem("$", "invalid", error.message)]
        except Exception as error:  # noqa: BLE001  # a function of the declaration that did not expect this document
            problems.append(
                Problem("$", "invalid", f"cannot be checked: its declaration raised {type(error).__name__}")
            )
        return problems

    def _contents(self, id_: str, document: Document) -> Iterator[Finding]:
        if self._entry.contents is not None:
            from backo.integrity.contents import wrong_contents  # noqa: PLC0415  # few collections have files

            yield from wrong_contents(self._entry, self._entry.contents, id_, document)


def mended(document: Document, flaws: Sequence[Flaw]) -> Document:
    """Copy a document without what is wrong with its own links and can be mended."""
    for flaw in flaws:
        if flaw.kept is not None:
            document = with_names(document, flaw.link, flaw.kept)
    return document
