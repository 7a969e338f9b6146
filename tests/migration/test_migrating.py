"""What a migration does to stored items, on each store."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from deepdiff import DeepDiff

from backo import (
    Backoffice,
    BlobFile,
    Collection,
    Date,
    Dict,
    File,
    Float,
    Int,
    Item,
    MemoryFileConnector,
    NotFoundError,
    StateError,
    StoredDataError,
    String,
    ValidationError,
    current_user,
)
from backo.migration import running
from backo.schema.fields import Field
from tests.contracts.test_five_methods import DictConnector
from tests.migration.opening import Place, documents, overwrite, raw
from tests.work.stores import WHOLE

Document = dict[str, Any]

OLD: dict[str, Field] = {"name": String(required=True), "pages": String(), "unwanted_key": String()}
NEW: dict[str, Field] = {"name": String(required=True), "pages": Int(), "note": Float(required=True), "more": String()}


def filled(place: Place, count: int = 5) -> None:
    """Store some books under the declaration from before."""
    old = place.open(books=OLD)
    with old.transaction():
        for number in range(count):
            old.books.create({"name": f"b{number}", "pages": str(100 + number), "unwanted_key": "x"})


def renewed(document: Document) -> Document:
    """Bring a book to the present declaration; may be given one that is there already."""
    document.setdefault("note", 10.0)
    document.pop("unwanted_key", None)
    if isinstance(document["pages"], str):
        document["pages"] = int(document["pages"])
    return document


def found(error: "pytest.ExceptionInfo[Any]") -> set[tuple[str, str]]:
    """Give paths and codes of the problems."""
    return {(problem.path, problem.code) for problem in error.value.problems}


def test_add_remove_and_change_the_type(place: Place) -> None:
    """What is stored fits afterwards, under the present fingerprint, and a second run finds nothing to do."""
    filled(place)
    new = place.open(books=NEW)
    with pytest.raises(StoredDataError, match="books/b0"):
        new.books.get_by_id("b0")
    meta = raw(new)["b0"][2]["_meta"]

    report = new.migrate("books", renewed, dry_run=False)

    assert report.changes._ids == ["b0", "b1", "b2", "b3", "b4"]
    assert (report.changes.total, report.nochanges.total, report.dry_run) == (5, 0, False)
    assert documents(new)["b3"] == {"name": "b3", "pages": 103, "note": 10.0, "more": None}
    assert raw(new)["b0"][1] == new.catalog.entry("books").schema.fingerprint
    assert raw(new)["b0"][2]["_meta"] == meta
    book: Any = new.books.get_by_id("b3")
    assert (book.pages, book.note, book.more) == (103, 10.0, None)
    before = place.content(new)
    again = new.migrate("books", renewed, dry_run=False)
    assert (again.changes.total, list(again.nochanges._ids)) == (0, ["b0", "b1", "b2", "b3", "b4"])
    assert place.content(new) == before


def test_rename_a_field(place: Place) -> None:
    """A value moves to another key, and what filters look up moves with it."""
    filled(place)
    new = place.open(books={"name": String(required=True), "length": Int(index=True)})

    def rename(document: Document) -> Document:
        if "pages" in document:
            document["length"] = int(document.pop("pages"))
        document.pop("unwanted_key", None)
        return document

    new.migrate("books", rename, dry_run=False)

    assert [book["name"] for book in new.books.select({"length": 102})] == ["b2"]


def test_a_dry_run_changes_nothing(place: Place) -> None:
    """Not one byte; it is the default, and reports what would be done."""
    filled(place)
    new = place.open(books=NEW)
    new.books.count()
    before = place.content(new)

    report = new.migrate("books", renewed)

    assert place.content(new) == before
    assert (report.changes.total, report.dry_run) == (5, True)
    assert new.migrate("books", renewed, dry_run=False).changes._ids == report.changes._ids


def test_one_bad_item_and_nothing_is_changed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of several pages does not fit: collection, `_id` and path are named, nothing is saved."""
    monkeypatch.setattr(running, "PAGE", 2)
    filled(place)
    new = place.open(books=NEW)
    overwrite(new, "b4", {"pages": "many"})
    before = place.content(new)

    def change(document: Document) -> Document:
        return renewed(document) if document["name"] != "b4" else {**document, "note": "?"}

    with pytest.raises(ValidationError, match=r"^books/b4: ") as error:
        new.migrate("books", change, dry_run=False)

    assert found(error) == {("$.pages", "type"), ("$.note", "type"), ("$.unwanted_key", "unknown")}
    assert place.content(new) == before


