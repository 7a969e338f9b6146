"""Describe a collection: as it is declared, and as it is for a user who fills in an item (SPEC 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backo.collections.actions import CompiledAction
from backo.collections.selections import CompiledSelection
from backo.errors import ValidationError
from backo.items.record import Record
from backo.paths import FieldPath, value_at
from backo.schema.describe import Description, Told, describe_item, describe_rights
from backo.schema.nodes import Node
from backo.schema.options import Right
from backo.work.rights import is_allowed, tell_failure

if TYPE_CHECKING:
    from backo.collections.collection import Collection


def describe_collection(home: Collection) -> Description:
    """Describe a collection as it is declared: `{"name", "item", "rights", "actions", "selections"}`."""
    return {
        "name": home.name,
        "item": describe_item(home.schema),
        "rights": describe_rights(**_rights(home)),
        "actions": [_action(one, describe_rights(**_rights_of(one))) for one in home.actions.values()],
        "selections": [_selection(one, describe_rights(read=one.can_read)) for one in home.selections.values()],
    }


def describe_for_user(home: Collection, values: Mapping[str, Any]) -> Description:
    """Describe a collection as it is for the current user and a partial item; rights and `exists` are answers.

    Args:
        home: the collection.
        values: of the item, as far as they are known; what does not fit is passed over.
    """
    record = _partial(home, values)
    told = {path: _told(home, node, record) for path, node in home.schema.nodes.items()}

    def answers(rights: Mapping[str, Right]) -> Description:
        return {name: is_allowed(right, name, record) for name, right in rights.items()}

    return {
        "name": home.name,
        "item": describe_item(home.schema, told),
        "rights": answers(_rights(home)),
        "actions": [_action(one, answers(_rights_of(one))) for one in home.actions.values()],
        "selections": [_selection(one, answers({"read": one.can_read})) for one in home.selections.values()],
    }


def _action(action: CompiledAction, rights: Description) -> Description:
    item = describe_item(action.schema, kind="Action")
    return {"name": action.name, "description": action.description, "item": item, "rights": rights}


def _rights_of(action: CompiledAction) -> Mapping[str, Right]:
    return {"see": action.can_see, "execute": action.can_execute}


def _selection(selection: CompiledSelection, rights: Description) -> Description:
    selectors = None if selection.selectors is None else list(selection.selectors)
    return {
        "name": selection.name,
        "description": selection.description,
        "selectors": selectors,
        "rights": rights,
    }


def _rights(home: Collection) -> Mapping[str, Right]:
    return {
        "read": home.can_read,
        "create": home.can_create,
        "modify": home.can_modify,
        "delete": home.can_delete,
    }


def _partial(home: Collection, values: Mapping[str, Any]) -> Record:
    """Make an item of what fits."""
    record = home.new()
    for name, value in values.items():
        if name == "_id" and isinstance(value, str):
            record._values["_id"] = value  # our own record; nobody sets its `_id` from outside
            continue
        try:
            record.set({name: value})
        except ValidationError:
            continue
    return record


def _told(home: Collection, node: Node, record: Record) -> Told:
    rights, path = home.entry.rights, node.path
    return Told(
        exists=_exists(node, record),
        read=is_allowed(rights.reading.get(path), "read", record),
        modify=not node.read_only and is_allowed(rights.writing.get(path), "modify", record),
    )


def _exists(node: Node, record: Record) -> bool:
    try:
        return record._exists(node, _value_at(record, node.path))
    except Exception as error:  # noqa: BLE001  # a function that cannot make sense of half an item
        tell_failure(f"exists of {node.where}", error)
        return False


def _value_at(record: Record, path: FieldPath) -> Any:
    """Give the value at a path; inside a list there is none."""
    for end in range(1, len(path)):
        if isinstance(value_at(record._values, path[:end]), list):
            return None
    return value_at(record._values, path)
