"""Describe a collection: as it is declared, and as it is for a user who fills in an item (SPEC 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backo.errors import ValidationError
from backo.items.record import Record
from backo.paths import FieldPath, value_at
from backo.schema.describe import Description, Told, describe_item, describe_rights
from backo.schema.nodes import Node
from backo.work.rights import is_allowed, tell_failure

if TYPE_CHECKING:
    from backo.collections.collection import Collection


def describe_collection(home: Collection) -> Description:
    """Describe a collection as it is declared: `{"name", "item", "rights"}`."""
    return {"name": home.name, "item": describe_item(home.schema), "rights": describe_rights(_rights(home))}


def describe_for_user(home: Collection, values: Mapping[str, Any]) -> Description:
    """Describe a collection as it is for the current user and a partial item; rights and `exists` are answers.

    Args:
        home: the collection.
        values: of the item, as far as they are known; what does not fit is passed over.
    """
    record = _partial(home, values)
    told = {path: _told(home, node, record) for path, node in home.schema.nodes.items()}
    rights = {name: is_allowed(right, name, record) for name, right in _rights(home).items()}
    return {"name": home.name, "item": describe_item(home.schema, told), "rights": rights}


def _rights(home: Collection) -> dict[str, Any]:
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
