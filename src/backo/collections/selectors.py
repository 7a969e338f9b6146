"""Compile selectors into steps over the JSON trees of items: what they name is found out once, at assembly.

A selector may cross links. Where it does, it goes on in a tree of the other collection: a *source*.
There is one source for each collection at each distance from the start, shared by all selectors of a
selection, so that the items of a page are read together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from backo.collections.scope import CollectionScope
from backo.errors import DefinitionError, nearest, shown
from backo.paths import Everything, FieldPath, Selector, Slice, Step
from backo.references.links import Link
from backo.schema.containers import Dict, In, List, Tuple
from backo.schema.fields import Field
from backo.schema.kinds import Kind
from backo.schema.nodes import Node
from backo.schema.views import Mask, mask, mask_of_paths


@dataclass(frozen=True, slots=True)
class End:
    """The value that was reached is the one that is meant."""


@dataclass(frozen=True, slots=True)
class Name:
    """Take a field of an object; of a list, that field of each element."""

    name: str
    then: Reach


@dataclass(frozen=True, slots=True)
class Pick:
    """Take one element of a list."""

    index: int
    then: Reach


@dataclass(frozen=True, slots=True)
class Each:
    """Take elements of a list, or every value of an object."""

    start: int | None
    stop: int | None
    then: Reach
    objects: bool = False


@dataclass(frozen=True, slots=True)
class Fan:
    """Take several fields of an object, each in its own way."""

    parts: tuple[tuple[str, Reach], ...]


@dataclass(frozen=True, slots=True)
class Cross:
    """Go on in the items that the value names, which are read from a source."""

    source: int
    then: Reach


Reach: TypeAlias = End | Name | Pick | Each | Fan | Cross


@dataclass(frozen=True, slots=True)
class Source:
    """The items of one collection at one distance from the start.

    Attributes:
        collection: its name.
        mask: the fields that are read.
        crossed: the links through which the selectors go on.
    """

    collection: str
    mask: Mask
    crossed: frozenset[FieldPath]


@dataclass(slots=True)
class _Draft:
    """A source while selectors are compiled."""

    collection: str
    paths: set[FieldPath] = field(default_factory=set)
    crossed: set[FieldPath] = field(default_factory=set)


def compile_selectors(
    scope: CollectionScope, selectors: Sequence[tuple[str, Selector]]
) -> tuple[tuple[Reach, ...], tuple[Source, ...]]:
    """Compile the selectors of a selection.

    Args:
        scope: the collection where they start, which is the first source.
        selectors: each with its text, for messages.

    Raises:
        DefinitionError: one can lead nowhere; with the nearest name.
    """
    compiler = _Compiler()
    start = compiler.source(scope.name, 0)
    reaches = []
    for text, selector in selectors:
        if not selector:
            message = f"{shown(text)} names no field"
            raise DefinitionError(message, hint="write Selection(None) for whole items")
        try:
            reaches.append(compiler.below(scope, (), scope.schema.children, selector, start))
        except _NowhereError as nowhere:
            message = f"{shown(text)} leads nowhere: {nowhere.message}"
            raise DefinitionError(message, hint=nowhere.hint) from None
    return tuple(reaches), compiler.sources()


class _NowhereError(Exception):
    """Raised when a selector can lead nowhere."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class _Compiler:
    """Compiles the selectors of one selection, noting what they need of each source."""

    def __init__(self) -> None:
        self._drafts: dict[tuple[int, str], _Draft] = {}
        self._distances: list[int] = []

    def source(self, collection: str, distance: int) -> int:
        """Give the number of a source; a new one when there is none."""
        key = (distance, collection)
        if key not in self._drafts:
            self._drafts[key] = _Draft(collection)
            self._distances.append(distance)
        return list(self._drafts).index(key)

    def sources(self) -> tuple[Source, ...]:
        """Give the sources by their numbers."""
        return tuple(
            Source(one.collection, mask_of_paths(one.paths), frozenset(one.crossed)) for one in self._drafts.values()
        )

    def _draft(self, source: int) -> _Draft:
        return list(self._drafts.values())[source]

    def below(
        self, scope: CollectionScope, path: FieldPath, children: Mapping[str, Node], selector: Selector, source: int
    ) -> Reach:
        """Compile the steps that follow an item or a group."""
        step, rest = selector[0], selector[1:]
        if isinstance(step, Everything):
            return self._fan(scope, path, children, rest, source)
        if not isinstance(step, str):
            message = f"{_text(step)} is for lists"
            raise _NowhereError(message)
        node = scope.node((*path, step))
        if node is None:
            message = f"there is no {step!r} in {'.'.join((scope.name, *path))!r}"
            raise _NowhereError(message, nearest(step, scope.names(path)))
        return Name(step, self.node(scope, node, rest, source))

    def _fan(
        self, scope: CollectionScope, path: FieldPath, children: Mapping[str, Node], rest: Selector, source: int
    ) -> Reach:
        """Compile a star: every field that the view `client` shows, where the rest leads somewhere."""
        keep = mask(scope.schema, "client")
        for name in path:
            keep = None if keep is None else keep.get(name)
        parts, nowhere = [], _NowhereError(f"there is nothing in {'.'.join((scope.name, *path))!r}")
        for name, node in children.items():
            if keep is not None and name not in keep:
                continue
            try:
                parts.append((name, self.node(scope, node, rest, source)))
            except _NowhereError as error:
                nowhere = error
        if not parts:
            raise nowhere
        return Fan(tuple(parts))

    def node(self, scope: CollectionScope, node: Node, selector: Selector, source: int) -> Reach:
        """Compile the steps that follow a field, or an element of a list."""
        link = scope.links.get(node.path)
        if link is not None:
            return self._link(scope, link, selector, source, picked=not link.many)
        if not selector:
            self._draft(source).paths.add(node.path)
            return End()
        step, rest = selector[0], selector[1:]
        if node.element is not None and not isinstance(step, str):
            return _taken(step, self.node(scope, node.element, rest, source))
        if node.element is not None:
            return self.node(scope, node.element, selector, source)
        if node.children:
            return self.below(scope, node.path, node.children, selector, source)
        _check_inside(node.field, selector)
        self._draft(source).paths.add(node.path)
        return _loose(selector)

    def _link(self, scope: CollectionScope, link: Link, selector: Selector, source: int, *, picked: bool) -> Reach:
        """Compile the steps that follow a link: choose among its ids, then go on in the items that they name."""
        draft = self._draft(source)
        if not selector:
            draft.paths.add(link.path)
            return End()
        if not picked and not isinstance(selector[0], str):
            return _taken(selector[0], self._link(scope, link, selector[1:], source, picked=True))
        target = scope.scopes(link.target)
        there = self.source(link.target, self._distances[source] + 1)
        then = self.below(target, (), target.schema.children, selector, there)
        draft.paths.add(link.path)
        draft.crossed.add(link.path)
        return Cross(there, then)


