"""The examples of the chapters on authentication and the current user, as the document shows them.

Slips that are mended: `check_user_token` is `token_required`; `__init__(self, obj)` of `MyCurrentUser` has a default;
the functions that the example leaves open, which find a user, are written here. Its `jwt` is a few lines of our own.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import pytest
from flask import Flask, jsonify, make_response, request
from flask.testing import FlaskClient

from backo import (
    Backoffice,
    Bool,
    Collection,
    CurrentUser,
    CurrentUserWrapper,
    DBMemoryConnector,
    Item,
    List,
    String,
    ValidationError,
    current,
    current_user,
)

pytestmark = pytest.mark.usefixtures("users")


class Tokens:
    """The part of a library for JSON Web Tokens that the chapter uses: HS256, and a time when it ends."""

    def encode(self, payload: dict[str, Any], key: str, algorithm: str) -> str:
        """Sign a payload."""
        told = payload | {"exp": int(payload["exp"].timestamp())}
        head = ".".join(_text(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, told))
        return f"{head}.{_seal(head, key)}"

    def decode(self, token: str, key: str, algorithms: list[str]) -> Any:
        """Read a payload; raises `ValueError` when it was not signed with this key, or is over."""
        head, _, seal = token.rpartition(".")
        if not hmac.compare_digest(seal.encode(), _seal(head, key).encode()):
            message = "the signature is wrong"
            raise ValueError(message)
        said, payload = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in head.split("."))
        if said["alg"] not in algorithms or payload["exp"] <= time.time():
            message = "the token is over"
            raise ValueError(message)
        return payload


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _seal(head: str, key: str) -> str:
    return _text(hmac.digest(key.encode(), head.encode(), "sha256"))


jwt = Tokens()


@pytest.fixture
def client() -> FlaskClient:
    """A client of the application that the chapter builds."""
    myapp = Backoffice("myApp")
    fields = {"login": String(), "password": String(views=["!client"]), "roles": List(String())}
    people = myapp.register_collection(Collection("people", Item(fields), DBMemoryConnector()))
    notes = Collection("notes", Item({"text": String(), "done": Bool(default=False)}), DBMemoryConnector())
    myapp.register_collection(notes)
    people.create({"login": "neil", "password": "moon", "roles": ["teamManager"]})

    def load_from_db_by_login(login: str) -> Any:
        return people.select_one({"login": login})

    def load_from_db_by_id(id_: str) -> Any:
        return people.get_by_id(id_)

    app = Flask(__name__)
    app.secret_key = "super secret key"

    @app.route("/login", methods=["POST"])
    def login() -> Any:
        d = request.json or {}
        login = d["login"]
        password = d["password"]
        user = load_from_db_by_login(login)
        if user is None or user.password != password:
            return jsonify({"message": "Invalid email or password"}), 401

        token = jwt.encode(
            {
                "exp": datetime.now(UTC) + timedelta(hours=1),
                "user_id": user._id,
            },
            "myappsecretkey",
            algorithm="HS256",
        )
        response = make_response(json.dumps({"login": "ok"}))
        response.set_cookie("jwt_token", token)
        return response

    def token_required(f: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(f)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            token = request.cookies.get("jwt_token")
            if not token:
                return jsonify({"message": "Token is missing!"}), 401
            try:
                data = jwt.decode(token, "myappsecretkey", algorithms=["HS256"])
            except Exception:  # noqa: BLE001  # as the document has it
                return jsonify({"message": "Token is invalid!"}), 401

            user = load_from_db_by_id(data["user_id"])
            current_user.set({"_id": user._id, "login": user.login, "roles": user.roles})

            return f(*args, **kwargs)

        return decorated

    @app.route("/logout")
    def logout() -> Any:
        response = make_response(json.dumps({"logout": current_user.login}))
        response.delete_cookie("jwt_token")
        return response

    myapp.build_routes(app, "", token_required)
    return app.test_client()


def test_authentication(client: FlaskClient) -> None:
    """Chapter "Authentication": who has no token is refused everywhere, who has one is the author of what it stores.

    So are values set to the current user, as "How to set values to the current_user ?" says.
    """
    for method, path in [("GET", "/myApp/_meta"), ("GET", "/myApp/notes"), ("POST", "/myApp/notes")]:
        refused = client.open(path, method=method, json={"text": "x"})
        assert (refused.status_code, refused.json) == (401, {"message": "Token is missing!"})
    assert client.options("/myApp/notes").status_code == 204

    wrong = client.post("/login", json={"login": "neil", "password": "sun"})
    assert (wrong.status_code, wrong.json) == (401, {"message": "Invalid email or password"})
    assert json.loads(client.post("/login", json={"login": "neil", "password": "moon"}).data) == {"login": "ok"}

    created = client.post("/myApp/notes", json={"text": "x"})
    assert created.status_code == 201
    note = client.get(f"/myApp/notes/{(created.json or {})['_id']}").json or {}
    assert note["_meta"]["created_by"]["login"] == "neil"
    assert client.get("/myApp/_meta").status_code == 200

    assert json.loads(client.get("/logout").data) == {"logout": "ANONYMOUS"}  # nobody was named in that request
    assert client.get("/myApp/notes").status_code == 401


@pytest.mark.parametrize("fault", ["forged", "other-key", "over"])
def test_authentication_with_a_token_that_is_wrong(client: FlaskClient, fault: str) -> None:
    """Chapter "Authentication": it is refused, as one that is over is."""
    hours = -1 if fault == "over" else 1
    key = "another key" if fault == "other-key" else "myappsecretkey"
    payload = {"exp": datetime.now(UTC) + timedelta(hours=hours), "user_id": "1"}
    client.set_cookie("jwt_token", "forged" if fault == "forged" else jwt.encode(payload, key, algorithm="HS256"))

    refused = client.get("/myApp/notes")

    assert (refused.status_code, refused.json) == (401, {"message": "Token is invalid!"})


def test_current_user() -> None:
    """Chapter "current_user", "usage": what it tells anywhere in the code, under both of its names."""
    current_user.set({"_id": "42", "login": "neil", "roles": ["teamManager"]})

    assert current_user._id == "42"
    assert current_user.login == "neil"
    assert current_user.has_role("teamManager") is True
    assert current.has_role("ADMIN") is False


def test_current_user_api() -> None:
    """Chapter "current_user API": three keys with their types, two functions."""
    assert (current_user._id, current_user.login, current_user.roles) == ("000", "ANONYMOUS", [])
    for name, value in [("_id", 1), ("login", 1), ("roles", [1])]:
        with pytest.raises(ValidationError):
            setattr(current_user, name, value)
    assert callable(current_user.has_role)
    assert callable(current_user.reset)


def test_extend_current_user() -> None:
    """Chapter "extend current_user": fields and functions of one's own."""

    class MyCurrentUser(CurrentUser):
        """A new class child of CurrentUser."""

        def __init__(self, obj: CurrentUser | None = None) -> None:
            CurrentUser.__init__(self, obj)
            self.add_to_model("email", String())

        def my_function(self) -> str:
            """Do nothing much."""
            return f"user {self.login} ({self._id})"

    current_user.reset(MyCurrentUser())

    current_user.email = "toto@titi.com"
    assert current_user.my_function() == "user ANONYMOUS (000)"
    assert current_user.email == "toto@titi.com"
    assert isinstance(current_user, CurrentUserWrapper)
    with pytest.raises(ValidationError):
        current_user.email = 5
