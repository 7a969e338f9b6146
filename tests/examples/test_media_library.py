"""The media library as its users meet it: who gets in, what is lent, who sees what; and as a process."""

import json
import signal
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from backo import SYSTEM, Backoffice, acting_as
from examples.media_library.app import build_app
from examples.media_library.data import cover, fill, password_of
from examples.media_library.lending import in_three_weeks, today
from examples.media_library.login import COOKIE, VARIABLE, secret_key, token_of
from examples.media_library.model import build_backoffice
from tests.examples.test_commands import served

KEY = "a key that signs the tokens of these tests"
BOOKS = "/media_library/books"
USERS = "/media_library/users"

LogIn = Callable[[str], FlaskClient]


@pytest.fixture
def backoffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backoffice]:
    """A library with its data, in a folder; its passwords are hashed in no time."""
    monkeypatch.setattr(
        "examples.media_library.passwords.generate_password_hash",
        lambda password: generate_password_hash(password, "pbkdf2:sha256:1"),
    )
    found = build_backoffice(tmp_path)
    fill(found)
    yield found
    found.close()


@pytest.fixture
def app(backoffice: Backoffice) -> Flask:
    """The application that serves it."""
    return build_app(backoffice, KEY)


@pytest.fixture
def log_in(app: Flask) -> LogIn:
    """Log somebody in, with a client that keeps the cookie."""

    def log_in(login: str) -> FlaskClient:
        client = app.test_client()
        assert client.post("/login", json={"login": login, "password": password_of(login)}).status_code == 200
        return client

    return log_in


