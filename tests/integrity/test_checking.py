"""What somebody else did to the data is found with collection, id and path, and mended where nothing is lost."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from backo import Backoffice, Ref, RefsList, StateError, ValidationError, current_user
from backo.connectors.findings import Finding, FindingKind
from backo.integrity.report import MOST_KEPT, IntegrityReport
from tests.integrity.library import fields, filled, remove, reopened, scribble, stored, told
from tests.migration.opening import Place
from tests.work.stores import audit


def test_intact_data_give_no_finding(place: Place) -> None:
    """Nothing is found, nothing is changed, and the report says so."""
    library = filled(place)
    before = stored(library)

    for apply in (False, True):
        report = library.check_integrity(apply=apply)
        assert (report.findings, report.is_clean, report.mended) == ([], True, 0)
        assert str(report) == "nothing wrong was found"
    assert stored(library) == before


def test_empty_collections_give_no_finding(place: Place) -> None:
    """A back office that was never used is clean."""
    assert reopened(place).check_integrity(apply=True).is_clean


# What is done to the library, and what is found: (collection, id, changes), findings, whether it is mended.
MENDED: list[Any] = [
    pytest.param([("books", "b0", {"author": "zoe"})], [("books", "b0", "$.author", "dangling")], id="dangling"),
    pytest.param(
        [("books", "b0", {"about": ["b1", "gone", "b2"]})], [("books", "b0", "$.about", "dangling")], id="in-a-list"
    ),
    pytest.param(
        [("books", "b0", {"about": ["b1", "b2", "b1"]})], [("books", "b0", "$.about", "repeated")], id="repeated"
    ),
    pytest.param(
        [("books", "b0", {"about": ["b1", "gone", "b1"]})],
        [("books", "b0", "$.about", "dangling"), ("books", "b0", "$.about", "repeated")],
        id="dangling-and-repeated",
    ),
    pytest.param(
        [("authors", "bob", {"friends": []})], [("authors", "ann", "$.friends", "one_sided")], id="friends-one-sided"
    ),
    pytest.param([("authors", "dan", {"spouse": None})], [("authors", "ann", "$.spouse", "one_sided")], id="spouse"),
    pytest.param(
        [("authors", "ann", {"books": ["b0", "b1"]})], [("authors", "ann", "$.books", "misplaced")], id="misplaced"
    ),
    pytest.param([("shelves", "s1", {"book": "b0"})], [("shelves", "s1", "$.book", "misplaced")], id="misplaced-ref"),
    pytest.param(
        [("authors", "cid", {"friends": ["ann", "bob", "gone"]})],
        [("authors", "cid", "$.friends", "dangling"), ("authors", "cid", "$.friends", "one_sided")],
        id="both-in-one-list",
    ),
]

REPORTED: list[Any] = [
    pytest.param([("books", "b2", {"isbn": "i0"})], [("books", "b0", "$.isbn", "shared_value")], id="unique"),
    pytest.param([("books", "b2", {"shelf": "s1"})], [("books", "b0", "$.shelf", "shared_target")], id="one-to-one"),
    pytest.param([("books", "b2", {"pages": "many"})], [("books", "b2", "$.pages", "misfit")], id="type"),
    pytest.param([("books", "b2", {"name": None})], [("books", "b2", "$.name", "misfit")], id="required"),
    pytest.param([("books", "b2", {"colour": "red"})], [("books", "b2", "$.colour", "misfit")], id="undeclared"),
    pytest.param([("books", "b2", {"_colour": "red"})], [("books", "b2", "$._colour", "misfit")], id="undeclared-own"),
    pytest.param(
        [("books", "b2", {"pages": True, "about": ["gone"]})],
        [("books", "b2", "$.about", "dangling"), ("books", "b2", "$.pages", "misfit")],
        id="misfit-is-not-altered",
    ),
    pytest.param(
        [("authors", "cid", {"books": ["b2"]})], [("authors", "cid", "$.books", "misplaced")], id="misplaced-alone"
    ),
    pytest.param(
        [("authors", "cid", {"spouse": "dan"})],
        [("authors", "ann", "$.spouse", "shared_target"), ("authors", "cid", "$.spouse", "one_sided")],
        id="contradiction",
    ),
]


def damage(place: Place, library: Backoffice, changes: list[tuple[str, str, Mapping[str, Any]]]) -> Backoffice:
    """Change documents behind the back of the library, and open it again."""
    for name, id_, change in changes:
        scribble(place, library, name, id_, change)
    return reopened(place)


@pytest.mark.parametrize(("changes", "found"), MENDED)
def test_what_can_be_mended_is(place: Place, changes: Any, found: Any) -> None:
    """It is found, reported alone it stays, then it is mended; afterwards nothing is found, and all links agree."""
    library = damage(place, filled(place), changes)
    before = stored(library)

    look = library.check_integrity()

    assert told(look.findings) == found
    assert all(one.mendable and not one.mended for one in look.findings)
    assert (look.is_clean, look.mended, look.mendable) == (False, 0, len(found))
    assert stored(library) == before

    mend = library.check_integrity(apply=True)

    assert told(mend.findings) == found
    assert all(one.mended for one in mend.findings)
    assert (mend.is_clean, mend.mended) == (True, len(found))
    assert library.check_integrity(apply=True).findings == []
    assert audit(library) == []


@pytest.mark.parametrize(("changes", "found"), REPORTED)
def test_what_cannot_be_mended_is_reported(place: Place, changes: Any, found: Any) -> None:
    """Each time, and nothing is changed."""
    library = damage(place, filled(place), changes)
    before = stored(library)

    for apply in (False, True):
        report = library.check_integrity(apply=apply)
        assert told(report.findings) == found
        assert not any(one.mendable or one.mended for one in report.findings)
        assert not report.is_clean
    assert stored(library) == before


def test_what_is_mended_is_a_new_revision_and_nothing_else(place: Place) -> None:
    """`_rev` is raised, `_meta` and the other values stay, other items are not written."""
    library = filled(place)
    before = stored(library)["books"]
    library = damage(place, library, [("books", "b0", {"about": ["gone", "b2", "b1"]})])
    broken = stored(library)["books"]

    assert library.check_integrity(apply=True).mended == 1

    after = stored(library)["books"]
    assert after["b0"][1] == {**before["b0"][1], "about": ["b2", "b1"]}
    assert after["b0"][0] == broken["b0"][0] + 1
    assert {id_: one for id_, one in after.items() if id_ != "b0"} == {
        id_: one for id_, one in before.items() if id_ != "b0"
    }


def test_an_item_that_is_gone(place: Place) -> None:
    """Everything that named it is found, through each of its links, and mended."""
    library = filled(place)
    remove(place, library, "authors", "dan")
    library = reopened(place)

    report = library.check_integrity(apply=True)

    assert told(report.findings) == [
        ("authors", "ann", "$.spouse", "dangling"),
        *(("books", f"b{number}", "$.publisher", "dangling") for number in range(3)),
    ]
    assert report.findings[0].others == ("dan",)
    assert library.check_integrity().is_clean
    assert audit(library) == []


def test_a_required_link_is_not_taken_away(place: Place) -> None:
    """Neither one that names what is not there, nor the last ids of a list; a list that keeps some is mended."""
    library = filled(place)
    remove(place, library, "authors", "dan")
    remove(place, library, "books", "b2")
    declared = fields_with_required()
    scribble(place, library, "books", "b1", {"about": ["b2"]})
    library = place.open(**declared)

    report = library.check_integrity(apply=True)

    found = {(one.id, one.path): one.mended for one in report.findings if one.kind is FindingKind.DANGLING}
    assert found == {
        ("ann", "$.spouse"): True,
        ("b0", "$.about"): True,
        ("b0", "$.publisher"): False,
        ("b1", "$.about"): False,
        ("b1", "$.publisher"): False,
    }
    empty = [one for one in report.findings if one.kind is FindingKind.MISSING_LINK]
    assert told(empty) == [("authors", name, "$.books", "missing_link") for name in ("bob", "cid")]
    assert stored(library)["books"]["b0"][1]["about"] == ["b1"]
    assert library.check_integrity(apply=True).mended == 0


def fields_with_required() -> dict[str, Any]:
    """Declare the library with links that must name something."""
    declared = fields()
    declared["books"]["publisher"] = Ref(coll="authors", required=True)
    declared["books"]["about"] = RefsList(coll="books", required=True)
    declared["authors"]["books"] = RefsList(coll="books", field="$.author", required=True)
    return declared


def test_it_runs_outside_of_units_of_work(place: Place) -> None:
    """Inside one it is refused, as is an age that is none."""
    library = filled(place)

    with library.transaction(), pytest.raises(StateError, match="check_integrity"):
        library.check_integrity()
    with library.transaction(), pytest.raises(StateError, match="check_structure"):
        library.check_structure()
    with pytest.raises(ValidationError, match="orphan_age"):
        library.check_integrity(orphan_age=-1)


def test_progress_is_told(place: Place) -> None:
    """After each page, up to all items."""
    steps: list[tuple[int, int]] = []

    filled(place).check_integrity(progress=lambda done, total: steps.append((done, total)))

    assert steps == [(4, 9), (7, 9), (9, 9)]
    assert current_user.is_anonymous()


def test_many_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong in several pages, and values shared across pages, are found once each."""
    monkeypatch.setattr("backo.integrity.raw.PAGE", 3)
    monkeypatch.setattr("backo.integrity.running._TOGETHER", 2)
    library = filled(place)
    for number in range(10, 30):
        library.books.create({"name": f"b{number}", "isbn": f"i{number}", "author": "ann"})
    changes = [("books", f"b{number}", {"author": "zoe"}) for number in range(10, 20)]
    library = damage(place, library, [*changes, ("books", "b29", {"isbn": "i10"})])

    report = library.check_integrity(apply=True)

    assert report.counts == {FindingKind.DANGLING: 10, FindingKind.SHARED_VALUE: 1}
    assert (report.mended, report.total) == (10, 11)
    (shared,) = [one for one in report.findings if one.kind is FindingKind.SHARED_VALUE]
    assert (shared.id, shared.others) == ("b10", ("b29",))


