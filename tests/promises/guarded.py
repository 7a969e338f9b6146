"""Two worlds that differ only in what one user may not see, and questions that he asks of both."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from backo import (
    SYSTEM,
    Backoffice,
    BlobFile,
    Bool,
    Collection,
    DeleteStrategy,
    Dict,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    Selection,
    String,
    acting_as,
    current_user,
)
from backo.connectors.base import Store
from tests.work.stores import connector

ME = {"_id": "me", "login": "me", "roles": ["READER"]}

Connect = Callable[[str], Store]
Question = tuple[str, str, dict[str, Any]]
Kind = Callable[[Random], Question]
Answer = tuple[int, list[tuple[str, str]], bytes]

PEOPLE = [f"p{number}" for number in range(10)]  # there for everybody
SEALED = ["s0", "s1"]  # there for everybody, and read by nobody
AWAY = [f"h{number}" for number in range(6)]  # some of them are there, and for nobody
TEAMS = ["t0", "t1", "t2"]
WORDS = ["ant", "bee", "cat", "dog", "elk", "fox"]


def is_boss(right: str, item: Any) -> bool:
    """Ask the user alone."""
    return current_user.has_role("BOSS")


def is_owner(right: str, item: Any) -> bool:
    """Ask the item."""
    return bool(item.owner == current_user._id)


def is_open(right: str, item: Any) -> bool:
    """Ask the item."""
    return bool(item.open)


def is_not_sealed(right: str, item: Any) -> bool:
    """Ask the item."""
    return not item.sealed


def declared(connect: Connect) -> Backoffice:
    """Declare people in teams, with every kind of right that hides something."""
    backoffice = Backoffice("firm")
    unlink = DeleteStrategy.UNLINK_REFERENCED_ITEMS
    people = Item(
        {
            "name": String(index=True),
            "zone": String(),
            "open": Bool(),
            "sealed": Bool(),
            "owner": String(),
            "salary": Int(index=True, can_read=is_boss),
            "notes": String(index=True, can_read=is_owner),
            "password": String(can_read=False),
            "profile": Dict(
                {"city": String(), "phone": String(can_read=is_open), "more": Dict({"code": Int(can_read=False)})}
            ),
            "file": Dict({"a": Int(), "b": Int()}, can_read=False),
            "pets": List(Dict({"name": String(), "chip": String(can_read=False)})),
            "team": Ref(coll="teams", field="$.members"),
            "boss": Ref(coll="people", ods=unlink),
            "deputy": Ref(coll="people", ods=unlink, can_read=is_open),
            "friends": RefsList(coll="people", field="$.friends", ods=unlink),
            "photo": BlobFile(can_read=is_open),
            "scan": BlobFile(can_read=False),
            "initial": String(set=lambda item: (item.name or "?")[:1]),
        }
    )
    teams = Item(
        {
            "name": String(index=True),
            "owner": String(),
            "members": RefsList(coll="people", field="$.team", ods=unlink),
            "lead": Ref(coll="people", ods=unlink),
            "guests": RefsList(coll="people", ods=unlink),
            "board": RefsList(coll="people", field="$.boards", ods=unlink, can_read=is_owner),
        }
    )
    people.add_to_model("boards", RefsList(coll="teams", field="$.board", ods=unlink, owner=True, can_read=False))
    backoffice.register_collection(
        Collection(
            "people",
            people,
            connect("people"),
            visible=lambda user: {"zone": "a"},
            can_read=is_not_sealed,
            meta_data_handler=None,
        )
    )
    backoffice.register_collection(Collection("teams", teams, connect("teams"), meta_data_handler=None))
    for name, offered in SELECTIONS.items():
        backoffice.collections[name.split("_")[0]].register_selection(name, offered)
    return backoffice


SELECTIONS = {
    "people_seen": Selection(["$.name", "$.boss.name", "$.friends", "$.team.members.name", "$.initial"], sort="-name"),
    "people_rich": Selection(["$.name"], filter={"salary": ("$gt", 1)}, sort="salary"),
    "people_noted": Selection(None, filter={"notes": ("$ne", "ant")}, sort="-notes"),
    "people_secret": Selection(
        ["$.salary", "$.notes", "$.password", "$.profile", "$.file", "$.pets.chip", "$.deputy.name", "$.friends.notes"]
    ),
    "teams_all": Selection(["$.lead.name", "$.lead.notes", "$.members.salary", "$.guests.name", "$.board.name", "$.*"]),
    "teams_led": Selection(["$.name"], filter={"lead.salary": ("$gte", 1)}),
}


class FileIds:
    """Ids of contents that are the same in both worlds."""

    def __init__(self) -> None:
        self._owner, self._count = "", 0

    def begin(self, owner: str) -> None:
        """Let the next ids be those of the files of one person."""
        self._owner, self._count = owner, 0

    def __call__(self) -> str:
        """Make an id."""
        self._count += 1
        return hashlib.sha256(f"{self._owner} {self._count}".encode()).hexdigest()[:32]


file_ids = FileIds()


def fill(backoffice: Backoffice, core: Random, secret: Random) -> None:
    """Fill a world: what the user sees by one source of chance, what he does not see by the other."""
    there = [*PEOPLE, *SEALED]
    away = [one for one in AWAY if secret.random() < 0.6]
    for name in ("people", "teams"):
        ids = iter([*there, *away] if name == "people" else TEAMS)
        backoffice.collections[name].connector.generate_id = lambda _, ids=ids: next(ids)
    with acting_as(SYSTEM), backoffice.transaction():
        for _ in TEAMS:
            backoffice.teams.create({"name": core.choice(WORDS), "owner": core.choice(["me", "you"])})
        for id_ in [*there, *away]:
            file_ids.begin(id_)
            backoffice.people.create(_person(id_, core, secret))
        for id_ in [*there, *away]:
            person = backoffice.people.get_by_id(id_)
            person.set(_links(id_, there, away, core, secret))
            person.save()
        for id_ in TEAMS:
            team = backoffice.teams.get_by_id(id_)
            team.lead = _one(there, away, core, secret)
            team.guests = _mixed(there, away, core, secret)
            team.board = (core if team.owner == "me" else secret).sample(there, 3) + secret.sample(away, len(away) // 2)
            team.save()


def _person(id_: str, core: Random, secret: Random) -> dict[str, Any]:
    is_seen = id_ in PEOPLE
    seen = core if is_seen else secret
    person: dict[str, Any] = {
        "name": seen.choice(WORDS),
        "zone": "a" if id_ not in AWAY else secret.choice(["b", "c", None]),
        "open": seen.random() < 0.5,
        "sealed": id_ in SEALED,
        "owner": seen.choice(["me", "you"]),
        "salary": secret.choice([None, 1, 2, 3]),
        "password": secret.choice([None, *WORDS]),
        "file": secret.choice([None, {"a": 1}, {"a": 1, "b": 2}]),
        "pets": seen.choice([None, [], [{"name": "a"}], [{"name": "a"}, {"name": "b"}]]),
    }
    person["notes"] = (seen if person["owner"] == "me" else secret).choice([None, *WORDS])
    phone = (seen if person["open"] else secret).choice([None, "1", "2"])
    code = secret.choice([None, 5, 6])
    person["profile"] = {
        "city": seen.choice([None, "x", "y"]),
        "phone": phone,
        "more": {"code": code} if code else None,
    }
    person["photo"] = (seen if person["open"] else secret).choice([None, "smile", "frown"])
    person["scan"] = secret.choice([None, "one", "two"])
    person["pets"] = person["pets"] and [one | {"chip": secret.choice(WORDS)} for one in person["pets"]]
    return person


def _links(id_: str, there: list[str], away: list[str], core: Random, secret: Random) -> dict[str, Any]:
    seen = secret if id_ in away else core
    links: dict[str, Any] = {"team": seen.choice([None, *TEAMS])}
    links["boss"] = _one(there, away, seen, secret)
    links["deputy"] = (secret if id_ in SEALED else seen).choice([None, *PEOPLE])
    if id_ in away:
        links["friends"] = secret.sample(there, 2) + secret.sample(away, len(away) // 2)
    return links


def _one(there: list[str], away: list[str], seen: Random, secret: Random) -> str | None:
    """Name somebody who is there; or nobody, or somebody who is away, which the user cannot tell apart."""
    named = seen.choice([None, *there])
    return named if named is not None or not away else secret.choice([None, *away])


def _mixed(there: list[str], away: list[str], seen: Random, secret: Random) -> list[str]:
    named = seen.sample(there, seen.randrange(4))
    for one in secret.sample(away, secret.randrange(len(away) + 1)):
        named.insert(secret.randrange(len(named) + 1), one)
    return named


def client_of(backoffice: Backoffice) -> FlaskClient:
    """Serve a world to the one user."""
    flask = Flask(__name__)
    backoffice.build_routes(flask, "", lambda: current_user.set(ME))
    return flask.test_client()


_FIELDS = [
    "_id",
    "name",
    "zone",
    "open",
    "sealed",
    "owner",
    "salary",
    "notes",
    "password",
    "photo",
    "scan",
    "profile.city",
    "profile.phone",
    "profile.more.code",
    "profile",
    "profile.more",
    "file",
    "file.a",
    "pets.name",
    "pets.chip",
    "team",
    "team.name",
    "team.owner",
    "team.members.name",
    "boss",
    "boss.name",
    "boss.salary",
    "boss.notes",
    "boss.boss.name",
    "deputy",
    "deputy.name",
    "friends",
    "friends.name",
    "friends.notes",
    "friends.password",
    "initial",
    "nothing",
    "boards",
    "boards.name",
]
_TEAM_FIELDS = [
    "_id",
    "name",
    "owner",
    "members",
    "members.name",
    "members.notes",
    "members.salary",
    "members.boss.name",
    "lead",
    "lead.name",
    "lead.notes",
    "guests",
    "guests.name",
    "board",
    "board.name",
    "board.notes",
    "board.zone",
    "nothing",
]
_OPERATORS = ["", "", "", ".$ne", ".$gt", ".$lte", ".$in", ".$nin", ".$reg", ".$contains", ".$not"]
_VALUES = [
    *WORDS,
    "1",
    "2",
    "5",
    "true",
    "false",
    "null",
    "me",
    "you",
    "x",
    "a",
    "b",
    "p1",
    "p2",
    "s0",
    "h0",
    "h1",
    "h2",
    "t1",
]
_SORTS = [
    "name",
    "-name",
    "salary",
    "notes",
    "-notes",
    "profile.phone",
    "-profile.phone",
    "boss",
    "-boss",
    "deputy",
    "team",
    "-lead",
    "guests",
    "_id",
]
_PATHS = [
    "$.name",
    "$.salary",
    "$.notes",
    "$.password",
    "$.profile",
    "$.profile.phone",
    "$.file",
    "$.pets",
    "$.pets[0].chip",
    "$.pets[0]",
    "$.boss",
    "$.deputy",
    "$.friends",
    "$.members",
    "$.lead",
    "$.guests",
    "$.board",
    "$.boards",
]


def questions(chance: Random, kinds: Sequence[Kind] = ()) -> Iterator[Question]:
    """Ask without end: method, address, and arguments of the test client; nothing is changed by any of them.

    Args:
        chance: decides what is asked.
        kinds: of questions; all of them when there are none.
    """
    lists, items, others = [_list] * 3 + [_selection] * 2, [_item] * 2 + [about_files], [by_patch] * 2 + [_check, _meta]
    chosen = kinds or [*lists, *items, *others]
    while True:
        yield chance.choice(chosen)(chance)


def _condition(chance: Random, fields: list[str]) -> tuple[str, str]:
    return chance.choice(fields) + chance.choice(_OPERATORS), chance.choice(_VALUES)


def _collection(chance: Random) -> tuple[str, list[str]]:
    return chance.choice([("people", _FIELDS), ("people", _FIELDS), ("teams", _TEAM_FIELDS)])


def _asked(chance: Random, fields: list[str]) -> dict[str, str]:
    asked = dict(_condition(chance, fields) for _ in range(chance.choice([0, 1, 1, 2]) if fields else 0))
    if chance.random() < 0.5:
        asked["_sort"] = chance.choice(_SORTS)
    if chance.random() < 0.5:
        asked["_page"] = chance.choice(["1", "2", "5"])
    if chance.random() < 0.2:
        asked["_skip"] = chance.choice(["1", "3"])
    if chance.random() < 0.2:
        asked["_total"] = "0"
    return asked


def _list(chance: Random) -> Question:
    collection, fields = _collection(chance)
    return "GET", f"/firm/{collection}", {"query_string": _asked(chance, fields)}


def _selection(chance: Random) -> Question:
    collection, fields = _collection(chance)
    parts = [dict([_condition(chance, fields)]) for _ in range(2)]
    tree: dict[str, Any] = {chance.choice(["$or", "$and"]): parts}
    if chance.random() < 0.4:
        tree = {"$not": tree}
    name = chance.choice(["_all", *(one for one in SELECTIONS if one.startswith(collection))])
    if name != "_all" and chance.random() < 0.5:
        return "GET", f"/firm/{collection}/_selections/{name}", {"query_string": _asked(chance, fields)}
    return "POST", f"/firm/{collection}/_selections/{name}", {"json": tree, "query_string": _asked(chance, [])}


def _some_id(chance: Random) -> str:
    return chance.choice([*PEOPLE, *SEALED, *AWAY, *TEAMS, "nobody"])


def _item(chance: Random) -> Question:
    collection, _ = _collection(chance)
    return "GET", f"/firm/{collection}/{_some_id(chance)}", {}


def about_files(chance: Random) -> Question:
    """Ask for a file, or a part of one."""
    path, part = chance.choice(["photo", "scan", "name", "pets/0/chip"]), chance.choice(["", "", "bytes=1-2"])
    arguments = {"headers": {"Range": part}} if part else {}
    return chance.choice(["GET", "HEAD"]), f"/firm/people/{_some_id(chance)}/{path}", arguments


def by_patch(chance: Random) -> Question:
    """Ask whether something has a value, by a patch that changes nothing."""
    collection, _ = _collection(chance)
    value = chance.choice([*[None] * 8, *WORDS, 1, 2, "1", "p1", "h0", [], ["p1"], {"a": 1}, {"city": "x"}])
    patch = [{"op": "test", "path": chance.choice(_PATHS), "value": value}]
    return "PATCH", f"/firm/{collection}/{_some_id(chance)}", {"json": patch}


def _check(chance: Random) -> Question:
    collection, fields = _collection(chance)
    body = {"item": {"name": chance.choice([1, "x"]), "salary": "much"}, "path": f"$.{chance.choice(fields)}"}
    return "POST", f"/firm/{collection}/_check", {"json": body}


def _meta(chance: Random) -> Question:
    return "GET", "/firm/_meta", {}


class Worlds:
    """Two worlds of one kind of store, and the one user at the door of each.

    Args:
        kind: of the store.
        folder: where both live.
        seed: of what the user sees; what he does not see differs.
    """

    def __init__(self, kind: str, folder: Path, seed: int) -> None:
        self._worlds, self._doors = [], []
        for number in range(2):
            place = folder / str(number)
            place.mkdir(parents=True)
            world = declared(partial(connector, kind, place))
            fill(world, Random(seed), Random(1000 + 2 * seed + number))
            self._worlds.append(world)
            self._doors.append(client_of(world))
        self._known: list[dict[str, str]] = [{}, {}]  # tags by address

    def ask(self, question: Question) -> tuple[Answer, Answer]:
        """Ask both; a tag that was given before is sent along."""
        first, second = (_asked_of(door, question, known) for door, known in zip(self._doors, self._known, strict=True))
        return first, second

    def close(self) -> None:
        """End both."""
        for world in self._worlds:
            world.close()


def _asked_of(door: FlaskClient, question: Question, known: dict[str, str]) -> Answer:
    """Ask, and give all of the answer but its date."""
    method, address, arguments = question
    name = "If-Match" if method == "PATCH" else "If-None-Match"
    headers = {**arguments.get("headers", {}), **({name: known[address]} if address in known else {})}
    answer = door.open(address, method=method, **{**arguments, "headers": headers})
    if "ETag" in answer.headers and method == "GET":
        known[address] = answer.headers["ETag"]
    told = sorted((name, value) for name, value in answer.headers if name != "Date")
    return answer.status_code, told, answer.data


def shown(question: Question) -> str:
    """Write a question for a message."""
    method, address, arguments = question
    return f"{method} {address} {json.dumps(arguments)}"
