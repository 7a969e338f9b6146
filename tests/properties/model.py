"""What a back office means, in plain dicts: SPEC 2 and 3 written down a second time, on purpose naively.

Nothing here knows stored and derived sides, plans, documents or stores: a relation is a set of pairs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Key: TypeAlias = tuple[str, str]  # a collection and an id
Values: TypeAlias = dict[str, Any]  # by dotted path

EMPTY, DELETE, UNLINK = "must_be_empty", "delete_referenced_items", "unlink_referenced_items"


class Refused(Exception):  # noqa: N818  # it is an answer, not a mistake
    """The operation is refused: by an error of this class, with problems at these paths."""

    def __init__(self, error: str, paths: Iterable[str] = (), *, loosely: bool = False) -> None:
        super().__init__(error, sorted(paths))
        self.error = error
        self.paths = frozenset(paths)
        self.loosely = loosely  # which of several reasons comes first is left open


class Unspecified(Exception):  # noqa: N818  # as above
    """Nobody says what this should do, so it is not asked."""


@dataclass(frozen=True)
class Side:
    """One side of a relation, or the only one.

    `strategy` is what its declaration says, None where it says nothing.
    """

    collection: str
    path: str
    many: bool
    strategy: str | None = None
    required: bool = False
    shown: bool = True


@dataclass(frozen=True)
class Relation:
    """Pairs of items: the first holds `left`, the second `right` (None for a one-way link)."""

    name: str
    left: Side
    right: Side | None = None
    symmetric: bool = False
    right_collection: str = ""

    def strategy_of(self, side: Side) -> str | None:
        """Say what happens to the other side when an item with this side goes; None for nothing."""
        other = self.left if side is self.right else self.right
        if self.symmetric:
            return side.strategy or (EMPTY if side.many else UNLINK)
        if other is None:
            return None
        if not side.many and other.many:
            return None  # the child just leaves
        return side.strategy or (UNLINK if not side.many and not other.many else EMPTY)


@dataclass
class Unit:
    """What one unit of work has to remember for its end."""

    start: Model
    single: bool
    own: set[Key] = field(default_factory=set)
    added: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)  # by pair: the paths that named it


@dataclass
class Handle:
    """An item in somebody's hands: as it was read, and what was assigned since."""

    key: Key
    seen: Values
    mine: Values


