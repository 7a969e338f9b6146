"""Who may do what, over HTTP: each route asks its right, each field its own, and rows can be away."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import request

from backo import (
    SYSTEM,
    Backoffice,
    BlobFile,
    Collection,
    DBMemoryConnector,
    DeleteStrategy,
    Dict,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    String,
    acting_as,
    current_user,
)
from backo.http.routes import ROUTES, Gate, Route
from tests.features.dialogue import Dialogue, problem
from tests.work.stores import FEW, connector, dump

ANN, BEN = {"X-User": "ann"}, {"X-User": "ben"}
ROLES = {"ann": ["ADMIN"], "ben": ["CLERK"]}


def from_header() -> None:
    """Log in whoever the request says."""
    login = request.headers.get("X-User")
    if login:
        current_user.set({"_id": login, "login": login, "roles": ROLES.get(login, [])})


class Guarded(Dialogue):
    """A dialogue in which the header `X-User` says who speaks."""

    def __init__(self, backoffice: Backoffice) -> None:
        self.backoffice = backoffice
        super().__init__(backoffice, auth=from_header)


# Each route asks its right.

RIGHTS = {Gate.READ: "can_read", Gate.CREATE: "can_create", Gate.MODIFY: "can_modify", Gate.DELETE: "can_delete"}
BODIES: dict[str, Any] = {"PUT": {"name": "b"}, "PATCH": {"op": "replace", "path": "$.name", "value": "b"}}
READ_ITEM = next(route for route in ROUTES if route.template == "/{collection}/{id}")
CASES = [(route, method) for route in ROUTES for method in route.methods if route.gate in RIGHTS]


def notes(**rights: Any) -> Guarded:
    """Serve one collection with these rights, and one item in it."""
    where = DBMemoryConnector()
    where.generate_id = lambda _: "n1"
    backoffice = Backoffice("desk")
    backoffice.register_collection(Collection("notes", Item({"name": String(), "text": BlobFile()}), where, **rights))
    with acting_as(SYSTEM):
        backoffice.notes.create({"name": "a", "text": "1"})
    where.generate_id = lambda _: "n2"
    return Guarded(backoffice)


def ask(talk: Guarded, route: Route, method: str, headers: dict[str, str] | None = None) -> Any:
    """Ask at a route in the plainest way."""
    path = route.template.format(collection="notes", id="n1", name="_all", path="text")
    body = BODIES.get(method, {"name": "c"} if route.body else None)
    return talk(f"{method} /desk{path}", {} if "_selections" in path and method == "POST" else body, headers)


def notes_of(talk: Guarded) -> dict[str, Any]:
    """Give everything that is stored."""
    with acting_as(SYSTEM):
        return dump(talk.backoffice)


@pytest.mark.parametrize(("route", "method"), CASES, ids=[f"{method} {route.template}" for route, method in CASES])
def test_each_route_asks_its_right(route: Route, method: str) -> None:
    """Nobody gets a 401, somebody a 403; a right that raises denies; what is never allowed has no route."""
    right = RIGHTS[route.gate]

    def raises(name: str, item: Any) -> bool:
        raise RuntimeError(name)

    assert ask(notes(**{right: lambda name, item: True}), route, method, BEN).status in {200, 201, 204}
    for refusing in (lambda: False, raises):
        talk = notes(**{right: refusing})
        before = notes_of(talk)
        assert (ask(talk, route, method).status, ask(talk, route, method, BEN).status) == (401, 403)
        assert notes_of(talk) == before
    never = ask(notes(**{right: False}), route, method, ANN)
    assert never.status == 405
    assert method not in never.headers["Allow"].split(", ")


def test_a_right_that_looks_at_items_leaves_them_out_of_lists() -> None:
    """An item that may not be read is a 403, and no row of a list."""
    talk = notes(can_read=lambda name, item: item.name != "a")

    assert ask(talk, READ_ITEM, "GET", BEN).status == 403
    assert talk("GET /desk/notes", headers=BEN).body["result"] == []


@pytest.mark.parametrize(
    ("right", "request_"), [("can_create", "POST /desk/notes"), ("can_modify", "PUT /desk/notes/n1")]
)
def test_who_may_not_enter_is_not_judged(right: str, request_: str) -> None:
    """What is wrong with what is sent is told to those who may send it."""
    refused = notes(**{right: lambda: False})(request_, {"name": 5}, BEN)
    judged = notes(**{right: lambda: True})(request_, {"name": 5}, BEN)

    assert (refused.status, refused.body["errors"], judged.status) == (403, [], 422)


def test_every_route_has_a_gate() -> None:
    """Those without a right of the collection only judge what is sent, describe, or have rights of their own."""
    assert {(route.template, route.gate) for route in ROUTES if route.gate not in RIGHTS} == {
        ("/_meta", Gate.DESCRIPTION),
        ("/{collection}/_meta", Gate.DESCRIPTION),
        ("/{collection}/_check", Gate.FORM),
        ("/{collection}/_actions/{name}/{id}", Gate.ACTION),  # its own rights: see `test_actions`
    }


# A clinic, on each store.


def is_admin(right: str, item: Any) -> bool:
    """Ask the user."""
    return current_user.has_role("ADMIN")


def is_own(right: str, item: Any) -> bool:
    """Ask the item."""
    return bool(item.owner == current_user._id)


def open_wards(user: Any) -> dict[str, Any]:
    """Let admins see every ward."""
    return {} if user.has_role("ADMIN") else {"name": "open"}


def clinic(connect: Callable[[str], Any]) -> Backoffice:
    """Declare doctors and patients; wards are there for admins only, and for who is in them."""
    backoffice = Backoffice("clinic")
    patients = Item(
        {
            "name": String(required=True),
            "owner": String(),
            "doctor": Ref(coll="doctors", field="$.patients"),
            "ward": Ref(coll="wards", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS),
            "wards": RefsList(coll="wards", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS),
            "pin": String(can_read=False),
            "note": String(can_read=False, can_modify=False),
            "fee": Int(can_modify=is_admin),
            "level": Int(default=7, can_modify=False),
            "diary": String(can_read=is_own, can_modify=is_own),
            "home": Dict({"city": String(), "phone": String(can_read=is_own, can_modify=is_own)}),
            "drugs": List(Dict({"name": String(), "code": String(can_read=False)})),
        }
    )
    doctors = Item(
        {
            "name": String(),
            "patients": RefsList(
                coll="patients", field="$.doctor", ods=DeleteStrategy.DELETE_REFERENCED_ITEMS, can_modify=is_admin
            ),
        }
    )
    for name, item, rights in (
        ("patients", patients, {"can_delete": is_own}),
        ("doctors", doctors, {}),
        (
            "wards",
            Item({"name": String()}),
            {"visible": lambda user: {} if user.has_role("ADMIN") else {"name": "open"}},
        ),
    ):
        where = connect(name)
        where.generate_id = lambda one: str(one.name)
        backoffice.register_collection(Collection(name, item, where, meta_data_handler=None, **rights))
    with acting_as(SYSTEM):
        for name in ("open", "shut", "dark"):
            backoffice.wards.create({"name": name})
        backoffice.doctors.create({"name": "dora"})
        backoffice.patients.create(
            {
                "name": "pat",
                "owner": "ann",
                "doctor": "dora",
                "ward": "shut",
                "wards": ["shut", "open", "dark"],
                "pin": "1234",
                "note": "n",
                "fee": 5,
                "diary": "dear",
                "home": {"city": "Rome", "phone": "06"},
                "drugs": [{"name": "x", "code": "c1"}, {"name": "y", "code": "c2"}],
            }
        )
        backoffice.patients.create({"name": "ben", "owner": "ben", "doctor": "dora"})
    return backoffice


@pytest.fixture(params=FEW)
def talk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guarded]:
    """A clinic on each store."""
    backoffice = clinic(lambda name: connector(request.param, tmp_path, name))
    yield Guarded(backoffice)
    backoffice.close()


def stored(talk: Guarded, name: str = "patients/pat") -> dict[str, Any]:
    """Give what is stored of an item."""
    with acting_as(SYSTEM):
        return {key: value for key, value in dump(talk.backoffice)[name].items() if key != "_rev"}


def test_what_is_seen(talk: Guarded) -> None:
    """Hidden fields are absent, and ids of what is away; the owner sees more."""
    seen = talk("GET /clinic/patients/pat", headers=BEN).body

    assert seen == {
        "name": "pat",
        "owner": "ann",
        "doctor": "dora",
        "ward": None,
        "wards": ["open"],
        "fee": 5,
        "level": 7,
        "home": {"city": "Rome"},
        "drugs": [{"name": "x"}, {"name": "y"}],
        "_id": "pat",
    }
    own = talk("GET /clinic/patients/pat", headers=ANN).body
    assert (own["diary"], own["home"]["phone"], own["ward"]) == ("dear", "06", "shut")
    assert "pin" not in own
    assert (
        talk("GET /clinic/wards/shut", headers=BEN).status == talk("GET /clinic/wards/none", headers=BEN).status == 404
    )
    assert [one["_id"] for one in talk("GET /clinic/wards", headers=BEN).body["result"]] == ["open"]


def test_saving_what_was_read_changes_nothing(talk: Guarded) -> None:
    """What a user cannot see or may not modify stays as it is, bit for bit, whatever he sends back."""
    before = stored(talk)
    seen = talk("GET /clinic/patients/pat", headers=BEN)

    assert talk("PUT /clinic/patients/pat", seen.body, BEN).body == seen.body
    assert talk("PUT /clinic/patients/pat", {"name": "pat", "wards": ["open"], "ward": None}, BEN).status == 200
    assert stored(talk) == before
    assert talk("PUT /clinic/patients/pat", {"home": {"city": "Oslo"}, "wards": []}, BEN).status == 200
    assert stored(talk) == before | {"home": {"city": "Oslo", "phone": "06"}, "wards": ["shut", "dark"]}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"fee": 6}, ["$.fee"]),
        ({"level": 8}, ["$.level"]),
        ({"note": "n"}, ["$.note"]),
        ({"note": None}, ["$.note"]),
        ({"diary": "dear"}, ["$.diary"]),
        ({"home": {"phone": "06"}}, ["$.home.phone"]),
        ({"drugs": [{"name": "x"}]}, ["$.drugs.code"]),
        ({"drugs": None}, ["$.drugs.code"]),
        ({"ward": "open"}, ["$.ward"]),
        ({"name": "new", "fee": 1, "level": 2}, ["$.fee", "$.level"]),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_may_not_be_changed(talk: Guarded, method: str, body: dict[str, Any], paths: list[str]) -> None:
    """The request is refused whole, and every path is told; a hidden value cannot be guessed by sending it."""
    before = stored(talk)
    kind = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
    sent = {"Content-Type": "application/json"} | kind | BEN

    answer = talk(f"{method} /clinic/patients/pat", body, sent)

    detail = "you may not change these fields of an item of 'patients'"
    told = [(path, "right", "May not be changed") for path in paths]
    assert answer == problem(403, "Forbidden", "right", detail, *told)
    assert stored(talk) == before


def test_what_is_hidden_may_be_written(talk: Guarded) -> None:
    """A field that can be modified and not read is write-only: by PUT and by PATCH."""
    assert talk("PUT /clinic/patients/pat", {"pin": "9"}, BEN).status == 200
    assert stored(talk)["pin"] == "9"
    patch = {"op": "replace", "path": "$.pin", "value": "8"}
    assert "pin" not in talk("PATCH /clinic/patients/pat", patch, BEN).body
    assert stored(talk)["pin"] == "8"


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "test", "path": "$.pin", "value": "1234"},
        {"op": "copy", "from": "$.pin", "path": "$.name"},
        {"op": "move", "from": "/home/phone", "path": "/home/city"},
        {"op": "copy", "from": "$.drugs[0].code", "path": "$.name"},
        {"op": "remove", "path": "$.diary"},
    ],
)
def test_patches_cannot_look(talk: Guarded, patch: dict[str, Any]) -> None:
    """No step of a patch leads to what is hidden."""
    before = stored(talk)

    answer = talk("PATCH /clinic/patients/pat", patch, BEN)

    path = patch.get("from", patch["path"])
    path = "$.home.phone" if path == "/home/phone" else path
    told = (path, "patch", "There is no such place")
    assert answer == problem(422, "Unprocessable Content", "invalid", "the patch cannot be applied", told)
    assert stored(talk) == before


def test_ids_of_what_is_away_stay(talk: Guarded) -> None:
    """Adding to and taking from a list leaves the ids that the user does not see where they are."""
    assert talk("PATCH /clinic/patients/pat", {"op": "remove", "path": "$.wards", "value": "open"}, BEN).status == 200
    assert stored(talk)["wards"] == ["shut", "dark"]
    assert talk("PATCH /clinic/patients/pat", {"op": "add", "path": "$.wards", "value": "open"}, BEN).status == 200
    assert stored(talk)["wards"] == ["shut", "dark", "open"]
    assert talk("PATCH /clinic/patients/pat", {"op": "test", "path": "$.wards", "value": ["open"]}, BEN).status == 200


@pytest.mark.parametrize("field", ["ward", "wards"])
def test_what_is_away_cannot_be_named(talk: Guarded, field: str) -> None:
    """A link to an item that is away is answered as one to an item that does not exist."""
    for name in ("shut", "none"):
        body = {"name": "new", field: name if field == "ward" else [name]}
        told = (f"$.{field}", "reference", "There is no such item in 'wards'")
        detail = "a reference is missing, or names an item that does not exist"
        refused = problem(422, "Unprocessable Content", "invalid", detail, told)
        assert talk("POST /clinic/patients", body, BEN) == refused
        assert talk("PUT /clinic/patients/ben", {field: body[field]}, BEN) == refused
    own = {field: "shut" if field == "ward" else ["shut"]}
    assert talk("PUT /clinic/patients/ben", own, ANN).status == 200


def test_creating(talk: Guarded) -> None:
    """At creation a field that may not be modified has its default, or nothing."""
    assert talk("POST /clinic/patients", {"name": "new", "level": 7}, BEN).status == 201
    refused = talk("POST /clinic/patients", {"name": "two", "level": 8, "fee": 3, "note": "x"}, BEN)
    assert [one["path"] for one in refused.body["errors"]] == ["$.note", "$.fee", "$.level"]
    assert (refused.status, talk("GET /clinic/patients/two", headers=ANN).status) == (403, 404)


def test_links_ask_at_both_sides(talk: Guarded) -> None:
    """A list whose other side is a `Ref` asks for the list; the `Ref` asks for itself alone."""
    body = {"patients": ["pat"]}
    assert talk("PUT /clinic/doctors/dora", body, BEN).status == 403
    assert talk("PUT /clinic/patients/ben", {"doctor": None}, BEN).status == 200
    assert talk("GET /clinic/doctors/dora", headers=BEN).body["patients"] == ["pat"]
    assert talk("PUT /clinic/doctors/dora", {"patients": ["ben", "pat"]}, ANN).status == 200


def test_a_cascade_asks_for_each_item(talk: Guarded) -> None:
    """One item that may not be deleted keeps all of them."""
    before = stored(talk, "doctors/dora"), stored(talk)

    answer = talk("DELETE /clinic/doctors/dora", headers=ANN)

    assert answer == problem(403, "Forbidden", "right", "you may not delete what would be deleted along with it")
    assert (stored(talk, "doctors/dora"), stored(talk)) == before


def test_filters_know_only_what_is_seen(talk: Guarded) -> None:
    """A field that is always hidden is unknown; one that is hidden in some items is absent there."""
    for asked in ("pin=1234", "_sort=pin", "drugs.code=c1", "doctor.patients.pin=1"):
        answer = talk(f"GET /clinic/patients?{asked}", headers=BEN)
        assert (answer.status, answer.body["errors"][0]["message"].split(";")[0]) == (400, "There is no such field")
    assert talk("GET /clinic/patients?diary=dear", headers=BEN).body["total"] == 0
    assert talk("GET /clinic/patients?diary=dear", headers=ANN).body["total"] == 1
    assert talk("GET /clinic/patients?ward.name=shut", headers=BEN).body["total"] == 0
    assert talk("GET /clinic/patients?ward=null", headers=BEN).body["total"] == 2
    assert talk("GET /clinic/patients?ward=null", headers=ANN).body["total"] == 1


def test_the_description_for_a_user(talk: Guarded) -> None:
    """Rights are answers, for this user and the item that he fills in."""
    described = talk("POST /clinic/patients/_meta", {"owner": "ben", "name": 5}, BEN).body
    rights = {name: tuple(one["rights"].values()) for name, one in described["item"]["sub_scheme"].items()}

    assert described["rights"] == {"read": True, "create": True, "modify": True, "delete": True}
    assert (
        rights | {"pin": (False, True), "note": (False, False), "fee": (True, False), "diary": (True, True)} == rights
    )
    assert described["item"]["sub_scheme"]["home"]["sub_scheme"]["phone"]["rights"] == {"read": True, "modify": True}
    assert described["item"]["rights"] == {"read": None, "modify": None}
    other = talk("POST /clinic/patients/_meta", headers=BEN).body
    assert other["rights"]["delete"] is False
    assert other["item"]["sub_scheme"]["diary"]["rights"] == {"read": False, "modify": False}
