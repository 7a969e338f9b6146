"""Plan what a change does to other items: as data, complete before anything is applied (DESIGN D5).

The planners are generators. They yield what they need to know (`Holders`, `Members`) and are sent
the answers, so they perform no I/O: each request is one batched read. What they return is a `Plan`.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from backo.errors import Problem
from backo.paths import FieldPath, to_text
from backo.references.fields import DeleteStrategy
from backo.references.links import Link, LinkGraph

Key: TypeAlias = tuple[str, str]  # a collection and an id


@dataclass(frozen=True, slots=True)
class Members:
    """A request: for each of these items, the ids that a link of theirs names. Answer: {id: [ids]}."""

    link: Link
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holders:
    """A request: for each of these targets, the ids of the items whose stored link names it. Answer: {id: [ids]}."""

    link: Link
    ids: tuple[str, ...]


Request: TypeAlias = Members | Holders
Answer: TypeAlias = Mapping[str, list[str]]
Planner: TypeAlias = "Generator[Request, Answer, Plan]"


@dataclass(frozen=True, slots=True)
class AddLink:
    """Let the stored link at a path of an item name a target (a `Ref` names only that one afterwards)."""

    collection: str
    id: str
    path: FieldPath
    target: str


@dataclass(frozen=True, slots=True)
class RemoveLink:
    """Let the stored link at a path of an item no longer name a target."""

    collection: str
    id: str
    path: FieldPath
    target: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an item."""

    collection: str
    id: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse the whole request, for this reason.

    Attributes:
        problem: the reason.
        named: the collection that its text names, if it names one.
    """

    problem: Problem
    named: str | None = None

    @property
    def discreet(self) -> Problem:
        """The reason for somebody who may not know what is in that collection."""
        if self.named is None:
            return self.problem
        text = "Something requires it" if self.problem.code == "required" else "Something refers to it"
        return Problem("$", self.problem.code, text)


@dataclass(frozen=True, slots=True)
class MustExist:
    """At the end of the unit of work, the target must exist; the link that names it is told in the error.

    `unseen` tells that the target is not there for the user who names it, whatever the store says.
    """

    collection: str
    id: str
    path: FieldPath
    target_collection: str
    target: str
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class MustNotBeEmpty:
    """At the end of the unit of work, a required link of an item must name something.

    `own` tells that the item itself was created or saved so; else another one takes its link away.
    """

    collection: str
    id: str
    path: FieldPath
    own: bool = False


Effect: TypeAlias = AddLink | RemoveLink | Delete
Judgement: TypeAlias = MustExist | MustNotBeEmpty


@dataclass(slots=True)
class Plan:
    """What a change does.

    Attributes:
        effects: what happens to items, in an order in which it can be applied.
        judgements: what has to hold when the unit of work ends.
        refusals: why it may not be done at all; then nothing is.
    """

    effects: list[Effect] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    refusals: list[Refuse] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What a change does to one link of one item: ids that it names from now on, or no longer."""

    link: Link
    id: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def plan_change(graph: LinkGraph, changes: Iterable[LinkChange]) -> Planner:
    """Plan the consequences of changed links of one item for other items."""
    plan = Plan()
    for change in changes:
        link, reverse = change.link, graph.reverse_of(change.link)
        plan.judgements += [
            MustExist(link.collection, change.id, link.path, link.target, target) for target in change.added
        ]
        if reverse is None:
            continue
        if link.symmetric:
            yield from _plan_symmetric(plan, change)
        elif link.derived:
            yield from _plan_derived(plan, change, reverse)
        else:
            yield from _plan_stored(plan, change, reverse)
    return plan