def shown(client: FlaskClient, path: str) -> Any:
    """Give what is answered."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.json
    return answer.json


# Who gets in.


def test_the_cookie(app: Flask) -> None:
    """A login hands out a token that no script reads and no other site sends; over TLS, only there."""
    body = {"login": "lang", "password": "lang-library"}
    plain, secure = (app.test_client().post("/login", json=body, base_url=f"{one}://shop") for one in ("http", "https"))

    assert (plain.status_code, plain.json) == (200, {"login": "ok"})
    attributes = [one.headers["Set-Cookie"].split("; ") for one in (plain, secure)]
    assert all({"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"} <= set(one) for one in attributes)
    assert ["Secure" in one for one in attributes] == [False, True]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"login": "lang", "password": "lang-Library"}', 401),
        ('{"login": "nobody", "password": "lang-library"}', 401),
        ('{"login": "\\u0000", "password": "lang-library"}', 401),
        ('{"login": "lang"}', 400),
        ('{"login": "lang", "password": null}', 400),
        ('{"login": {"$ne": 1}, "password": "lang-library"}', 400),
        ('{"login": "lang", "password": "\\ud800"}', 400),
        ("[" * 5000, 400),
        ("", 400),
        (json.dumps({"login": "lang", "password": "x" * 20_000}), 413),
    ],
    ids=["password", "login", "nul", "missing", "null", "filter", "surrogate", "deep", "empty", "long"],
)
def test_a_login_that_is_refused(app: Flask, body: str, status: int) -> None:
    """It gives no token, and says in JSON what it wants, not who there is."""
    answer = app.test_client().post("/login", data=body)

    assert answer.status_code == status
    assert "Set-Cookie" not in answer.headers
    assert set(answer.get_json()) == {"message"}
    if status == 401:
        assert answer.json == {"message": "Invalid login or password"}


def test_a_login_from_another_site(app: Flask) -> None:
    """A page of another site logs nobody in."""
    body = {"login": "lang", "password": "lang-library"}
    answer = app.test_client().post("/login", json=body, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


def test_without_a_token(app: Flask) -> None:
    """Nothing of the library is told; what is nowhere is said in JSON too."""
    client = app.test_client()

    for method, path in [
        ("GET", BOOKS),
        ("GET", "/media_library/_meta"),
        ("POST", USERS),
        ("GET", f"{BOOKS}/666/cover"),
    ]:
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.json) == (401, {"message": "Token is missing! Log in with POST /login"})
    assert client.get("/nowhere").status_code == 404
    assert client.get("/login").status_code == 405
    assert client.get("/login").is_json


def test_logging_out(log_in: LogIn) -> None:
    """The token is gone."""
    client = log_in("lang")

    assert client.post("/logout").json == {"logout": "ok"}

    assert client.get_cookie(COOKIE) is None
    assert client.get(BOOKS).status_code == 401


def signed(**claims: Any) -> str:
    """Sign these claims with the right key."""
    return jwt.encode(claims, KEY, algorithm="HS256")


def _later(**difference: float) -> datetime:
    return datetime.now(UTC) + timedelta(**difference)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (lambda: signed(sub="ada", exp=_later(seconds=-1)), "Token has expired! Log in again"),
        (lambda: signed(sub="ada"), "Token is invalid! Log in again"),
        (lambda: signed(exp=_later(hours=1)), "Token is invalid! Log in again"),
        (lambda: signed(sub="nobody", exp=_later(hours=1)), "Token is invalid! Log in again"),
        (lambda: token_of("ada", KEY + "!"), "Token is invalid! Log in again"),
        (lambda: token_of("ada", KEY)[:-2], "Token is invalid! Log in again"),
        (lambda: jwt.encode({"sub": "ada", "exp": _later(hours=1)}, None, "none"), "Token is invalid! Log in again"),
        (lambda: "forged", "Token is invalid! Log in again"),
    ],
    ids=["expired", "endless", "nameless", "unknown", "other-key", "cut", "unsigned", "no-token"],
)
def test_a_token_that_is_not_good(app: Flask, token: Callable[[], str], message: str) -> None:
    """It is refused."""
    client = app.test_client()
    client.set_cookie(COOKIE, token())

    answer = client.get(BOOKS)

    assert (answer.status_code, answer.json) == (401, {"message": message})


def test_rights_are_those_of_now(log_in: LogIn) -> None:
    """A role that is taken away, or a user who is gone, counts at once, whatever the token says."""
    ada, martin = log_in("ada"), log_in("martin")
    assert martin.post("/media_library/authors", json={"name": "Me"}).status_code == 403

    ada.put(f"{USERS}/martin", json={"roles": ["EMPLOYEE"]})
    assert martin.post("/media_library/authors", json={"name": "Me"}).status_code == 201
    assert ada.delete(f"{USERS}/martin").status_code == 204

    assert martin.get(BOOKS).status_code == 401


# Users.


def test_passwords_are_kept_as_hashes(backoffice: Backoffice, app: Flask, log_in: LogIn) -> None:
    """What is sent is hashed once, opens the door, and neither it nor its hash is ever shown."""
    ada = log_in("ada")
    created = ada.post(USERS, json={"login": "zoe", "name": "Zoe", "password": "zoes first one"})
    assert created.status_code == 201
    assert (created.json or {})["roles"] == ["READER"]

    zoe = app.test_client()
    assert zoe.post("/login", json={"login": "zoe", "password": "zoes first one"}).status_code == 200
    assert zoe.put(f"{USERS}/zoe", json={"name": "Zoe Z.", "password": "zoes second one"}).status_code == 200
    assert [
        zoe.post("/login", json={"login": "zoe", "password": f"zoes {which} one"}).status_code
        for which in ("first", "second")
    ] == [401, 200]

    with acting_as(SYSTEM):
        kept = backoffice.users.get_by_id("zoe").password
    assert kept.startswith("pbkdf2:")
    answers = [ada.get(f"{USERS}{path}").text for path in ("", "/zoe", "/zoe?_view=+save")]
    answers += [ada.post(f"{USERS}/_selections/_all").text, created.text]
    assert not any("pbkdf2" in text or '"password"' in text for text in answers)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"password": "short"}, "$.password"),
        ({"password": None}, "$.password"),
        ({"roles": ["BOSS"]}, "$.roles[0]"),
        ({"roles": []}, "$.roles"),
        ({"login": "Zoe"}, "$.login"),
        ({"login": "zoe\n"}, "$.login"),
    ],
)
def test_a_user_who_cannot_be(log_in: LogIn, values: dict[str, Any], path: str) -> None:
    """The field is named."""
    body = {"login": "zoe", "name": "Zoe", "password": "zoes-library", **values}

    answer = log_in("ada").post(USERS, json=body)

    assert answer.status_code == 422
    assert [one["path"] for one in (answer.json or {})["errors"]] == [path]


def test_what_users_may_do_with_users(log_in: LogIn) -> None:
    """A reader sees and changes himself alone, and not his roles; remarks about him are not for him."""
    lang, wallrich = log_in("lang"), log_in("wallrich")

    assert [one["_id"] for one in shown(lang, USERS)["result"]] == ["lang"]
    assert lang.get(f"{USERS}/martin").status_code == 403
    assert "remarks" not in shown(lang, f"{USERS}/lang")
    assert shown(wallrich, f"{USERS}/lang")["remarks"] == "often late"
    assert lang.put(f"{USERS}/lang", json={"roles": ["ADMIN"]}).status_code == 403
    assert lang.put(f"{USERS}/martin", json={"password": "known to me"}).status_code == 403
    assert wallrich.post(USERS, json={"login": "x1", "name": "X", "password": "x" * 9}).status_code == 403


# Books.


def test_lists(log_in: LogIn) -> None:
    """Books are found by their fields and by their authors; who is a reader finds no withdrawn ones."""
    lang, wallrich = log_in("lang"), log_in("wallrich")

    def found(client: FlaskClient, query: str) -> list[str]:
        return [one["_id"] for one in shown(client, f"{BOOKS}?{query}")["result"]]

    assert found(lang, "title.$reg=Martine&_sort=year") == ["1235", "1236", "1234"]
    assert found(lang, "authors.name.$reg=Marlier&year.$gt=1960") == ["1234"]
    assert found(wallrich, "authors.name=Pierre Docker") == ["666", "667"]
    assert found(lang, "authors.name=Pierre Docker") == ["666"]
    assert lang.get(f"{BOOKS}/667").status_code == 404
    docker = shown(lang, "/media_library/authors?name.$reg=Docker")["result"][0]
    assert docker["books"] == ["666"]
    assert lang.get(f"{BOOKS}?price.$gt=1").status_code == 400
    assert found(wallrich, "price.$gt=10") == ["1234", "666"]


def test_covers(log_in: LogIn, tmp_path: Path) -> None:
    """They are fetched by everybody, sent by employees, and are pictures."""
    lang, wallrich = log_in("lang"), log_in("wallrich")
    before = shown(lang, f"{BOOKS}/666")["cover"]
    sent = cover(20, 30, 7)

    def send(client: FlaskClient, content: bytes) -> Any:
        head = b'--frontier\r\nContent-Disposition: form-data; name="cover"; filename="../docker.png"\r\n\r\n'
        form = head + content + b"\r\n--frontier--\r\n"
        return client.put(f"{BOOKS}/666", data=form, content_type="multipart/form-data; boundary=frontier")

    assert send(lang, sent).status_code == 403
    assert lang.get(before["href"]).content_type == "image/png"
    answer = send(wallrich, sent)
    assert answer.status_code == 200
    told = answer.json["cover"]
    assert (told["filename"], told["size"], told["href"]) == ("docker.png", len(sent), f"{BOOKS}/666/cover")
    assert lang.get(told["href"]).data == sent

    assert send(wallrich, b"no picture").json["errors"][0]["code"] == "mime_type"
    assert send(wallrich, bytes(1024**2 + 1)).status_code == 413
    assert lang.get(told["href"]).data == sent
    kept = [path for path in (tmp_path / "covers").rglob("*") if path.is_file()]
    assert len(kept) == 5  # one for each book: the one that was replaced is gone


def test_lending(log_in: LogIn) -> None:
    """An employee lends a book and takes it back; a reader does neither, and nobody lends it twice."""
    lang, wallrich = log_in("lang"), log_in("wallrich")
    borrow, give_back = (f"{BOOKS}/_actions/{name}/1235" for name in ("borrow", "give_back"))

    assert lang.post(borrow, json={"user_id": "lang"}).status_code == 403
    assert wallrich.post(give_back).status_code == 403  # it is not out
    lent = wallrich.post(borrow, json={"user_id": "lang"})
    assert lent.status_code == 200
    due = in_three_weeks().isoformat()
    assert (lent.json or {})["borrow"] == {"user": "lang", "since": today().isoformat(), "return_date": due}
    assert (lent.json or {})["_meta"]["modified_by"]["login"] == "wallrich"
    assert shown(lang, f"{USERS}/lang")["borrowed"] == ["1234", "1235"]
    assert wallrich.post(borrow, json={"user_id": "martin"}).status_code == 403  # it is out

    assert lang.post(give_back).status_code == 403
    back = wallrich.post(give_back)
    assert ((back.json or {})["borrow"], (back.json or {})["borrowed"]) == (None, False)
    assert shown(lang, f"{USERS}/lang")["borrowed"] == ["1234"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.user_id"),
        ({"user_id": "nobody"}, "$.borrow.user"),
        ({"user_id": "lang", "return_date": "2020-01-31"}, "$.return_date"),
        ({"user_id": "lang", "return_date": "soon"}, "$.return_date"),
        ({"user_id": "lang", "until": "2040-01-31"}, "$.until"),
    ],
)
def test_a_loan_that_cannot_be(log_in: LogIn, body: dict[str, Any], path: str) -> None:
    """The field is named, and the book stays where it is."""
    wallrich = log_in("wallrich")

    answer = wallrich.post(f"{BOOKS}/_actions/borrow/1235", json=body)

    assert answer.status_code == 422
    assert [one["path"] for one in (answer.json or {})["errors"]] == [path]
    assert shown(wallrich, f"{BOOKS}/1235")["borrowed"] is False


def test_loans_are_written_by_actions_alone(log_in: LogIn) -> None:
    """Not even who runs the library writes one by hand."""
    ada = log_in("ada")

    assert ada.put(f"{BOOKS}/1235", json={"borrow": {"user": "ada"}}).status_code == 403
    assert ada.put(f"{BOOKS}/1235", json={"borrowed": True}).status_code == 422
    assert ada.put(f"{USERS}/ada", json={"borrowed": ["1235"]}).status_code == 403


def test_who_sees_the_borrower(log_in: LogIn) -> None:
    """Employees do, and the borrower himself; everybody sees that a book is out."""
    seen = {login: shown(log_in(login), f"{BOOKS}/1234") for login in ("ada", "wallrich", "lang", "martin")}

    assert {login: book.get("borrow", {}).get("user") for login, book in seen.items()} == {
        "ada": "lang",
        "wallrich": "lang",
        "lang": "lang",
        "martin": None,
    }
    assert "borrow" not in seen["martin"]
    assert all(book["borrowed"] for book in seen.values())
    query = f"{BOOKS}?borrow.user=lang"
    assert [shown(log_in(login), query)["total"] for login in ("wallrich", "lang", "martin")] == [1, 1, 0]


def test_selections(log_in: LogIn) -> None:
    """What is out, what is mine, what is late: the same lists for all, but not the same names in them."""
    lang, martin, wallrich = log_in("lang"), log_in("martin"), log_in("wallrich")

    def rows(client: FlaskClient, name: str) -> list[Any]:
        return shown(client, f"{BOOKS}/_selections/{name}")["result"]  # type: ignore[no-any-return]  # of JSON

    docker, martine = ["666", "Docker en pratique"], ["1234", "Martine en ville"]
    assert rows(wallrich, "borrowed") == [[*docker, "wallrich"], [*martine, "lang"]]
    assert rows(lang, "borrowed") == [[*docker, None], [*martine, "lang"]]
    assert rows(martin, "borrowed") == [[*docker, None], [*martine, None]]
    assert rows(wallrich, "borrowed?title.$reg=Martine") == [[*martine, "lang"]]
    assert rows(lang, "mine") == [[*martine, in_three_weeks().isoformat()]]
    assert rows(martin, "mine") == []
    yesterday = (today() - timedelta(days=1)).isoformat()
    assert rows(wallrich, "late") == [[*docker, "Eva Wallrich", yesterday]]
    assert lang.get(f"{BOOKS}/_selections/late").status_code == 403


def test_what_goes_and_what_stays(log_in: LogIn) -> None:
    """A book that is out is not withdrawn, and none is deleted; who has a book, or has written one, stays."""
    ada = log_in("ada")
    marlier = shown(ada, "/media_library/authors?name.$reg=Marlier")["result"][0]["_id"]

    refused = ada.put(f"{BOOKS}/1234", json={"withdrawn": True})
    assert (refused.status_code, (refused.json or {})["errors"][0]["message"]) == (422, "Must be given back first")
    assert ada.delete(f"{BOOKS}/1234").status_code == 405
    assert ada.delete(f"{USERS}/lang").status_code == 409
    assert ada.delete(f"/media_library/authors/{marlier}").status_code == 409
    assert ada.put(f"{BOOKS}/1235", json={"withdrawn": True}).status_code == 200
    assert ada.post(f"{BOOKS}/_actions/borrow/1235", json={"user_id": "lang"}).status_code == 403
    assert log_in("lang").get(f"{BOOKS}/1235").status_code == 404


def test_the_description_for_a_user(log_in: LogIn) -> None:
    """A front end learns what this user may do with this book."""
    described = {
        login: log_in(login).post(f"{BOOKS}/_meta", json={"_id": "1234", "borrow": {"user": "lang"}}).json or {}
        for login in ("lang", "martin", "wallrich")
    }
    fields = {login: one["item"]["sub_scheme"] for login, one in described.items()}

    assert {login: one["rights"]["modify"] for login, one in described.items()} == {
        "lang": False,
        "martin": False,
        "wallrich": True,
    }
    assert {login: one["borrow"]["rights"]["read"] for login, one in fields.items()} == {
        "lang": True,
        "martin": False,
        "wallrich": True,
    }
    assert fields["wallrich"]["price"]["rights"] == {"read": True, "modify": False}
    assert [one["name"] for one in described["lang"]["actions"]] == ["borrow", "give_back"]


# The key, and the process.


def test_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the environment, else one that is made once and is for its owner only; never a short one."""
    monkeypatch.delenv(VARIABLE, raising=False)
    made = secret_key(tmp_path)
    assert len(made) == 64
    assert secret_key(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600

    monkeypatch.setenv(VARIABLE, KEY)
    assert secret_key(tmp_path) == KEY
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ValueError, match=VARIABLE):
        secret_key(tmp_path)