def test_checking_without_a_function(place: Place) -> None:
    """It tells which item does not fit; what fits is brought to the present fingerprint when asked to save."""
    filled(place)
    new = place.open(books=NEW)
    with pytest.raises(StoredDataError, match=r"^books/b0: ") as error:
        new.migrate("books")
    assert ("$.unwanted_key", "unknown") in found(error)
    assert "remove it in the function" in str(error.value)
    wider = place.open(books={**OLD, "more": Int()})
    before = place.content(wider)
    assert wider.migrate("books").nochanges.total == 5
    assert place.content(wider) == before

    report = wider.migrate("books", dry_run=False)

    assert (report.changes.total, report.nochanges.total) == (0, 5)
    assert raw(wider)["b0"][1] == wider.catalog.entry("books").schema.fingerprint
    assert documents(wider)["b0"] == {"name": "b0", "pages": "100", "unwanted_key": "x", "more": None}
    after = place.content(wider)
    wider.migrate("books", dry_run=False)
    assert place.content(wider) == after


def test_some_items_only(place: Place) -> None:
    """`_id` and `_ids` leave the others alone; each is looked at once, in order."""
    filled(place)
    new = place.open(books=NEW)

    one = new.migrate("books", renewed, _id="b1", dry_run=False)
    some = new.migrate("books", renewed, _ids=["b3", "b1", "b3"], dry_run=False)

    assert one.changes._ids == ["b1"]
    assert (list(some.changes._ids), list(some.nochanges._ids)) == (["b3"], ["b1"])
    assert [id_ for id_, document in documents(new).items() if "note" in document] == ["b1", "b3"]
    assert new.migrate("books", _ids=[]).total == 0


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        pytest.param(("bocks",), {}, NotFoundError, "did you mean 'books'", id="collection"),
        pytest.param(("books",), {"_ids": ["b0", "b9", "x"]}, NotFoundError, "'b9', 'x'", id="unknown-ids"),
        pytest.param(("books",), {"_id": "b0", "_ids": ["b0"]}, ValidationError, "not both", id="both"),
        pytest.param(("books",), {"_ids": [1]}, ValidationError, "1 is no `_id`", id="no-id"),
        pytest.param(("books",), {"_ids": 7}, ValidationError, "7 is no `_id`", id="no-ids"),
        pytest.param(("books", "f"), {}, ValidationError, "takes a function", id="no-function"),
    ],
)
def test_arguments_that_make_no_sense(
    place: Place, arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """They are refused before anything is read."""
    filled(place, 1)
    new = place.open(books=NEW)

    with pytest.raises(error, match=text):
        new.migrate(*arguments, **options)


@pytest.mark.parametrize(
    ("function", "text", "cause"),
    [
        pytest.param(lambda document: None, "must return the document", type(None), id="none"),
        pytest.param(lambda document: [document], "a dict, not list", type(None), id="list"),
        pytest.param(lambda document: {**document, "_id": "z"}, "may not change `_id`", type(None), id="id"),
        pytest.param(lambda document: {"name": "n"}, "may not change `_id`", type(None), id="without-id"),
        pytest.param(lambda document: document["nothing"], "raised KeyError", KeyError, id="raises"),
    ],
)
def test_a_function_that_goes_wrong(
    place: Place, function: Callable[[Document], Any], text: str, cause: type[object]
) -> None:
    """The item is named, and what the function raised is the cause."""
    filled(place, 2)
    new = place.open(books=NEW)

    with pytest.raises(ValidationError, match=r"^books/b0: ") as error:
        new.migrate("books", function, dry_run=False)

    assert text in str(error.value)
    assert isinstance(error.value.__cause__, cause)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"_rev": 1}, ("$._rev", "unknown"), id="machinery"),
        pytest.param({"notes": 1.0}, ("$.notes", "unknown"), id="misspelt"),
        pytest.param({"note": None}, ("$.note", "required"), id="required"),
        pytest.param({"note": float("nan")}, ("$.note", "type"), id="not-a-number"),
    ],
)
def test_what_the_function_gave_does_not_fit(place: Place, change: Document, problem: tuple[str, str]) -> None:
    """Every problem is told with its path."""
    filled(place, 1)
    new = place.open(books=NEW)

    with pytest.raises(ValidationError) as error:
        new.migrate("books", lambda document: renewed(document) | change)

    assert {path for path, _ in found(error)} == {problem[0]}