def test_a_busy_library_gives_no_finding(place: Place) -> None:
    """While others create, link, unlink and delete, nothing is found, and nothing of theirs is refused."""
    library = filled(place)
    done, failures = threading.Event(), []

    def work(name: str) -> None:
        number = 0
        try:
            while not done.is_set():
                number += 1
                author, book = f"{name}{number}", f"x{name}{number}"
                library.authors.create({"name": author, "friends": ["ann"]})
                library.books.create({"name": book, "author": author, "isbn": f"isbn-{name}", "about": ["b0"]})
                other = library.authors.create({"name": f"{author}y", "spouse": author})
                other.delete()
                library.books.get_by_id(book).delete()
                library.authors.get_by_id(author).delete()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test tells
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("p", "q")]
    for thread in threads:
        thread.start()
    try:
        found = [library.check_integrity(apply=number % 2 == 1).findings for number in range(12)]
    finally:
        done.set()
        for thread in threads:
            thread.join()

    assert failures == []
    assert found == [[]] * 12
    assert audit(library) == []


def test_a_long_report_is_bounded() -> None:
    """It keeps the first findings, and of all others their number and kind."""
    report = IntegrityReport(applied=False)
    for number in range(MOST_KEPT + 200):
        report.add(Finding("books", f"b{number}", "$.author", FindingKind.DANGLING, "names", mendable=True))

    assert len(report.findings) == MOST_KEPT
    assert report.counts == {FindingKind.DANGLING: MOST_KEPT + 200}
    text = str(report)
    assert text.startswith("1200 findings\nbooks/b0 $.author: names (dangling, can be mended)\n")
    assert "… and 1150 more; in all 1200 dangling" in text
    assert text.endswith("1200 can be mended without loss; nothing is changed yet.")
    assert repr(report) == "<IntegrityReport: 1200 findings>"
