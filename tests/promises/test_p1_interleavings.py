"""P1, P2, P3: units of work of several sessions, interleaved step by step, keep the promises."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backo import (
    Action,
    Backoffice,
    Collection,
    ConflictError,
    DeleteStrategy,
    File,
    Int,
    Item,
    MemoryFileConnector,
    Ref,
    RefsList,
    String,
)
from backo.connectors.postgres.session import PostgresSession
from backo.errors import BackoError, DBError, SessionError
from backo.references.effects import Key
from backo.work.unit import Unit
from tests.features.dialogue import Dialogue
from tests.work.stores import EVERY, Stores, audit, dump, named

MANY = tuple(kind for kind in EVERY if kind in {"postgres", "mongo"})  # several sessions write at a time
PATIENCE = 60  # seconds until a unit of work is said to wait for ever
GLANCE = 0.3  # seconds for which one that may have to wait is watched


@pytest.fixture(params=MANY)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Each store in which several sessions write at a time, in turn."""
    found = Stores(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Stores]:
    """PostgreSQL alone."""
    if "postgres" not in MANY:
        pytest.skip("PostgreSQL is not asked for")
    found = Stores("postgres", tmp_path)
    yield found
    found.close()


class Beside:
    """A function that runs in a thread of its own; what it gives or raises is kept."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: Exception | None = None
        self._function = function
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._function()
        except Exception as error:  # noqa: BLE001  # told by `end`
            self.error = error

    def glance(self) -> "Beside":
        """Let it run, until it ends or seems to wait for a lock."""
        self._thread.join(GLANCE)
        return self

    def end(self) -> Any:
        """Wait for its end; give what it gave."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "it waits for ever"
        if self.error is not None:
            raise self.error
        return self.result


def once(function: Callable[[], Any]) -> Callable[[], None]:
    """Make a function that acts at its first call only: what is tried again is not disturbed again."""
    done: list[bool] = []

    def act() -> None:
        if not done:
            done.append(True)
            function()

    return act


def counters(stores: Stores) -> Backoffice:
    """Declare items that count."""
    return stores.backoffice(
        {"counters": Item({"name": String(required=True), "group": String(index=True), "count": Int(default=0)})}
    )


def test_what_a_unit_of_work_has_selected_is_not_a_conflict_with_itself(stores: Stores) -> None:
    """A unit that counts up what it selected is run again when somebody else was faster: both are counted."""
    shop = counters(stores)
    shop.counters.create({"name": "one", "group": "g"})
    other = once(lambda: Beside(lambda: shop.run(lambda: count_up(lambda: None))).end())

    def count_up(between: Callable[[], None]) -> None:
        for one in shop.counters.select({"group": "g"}):
            between()
            one.count += 1
            one.save()

    shop.run(lambda: count_up(other))

    assert shop.counters.get_by_id("one").count == 2


def test_what_was_read_before_the_unit_of_work_is_a_conflict_at_once(stores: Stores) -> None:
    """A record from before is not read anew by a second try, so there is none: it is refused."""
    shop = counters(stores)
    shop.counters.create({"name": "one", "group": "g"})
    mine = next(shop.counters.select({"group": "g"}))
    theirs = shop.counters.get_by_id("one")
    theirs.count = 5
    theirs.save()
    tries = []

    def save() -> None:
        tries.append(1)
        mine.count = 1
        mine.save()

    with pytest.raises(ConflictError):
        shop.run(save)

    assert len(tries) == 1


def test_two_records_of_one_item_in_one_unit_of_work_are_a_conflict_at_once(stores: Stores) -> None:
    """What the unit itself has changed is no race: nobody would be right the second time."""
    shop = counters(stores)
    shop.counters.create({"name": "one", "group": "g"})
    tries = []

    def save() -> None:
        tries.append(1)
        records = [next(shop.counters.select({"group": "g"})) for _ in range(2)]
        for count, one in enumerate(records, 1):
            one.count = count
            one.save()

    with pytest.raises(ConflictError):
        shop.run(save)

    assert len(tries) == 1