def test_the_function_gets_a_copy_in_json(place: Place) -> None:
    """The same on every store, with `_id` and `_meta`; values of Python are taken back too."""
    fields = {"name": String(), "day": Date(), "home": Dict({"zip": String(), "city": String()})}
    old = place.open(books=fields)
    old.books.create({"name": "b", "day": "2024-02-29", "home": {"zip": "1"}})
    seen = []

    def change(document: Document) -> Document:
        seen.append(json.loads(json.dumps(document)))
        document["home"]["city"] = "x"
        return document

    old.migrate("books", change)

    assert seen[0].keys() == {"name", "day", "home", "_id", "_meta"}
    assert (seen[0]["day"], seen[0]["home"]) == ("2024-02-29", {"zip": "1", "city": None})
    assert documents(old)["b"]["home"] == {"zip": "1", "city": None}


def test_nothing_else_happens(place: Place) -> None:
    """No events, no transforms, no `onchange`; whoever is the current user."""
    happened: list[str] = []
    handlers = [(name, happened.append) for name in ("loaded", "before_save", "saved", "created")]
    fields: dict[str, Field] = {
        "name": String(required=True),
        "secret": String(
            transform=lambda value: f"<{value}>",
            onchange=lambda: happened.append("onchange"),
            on=handlers,
        ),
        "count": Int(),
    }
    old = place.open(books=fields)
    old.books.create({"name": "b", "secret": "s"})
    happened.clear()
    assert documents(old)["b"]["secret"] == "<s>"

    old.migrate("books", lambda document: {**document, "count": 1}, dry_run=False)

    assert happened == []
    assert documents(old)["b"] == {"name": "b", "secret": "<s>", "count": 1}
    assert current_user.is_anonymous()


def test_reading_under_another_declaration_transforms_nothing_again(place: Place) -> None:
    """What is stored was transformed when it was written; a hash must not be hashed once more."""
    secret = String(transform=lambda value: f"<{value}>", constraint=lambda value: value.startswith("<"))
    place.open(books={"name": String(), "secret": secret}).books.create({"name": "b", "secret": "s"})

    new = place.open(books={"name": String(), "secret": secret, "more": Int()})

    assert new.books.get_by_id("b")["secret"] == "<s>"


def test_differences_are_those_of_deepdiff(place: Place) -> None:
    """One for each id, from the stored document to the one to be stored; a new null is none."""
    filled(place, 2)
    new = place.open(books=NEW)
    before = raw(new)["b1"][2]

    diff = new.migrate("books", renewed).changes.diff

    after = {key: value for key, value in before.items() if key != "unwanted_key"} | {"pages": 101, "note": 10.0}
    assert len(diff) == 2
    assert diff[1] == DeepDiff(before, after)
    assert diff[1]["dictionary_item_added"] == ["root['note']"]


def test_an_item_changed_between_the_passes(place: Place) -> None:
    """It is migrated from what it is then; one that is gone then is left out."""
    filled(place)
    new = place.open(books=NEW)

    def meanwhile(done: int, total: int) -> None:
        if (done, total) == (5, 10):
            overwrite(new, "b1", {"pages": "999"})

    report = new.migrate("books", renewed, dry_run=False, progress=meanwhile)

    assert report.changes.total == 5
    assert documents(new)["b1"] == {"name": "b1", "pages": 999, "note": 10.0, "more": None}
    assert report.changes.diff[1]["type_changes"]["root['pages']"]["old_value"] == "999"


def test_an_item_deleted_or_made_between_the_passes(place: Place) -> None:
    """The report tells of those that are there when they are written."""
    filled(place, 3)
    fields: dict[str, Field] = {**OLD, "more": Int()}
    new = place.open(books=fields)

    def meanwhile(done: int, total: int) -> None:
        if (done, total) == (3, 6):
            new.books.get_by_id("b1").delete()
            new.books.create({"name": "b9"})

    def change(document: Document) -> Document:
        return {**document, "more": 1}

    report = new.migrate("books", change, dry_run=False, progress=meanwhile)
    some = new.migrate("books", change, _ids=["b0", "b2"], dry_run=False)

    assert report.changes._ids == ["b0", "b2", "b9"]
    assert {document["more"] for document in documents(new).values()} == {1}
    assert some.nochanges._ids == ["b0", "b2"]


def test_a_change_meanwhile_that_does_not_fit(place: Place) -> None:
    """It stops the second pass; a store with transactions is then as before."""
    filled(place)
    new = place.open(books=NEW)

    def meanwhile(done: int, total: int) -> None:
        if (done, total) == (5, 10):
            overwrite(new, "b4", {"pages": "many"})

    with pytest.raises(ValidationError, match=r"^books/b4: "):
        new.migrate("books", renewed, dry_run=False, progress=meanwhile)

    assert all("note" not in document for document in documents(new).values())


