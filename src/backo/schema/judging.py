"""Ask what only the whole item can answer: `required`, `exists`, functions that see the item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from backo.paths import Place
from backo.schema.fields import Field
from backo.schema.nodes import Node
from backo.schema.options import Function, blame
from backo.schema.problems import MAX_PROBLEMS, Finding, Refusal
from backo.schema.scalars import check_patterns, compiled_patterns


class Subject(NamedTuple):
    """An item that is asked; made for each look at an item, so it has to be cheap to make.

    Attributes:
        item: what functions get.
        exists: tells whether a field exists in the item.
        seen: gives a value at a place as functions see it.
        compute: computes a field.
    """

    item: Any
    exists: Callable[[Node, Any], bool]
    seen: Callable[[Node, Place, Any], Any]
    compute: Callable[[Node], Any]


def _nobody(*_: Any) -> Any:
    message = "an item that has no functions was asked"
    raise TypeError(message)


NOBODY = Subject(None, _nobody, _nobody, _nobody)  # for items without functions


def judge(
    nodes: Iterable[Node], values: Mapping[str, Any], subject: Subject, *, complete: bool, place: Place = ()
) -> list[Finding]:
    """Ask fields of a group about the item they are in.

    Args:
        nodes: the fields.
        values: the values of the group.
        subject: the whole item.
        complete: whether the item is about to be stored: then `required` counts, and a value whose
            field does not exist is passed over (it is not stored) instead of refused.
        place: where the group is.
    """
    findings: list[Finding] = []
    for node in nodes:
        if node.judged if complete else node.asks:
            findings += _judge_node(node, values[node.name], subject, (*place, node.name), complete=complete)
            if len(findings) >= MAX_PROBLEMS:
                break
    return findings


def _judge_node(node: Node, value: Any, subject: Subject, place: Place, *, complete: bool) -> list[Finding]:
    """Ask one field, which may not exist or have no value."""
    options = node.options
    if node.read_only:
        return []
    if options.exists is not True and not subject.exists(node, value):
        given = value is not None and not complete
        return [Finding(place, "exists", "Does not exist here, so it cannot be set")] if given else []
    if value is None or (node.field.links and not value):
        lacking = complete and options.required and not node.derived
        return [Finding(place, "required", "Is required")] if lacking else []
    return _judge_value(node, value, subject, place, complete=complete)


def judge_computed(nodes: Iterable[Node], subject: Subject) -> list[Finding]:
    """Ask the functions of computed fields about what is computed, once the rest of the item is good."""
    findings: list[Finding] = []
    for node in nodes:
        if has_functions(node.field) and subject.exists(node, None):
            value = subject.compute(node)
            if value is not None:
                findings += _asked(node, value, subject, node.path)
    return findings


def _judge_value(node: Node, value: Any, subject: Subject, place: Place, *, complete: bool) -> list[Finding]:
    """Ask the functions of one field that has a value, then those of what is inside."""
    findings = _asked(node, value, subject, place) if node.asks else []
    if node.element is None:
        if node.children:
            findings += judge(node.children.values(), value, subject, complete=complete, place=place)
    elif node.element.judged if complete else node.element.asks:
        for index, element in enumerate(value):
            findings += _judge_value(node.element, element, subject, (*place, index), complete=complete)
            if len(findings) >= MAX_PROBLEMS:
                break
    return findings


def asked(constraints: Sequence[Function], value: Any, item: Any, place: Place) -> list[Finding]:
    """Ask constraints about a value: `False` refuses, and so does a `ValueError`, with its text."""
    findings = []
    for constraint in constraints:
        try:
            if constraint(value, item) is False:
                findings.append(Finding(place, "constraint", "Is refused by a constraint"))
        except ValueError as error:
            findings.append(Finding(place, "constraint", str(error) or "Is refused by a constraint"))
    return findings


def _asked(node: Node, value: Any, subject: Subject, place: Place) -> list[Finding]:
    """Ask the functions of one field."""
    options, field = node.options, node.field
    if not has_functions(field):
        return []
    findings: list[Finding] = []
    option = "enum"
    try:
        if callable(options.enum):
            allowed = options.enum(subject.item)
            if allowed is not None and value not in _converted(field, allowed):
                findings.append(Finding(place, "enum", "Is not one of the allowed values"))
        option = "pattern"
        pattern_function = getattr(field, "pattern_function", None)
        if pattern_function is not None:
            findings += _unmatched(node, pattern_function(subject.item), value, place)
        option = "constraint"
        return findings + asked(options.constraints, subject.seen(node, place, value), subject.item, place)
    except Exception as error:
        blame(error, option, node.where)
        raise


def _unmatched(node: Node, pattern: Any, value: str, place: Place) -> Iterable[Finding]:
    """Match what a pattern function gave."""
    try:
        check_patterns(compiled_patterns(f"the pattern function of {node.name!r}", pattern), value)
    except Refusal as refusal:
        return refusal.below(*place)
    return ()


def has_functions(field: Field) -> bool:
    """Tell whether functions are asked about the values of a field."""
    options = field.options
    return bool(options.constraints) or callable(options.enum) or getattr(field, "pattern_function", None) is not None


def _converted(field: Field, allowed: Iterable[Any]) -> list[Any]:
    """Convert what an `enum` function gives; what is not of the type is equal to no value."""
    values = []
    for one in allowed:
        try:
            values.append(field.convert(one))
        except Refusal:
            continue
    return values
