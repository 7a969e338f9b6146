"""Run the `curl` commands of the document, letter by letter, on an application in memory."""

import io
import mimetypes
import shlex
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from backo import Backoffice

_OPTIONS = ArgumentParser("curl")
_OPTIONS.add_argument("-X", dest="method", default="GET")
_OPTIONS.add_argument("-d", dest="data")
_OPTIONS.add_argument("-F", dest="parts", action="append", default=[])
_OPTIONS.add_argument("url")

Curl = Callable[[str], TestResponse]


def curl_for(backoffice: Backoffice, folder: Path = Path(), auth: Callable[..., Any] | None = None) -> Curl:
    """Serve a back office, and give what runs commands on it; files named after `@` are in the folder."""
    app = Flask(__name__)
    backoffice.build_routes(app, "", auth)
    client = app.test_client()

    def curl(command: str) -> TestResponse:
        program, *words = shlex.split(command)
        assert program == "curl"
        told = _OPTIONS.parse_args(words)
        path = told.url.removeprefix("http://localhost")
        if told.parts:
            form = dict(_part(one, folder) for one in told.parts)
            return client.open(path, method=told.method, data=form, content_type="multipart/form-data")
        if told.data is None:
            return client.open(path, method=told.method)
        kind = "application/x-www-form-urlencoded"  # what `curl -d` says, whatever it sends
        return client.open(path, method=told.method, data=told.data.encode(), content_type=kind)

    return curl


def _part(text: str, folder: Path) -> tuple[str, Any]:
    """Read `name=value` or `name=@file`."""
    name, _, value = text.partition("=")
    if not value.startswith("@"):
        return name, value
    filename = value[1:]
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return name, (io.BytesIO((folder / filename).read_bytes()), filename, kind)
