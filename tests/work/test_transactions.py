"""Several operations as one unit of work: all of them, or none (SPEC 3; D6)."""

import gc
import threading
import weakref
from typing import Any

import pytest

from backo import (
    Backoffice,
    ConflictError,
    DeleteStrategy,
    Int,
    Item,
    NotFoundError,
    Ref,
    RefsList,
    SessionError,
    State,
    String,
    TransientError,
    ValidationError,
    state_of,
)
from backo.work.unit import unit_of_work
from tests.work.stores import Stores, audit, dump, links

UNLINK = DeleteStrategy.UNLINK_REFERENCED_ITEMS


@pytest.fixture
def shop(stores: Stores) -> Backoffice:
    """Authors must have books, and books authors; a code is unique."""
    return stores.backoffice(
        {
            "authors": Item(
                {
                    "name": String(required=True),
                    "code": Int(unique=True),
                    "books": RefsList(coll="books", field="$.author", required=True),
                    "favourite": Ref(coll="books", field="$.fan", ods=UNLINK),
                }
            ),
            "books": Item(
                {
                    "name": String(required=True),
                    "author": Ref(coll="authors", field="$.books", required=True),
                    "fan": Ref(coll="authors", field="$.favourite"),
                    "pages": Int(min=1),
                }
            ),
        }
    )


def write(shop: Backoffice, author: str, *books: str) -> None:
    """Create an author with his books."""
    with shop.transaction():
        shop.authors.create({"name": author})
        for book in books:
            shop.books.create({"name": book, "author": author})


def test_items_that_need_one_another(shop: Backoffice) -> None:
    """What is missing while a unit is under way may be there at its end, in any order."""
    with shop.transaction():
        shop.books.create({"name": "b1", "author": "a1"})
        shop.authors.create({"name": "a1"})
    with shop.transaction():
        shop.authors.create({"name": "a2", "books": ["b2"]})
        book: Any = shop.books.create({"name": "b2"})

    assert links(shop, "books.author") == {"b1": ["a1"], "b2": ["a2"]}
    assert book.author == "a2"
    assert audit(shop) == []


def test_what_is_still_missing_at_the_end(shop: Backoffice) -> None:
    """Every missing target and every missing required link of the unit is told, and nothing is stored."""
    with pytest.raises(ValidationError) as caught, shop.transaction():
        shop.authors.create({"name": "a1", "favourite": "b9"})
        shop.books.create({"name": "b1"})
        shop.books.create({"name": "b2", "author": "a9"})

    assert sorted((problem.path, problem.code) for problem in caught.value.problems) == [
        ("$.author", "reference"),
        ("$.author", "required"),
        ("$.books", "required"),
        ("$.favourite", "reference"),
    ]
    assert dump(shop) == {}


def test_problems_of_a_document_come_at_once(shop: Backoffice) -> None:
    """A missing link is told together with what else is wrong with the item."""
    with pytest.raises(ValidationError) as caught:
        shop.books.create({"pages": 3})

    assert {(problem.path, problem.code) for problem in caught.value.problems} == {
        ("$.name", "required"),
        ("$.author", "required"),
    }


def test_a_change_of_mind(shop: Backoffice) -> None:
    """A link that was set to nobody and then to somebody is right in the end; so is one taken back."""
    write(shop, "a1", "b1")

    with shop.transaction():
        book: Any = shop.books.create({"name": "b2", "author": "a9"})
        book.author = "a1"
        book.save()
        author: Any = shop.authors.get_by_id("a1")
        author.books = ["b1", "b2", "b9"]
        author.save()
        author.books = ["b1", "b2"]
        author.save()

    assert links(shop, "authors.books") == {"a1": ["b1", "b2"]}


def test_a_link_that_was_taken_back_before_its_item_came(shop: Backoffice) -> None:
    """An item that is created later gets only the links that still stand."""
    write(shop, "a1", "b1")
    write(shop, "a2", "b2")

    with shop.transaction():
        author: Any = shop.authors.get_by_id("a1")
        author.books = ["b1", "b9"]
        author.save()
        author.books = ["b1"]
        author.save()
        shop.books.create({"name": "b9", "author": "a2"})

    assert links(shop, "authors.books") == {"a1": ["b1"], "a2": ["b2", "b9"]}


