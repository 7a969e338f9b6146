"""P3: a request that writes into a database with transactions and into files happens whole or not at all.

The steps of its commit are told in `backo.connectors.together`. The kinds of the two stores are a
parameter; whatever is done here works on any pair of a database and something that follows it.
"""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backo import Backoffice, Collection, DBError, Item, String
from backo.connectors.base import Database, Rank, Session
from tests.promises.shop import open_shop
from tests.promises.test_p3_whole import prepared, work
from tests.scale import record_figure, scaled
from tests.work.stores import ACROSS, audit, connector, dump, links

FILE_CALLS = ("open", "write", "fsync", "rename", "unlink")
EVERY = scaled(3, 1)  # of the calls that change something on disk, the one that is tried
NEVER = 1_000_000


def decider(shop: Backoffice) -> Database:
    """Give the database of a shop that has transactions."""
    databases = {one.store.database for one in shop.collections.values()}
    return next(one for one in databases if one.rank in {Rank.ALONE, Rank.SHARED})


@dataclass
class Steps:
    """Counts the steps of a commit, and lets something happen at one of them.

    The steps are the calls that change something on disk, and those that the database which decides
    gets: before and after each, for it may fail with its work done.

    Attributes:
        at: the number of the step.
        happen: what happens there, told the name of the step; it may raise.
        taken: the names of the steps so far.
    """

    at: int
    happen: Callable[[str], None]
    taken: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        """Take a step."""
        self.taken.append(name)
        if len(self.taken) == self.at:
            self.happen(name)

    @contextmanager
    def watching(self, database: Database) -> Iterator[None]:
        """Watch the disk, and the sessions and the settling of a database."""
        session = database.begin(writing=False)
        session.rollback()
        with pytest.MonkeyPatch.context() as patch:
            for name in FILE_CALLS:
                patch.setattr(os, name, self._call(name, getattr(os, name)))
            for place, name in ((type(session), "decide"), (type(session), "commit"), (type(database), "settle")):
                patch.setattr(place, name, self._around(name, getattr(place, name)))
            yield

    def _call(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name != "open" or arguments[1] & os.O_CREAT:
                self.step(name)
            return real(*arguments, **options)

        return call

    def _around(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def around(*arguments: Any, **options: Any) -> Any:
            self.step(f"before {name}")
            result = real(*arguments, **options)
            self.step(f"after {name}")
            return result

        return around


def steps_of(place: "Place", do: Callable[[Backoffice], object]) -> list[int]:
    """Give the numbers of the steps to be tried of what is done from the state before, and one more than there are."""
    steps = Steps(NEVER, die)
    with closing(open_shop(place.kind, place.folder)) as shop, steps.watching(decider(shop)):
        do(shop)
    tried = [at for at, name in enumerate(steps.taken, 1) if name not in FILE_CALLS or at % EVERY == 0]
    return [*tried, len(steps.taken) + 1]


def die(name: str) -> None:
    """End this process as `kill -9` does: nothing is given back, nothing is undone."""
    os._exit(9)


def in_child(do: Callable[[], object]) -> int:
    """Do something in a forked process; give its exit code, 0 when it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            do()
        except BaseException:  # noqa: BLE001  # whatever it is, this process has to end here
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dying_at(at: int, kind: str, folder: Path, do: Callable[[Backoffice], object]) -> bool:
    """Do something with the shop in a process that dies at a step; tell whether it came to its end."""

    def run() -> None:
        shop = open_shop(kind, folder)
        with Steps(at, die).watching(decider(shop)):
            do(shop)

    code = in_child(run)
    assert code in {0, 9}, code
    return code == 0


class Place:
    """A shop that is in one of two states: before the unit of work of these tests, and after it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        with closing(open_shop(kind, folder)) as shop:
            self.before = prepared(shop)

    def state(self, *, writing: bool = False) -> str:
        """Look at everything, in a shop that is opened anew, and see that it is one of the two states.

        Args:
            writing: whether to look from within a unit of work that writes.
        """
        with closing(open_shop(self.kind, self.folder)) as shop:
            if writing:
                with shop.transaction():
                    shop.books.create({"name": "passing"})
                    found = judged(shop, self.before)
                    shop.books.get_by_id("passing").delete()
                return found
            return judged(shop, self.before)

    def restore(self) -> None:
        """Bring about the state before."""
        with closing(open_shop(self.kind, self.folder)) as shop:
            with shop.transaction():
                for collection in (shop.books, shop.authors):
                    for item in collection.select():
                        with suppress(DBError):
                            item.delete()
            self.before = prepared(shop)


def judged(shop: Backoffice, before: dict[str, Any]) -> str:
    """Say which state a shop is in; nothing in between is allowed."""
    assert audit(shop) == []
    found = {key: value for key, value in dump(shop).items() if key != "books/passing"}
    if found == before:
        return "before"
    new = {"authors/new", *(f"books/new-{number}" for number in range(3))}
    assert found.keys() == {key for key in before if not key.split("/")[1].startswith("old")} | new
    kept: Any = shop.authors.get_by_id("kept")
    assert (kept["favourite"], kept["books2"], kept["friends"]) == ("new-2", ["new-1"], ["kept", "new"])
    assert links(shop, "books.author1") == {"kept-0": ["kept"], "kept-1": ["kept"]} | {
        f"new-{number}": ["new"] for number in range(3)
    }
    return "after"


@pytest.fixture(params=ACROSS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Make a shop over each pair of stores, once with the stored links in the one, once in the other."""
    return Place(request.param, tmp_path)


def test_killed_at_each_step(place: Place) -> None:
    """A process that dies at any step leaves a unit whole, for whoever comes next; nothing is left over then."""
    steps = steps_of(place, work)
    place.restore()
    ends = []
    for at in steps:
        is_done = dying_at(at, place.kind, place.folder, work)
        ends.append(place.state(writing=at % 2 == 0))
        assert list(place.folder.glob("*/.pending")) == []
        if ends[-1] == "after":
            place.restore()

    assert is_done
    assert ends == sorted(ends, reverse=True), "what was committed at one step was not at a later one"
    assert ends.count("before") >= len(ends) // 4
    assert ends.count("after") >= len(ends) // 4
    record_figure("promises", {f"p3_{place.kind}_kills_at_each_step": len(ends) - 1})


@pytest.mark.parametrize("point", ["before commit", "after commit"])
def test_killed_at_each_step_of_a_recovery(place: Place, point: str) -> None:
    """A recovery that is interrupted, again and again, comes to the same end."""
    expected = "before" if point == "before commit" else "after"
    leave_at(point, place)
    steps = steps_of(place, dump)
    for at in steps:
        if expected == "after":
            place.restore()
        leave_at(point, place)
        ends = [dying_at(step, place.kind, place.folder, dump) for step in (at, at + 1)]
        assert place.state() == expected
    assert all(ends)
    assert len(steps) > 3


def leave_at(point: str, place: Place) -> None:
    """Let a process die in the middle of the unit."""

    def run() -> None:
        shop = open_shop(place.kind, place.folder)

        class Until(Steps):
            def step(self, name: str) -> None:
                if name == point:
                    die(name)

        with Until(NEVER, die).watching(decider(shop)):
            work(shop)

    assert in_child(run) == 9


def test_a_failure_at_each_step(place: Place) -> None:
    """When a step fails, and the process lives, the unit is whole; it is there exactly when it was acknowledged."""

    def fail(name: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if name in FILE_CALLS else DBError("the store is away")

    steps_to_fail = steps_of(place, work)
    ends = []
    for at in steps_to_fail:
        place.restore()
        with closing(open_shop(place.kind, place.folder)) as shop:
            dump(shop)
            steps, expected = Steps(at, fail), "after"
            with steps.watching(decider(shop)):
                try:
                    work(shop)
                except DBError:
                    expected = "before"
            assert judged(shop, place.before) == expected, steps.taken
            assert place.state() == expected, steps.taken
            ends.append((steps.taken[at - 1 : at], expected))
            if expected == "before":
                work(shop)  # nothing is in the way of trying again
                assert judged(shop, place.before) == "after"

    assert len(steps.taken) < at
    assert (["before commit"], "before") in ends
    assert (["after commit"], "after") in ends, "a commit that was done although it failed counts"
    assert {end for _, end in ends} == {"before", "after"}


@pytest.mark.parametrize("point", ["before commit", "after commit"])
def test_a_database_that_is_away_is_waited_for(place: Place, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody guesses: until the database answers, what follows it is away too; then it is as was decided."""
    leave_at(point, place)
    with closing(open_shop(place.kind, place.folder)) as shop:
        database = type(decider(shop))
    with monkeypatch.context() as patch:
        patch.setattr(database, "settle", away)
        for writing in (False, True, False):
            with pytest.raises(DBError, match="is away"):
                place.state(writing=writing)
    assert list(place.folder.glob("*/.pending"))

    assert place.state() == ("before" if point == "before commit" else "after")


def away(self: Database, unit: str) -> bool:
    """Be away."""
    raise DBError("the database is away")


@pytest.mark.parametrize("point", ["before commit", "after commit"])
def test_an_outcome_that_nobody_knows_is_learned_later(
    place: Place, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that fails in a database which then is away leaves the process waiting, not guessing."""

    def fail(name: str) -> None:
        if name == point:
            raise DBError("the connection is lost")

    class Always(Steps):
        def step(self, name: str) -> None:
            self.happen(name)

    with closing(open_shop(place.kind, place.folder)) as shop:
        dump(shop)
        with Always(0, fail).watching(decider(shop)), monkeypatch.context() as patch:
            patch.setattr(type(decider(shop)), "settle", away)
            with pytest.raises(DBError, match="connection is lost"):
                work(shop)
            with pytest.raises(DBError, match="is away"):
                dump(shop)

        assert judged(shop, place.before) == ("before" if point == "before commit" else "after")


def test_two_processes_recover_at_once(place: Place) -> None:
    """They find the same, however they race."""
    for race in range(scaled(6, 100)):
        point = ("before commit", "after commit")[race % 2]
        leave_at(point, place)
        start = time.time() + 0.05
        expected = "before" if point == "before commit" else "after"

        def see(start: float = start, expected: str = expected) -> None:
            time.sleep(max(0, start - time.time()))
            assert place.state() == expected

        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                os._exit(0 if _runs(see) else 1)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
        if expected == "after":
            place.restore()


def _runs(do: Callable[[], object]) -> bool:
    try:
        do()
    except BaseException:  # noqa: BLE001  # told by the result
        return False
    return True


def test_units_of_work_do_not_wait_for_one_another(place: Place) -> None:
    """Threads that begin on different sides of a relation come to their ends at once."""
    with closing(open_shop(place.kind, place.folder)) as shop:
        failures: list[BaseException] = []

        def cross(first: str, second: str, number: int) -> None:
            try:
                with shop.transaction():
                    shop.collections[first].get_by_id("kept" if first == "authors" else "kept-0")
                    time.sleep(0.005)
                    shop.collections[second].create({"name": f"{first}-{number}"})
            except BaseException as error:  # noqa: BLE001  # told by the main thread
                failures.append(error)

        threads = [
            threading.Thread(target=cross, args=(*names, number))
            for number in range(5)
            for names in (("authors", "books"), ("books", "authors"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failures == []
        assert shop.authors.count() == shop.books.count() - 3 == 7


def test_a_process_that_does_not_know_the_database_says_so(place: Place) -> None:
    """An application that declares only the files is refused while one is to be asked that it does not declare."""
    leave_at("after commit", place)
    alone = next(name for name in ("authors", "books") if (place.folder / name).is_dir())

    def opened() -> Backoffice:
        shop = Backoffice("alone")
        item = Item({"name": String(), "pages": String()})
        shop.register_collection(Collection(alone, item, connector("yaml", place.folder, alone)))
        return shop

    with closing(opened()) as shop, pytest.raises(DBError, match=r"\.pending was committed is known in .*not declared"):
        dump(shop)

    assert place.state() == "after"


def test_what_is_written_down_is_removed(place: Place) -> None:
    """Only units that write into both are written down, and each takes away the row of the one before."""
    with closing(open_shop(place.kind, place.folder)) as shop:
        seen: list[int] = []
        session = type(decider(shop).begin(writing=False))
        decide = session.decide

        def counting(self: Session, unit: str, over: tuple[str, ...] = ()) -> None:
            seen.append(len(over))
            decide(self, unit, over)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session, "decide", counting)
            shop.books.create({"name": "one"})
            shop.authors.create({"name": "one"})
            assert seen == []
            for name in ("two", "three", "four"):
                with shop.transaction():
                    shop.authors.create({"name": name})
                    shop.books.create({"name": name, "author1": name})

    assert seen == [0, 1, 1]
