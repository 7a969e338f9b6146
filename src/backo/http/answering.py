"""Answer one request: the right route, the right origin, the handler; whatever fails becomes a problem."""

from __future__ import annotations

from backo.context import addressed
from backo.errors import NotFoundError
from backo.http.closing import is_offer_closed
from backo.http.messages import Request, Response
from backo.http.origins import check_origin
from backo.http.problems import COMMON_HEADERS
from backo.http.refusals import MethodError
from backo.http.routes import Resource
from backo.http.service import Service


def respond(service: Service, resource: Resource | None, request: Request) -> Response:
    """Answer a request at a resource; None is an address where there is nothing.

    Raises:
        Exception: what `backo.http.problems.problem` turns into an answer.
    """
    if resource is None:
        message = "there is nothing at this address"
        raise NotFoundError(message)
    collection = request.arguments.get("collection")
    if collection is not None:
        if collection not in service.application.collections:
            message = "there is no such collection"
            raise NotFoundError(message)
        if "path" in request.arguments and not service.operations.files(collection):
            message = "there is nothing at this address"  # no item of this collection has a file
            raise NotFoundError(message)
        resource = _open_part(service, resource, collection)
    allow, route = resource.allow, resource.routes.get(request.method)
    if is_offer_closed(service.application, resource.template, request.arguments):
        allow, route = "OPTIONS", None
    if request.method == "OPTIONS":
        return Response(204, b"", (*COMMON_HEADERS, ("Allow", allow)))
    if route is None:
        raise MethodError(request.method, allow)
    check_origin(request.method, request.source, service.application.trusted_origins)
    if not service.has_files:
        return route.handler(service, request)
    with addressed(service.application, request.root):
        return route.handler(service, request)


def _open_part(service: Service, resource: Resource, collection: str) -> Resource:
    """Give what of a resource there is in a collection: what nobody may ever do has no route."""
    key = (resource.template, collection)
    found = service.open.get(key)
    if found is None:
        found = service.open[key] = resource.of(service.application.collections[collection])
    return found
