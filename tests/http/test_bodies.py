import re
from typing import Any

import pytest

from backo.http.bodies import Form, read_json, read_optional_json
from backo.http.refusals import MalformedError, MediaTypeError, TooLargeError
from backo.work.catalog import Limits
from tests.http.fakes import FakeSource

LIMITS = Limits(body=100, depth=3)


def source(body: bytes, content_type: str | None = "application/json", **headers: str) -> FakeSource:
    """Give a request with a body."""
    known = {} if content_type is None else {"Content-Type": content_type}
    return FakeSource({**known, **headers}, body)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/json", Form.JSON),
        ("application/json; charset=utf-8", Form.JSON),
        ("Application/JSON ;charset=UTF-8", Form.JSON),
        ("application/vnd.shop.user+json", Form.JSON),
        ("application/json-patch+json", Form.JSON_PATCH),
        ("application/merge-patch+json; charset=utf-8", Form.MERGE_PATCH),
        ("application/x-www-form-urlencoded", Form.JSON),
        ("", Form.JSON),
        (None, Form.JSON),
    ],
)
@pytest.mark.parametrize("body", [b'{"a": [1]}', b' \n{"a": [1]}'])
def test_forms(content_type: str | None, form: Form, body: bytes) -> None:
    """JSON is known by its content type, or where there is none by how it begins."""
    assert read_json(source(body, content_type), LIMITS) == (form, {"a": [1]})


@pytest.mark.parametrize(
    ("body", "content_type", "word"),
    [
        (b"{}", "text/plain", "'text/plain'"),
        (b"{}", "application/xml", "'application/xml'"),
        (b"{}", "+json", "'+json'"),
        (b"{}", "json", "'json'"),
        (b"{}", "multipart/form-data; boundary=x", "several parts"),
        (b"name=Jo", "application/x-www-form-urlencoded", "neither"),
        (b"12", None, "neither"),
        (b'"a"', "", "neither"),
        (b"\x00\x01", None, "neither"),
    ],
)
def test_forms_that_nobody_reads(body: bytes, content_type: str | None, word: str) -> None:
    """Anything else is refused with a text that says what to send."""
    with pytest.raises(MediaTypeError, match=re.escape(word)) as refused:
        read_json(source(body, content_type), LIMITS)

    assert "application/json" in (refused.value.hint or "")


def test_a_form_that_nobody_reads_is_not_read() -> None:
    """A body of another form is refused before its first byte is read."""
    endless = source(b"x" * 101, "text/plain")

    with pytest.raises(MediaTypeError):
        read_json(endless, LIMITS)


@pytest.mark.parametrize(("coding", "fits"), [("identity", True), ("", True), ("gzip", False), ("br, gzip", False)])
def test_content_codings(coding: str, fits: bool) -> None:
    """Nothing is decompressed."""
    body = source(b"{}", **{"Content-Encoding": coding}) if coding else source(b"{}")

    if fits:
        assert read_json(body, LIMITS) == (Form.JSON, {})
    else:
        with pytest.raises(MediaTypeError, match="coding"):
            read_json(body, LIMITS)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="blank"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"{}{}", id="two"),
        pytest.param(b"{'a': 1}", id="quotes"),
        pytest.param(b'{"a": NaN}', id="nan"),
        pytest.param(b'{"a": 1e999}', id="infinite"),
        pytest.param(b'{"a": "\xff"}', id="not-utf-8"),
        pytest.param(b'{"a": "\\ud800"}', id="half-a-surrogate-pair"),
        pytest.param(b'{"a": [[[]]]}', id="deep"),
        pytest.param(b"[" * 100, id="very-deep"),
    ],
)
def test_malformed_bodies(body: bytes) -> None:
    """What is not JSON is malformed, and so is what nests too deep."""
    with pytest.raises(MalformedError):
        read_json(source(body), LIMITS)


@pytest.mark.parametrize("content_type", ["application/json", None])
def test_too_much(content_type: str | None) -> None:
    """A body may have so many bytes and no more."""
    fits = b'{"a": "' + b"x" * 91 + b'"}'
    assert len(fits) == 100

    assert read_json(source(fits, content_type), LIMITS)[1]["a"] == "x" * 91
    with pytest.raises(TooLargeError):
        read_json(source(fits + b" ", content_type), LIMITS)


@pytest.mark.parametrize(
    ("body", "value"), [(b"", None), (b" ", None), (b"null", None), (b"{}", {}), (b'{"a": 1}', {"a": 1})]
)
def test_bodies_that_may_be_left_out(body: bytes, value: Any) -> None:
    """Nothing is None."""
    assert read_optional_json(source(body), LIMITS) == value


def test_a_body_that_may_be_left_out_still_has_to_be_json() -> None:
    """What is sent must fit."""
    with pytest.raises(MediaTypeError):
        read_optional_json(source(b"x", "text/plain"), LIMITS)
    with pytest.raises(MalformedError):
        read_optional_json(source(b"{"), LIMITS)
