"""THE table of routes: what can be asked, how, and who answers (SPEC 10).

Everything that knows the routes is made from this table: the rules of a web framework, `Allow`,
`OPTIONS`, the description of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from backo.http import files, handlers
from backo.http.messages import Request, Response
from backo.http.service import Service

Handler: TypeAlias = Callable[[Service, Request], Response]


class Body(StrEnum):
    """Whether a route takes a body of JSON."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Gate(StrEnum):
    """The right without which a route does nothing; where the declaration says False there is no such route."""

    READ = "read"
    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"
    ACTION = "action"  # the rights that the action declares, to see and to execute it
    FORM = "form"  # judges what is sent and reads nothing; for those collections whose items can be written
    DESCRIPTION = "description"  # tells the declaration, and what it means for the user


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked.

    Attributes:
        template: below the address of the back office; `{collection}`, `{id}` and `{name}` vary, and
            `{path}`, the rest of an address with its slashes.
        methods: those it answers to; HEAD comes with GET.
        gate: the right that it asks.
        handler: who answers; its name names the operation.
        summary: a sentence for people.
        body: whether it takes a body.
    """

    template: str
    methods: tuple[str, ...]
    gate: Gate
    handler: Handler
    summary: str
    body: Body = Body.NONE


# Those with fixed words come before those that vary in the same place.
ROUTES: tuple[Route, ...] = (
    Route("/_meta", ("GET",), Gate.DESCRIPTION, handlers.describe_application, "Describe the application."),
    Route("/{collection}", ("GET",), Gate.READ, handlers.list_items, "List items."),
    Route("/{collection}", ("POST",), Gate.CREATE, handlers.create_item, "Create an item.", Body.REQUIRED),
    Route("/{collection}/_check", ("GET", "POST"), Gate.FORM, handlers.check_field, "Judge one field.", Body.REQUIRED),
    Route(
        "/{collection}/_meta",
        ("POST",),
        Gate.DESCRIPTION,
        handlers.describe_collection,
        "Describe a collection as it is for the user.",
        Body.OPTIONAL,
    ),
    Route("/{collection}/_selections/{name}", ("GET",), Gate.READ, handlers.select_items, "List a selection."),
    Route(
        "/{collection}/_selections/{name}",
        ("POST",),
        Gate.READ,
        handlers.select_items,
        "Filter a selection.",
        Body.OPTIONAL,
    ),
    Route(
        "/{collection}/_actions/{name}/{id}",
        ("POST",),
        Gate.ACTION,
        handlers.run_action,
        "Run an action on an item.",
        Body.OPTIONAL,
    ),
    Route("/{collection}/{id}", ("GET",), Gate.READ, handlers.read_item, "Read an item."),
    Route("/{collection}/{id}", ("PUT",), Gate.MODIFY, handlers.change_item, "Merge into an item.", Body.REQUIRED),
    Route("/{collection}/{id}", ("PATCH",), Gate.MODIFY, handlers.patch_item, "Patch an item.", Body.REQUIRED),
    Route("/{collection}/{id}", ("DELETE",), Gate.DELETE, handlers.delete_item, "Delete an item."),
    Route("/{collection}/{id}/{path}", ("GET",), Gate.READ, files.read_file, "Read a file of an item."),
)


_RIGHTS: Mapping[Gate, tuple[str, ...]] = {
    Gate.READ: ("can_read",),
    Gate.CREATE: ("can_create",),
    Gate.MODIFY: ("can_modify",),
    Gate.DELETE: ("can_delete",),
    Gate.ACTION: (),
    Gate.FORM: ("can_create", "can_modify"),
    Gate.DESCRIPTION: (),
}


def is_closed(gate: Gate, collection: Any) -> bool:
    """Tell whether a collection declares that nobody may ever pass a gate."""
    rights = [getattr(collection, name) for name in _RIGHTS[gate]]
    return bool(rights) and all(right is False for right in rights)


@dataclass(frozen=True, slots=True)
class Resource:
    """All that can be asked at one template.

    Attributes:
        template: as in its routes.
        pattern: reads the variable parts of a decoded path; a slash at its end does not matter.
        routes: by method.
        allow: what the header `Allow` lists.
    """

    template: str
    pattern: re.Pattern[str]
    routes: Mapping[str, Route]
    allow: str

    def of(self, collection: Any) -> Resource:
        """Give what of it there is in a collection."""
        closed = {method for method, route in self.routes.items() if is_closed(route.gate, collection)}
        if not closed:
            return self
        return _resource(self.template, {name: one for name, one in self.routes.items() if name not in closed})


def _resource(template: str, routes: Mapping[str, Route]) -> Resource:
    return Resource(template, _pattern(template), routes, ", ".join([*routes, "OPTIONS"]))


def resources(routes: Iterable[Route] = ROUTES) -> tuple[Resource, ...]:
    """Gather the routes that share a template, in the order of the table."""
    gathered: dict[str, dict[str, Route]] = {}
    for route in routes:
        known = gathered.setdefault(route.template, {})
        known |= dict.fromkeys(route.methods, route)
        if "GET" in known:
            known.setdefault("HEAD", known["GET"])
    return tuple(_resource(template, known) for template, known in gathered.items())


def _pattern(template: str) -> re.Pattern[str]:
    """Read the variable parts of a template; what is below a fixed word, which begins with `_`, is no file."""
    pattern = template.replace("/{id}/{path}", r"/(?P<id>[^/_][^/]*)/(?P<path>[^/][\s\S]*?)")
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern) + "/?")


RESOURCES = resources()
_WITHOUT_WORDS = tuple(one for one in RESOURCES if "/_" not in one.template)  # those of most requests


def find(path: str) -> tuple[Resource, dict[str, str]] | None:
    """Find what a decoded path below the back office names (`"/users/42"`): its template and variable parts."""
    for resource in RESOURCES if "/_" in path else _WITHOUT_WORDS:
        match = resource.pattern.fullmatch(path)
        if match is not None:
            return resource, match.groupdict()
    return None
