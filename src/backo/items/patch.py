"""Apply patches to the JSON form of an item: RFC 6902 operations and RFC 7396 merges.

Paths are selectors or JSON pointers. Two things go beyond RFC 6902, for lists named as a whole:
`add` of a value that is not a list appends it, and `remove` with a `value` takes that value out.
Nothing is changed in place; what is returned is what there is to set, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from backo import jsontext
from backo.errors import ConflictError, Problem, QueryError, ValidationError, shown
from backo.paths import Place, parse_pointer, parse_selector, to_text
from backo.schema import kinds
from backo.schema.anyjson import MAX_DEPTH
from backo.schema.compiler import Schema
from backo.schema.nodes import Node
from backo.schema.problems import Refusal

OPERATIONS = ("add", "remove", "replace", "test", "move", "copy")
MAX_OPERATIONS = 1000
MAX_ELEMENTS = 10_000_000  # of lists, that the steps of a patch may copy
MAX_COPIED = 1024 * 1024  # characters of JSON, about, that all `copy` of a patch may add to an item

Tree: TypeAlias = Any  # JSON values, never changed in place


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, read.

    Attributes:
        operation: its name.
        place: where; names, and for the elements of lists indexes, as numbers or as text.
        source: where the value comes from, for `move` and `copy`.
        value: what is added, expected or taken out.
    """

    operation: str
    place: Place
    source: Place | None
    value: Any

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place that it names."""
        return (self.place,) if self.source is None else (self.place, self.source)


def places_of(operations: Any) -> list[Step]:
    """Read operations.

    Args:
        operations: one `{"op": str, "path": str, "value": Any, "from": str}` or a list of them.

    Raises:
        ValidationError: one is malformed; the problem names its path.
    """
    steps = operations if isinstance(operations, list | tuple) else [operations]
    if len(steps) > MAX_OPERATIONS:
        message = f"a patch has at most {MAX_OPERATIONS} operations"
        raise ValidationError(message)
    return [_step(step) for step in steps]


def _step(given: Any) -> Step:
    operation = given.get("op") if isinstance(given, Mapping) else None
    if not isinstance(operation, str) or operation not in OPERATIONS:
        raise _malformed("$", f"Must have an 'op' of {', '.join(OPERATIONS)}, not {shown(given)}")
    place = _place(given, "path")
    if operation in {"add", "replace", "test"} and "value" not in given:
        raise _malformed(to_text(place), f"The operation {operation!r} needs a 'value'")
    source = _place(given, "from") if operation in {"move", "copy"} else None
    return Step(operation, place, source, given.get("value"))


def _place(given: Mapping[str, Any], key: str) -> Place:
    text = given.get(key)
    if not isinstance(text, str):
        raise _malformed("$", f"Must have a {key!r}: a selector or a JSON pointer")
    try:
        selector = parse_pointer(text) if text == "" or text.startswith("/") else parse_selector(text)
    except QueryError as error:
        raise _malformed("$", error.message) from error
    place = tuple(one for one in selector if isinstance(one, str | int))
    if not place or len(place) != len(selector):
        raise _malformed("$", f"{shown(text)} must name one place inside the item")
    return place


def patched(schema: Schema, tree: Mapping[str, Any], steps: Sequence[Step]) -> dict[str, Any]:
    """Apply operations in turn; returns what there is to set: changed fields, groups in part.

    Args:
        schema: of the item.
        tree: the JSON form of the item; what no step names may be left out.
        steps: from `places_of`.

    Raises:
        ValidationError: an operation leads nowhere; the problem names its path.
        ConflictError: a `test` found something else.
    """
    result: Tree = dict(tree)
    left, elements = MAX_COPIED, 0
    try:
        for step in steps:
            elements += _elements(result, step.place)
            if elements > MAX_ELEMENTS:
                raise _malformed(
                    to_text(step.place), "Is too long a list for so many operations; replace it as a whole"
                )
            if step.operation == "copy":
                left -= _weight(_get(schema, result, step.source or ()), left)
                if left < 0:
                    raise _malformed(to_text(step.place), "Is too much to be copied")
            result = _applied(schema, result, step)
        return _difference(schema.children, tree, result)
    except RecursionError:
        raise _malformed("$", f"Must not be nested more than {MAX_DEPTH} levels deep") from None


def _elements(tree: Tree, place: Place) -> int:
    """Count the elements of the lists that a step at a place copies."""
    count = 0
    for step in place:
        if isinstance(tree, list):
            count += len(tree)
            position = _position(step)
            tree = tree[position] if position is not None and position < len(tree) else None
        else:
            tree = tree.get(step) if isinstance(tree, dict) else None
    return count + (len(tree) if isinstance(tree, list) else 0)


def _weight(value: Any, most: int) -> int:
    """Count about how many characters a value has as JSON; no further than just above `most`."""
    count, open_values = 0, [value]
    while open_values and count <= most:
        one = open_values.pop()
        count += 2 + (len(one) if isinstance(one, str) else 0)
        if isinstance(one, Mapping):
            count += sum(len(key) + 3 for key in one)
            open_values.extend(one.values())
        elif isinstance(one, list | tuple):
            open_values.extend(one)
    return count


def _applied(schema: Schema, tree: Tree, step: Step) -> Tree:
    place, node = step.place, _node(schema, step.place)
    match step.operation:
        case "add" if _appends(node, step.value):
            present = _get(schema, tree, place) or []
            if node is not None and node.field.links and step.value in present:
                return tree
            return _put(schema, tree, place, [*present, step.value])
        case "add":
            return _add(schema, tree, place, step.value)
        case "replace":
            _get(schema, tree, place)
            return _put(schema, tree, place, step.value)
        case "remove":
            return _remove(schema, tree, place, step.value)
        case "test":
            if not _is_equal(_found(schema, place)[0], _get(schema, tree, place), step.value):
                problem = Problem(to_text(place), "test", "Is not the value that the patch expects")
                message = "a test of the patch failed"
                raise ConflictError(message, problems=[problem])
            return tree
    source = step.source or ()
    value = _get(schema, tree, source)
    if step.operation == "move":
        if len(place) > len(source) and place[: len(source)] == source:
            raise _malformed(to_text(source), "Cannot be moved into itself")
        tree = _remove(schema, tree, source, None)
    return _add(schema, tree, place, value)


def _appends(node: Node | None, value: Any) -> bool:
    return node is not None and node.is_list and value is not None and not isinstance(value, list | tuple)


def _is_equal(node: Node | None, present: Any, expected: Any) -> bool:
    """Compare JSON values; what is expected may also be written in another way that the field takes."""
    if jsontext.equal(present, expected):
        return True
    key = _key(node, expected)
    return key is not None and key == _key(node, present)


def _key(node: Node | None, value: Any) -> Any:
    """Give what a value of a field compares by; None where its JSON is all that counts, and when it does not fit."""
    if node is None or node.children or value is None:
        return None
    try:
        return _comparable(node, node.field.operand(value))
    except Refusal:
        return None


def _comparable(node: Node, json: Any) -> Any:
    if node.element is not None:
        return [_comparable(node.element, one) for one in json]
    return kinds.comparable(node.kind, json)


def _node(schema: Schema, place: Place) -> Node | None:
    """Give the field at a place; None for an element of a list, and for what is inside a free value."""
    node, is_element = _found(schema, place)
    return None if is_element else node


def _found(schema: Schema, place: Place) -> tuple[Node | None, bool]:
    """Give the field at a place, and whether it is an element of a list; None for what is inside a free value."""
    children, node, is_element = schema.children, None, False
    for step in place:
        if node is not None and node.element is not None:
            if not _is_index(step):
                return None, False
            node, is_element = node.element, True
        else:
            node, is_element = children.get(step) if isinstance(step, str) else None, False
            if node is None:
                return None, False
        children = node.children
    return node, is_element


def _is_index(step: str | int) -> bool:
    return isinstance(step, int) or step == "-" or (step.isascii() and step.isdigit())


def _get(schema: Schema, tree: Tree, place: Place) -> Any:
    """Give the value at a place; an unset group has unset fields."""
    for depth, step in enumerate(place):
        tree = _child(schema, tree, place[: depth + 1], step)
    return tree


def _child(schema: Schema, holder: Tree, place: Place, step: str | int) -> Any:
    if isinstance(holder, list):
        return holder[_index(step, len(holder) - 1, place)]
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    if (holder is None or isinstance(holder, dict)) and _node(schema, place) is not None:
        return None
    raise _malformed(to_text(place), "There is no such place")


def _changed(schema: Schema, tree: Tree, place: Place, change: Callable[[Tree, str | int], Tree]) -> Tree:
    """Copy what holds a place, on all levels, and let `change` copy the innermost one."""
    holders = [tree]
    for depth, step in enumerate(place[:-1]):
        holders.append(_child(schema, holders[-1], place[: depth + 1], step))
    new = change(holders.pop(), place[-1])
    for depth in range(len(holders) - 1, -1, -1):
        holder, step = holders[depth], place[depth]
        if isinstance(holder, list):
            position = _index(step, len(holder) - 1, place[: depth + 1])
            new = [*holder[:position], new, *holder[position + 1 :]]
        else:
            new = {**(holder or {}), step: new}
    return new


def _put(schema: Schema, tree: Tree, place: Place, value: Any) -> Tree:
    def put(holder: Tree, step: str | int) -> Tree:
        if isinstance(holder, list):
            position = _index(step, len(holder) - 1, place)
            return [*holder[:position], value, *holder[position + 1 :]]
        return _with(schema, holder, place, value)

    return _changed(schema, tree, place, put)


def _add(schema: Schema, tree: Tree, place: Place, value: Any) -> Tree:
    def add(holder: Tree, step: str | int) -> Tree:
        if isinstance(holder, list):
            position = len(holder) if step == "-" else _index(step, len(holder), place)
            return [*holder[:position], value, *holder[position:]]
        return _with(schema, holder, place, value)

    return _changed(schema, tree, place, add)


def _with(schema: Schema, holder: Tree, place: Place, value: Any) -> Tree:
    """Copy an object, or make one of an unset group or list, with a value at the last step."""
    step = place[-1]
    above = _node(schema, place[:-1]) if len(place) > 1 else None
    if holder is None and above is not None and above.is_list and step in {"-", "0", 0}:
        return [value]
    known = len(place) == 1 or _node(schema, place) is not None
    if isinstance(step, str) and (isinstance(holder, dict) or (holder is None and known)):
        return {**(holder or {}), step: value}
    raise _malformed(to_text(place), "There is no such place")


def _remove(schema: Schema, tree: Tree, place: Place, value: Any) -> Tree:
    present = _get(schema, tree, place)
    if value is not None and isinstance(present, list):
        node = _found(schema, place)[0]
        kept = _without(node.element if node else None, present, value)
        if len(kept) == len(present):
            node = _node(schema, place)
            hidden = node is not None and node.derived and not present
            where = "; where a list is not filled, remove the link at its other side" if hidden else ""
            raise _malformed(to_text(place), f"{shown(value)} is not in the list{where}")
        return _put(schema, tree, place, kept)

    def remove(holder: Tree, step: str | int) -> Tree:
        if isinstance(holder, list):
            position = _index(step, len(holder) - 1, place)
            return [*holder[:position], *holder[position + 1 :]]
        if _node(schema, place) is not None:
            return {**(holder or {}), step: None}
        return {name: one for name, one in holder.items() if name != step}

    return _changed(schema, tree, place, remove)


def _without(element: Node | None, present: Sequence[Any], value: Any) -> list[Any]:
    """Leave out the elements of a list that equal a value, however it is written."""
    key = _key(element, value)
    return [
        one for one in present if not (jsontext.equal(one, value) or (key is not None and key == _key(element, one)))
    ]


def _index(step: str | int, last: int, place: Place) -> int:
    """Read the index of an element, from 0 to `last`."""
    position = _position(step)
    if position is not None and position <= last:
        return position
    raise _malformed(to_text(place), "There is no such element in the list")


def _position(step: str | int) -> int | None:
    """Read a step as an index; None when it is none."""
    if isinstance(step, str) and step.isascii() and step.isdigit() and (step == "0" or step[0] != "0"):
        step = int(step[:9])
    return step if isinstance(step, int) and step >= 0 else None


def _difference(children: Mapping[str, Node], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Give what to set so that old values become new ones; what a new group does not name is unset."""
    result: dict[str, Any] = {}
    for name in [*new, *(one for one in old if one not in new)]:
        node, before, after = children.get(name), old.get(name), new.get(name)
        if node is None:
            result[name] = after
        elif node.children and node.element is None and isinstance(after, Mapping):
            inner = _difference(node.children, before or {}, after)
            if inner:
                result[name] = inner
        elif not (node.read_only and name not in new) and not _is_same(before, after):
            result[name] = after
    return result


