"""What the handlers of one back office share, made once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from backo import jsontext
from backo.collections.application import Application
from backo.collections.describing import describe_collection
from backo.collections.operations import Rendered, etag_of

if TYPE_CHECKING:
    from backo.http.routes import Resource


class Service:
    """One back office as handlers see it.

    Attributes:
        application: the assembled back office.
        operations: what can be asked of it.
        limits: what one request may ask for.
        has_files: whether items can have files, whose addresses are shown.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self.operations = application.operations
        self.limits = application.limits
        self.open: dict[tuple[str, str], Resource] = {}  # by template and collection, see `backo.http.answering`
        self.has_files = any(self.operations.files(name) for name in application.collections)

    @cached_property
    def description(self) -> Rendered:
        """The description of the application (SPEC 11); it depends on the declaration alone."""
        body = jsontext.encode(describe_application(self.application))
        return Rendered(self.application.name, body, etag_of(body))


def describe_application(application: Application) -> dict[str, Any]:
    """Describe an application: `{"name": str, "collections": [{"name": str, "item": {…}, …}]}`."""
    return {
        "name": application.name,
        "collections": [describe_collection(one) for one in application.collections.values()],
    }
