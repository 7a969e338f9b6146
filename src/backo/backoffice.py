"""The back office that users declare: an application with routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backo.collections.application import Application


class Backoffice(Application):
    """A back office: collections, their references, and a REST application over them."""

    def build_routes(self, flask: Any, prefix: str = "", auth: Callable[..., Any] | None = None) -> None:
        """Add the routes of this back office to a Flask application.

        Args:
            flask: the application, a `flask.Flask`.
            prefix: what stands before the name of the back office in all addresses.
            auth: called before each request without a parameter (what it returns, if anything, is
                the answer), or a decorator of one parameter. It guards every route.

        Raises:
            DefinitionError: a declaration is wrong.
        """
        from backo.http.flask import build_routes  # noqa: PLC0415  # Flask is needed only here

        self.assemble()
        build_routes(self, flask, prefix, auth)