def _taken(step: Step, then: Reach) -> Reach:
    """Take elements of a list."""
    match step:
        case int():
            return Pick(step, then)
        case Slice(start=start, stop=stop):
            return Each(start, stop, then)
    return Each(None, None, then)


def _loose(selector: Selector) -> Reach:
    """Compile steps into a value of which only its own form tells whether they lead anywhere."""
    reach: Reach = End()
    for step in reversed(selector):
        match step:
            case str():
                reach = Name(step, reach)
            case Everything():
                reach = Each(None, None, reach, objects=True)
            case _:
                reach = _taken(step, reach)
    return reach


def _check_inside(field: Field, selector: Selector) -> None:
    """Refuse steps into a value that can have nothing there; raises `_NowhereError`."""
    if not _may_lead(field, selector):
        message = f"a {type(field).__name__} has no {_text(selector[0])}"
        raise _NowhereError(message)


def _may_lead(field: Field, selector: Selector) -> bool:
    """Tell whether steps can lead somewhere inside a value of a type."""
    if not selector:
        return True
    step, rest = selector[0], selector[1:]
    match field:
        case List(element=element):
            return _may_lead(element, selector if isinstance(step, str) else rest)
        case Dict(fields=fields) if isinstance(step, str):
            return step in fields and _may_lead(fields[step], rest)
        case Dict(fields=fields):
            return isinstance(step, Everything) and _any_leads(fields.values(), rest)
        case Tuple(elements=elements) if isinstance(step, int):
            return -len(elements) <= step < len(elements) and _may_lead(elements[step], rest)
        case Tuple(elements=elements):
            return _any_leads(elements, selector if isinstance(step, str) else rest)
        case In(alternatives=alternatives):
            return _any_leads(alternatives, selector)
    return field.kind is Kind.JSON


def _any_leads(fields: Iterable[Field], selector: Selector) -> bool:
    return any(_may_lead(field, selector) for field in fields)


def _text(step: Step) -> str:
    """Show a step as a selector writes it.

    >>> _text(Slice(0, 2)), _text(3), _text("zip")
    ('[0:2]', '[3]', "'zip'")
    """
    match step:
        case str():
            return repr(step)
        case int():
            return f"[{step}]"
        case Slice(start=start, stop=stop):
            return f"[{'' if start is None else start}:{'' if stop is None else stop}]"
    return "*"