def test_a_unit_sees_its_own_writes(shop: Backoffice) -> None:
    """Reading, selecting, counting and following links inside a unit see what it did so far."""
    write(shop, "a1", "b1")

    with shop.transaction():
        shop.books.create({"name": "b2", "author": "a1", "pages": 5})
        shop.books.get_by_id("b1").delete()

        assert [book["_id"] for book in shop.books.select()] == ["b2"]
        assert [book["_id"] for book in shop.books.select({"pages": ("$gt", 4)})] == ["b2"]
        assert [book["_id"] for book in shop.books.select({"author.name": "a1"})] == ["b2"]
        assert shop.books.count() == 1
        author: Any = shop.authors.get_by_id("a1")
        assert author.books == ["b2"]
        assert author.books.items()[0].author.item.name == "a1"
        with pytest.raises(NotFoundError):
            shop.books.get_by_id("b1")


def test_nobody_else_sees_half_of_it(shop: Backoffice) -> None:
    """Another thread sees nothing of a unit until it ends."""
    write(shop, "a1", "b1")
    seen: list[int] = []

    def look() -> None:
        seen.append(shop.books.count())

    with shop.transaction():
        shop.books.create({"name": "b2", "author": "a1"})
        assert shop.books.count() == 2
        other = threading.Thread(target=look)
        other.start()
        other.join()
    look()

    assert seen == [1, 2]


def test_an_error_undoes_it_all(shop: Backoffice) -> None:
    """Whatever is raised inside undoes everything: items, links, and the state of the records."""
    write(shop, "a1", "b1")
    before = dump(shop)
    book: Any = shop.books.get_by_id("b1")
    new: Any = shop.books.new()

    with pytest.raises(ZeroDivisionError), shop.transaction():
        book.pages = 4
        book.save()
        new.create({"name": "b2", "author": "a1"})
        shop.authors.create({"name": "a2", "books": ["b1"]})
        assert (state_of(book), state_of(new)) == (State.SAVED, State.SAVED)
        raise ZeroDivisionError

    assert dump(shop) == before
    assert (state_of(book), book.pages) == (State.UNSAVED, 4)
    assert (state_of(new), new.name, new["_id"]) == (State.UNSAVED, "b2", None)
    book.save()
    new.save()
    assert links(shop, "books.author") == {"b1": ["a1"], "b2": ["a1"]}


def test_a_deletion_that_is_undone(shop: Backoffice) -> None:
    """A record whose deletion was undone is as it was."""
    write(shop, "a1", "b1", "b2")
    book: Any = shop.books.get_by_id("b2")

    with pytest.raises(ZeroDivisionError), shop.transaction():
        book.delete()
        assert state_of(book) is State.UNSET
        raise ZeroDivisionError

    assert (state_of(book), book.name) == (State.SAVED, "b2")
    book.pages = 3
    book.save()
    assert dump(shop)["books/b2"]["pages"] == 3


@pytest.mark.parametrize("pending", [False, True], ids=["nothing-before", "after-another-write"])
def test_an_operation_that_fails_and_is_caught(shop: Backoffice, pending: bool) -> None:
    """What fails is undone alone; the rest of the unit is committed."""
    write(shop, "a1", "b1", "b2")
    write(shop, "a2", "b3")

    with shop.transaction():
        if pending:
            shop.books.create({"name": "b4", "author": "a1"})
        with pytest.raises(ConflictError):
            shop.authors.get_by_id("a1").delete()
        with pytest.raises(ValidationError):
            shop.books.create({"name": "b5", "author": "a1", "pages": 0})
        with pytest.raises(ConflictError):
            shop.books.create({"name": "b1", "author": "a1"})
        stale: Any = shop.books.get_by_id("b1")
        book: Any = shop.books.get_by_id("b1")
        book.pages = 2
        book.save()
        stale.pages = 3
        with pytest.raises(ConflictError):
            stale.save()

    assert dump(shop)["books/b1"]["pages"] == 2
    assert shop.books.count() == (4 if pending else 3)
    assert audit(shop) == []


