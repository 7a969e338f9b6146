"""Judge, before anything is written, whether links name what exists, agree, and are there where required."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from backo.connectors.base import Document, Lock
from backo.errors import Problem
from backo.migration.drafts import Drafts
from backo.migration.fitting import Fitted, Function, misfit
from backo.paths import FieldPath, to_text
from backo.query.reading import raw_value
from backo.references.links import Address, Link
from backo.work.catalog import Catalog, Entry
from backo.work.unit import Unit


class Linking:
    """The links of the documents of a run.

    Memory holds what is taken from, or given to, links that require something.
    """

    def __init__(self, catalog: Catalog, entry: Entry, function: Function | None) -> None:
        self._catalog, self._entry, self._function = catalog, entry, function
        links = entry.links.values()
        self._stored = [link for link in links if not link.derived]
        self._symmetric = [link for link in self._stored if link.symmetric]
        self._needed = [link for link in links if link.derived and link.required]
        # What must not become empty on the other side, by the link that is stored here.
        self._counted = [
            (link, reverse)
            for link in self._stored
            if not link.symmetric and (reverse := catalog.graph.reverse_of(link)) is not None and reverse.required
        ]
        self._lost: Counter[tuple[Address, str]] = Counter()
        self._gained: set[tuple[Address, str]] = set()
        self._awaiting: list[tuple[Link, str]] = []

    def check(self, unit: Unit, page: Sequence[Fitted]) -> None:
        """Judge what documents name, and note what has to be judged in the end.

        Raises:
            StoredDataError, ValidationError: a link names an item that does not exist, or a required one nothing.
        """
        self.check_targets(unit, page)
        for fitted in page:
            self._check_needed(unit, fitted)
            for link, _ in self._counted:
                before, after = ids_at(fitted.before, link.path), ids_at(fitted.after, link.path)
                self._lost.update((link.address, one) for one in set(before).difference(after))
                self._gained.update((link.address, one) for one in set(after).difference(before))

    def check_targets(self, unit: Unit, page: Iterable[Fitted], lock: Lock = Lock.NONE) -> None:
        """Judge whether all items that documents name exist, with one read per collection."""
        page = list(page)
        named = [
            (fitted, link, target)
            for fitted in page
            for link in self._stored
            for target in ids_at(fitted.after, link.path)
        ]
        wanted: dict[str, set[str]] = {}
        for _, link, target in named:
            wanted.setdefault(link.target, set()).add(target)
        found = {}
        for name, ids in sorted(wanted.items()):
            other = self._catalog.entry(name)
            found[name] = other.store.get(unit.session(other), sorted(ids), lock).keys()
        for fitted, link, target in named:
            if target not in found[link.target]:
                raise self._misfit(fitted.id, link, "reference", f"There is no such item in {link.target!r}")

    def _check_needed(self, unit: Unit, fitted: Fitted) -> None:
        """Look whether the required links of an item that are looked up find something."""
        for link in self._needed:
            reverse = self._catalog.graph.reverse_of(link)
            if reverse is None or not _is_asked(fitted.after, link.path):
                continue
            if not self._holders(unit, reverse, fitted.id, 1):
                if link.target != self._entry.name:
                    raise self._misfit(fitted.id, link, "required", "Is required")
                self._awaiting.append((link, fitted.id))  # a later document of the run may name it

    def _holders(self, unit: Unit, link: Link, target: str, limit: int) -> int:
        """Count who holds a link to an item, up to a limit."""
        entry = self._catalog.entry(link.collection)
        return len(entry.store.referrers(unit.session(entry), link.path, [target], limit))

    def settle(self, unit: Unit, drafts: Drafts) -> set[str]:
        """Judge, once all documents are known, what several of them decide together.

        Returns:
            The items whose links are stored on both sides and change: they have to be written at once.

        Raises:
            StoredDataError, ValidationError: two sides do not agree, or a required link would be empty.
        """
        for link, id_ in self._awaiting:
            if ((link.target, link.reverse), id_) not in self._gained:
                raise self._misfit(id_, link, "required", "Is required")
        counted = {pair[0].address: pair for pair in self._counted}
        for (address, target), lost in self._lost.items():
            if (address, target) not in self._gained:
                self._check_bereft(unit, drafts, counted[address], target, lost)
        return self._agreeing(unit, drafts) if self._symmetric else set()

    def _check_bereft(self, unit: Unit, drafts: Drafts, pair: tuple[Link, Link], target: str, lost: int) -> None:
        """Look whether an item from which links are taken keeps one, where it requires that."""
        link, reverse = pair
        if self._holders(unit, link, target, lost + 1) > lost:
            return
        after = self._after(unit, drafts, link.target, target)
        if after is not None and _is_asked(after, reverse.path):
            problem = Problem(
                to_text(reverse.path), "required", f"Nothing in {self._entry.name!r} would name it any more"
            )
            raise misfit(self._catalog.entry(link.target), target, [problem], self._function)

    def _agreeing(self, unit: Unit, drafts: Drafts) -> set[str]:
        """Look whether links that both sides store agree."""
        together: set[str] = set()
        changes = drafts.report.changes
        for number, id_ in enumerate(changes._ids):  # noqa: SLF001  # a documented name
            before, after = changes.documents(number)
            for link in self._symmetric:
                was, now = set(ids_at(before, link.path)), set(ids_at(after, link.path))
                for target in was ^ now:
                    together.add(id_)
                    other = self._after(unit, drafts, link.target, target)
                    if other is not None and (id_ in ids_at(other, link.path)) is not (target in now):
                        text = f"{target} must be changed too: both sides of this link are stored"
                        raise self._misfit(id_, link, "reference", text)
        return together

    def _after(self, unit: Unit, drafts: Drafts, collection: str, id_: str) -> Document | None:
        """Give the document of an item as it is after the run."""
        after = drafts.after(id_) if collection == self._entry.name else None
        if after is not None:
            return after
        entry = self._catalog.entry(collection)
        stored = entry.store.get(unit.session(entry), [id_]).get(id_)
        return None if stored is None else stored.document

    def decides_together(self, fitted: Fitted) -> bool:
        """Tell whether a document changes a link that has to be judged with other documents."""
        links = [*self._symmetric, *(link for link, _ in self._counted)]
        return any(set(ids_at(fitted.before, link.path)) != set(ids_at(fitted.after, link.path)) for link in links)

    def _misfit(self, id_: str, link: Link, code: str, text: str) -> Exception:
        return misfit(self._entry, id_, [Problem(to_text(link.path), code, text)], self._function)


def ids_at(document: Document, path: FieldPath) -> tuple[str, ...]:
    """Give the ids that a document names at a path, whatever it holds there."""
    value = raw_value(path)(document)
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _is_asked(document: Any, path: FieldPath) -> bool:
    """Tell whether a link is there: in a group that is not set nothing is required."""
    return len(path) == 1 or raw_value(path[:-1])(document) is not None
