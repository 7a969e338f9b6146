"""How a check runs: what stores ask for, five-method connectors, and that memory holds a page."""

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from backo import (
    Backoffice,
    Collection,
    ConflictError,
    DBError,
    DBMemoryConnector,
    Int,
    Item,
    Ref,
    String,
    TransientError,
)
from backo.connectors.base import Operation, Session, Write
from backo.work.unit import unit_of_work
from tests.contracts.test_five_methods import DictConnector
from tests.integrity.library import filled, scribble, told
from tests.migration.opening import Place
from tests.scale import record_figure, scaled
from tests.work.stores import named


@pytest.fixture
def memory(tmp_path: Any) -> Place:
    """A place in memory."""
    return Place("memory", tmp_path)


def broken(place: Place) -> Backoffice:
    """Open a library in which two books name an author who is not there."""
    library = filled(place)
    for id_ in ("b0", "b1"):
        scribble(place, library, "books", id_, {"author": "zoe"})
    return library


def refusing(
    monkeypatch: pytest.MonkeyPatch, library: Backoffice, refuse: Callable[[Sequence[Write]], Exception | None]
) -> None:
    """Let the store of the books refuse some of its writes."""
    store = library.catalog.entry("books").store
    write = store.write

    def refused(session: Session, writes: Sequence[Write]) -> None:
        error = refuse(writes)
        if error is not None:
            raise error
        write(session, writes)

    monkeypatch.setattr(store, "write", refused)


def test_a_store_that_asks_for_another_try(memory: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gets it, and each finding is told once."""
    library = broken(memory)
    errors = [TransientError("once more"), TransientError("once more")]
    refusing(monkeypatch, library, lambda _: errors.pop() if errors else None)

    report = library.check_integrity(apply=True)

    assert (report.total, report.mended) == (2, 2)
    assert errors == []


def test_a_store_that_always_asks_for_another_try(memory: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends the check with its error."""
    library = broken(memory)
    monkeypatch.setattr("backo.integrity.running._PAUSE", 0)
    refusing(monkeypatch, library, lambda _: TransientError("once more"))

    with pytest.raises(TransientError):
        library.check_integrity(apply=True)


def test_an_item_whose_mending_is_refused(memory: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported as not mended; the others are mended."""
    library = broken(memory)
    refusing(
        monkeypatch,
        library,
        lambda writes: ConflictError("taken") if any(one.id == "b1" for one in writes) else None,
    )

    report = library.check_integrity(apply=True)

    assert {one.id: one.mended for one in report.findings} == {"b0": True, "b1": False}


def test_a_store_that_is_away(memory: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error, not a finding."""
    library = filled(memory)

    def away(*_: Any) -> None:
        message = "the store is away"
        raise DBError(message)

    monkeypatch.setattr(library.catalog.entry("books").store, "find", away)

    with pytest.raises(DBError, match="is away"):
        library.check_integrity()


def test_a_connector_of_five_methods() -> None:
    """It is checked and mended as any other store."""
    backoffice = Backoffice("library")
    items = {
        "authors": Item({"name": String(required=True)}),
        "books": Item({"name": String(required=True), "isbn": String(unique=True), "author": Ref(coll="authors")}),
    }
    connectors = {}
    for name, item in items.items():
        connectors[name] = DictConnector()
        connectors[name].generate_id = named
        backoffice.register_collection(Collection(name, item, connectors[name]))
    backoffice.authors.create({"name": "ann"})
    for number in range(3):
        backoffice.books.create({"name": f"b{number}", "isbn": f"i{number}", "author": "ann"})
    assert backoffice.check_integrity(apply=True).findings == []
    assert backoffice.check_structure().is_clean
    books = connectors["books"]
    books.save("b0", {**books.get_by_id("b0"), "author": "zoe"})
    books.save("b1", {**books.get_by_id("b1"), "isbn": "i2"})

    report = backoffice.check_integrity(apply=True)

    assert told(report.findings) == [
        ("books", "b0", "$.author", "dangling"),
        ("books", "b1", "$.isbn", "shared_value"),
    ]
    assert report.mended == 1
    assert "author" not in books.get_by_id("b0")


def test_a_function_that_did_not_expect_a_document(memory: Place) -> None:
    """What a declared function raises on a document is a finding."""

    def fails(value: int) -> bool:
        return 10 // value > 0

    library = memory.open(books={"name": String(), "pages": Int(constraint=fails)})
    library.books.create({"name": "b0", "pages": 1})
    scribble(memory, library, "books", "b0", {"pages": 0})

    (finding,) = library.check_integrity().findings

    assert finding.kind == "misfit"
    assert "ZeroDivisionError" in finding.text


def test_memory_holds_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak of a check does not grow with the collection, though every unique value is compared."""
    monkeypatch.setattr("backo.connectors.repeats.RUN", scaled(200, 5_000))
    monkeypatch.setattr("backo.connectors.repeats.BUFFERS", 16 * 1024)
    monkeypatch.setattr("backo.integrity.raw.PAGE", scaled(100, 500))
    sizes = scaled((1_000, 4_000), (20_000, 100_000))
    _peak(10)  # what is loaded with the first check

    small, large = (_peak(size) for size in sizes)

    record_figure("integrity", {f"peak_kib_at_{sizes[0]}": small // 1024, f"peak_kib_at_{sizes[1]}": large // 1024})
    assert large - small < 20 * (sizes[1] - sizes[0])  # bytes for each item


def _peak(size: int) -> int:
    """Measure the peak of memory in bytes of a check of so many items."""
    backoffice = Backoffice("library")
    item = Item({"name": String(required=True), "isbn": String(unique=True)})
    backoffice.register_collection(Collection("books", item, DBMemoryConnector(), meta_data_handler=None))
    entry = backoffice.catalog.entry("books")
    documents = [{"_id": f"b{number:07}", "name": f"Book {number}", "isbn": f"isbn-{number}"} for number in range(size)]
    with unit_of_work(backoffice.catalog, writing=True) as unit:
        entry.store.write(
            unit.session(entry),
            [Write(Operation.INSERT, one["_id"], rev=1, fingerprint="", document=one) for one in documents],
        )
    tracemalloc.start()
    try:
        assert backoffice.check_integrity(apply=True).is_clean
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