def test_a_decision_by_what_was_selected_is_made_again(stores: Stores) -> None:
    """Who decides by one field of an item that it selected, and saves another, decides by what is stored in the end."""
    shop = counters(stores)
    shop.counters.create({"name": "one", "group": "open"})

    def close() -> None:
        one = shop.counters.get_by_id("one")
        one.group = "closed"
        one.save()

    other = once(lambda: Beside(close).end())

    def count_if_open() -> None:
        one = next(shop.counters.select())
        other()
        if one.group == "open":
            one.count += 1
            one.save()

    shop.run(count_if_open)

    one = shop.counters.get_by_id("one")
    assert (one.group, one.count) == ("closed", 0)


def test_a_unique_reference_that_is_taken_is_a_conflict(stores: Stores) -> None:
    """A `Ref` may be declared unique: who takes what is taken is refused at once, not asked to try again."""
    shop = stores.backoffice(
        {
            "rooms": Item({"name": String(required=True)}),
            "keys": Item({"name": String(required=True), "room": Ref(coll="rooms", unique=True)}),
        }
    )
    shop.rooms.create({"name": "r"})
    shop.keys.create({"name": "k1", "room": "r"})

    with pytest.raises(ConflictError) as refused:
        shop.keys.create({"name": "k2", "room": "r"})

    assert [(one.path, one.code) for one in refused.value.problems] == [("$.room", "unique")]


def test_an_operation_that_failed_in_the_database_and_was_caught_leaves_nothing(postgres: Stores) -> None:
    """When a statement fails and a handler goes on writing, nothing of it stays."""
    shop = counters(postgres)
    for name in ("held", "other"):
        shop.counters.create({"name": name})
    database: Any = shop.counters.store.database

    def count_up(name: str) -> None:
        one = shop.counters.get_by_id(name)
        one.count += 1
        one.save()

    def careless(unit: Unit) -> None:
        session: Any = unit.session(shop.counters.entry)
        session.change("SET LOCAL lock_timeout = 10")
        with suppress(DBError):
            count_up("held")
        count_up("other")
        shop.counters.create({"name": "new"})
        shop.counters.count()  # flushes

    with database.connection() as connection, connection.transaction():
        connection.execute("SELECT 1 FROM counters WHERE _id = 'held' FOR UPDATE")
        with pytest.raises(SessionError):
            shop.run_unit(careless)

    assert {one.name: one.count for one in shop.counters.select()} == {"held": 0, "other": 0}


def test_the_last_two_of_a_required_list_leave_at_once(stores: Stores) -> None:
    """Of two who take the last two items of a required list, one is refused."""
    shop = stores.backoffice(
        {
            "teams": Item(
                {"name": String(required=True), "members": RefsList(coll="people", field="$.team", required=True)}
            ),
            "people": Item({"name": String(required=True), "team": Ref(coll="teams", field="$.members")}),
        }
    )
    with shop.transaction():
        shop.teams.create({"name": "t"})
        shop.people.create({"name": "p1", "team": "t"})
        shop.people.create({"name": "p2", "team": "t"})
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def leave(name: str, meet: Callable[[], None]) -> str:
        def do() -> None:
            person = shop.people.get_by_id(name)
            person.team = None
            person.save()
            shop.people.count()  # flushes
            meet()

        try:
            shop.run(do)
        except ConflictError:
            return "refused"
        return "left"

    both = [Beside(partial(leave, name, once(barrier.wait))) for name in ("p1", "p2")]

    assert sorted(one.end() for one in both) == ["left", "refused"]
    assert audit(shop) == []
    assert len(shop.teams.get_by_id("t").members) == 1


def test_a_race_that_a_handler_catches_is_run_again_whole(stores: Stores) -> None:
    """Who is given up for somebody else's sake and goes on all the same stores nothing half, and is run again."""
    shop = counters(stores)
    for name in "ab":
        shop.counters.create({"name": name})
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def count_up(name: str) -> None:
        one = shop.counters.get_by_id(name)
        one.count += 1
        one.save()
        shop.counters.count()  # flushes

    def both(first: str, second: str, meet: Callable[[], None]) -> None:
        count_up(first)
        meet()
        with suppress(BackoError):
            count_up(second)
        shop.counters.create({"name": f"{first} before {second}"})

    races = [
        Beside(partial(shop.run, partial(both, first, second, once(barrier.wait))))
        for first, second in (("a", "b"), ("b", "a"))
    ]
    for one in races:
        one.end()

    assert {one.name: one.count for one in shop.counters.select()} == {
        "a": 2,
        "b": 2,
        "a before b": 0,
        "b before a": 0,
    }


