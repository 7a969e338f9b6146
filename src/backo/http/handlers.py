"""Answer requests: one function per route, from `Request` to `Response`."""

from __future__ import annotations

from typing import Any, TypeAlias

from backo import jsontext
from backo.collections.operations import Page, Rendered
from backo.errors import PreconditionError, ValidationError
from backo.http.addresses import Pairs, address_of, following_query, item_id, pairs_of, single
from backo.http.bodies import Form, arriving_patch, arriving_values, read_json, read_optional_json
from backo.http.conditional import is_known, wanted_version
from backo.http.messages import Header, Request, Response
from backo.http.problems import COMMON_HEADERS
from backo.http.service import Service
from backo.query.strings import CLIENT_VIEW, view_name

Headers: TypeAlias = tuple[Header, ...]

_JSON: Headers = (("Content-Type", "application/json"), *COMMON_HEADERS)


def read_item(service: Service, request: Request) -> Response:
    """Give one item; 304 when the client has it."""
    id_ = item_id(request, service.limits.id)
    return _conditionally(request, service.operations.read(request.arguments["collection"], id_, _view(request)))


def list_items(service: Service, request: Request) -> Response:
    """Give one page of the items that the query string asks for."""
    pairs = pairs_of(request.query)
    return _page(request, pairs, service.operations.list(request.arguments["collection"], pairs))


def select_items(service: Service, request: Request) -> Response:
    """Give one page of a selection, narrowed by the query string and by a filter in the body."""
    pairs = pairs_of(request.query)
    filter_ = read_optional_json(request.source, service.limits) if request.method == "POST" else None
    name = request.arguments["name"]
    return _page(request, pairs, service.operations.select(request.arguments["collection"], name, pairs, filter_))


def create_item(service: Service, request: Request) -> Response:
    """Create an item."""
    collection = request.arguments["collection"]
    with arriving_values(request.source, service.limits, service.operations.files(collection)) as values:
        made = service.operations.create(collection, values, _view(request))
    return _item(201, made, ("Location", address_of(request.root, collection, made.id)))


def change_item(service: Service, request: Request) -> Response:
    """Merge what is sent into an item."""
    id_ = item_id(request, service.limits.id)
    collection, matches = request.arguments["collection"], wanted_version(request.source)
    with arriving_values(request.source, service.limits, service.operations.files(collection)) as values:
        return _item(200, service.operations.change(collection, id_, values, matches, _view(request)))


def patch_item(service: Service, request: Request) -> Response:
    """Apply patch operations, or a merge patch, to an item."""
    id_ = item_id(request, service.limits.id)
    collection, matches = request.arguments["collection"], wanted_version(request.source)
    with arriving_patch(request.source, service.limits, service.operations.files(collection)) as (form, patch):
        apply = service.operations.merge if form is Form.MERGE_PATCH else service.operations.patch
        return _item(200, apply(collection, id_, patch, matches, _view(request)))


def delete_item(service: Service, request: Request) -> Response:
    """Delete an item."""
    id_ = item_id(request, service.limits.id)
    matches = wanted_version(request.source)
    service.operations.delete(request.arguments["collection"], id_, matches, _view(request))
    return Response(204, b"", COMMON_HEADERS)


def run_action(service: Service, request: Request) -> Response:
    """Run an action on an item, with the parameters in the body."""
    collection, name = request.arguments["collection"], request.arguments["name"]
    id_ = item_id(request, service.limits.id)
    files, matches = service.operations.files_of_action(collection, name), wanted_version(request.source)
    with arriving_values(request.source, service.limits, files, optional=True) as values:
        result = service.operations.run_action(collection, name, id_, values, matches=matches, view=_view(request))
    if isinstance(result, Rendered):
        return _item(200, result)
    return Response(200, b"null" if result is None else result, _JSON)


def check_field(service: Service, request: Request) -> Response:
    """Judge one field of a partial item: `{"item": {…}, "path": "$.…"}`."""
    _, asked = read_json(request.source, service.limits)
    if not isinstance(asked, dict) or not isinstance(path := asked.get("path", "$"), str):
        message = 'the body is an object {"item": {…}, "path": "$.…"}'
        raise ValidationError(message)
    error = service.operations.check(request.arguments["collection"], asked.get("item"), path)
    return Response(200, jsontext.encode({"error": error}), _JSON)


def describe_collection(service: Service, request: Request) -> Response:
    """Describe a collection as it is for the user and the partial item that he sends."""
    item = read_optional_json(request.source, service.limits)
    described = service.operations.describe(request.arguments["collection"], {} if item is None else item)
    return Response(200, jsontext.encode(described), _JSON)


def describe_application(service: Service, request: Request) -> Response:
    """Describe the collections and what their items are made of."""
    return _conditionally(request, service.description)


def _view(request: Request) -> str:
    """Give the view in which an item is asked for; other keys of the query string say nothing about one item."""
    if not request.query:
        return CLIENT_VIEW
    view = single(pairs_of(request.query), "_view")
    return CLIENT_VIEW if view is None else view_name(view)


def _conditionally(request: Request, found: Rendered) -> Response:
    """Give what was found, unless the client has it (304) or wanted another version (412)."""
    if is_known(request.source, found.etag):
        return Response(304, b"", (*COMMON_HEADERS, ("ETag", f'"{found.etag}"')))
    if request.source.header("If-Match") is not None:
        matches = wanted_version(request.source)
        if matches is not None and not matches(found.etag):
            message = "this is not the version that If-Match names"
            raise PreconditionError(message)
    return _item(200, found)


def _item(status: int, found: Rendered, *headers: Header) -> Response:
    return Response(status, found.body, (*_JSON, ("ETag", f'"{found.etag}"'), *headers))


def _page(request: Request, pairs: Pairs, page: Page) -> Response:
    """Write a page; the rows are JSON text already."""
    shown: dict[str, Any] = {} if page.total is None else {"total": page.total}
    shown |= {"_view": page.view, "_skip": page.skip, "_page": page.size}
    body = b'{"result":[%b],%b' % (b",".join(page.rows), jsontext.encode(shown)[1:])
    headers = _JSON
    if page.total is not None:
        headers = (*headers, ("X-Total-Count", str(page.total)))
    if page.next is not None:
        headers = (*headers, ("Link", f'<{_following(request, pairs, page.next)}>; rel="next"'))
    return Response(200, body, headers)


def _following(request: Request, pairs: Pairs, start: tuple[str, str]) -> str:
    parts = [request.arguments["collection"]]
    if "name" in request.arguments:
        parts += ["_selections", request.arguments["name"]]
    return f"{address_of(request.root, *parts)}?{following_query(request.query, pairs, start)}"
