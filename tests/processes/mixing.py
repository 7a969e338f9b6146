"""Mixed requests that get in one another's way, and what must be true of their outcome whoever came first."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backo import Backoffice
from tests.processes.clients import Client, Tally
from tests.processes.graph import OWNERS

AUTHORS, TEAMS, TAGS, CARS, COUNTERS = 6, 3, 4, 4, 2


@dataclass
class Known:
    """What clients have been told, all together; each id is used once."""

    gate: threading.Lock = field(default_factory=threading.Lock)
    there: dict[str, list[str]] = field(default_factory=dict)  # ids, by collection; some are gone by now
    created: dict[str, set[str]] = field(default_factory=dict)
    deleted: dict[str, set[str]] = field(default_factory=dict)
    homes: dict[str, set[str]] = field(default_factory=dict)  # whose cascade may have taken a book or a member
    counted: Counter[str] = field(default_factory=Counter)  # acknowledged increments, by counter
    own: dict[tuple[str, str], int] = field(default_factory=dict)  # the last acknowledged value, by counter and field
    done: Counter[str] = field(default_factory=Counter)  # what was done, by what was asked for

    def came(self, collection: str, id_: str) -> None:
        """Note that a creation was acknowledged."""
        with self.gate:
            self.there.setdefault(collection, []).append(id_)
            self.created.setdefault(collection, set()).add(id_)

    def went(self, collection: str, id_: str) -> None:
        """Note that a deletion was acknowledged."""
        with self.gate:
            self.deleted.setdefault(collection, set()).add(id_)
        self.is_gone(collection, id_)

    def is_gone(self, collection: str, id_: str) -> None:
        """Ask no more for an item that is not there."""
        with self.gate:
            if id_ in self.there.get(collection, ()):
                self.there[collection].remove(id_)

    def asked(self, id_: str, home: str | None) -> None:
        """Note that an item is about to be given to another."""
        if home is not None:
            with self.gate:
                self.homes.setdefault(id_, set()).add(home)


class Mixer:
    """One client that sends mixed requests until the time is over.

    Args:
        port: of the server.
        number: of the client.
        known: what all clients know.
        tally: what all clients have been answered.
    """

    def __init__(self, port: int, number: int, known: Known, tally: Tally) -> None:
        self._client = Client(port, tally)
        self._number = number
        self._known = known
        self._dice = random.Random(number)
        self._rounds = 0
        self._kinds: list[tuple[int, Callable[[], bool]]] = [
            (10, self.create_book),
            (8, self.move_book),
            (4, self.unlink_book),
            (4, self.delete_book),
            (2, self.replace_author),
            (6, self.tag),
            (4, self.swap_car),
            (3, self.marry),
            (4, self.befriend),
            (6, self.come_and_go),
            (3, self.change_team),
            (6, self.count),
            (6, self.change_own),
            (1, self.pair),
        ]

    def until(self, end: float) -> None:
        """Send requests until a time of `time.monotonic`."""
        weights = [weight for weight, _ in self._kinds]
        try:
            while time.monotonic() < end:
                self._rounds += 1
                ((_, kind),) = self._dice.choices(self._kinds, weights)
                if kind():
                    with self._known.gate:
                        self._known.done[kind.__name__] += 1
        finally:
            self._client.close()

    def _any(self, collection: str) -> str:
        with self._known.gate:
            there = self._known.there.get(collection)
            return self._dice.choice(there) if there else "nobody"

    def _to(self, method: str, collection: str, id_: str, body: Any = None, **headers: str) -> bool:
        answer = self._client(method, f"/graph/{collection}/{id_}", body, **headers)
        if answer.status == 404:
            self._known.is_gone(collection, id_)
        return answer.is_ok

    def _put(self, collection: str, id_: str, body: Any, **headers: str) -> bool:
        return self._to("PUT", collection, id_, body, **headers)

    def _create(self, collection: str, body: Any, home: str | None = None) -> bool:
        answer = self._client("POST", f"/graph/{collection}", body)
        if answer.is_ok:
            self._known.asked(answer.body["_id"], home)
            self._known.came(collection, answer.body["_id"])
        return answer.is_ok

    def _delete(self, collection: str, id_: str) -> bool:
        done = self._to("DELETE", collection, id_)
        if done:
            self._known.went(collection, id_)
        return done

    # One to many, with a cascade.

    def create_book(self) -> bool:
        author, tags = self._any("authors"), sorted({self._any("tags"), self._any("tags")})
        book = {"title": f"{self._number}-{self._rounds}", "author": author, "reader": self._any("authors")}
        return self._create("books", book | {"tags": tags}, author)

    def move_book(self) -> bool:
        book, author = self._any("books"), self._any("authors")
        self._known.asked(book, author)
        return self._put("books", book, {"author": author})

    def unlink_book(self) -> bool:
        return self._put("books", self._any("books"), {self._dice.choice(["author", "reader"]): None})

    def delete_book(self) -> bool:
        return self._delete("books", self._any("books"))

    def replace_author(self) -> bool:
        new = {"name": f"author {self._number}-{self._rounds}"}
        return self._delete("authors", self._any("authors")) and self._create("authors", new)

    # Many to many, from either side.

    def tag(self) -> bool:
        book, tag = self._any("books"), self._any("tags")
        if self._dice.random() < 0.5:
            return self._to("PATCH", "books", book, {"op": "add", "path": "/tags/-", "value": tag})
        return self._to("PATCH", "tags", tag, {"op": "add", "path": "/books/-", "value": book})

    # One to one, and symmetric.

    def swap_car(self) -> bool:
        if self._dice.random() < 0.5:
            return self._put("authors", self._any("authors"), {"car": self._any("cars")})
        return self._put("cars", self._any("cars"), {"driver": self._any("authors")})

    def marry(self) -> bool:
        return self._put("authors", self._any("authors"), {"spouse": self._any("authors")})

    def befriend(self) -> bool:
        change = {"op": "add", "path": "/friends/-", "value": self._any("authors")}
        if self._dice.random() < 0.2:
            change = {"op": "replace", "path": "/friends", "value": []}  # type: ignore[dict-item]  # JSON
        return self._to("PATCH", "authors", self._any("authors"), change)

    # Lists that may not be empty: as many leave as come.

    def come_and_go(self) -> bool:
        if self._dice.random() < 0.45:
            team = self._any("teams")
            return self._create("members", {"name": f"{self._number}-{self._rounds}", "team": team}, team)
        return self._delete("members", self._any("members"))

    def change_team(self) -> bool:
        member, team = self._any("members"), self._dice.choice([self._any("teams"), None])
        self._known.asked(member, team)
        return self._put("members", member, {"team": team})

    # Updates that must not be lost.

    def count(self) -> bool:
        id_ = self._any("counters")
        found = self._client("GET", f"/graph/counters/{id_}")
        done = found.is_ok and self._put(
            "counters", id_, {"count": found.body["count"] + 1}, **{"If-Match": str(found.etag)}
        )
        if done:
            with self._known.gate:
                self._known.counted[id_] += 1
        return done

    def change_own(self) -> bool:
        if self._number >= OWNERS:
            return False
        id_, name = self._any("counters"), f"own{self._number}"
        done = self._put("counters", id_, {name: self._rounds})
        if done:
            self._known.own[id_, name] = self._rounds
        return done

    def pair(self) -> bool:
        id_ = self._any("counters")
        name = f"{self._number}-{self._rounds}"
        done = self._client("POST", f"/graph/counters/_actions/pair/{id_}", {"name": name}).is_ok
        if done:
            with self._known.gate:
                self._known.counted[id_] += 1
        return done


def prepare(graph: Backoffice, known: Known) -> None:
    """Store a few items of each kind."""
    for number in range(AUTHORS):
        known.came("authors", graph.authors.create({"name": f"author {number}"})["_id"])
    for collection, times in (("tags", TAGS), ("cars", CARS)):
        for number in range(times):
            known.came(collection, graph.collections[collection].create({"name": f"{number}"})["_id"])
    for _ in range(COUNTERS):
        known.came("counters", graph.counters.create({})["_id"])
    for number in range(TEAMS):
        with graph.transaction():
            team = graph.teams.new()
            members = [graph.members.create({"name": f"{number}-{one}"})["_id"] for one in range(2)]
            team.create({"name": f"{number}", "members": members})
        known.came("teams", team["_id"])
        for one in members:
            known.asked(one, team["_id"])
            known.came("members", one)


def lost(graph: Backoffice, known: Known) -> list[str]:
    """List acknowledged changes that are not there, and what is there in spite of an acknowledged deletion."""
    found = []
    for collection, created in known.created.items():
        there = {item["_id"] for item in graph.collections[collection].select()}
        gone = known.deleted.get(collection, set())
        homes = known.deleted.get("authors" if collection == "books" else "teams", set())
        found += [
            f"{collection} {one} was created and is not there"
            for one in sorted(created - there - gone)
            if not known.homes.get(one, set()) & homes
        ]
        found += [f"{collection} {one} was deleted and is there" for one in sorted(gone & there)]
    counters: dict[str, Any] = {item["_id"]: item for item in graph.counters.select()}
    found += [
        f"counter {id_} says {counters[id_]['count']}, acknowledged were {known.counted[id_]}"
        for id_ in counters
        if counters[id_]["count"] != known.counted[id_]
    ]
    found += [
        f"{name} of counter {id_} is {counters[id_][name]}, acknowledged was {value}"
        for (id_, name), value in known.own.items()
        if counters[id_][name] != value
    ]
    return found + halves(graph)


def halves(graph: Backoffice) -> list[str]:
    """List pairs of which only one half is there."""
    names = Counter(item["name"] for item in graph.halves.select())
    return [f"pair {name} has {times} halves" for name, times in sorted(names.items()) if times != 2]
