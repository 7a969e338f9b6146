"""Lay given values over present ones: the pure half of setting.

Nested groups are merged, everything else is replaced; unknown names and read-only fields are
refused; each value goes through transform, conversion and check. Nothing is changed in place, so
the caller can keep the old values when something was wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from backo.paths import FieldPath, Place, value_at
from backo.schema.containers import as_mapping
from backo.schema.fields import Check
from backo.schema.nodes import Node
from backo.schema.options import blame
from backo.schema.problems import MAX_PROBLEMS, Finding, Refusal, unknown_key

Values: TypeAlias = dict[str, Any]  # Python values by field name, nested for groups


class Merge:
    """One merge under way.

    Args:
        item: what transforms get as their second argument.
        unchanged: tells whether what was given for a read-only field is what it has.
        privileged: whether a stored document is taken over: read-only fields are set; defaults are not given, nor
            is anything transformed again.

    Attributes:
        findings: what is wrong so far.
        noted: the nodes that were given and are to be followed, each with its place.
        cleared: the places among them at which null was given.
        defaulted: the values that defaults gave in groups that were unset before.
    """

    __slots__ = ("cleared", "defaulted", "findings", "item", "noted", "privileged", "unchanged")

    def __init__(self, item: Any, unchanged: Callable[[Node, Any], bool], *, privileged: bool = False) -> None:
        self.item = item
        self.unchanged = unchanged
        self.privileged = privileged
        self.findings: list[Finding] = []
        self.noted: list[tuple[Place, Node]] = []
        self.cleared: set[Place] = set()
        self.defaulted: dict[FieldPath, Any] = {}

    def group(
        self, children: Mapping[str, Node], current: Values | None, given: Mapping[Any, Any], place: Place = ()
    ) -> Values:
        """Merge given values into those of one group; returns new values."""
        kept: Values = dict.fromkeys(children) if current is None else dict(current)
        findings = self.findings
        for key, value in given.items():
            node = children.get(key)
            if node is None:
                findings += Refusal([unknown_key(key, children)]).below(*place)
            elif node.simple or (node.whole and kept[key] is None):
                try:
                    kept[key] = None if value is None else node.check(value)
                except Refusal as refusal:
                    findings += refusal.below(*place, key)
            elif not node.read_only or self.privileged:
                kept[key] = self._value(node, kept[key], value, (*place, key))
            elif not self.unchanged(node, value):
                findings.append(Finding((*place, key), "read_only", "Cannot be set"))
            if len(findings) >= MAX_PROBLEMS:
                break
        return kept

    def _value(self, node: Node, current: Any, value: Any, place: Place) -> Any:
        if node.noted:
            self.noted.append((place, node))
        try:
            if value is not None and node.options.transform is not None and not self.privileged:
                value = self._transformed(node, value)
            if value is None:
                if node.noted:
                    self.cleared.add(place)
                return None
            if node.children and node.element is None:
                return self._group(node, current, as_mapping(value), place)
            return node.check(value)
        except Refusal as refusal:
            self.findings += refusal.below(*place)
        return current

    def _group(self, node: Node, current: Values | None, given: Mapping[Any, Any], place: Place) -> Values | None:
        started: list[Node] = []
        if current is None and node.starting and not self.privileged and is_set(given):
            given = completed(given, node.starting, len(node.path), started)
        values = self.group(node.children, current, given, place)
        if not is_set(values):
            return None
        for one in started:
            self.defaulted[one.path] = value_at(values, one.path[len(node.path) :])
        node.field.check_allowed(values)
        return values

    def _transformed(self, node: Node, value: Any) -> Any:
        """Transform a value as it was given.

        A transform expects values of the type of its field. When it fails on another one, that is
        what is wrong; when it fails on a good one, the transform is.
        """
        transform = node.options.transform
        if transform is None:
            return value
        try:
            return transform(value, self.item)
        except ValueError as error:
            raise Refusal.of("transform", str(error) or "Cannot be transformed") from error
        except Exception as error:
            node.check(value)
            blame(error, "transform", node.where)
            raise


def merged_quickly(values: Values, given: Mapping[Any, Any], checks: Mapping[str, Check | None]) -> Values | None:
    """Lay given values over present ones, when each takes nothing but its check: what most assignments are.

    Args:
        values: the present ones, of a whole item.
        given: the new ones.
        checks: of the fields of which that is true; of groups, while they are not set. None for fields that
            take more, of which null over null takes nothing.

    Returns:
        New values; None when something takes more, or is refused: `Merge` does it then, or says why.
    """
    kept = dict(values)
    try:
        for key, value in given.items():
            check, present = checks[key], kept[key]
            if value is None:
                if check is None and present is not None:
                    return None
                kept[key] = None
            elif check is None or type(present) is dict:
                return None
            else:
                kept[key] = check(value)
    except (KeyError, Refusal):
        return None
    return kept


def is_set(group: Mapping[Any, Any]) -> bool:
    """Tell whether a group has a value."""
    for value in group.values():  # noqa: SIM110  # every group is asked, and `any` takes twice as long
        if value is not None:
            return True
    return False


def completed(
    given: Mapping[Any, Any], nodes: Iterable[Node], depth: int = 0, started: list[Node] | None = None
) -> Values:
    """Copy what is given for a new group, with a default for each of these nodes that is not mentioned.

    Args:
        given: the values, nested.
        nodes: those with defaults, outermost first.
        depth: how many names of their paths lead to the group.
        started: the nodes whose defaults are given are added to it.
    """
    result = dict(given)
    for node in nodes:
        holder = result
        for name in node.path[depth:-1]:
            inner = holder.get(name, {})
            if not isinstance(inner, Mapping):  # it is unset on purpose, or will be refused
                break
            holder[name] = dict(inner)
            holder = holder[name]
        else:
            if node.name not in holder:
                default = node.options.default
                try:
                    holder[node.name] = default() if callable(default) else default
                except Exception as error:
                    blame(error, "default", node.where)
                    raise
                if started is not None:
                    started.append(node)
    return result