def test_what_a_caught_operation_wanted_does_not_count(stores: Stores) -> None:
    """Judgements, links and calls that an undone operation left for the end are undone with it."""

    def fuss(event: str, root: Any, me: Any) -> None:
        shop.on_commit(lambda: called.append(str(root.name)))
        if root.name.startswith("bad"):
            raise ZeroDivisionError

    called: list[str] = []
    shop = stores.backoffice(
        {
            "authors": Item(
                {"name": String(), "books": RefsList(coll="books", field="$.author")}, on=[("created", fuss)]
            ),
            "books": Item({"name": String(), "author": Ref(coll="authors", field="$.books")}),
        }
    )

    with shop.transaction():
        for name in ("bad", "good"):
            try:
                shop.authors.create({"name": name, "books": ["b1" if name == "good" else "b9", "b2"]})
            except ZeroDivisionError:
                assert name == "bad"  # it is the one that fails
        shop.books.create({"name": "b1"})
        shop.books.create({"name": "b2"})

    assert called == ["good"]
    assert links(shop, "books.author") == {"b1": ["good"], "b2": ["good"]}


def test_units_nest_by_joining(shop: Backoffice) -> None:
    """A transaction inside a transaction is the same unit of work."""
    with pytest.raises(ZeroDivisionError), shop.transaction():
        with shop.transaction():
            shop.authors.create({"name": "a1", "books": ["b1"]})
            shop.books.create({"name": "b1"})
        assert shop.books.count() == 1
        raise ZeroDivisionError

    assert dump(shop) == {}


@pytest.mark.parametrize("form", ["transaction", "run"])
def test_an_inner_transaction_fails_alone(shop: Backoffice, form: str) -> None:
    """What an inner transaction did is undone when it fails, also when the outer one goes on."""

    def fail() -> None:
        shop.books.create({"name": "b2", "author": "a1"})
        shop.authors.get_by_id("a1").set({"code": 7})
        assert shop.books.count() == 2  # so that the store has seen it
        raise ZeroDivisionError

    with shop.transaction():
        shop.authors.create({"name": "a1", "books": ["b1"]})
        shop.books.create({"name": "b1"})
        with pytest.raises(ZeroDivisionError):
            if form == "run":
                shop.run(fail)
            else:
                with shop.transaction():
                    fail()

    assert sorted(dump(shop)) == ["authors/a1", "books/b1"]
    assert audit(shop) == []


def test_swapping_unique_values(shop: Backoffice) -> None:
    """Uniqueness is judged at the end, so values can be swapped."""
    write(shop, "a1", "b1")
    write(shop, "a2", "b2")
    one: Any = shop.authors.get_by_id("a1")
    other: Any = shop.authors.get_by_id("a2")
    one.code, other.code = 1, 2
    one.save()
    other.save()

    with shop.transaction():
        one.code, other.code = 2, 1
        one.save()
        other.save()

    assert [dump(shop)[f"authors/{author}"]["code"] for author in ("a1", "a2")] == [2, 1]


def test_a_unique_value_that_was_freed(shop: Backoffice) -> None:
    """A value that one item gives up in a unit, or takes along when it is deleted, can be taken by another."""
    with shop.transaction():
        for number in (1, 2):
            shop.authors.create({"name": f"a{number}", "code": number, "books": [f"b{number}"]})
            shop.books.create({"name": f"b{number}"})

    with shop.transaction():
        shop.authors.create({"name": "a3", "code": 1, "books": ["b1"]})
        shop.authors.get_by_id("a1").delete()

    assert [one["code"] for one in shop.authors.select(sort="code")] == [1, 2]


def test_a_unique_value_taken_twice_in_one_unit(shop: Backoffice) -> None:
    """The end of the unit refuses, naming the path, and nothing of it is stored."""
    with pytest.raises(ConflictError) as caught, shop.transaction():
        for number in (1, 2):
            shop.authors.create({"name": f"a{number}", "code": 7, "books": [f"b{number}"]})
            shop.books.create({"name": f"b{number}"})

    assert [problem.path for problem in caught.value.problems] == ["$.code"]
    assert dump(shop) == {}


def test_deleting_and_creating_again(shop: Backoffice) -> None:
    """An `_id` that was given up in a unit can be used again in it, and before it nothing is lost."""
    write(shop, "a1", "b1", "b2")

    with shop.transaction():
        shop.books.get_by_id("b1").delete()
        shop.books.create({"name": "b1", "author": "a1", "pages": 9})

    assert dump(shop)["books/b1"]["pages"] == 9
    with shop.transaction():
        shop.books.create({"name": "b3", "author": "a1"}).delete()
    assert shop.books.count() == 2


