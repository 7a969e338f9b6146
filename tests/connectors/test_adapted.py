"""Five-method connectors behind the store interface: what fails is undone, what they answer is not trusted."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from backo.connectors.adapted import adapt
from backo.connectors.base import DBConnector, Document, Store, Structure
from backo.connectors.journal import group
from backo.connectors.memory import DBMemoryConnector
from backo.connectors.yaml import DBYmlConnector
from backo.errors import ConflictError, DBError
from backo.query.filters import EVERYTHING, Query, id_is_in
from backo.testing.connector_contract import contents, delete, insert, read, reading, save, update, writing
from tests.contracts.test_five_methods import DictConnector


class Fragile(DictConnector):
    """Fails when it is told to; keeps what it has when its process goes."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: Callable[[str, str], bool] = lambda method, id_: False
        self.closed = 0

    def _check(self, method: str, id_: str) -> None:
        if self.fails(method, id_):
            raise TimeoutError("postgres://user:secret@host timed out")

    def create(self, document: Document) -> str:
        """Store a new document."""
        self._check("create", document["_id"])
        return super().create(document)

    def save(self, id_: str, document: Document) -> None:
        """Replace a document."""
        self._check("save", id_)
        super().save(id_, document)

    def get_by_id(self, id_: str) -> Document:
        """Give a document."""
        self._check("get", id_)
        return super().get_by_id(id_)

    def delete_by_id(self, id_: str) -> None:
        """Remove a document."""
        self._check("delete", id_)
        super().delete_by_id(id_)

    def close(self) -> None:
        """Count."""
        self.closed += 1


def adapted(connector: DBConnector, name: str = "things") -> Store:
    """Adapt a connector, as another process would."""
    store = adapt(connector)
    store.declare(Structure(name))
    return store


BEFORE = {"a": {"_id": "a", "name": "old"}, "b": {"_id": "b", "name": "old"}}
AFTER = {"a": {"_id": "a", "name": "new"}, "c": {"_id": "c"}}


def run_unit(store: Store) -> None:
    """Update, delete and insert in one unit."""
    with writing(store) as session:
        changed = update({"_id": "a", "name": "new"}, expected=1, rev=2)
        store.write(session, [changed, delete("b"), insert({"_id": "c"})])


def insert_in_both(first: Store, first_id: str, second: Store, second_id: str) -> None:
    """Insert a document in each of two stores, in one unit."""
    with writing(first) as session:
        first.write(session, [insert({"_id": first_id})])
        second.write(session, [insert({"_id": second_id})])


@pytest.fixture
def connector() -> Fragile:
    """Give a connector with two documents."""
    made = Fragile()
    save(adapted(made), *BEFORE.values())
    return made


def test_documents_carry_revision_and_fingerprint(connector: Fragile) -> None:
    """The connector is handed plain documents with the two keys it has to give back."""
    assert connector.documents["a"] == {"_id": "a", "name": "old", "_rev": 1, "_schema": "f"}


def test_a_document_from_elsewhere_is_checked_anew(connector: Fragile) -> None:
    """Without the two keys it has a revision made from its content, and no fingerprint."""
    connector.documents["x"] = {"_id": "x", "name": "foreign"}

    found = read(adapted(connector), "x")

    assert found is not None
    assert found.fingerprint == ""
    assert found.rev > 0
    assert found.document == {"_id": "x", "name": "foreign"}


@pytest.mark.parametrize("step", [("save", "a"), ("delete", "b"), ("create", "c")], ids="-".join)
def test_a_unit_that_fails_in_the_middle_is_undone(connector: Fragile, step: tuple[str, str]) -> None:
    """What came before the failure is taken back, and the error tells no secrets."""
    store = adapted(connector)
    connector.fails = lambda *call: call == step

    with pytest.raises(DBError) as caught:
        run_unit(store)

    assert "secret" not in str(caught.value)
    connector.fails = lambda *call: False
    assert contents(store) == BEFORE
    run_unit(store)
    assert contents(store) == AFTER


@pytest.mark.parametrize("journal", [None, "journal"], ids=["without-journal", "with-journal"])
def test_an_undoing_that_fails_too_comes_before_everything_else(
    connector: Fragile, tmp_path: Path, journal: str | None
) -> None:
    """While the connector is away nobody sees half a unit; once it is back, it is as before."""
    store = adapted(connector)
    group([store], tmp_path / journal if journal else None)
    calls: list[str] = []

    def away_after_first_write(method: str, id_: str) -> bool:
        calls.append(method)
        return len({*calls} & {"save", "delete", "create"}) > 1

    connector.fails = away_after_first_write
    with pytest.raises(DBError):
        run_unit(store)
    for need in (contents, run_unit):
        with pytest.raises(DBError):
            need(store)

    connector.fails = lambda *call: False
    assert contents(store) == BEFORE
    run_unit(store)
    assert contents(store) == AFTER


class Died(BaseException):
    """The process is dead."""


