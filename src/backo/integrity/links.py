"""Judge the links of a page of documents, and decide how each flaw can be mended without loss.

What is taken away is a link to an item that is not there, an id that its list holds twice, and a
link on the side where it is looked up, if the other side stores the same. What is added is the
missing half of a link that both sides store: one half says that there was a link, and nothing says
that there was none. Where two stored links contradict each other, only a person can tell which is
right: they are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from backo.connectors.base import Document
from backo.connectors.findings import MOST_NAMED, Finding, FindingKind, named
from backo.integrity.raw import Raw, ids_at, is_asked, read, with_value
from backo.paths import FieldPath, to_text
from backo.query.reading import raw_value
from backo.references.links import Link
from backo.work.catalog import Catalog, Entry

Documents: TypeAlias = Mapping[str, Document]
Fits: TypeAlias = Callable[[str, Document], bool]
"""Tells whether a document of the collection, by `_id`, fits the declaration."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a link of a document.

    Attributes:
        finding: as it is reported.
        link: the link.
        kept: what the document names there once it is mended; None where it stays as it is.
        given_to: the items that get the missing half of the link.
    """

    finding: Finding
    link: Link
    kept: tuple[str, ...] | None = None
    given_to: tuple[str, ...] = ()


@dataclass(slots=True)
class _Known:
    """What is known of the items that the links of a page name.

    Attributes:
        missing: ids of each collection that no item has.
        back: for a link and a document, those of the items it names that name it too.
        names: for a symmetric link, what the items that are named name; those that cannot be read are left out.
    """

    missing: dict[str, set[str]] = field(default_factory=dict)
    back: dict[tuple[Link, str], set[str]] = field(default_factory=dict)
    names: dict[Link, dict[str, tuple[str, ...]]] = field(default_factory=dict)


class Links:
    """The links of one collection."""

    def __init__(self, catalog: Catalog, entry: Entry, fits: Fits) -> None:
        self._catalog, self._entry, self._fits = catalog, entry, fits
        self._stored = [link for link in entry.links.values() if not link.derived]
        self._derived = [link for link in entry.links.values() if link.derived]
        self._symmetric = [link for link in self._stored if link.symmetric]

    def judge(self, raw: Raw, documents: Documents) -> dict[str, list[Flaw]]:
        """Find what is wrong with the links of documents, by their `_id`."""
        known = self._look_up(raw, documents)
        flaws: dict[str, list[Flaw]] = {id_: [] for id_ in documents}
        for id_, document in documents.items():
            for link in self._stored:
                flaws[id_] += self._broken(link, id_, document, known)
            for link in self._derived:
                flaws[id_] += self._misplaced(link, id_, document, known)
            for link in self._symmetric:
                flaws[id_] += self._one_sided(raw, link, id_, document, known)
        for link in self._derived:
            for flaw in self._unfulfilled(raw, link, documents):
                flaws[str(flaw.finding.id)].append(flaw)
        return flaws

    def stripped(self, document: Document) -> Document:
        """Give a document without links where none is stored: what of it can be judged."""
        for link in self._derived:
            document = with_value(document, link.path, None)
        return document

    def _look_up(self, raw: Raw, documents: Documents) -> _Known:
        """Read, once for each collection, what the documents name."""
        naming = {
            link: {id_: ids for id_, document in documents.items() if (ids := ids_at(document, link.path))}
            for link in (*self._stored, *self._derived)
        }
        wanted: dict[str, set[str]] = {}
        for link, named_by in naming.items():
            wanted.setdefault(link.target, set()).update(*named_by.values())
        known = _Known()
        for name, targets in sorted(wanted.items()):
            known.missing[name] = raw.missing(self._catalog.entry(name), targets)
        for link in (*self._symmetric, *self._derived):
            if naming[link] and link.reverse is not None:
                self._look_back(raw, link, link.reverse, naming[link], known)
        return known

    def _look_back(
        self, raw: Raw, link: Link, reverse: FieldPath, naming: Mapping[str, Iterable[str]], known: _Known
    ) -> None:
        """Read which of the items that are named name the documents too."""
        by_target: dict[str, list[str]] = {}
        for id_, targets in naming.items():
            for target in targets:
                by_target.setdefault(target, []).append(id_)
        for stored in raw.get(self._catalog.entry(link.target), by_target, change=link.symmetric):
            document = read(stored)
            if isinstance(document, str):
                continue
            names = ids_at(document, reverse)
            if link.symmetric:
                known.names.setdefault(link, {})[stored.id] = names
            for id_ in set(by_target[stored.id]).intersection(names):
                known.back.setdefault((link, id_), set()).add(stored.id)

    def _broken(self, link: Link, id_: str, document: Document, known: _Known) -> Iterator[Flaw]:
        """Find ids that a list holds twice, and ids that no item has."""
        ids = ids_at(document, link.path)
        once = tuple(dict.fromkeys(ids))
        if len(once) < len(ids):
            counted: dict[str, int] = {}
            for one in ids:
                counted[one] = counted.get(one, 0) + 1
            twice = [one for one in once if counted[one] > 1]
            text = f"names more than once: {_named(twice)}"
            yield Flaw(self._finding(link, id_, FindingKind.REPEATED, text, twice, mendable=True), link, once)
        missing = known.missing.get(link.target, set())
        gone = [one for one in once if one in missing]
        if gone:
            kept = tuple(one for one in once if one not in missing)
            mendable = bool(kept) or not link.required
            text = f"names what is not in {link.target!r}: {_named(gone)}"
            finding = self._finding(link, id_, FindingKind.DANGLING, text, gone, mendable=mendable)
            yield Flaw(finding, link, kept if mendable else None)

    def _misplaced(self, link: Link, id_: str, document: Document, known: _Known) -> Iterator[Flaw]:
        """Find a link that is stored where it is looked up."""
        if not raw_value(link.path)(document):
            return
        ids = ids_at(document, link.path)
        alone = set(ids).difference(known.missing.get(link.target, ()), known.back.get((link, id_), ()))
        mendable = bool(ids) and not alone
        text = f"is stored, although it is looked up in {link.target!r}"
        if alone:
            text += f", where it is not stored for: {_named(sorted(alone))}"
        finding = self._finding(link, id_, FindingKind.MISPLACED, text, ids, mendable=mendable)
        yield Flaw(finding, link, () if mendable else None)

    def _one_sided(self, raw: Raw, link: Link, id_: str, document: Document, known: _Known) -> Iterator[Flaw]:
        """Find the items that the document names and that do not name it."""
        names, back = known.names.get(link, {}), known.back.get((link, id_), set())
        alone = [one for one in dict.fromkeys(ids_at(document, link.path)) if one in names and one not in back]
        if not alone:
            return
        free = [one for one in alone if link.many or self._is_free(raw, link, id_, one, names[one])]
        taking = {
            stored.id
            for stored in raw.get(self._entry, free, change=True)
            if isinstance(other := read(stored), dict) and self._fits(stored.id, with_link(other, link, id_))
        }
        given_to = tuple(one for one in alone if one in taking)
        for mendable, some in ((True, given_to), (False, [one for one in alone if one not in taking])):
            if some:
                text = f"names items that do not name it: {_named(some)}"
                finding = self._finding(link, id_, FindingKind.ONE_SIDED, text, some, mendable=mendable)
                yield Flaw(finding, link, given_to=given_to if mendable else ())

    def _is_free(self, raw: Raw, link: Link, id_: str, target: str, names: tuple[str, ...]) -> bool:
        """Tell whether the other side of a one to one link names nobody, and nobody else names it."""
        return not names and all(
            holder == id_ or target not in ids for holder, ids in raw.holders(self._entry, link.path, [target])
        )

    def _unfulfilled(self, raw: Raw, link: Link, documents: Documents) -> Iterator[Flaw]:
        """Find the items whose required link is looked up and finds nothing."""
        if not link.required or link.reverse is None:
            return
        waiting = {id_ for id_, document in documents.items() if is_asked(document, link.path)}
        if waiting:
            for _, ids in raw.holders(self._catalog.entry(link.target), link.reverse, sorted(waiting)):
                waiting.difference_update(ids)
                if not waiting:
                    return
        for id_ in sorted(waiting):
            text = f"is required, and nothing in {link.target!r} names the item"
            yield Flaw(self._finding(link, id_, FindingKind.MISSING_LINK, text), link)

    def _finding(
        self, link: Link, id_: str, kind: FindingKind, text: str, others: Iterable[str] = (), *, mendable: bool = False
    ) -> Finding:
        some = tuple(others)[:MOST_NAMED]
        return Finding(self._entry.name, id_, to_text(link.path), kind, text, mendable=mendable, others=some)


def with_link(document: Document, link: Link, id_: str) -> Document:
    """Copy a document that names one more item."""
    ids = ids_at(document, link.path)
    return document if id_ in ids else with_value(document, link.path, [*ids, id_] if link.many else id_)


def with_names(document: Document, link: Link, ids: tuple[str, ...]) -> Document:
    """Copy a document that names just these items; where the link is only looked up, nothing is stored."""
    value = ids[0] if ids and not link.many else list(ids) if link.many and not link.derived else None
    return with_value(document, link.path, value)


def _named(ids: Iterable[str]) -> str:
    found = tuple(ids)
    return named(found[:MOST_NAMED], len(found))