def test_inside_a_unit_of_work(place: Place) -> None:
    """It is refused, with a hint."""
    filled(place, 1)
    new = place.open(books=NEW)

    with new.transaction(), pytest.raises(StateError, match=r"outside transaction\(\)"):
        new.migrate("books", renewed)


def test_the_function_may_read(place: Place) -> None:
    """Other collections, whatever the current user may see."""
    old = place.open(books=OLD, rates={"name": String(), "note": Float()})
    old.books.create({"name": "b0", "pages": "1"})
    old.rates.create({"name": "b0", "note": 3.5})
    new = place.open(books=NEW, rates={"name": String(), "note": Float()})

    def change(document: Document) -> Document:
        document["note"] = new.rates.get_by_id(document["name"])["note"]
        return renewed(document)

    new.migrate("books", change, dry_run=False)

    assert documents(new)["b0"]["note"] == 3.5


def test_an_interrupted_run_is_completed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted between pages: all or nothing with transactions, else some; the next run does the rest."""
    monkeypatch.setattr(running, "PAGE", 2)
    filled(place)
    new = place.open(books=NEW)

    def interrupt(done: int, total: int) -> None:
        if done > total // 2 + 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        new.migrate("books", renewed, dry_run=False, progress=interrupt)
    half = [id_ for id_, document in documents(new).items() if "note" in document]
    report = new.migrate("books", renewed, dry_run=False)

    assert half == ([] if place.kind in WHOLE else ["b0", "b1"])
    assert report.nochanges._ids == half
    assert all(document["note"] == 10.0 for document in documents(new).values())


def test_progress_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each page of each pass, up to the end."""
    monkeypatch.setattr(running, "PAGE", 2)
    filled(place, 3)
    new = place.open(books=NEW)
    told: list[tuple[int, int]] = []

    new.migrate("books", renewed, progress=lambda *step: told.append(step))
    new.migrate("books", renewed, dry_run=False, progress=lambda *step: told.append(step))

    assert told == [(2, 3), (3, 3), (2, 6), (3, 6), (5, 6), (6, 6)]


def test_what_is_logged(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """What a run is about, and how it ended."""
    filled(place, 2)
    new = place.open(books=NEW)

    with caplog.at_level("INFO", "backo.migration"):
        new.migrate("books", renewed)
        with pytest.raises(StoredDataError):
            new.migrate("books", dry_run=False)

    assert [record.getMessage() for record in caplog.records] == [
        "books: looking at 2 items; nothing will be saved",
        "books: <Report: would change 2, 0 without changes>",
        "books: looking at 2 items",
        "books: stopped by a StoredDataError",
    ]


def test_a_back_office_does_not_load_deepdiff() -> None:
    """Nor does a migration: only who reads a difference does."""
    code = "import sys, backo, backo.migration.running; assert 'deepdiff' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_connector_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five methods are enough."""
    monkeypatch.setattr(running, "PAGE", 2)
    connector = DictConnector()

    def library(fields: dict[str, Field]) -> Backoffice:
        backoffice = Backoffice("library")
        backoffice.register_collection(Collection("books", Item(fields), connector))
        return backoffice

    old = library(OLD)
    for number in range(5):
        old.books.create({"name": f"b{number}", "pages": "1", "unwanted_key": "x"})
    new = library(NEW)

    report = new.migrate("books", renewed, dry_run=False)

    assert report.changes.total == 5
    assert {document["pages"] for document in connector.documents.values()} == {1}
    assert new.migrate("books", renewed, dry_run=False).total == 5


def test_an_empty_collection(place: Place) -> None:
    """There is nothing to do."""
    new: Backoffice = place.open(books=NEW)

    report = new.migrate("books", renewed, dry_run=False)

    assert (report.changes.total, report.total) == (0, 0)


def test_items_with_files(place: Place) -> None:
    """Their files are taken over as documents keep them: the items can be read, and migrated."""
    files = MemoryFileConnector()
    fields: dict[str, Field] = {"name": String(required=True), "cover": File(work=files), "scan": BlobFile()}
    place.open(books=fields).books.create({"name": "b0", "cover": "front", "scan": "back"})
    library = place.open(books={**fields, "pages": Int()})

    assert library.books.get_by_id("b0").cover.get_content() == b"front"
    report = library.migrate("books", lambda book: {**book, "pages": 7}, dry_run=False)

    assert report.changes.total == 1
    book = library.books.get_by_id("b0")
    assert (book.pages, book.cover.get_content(), book.scan.get_content()) == (7, b"front", b"back")
