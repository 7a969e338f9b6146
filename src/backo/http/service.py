"""What the handlers of one back office share, made once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from backo import jsontext
from backo.collections.actions import CompiledAction
from backo.collections.application import Application
from backo.collections.operations import Rendered, etag_of
from backo.collections.selections import CompiledSelection
from backo.schema.describe import describe_item, describe_rights


class Service:
    """One back office as handlers see it.

    Attributes:
        application: the assembled back office.
        operations: what can be asked of it.
        limits: what one request may ask for.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self.operations = application.operations
        self.limits = application.limits

    @cached_property
    def description(self) -> Rendered:
        """The description of the application (SPEC 11); it depends on the declaration alone."""
        body = jsontext.encode(describe_application(self.application))
        return Rendered(self.application.name, body, etag_of(body))


def describe_application(application: Application) -> dict[str, Any]:
    """Describe an application.

    Returns:
        `{"name": str, "collections": [{"name": str, "item": {…}, "actions": […], "selections": […]}]}`
    """
    return {
        "name": application.name,
        "collections": [
            {
                "name": name,
                "item": describe_item(collection.schema),
                "actions": [_action(one) for one in collection.actions.values()],
                "selections": [_selection(one) for one in collection.selections.values()],
            }
            for name, collection in application.collections.items()
        ],
    }


def _action(action: CompiledAction) -> dict[str, Any]:
    return {
        "name": action.name,
        "description": action.description,
        "item": describe_item(action.schema, "Action"),
        "rights": describe_rights(see=action.can_see, execute=action.can_execute),
    }


def _selection(selection: CompiledSelection) -> dict[str, Any]:
    return {
        "name": selection.name,
        "description": selection.description,
        "selectors": None if selection.selectors is None else list(selection.selectors),
        "rights": describe_rights(read=selection.can_read),
    }
