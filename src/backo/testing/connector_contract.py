# ruff: noqa: S101  # a test suite says what holds with `assert`
"""Test whether a connector keeps the contract of `backo.connectors.base`, whoever wrote it.

Subclass the suite in a test module, say how a store is made, and let pytest run it:

    class TestMyConnector(ConnectorContract):
        def make_store(self, folder: Path) -> MyConnector:
            return MyConnector(folder / "data.db")

The in-memory store is the reference: where another store answers otherwise, the other is wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from backo import jsontext
from backo.connectors.adapted import adapt
from backo.connectors.base import DBConnector, Document, Lock, Operation, Rank, Session, Store, StoredDocument, Write
from backo.errors import ConflictError, DBError, SessionError, TransientError
from backo.query import sorting
from backo.query.filters import EVERYTHING, NOTHING, Compare, Operator, Query, SortKey, id_is_in
from backo.query.matching import matcher
from backo.schema.kinds import Kind
from backo.testing.contract_data import EXACT_VALUES, HOSTILE_IDS, SORTS, STRUCTURE, filters, sample

WAIT = 0.2  # seconds after which something is thought to wait
TIMEOUT = 60.0  # seconds after which something is thought to hang


class ConnectorContract:
    """The suite. `make_store` is the only thing to be given."""

    writes_alone: ClassVar[bool] = True
    """Whether a session begun for writing keeps other writing sessions out (embedded stores)."""

    def make_store(self, folder: Path) -> Store | DBConnector:
        """Make a connector to a place below an empty folder; to the same place when called again."""
        raise NotImplementedError

    def open_store(self, folder: Path) -> Store:
        """Make a store and tell it its structure."""
        connector = self.make_store(folder)
        store = connector if isinstance(connector, Store) else adapt(connector)
        store.declare(STRUCTURE)
        return store

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Give an empty store, closed in the end."""
        store = self.open_store(tmp_path)
        yield store
        store.database.close()

    # Documents

    def test_what_is_inserted_is_read(self, store: Store) -> None:
        """A document comes back with its id, revision and fingerprint."""
        with writing(store) as session:
            store.write(session, [insert({"_id": "a", "name": "Jo"}, rev=41, fingerprint="print")])

        found = read(store, "a")

        assert found is not None
        assert (found.id, found.rev, found.fingerprint) == ("a", 41, "print")
        assert found.document == {"_id": "a", "name": "Jo"}

    def test_what_does_not_exist_is_left_out(self, store: Store) -> None:
        """Ids without a document are no error."""
        save(store, {"_id": "a"})

        with reading(store) as session:
            assert set(store.get(session, ["b", "a", "c", "a"])) == {"a"}
            assert store.get(session, []) == {}

    def test_an_update_replaces_the_document(self, store: Store) -> None:
        """What an update does not have is gone."""
        save(store, {"_id": "a", "name": "Jo", "age": 3})

        with writing(store) as session:
            store.write(session, [update({"_id": "a", "name": "Al"}, expected=1, rev=2)])

        assert contents(store) == {"a": {"_id": "a", "name": "Al"}}
        assert rev_of(store, "a") == 2

    def test_a_deleted_document_is_gone(self, store: Store) -> None:
        """It is neither got nor found, and its id is free again."""
        save(store, {"_id": "a", "email": "x"}, {"_id": "b"})

        with writing(store) as session:
            store.write(session, [delete("a", expected=1)])

        assert contents(store) == {"b": {"_id": "b"}}
        save(store, {"_id": "a", "email": "x"})
        assert set(contents(store)) == {"a", "b"}

    @pytest.mark.parametrize("rev", [0, 2, -1])
    def test_a_write_needs_the_present_revision(self, store: Store, rev: int) -> None:
        """Updates and deletions of another revision are conflicts, and change nothing."""
        save(store, {"_id": "a", "name": "Jo"})

        for write in (update({"_id": "a"}, expected=rev, rev=9), delete("a", expected=rev)):
            with refused(store) as session:
                store.write(session, [write])

        assert contents(store) == {"a": {"_id": "a", "name": "Jo"}}

    def test_a_write_needs_its_document(self, store: Store) -> None:
        """Updates and deletions of what is not there are conflicts; so is inserting what is."""
        save(store, {"_id": "a"})

        for write in (update({"_id": "b"}, expected=1, rev=2), delete("b", expected=1), insert({"_id": "a"})):
            with refused(store) as session:
                store.write(session, [write])

        assert contents(store) == {"a": {"_id": "a"}}

    def test_a_batch_is_written_whole_or_not_at_all(self, store: Store) -> None:
        """One refused write of a batch refuses the others with it."""
        save(store, {"_id": "a"})

        with refused(store) as session:
            store.write(session, [insert({"_id": "b"}), delete("a", expected=1), insert({"_id": "c"}), delete("d")])

        assert contents(store) == {"a": {"_id": "a"}}

    @pytest.mark.parametrize("id_", HOSTILE_IDS, ids=lambda id_: repr(id_[:20]))
    def test_an_id_is_only_an_id(self, store: Store, id_: str) -> None:
        """Any text is the id of nothing, then of what is stored under it."""
        with reading(store) as session:
            assert store.get(session, [id_]) == {}
            assert list(store.find(session, Query(id_is_in((id_,))))) == []

        save(store, {"_id": id_, "parent": id_})

        assert contents(store) == {id_: {"_id": id_, "parent": id_}}
        with reading(store) as session:
            assert set(store.get(session, [id_])) == {id_}
            assert store.referrers(session, ("parent",), [id_], 9) == [(id_, id_)]
        with writing(store) as session:
            store.write(session, [delete(id_, expected=1)])
        assert contents(store) == {}

    def test_ids_that_look_alike_are_different(self, store: Store) -> None:
        """Capitals, accents in two forms and spaces tell ids apart."""
        ids = ["a", "A", "é", "e\u0301", "É", "a ", " a", "ß", "ss", "a.", "%61", "x" * 300, "x" * 299, "x" * 299 + "X"]
        save(store, *({"_id": id_, "name": id_} for id_ in ids))

        assert contents(store) == {id_: {"_id": id_, "name": id_} for id_ in ids}

    def test_an_id_that_cannot_be_written_is_the_id_of_nothing(self, store: Store) -> None:
        """A lone surrogate in an id asked for is no error."""
        with reading(store) as session:
            assert store.get(session, ["\ud800"]) == {}

    @pytest.mark.parametrize("value", EXACT_VALUES, ids=lambda value: repr(value)[:30])
    def test_what_is_stored_is_what_is_read(self, store: Store, tmp_path: Path, value: Any) -> None:
        """Each JSON value comes back as it was: value, type, sign of zero, order of keys where text is kept."""
        document = {"_id": "a", "value": value, "list": [value], "record": {"inner": value}, "last": 1}
        save(store, document)

        if store.capabilities.durable:
            store = self.reopened(store, tmp_path)
        found = read(store, "a")

        assert found is not None
        assert exactly(found.document) == exactly(document)
        if store.capabilities.keeps_text:
            assert found.text is not None
            assert repr(jsontext.decode(found.text)) == repr(document)

    def test_what_a_caller_changes_is_not_stored(self, store: Store) -> None:
        """Neither the document written nor the one read is shared with the store."""
        document: Document = {"_id": "a", "tags": ["x"]}
        save(store, document)

        document["tags"].append("y")
        found = read(store, "a")
        assert found is not None
        found.document["tags"].append("z")

        assert contents(store) == {"a": {"_id": "a", "tags": ["x"]}}

    # Queries

    def test_a_filter_means_what_it_means_in_memory(self, store: Store) -> None:
        """Each operator on each kind, alone and combined, gives and counts exactly what the matcher says."""
        documents = sample()
        save(store, *documents)

        with reading(store) as session:
            for filter_ in filters():
                matches = matcher(filter_)
                expected = sorted(document["_id"] for document in documents if matches(document))
                assert found_ids(store, session, Query(filter_)) == expected, filter_
                assert store.count(session, filter_) == len(expected), filter_

    @pytest.mark.parametrize("sort", SORTS, ids=lambda sort: ",".join(map(_sort_name, sort)) or "none")
    def test_documents_come_in_order(self, store: Store, sort: tuple[SortKey, ...]) -> None:
        """Absent values are last both ways, `_id` breaks ties; skip and limit cut that order."""
        documents = sample()
        save(store, *documents)
        in_order = sorting.page(documents, Query(sort=sort), document_of=lambda document: document)
        expected = [document["_id"] for document in in_order]

        with reading(store) as session:
            assert found_ids(store, session, Query(sort=sort)) == expected
            for skip, limit in ((0, 7), (7, 7), (55, 10), (60, 1), (1000, 5), (0, 0), (3, None)):
                stop = None if limit is None else skip + limit
                assert found_ids(store, session, Query(sort=sort, skip=skip, limit=limit)) == expected[skip:stop]

    @pytest.mark.parametrize("sort", SORTS, ids=lambda sort: ",".join(map(_sort_name, sort)) or "none")
    def test_pages_follow_one_another(self, store: Store, sort: tuple[SortKey, ...]) -> None:
        """Asking for what comes after the last row seen gives each row once."""
        documents = sample()
        save(store, *documents)
        filter_ = Compare(("age",), Operator.EQ, None, Kind.INTEGER)
        seen: list[str] = []
        after = None

        with reading(store) as session:
            while page := list(store.find(session, Query(filter_, sort, limit=4, after=after))):
                seen += [stored.id for stored in page]
                after = sorting.position(page[-1].document, sort)
            assert seen == found_ids(store, session, Query(filter_, sort))

    def test_counting_everything_and_nothing(self, store: Store) -> None:
        """Without conditions all documents count, and none with the empty disjunction."""
        with reading(store) as session:
            assert store.count(session, EVERYTHING) == 0
        save(store, *sample(10))

        with reading(store) as session:
            assert store.count(session, EVERYTHING) == 10
            assert store.count(session, NOTHING) == 0

    # Links

    def test_referrers_come_by_target_then_by_holder(self, store: Store) -> None:
        """Pairs are ordered, cut at the limit, and name only what was asked for."""
        save(
            store,
            {"_id": "h2", "parent": "p1", "friends": ["p1", "p2", "p1"]},
            {"_id": "h1", "parent": "p1", "friends": []},
            {"_id": "h3", "parent": "p2", "friends": ["p9"]},
            {"_id": "h4", "parent": None},
            {"_id": "h5"},
        )

        with reading(store) as session:

            def referrers(path: str, ids: Sequence[str], limit: int = 100) -> list[tuple[str, str]]:
                return store.referrers(session, (path,), ids, limit)

            assert referrers("parent", ["p2", "p1"]) == [("p2", "h3"), ("p1", "h1"), ("p1", "h2")]
            assert referrers("parent", ["p2", "p1"], 2) == [("p2", "h3"), ("p1", "h1")]
            assert referrers("friends", ["p1", "p2", "p3"]) == [("p1", "h2"), ("p2", "h2")]
            assert referrers("parent", []) == referrers("parent", ["p9"]) == referrers("parent", ["p1"], 0) == []

    def test_referrers_include_what_the_session_wrote(self, store: Store) -> None:
        """Links made, moved and removed in a session count at once, in it."""
        save(store, {"_id": "a", "parent": "p"}, {"_id": "b", "parent": "p"}, {"_id": "c", "parent": "q"})

        with writing(store) as session:
            moved = update({"_id": "b", "parent": "q"}, expected=1, rev=2)
            store.write(session, [delete("a", expected=1), moved, insert({"_id": "d", "parent": "p"})])

            found = store.referrers(session, ("parent",), ["p", "q"], 10)
        assert found == [("p", "d"), ("q", "b"), ("q", "c")]

    # Unique values

    def test_a_unique_value_is_taken_once(self, store: Store) -> None:
        """A second one is refused, naming the path and nothing of the other document."""
        save(store, {"_id": "secret", "email": "x"})

        with pytest.raises(ConflictError) as caught, writing(store) as session:
            store.write(session, [insert({"_id": "b", "email": "x"})])

        assert [(problem.path, problem.code) for problem in caught.value.problems] == [("$.email", "unique")]
        assert "secret" not in str(caught.value)

    def test_a_unique_value_is_taken_once_within_a_batch(self, store: Store) -> None:
        """Two documents of one batch, or of one session, cannot share it either."""
        with refused(store) as session:
            store.write(session, [insert({"_id": "a", "email": "x"}), insert({"_id": "b", "email": "x"})])
        with refused(store) as session:
            store.write(session, [insert({"_id": "a", "email": "x"})])
            store.write(session, [insert({"_id": "b", "email": "x"})])

        assert contents(store) == {}

    def test_absent_values_do_not_collide(self, store: Store) -> None:
        """Null and missing are no values; the empty text is one."""
        save(store, {"_id": "a", "email": None}, {"_id": "b"}, {"_id": "c", "email": None}, {"_id": "d", "email": ""})

        with refused(store) as session:
            store.write(session, [insert({"_id": "e", "email": ""})])

    def test_unique_values_can_be_swapped(self, store: Store) -> None:
        """Uniqueness is judged after the whole batch: values move in a circle, or from a deleted document."""
        save(store, *({"_id": id_, "email": id_} for id_ in "abc"), {"_id": "d", "email": "d"})

        with writing(store) as session:
            swaps = {"a": "b", "b": "c", "c": "a"}
            turned = [update({"_id": id_, "email": email}, expected=1, rev=2) for id_, email in swaps.items()]
            store.write(session, [*turned, insert({"_id": "e", "email": "d"}), delete("d", expected=1)])

        assert {id_: document["email"] for id_, document in contents(store).items()} == {
            "a": "b",
            "b": "c",
            "c": "a",
            "e": "d",
        }

    def test_an_update_may_keep_its_unique_value(self, store: Store) -> None:
        """A document does not collide with itself."""
        save(store, {"_id": "a", "email": "x"})

        with writing(store) as session:
            store.write(session, [update({"_id": "a", "email": "x", "age": 1}, expected=1, rev=2)])

        assert contents(store)["a"]["age"] == 1

    # Sessions

    def test_a_session_sees_what_it_wrote(self, store: Store) -> None:
        """Getting, finding, sorting and counting include the session's own writes."""
        save(store, {"_id": "a", "age": 1}, {"_id": "b", "age": 2}, {"_id": "c", "age": 3})
        by_age = (SortKey(("age",), Kind.INTEGER),)
        young = Compare(("age",), Operator.LT, 3, Kind.INTEGER)

        with writing(store) as session:
            older = update({"_id": "a", "age": 9}, expected=1, rev=2)
            store.write(session, [older, delete("b", expected=1), insert({"_id": "d", "age": 0})])

            assert set(store.get(session, ["a", "b", "c", "d"], Lock.EXCLUSIVE)) == {"a", "c", "d"}
            assert store.get(session, ["a"])["a"].rev == 2
            assert found_ids(store, session, Query(sort=by_age)) == ["d", "c", "a"]
            assert found_ids(store, session, Query(limit=2)) == ["a", "c"]
            assert found_ids(store, session, Query(young)) == ["d"]
            assert (store.count(session, EVERYTHING), store.count(session, young)) == (3, 1)
            store.write(session, [update({"_id": "d", "age": 5}, expected=1, rev=2), delete("a", expected=2)])
            assert found_ids(store, session, Query(sort=by_age)) == ["c", "d"]
        assert set(contents(store)) == {"c", "d"}

    def test_a_rollback_leaves_no_trace(self, store: Store, tmp_path: Path) -> None:
        """Nothing that was written in the session is there afterwards, nor after opening anew."""
        save(store, {"_id": "a", "email": "x", "parent": "p"})
        session = store.database.begin(writing=True)
        store.write(session, [delete("a", expected=1), insert({"_id": "b", "email": "x"})])

        session.rollback()
        session.rollback()

        assert contents(store) == {"a": {"_id": "a", "email": "x", "parent": "p"}}
        save(store, {"_id": "b", "email": "y"})
        if store.capabilities.durable:
            assert set(contents(self.reopened(store, tmp_path))) == {"a", "b"}

    def test_others_do_not_see_what_is_not_committed(self, store: Store) -> None:
        """A session that reads while another writes sees the state before."""
        save(store, {"_id": "a", "age": 1})
        session = store.database.begin(writing=True)
        store.write(session, [update({"_id": "a", "age": 2}, expected=1, rev=2), insert({"_id": "b", "age": 2})])

        seen = in_thread(lambda: contents(store))
        session.commit()

        assert seen == {"a": {"_id": "a", "age": 1}}
        assert set(contents(store)) == {"a", "b"}

    def test_a_reading_session_sees_one_state(self, store: Store) -> None:
        """From its first read on, what others commit does not show."""
        save(store, {"_id": "a", "email": "x", "parent": "p"}, {"_id": "b", "email": "y"})
        session = store.database.begin(writing=False)
        assert store.count(session, EVERYTHING) == 2

        def change() -> None:
            with writing(store) as other:
                changed = update({"_id": "b", "email": "z"}, expected=1, rev=2)
                store.write(other, [delete("a", expected=1), changed, insert({"_id": "c", "parent": "p"})])

        in_thread(change)

        assert found_ids(store, session, Query()) == ["a", "b"]
        assert store.get(session, ["b", "c"])["b"].document["email"] == "y"
        assert found_ids(store, session, Query(Compare(("email",), Operator.EQ, "x", Kind.TEXT))) == ["a"]
        assert found_ids(store, session, Query(Compare(("email",), Operator.EQ, "z", Kind.TEXT))) == []
        assert store.referrers(session, ("parent",), ["p"], 9) == [("p", "a")]
        assert store.count(session, EVERYTHING) == 2
        session.rollback()
        assert set(contents(store)) == {"b", "c"}

    def test_a_writing_session_is_alone(self, store: Store) -> None:
        """Another one begins when the first has ended, and sees what it did."""
        if not self.writes_alone:
            pytest.skip("this store lets several write at once")
        first = store.database.begin(writing=True)
        store.write(first, [insert({"_id": "a"})])
        seen: list[set[str]] = []

        def second() -> None:
            with writing(store) as session:
                seen.append(set(store.get(session, ["a"])))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join(WAIT)
        assert thread.is_alive()
        first.commit()
        thread.join(TIMEOUT)

        assert seen == [{"a"}]

    def test_a_session_ends(self, store: Store) -> None:
        """After its end a session does nothing any more, and says so."""
        session = store.database.begin(writing=True)
        store.write(session, [insert({"_id": "a"})])
        session.commit()
        session.rollback()

        with pytest.raises(SessionError):
            store.get(session, ["a"])
        with pytest.raises(SessionError):
            store.write(session, [insert({"_id": "b"})])
        with pytest.raises(SessionError):
            session.commit()
        assert set(contents(store)) == {"a"}

    def test_a_reading_session_does_not_write(self, store: Store) -> None:
        """A write in a session that was begun for reading is an error."""
        session = store.database.begin(writing=False)

        with pytest.raises(SessionError):
            store.write(session, [insert({"_id": "a"})])

        session.rollback()
        assert contents(store) == {}

    # Time and others

    def test_what_was_acknowledged_is_there_after_opening_anew(self, store: Store, tmp_path: Path) -> None:
        """Documents, revisions, unique values and links survive the end of the connector."""
        if not store.capabilities.durable:
            pytest.skip("this store ends with its process")
        documents = sample(20)
        save(store, *documents, {"_id": "u", "email": "x", "parent": "p"})

        store = self.reopened(store, tmp_path)

        assert contents(store) == {document["_id"]: document for document in documents} | {
            "u": {"_id": "u", "email": "x", "parent": "p"}
        }
        assert rev_of(store, "u") == 1
        with reading(store) as session:
            assert store.referrers(session, ("parent",), ["p"], 2) == [("p", "u")]
        with refused(store) as session:
            store.write(session, [insert({"_id": "v", "email": "x"})])

    def test_a_closed_store_opens_again(self, store: Store) -> None:
        """Closing gives back what is open; the next session opens it anew."""
        save(store, {"_id": "a"})

        store.database.close()
        store.database.close()

        assert set(contents(store)) == {"a"}

    def test_no_update_of_several_threads_is_lost(self, store: Store) -> None:
        """Each of many increments by several threads, begun anew on conflict, counts once."""
        save(store, {"_id": "a", "age": 0})

        def add() -> None:
            while True:
                try:
                    with writing(store) as session:
                        stored = store.get(session, ["a"], Lock.EXCLUSIVE)["a"]
                        document = {**stored.document, "age": stored.document["age"] + 1}
                        store.write(session, [update(document, expected=stored.rev, rev=stored.rev + 1)])
                except (ConflictError, TransientError):
                    continue
                return

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(add) for _ in range(40)]:
                done.result(TIMEOUT)

        assert contents(store)["a"]["age"] == 40

    def test_readers_never_see_half_a_unit(self, store: Store) -> None:
        """While units move an amount from one document to another, every reader finds the same sum."""
        save(store, {"_id": "a", "age": 100}, {"_id": "b", "age": 0})
        is_over = threading.Event()

        def move() -> None:
            for step in range(1, 31):
                with writing(store) as session:
                    less = update({"_id": "a", "age": 100 - step}, expected=step, rev=step + 1)
                    store.write(session, [less, update({"_id": "b", "age": step}, expected=step, rev=step + 1)])
            is_over.set()

        def look() -> set[int]:
            sums = set()
            while not is_over.is_set():
                with reading(store) as session:
                    first = store.get(session, ["a"])["a"].document["age"]
                    sums.add(first + store.get(session, ["b"])["b"].document["age"])
                    sums.add(sum(stored.document["age"] for stored in store.find(session, Query())))
            return sums

        with ThreadPoolExecutor(3) as pool:
            readers = [pool.submit(look) for _ in range(2)]
            pool.submit(move).result(TIMEOUT)
            assert set().union(*(reader.result(TIMEOUT) for reader in readers)) <= {100}

    # Units of work over several databases

    @pytest.fixture
    def deciding(self, store: Store) -> Store:
        """Give a store whose database decides what becomes of a unit of work that others take part in."""
        if store.database.rank not in {Rank.ALONE, Rank.SHARED}:
            pytest.skip("this database does not decide")
        return store

    def test_a_commit_decides_a_unit(self, deciding: Store, tmp_path: Path) -> None:
        """Whoever asks, and however often, is told so; and so is the next process."""
        session = deciding.database.begin(writing=True)
        deciding.write(session, [insert({"_id": "a"})])
        session.decide("unit-1")
        session.commit()

        assert deciding.database.settle("unit-1")
        assert deciding.database.settle("unit-1")
        assert self.reopened(deciding, tmp_path).database.settle("unit-1")

    def test_what_is_not_committed_never_will_be_once_somebody_asked(self, deciding: Store, tmp_path: Path) -> None:
        """The answer stays, and a straggler that tries to commit the unit all the same is refused with all it wrote."""
        session = deciding.database.begin(writing=True)
        session.decide("unit-1")
        session.rollback()

        assert not deciding.database.settle("unit-1")
        assert not deciding.database.settle("unit-1")
        assert not self.reopened(deciding, tmp_path).database.settle("unit-1")

        session = deciding.database.begin(writing=True)
        with pytest.raises(DBError):  # noqa: PT012  # some databases say so at the commit
            deciding.write(session, [insert({"_id": "a"})])
            session.decide("unit-1")
            session.commit()
        session.rollback()
        assert contents(deciding) == {}
        assert not deciding.database.settle("unit-1")

    @pytest.mark.parametrize("is_committed", [True, False])
    def test_who_asks_waits_for_a_unit_under_way(self, deciding: Store, *, is_committed: bool) -> None:
        """The answer is that of the transaction which is just adding the row."""
        session = deciding.database.begin(writing=True)
        session.decide("unit-1")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(deciding.database.settle, "unit-1")
            with pytest.raises(TimeoutError):
                asked.result(WAIT)
            (session.commit if is_committed else session.rollback)()

            assert asked.result(TIMEOUT) is is_committed

    def test_units_that_are_over_are_forgotten(self, deciding: Store) -> None:
        """The next unit takes away their rows, if it is committed."""
        for unit, over, is_committed in (("1", (), True), ("2", ("1",), False), ("3", ("unknown",), True)):
            session = deciding.database.begin(writing=True)
            session.decide(unit, over)
            (session.commit if is_committed else session.rollback)()
        assert deciding.database.settle("1")

        session = deciding.database.begin(writing=True)
        session.decide("4", ("1", "3"))
        session.commit()

        assert [deciding.database.settle(unit) for unit in "134"] == [False, False, True]

    def test_a_database_has_a_name(self, store: Store, tmp_path: Path) -> None:
        """It is the same in each process, as far as it can be used by several."""
        if not store.capabilities.durable:
            pytest.skip("this store ends with its process")
        key, seen = store.database.key, store.database.key_from(tmp_path)

        again = self.reopened(store, tmp_path)

        assert (again.database.key, again.database.key_from(tmp_path)) == (key, seen)
        assert ":" in key

    def reopened(self, store: Store, folder: Path) -> Store:
        """Close a store and open another one on the same place."""
        store.database.close()
        return self.open_store(folder)


