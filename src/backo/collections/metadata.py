"""Stamp stored items with who changed them and when: `_meta`, and how to keep another one."""

from __future__ import annotations

from typing import Any

from backo.context import current_user
from backo.items.definition import Item
from backo.schema.containers import Dict
from backo.schema.fields import Field
from backo.schema.scalars import String
from backo.schema.temporal import Datetime


class GenericMetaDataHandler:
    """The base of handlers of `_meta`: what it holds, and how it is kept."""

    def append_schema(self, item: Item) -> None:
        """Add fields to the declaration of an item, with `item.add_system_field(name, field)`."""

    def update(self, item: Any) -> None:
        """Change the metadata of an item that is about to be stored; `item.status` tells if it is new."""


class StandardMetaDataHandler(GenericMetaDataHandler):
    """Keep `_meta`: `ctime`, `mtime` (aware, UTC), `created_by`, `modified_by` (each `_id`, `login`)."""

    def append_schema(self, item: Item) -> None:
        """Add `_meta`."""
        item.add_system_field("_meta", standard_metadata())

    def update(self, item: Any) -> None:
        """Stamp the present time and the current user."""
        now, user = item.now(), {"_id": current_user._id, "login": current_user.login}  # the documented name
        before = item._values.get("_meta") or {"ctime": now, "created_by": user}  # our own record
        item._values["_meta"] = {  # as above: every value is of its type by construction
            "ctime": before["ctime"],
            "mtime": now,
            "created_by": before["created_by"],
            "modified_by": user,
        }


def is_standard(handler: GenericMetaDataHandler) -> bool:
    """Tell whether a handler keeps `_meta` as the standard one does, by the moment and the user alone."""
    return type(handler).update is StandardMetaDataHandler.update


def standard_metadata() -> Field:
    """Declare `_meta` as the standard handler keeps it."""
    return Dict(
        {
            "ctime": Datetime(),
            "mtime": Datetime(),
            "created_by": _who(),
            "modified_by": _who(),
        },
    )


def _who() -> Dict:
    return Dict.of_system({"_id": String(), "login": String()})