def _plan_stored(plan: Plan, change: LinkChange, reverse: Link) -> Generator[Request, Answer, None]:
    """Plan for a stored link whose other side is looked up."""
    link = change.link
    if not link.many and not reverse.many and change.added:  # one to one: the previous holder lets go
        holders = yield Holders(link, change.added)
        for target in change.added:
            for other in holders.get(target, ()):
                if other != change.id:
                    plan.effects.append(RemoveLink(link.collection, other, link.path, target))
    if reverse.required:
        plan.judgements += [
            MustNotBeEmpty(*left, reverse.path, own=left == (link.collection, change.id))
            for left in ((reverse.collection, target) for target in change.removed)
        ]


def _plan_derived(plan: Plan, change: LinkChange, reverse: Link) -> Generator[Request, Answer, None]:
    """Plan for a link that the other items store: they are the ones that change."""
    link = change.link
    plan.effects += [RemoveLink(reverse.collection, one, reverse.path, change.id) for one in change.removed]
    plan.effects += [AddLink(reverse.collection, one, reverse.path, change.id) for one in change.added]
    if link.required and change.removed:
        plan.judgements.append(MustNotBeEmpty(link.collection, change.id, link.path, own=True))
    if link.required and not reverse.many and change.added:  # who had them before may not be left without
        before = yield Members(reverse, change.added)
        former = {owner for owners in before.values() for owner in owners} - {change.id}
        plan.judgements += [MustNotBeEmpty(link.collection, one, link.path) for one in sorted(former)]


def _plan_symmetric(plan: Plan, change: LinkChange) -> Generator[Request, Answer, None]:
    """Plan for a link that both items store."""
    link = change.link
    others = [one for one in change.removed if one != change.id]
    plan.effects += [RemoveLink(link.collection, one, link.path, change.id) for one in others]
    added = tuple(one for one in change.added if one != change.id)
    if not link.many and added:
        holders = yield Holders(link, added)
        for target in added:
            plan.effects += [
                RemoveLink(link.collection, other, link.path, target)
                for other in holders.get(target, ())
                if other != change.id
            ]
    plan.effects += [AddLink(link.collection, one, link.path, change.id) for one in added]


def plan_deletion(graph: LinkGraph, keys: Collection[Key], limit: int) -> Planner:
    """Plan the deletion of items: the closure of cascades, the detachments, and all refusals against that closure.

    Args:
        graph: the links of the application.
        keys: the items to delete.
        limit: at most so many items may be deleted or let go. Answers may leave out what is beyond it.
    """
    frontier = list(dict.fromkeys(keys))
    work = _Deletion(graph, limit, frozenset(collection for collection, _ in frontier))
    while frontier:
        work.deleted.update(dict.fromkeys(frontier))
        if len(work.deleted) > limit:
            return Plan(refusals=[_too_many(limit)])
        found: dict[Key, None] = {}
        by_collection: dict[str, list[str]] = {}
        for collection, id_ in frontier:
            by_collection.setdefault(collection, []).append(id_)
        for collection, ids in by_collection.items():
            two_way = [link for link in graph.of(collection) if link.reverse is not None]
            for link in [*two_way, *graph.one_way_into(collection)]:
                yield from work.follow(link, collection, tuple(ids), found)
        frontier = [key for key in found if key not in work.deleted]
    yield from work.settle()
    work.plan.effects += [Delete(collection, id_) for collection, id_ in work.deleted]
    return work.plan