def insert(document: Document, rev: int = 1, fingerprint: str = "f") -> Write:
    """Make an insert."""
    return Write(Operation.INSERT, document["_id"], rev=rev, fingerprint=fingerprint, document=document)


def update(document: Document, expected: int, rev: int) -> Write:
    """Make an update."""
    return Write(Operation.UPDATE, document["_id"], expected, rev, "f", document)


def delete(id_: str, expected: int = 1) -> Write:
    """Make a deletion."""
    return Write(Operation.DELETE, id_, expected)


@contextmanager
def writing(store: Store) -> Iterator[Session]:
    """Open a session for writing, committed in the end."""
    session = store.database.begin(writing=True)
    try:
        yield session
    except BaseException:
        session.rollback()
        raise
    session.commit()


@contextmanager
def reading(store: Store) -> Iterator[Session]:
    """Open a session for reading."""
    session = store.database.begin(writing=False)
    try:
        yield session
    finally:
        session.rollback()


@contextmanager
def refused(store: Store) -> Iterator[Session]:
    """Open a session in which a write is going to be refused."""
    session = store.database.begin(writing=True)
    try:
        with pytest.raises(ConflictError):
            yield session
    finally:
        session.rollback()


def save(store: Store, *documents: Document) -> None:
    """Insert documents in one unit, each at revision 1."""
    with writing(store) as session:
        store.write(session, [insert(document) for document in documents])


def read(store: Store, id_: str) -> StoredDocument | None:
    """Get one document."""
    with reading(store) as session:
        return store.get(session, [id_]).get(id_)


def rev_of(store: Store, id_: str) -> int | None:
    """Get the revision of a document."""
    stored = read(store, id_)
    return None if stored is None else stored.rev


def contents(store: Store) -> dict[str, Document]:
    """Read all documents, by id."""
    with reading(store) as session:
        return {stored.id: stored.document for stored in store.find(session, Query())}


def found_ids(store: Store, session: Session, query: Query) -> list[str]:
    """Run a query and give the ids."""
    return [stored.id for stored in store.find(session, query)]


def in_thread(work: Callable[[], Any]) -> Any:
    """Do something in another thread, and wait for it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(TIMEOUT)


def exactly(value: Any) -> Any:
    """Make values comparable but for the order of keys: `1`, `1.0` and `True` differ, `0.0` and `-0.0` too."""
    if isinstance(value, dict):
        return {key: exactly(value[key]) for key in value}
    if isinstance(value, list):
        return [exactly(element) for element in value]
    return type(value).__name__, repr(value)


def _sort_name(key: SortKey) -> str:
    return ("-" if key.descending else "") + ".".join(key.path)
