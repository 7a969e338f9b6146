"""THE table of routes: what can be asked, how, and who answers (SPEC 10).

Everything that knows the routes is made from this table: the rules of a web framework, `Allow`,
`OPTIONS`, the description of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from backo.http import files, handlers
from backo.http.messages import Request, Response
from backo.http.service import Service

Handler: TypeAlias = Callable[[Service, Request], Response]


class Body(StrEnum):
    """Whether a route takes a body of JSON."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked.

    Attributes:
        template: below the address of the back office; `{collection}`, `{id}` and `{name}` vary, and
            `{path}`, the rest of an address with its slashes.
        methods: those it answers to; HEAD comes with GET.
        handler: who answers; its name names the operation.
        summary: a sentence for people.
        body: whether it takes a body.
    """

    template: str
    methods: tuple[str, ...]
    handler: Handler
    summary: str
    body: Body = Body.NONE


# Those with fixed words come before those that vary in the same place.
ROUTES: tuple[Route, ...] = (
    Route("/_meta", ("GET",), handlers.describe_application, "Describe the application."),
    Route("/{collection}", ("GET",), handlers.list_items, "List items."),
    Route("/{collection}", ("POST",), handlers.create_item, "Create an item.", Body.REQUIRED),
    Route("/{collection}/_check", ("GET", "POST"), handlers.check_field, "Judge one field.", Body.REQUIRED),
    Route("/{collection}/_selections/{name}", ("GET",), handlers.select_items, "List a selection."),
    Route("/{collection}/_selections/{name}", ("POST",), handlers.select_items, "Filter a selection.", Body.OPTIONAL),
    Route("/{collection}/{id}", ("GET",), handlers.read_item, "Read an item."),
    Route("/{collection}/{id}", ("PUT",), handlers.change_item, "Merge values into an item.", Body.REQUIRED),
    Route("/{collection}/{id}", ("PATCH",), handlers.patch_item, "Patch an item.", Body.REQUIRED),
    Route("/{collection}/{id}", ("DELETE",), handlers.delete_item, "Delete an item."),
    Route("/{collection}/{id}/{path}", ("GET",), files.read_file, "Read a file of an item."),
)


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


def resources(routes: Iterable[Route] = ROUTES) -> tuple[Resource, ...]:
    """Gather the routes that share a template, in the order of the table."""
    gathered: dict[str, dict[str, Route]] = {}
    for route in routes:
        known = gathered.setdefault(route.template, {})
        known |= dict.fromkeys(route.methods, route)
        if "GET" in known:
            known.setdefault("HEAD", known["GET"])
    return tuple(
        Resource(template, _pattern(template), known, ", ".join([*known, "OPTIONS"]))
        for template, known in gathered.items()
    )


def _pattern(template: str) -> re.Pattern[str]:
    """Read the variable parts of a template; what is below a fixed word, which begins with `_`, is no file."""
    pattern = template.replace("/{id}/{path}", r"/(?P<id>[^/_][^/]*)/(?P<path>[^/][\s\S]*?)")
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern) + "/?")


RESOURCES = resources()


def find(path: str) -> tuple[Resource, dict[str, str]] | None:
    """Find what a decoded path below the back office names (`"/users/42"`): its template and variable parts."""
    for resource in RESOURCES:
        match = resource.pattern.fullmatch(path)
        if match is not None:
            return resource, match.groupdict()
    return None
