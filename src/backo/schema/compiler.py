"""Compile a tree of declared fields, once, into the schema that all records of an item share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from backo.errors import DefinitionError, nearest, shown
from backo.paths import FieldPath, is_name, to_text
from backo.schema.containers import Dict, List
from backo.schema.dependencies import in_dependency_order
from backo.schema.fields import Check, Field
from backo.schema.fingerprints import fingerprint_of
from backo.schema.judging import has_functions
from backo.schema.kinds import Kind
from backo.schema.merging import Merge, Values, completed
from backo.schema.nodes import Node
from backo.schema.options import Options
from backo.schema.placing import SAVE_VIEW, check_item_options, check_options, is_stored

Converter: TypeAlias = Callable[[Any], Any]
Handlers: TypeAlias = tuple[tuple[Node | None, Callable[..., Any]], ...]

CLIENT_VIEW = "client"

_CONSTANT = frozenset({str, int, float, bool})  # types of values that nobody can change in place


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """Everything about an item that does not depend on one item.

    Attributes:
        name: of the item, for messages.
        options: of the item as a whole.
        children: the top-level nodes in declaration order, then `_id` and `_meta`.
        nodes: every node by its path.
        blank: the values of an item in which nothing is set; to be copied.
        started: those of a new item, with its defaults; to be copied. None where they differ from item to item.
        checks: of the top-level fields that take nothing but their check to be set: plain values, and groups
            that are not set yet; None for those that take more, of which null over null takes nothing.
            Empty when somebody wants to know of every change.
        writers: for each stored top-level field its name, how a value becomes JSON (None: as it is), and
            its node where that is not all.
        readers: for each of those whose values are not as they are in JSON, its name and how JSON becomes one.
        judged: the top-level nodes of which something is asked when the item is about to be stored.
        asks: whether functions are asked about values.
        conditional: nodes whose `exists` is a function, or False.
        computed: nodes with a value computed from the item, each after those it reads.
        defaulted: nodes that a new item has a default for, outermost first.
        events: for each event its handlers: those of the item (with None), then those of its fields.
        views: views declared as lists of paths, by name.
        fingerprint: changes when what is declared as data changes (DESIGN D3).
    """

    name: str
    options: Options
    children: Mapping[str, Node]
    nodes: Mapping[FieldPath, Node]
    blank: Values
    started: Values | None
    checks: Mapping[str, Check | None]
    writers: tuple[tuple[str, Converter | None, Node | None], ...]
    readers: tuple[tuple[str, Converter], ...]
    judged: tuple[Node, ...]
    asks: bool
    conditional: tuple[Node, ...]
    computed: tuple[Node, ...]
    defaulted: tuple[Node, ...]
    events: Mapping[str, Handlers]
    views: Mapping[str, Sequence[FieldPath]]
    fingerprint: str

    def handlers(self, event: str) -> Handlers:
        """Give the handlers of an event: those of the item (with None), then those of its fields."""
        return self.events.get(event, ())


def compile_schema(
    name: str,
    fields: Mapping[str, Field],
    options: Options,
    *,
    system: Mapping[str, Field],
    derived: Collection[FieldPath] = (),
    version: int | str = 0,
    views: Mapping[str, Sequence[FieldPath]] | None = None,
) -> Schema:
    """Compile the declaration of an item.

    Args:
        name: of the item, for messages.
        fields: the declared fields.
        options: of the item itself.
        system: `_id` and `_meta`, appended after the declared fields and set by nobody.
        derived: paths of link sides that are looked up instead of stored.
        version: the declared version of the schema, part of the fingerprint.
        views: views declared as lists of paths, by name.

    Raises:
        DefinitionError: naming the item and the path.
    """
    derived = frozenset(derived)
    check_item_options(name, options)
    children = {key: _node(one, (key,), _Context(name, derived)) for key, one in fields.items()}
    for key, one in system.items():
        children[key] = _node(one, (key,), _Context(name, derived, read_only=True))
    nodes = {node.path: node for child in children.values() for node in child.walk()}
    _check_views(name, views or {}, nodes)
    top, every = tuple(children.values()), tuple(nodes.values())
    stored = [node for node in top if node.stored]
    blank, defaulted = dict.fromkeys(children), _starting(top, conditional=True)
    watched = options.onchange is not None
    return Schema(
        name=name,
        options=options,
        children=children,
        nodes=nodes,
        blank=blank,
        started=_started(blank, children, defaulted),
        checks={} if watched else dict(_checks(top)),
        writers=tuple(
            (node.name, None if node.field.native else node.field.to_json, node if node.varying else None)
            for node in stored
        ),
        readers=tuple((node.name, node.field.from_json) for node in stored if not node.field.native),
        judged=tuple(node for node in top if node.judged),
        asks=any(node.asks for node in top),
        conditional=tuple(node for node in every if node.options.exists is not True),
        computed=in_dependency_order(name, [node for node in every if node.options.compute is not None]),
        defaulted=defaulted,
        events=_events(options, every),
        views=dict(views or {}),
        fingerprint=fingerprint_of({**fields, **system}, derived, version),
    )


@dataclass(frozen=True, slots=True)
class _Context:
    """What a node takes over from those around it."""

    name: str
    derived: Collection[FieldPath]
    many: bool = False
    read_only: bool = False
    stored: bool = True


def _node(one: Field, path: FieldPath, within: _Context, *, is_element: bool = False) -> Node:
    """Compile one field, and those inside it."""
    options = one.options
    if not is_element:
        check_options(within.name, path, one, inside_list=within.many)
    read_only = within.read_only or options.compute is not None
    derived = path in within.derived and not is_element
    stored = within.stored and not derived and is_stored(options)
    many = within.many or isinstance(one, List)
    inside = _Context(within.name, within.derived, many=many, read_only=read_only, stored=stored)
    element, inner = None, one
    children: Mapping[str, Node] = {}
    if isinstance(one, List):
        element = _node(one.element, path, inside, is_element=True)
        inner, children = element.inner, element.children
    elif isinstance(one, Dict):
        children = {key: _node(child, (*path, key), inside) for key, child in one.fields.items()}
    parts = tuple(children.values()) if element is None else (element,)
    is_group = element is None and bool(children)
    asks = has_functions(one) or options.exists is not True or any(part.asks for part in parts)
    noted = asks or derived or options.onchange is not None or any(part.noted for part in parts)
    bare = not (read_only or noted or options.transform)
    starting = _starting(parts) if is_group else ()
    return Node(
        item=within.name,
        name=path[-1],
        path=path,
        field=one,
        options=options,
        inner=inner,
        element=element,
        children=children,
        check=one.compiled(),
        many=many,
        derived=derived,
        stored=stored,
        read_only=read_only,
        starting=starting,
        judged=asks or options.required or any(part.judged for part in parts),
        asks=asks,
        noted=noted,
        varying=not stored
        or options.compute is not None
        or options.exists is not True
        or any(part.varying for part in parts),
        simple=bare and not is_group,
        whole=bare and is_group and not starting and all(part.simple or part.whole for part in parts),
        loose=(inner.kind is Kind.JSON and not isinstance(inner, Dict)) or any(part.loose for part in parts),
    )


def _starting(nodes: Iterable[Node], *, conditional: bool = False) -> tuple[Node, ...]:
    """Give the fields that have a default for a new group, outermost first."""
    found: list[Node] = []
    for node in nodes:
        has_default = node.options.default is not None and (conditional or node.options.exists is True)
        if has_default:
            found.append(node)
        if node.starting and (has_default or _starts_whole(node)):
            found += node.starting
    return tuple(found)


def _started(blank: Values, children: Mapping[str, Node], defaulted: Sequence[Node]) -> Values | None:
    """Give the values of a new item, when its defaults are the same for every item and cannot be changed in place."""
    constant = all(node.field.native and type(node.options.default) in _CONSTANT for node in defaulted)
    if not constant or any(node.options.transform for child in children.values() for node in child.walk()):
        return None
    merge = Merge(None, lambda *_: False)
    values = merge.group(children, blank, completed({}, defaulted))
    return None if merge.findings else values


def _checks(nodes: Iterable[Node]) -> Iterator[tuple[str, Check | None]]:
    """Give the checks of the fields that take nothing else, and name those of which null over null means nothing."""
    for node in nodes:
        if node.simple or node.whole:
            yield node.name, node.check
        elif not node.read_only and not any(one.derived for one in node.walk()):
            yield node.name, None


def _starts_whole(group: Node) -> bool:
    """Tell whether the defaults inside an unset group leave nothing required in it without a value."""
    return all(
        node.options.default is not None or (bool(node.starting) and _starts_whole(node))
        for node in group.children.values()
        if node.options.required
    )


def _events(options: Options, nodes: Iterable[Node]) -> dict[str, Handlers]:
    events: dict[str, list[tuple[Node | None, Callable[..., Any]]]] = {}
    for event, function in options.on:
        events.setdefault(event, []).append((None, function))
    for node in nodes:
        for event, function in node.options.on:
            events.setdefault(event, []).append((node, function))
    return {event: tuple(handlers) for event, handlers in events.items()}


def _check_views(name: str, views: Mapping[str, Sequence[FieldPath]], nodes: Mapping[FieldPath, Node]) -> None:
    for view, paths in views.items():
        if not isinstance(view, str) or not is_name(view) or view == SAVE_VIEW:
            message = f"{name}: a view cannot be called {shown(view)}"
            raise DefinitionError(message, hint="names are identifiers; 'save' is what is stored")
        for path in paths:
            if path not in nodes:
                message = f"{name}: the view {view!r} names {to_text(path)}, which does not exist"
                raise DefinitionError(message, hint=nearest(to_text(path), map(to_text, nodes)))
