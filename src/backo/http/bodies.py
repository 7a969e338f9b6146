"""Read the body of a request: its form, its size, its JSON, its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from backo import jsontext
from backo.errors import ValidationError, shown
from backo.files.forms import Form as FileForm
from backo.files.multipart import MAX_BESIDE, MAX_PARTS, MULTIPART, boundary_of, read_form
from backo.files.places import Files
from backo.http.messages import Source
from backo.http.refusals import MalformedError, MediaTypeError
from backo.work.catalog import Limits

_FORM = "application/x-www-form-urlencoded"  # what `curl -d` says, whatever it sends
_MULTIPART = "multipart/"


class Form(StrEnum):
    """The forms of a body that are understood."""

    JSON = "application/json"
    JSON_PATCH = "application/json-patch+json"
    MERGE_PATCH = "application/merge-patch+json"


def read_json(source: Source, limits: Limits) -> tuple[Form, Any]:
    """Read a body that must be there: its form and its value.

    Raises:
        MediaTypeError: it is not JSON.
        TooLargeError: it has too many bytes.
        MalformedError: there is none, or it is not well-formed JSON, or nests too deep.
    """
    form, text = _read(source, limits)
    if not text.strip():
        message = "a body of JSON is expected"
        raise MalformedError(message)
    return form, _value(text, limits)


def read_optional_json(source: Source, limits: Limits) -> Any:
    """Read a body that may be left out (None then); raises as `read_json` does."""
    _, text = _read(source, limits)
    return _value(text, limits) if text.strip() else None


@contextmanager
def arriving_values(source: Source, limits: Limits, files: Files, *, optional: bool = False) -> Iterator[Any]:
    """Read what is sent for an item: JSON, or a form of which `_json` is the JSON and the other parts are files.

    Leaving the `with` block forgets what has arrived and was not kept.

    Args:
        source: of the request.
        limits: of one request.
        files: the file fields of what is sent; a form may name them.
        optional: whether there may be no body; then there is nothing, None.

    Raises:
        MediaTypeError: it is neither.
        TooLargeError: it has too many bytes, or parts.
        FileTooLargeError: a part has too many bytes, or there are too many parts.
        MalformedError: there is none, or it is not well-formed JSON, or nests too deep.
        FormError: it is not a well-formed form.
        ValidationError: a part of the form names no file field.
    """
    if not _is_form(source):
        yield read_optional_json(source, limits) if optional else read_json(source, limits)[1]
        return
    with _form_of(source, limits, files) as form:
        yield form.laid_over({} if form.json is None else _value(form.json, limits))


@contextmanager
def arriving_patch(source: Source, limits: Limits, files: Files) -> Iterator[tuple[Form, Any]]:
    """Read a patch: its form and value; in a form `_json` holds operations, and each file is one more.

    Raises as `arriving_values` does.
    """
    if not _is_form(source):
        yield read_json(source, limits)
        return
    with _form_of(source, limits, files) as form:
        sent = [] if form.json is None else _value(form.json, limits)
        yield Form.JSON_PATCH, [*(sent if isinstance(sent, list) else [sent]), *form.operations()]


def _is_form(source: Source) -> bool:
    return _media_type(source) == MULTIPART


def _form_of(source: Source, limits: Limits, files: Files) -> FileForm:
    _check_coding(source)
    boundary = boundary_of(source.header("Content-Type") or "")
    return read_form(source.stream(_most(limits, files)), boundary, files, json_size=limits.body)


def _most(limits: Limits, files: Files) -> int:
    """Count the bytes that a form may have in all: a list of files may take every part."""
    largest = [MAX_PARTS * one.field.max_size if one.many else one.field.max_size for one in files.values()]
    return limits.body + sum(largest) + MAX_BESIDE


def _read(source: Source, limits: Limits) -> tuple[Form, bytes]:
    content_type = _media_type(source)
    _check_coding(source)
    if content_type in {"", _FORM}:
        text = source.read(limits.body)
        if text.strip() and text.lstrip()[:1] not in {b"{", b"["}:
            raise _not_understood(content_type)
        return Form.JSON, text
    return _form(content_type), source.read(limits.body)


def _media_type(source: Source) -> str:
    return (source.header("Content-Type") or "").partition(";")[0].strip().lower()


def _check_coding(source: Source) -> None:
    coding = (source.header("Content-Encoding") or "identity").strip().lower()
    if coding != "identity":
        message = f"the content coding {shown(coding)} is not understood"
        raise MediaTypeError(message, hint="send the body as it is")


def _form(content_type: str) -> Form:
    if content_type in {Form.JSON_PATCH, Form.MERGE_PATCH}:
        return Form(content_type)
    if content_type == Form.JSON or (content_type.endswith("+json") and "/" in content_type):
        return Form.JSON
    raise _not_understood(content_type)


def _not_understood(content_type: str) -> MediaTypeError:
    if content_type.startswith(_MULTIPART):
        message = "a body in several parts is not understood here"
    elif content_type in {"", _FORM}:
        message = "the body is neither a JSON object nor a JSON array"
    else:
        message = f"a body of {shown(content_type)} is not understood"
    return MediaTypeError(message, hint="send JSON, with Content-Type: application/json")


def _value(text: bytes, limits: Limits) -> Any:
    try:
        return jsontext.decode_untrusted(text, max_depth=limits.depth)
    except ValidationError as error:
        raise MalformedError(error.message) from error
