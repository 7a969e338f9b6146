"""Judge what has to hold when a unit of work ends: links name items that exist, required ones name something."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from backo.connectors.base import Lock
from backo.errors import ConflictError, Problem, ValidationError
from backo.paths import FieldPath, to_text, value_at
from backo.references.effects import AddLink, Judgement, MustExist, MustNotBeEmpty, Refuse
from backo.references.fields import ids_in
from backo.references.links import Link
from backo.schema.problems import MAX_PROBLEMS

if TYPE_CHECKING:
    from backo.work.unit import Unit

Named: TypeAlias = dict[tuple[str, str, FieldPath], frozenset[str]]
"""The ids that stored links name, by collection, id and path: of a long list each id is judged."""


Expected: TypeAlias = Mapping[Link, Sequence[tuple[str, str]]]
"""Pairs (id of an item, what it names), by the stored link that must not name what does not exist."""


def judge(unit: Unit, judgements: Iterable[Judgement], expected: Expected) -> None:
    """Judge what could not be judged before everything was there.

    Raises:
        ValidationError: an item that was stored names another one that does not exist, or lacks
            a required link; with every problem.
        ConflictError: an item would be left without a required link.
    """
    named: Named = {}
    standing = [one for one in judgements if _stands(unit, one, named)]
    own = _missing_targets(unit, [one for one in standing if isinstance(one, MustExist)], expected, named)
    bereft: list[Problem] = []
    for one in _empty(unit, [one for one in standing if isinstance(one, MustNotBeEmpty)]):
        if one.own:
            own.append((unit.where(one.collection, one.id, one.path), "required", "Is required"))
        else:
            path = to_text(one.path)
            refusal = Refuse(Problem(path, "required", f"An item of {one.collection!r} requires it"), one.collection)
            bereft.append(refusal.discreet if unit.catalog.has_secrets() else refusal.problem)
    if own:
        message = "a reference is missing, or names an item that does not exist"
        problems = [Problem(path, code, text) for (_, path), code, text in sorted(set(own))]
        raise ValidationError(message, problems=problems[:MAX_PROBLEMS])
    if bereft:
        message = "an item requires a link that this would take away"
        raise ConflictError(message, problems=dict.fromkeys(bereft))


def _stands(unit: Unit, judgement: Judgement, named: Named) -> bool:
    """Tell whether a judgement is still about something: the item exists and has not changed its mind."""
    present = unit.get(unit.catalog.entry(judgement.collection), [judgement.id]).get(judgement.id)
    if present is None:
        return False
    if isinstance(judgement, MustNotBeEmpty):  # in a group that is not there nothing is required
        return len(judgement.path) == 1 or value_at(present.document, judgement.path[:-1]) is not None
    if judgement.unseen:
        return True
    link = unit.catalog.graph.links[judgement.collection, judgement.path]
    if not link.derived or link.reverse is None:
        place = judgement.collection, judgement.id, judgement.path
        if place not in named:
            named[place] = frozenset(ids_in(value_at(present.document, judgement.path)))
        return judgement.target in named[place]
    wanted = AddLink(link.target, judgement.target, link.reverse, judgement.id)
    return wanted in unit.deferred((link.target, judgement.target))


def _missing_targets(
    unit: Unit, judgements: Iterable[MustExist], expected: Expected, named: Named
) -> list[tuple[tuple[int, str], str, str]]:
    """Find the links that name an item that does not exist, with one read per collection."""
    wanted: dict[str, list[MustExist]] = {}
    targets: dict[str, set[str]] = {}
    for judgement in judgements:
        wanted.setdefault(judgement.target_collection, []).append(judgement)
        targets.setdefault(judgement.target_collection, set()).add(judgement.target)
    for link, pairs in expected.items():
        targets.setdefault(link.target, set()).update(target for _, target in pairs)
    problems = []
    for collection, ids in sorted(targets.items()):
        found = unit.get(unit.catalog.entry(collection), sorted(ids), Lock.SHARED)
        group = wanted.get(collection, [])
        if len(found) < len(ids):
            group = group + [one for one in _unmet(expected, collection, found) if _stands(unit, one, named)]
        problems += [
            (
                unit.where(one.collection, one.id, one.path),
                "reference",
                f"There is no such item in {collection!r}",
            )
            for one in group
            if one.unseen or one.target not in found
        ]
    return problems


def _unmet(expected: Expected, collection: str, found: Container[str]) -> Iterator[MustExist]:
    """Give what was expected of a collection and is not there."""
    for link, pairs in expected.items():
        if link.target == collection:
            for id_, target in pairs:
                if target not in found:
                    yield MustExist(link.collection, id_, link.path, collection, target)


def _empty(unit: Unit, judgements: Iterable[MustNotBeEmpty]) -> list[MustNotBeEmpty]:
    """Find the required links that name nothing; of long lists one id is read."""
    by_link: dict[Link, list[MustNotBeEmpty]] = {}
    for judgement in judgements:
        link = unit.catalog.graph.links[judgement.collection, judgement.path]
        by_link.setdefault(link, []).append(judgement)
    empty = []
    for link, group in by_link.items():
        ids = sorted({judgement.id for judgement in group})
        if link.derived:  # or two might each take away what they take for the last but one
            unit.get(unit.catalog.entry(link.collection), ids, Lock.EXCLUSIVE)
        while ids:
            found = unit.linked(link, ids, len(ids))
            rest = [id_ for id_ in ids if not found.get(id_)]
            if link.derived and sum(map(len, found.values())) >= len(ids) > len(rest):
                ids = rest  # there may be more about these
                continue
            without = set(rest)
            empty += [judgement for judgement in group if judgement.id in without]
            break
    return empty
