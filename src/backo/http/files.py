"""Send the files of items: the request, the decision of `backo.files.serving`, the content while it is read."""

from __future__ import annotations

from backo.errors import PreconditionError
from backo.files.refusals import ContentMissingError
from backo.files.serving import Answer, Asked, Chunks, answered
from backo.http.addresses import item_id
from backo.http.messages import Request, Response
from backo.http.problems import COMMON_HEADERS
from backo.http.refusals import RangeError
from backo.http.service import Service


def read_file(service: Service, request: Request) -> Response:
    """Give a file of an item, or the part of it that is asked for; 304 when the client has it."""
    id_, header = item_id(request, service.limits.id), request.source.header
    asked = Asked(request.method, header("Range"), header("If-Range"), header("If-None-Match"), header("If-Match"))
    answer, chunks = _opened(service, request.arguments["collection"], id_, request.arguments["path"], asked)
    if answer.status == 412:
        message = "this is not the version that If-Match names"
        raise PreconditionError(message)
    if answer.status == 416:
        raise RangeError(dict(answer.headers)["Content-Range"])
    return Response(answer.status, b"" if answer.status == 304 else chunks, (*COMMON_HEADERS, *answer.headers))


def _opened(service: Service, collection: str, id_: str, path: str, asked: Asked) -> tuple[Answer, Chunks]:
    """Decide and open; once more when somebody replaced the file in between.

    Raises:
        ContentMissingError: the item names a content that is not there.
    """
    version = service.operations.file(collection, id_, path)
    answer = answered(version, asked)
    try:
        return answer, Chunks(version, answer)
    except ContentMissingError:
        present = service.operations.file(collection, id_, path)
        if present.file_id == version.file_id:
            raise
        answer = answered(present, asked)
        return answer, Chunks(present, answer)
