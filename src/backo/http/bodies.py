"""Read the body of a request: its form, its size, its JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from backo import jsontext
from backo.errors import ValidationError, shown
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


def _read(source: Source, limits: Limits) -> tuple[Form, bytes]:
    content_type = (source.header("Content-Type") or "").partition(";")[0].strip().lower()
    coding = (source.header("Content-Encoding") or "identity").strip().lower()
    if coding != "identity":
        message = f"the content coding {shown(coding)} is not understood"
        raise MediaTypeError(message, hint="send the body as it is")
    if content_type in {"", _FORM}:
        text = source.read(limits.body)
        if text.strip() and text.lstrip()[:1] not in {b"{", b"["}:
            raise _not_understood(content_type)
        return Form.JSON, text
    return _form(content_type), source.read(limits.body)


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
