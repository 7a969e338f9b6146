"""Describe declared fields as plain JSON values, for front ends (SPEC 11).

What is described is the declaration alone, in which a function shows as `"func"`; or the declaration as
it is for a user and an item, in which the answers of functions show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from backo.paths import FieldPath
from backo.schema.compiler import Schema
from backo.schema.containers import Dict, FreeDict, In, List, Tuple
from backo.schema.fields import Field
from backo.schema.options import Options, Right

Description: TypeAlias = dict[str, Any]

FUNCTION = "func"

# The documented modules of our types. They are part of an interface, so they stay when code moves;
# a type that is not named here is in the module of its own name.
_MODULES = {"Ref": "reference", "RefsList": "reference"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a field is for a user and an item.

    Attributes:
        exists: whether it is there.
        read: whether the user may read it.
        modify: whether he may modify it.
    """

    exists: bool
    read: bool
    modify: bool


_DECLARED: Mapping[FieldPath, Told] = {}


def describe_item(schema: Schema, told: Mapping[FieldPath, Told] = _DECLARED, kind: str = "Item") -> Description:
    """Describe an item: its options, then each field under `sub_scheme`, `_id` and `_meta` last.

    Args:
        schema: of the item.
        told: what fields are for a user and an item, by path; of those that are not named, the declaration.
        kind: what declares it, `Item` or `Action`.
    """
    described = _element(kind, f"<class 'backo.{kind.lower()}.{kind}'>", schema.options, None)
    described["sub_scheme"] = {
        name: describe_field(node.field, node.path, told) for name, node in schema.children.items()
    }
    return described


def describe_field(field: Field, path: FieldPath = (), told: Mapping[FieldPath, Told] = _DECLARED) -> Description:
    """Describe one field, and those inside it.

    Beside what all have in common: the facts of its type (`min`, `max`, `regexp`, `collection`,
    `reverse`, …); `sub_scheme` of a `Dict`, `sub_type` of a `List`, `sub_types` of a `Tuple` or `In`.
    """
    kind = type(field)
    described = _element(kind.__name__, _type_text(kind), field.options, field)
    for name, fact in field.facts().items():
        described.setdefault(name, fact)
    if (here := told.get(path)) is not None:
        described |= {"exists": here.exists, "rights": {"read": here.read, "modify": here.modify}}
    match field:
        case Dict():
            described["sub_scheme"] = {
                name: describe_field(child, (*path, name), told) for name, child in field.fields.items()
            }
        case List():
            described["sub_type"] = describe_field(field.element, path, told)
        case Tuple(elements=parts) | In(alternatives=parts):
            described["sub_types"] = [describe_field(part) for part in parts]
        case FreeDict():
            pass
        case _:
            described.setdefault("regexp", [])
    return described


def describe_rights(**rights: Right) -> Description:
    """Describe rights by their names: true, false, `"func"`, or null where nothing was declared."""
    return {name: _or_function(right) for name, right in rights.items()}


def _element(short: str, type_text: str, options: Options, field: Field | None) -> Description:
    """Describe what every element has."""
    return {
        "type": type_text,
        "type_short": short,
        "description": options.description,
        "required": options.required,
        "in": _allowed(options, field),
        "constraints": [FUNCTION] * len(options.constraints),
        "default": _default(options, field),
        "transform": None if options.transform is None else FUNCTION,
        "exists": _or_function(options.exists),
        "rights": describe_rights(read=options.can_read, modify=options.can_modify),
    }


def _type_text(kind: type[Field]) -> str:
    """Name a class as the documentation does."""
    if not kind.__module__.startswith("backo."):
        return str(kind)
    return f"<class 'backo.{_MODULES.get(kind.__name__, kind.__name__.lower())}.{kind.__name__}'>"


def _allowed(options: Options, field: Field | None) -> Any:
    if isinstance(options.enum, tuple) and field is not None:
        return [_json(field, value) for value in options.enum]
    return FUNCTION if callable(options.enum) else None


def _default(options: Options, field: Field | None) -> Any:
    default = options.default
    if default is None or callable(default):
        return _or_function(default)
    return default if field is None else _json(field, default)


def _json(field: Field, value: Any) -> Any:
    """Write a declared value as JSON; an empty group is unset, and stays as it was declared."""
    value, declared = field.convert(value), value
    return declared if value is None else field.described(value)


def _or_function(value: Any) -> Any:
    return FUNCTION if callable(value) else value