def dying(patch: pytest.MonkeyPatch, at: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    """Make a process die at a call of its connector: from then on it does nothing any more."""

    def dead(*arguments: Any, **options: Any) -> Any:
        raise Died

    def fails(method: str, id_: str) -> bool:
        if at(method, id_):
            for name in ("rename", "unlink", "write"):
                patch.setattr(os, name, dead)
            for name in ("get_by_id", "create", "save", "delete_by_id"):
                patch.setattr(Fragile, name, dead)
            raise Died
        return False

    return fails


@pytest.mark.parametrize("step", [("save", "a"), ("delete", "b"), ("create", "c")], ids="-".join)
def test_a_crash_is_mended_from_the_journal(connector: Fragile, tmp_path: Path, step: tuple[str, str]) -> None:
    """A process that dies in the middle of a unit leaves it to the next one to complete it."""
    store = adapted(connector)
    group([store], tmp_path / "journal")
    with pytest.MonkeyPatch.context() as patch:
        connector.fails = dying(patch, lambda *call: call == step)
        with pytest.raises(Died):
            run_unit(store)

    connector.fails = lambda *call: False
    again = adapted(connector)
    group([again], tmp_path / "journal")

    assert contents(again) == AFTER
    assert not (tmp_path / "journal" / ".pending").exists()


def test_a_crash_is_mended_in_all_kinds_of_stores(connector: Fragile, tmp_path: Path) -> None:
    """A unit over a folder and a connector is completed in both; each process completes what it knows."""

    def declared(*, with_connector: bool) -> list[Store]:
        files = DBYmlConnector(path=tmp_path / "files")
        files.declare(Structure("files"))
        stores: list[Store] = [files, adapted(connector)] if with_connector else [files]
        group(stores, tmp_path / "journal" if with_connector else None)
        return stores

    files, store = declared(with_connector=True)
    with pytest.MonkeyPatch.context() as patch:
        connector.fails = dying(patch, lambda method, id_: method == "create")
        with pytest.raises(Died):
            insert_in_both(files, "f", store, "c")
    connector.fails = lambda *call: False

    (files,) = declared(with_connector=False)
    assert set(contents(files)) == {"f"}
    with writing(files) as session:
        files.write(session, [delete("f")])

    files, store = declared(with_connector=True)
    assert set(contents(store)) == {"a", "b", "c"}
    assert contents(files) == {}


def test_memory_takes_part_in_units(connector: Fragile) -> None:
    """A unit that fails in the connector has not happened in memory either."""
    memory, store = DBMemoryConnector(), adapted(connector)
    memory.declare(Structure("memory"))
    group([memory, store])
    connector.fails = lambda method, id_: method == "create"

    with pytest.raises(DBError):
        insert_in_both(memory, "m", store, "c")

    assert contents(memory) == {}


def test_a_document_that_came_by_other_hands_is_not_overwritten(connector: Fragile) -> None:
    """An insert is an insert: what somebody else stored meanwhile stays."""
    store = adapted(connector)

    session = store.database.begin(writing=True)
    changed = update({"_id": "a", "name": "ours"}, expected=1, rev=2)
    store.write(session, [changed, insert({"_id": "c", "name": "ours"})])
    connector.documents["c"] = {"_id": "c", "name": "theirs"}

    with pytest.raises(ConflictError):
        session.commit()

    assert connector.documents["c"] == {"_id": "c", "name": "theirs"}
    assert connector.documents["a"]["name"] == "old"


def test_what_a_connector_gives_wrongly_is_an_error(connector: Fragile) -> None:
    """Values that are not JSON, documents without id, methods that fail."""
    store = adapted(connector)
    for wrong in ({"_id": "x", "value": object()}, {"name": "no id"}, 7):
        connector.documents["x"] = wrong  # type: ignore[assignment]  # that is the point
        with pytest.raises(DBError, match="Fragile"):
            read(store, "x")
        with pytest.raises(DBError, match="Fragile"):
            contents(store)


def test_another_document_than_asked_for_is_none(connector: Fragile) -> None:
    """A store that takes capitals for the same finds nothing."""
    connector.documents["A"] = connector.documents["a"]

    assert read(adapted(connector), "A") is None


def test_paging_of_a_connector_is_not_used(connector: Fragile) -> None:
    """It is asked for everything, and cut here."""
    asked: list[tuple[Any, ...]] = []
    select = connector.select

    def spy(*arguments: Any) -> Iterable[Document]:
        asked.append(arguments)
        return select(*arguments)

    connector.select = spy  # type: ignore[assignment, method-assign]  # a spy
    store = adapted(connector)

    with reading(store) as session:
        assert [one.id for one in store.find(session, Query(skip=1, limit=1))] == ["b"]
        assert store.count(session, EVERYTHING) == 2
        assert [one.id for one in store.find(session, Query(id_is_in(("b", "z"))))] == ["b"]

    assert asked == [(EVERYTHING, None, 0, 0, ())] * 2


def test_the_id_maker_is_the_connectors(connector: Fragile) -> None:
    """It may be assigned before or after, on either."""
    store = adapted(connector)
    assert store.generate_id is None

    connector.generate_id = lambda item: "made"
    assert store.generate_id is not None
    assert store.generate_id(None) == "made"
    store.generate_id = None
    assert connector.generate_id is None


def test_closing_closes_the_connector(connector: Fragile) -> None:
    """Once for each close."""
    store = adapted(connector)

    store.database.close()

    assert connector.closed == 1