@dataclass(slots=True)
class _Deletion:
    """A deletion under way."""

    graph: LinkGraph
    limit: int
    asked: frozenset[str]  # the collections of the items that were asked for
    plan: Plan = field(default_factory=Plan)
    deleted: dict[Key, None] = field(default_factory=dict)
    blocked: list[tuple[Link, Key]] = field(default_factory=list)  # a link that must be empty, and whom it names
    detached: list[tuple[Link, str, str]] = field(default_factory=list)  # a stored link, its holder, the target gone
    bereft: list[tuple[Link, str]] = field(default_factory=list)  # a required derived link, and its item

    def follow(
        self, link: Link, collection: str, ids: tuple[str, ...], found: dict[Key, None]
    ) -> Generator[Request, Answer, None]:
        """Look at one link of items about to be deleted (or, one-way, at one that names them)."""
        if link.reverse is None:
            yield from self._one_way(link, ids, found)
            return
        reverse = self.graph.links[link.target, link.reverse]
        if not link.many and reverse.many:  # a child leaves its parent: nothing of the parent is stored
            if reverse.required:
                members = yield Members(link, ids)
                self.bereft += [(reverse, parent) for parents in members.values() for parent in parents]
            return
        members = yield Members(link, ids)
        for id_ in ids:
            for other in members.get(id_, ()):
                self._strategy(link, (link.target, other), found)
                if not reverse.derived:
                    self.detached.append((reverse, other, id_))
                elif reverse.required:
                    self.bereft.append((reverse, other))

    def _one_way(self, link: Link, ids: tuple[str, ...], found: dict[Key, None]) -> Generator[Request, Answer, None]:
        holders = yield Holders(link, ids)
        for id_ in ids:
            for holder in holders.get(id_, ()):
                self._strategy(link, (link.collection, holder), found)
                self.detached.append((link, holder, id_))

    def _strategy(self, link: Link, other: Key, found: dict[Key, None]) -> None:
        if link.strategy is DeleteStrategy.DELETE_REFERENCED_ITEMS:
            found[other] = None
        elif link.strategy is DeleteStrategy.MUST_BE_EMPTY:
            self.blocked.append((link, other))

    def settle(self) -> Generator[Request, Answer, None]:
        """Judge against the closure: who still stands in the way, who only has to let go."""
        for link in dict.fromkeys(link for link, other in self.blocked if other not in self.deleted):
            self._refuse(link)
        left: dict[tuple[Link, str], list[str]] = {}
        for link, holder, target in self.detached:
            if (link.collection, holder) not in self.deleted:
                left.setdefault((link, holder), []).append(target)
        blocking = {(self.graph.reverse_of(link) or link, other) for link, other in self.blocked}
        letting_go = {
            (one.collection, holder) for one, holder in left if (one, (one.collection, holder)) not in blocking
        }
        if len(self.deleted) + len(letting_go) > self.limit:
            self.plan.refusals.append(_too_many(self.limit))
        for (link, holder), targets in left.items():
            self.plan.effects += [RemoveLink(link.collection, holder, link.path, target) for target in targets]
            if link.required:
                self.bereft.append((link, holder))
        bereft = [one for one in dict.fromkeys(self.bereft) if (one[0].collection, one[1]) not in self.deleted]
        self.plan.judgements += [MustNotBeEmpty(link.collection, id_, link.path) for link, id_ in bereft]
        if self.plan.refusals:  # then there is no end of the unit at which this could be told
            yield from self._required(
                [(link, id_) for link, id_ in bereft if (link, (link.collection, id_)) not in blocking]
            )

    def _required(self, bereft: list[tuple[Link, str]]) -> Generator[Request, Answer, None]:
        """Refuse where a required link would name nothing any more."""
        by_link: dict[Link, list[str]] = {}
        for link, id_ in bereft:
            by_link.setdefault(link, []).append(id_)
        for link, ids in by_link.items():
            members = yield Members(link, tuple(ids))
            if any(all((link.target, one) in self.deleted for one in members.get(id_, ())) for id_ in ids):
                text = f"An item of {link.collection!r} requires it"
                self.plan.refusals.append(Refuse(Problem(to_text(link.path), "required", text), link.collection))

    def _refuse(self, link: Link) -> None:
        if link.reverse is None:
            text, path, named = f"Something in {link.collection!r} refers to it", "$", link.collection
        else:
            path, text, named = to_text(link.path), "Must be empty before the item can be deleted", None
            if link.collection not in self.asked:
                text = f"Must be empty in the items of {link.collection!r} that would be deleted too"
                named = link.collection
        self.plan.refusals.append(Refuse(Problem(path, "must_be_empty", text), named))


def _too_many(limit: int) -> Refuse:
    return Refuse(Problem("$", "cascade", f"More than {limit} items would be deleted or changed at once"))