class Visitor:
    """Somebody with a jar for cookies, who comes to a server."""

    def __init__(self, opener: OpenerDirector, root: str) -> None:
        self._opener, self._root = opener, root

    def ask(self, path: str, body: str | None = None) -> tuple[int, Any]:
        """Send a request as curl does: POST where there is a body."""
        request = Request(self._root + path, None if body is None else body.encode())  # noqa: S310 - loopback
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


def test_the_library_by_hand(tmp_path: Path) -> None:
    """It is served with its data from a folder, stops when it is told to, and goes on where it was."""
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    with served("examples.media_library", str(tmp_path)) as example:
        wallrich = Visitor(opener, example.address.removesuffix("/media_library"))
        missing = wallrich.ask(BOOKS)
        wallrich.ask("/login", '{"login": "wallrich", "password": "wallrich-library"}')
        lent, _ = wallrich.ask(f"{BOOKS}/_actions/borrow/1235", '{"user_id": "martin"}')
        code, said = example.stop(signal.SIGTERM)
    with served("examples.media_library", str(tmp_path)) as example:
        # The jar holds the token for this host, and the key is still the same.
        wallrich = Visitor(opener, example.address.removesuffix("/media_library"))
        _, borrowed = wallrich.ask(f"{BOOKS}/_selections/borrowed")

    assert missing[0] == 401
    assert lent == 200
    assert (code, said.splitlines()[-1]) == (0, "Stopped.")
    assert [row[2] for row in borrowed["result"]] == ["wallrich", "lang", "martin"]


def test_the_library_without_a_folder() -> None:
    """What it kept in a temporary folder is gone when it stops; what it announces names who can log in."""
    with served("examples.media_library") as example:
        assert example.process.stdout is not None
        printed = [example.process.stdout.readline() for _ in range(8)]
        folder = Path(printed[0].removeprefix("Everything is kept in ").removesuffix(".\n"))
        was_there = (folder / "library.sqlite").exists()
        code, said = example.stop(signal.SIGINT)

    assert (was_there, folder.exists()) == (True, False)
    assert any("wallrich-library" in line for line in printed)
    assert (code, said.splitlines()[-1]) == (0, "Stopped.")