@dataclass
class Model:
    """Items and relations."""

    relations: list[Relation]
    scalars: Mapping[str, tuple[str, ...]]  # the ordinary fields of each collection, by dotted path
    items: dict[Key, Values] = field(default_factory=dict)
    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    unordered: set[tuple[str, str]] = field(default_factory=set)  # one-way lists merged from two sides
    unit: Unit | None = None

    def __post_init__(self) -> None:
        for relation in self.relations:
            self.pairs.setdefault(relation.name, [])

    # Reading.

    def sides(self, collection: str | None = None) -> Iterator[tuple[Relation, Side, bool]]:
        """Give every side of every relation, and whether it is the left one."""
        for relation in self.relations:
            if collection in {None, relation.left.collection}:
                yield relation, relation.left, True
            if relation.right is not None and collection in {None, relation.right.collection}:
                yield relation, relation.right, False

    def side(self, collection: str, path: str) -> tuple[Relation, Side, bool]:
        """Find the relation of a link."""
        return next(one for one in self.sides(collection) if one[1].path == path)

    def targets(self, relation: Relation, left: bool) -> str:
        """Give the collection that a side refers to."""
        if relation.symmetric:
            return relation.left.collection
        if not left:
            return relation.left.collection
        return relation.right.collection if relation.right else relation.right_collection

    def members(self, relation: Relation, left: bool, id_: str) -> list[str]:
        """Give the ids that a link of an item names."""
        pairs = self.pairs[relation.name]
        if relation.symmetric:
            found = [b for a, b in pairs if a == id_] + [a for a, b in pairs if b == id_ and a != b]
            return sorted(found)
        found = [b for a, b in pairs if a == id_] if left else [a for a, b in pairs if b == id_]
        return found if relation.right is None else sorted(found)

    def read(self, key: Key) -> Values:
        """Give everything that an item shows: scalars, a list of ids for each link."""
        collection, id_ = key
        values = dict(self.items[key])
        for relation, side, left in self.sides(collection):
            values[side.path] = self.members(relation, left, id_) if side.shown else []
        return values

    def dangles(self, key: Key) -> bool:
        """Tell whether an item names one that is not there (yet)."""
        return any(
            (self.targets(relation, left), one) not in self.items
            for relation, _, left in self.sides(key[0])
            for one in self.members(relation, left, key[1])
        )

    def state(self) -> dict[Key, Values]:
        """Give everything."""
        return {key: self.read(key) for key in sorted(self.items)}

    # Units of work.

    def begin(self) -> Model:
        """Remember how everything is."""
        return Model(
            self.relations,
            self.scalars,
            copy.deepcopy(self.items),
            {name: list(pairs) for name, pairs in self.pairs.items()},
            set(self.unordered),
        )

    def back(self, before: Model) -> None:
        """Be as before."""
        self.items, self.pairs, self.unordered = before.items, before.pairs, before.unordered

    def open(self, *, single: bool) -> None:
        """Begin a unit of work."""
        self.unit = Unit(self.begin(), single)

    def close(self, *, commit: bool) -> None:
        """End it."""
        unit, self.unit = self.unit, None
        assert unit is not None
        if not commit:
            self.back(unit.start)
            return
        try:
            self.judge(unit)
        except Refused:
            self.back(unit.start)
            raise

    def doubles(self) -> set[str]:
        """Give the unique fields in which two items have the same value."""
        found: dict[tuple[str, int], int] = {}
        for (collection, _), values in self.items.items():
            if values.get("u") is not None:
                found[collection, values["u"]] = found.get((collection, values["u"]), 0) + 1
        return {"$.u"} if any(times > 1 for times in found.values()) else set()

    def judge(self, unit: Unit) -> None:
        """Judge what counts in the end: uniqueness, existence, required links."""
        if self.doubles():
            raise Refused("ConflictError", self.doubles())
        own: set[str] = set()
        others: set[str] = set()
        for relation in self.relations:
            for a, b in self.pairs[relation.name]:
                if (relation.left.collection, a) not in self.items or (
                    self.targets(relation, True),
                    b,
                ) not in self.items:
                    own |= unit.added.get((relation.name, a, b), {"?"})
        for relation, side, left in self.sides():
            for key in self.items:
                if side.required and key[0] == side.collection and not self.members(relation, left, key[1]):
                    (own if key in unit.own else others).add(f"$.{side.path}")
        if unit.single and own:
            raise Refused("ValidationError", own)
        if unit.single and others:
            raise Refused("ConflictError", others)
        if own or others:
            raise Refused("ValidationError ConflictError", own | others, loosely=True)

    # Changing.

    def create(self, key: Key, values: Values) -> None:
        """Create an item with these values."""
        try:
            _check(values)
        except Refused as refused:  # links that are missing may be told along
            missing = {
                f"$.{side.path}" for _, side, _ in self.sides(key[0]) if side.required and side.path not in values
            }
            raise Refused(refused.error, refused.paths | missing, loosely=True) from None
        if key in self.items:
            raise Refused("ConflictError", {"$._id"})
        assert self.unit is not None
        self._no_contradiction(key, values)
        for relation, side, left in self.sides(key[0]):
            if side.path in values and self.members(relation, left, key[1]):
                raise Unspecified  # somebody named it before it existed
            if relation.right is not None and not relation.symmetric and side.path in values:
                other = self.members(relation, not left, key[1]) if self.targets(relation, left) == key[0] else []
                if other:
                    raise Unspecified
        self.items[key] = {name: values.get(name) for name in self.scalars[key[0]]}
        for relation, side, left in self.sides(key[0]):
            self._link(relation, side, left, key[1], [], values.get(side.path, []))
        self.unit.own.add(key)

    def save(self, handle: Handle) -> None:
        """Lay what was assigned over what is there."""
        key = handle.key
        if key not in self.items:
            raise Refused("NotFoundError", {"$._id"})
        assert self.unit is not None
        present, changed, conflicts = self.read(key), {}, set()
        for path, mine in handle.mine.items():
            seen, now = handle.seen[path], present[path]
            if mine == seen:
                continue
            single_link = isinstance(mine, list) and not self.side(key[0], path)[1].many
            if not isinstance(mine, list) or single_link:
                before = self.unit.start.read(key)[path] if key in self.unit.start.items else []
                let_go = single_link and now == [] and before == seen
                if now != seen and not let_go:
                    conflicts.add(f"$.{path}")
            changed[path] = mine
        if conflicts:
            raise Refused("ConflictError", conflicts)
        self._no_contradiction(key, changed)
        for path, mine in changed.items():
            if isinstance(mine, list):
                relation, side, left = self.side(key[0], path)
                self._link(relation, side, left, key[1], handle.seen[path] if side.shown else [], mine)
            else:
                self.items[key][path] = mine
        self.unit.own.add(key)

    def _no_contradiction(self, key: Key, values: Values) -> None:
        """Do not ask what happens when both sides of a relation of an item with itself say different things."""
        for relation, side, _ in self.sides(key[0]):
            other = relation.left if side is relation.right else relation.right
            if (
                other is not None
                and other.collection == key[0]
                and key[1] in values.get(side.path, [])
                and other.path in values
            ):
                raise Unspecified

    def _link(self, relation: Relation, side: Side, left: bool, id_: str, seen: list[str], mine: list[str]) -> None:
        """Change what a link of an item names: by what came and what went."""
        assert self.unit is not None
        pairs = self.pairs[relation.name]
        if relation.right is None and side.many and not relation.symmetric:
            self._link_ordered(relation, side, id_, seen, mine)
            return
        for other in [one for one in seen if one not in mine]:
            for pair in (
                ((id_, other), (other, id_)) if relation.symmetric else ((id_, other) if left else (other, id_),)
            ):
                if pair in pairs:
                    pairs.remove(pair)
        for other in [one for one in mine if one not in seen]:
            a, b = (id_, other) if left else (other, id_)
            right_many = True if relation.right is None else relation.right.many
            if relation.symmetric:
                if (a, b) in pairs or (b, a) in pairs:
                    continue
                if not side.many:
                    pairs[:] = [one for one in pairs if not {a, b} & set(one)]
            else:
                if (a, b) in pairs:
                    continue
                if not relation.left.many:
                    pairs[:] = [one for one in pairs if one[0] != a]
                if not right_many:
                    pairs[:] = [one for one in pairs if one[1] != b]
            pairs.append((a, b))
            self.unit.added.setdefault((relation.name, a, b), set()).add(f"$.{side.path}")

    def _link_ordered(self, relation: Relation, side: Side, id_: str, seen: list[str], mine: list[str]) -> None:
        assert self.unit is not None
        pairs = self.pairs[relation.name]
        now = [b for a, b in pairs if a == id_]
        kept = [one for one in mine if one in now or one not in seen]
        extra = [one for one in now if one not in seen and one not in mine]
        if now != seen:
            self.unordered.add((relation.name, id_))
        else:
            self.unordered.discard((relation.name, id_))
        pairs[:] = [one for one in pairs if one[0] != id_] + [(id_, one) for one in [*kept, *extra]]
        for one in kept:
            if one not in now:
                self.unit.added.setdefault((relation.name, id_, one), set()).add(f"$.{side.path}")

    def delete(self, key: Key) -> None:
        """Delete an item, and do to the others what the strategies say."""
        if key not in self.items:
            raise Refused("NotFoundError", {"$._id"})
        gone, blocked = self._closure(key)
        standing = {(path, other, back) for path, other, back in blocked if other not in gone}
        if standing:
            paths = {path for path, _, _ in standing}
            blocking = {(other, back) for _, other, back in standing}
            raise Refused("ConflictError", paths | self._emptied(gone, blocking))
        for relation in self.relations:
            left, right = relation.left.collection, self.targets(relation, True)
            self.pairs[relation.name] = [
                (a, b) for a, b in self.pairs[relation.name] if (left, a) not in gone and (right, b) not in gone
            ]
        for one in gone:
            del self.items[one]

    def _closure(self, key: Key) -> tuple[set[Key], list[tuple[str, Key, str]]]:
        """Give what goes along, and what stands in the way: the path refused, the item, its link."""
        gone, frontier = {key}, [key]
        blocked: list[tuple[str, Key, str]] = []
        while frontier:
            collection, id_ = frontier.pop()
            found: list[tuple[str | None, str, Key, str]] = []
            for relation, side, left in self.sides(collection):
                if relation.right is None and not relation.symmetric:
                    continue
                back = side.path if relation.symmetric else (relation.right if left else relation.left).path  # type: ignore[union-attr]
                for other in self.members(relation, left, id_):
                    target = (self.targets(relation, left), other)
                    if target not in self.items:
                        raise Unspecified
                    found.append((relation.strategy_of(side), f"$.{side.path}", target, back))
            for relation in self.relations:
                if relation.right is None and not relation.symmetric and relation.right_collection == collection:
                    for a, b in self.pairs[relation.name]:
                        if b == id_:
                            holder = (relation.left.collection, a)
                            found.append((relation.left.strategy or EMPTY, "$", holder, relation.left.path))
            for strategy, path, other_key, back in found:
                if strategy == EMPTY:
                    blocked.append((path, other_key, back))
                elif strategy == DELETE and other_key not in gone:
                    gone.add(other_key)
                    frontier.append(other_key)
        return gone, blocked

    def _emptied(self, gone: set[Key], blocking: set[tuple[Key, str]]) -> set[str]:
        """Give the required links that would name nothing any more."""
        paths = set()
        for relation, side, left in self.sides():
            for key in self.items:
                if not side.required or key[0] != side.collection or key in gone or (key, side.path) in blocking:
                    continue
                named = [(self.targets(relation, left), one) for one in self.members(relation, left, key[1])]
                if any(one in gone for one in named) and all(one in gone for one in named):
                    paths.add(f"$.{side.path}")
        return paths

    # Asking.

    def select(self, collection: str, criteria: Any, sort: list[str]) -> list[str]:
        """Give the ids of the items that match, in order."""
        found = [key for key in sorted(self.items) if key[0] == collection and self.matches(key, criteria)]
        for one in reversed(sort):
            path, down = one.removeprefix("-"), one.startswith("-")
            there = [key for key in found if self.items[key][path] is not None]
            absent = [key for key in found if self.items[key][path] is None]
            # equal ones stay in order also when it is turned round
            there.sort(key=lambda key: self.items[key][path], reverse=down)
            found = there + absent
        return [id_ for _, id_ in found]

    def matches(self, key: Key, criteria: Any) -> bool:
        """Tell whether an item matches a filter as a Python dict."""
        return all(self._matches(key, name, wanted) for name, wanted in criteria.items())

    def _matches(self, key: Key, name: str, wanted: Any) -> bool:
        if name == "$or":
            return any(self.matches(key, one) for one in wanted)
        if name == "$and":
            return all(self.matches(key, one) for one in wanted)
        if name == "$not":
            return not self.matches(key, wanted)
        operator, value = wanted if isinstance(wanted, tuple) else ("$eq", wanted)
        if operator in {"$ne", "$nin"}:
            return not self._matches(key, name, ("$eq" if operator == "$ne" else "$in", value))
        for relation, side, left in self.sides(key[0]):
            named = self.members(relation, left, key[1])
            if name == side.path:
                if value is None:
                    return not named
                return any(_compare(operator, one, value) for one in named)
            if name.startswith(f"{side.path}."):
                rest, there = name[len(side.path) + 1 :], self.targets(relation, left)
                if not named and not side.many:  # what is behind a link without target is absent
                    return value is None and operator == "$eq"
                return any(
                    self._matches((there, one), rest, (operator, value)) for one in named if (there, one) in self.items
                )
        present = key[1] if name == "_id" else self.items[key][name]
        if value is None and operator == "$eq":
            return present is None
        return present is not None and _compare(operator, present, value)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda one, other: one == other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$in": lambda one, other: one in other,
    "$contains": lambda one, other: other in one,
}


def _compare(operator: str, one: Any, other: Any) -> bool:
    return bool(_OPERATORS[operator](one, other))


def _check(values: Values) -> None:
    """Refuse what no item can hold."""
    if (values.get("n") or 0) > 9:
        raise Refused("ValidationError", {"$.n"})


def assign(handle: Handle, values: Values) -> None:
    """Set values of an item in somebody's hands: all, or none."""
    _check(values)
    handle.mine.update(copy.deepcopy(values))