def test_a_reading_unit_does_not_write(shop: Backoffice) -> None:
    """A unit that was opened to read refuses to write."""
    with unit_of_work(shop.catalog, writing=False), pytest.raises(SessionError):
        shop.books.create({"name": "b1"})


def test_a_unit_belongs_to_its_thread(shop: Backoffice) -> None:
    """A unit that is handed to another thread refuses to work there."""
    caught: list[BaseException] = []

    with shop.transaction() as unit:

        def work() -> None:
            try:
                unit.count(shop.books.entry, shop.books.filter(None))
            except SessionError as error:
                caught.append(error)

        other = threading.Thread(target=work)
        other.start()
        other.join()

    assert len(caught) == 1


def test_a_unit_that_ended(shop: Backoffice) -> None:
    """A unit cannot be used after its end."""
    with shop.transaction() as unit:
        pass

    with pytest.raises(SessionError):
        unit.count(shop.books.entry, shop.books.filter(None))


# on_commit, run.


def test_on_commit_waits_for_the_commit(shop: Backoffice) -> None:
    """Functions are called in their order once everything is stored, and may use the back office."""
    told: list[Any] = []

    with shop.transaction():
        shop.on_commit(lambda: told.append(shop.books.count()))
        shop.on_commit(lambda: write(shop, "a2", "b2"))
        shop.on_commit(lambda: told.append(shop.books.count()))
        write(shop, "a1", "b1")
        assert told == []

    assert told == [1, 2]


def test_on_commit_without_a_commit(shop: Backoffice) -> None:
    """Nothing is called when a unit is rolled back, whether inside or at its end."""
    told: list[str] = []

    with pytest.raises(ZeroDivisionError), shop.transaction():
        shop.on_commit(lambda: told.append("inside"))
        raise ZeroDivisionError
    with pytest.raises(ValidationError), shop.transaction():
        shop.on_commit(lambda: told.append("end"))
        shop.books.create({"name": "b1"})

    assert told == []


def test_on_commit_that_fails(shop: Backoffice, caplog: pytest.LogCaptureFixture) -> None:
    """What is stored stays stored; the failure is told in the log, and the next function is called."""
    told: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError

    with shop.transaction():
        shop.on_commit(fail)
        shop.on_commit(lambda: told.append("next"))
        write(shop, "a1", "b1")

    assert (told, shop.books.count()) == (["next"], 1)
    assert "on_commit" in caplog.text


def test_on_commit_outside_a_unit(shop: Backoffice) -> None:
    """Without a unit there is nothing to wait for."""
    with pytest.raises(SessionError):
        shop.on_commit(print)


def test_run_gives_what_the_function_gives(shop: Backoffice) -> None:
    """A function runs in one unit of work."""

    def work() -> int:
        write(shop, "a1", "b1", "b2")
        return shop.books.count()

    assert shop.run(work) == 2


def test_run_tries_again_when_a_store_asks_for_it(shop: Backoffice) -> None:
    """A transient failure starts the whole unit anew; what the failed try did is undone."""
    tries: list[int] = []

    def work() -> None:
        shop.authors.create({"name": "a1", "books": ["b1"]})
        shop.books.create({"name": "b1"})
        tries.append(shop.books.count())
        if len(tries) < 3:
            message = "once more"
            raise TransientError(message)

    shop.run(work)

    assert tries == [1, 1, 1]
    assert shop.books.count() == 1


def test_run_gives_up(shop: Backoffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten tries the failure is the caller's; inside an open unit there is only one."""
    monkeypatch.setattr("backo.collections.application._PAUSE", 0)
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        message = "never"
        raise TransientError(message)

    with pytest.raises(TransientError):
        shop.run(work)
    assert len(tries) == 10
    with pytest.raises(TransientError), shop.transaction():
        shop.run(work)
    assert len(tries) == 11


def test_a_unit_that_ended_lets_its_items_go(shop: Backoffice) -> None:
    """What a large unit held is freed when it ends, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        with shop.transaction() as unit:
            shop.authors.create({"name": "a1", "books": ["b1"]})
            shop.books.create({"name": "b1"})
        ended = weakref.ref(unit)
        del unit
        assert ended() is None
    finally:
        gc.enable()
