"""Know who is asking: a login that hands out a signed token in a cookie, and a guard that reads it.

Authentication is the application's own; the back office only wants `current_user` to be set.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import jwt
import msgspec
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from backo import SYSTEM, Collection, NotFoundError, QueryError, acting_as, current_user
from examples.media_library.passwords import is_password_of

View: TypeAlias = Callable[..., ResponseReturnValue]

COOKIE = "jwt_token"
LASTS = timedelta(hours=1)
VARIABLE = "MEDIA_LIBRARY_SECRET"
_ALGORITHM = "HS256"
_KEY_LENGTH = 32  # as many bytes as the hash has
_LONGEST_BODY = 10_000  # bytes
_NEW, _FOR_THE_OWNER = os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600


def secret_key(folder: Path) -> str:
    """Give the key that signs tokens: of the environment, else of a file that is made once.

    Args:
        folder: where the file is.

    Raises:
        ValueError: it is too short to be kept secret.
    """
    path = folder / "secret.key"
    key, source = os.environ.get(VARIABLE), VARIABLE
    if key is None:
        with suppress(FileExistsError), os.fdopen(os.open(path, _NEW, _FOR_THE_OWNER), "w") as file:
            file.write(secrets.token_hex(_KEY_LENGTH))
        key, source = path.read_text("utf-8"), str(path)
    if len(key) < _KEY_LENGTH:
        raise ValueError(f"{source} must have at least {_KEY_LENGTH} characters")
    return key


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody sends who logs in."""

    login: str
    password: str


@dataclass(frozen=True, slots=True)
class Door:
    """Lets users in.

    Attributes:
        users: have a `login`, a `password` and `roles`.
        key: signs the tokens.
    """

    users: Collection
    key: str

    def login(self) -> ResponseReturnValue:
        """Compare the password, and hand out a token; at this point `current_user` is nobody."""
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return refusal(403, "A page of another site may not log anybody in")
        request.max_content_length = _LONGEST_BODY
        try:
            given = msgspec.json.decode(request.get_data(), type=Credentials)
        except ValueError:
            return refusal(400, 'Send {"login": "...", "password": "..."}')
        user = self.user_called(given.login)
        if not is_password_of(user, given.password):
            return refusal(401, "Invalid login or password")
        response = jsonify({"login": "ok"})
        response.set_cookie(
            COOKIE,
            token_of(user._id, self.key),
            max_age=LASTS,
            httponly=True,  # no script reads it
            samesite="Lax",  # no form of another site sends it
            secure=request.is_secure,
        )
        return response

    def user_called(self, login: str) -> Any:
        """Find a user, whom nobody may read yet; None when there is none."""
        with acting_as(SYSTEM):
            try:
                return self.users.select_one({"login": login})
            except QueryError:  # no login can look like this
                return None

    def logout(self) -> ResponseReturnValue:
        """Drop the token."""
        response = jsonify({"logout": "ok"})
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
        return response

    def token_required(self, view: View) -> View:
        """Let a view be reached with a token only, as the user that it names."""

        @wraps(view)
        def decorated(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            token = request.cookies.get(COOKIE)
            if not token:
                return refusal(401, "Token is missing! Log in with POST /login")
            try:
                with acting_as(SYSTEM):
                    user: Any = self.users.get_by_id(read_token(token, self.key))
            except jwt.ExpiredSignatureError:
                return refusal(401, "Token has expired! Log in again")
            except (jwt.PyJWTError, NotFoundError):  # forged, or of somebody who is gone
                return refusal(401, "Token is invalid! Log in again")
            current_user.set({"_id": user._id, "login": user.login, "roles": list(user.roles)})
            return view(*args, **kwargs)

        return decorated


def token_of(user_id: str, key: str) -> str:
    """Sign who somebody is, for a while."""
    return jwt.encode({"sub": user_id, "exp": datetime.now(UTC) + LASTS}, key, algorithm=_ALGORITHM)


def read_token(token: str, key: str) -> str:
    """Give the `_id` of the user that a token names.

    Raises:
        jwt.PyJWTError: it is not one of ours, or no longer good.
    """
    claims = jwt.decode(token, key, algorithms=[_ALGORITHM], options={"require": ["exp", "sub"]})
    return str(claims["sub"])


def add_login(app: Flask, users: Collection, key: str) -> Callable[[View], View]:
    """Add the routes `POST /login` and `POST /logout` to an application.

    Args:
        app: the application.
        users: those who can log in.
        key: signs the tokens.

    Returns:
        The decorator for `build_routes`, which lets in who has a token.
    """
    door = Door(users, key)
    app.add_url_rule("/login", view_func=door.login, methods=["POST"])
    app.add_url_rule("/logout", view_func=door.logout, methods=["POST"])
    return door.token_required


def refusal(status: int, message: str) -> ResponseReturnValue:
    """Say no."""
    return jsonify({"message": message}), status