def test_two_marry_the_same_person_at_once(stores: Stores) -> None:
    """Symmetric one-to-one links stay symmetric when two sessions name one partner."""
    shop = stores.backoffice(
        {"people": Item({"name": String(required=True), "spouse": Ref(coll="people", field="$.spouse")})}
    )
    for name in "abc":
        shop.people.create({"name": name})

    def marry(one: str, other: str) -> None:
        person = shop.people.get_by_id(one)
        person.spouse = other
        person.save()

    def first() -> Beside:
        marry("a", "b")
        return Beside(lambda: shop.run(lambda: marry("c", "b"))).glance()

    shop.run(first).end()

    assert audit(shop) == []
    assert {one.name: one.spouse for one in shop.people.select()} == {"a": None, "b": "c", "c": "b"}


def test_two_befriend_one_another_at_once(stores: Stores) -> None:
    """Two sessions that take the same pair in opposite order both succeed."""
    shop = stores.backoffice(
        {"people": Item({"name": String(required=True), "friends": RefsList(coll="people", field="$.friends")})}
    )
    for name in "ab":
        shop.people.create({"name": name})
    barrier = threading.Barrier(2, timeout=5)

    def befriend(one: str, other: str, meet: Callable[[], None]) -> None:
        def do() -> None:
            person = shop.people.get_by_id(one)
            person.friends = [*person.friends, other]
            meet()
            person.save()

        shop.run(do)

    both = [Beside(partial(befriend, *pair, once(barrier.wait))) for pair in (("a", "b"), ("b", "a"))]
    for one in both:
        one.end()

    assert audit(shop) == []
    assert {one.name: list(one.friends) for one in shop.people.select()} == {"a": ["b"], "b": ["a"]}


def test_one_partner_is_taken_by_two_at_once(stores: Stores) -> None:
    """Of two who take one partner in a one-to-one link, the later one has it, and no error is seen."""
    shop = stores.backoffice(
        {
            "rooms": Item({"name": String(required=True), "key": Ref(coll="keys", field="$.room")}),
            "keys": Item({"name": String(required=True), "room": Ref(coll="rooms", field="$.key")}),
        }
    )
    shop.rooms.create({"name": "r"})

    def first() -> Beside:
        shop.keys.create({"name": "k1", "room": "r"})
        shop.keys.count()  # flushes
        return Beside(lambda: shop.keys.create({"name": "k2", "room": "r"})).glance()

    shop.run(first).end()

    assert audit(shop) == []
    assert shop.rooms.get_by_id("r").key == "k2"


def test_two_give_to_a_list_of_limited_length_at_once(stores: Stores) -> None:
    """A stored list of links is not filled beyond its maximum from its other side."""
    shop = stores.backoffice(
        {
            "boxes": Item(
                {"name": String(required=True), "things": RefsList(coll="things", field="$.boxes", owner=True, max=1)}
            ),
            "things": Item({"name": String(required=True), "boxes": RefsList(coll="boxes", field="$.things")}),
        }
    )
    shop.boxes.create({"name": "box"})

    def first() -> Beside:
        shop.things.create({"name": "t1", "boxes": ["box"]})
        return Beside(lambda: shop.things.create({"name": "t2", "boxes": ["box"]})).glance()

    second = shop.run(first)
    with pytest.raises(BackoError) as refused:
        second.end()

    assert not isinstance(refused.value, DBError)
    assert audit(shop) == []
    assert list(shop.boxes.get_by_id("box").things) == ["t1"]


