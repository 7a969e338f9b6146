"""The application that serves a media library: its own login, and the routes of the back office."""

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from backo import Backoffice
from examples.media_library.login import add_login, refusal


def build_app(backoffice: Backoffice, key: str) -> Flask:
    """Build the application.

    Args:
        backoffice: the library.
        key: signs the tokens of those who are logged in.
    """
    app = Flask("media_library")

    @app.errorhandler(HTTPException)
    def tell(error: HTTPException) -> ResponseReturnValue:
        """Answer in JSON where there is no route, too."""
        return refusal(error.code or 500, error.description or error.name)

    backoffice.build_routes(app, "", add_login(app, backoffice.users, key))
    return app