def _is_same(before: Any, after: Any) -> bool:
    """Tell whether no step has changed a value; lists and objects that were changed are new ones."""
    if before is after:
        return True
    return type(before) is type(after) and not isinstance(after, list | dict) and bool(before == after)


def merged(children: Mapping[str, Node], tree: Mapping[str, Any], patch: Any) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396); returns what there is to set.

    Args:
        children: the fields.
        tree: their JSON form; what the patch does not name may be left out.
        patch: the patch.

    Raises:
        ValidationError: the patch is not an object.
    """
    if not isinstance(patch, Mapping):
        message = "a merge patch is an object"
        raise ValidationError(message)
    result = {}
    for name, value in patch.items():
        node, present = children.get(name), tree.get(name)
        if node is not None and node.children and node.element is None and isinstance(value, Mapping):
            result[name] = merged(node.children, present or {}, value)
        else:
            result[name] = _merged_value(present, value) if node is not None else value
    return result


def _merged_value(target: Any, patch: Any, depth: int = 0) -> Any:
    if not isinstance(patch, Mapping) or depth > MAX_DEPTH:  # what is too deep will be refused
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged_value(result.get(key), value, depth + 1)
    return result


def _malformed(path: str, message: str) -> ValidationError:
    text = "the patch cannot be applied"
    return ValidationError(text, problems=[Problem(path, "patch", message)])