def test_a_migration_does_not_write_over_what_is_changed_meanwhile(
    postgres: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody else commits between the reading and the writing of a migration is not lost."""
    shop = counters(postgres)
    shop.counters.create({"name": "one", "group": "old"})
    others: list[Beside] = []
    change = PostgresSession.change

    def count_up() -> None:
        one = shop.counters.get_by_id("one")
        one.count += 1
        one.save()

    disturb = once(lambda: others.append(Beside(count_up).glance()))

    def disturbed(session: PostgresSession, statement: str, values: Sequence[Any] = ()) -> None:
        if statement.startswith("UPDATE"):
            disturb()
        change(session, statement, values)

    monkeypatch.setattr(PostgresSession, "change", disturbed)
    shop.migrate("counters", lambda item: {**item, "group": "new"}, dry_run=False)
    others[0].end()

    one = shop.counters.get_by_id("one")
    assert (one.group, one.count) == ("new", 1)


def test_an_id_that_is_deleted_and_made_again_at_once_is_never_missing(stores: Stores) -> None:
    """Whoever refers to an item that one unit deletes and creates anew finds it."""
    shop = stores.backoffice(
        {
            "rooms": Item({"name": String(required=True)}),
            "keys": Item({"name": String(required=True), "room": Ref(coll="rooms")}),
        }
    )
    shop.rooms.create({"name": "r"})

    def first() -> Beside:
        shop.rooms.get_by_id("r").delete()
        shop.rooms.count()  # flushes
        other = Beside(lambda: shop.keys.create({"name": "k", "room": "r"})).glance()
        shop.rooms.create({"name": "r"})
        return other

    shop.run(first).end()

    assert audit(shop) == []
    assert shop.keys.get_by_id("k").room == "r"


def test_two_replace_one_file_at_once(stores: Stores) -> None:
    """Of two who replace a content at once both succeed, one after the other: nothing is orphaned, nothing missing."""
    kept = MemoryFileConnector()
    shop = stores.backoffice(
        {"people": Item({"name": String(required=True), "photo": File(work_connector=kept), "count": Int(default=0)})}
    )
    shop.people.create({"name": "ann", "photo": b"first"})
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def replace(content: bytes, meet: Callable[[], None]) -> None:
        person = shop.people.get_by_id("ann")
        meet()
        person.photo = content
        person.count += 1
        person.save()

    both = [
        Beside(partial(shop.run, partial(replace, content, once(barrier.wait)))) for content in (b"second", b"third")
    ]
    for one in both:
        one.end()

    person = shop.people.get_by_id("ann")
    assert person.count == 2
    assert person.photo.get_content() in {b"second", b"third"}
    assert list(kept.ids()) == [person.photo.file_id]


def test_two_upload_at_once_for_items_that_wait_for_one_another(stores: Stores) -> None:
    """A record of the caller, and the content that arrived with it, serve the second try as they did the first."""
    kept = MemoryFileConnector()
    shop = stores.backoffice(
        {
            "people": Item(
                {
                    "name": String(required=True),
                    "photo": File(work_connector=kept),
                    "friends": RefsList(coll="people", field="$.friends"),
                }
            )
        }
    )
    for name in "ab":
        shop.people.create({"name": name})
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def befriend(one: str, other: str) -> None:
        meet = once(barrier.wait)
        person = shop.people.get_by_id(one)
        person.photo = one.encode()
        person.friends = [other]

        def do() -> None:
            shop.people.get_by_id(other)
            meet()
            person.save()

        shop.run(do)

    both = [Beside(partial(befriend, *pair)) for pair in (("a", "b"), ("b", "a"))]
    for one in both:
        one.end()

    people = {one.name: one for one in shop.people.select()}
    assert {name: (one.photo.get_content(), list(one.friends)) for name, one in people.items()} == {
        "a": (b"a", ["b"]),
        "b": (b"b", ["a"]),
    }
    assert sorted(kept.ids()) == sorted(one.photo.file_id for one in people.values())
    assert audit(shop) == []


def test_a_version_is_compared_where_it_is_replaced(stores: Stores) -> None:
    """Of two who change one version of an item at once, `If-Match` lets one."""
    shop = counters(stores)
    talk = Dialogue(shop)
    shop.counters.create({"name": "one"})
    version = talk("GET /shop/counters/one").headers["ETag"]
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def change(count: int) -> int:
        barrier.wait()
        return talk("PUT /shop/counters/one", {"count": count}, {"If-Match": version}).status

    both = [Beside(partial(change, count)) for count in (1, 2)]

    assert sorted(one.end() for one in both) == [200, 412]


def test_an_action_that_moves_from_one_item_to_another_is_run_again(stores: Stores) -> None:
    """Two actions in opposite directions, each reading both items first, lose nothing and answer 200."""
    barrier = threading.Barrier(2, timeout=PATIENCE)
    met: set[str] = set()

    def move(action: Any, item: Any) -> None:
        other = next(shop.accounts.select({"name": str(action.to)}))
        if item.name not in met:
            met.add(item.name)
            barrier.wait()
        item.count -= 1
        other.count += 1
        item.save()
        other.save()

    where = stores.connector("accounts")
    where.generate_id = named
    accounts = Collection("accounts", Item({"name": String(required=True), "count": Int(default=0)}), where)
    accounts.register_action("move", Action({"to": String()}, move))
    shop = Backoffice("shop")
    shop.register_collection(accounts)
    stores.opened.append(shop)
    talk = Dialogue(shop)
    for name in "ab":
        shop.accounts.create({"name": name, "count": 10})

    both = [
        Beside(partial(talk, f"POST /shop/accounts/_actions/move/{one}", {"to": other}))
        for one, other in (("a", "b"), ("b", "a"))
    ]

    assert [one.end().status for one in both] == [200, 200]
    assert {one.name: one.count for one in shop.accounts.select()} == {"a": 10, "b": 10}


def test_a_cascade_meets_a_child_of_a_child_that_comes(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leaf that comes while a deletion of its root has been planned, but not held, goes too."""
    cascade = DeleteStrategy.DELETE_REFERENCED_ITEMS
    shop = stores.backoffice(
        {
            "roots": Item(
                {"name": String(required=True), "twigs": RefsList(coll="twigs", field="$.root", ods=cascade)}
            ),
            "twigs": Item(
                {
                    "name": String(required=True),
                    "root": Ref(coll="roots", field="$.twigs"),
                    "leaves": RefsList(coll="leaves", field="$.twig", ods=cascade),
                }
            ),
            "leaves": Item({"name": String(required=True), "twig": Ref(coll="twigs", field="$.leaves")}),
        }
    )
    shop.roots.create({"name": "root"})
    shop.twigs.create({"name": "twig", "root": "root"})

    are_held = Unit.are_held
    come = once(lambda: Beside(lambda: shop.leaves.create({"name": "leaf", "twig": "twig"})).end())

    def disturbed(unit: Unit, keys: Iterable[Key]) -> bool:
        come()
        return are_held(unit, keys)

    monkeypatch.setattr(Unit, "are_held", disturbed)
    shop.roots.get_by_id("root").delete()

    assert dump(shop) == {}


def test_unique_values_are_swapped_by_two_at_once(stores: Stores) -> None:
    """Two who want one another's unique value end in conflicts, never in a wait or an error of the store."""
    shop = stores.backoffice({"seats": Item({"name": String(required=True), "code": Int(unique=True)})})
    for code, name in enumerate("ab"):
        shop.seats.create({"name": name, "code": code})
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def take(name: str, code: int, meet: Callable[[], None]) -> str:
        def do() -> None:
            seat = shop.seats.get_by_id(name)
            seat.code = None
            seat.save()
            shop.seats.count()  # flushes
            meet()
            seat.code = code
            seat.save()

        try:
            shop.run(do)
        except ConflictError as error:
            return error.problems[0].code
        return "taken"

    both = [Beside(partial(take, *one, once(barrier.wait))) for one in (("a", 1), ("b", 0))]
    ends = sorted(one.end() for one in both)

    codes = [one.code for one in shop.seats.select(sort="name")]
    assert ends == ["unique", "unique"]  # one after the other, neither could have it
    assert codes == [0, 1]


@pytest.mark.parametrize("taken", [{"name": "one"}, {"code": 1}], ids=["_id", "unique"])
def test_many_create_what_only_one_may_have(stores: Stores, taken: dict[str, Any]) -> None:
    """Of four who create one `_id`, or one unique value, at once, one does; the others are told that it is taken."""
    shop = stores.backoffice({"seats": Item({"name": String(required=True), "code": Int(unique=True)})})
    talk = Dialogue(shop)
    barrier = threading.Barrier(4, timeout=PATIENCE)

    def create(number: int) -> int:
        barrier.wait()
        return talk("POST /shop/seats", {"name": f"n{number}", "code": number + 10, **taken}).status

    answers = [Beside(partial(create, number)) for number in range(4)]

    assert sorted(one.end() for one in answers) == [201, 409, 409, 409]
