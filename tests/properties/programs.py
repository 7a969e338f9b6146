"""Random programs over a random graph of items, run on a back office and on the model side by side."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from backo import (
    BackoError,
    Backoffice,
    Collection,
    DeleteStrategy,
    Dict,
    FillStrategy,
    Int,
    Item,
    Ref,
    RefsList,
    String,
)
from tests.properties.model import (
    DELETE,
    EMPTY,
    UNLINK,
    Handle,
    Model,
    Refused,
    Relation,
    Side,
    Unspecified,
    Values,
    assign,
)
from tests.work.stores import connector, named

Step: TypeAlias = tuple[Any, ...]
Program: TypeAlias = tuple[Step, ...]
Answer: TypeAlias = tuple[str, Any]

COLLECTIONS = ("a", "b")
IDS = ("x0", "x1", "x2", "x3")  # the same in both collections, so that mixing them up shows
HANDLES = range(3)
SCALARS = {"a": ("name", "n", "u", "g.note"), "b": ("name", "n", "u", "g.note")}


# Which graph.


@dataclass(frozen=True)
class Variant:
    """A graph: every cardinality, with strategies, requirements and owners by chance."""

    relations: tuple[Relation, ...]
    owners: frozenset[tuple[str, str]]


def variant(dice: random.Random) -> Variant:
    """Choose a graph."""
    required = dice.choice(
        [None, None, *(name for name, _ in _SHAPES for _ in range(1)), *(name for name, _ in _SHAPES)]
    )
    required_left = dice.random() < 0.5

    def side(shape: str, collection: str, path: str, *, many: bool, left: bool) -> Side:
        return Side(
            collection,
            path,
            many,
            strategy=dice.choice([None, EMPTY, DELETE, UNLINK, UNLINK]),
            required=shape == required and left is required_left and "." not in path,
            shown=path != "staff" or dice.random() < 0.7,
        )

    relations = []
    for name, (left, right) in _SHAPES:
        one = side(name, *left[:2], many=left[2], left=True)
        if right == "symmetric":
            relations.append(Relation(name, one, symmetric=True))
        elif isinstance(right, str):
            relations.append(Relation(name, one, right_collection=right))
        else:
            relations.append(Relation(name, one, side(name, *right[:2], many=right[2], left=False)))
    owners = {dice.choice([("a", "twin"), ("b", "twin")]), dice.choice([("a", "clubs"), ("b", "members")])}
    return Variant(tuple(relations), frozenset(owners))


_SHAPES: Sequence[tuple[str, tuple[tuple[str, str, bool], Any]]] = (
    ("boss", (("a", "boss", False), ("a", "staff", True))),
    ("owner", (("b", "g.owner", False), ("a", "g.owned", True))),
    ("twin", (("a", "twin", False), ("b", "twin", False))),
    ("clubs", (("a", "clubs", True), ("b", "members", True))),
    ("friends", (("a", "friends", True), "symmetric")),
    ("spouse", (("b", "spouse", False), "symmetric")),
    ("likes", (("a", "likes", False), "b")),
    ("fans", (("b", "fans", True), "a")),
)


def links_of(collection: str) -> dict[str, tuple[bool, str]]:
    """Give the links of a collection: whether each is a list, and into which collection."""
    found = {}
    for _, (left, right) in _SHAPES:
        target = left[0] if right == "symmetric" else right if isinstance(right, str) else right[0]
        if left[0] == collection:
            found[left[1]] = (left[2], target)
        if not isinstance(right, str) and right[0] == collection:
            found[right[1]] = (right[2], left[0])
    return found


LINKS = {collection: links_of(collection) for collection in COLLECTIONS}


def build(graph: Variant, kind: str, folder: Path) -> Backoffice:
    """Declare the graph."""
    backoffice = Backoffice("shop")
    for collection in COLLECTIONS:
        fields: dict[str, Any] = {"name": String(required=True), "n": Int(min=0, max=9), "u": Int(unique=True)}
        group: dict[str, Any] = {"note": String()}
        for relation in graph.relations:
            for side, other in ((relation.left, relation.right), (relation.right, relation.left)):
                if side is not None and side.collection == collection:
                    reverse = side.path if relation.symmetric else other.path if other else None
                    target = LINKS[collection][side.path][1]
                    one = (RefsList if side.many else Ref)(
                        coll=target,
                        field=f"$.{reverse}" if reverse else None,
                        required=side.required,
                        ods=DeleteStrategy(side.strategy) if side.strategy else None,
                        ofs=FillStrategy.FILL if side.shown else FillStrategy.NOT_FILL,
                        owner=(collection, side.path) in graph.owners,
                    )
                    (group if side.path.startswith("g.") else fields)[side.path.removeprefix("g.")] = one
        where = connector(kind, folder, collection)
        where.generate_id = named
        backoffice.register_collection(Collection(collection, Item({**fields, "g": Dict(group)}), where))
    backoffice.assemble()
    return backoffice


# Which program.


def program(dice: random.Random, graph: Variant, length: int) -> Program:
    """Choose a program; its first step creates all items, each with the links that are required."""
    creates = tuple(
        (
            "create",
            collection,
            id_,
            {"n": dice.randrange(10), **{path: [id_] for path in required_of(graph, collection)}},
        )
        for id_ in IDS
        for collection in COLLECTIONS
    )
    return (("unit", creates, True, True), *(_step(dice, deep=False) for _ in range(length - 1)))


def required_of(graph: Variant, collection: str) -> list[str]:
    """Give the required links of a collection."""
    sides = [side for relation in graph.relations for side in (relation.left, relation.right) if side is not None]
    return [side.path for side in sides if side.required and side.collection == collection]


def _step(dice: random.Random, *, deep: bool) -> Step:
    collection, id_, handle = dice.choice(COLLECTIONS), dice.choice(IDS), dice.choice(HANDLES)
    what = dice.choices(
        ("create", "change", "load", "set", "edit", "clear", "save", "delete", "erase", "select", "swap", "unit"),
        (12, 22, 10, 12, 8, 2, 14, 2, 3, 6, 4, 0 if deep else 8),
    )[0]
    if what in {"create", "change"}:
        return (what, collection, id_, _values(dice, collection))
    if what == "load":
        return (what, handle, collection, id_)
    if what == "set":
        return (what, handle, {one: _values(dice, one) for one in COLLECTIONS})
    if what == "edit":
        paths = {one: dice.choice([path for path, (many, _) in LINKS[one].items() if many]) for one in COLLECTIONS}
        return (what, handle, paths, dice.choice(("append", "remove")), id_)
    if what in {"clear", "save", "delete"}:
        return (what, handle)
    if what == "erase":
        return (what, collection, id_)
    if what == "select":
        return (what, collection, _criteria(dice, collection), dice.choice(([], ["n"], ["-n"], ["name"], ["n", "-u"])))
    if what == "swap":
        path = dice.choice([("a", "twin"), ("b", "twin"), ("b", "spouse")])
        return (what, *path, id_, dice.choice(IDS))
    steps = tuple(_step(dice, deep=True) for _ in range(dice.randint(1, 6)))
    return (what, steps, dice.random() < 0.75, dice.random() < 0.7)


def _values(dice: random.Random, collection: str) -> Values:
    values: Values = {}
    for path, often, choose in (
        ("n", 0.4, lambda: dice.choice([None, *range(10), *range(10), 99])),
        ("u", 0.12, lambda: dice.choice([None, 1, 2, 3, 4])),
        ("g.note", 0.2, lambda: dice.choice([None, "", "p", "q"])),
    ):
        if dice.random() < often:
            values[path] = choose()
    for path, (many, _) in LINKS[collection].items():
        if dice.random() < 0.25:
            values[path] = (
                dice.sample(IDS, dice.choice([0, 1, 1, 2, 3])) if many else dice.sample(IDS, dice.choice([0, 1, 1]))
            )
    return values


def _criteria(dice: random.Random, collection: str, depth: int = 0) -> dict[str, Any]:
    kind = dice.random()
    if kind < 0.15 and depth < 2:
        return {
            dice.choice(["$or", "$and"]): [_criteria(dice, collection, depth + 1) for _ in range(dice.randint(1, 2))]
        }
    if kind < 0.25 and depth < 2:
        return {"$not": _criteria(dice, collection, depth + 1)}
    if kind < 0.55:
        path, (_, target) = dice.choice(list(LINKS[collection].items()))
        asked = dice.random()
        if asked < 0.3:
            return {f"{path}.n": _comparison(dice)}
        if asked < 0.4:
            return {f"{path}.{dice.choice(list(LINKS[target]))}": dice.choice(IDS)}
        if asked < 0.5:
            return {path: None}
        return {path: dice.choice([dice.choice(IDS), ("$in", dice.sample(IDS, 2)), ("$ne", dice.choice(IDS))])}
    if kind < 0.6:
        return {}
    if kind < 0.7:
        return {"g.note": dice.choice([None, "p", ("$contains", ""), ("$gte", "p"), ("$ne", "q")])}
    return {"n": _comparison(dice)}


def _comparison(dice: random.Random) -> Any:
    return dice.choice(
        [
            None,
            dice.randrange(10),
            (dice.choice(["$lt", "$lte", "$gt", "$gte", "$ne"]), dice.randrange(10)),
            ("$in", [1, 2, 3]),
        ]
    )


# Running it.


@dataclass
class World:
    """A back office, and the items that a program has in its hands."""

    backoffice: Backoffice
    held: dict[int, Any] = field(default_factory=dict)

    def collection(self, name: str) -> Collection:
        """Give a collection."""
        return self.backoffice.collections[name]

    def load(self, collection: str, id_: str) -> Any:
        """Load an item, and look at all its links so that they are remembered as they are now."""
        return self.collection(collection).get_by_id(id_)

    def read(self, item: Any, collection: str) -> Values:
        """Give what an item shows, as the model does."""
        values: Values = {"name": item.name, "n": item.n, "u": item.u, "g.note": item.g.note}
        for path, (many, _) in LINKS[collection].items():
            value = item.g[path[2:]] if path.startswith("g.") else item[path]
            values[path] = list(value) if many else [] if value is None else [str(value)]
        return values

    def state(self) -> dict[tuple[str, str], Values]:
        """Give everything, read afresh."""
        return {
            (name, item["_id"]): self.read(item, name)
            for name in COLLECTIONS
            for item in self.collection(name).select()
        }


def nested(collection: str, values: Values) -> dict[str, Any]:
    """Give values by dotted path as a back office takes them."""
    result: dict[str, Any] = {}
    for path, value in values.items():
        if path in LINKS[collection] and not LINKS[collection][path][0]:
            value = value[0] if value else None  # noqa: PLW2901  # a single link is no list
        if path.startswith("g."):
            result.setdefault("g", {})[path[2:]] = value
        else:
            result[path] = value
    return result


class DifferenceError(AssertionError):
    """The model and a back office do not say the same."""


class Abort(Exception):  # noqa: N818  # a program wants it
    """A unit of work is given up on purpose."""


@dataclass
class Race:
    """A program under way, in the model and in one or more worlds.

    Attributes:
        told: how often each answer came; to see that programs do something.
    """

    model: Model
    worlds: list[World]
    handles: dict[int, Handle] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)

    def run(self, steps: Program, *, often: bool = False) -> None:
        """Run a program; `often` compares everything after each step.

        Raises:
            DifferenceError: at the first difference.
        """
        for number, step in enumerate(steps):
            self.step(step)
            if often or number % 10 == 9:
                self.compare_states()
        self.compare_states()

    def compare_states(self) -> None:
        """Compare everything that is stored."""
        for world in self.worlds:
            state = world.state()
            for key, mine in self.model.state().items():
                if key not in state:
                    raise DifferenceError(f"{key} is missing")
                self.compare_values(key, mine, state.pop(key))
            if state:
                raise DifferenceError(f"{sorted(state)} should not be there")

    def compare_values(self, key: tuple[str, str], mine: Values, theirs: Values) -> None:
        """Compare one item as it is read."""
        for path, value in mine.items():
            other = theirs[path]
            if isinstance(value, list):
                relation = self.model.side(key[0], path)[0]
                if relation.right is not None or relation.symmetric or (relation.name, key[1]) in self.model.unordered:
                    value, other = sorted(value), sorted(other)  # noqa: PLW2901  # which side is stored decides the order
            if value != other:
                raise DifferenceError(f"{key} {path}: {value} in the model, {other} in the store")

    def step(self, step: Step) -> str:
        """Do one step everywhere, and compare the answers."""
        if step[0] == "unit":
            return self.unit(*step[1:])
        if step[0] == "swap":
            return self.swap(*step[1:])
        single = self.model.unit is None
        before, handles = (
            self.model.begin(),
            {number: Handle(one.key, dict(one.seen), dict(one.mine)) for number, one in self.handles.items()},
        )
        expected: Answer
        if single:
            self.model.open(single=True)
        unit = self.model.unit
        assert unit is not None
        own, added = set(unit.own), {pair: set(paths) for pair, paths in unit.added.items()}
        try:
            answer = self.in_model(step)
            if single:
                self.model.close(commit=True)
            expected = ("ok", answer)
        except Unspecified:
            self.model.back(before)
            self.handles = handles
            unit.own, unit.added = own, added
            if single:
                self.model.unit = None
            return "unspecified"
        except Refused as refused:
            expected = ("refused", refused)
            self.model.back(before)
            self.handles = handles
            unit.own, unit.added = own, added
            if single:
                self.model.unit = None
        for world in self.worlds:
            self.compare(step, expected, attempt(lambda world=world: self.in_world(world, step)))  # type: ignore[misc]
        self.settle(step, expected)
        outcome = "ok" if expected[0] == "ok" else expected[1].error
        self.told[f"{step[0]} {outcome}"] = self.told.get(f"{step[0]} {outcome}", 0) + 1
        return outcome

    def compare(self, step: Step, expected: Answer, found: Answer) -> None:
        """Compare what the model and a world answered."""
        if expected[0] == "ok":
            if found[0] != "ok":
                raise DifferenceError(f"{step}: fine in the model, {found} in the store")
            if isinstance(expected[1], list) and expected[1] != found[1]:
                raise DifferenceError(f"{step}: {expected[1]} in the model, {found[1]} in the store")
            if isinstance(expected[1], tuple):
                self.compare_values(expected[1][0], expected[1][1], found[1])
            return
        refused: Refused = expected[1]
        right = found[0] in refused.error.split() and (
            (bool(found[1]) and found[1] <= refused.paths)
            if refused.loosely
            else found[1] == refused.paths or refused.error == "NotFoundError"
        )
        if not right:
            raise DifferenceError(f"{step}: {refused.error} {sorted(refused.paths)} in the model, {found} in the store")

    def settle(self, step: Step, expected: Answer) -> None:
        """After a save all look at what is stored now; after a deletion nobody holds the item."""
        if step[0] == "delete" and expected[0] == "ok" and step[1] in self.handles:
            del self.handles[step[1]]
            for world in self.worlds:
                world.held.pop(step[1], None)
        if step[0] == "save" and expected[0] == "ok" and step[1] in self.handles:
            handle = self.handles[step[1]]
            if self.model.dangles(handle.key):
                del self.handles[step[1]]
                for world in self.worlds:
                    del world.held[step[1]]
                return
            handle.seen = self.model.read(handle.key)
            handle.mine = self.model.read(handle.key)
            for world in self.worlds:
                world.held[step[1]].reload()
                self.compare_values(handle.key, handle.seen, world.read(world.held[step[1]], handle.key[0]))

    # One step.

    def in_model(self, step: Step) -> Any:
        """Do a step in the model."""
        model = self.model
        match step:
            case ("create", collection, id_, values):
                model.create((collection, id_), {"name": id_, **values})
            case ("change", collection, id_, values):
                handle = self._hold((collection, id_))
                assign(handle, values)
                model.save(handle)
            case ("load", number, collection, id_):
                handle = self.handles[number] = self._hold((collection, id_))
                return ((collection, id_), handle.seen)
            case ("set", number, values):
                if number in self.handles:
                    handle = self.handles[number]
                    assign(handle, values[handle.key[0]])
            case ("edit", number, paths, how, id_):
                if number in self.handles:
                    handle = self.handles[number]
                    path = paths[handle.key[0]]
                    ids = handle.mine[path]
                    if how == "append" and id_ not in ids:
                        handle.mine[path] = [*ids, id_]
                    elif how == "remove" and id_ in ids:
                        handle.mine[path] = [one for one in ids if one != id_]
            case ("clear", number):
                if number in self.handles:
                    handle = self.handles[number]
                    for path in handle.mine:
                        if path.startswith("g."):
                            handle.mine[path] = None if path == "g.note" else []
            case ("save", number):
                if number in self.handles:
                    model.save(self.handles[number])
            case ("delete", number):
                if number in self.handles:
                    model.delete(self.handles[number].key)
            case ("erase", collection, id_):
                model.delete((collection, id_))
            case ("select", collection, criteria, sort):
                if model.doubles():  # a query lets the store look at what is there so far
                    raise Refused("ConflictError", model.doubles())
                return model.select(collection, criteria, sort)
        return None

    def _hold(self, key: tuple[str, str]) -> Handle:
        if key not in self.model.items:
            raise Refused("NotFoundError", {"$._id"})
        if self.model.dangles(key):
            raise Unspecified  # until the unit of work ends, one side shows it and the other does not
        return Handle(key, self.model.read(key), self.model.read(key))

    def in_world(self, world: World, step: Step) -> Any:
        """Do a step in a back office."""
        held = world.held
        match step:
            case ("create", collection, id_, values):
                world.collection(collection).create(nested(collection, {"name": id_, **values}))
            case ("change", collection, id_, values):
                item = world.load(collection, id_)
                item.set(nested(collection, values))
                item.save()
            case ("load", number, collection, id_):
                item = world.load(collection, id_)
                held[number] = item
                return world.read(item, collection)
            case ("set", number, values):
                if number in held:
                    collection = type(held[number]).__name__
                    held[number].set(nested(collection, values[collection]))
            case ("edit", number, paths, how, id_):
                if number in held:
                    path = paths[type(held[number]).__name__]
                    ids = held[number].g[path[2:]] if path.startswith("g.") else held[number][path]
                    if how == "append":
                        ids.append(id_)
                    elif id_ in ids:
                        ids.remove(id_)
            case ("clear", number):
                if number in held:
                    held[number].g = None
            case ("save", number):
                if number in held:
                    held[number].save()
            case ("delete", number):
                if number in held:
                    held[number].delete()
            case ("erase", collection, id_):
                world.collection(collection).get_by_id(id_).delete()
            case ("select", collection, criteria, sort):
                return [item["_id"] for item in world.collection(collection).select(criteria, sort=sort)]
        return None

    # Several steps.

    def unit(self, steps: Program, commit: bool, catch: bool) -> str:
        """Do steps in one unit of work, in all worlds at once; what fails inside is caught, or ends it."""
        handles = {number: Handle(one.key, dict(one.seen), dict(one.mine)) for number, one in self.handles.items()}
        self.model.open(single=False)
        units = [world.backoffice.transaction() for world in self.worlds]
        for one in units:
            one.__enter__()
        ended = not commit
        try:
            for step in steps:
                outcome = self.step(step)
                if outcome not in {"ok", "unspecified"} and (not catch or step[0] == "select"):
                    ended = True
                    break
        except BaseException:
            for one in reversed(units):
                _leave(one, given_up=True)
            raise
        refused: Refused | None = None
        try:
            self.model.close(commit=not ended)
        except Refused as error:
            refused = error
            if "?" in error.paths:
                raise DifferenceError(f"the model dangles: {error.paths}") from None
        expected: Answer = ("ok", None) if refused is None else ("refused", refused)
        for one in reversed(units):
            self.compare(("unit", steps, commit, catch), expected, attempt(lambda one=one: _leave(one, given_up=ended)))  # type: ignore[misc]
        if ended or refused:  # what was in somebody's hands inside is let go
            self.handles = {number: one for number, one in handles.items() if number not in _touched(steps)}
            for world in self.worlds:
                for number in _touched(steps):
                    world.held.pop(number, None)
        outcome = "given up" if ended else refused.error if refused else "ok"
        self.told[f"unit {outcome}"] = self.told.get(f"unit {outcome}", 0) + 1
        return outcome

    def swap(self, collection: str, path: str, one: str, other: str) -> str:
        """Let two items swap their partners in one unit of work, both loaded before."""
        keys = [(collection, one), (collection, other)]
        if one == other or self.model.unit is not None or any(key not in self.model.items for key in keys):
            return "unspecified"
        partners = [self.model.read(key)[path] for key in keys]
        if path == "spouse" and {one, other} & {*partners[0], *partners[1]}:
            return "unspecified"  # a couple that swaps with itself
        models = [self._hold(key) for key in keys]
        items = [[world.load(collection, id_) for id_ in (one, other)] for world in self.worlds]
        self.model.open(single=False)
        for handle, mine in zip(models, reversed(partners), strict=True):
            assign(handle, {path: mine})
            self.model.save(handle)
        refused: Refused | None = None
        try:
            self.model.close(commit=True)
        except Refused as error:
            refused = error

        def do(world: World, pair: list[Any]) -> None:
            for item in pair:
                world.read(item, collection)
            with world.backoffice.transaction():
                for item, mine in zip(pair, reversed(partners), strict=True):
                    item.set(nested(collection, {path: mine}))
                    item.save()

        expected: Answer = ("ok", None) if refused is None else ("refused", refused)
        for world, pair in zip(self.worlds, items, strict=True):
            self.compare(("swap", collection, path, one, other), expected, attempt(lambda w=world, p=pair: do(w, p)))  # type: ignore[misc]
        outcome = refused.error if refused else "ok"
        self.told[f"swap {outcome}"] = self.told.get(f"swap {outcome}", 0) + 1
        return outcome


def _touched(steps: Program) -> set[int]:
    return {step[1] for step in steps if step[0] in {"load", "set", "edit", "clear", "save", "delete"}}


def _leave(unit: Any, *, given_up: bool) -> None:
    """Leave a unit of work as a `with` does."""
    if not given_up:
        unit.__exit__(None, None, None)
        return
    abort = Abort()
    try:
        if not unit.__exit__(Abort, abort, None):
            return
    except Abort:
        return


def attempt(do: Callable[[], Any]) -> Answer:
    """Do something, and say what came of it: `("ok", result)`, or the class of the error and the paths."""
    try:
        return ("ok", do())
    except BackoError as error:
        return (type(error).__name__, frozenset(problem.path for problem in error.problems))


def play(graph: Variant, steps: Program, kinds: Sequence[str], folder: Path, *, often: bool = False) -> dict[str, int]:
    """Run a program on the model and on each kind of store, from nothing.

    Raises:
        DifferenceError: the answers differ.
    """
    worlds: list[World] = []
    try:
        for kind in kinds:
            place = folder / kind
            place.mkdir(parents=True)
            worlds.append(World(build(graph, kind, place)))
        race = Race(Model(list(graph.relations), SCALARS), worlds)
        race.run(steps, often=often)
        return race.told
    finally:
        for world in worlds:
            with closing(world.backoffice):
                pass


def smaller(steps: Program, fails: Callable[[Program], bool]) -> Program:
    """Leave out as many steps as possible, units of work inside too, so that it still fails."""
    size = max(len(steps) // 2, 1)
    while size:
        start = 0
        while start < len(steps):
            fewer = (*steps[:start], *steps[start + size :])
            if fails(fewer):
                steps = fewer
            else:
                start += size
        size //= 2
    for number, step in enumerate(steps):
        if step[0] == "unit":
            inner = smaller(
                step[1],
                lambda rest: fails((*steps[:number], ("unit", rest, *step[2:]), *steps[number + 1 :])),  # noqa: B023  # called here
            )
            steps = (*steps[:number], ("unit", inner, *step[2:]), *steps[number + 1 :])
    return steps
