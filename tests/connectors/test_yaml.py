"""YAML folders: what people and other processes do to them."""

import os
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backo.connectors import yaml as yaml_module
from backo.connectors.base import Column, Session, Structure
from backo.connectors.folder import CHANGES_SIZE
from backo.connectors.yaml import DBYmlConnector
from backo.errors import ConflictError, DBError
from backo.query.filters import EVERYTHING, Compare, Operator, Query, id_is_in
from backo.schema.kinds import Kind
from backo.testing.connector_contract import contents, delete, found_ids, insert, read, reading, save, update, writing
from tests.scale import record_figure, scaled

STRUCTURE = Structure(
    "things",
    (Column(("email",), Kind.TEXT, unique=True), Column(("parent",), Kind.TEXT, link=True)),
)


def open_store(folder: Path) -> DBYmlConnector:
    """Open a folder as another process would."""
    store = DBYmlConnector(path=folder)
    store.declare(STRUCTURE)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name a folder that is not there yet."""
    return tmp_path / "deep" / "things"


@pytest.fixture
def store(folder: Path) -> Iterator[DBYmlConnector]:
    """Give a store with two documents."""
    store = open_store(folder)
    save(store, {"_id": "a", "name": "Jo", "email": "jo"}, {"_id": "b", "name": "Al"})
    yield store
    store.database.close()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lists look at all files each time."""
    monkeypatch.setattr(yaml_module, "RESCAN", 0.0)
    monkeypatch.setattr(yaml_module, "RESCAN_SHARE", 1e9)


def edit(file: Path, old: str, new: str) -> None:
    """Change a file in place, as some editors do."""
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_an_item_is_a_readable_file(store: DBYmlConnector, folder: Path) -> None:
    """Keys keep their order, and the bookkeeping comes last."""
    lines = (folder / "a.yml").read_text("utf-8").splitlines()

    assert lines[:3] == ["_id: a", "name: Jo", "email: jo"]
    assert lines[3:5] == ["_rev: 1", "_schema: f"]
    assert lines[5].startswith("_digest: ")
    assert len(lines) == 6


def test_nothing_is_touched_before_the_first_use(tmp_path: Path) -> None:
    """A declaration makes no folder."""
    open_store(tmp_path / "later")

    assert list(tmp_path.iterdir()) == []


def in_child(work: Callable[[], object]) -> None:
    """Do something in a forked child."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that a runner with threads should not fork
        child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


# Hand edits


@pytest.mark.parametrize("new", ["Al", "Jo-Ann"], ids=["same-size", "longer"])
def test_an_edited_item_is_seen_at_once(store: DBYmlConnector, folder: Path, new: str) -> None:
    """Whoever asks for it gets the new content, with a revision of its own and no fingerprint."""
    before = read(store, "a")

    edit(folder / "a.yml", "Jo", new)

    after = read(store, "a")
    assert before is not None
    assert after is not None
    assert after.document["name"] == new
    assert after.fingerprint == ""
    assert after.rev not in {before.rev, 0}


def test_every_reader_derives_the_same_revision(store: DBYmlConnector, folder: Path) -> None:
    """What one process read, another one can write on."""
    edit(folder / "a.yml", "Jo", "Al")
    found = read(store, "a")
    assert found is not None

    other = open_store(folder)
    with writing(other) as session:
        other.write(session, [update({"_id": "a", "name": "Bo"}, expected=found.rev, rev=found.rev + 1)])

    assert contents(store)["a"] == {"_id": "a", "name": "Bo"}
    again = read(store, "a")
    assert again is not None
    assert (again.rev, again.fingerprint) == (found.rev + 1, "f")


def test_another_layout_of_the_same_content_is_no_change(store: DBYmlConnector, folder: Path) -> None:
    """Comments, quotes and blank lines leave revision and fingerprint alone."""
    edit(folder / "a.yml", "name: Jo", "# the name\n\nname:   'Jo'  # short")

    found = read(store, "a")

    assert found is not None
    assert (found.rev, found.fingerprint) == (1, "f")


def test_an_edit_is_not_overwritten(store: DBYmlConnector, folder: Path) -> None:
    """A write that was planned on the version before is a conflict."""
    session = store.database.begin(writing=True)
    assert store.get(session, ["a"])["a"].rev == 1

    edit(folder / "a.yml", "Jo", "Al")
    with pytest.raises(ConflictError):
        store.write(session, [update({"_id": "a"}, expected=1, rev=2)])

    session.rollback()
    assert contents(store)["a"]["name"] == "Al"


@pytest.mark.usefixtures("at_once")
def test_lists_see_edits(store: DBYmlConnector, folder: Path) -> None:
    """Edited, added and removed files count in lists and in their indexes."""
    edit(folder / "a.yml", "email: jo", "email: edited")
    (folder / "b.yml").unlink()
    (folder / "%43c.yml").write_text("name: by hand\nparent: a\n")

    with reading(store) as session:
        assert [stored.id for stored in store.find(session, Query())] == ["Cc", "a"]
        assert store.count(session, EVERYTHING) == 2
        edited = Compare(("email",), Operator.EQ, "edited", Kind.TEXT)
        assert [stored.id for stored in store.find(session, Query(edited))] == ["a"]
        assert store.referrers(session, ("parent",), ["a"], 9) == [("a", "Cc")]
    assert contents(store)["Cc"] == {"_id": "Cc", "name": "by hand", "parent": "a"}


@pytest.mark.usefixtures("at_once")
def test_edits_do_not_change_what_a_session_sees(store: DBYmlConnector, folder: Path) -> None:
    """A session that has read goes on seeing its state, while others see the edit."""
    with reading(store) as session:
        assert store.count(session, EVERYTHING) == 2
        edit(folder / "a.yml", "Jo", "Al")
        assert contents(store)["a"]["name"] == "Al"

        assert store.get(session, ["a"])["a"].document["name"] == "Jo"


def test_lists_look_at_all_files_about_once_a_second(store: DBYmlConnector, folder: Path) -> None:
    """In between, an edit that nobody asked for is not looked for."""
    contents(store)
    edit(folder / "a.yml", "Jo", "Al")
    assert contents(store)["a"]["name"] == "Jo"

    store._scan_at = 0.0

    assert contents(store)["a"]["name"] == "Al"


def test_other_files_are_left_alone(store: DBYmlConnector, folder: Path) -> None:
    """What editors and people leave in the folder is no item."""
    for name in ("README.md", ".a.yml.swp", "a.yml~", "#a.yml#", ".#a.yml"):
        (folder / name).write_text("{[")
    (folder / "old").mkdir()

    other = open_store(folder)

    assert set(contents(other)) == {"a", "b"}


# Files that cannot be read

BROKEN = [
    pytest.param("name: [", "line", id="no-yaml"),
    pytest.param("- a\n- b", "no mapping", id="no-mapping"),
    pytest.param("", "no mapping", id="empty"),
    pytest.param("_id: b\nname: Jo", "whose file is b.yml", id="another-one's"),
    pytest.param("_id: 7", "_id is not a text", id="id-of-another-type"),
    pytest.param("_id: a\nsize: .nan", "not a number", id="nan"),
    pytest.param("_id: a\nname: !!python/none x", "tag", id="tag"),
]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_file_is_named_by_whatever_needs_it(
    store: DBYmlConnector, folder: Path, text: str, message: str
) -> None:
    """Its item and lists are errors, what needs it not goes on, and mending it mends everything."""
    good = (folder / "a.yml").read_text()
    (folder / "a.yml").write_text(text)
    error = rf"{folder}/a\.yml cannot be read: .*{message}"

    needs: list[Callable[[Session], object]] = [
        lambda session: store.get(session, ["b", "a"]),
        lambda session: list(store.find(session, Query())),
        lambda session: list(store.find(session, Query(Compare(("email",), Operator.EQ, "x", Kind.TEXT)))),
        lambda session: store.count(session, EVERYTHING),
        lambda session: store.referrers(session, ("parent",), ["a"], 1),
    ]
    for need in needs:
        with pytest.raises(DBError, match=error), reading(store) as session:
            need(session)
    with reading(store) as session:
        assert set(store.get(session, ["b"])) == {"b"}
        assert [one.id for one in store.find(session, Query(id_is_in(("b",))))] == ["b"]
    with writing(store) as session:
        store.write(session, [update({"_id": "b", "name": "Bo"}, expected=1, rev=2)])
    with pytest.raises(DBError, match=error), writing(store) as session:
        store.write(session, [insert({"_id": "c", "email": "c"})])
    with pytest.raises(DBError, match=error), writing(store) as session:
        store.write(session, [insert({"_id": "a"})])

    (folder / "a.yml").write_text(good)
    assert contents(store) == {"a": {"_id": "a", "name": "Jo", "email": "jo"}, "b": {"_id": "b", "name": "Bo"}}


@pytest.mark.parametrize("name", ["Jo.yml", "%ff.yml"])
def test_a_file_with_a_wrong_name_is_no_silent_loss(store: DBYmlConnector, folder: Path, name: str) -> None:
    """Lists name it; the other items can be read."""
    (folder / name).write_text("_id: Jo\n")
    other = open_store(folder)

    with pytest.raises(DBError, match=name):
        contents(other)

    assert read(other, "a") is not None


def test_a_file_that_may_not_be_read_is_named(store: DBYmlConnector, folder: Path) -> None:
    """A folder in the place of a file is an error like broken text."""
    (folder / "d.yml").mkdir()

    with pytest.raises(DBError, match=r"d\.yml cannot be read"):
        read(store, "d")


# Other processes


def test_others_see_a_write_at_once(store: DBYmlConnector, folder: Path) -> None:
    """Without waiting for the next look at all files."""
    other = open_store(folder)
    assert set(contents(other)) == {"a", "b"}

    save(store, {"_id": "c", "parent": "a"})
    with writing(store) as session:
        store.write(session, [delete("b", expected=1)])

    assert set(contents(other)) == {"a", "c"}
    save(other, {"_id": "d"})
    assert set(contents(store)) == {"a", "c", "d"}


def test_a_value_that_another_process_took_is_taken(store: DBYmlConnector, folder: Path) -> None:
    """Uniqueness holds across processes."""
    other = open_store(folder)
    contents(other)
    save(store, {"_id": "c", "email": "new"})

    with pytest.raises(ConflictError):
        save(other, {"_id": "d", "email": "new"})


def test_a_writing_session_keeps_other_processes_out(store: DBYmlConnector, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for their turn, and give up after the time-out; readers go on."""
    other = open_store(store.path)
    contents(other)
    monkeypatch.setattr("backo.connectors.journal.TIMEOUT", 0.05)

    with writing(store) as session:
        store.write(session, [insert({"_id": "c"})])
        with pytest.raises(DBError, match="locked"):
            other.database.begin(writing=True)
        assert set(contents(other)) == {"a", "b"}

    assert set(contents(other)) == {"a", "b", "c"}


def test_announcements_begin_anew_when_they_are_long(store: DBYmlConnector, folder: Path) -> None:
    """Others then look at all files, once."""
    other = open_store(folder)
    contents(other)
    with (folder / ".changes").open("a") as changes:
        changes.write("\nx.yml" * (CHANGES_SIZE // 6))
    contents(other)

    save(store, {"_id": "c"})
    assert (folder / ".changes").stat().st_size < 1000
    save(store, {"_id": "d"})

    assert set(contents(other)) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("name", [".changes", ".lock"])
def test_files_of_the_folder_may_be_removed(store: DBYmlConnector, folder: Path, name: str) -> None:
    """Somebody who cleans up does no harm."""
    other = open_store(folder)
    contents(other)
    (folder / name).unlink()

    save(store, {"_id": "c"})

    assert set(contents(other)) == {"a", "b", "c"}
    save(other, {"_id": "d"})
    assert set(contents(store)) == {"a", "b", "c", "d"}


def test_a_folder_that_went_is_made_again(store: DBYmlConnector, folder: Path) -> None:
    """Its items are gone, and it can be used."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()

    save(store, {"_id": "c"})

    assert set(contents(store)) == {"c"}


def test_a_newer_layout_is_refused(folder: Path) -> None:
    """A folder of a later version is not touched."""
    folder.mkdir(parents=True)
    (folder / ".lock").write_text("backo folder, layout 2\n")

    with pytest.raises(DBError, match="another version"):
        contents(open_store(folder))


def test_a_forked_child_opens_anew(store: DBYmlConnector) -> None:
    """It writes with a lock of its own; the parent sees that."""
    in_child(lambda: save(store, {"_id": "c"}))

    assert set(contents(store)) == {"a", "b", "c"}


def test_a_fork_within_a_session_leaves_its_lock_alone(
    store: DBYmlConnector, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child's end, and what it does, cannot let others in."""
    with writing(store) as session:
        store.write(session, [insert({"_id": "c"})])

        def end_everything() -> None:
            session.rollback()
            store.database.close()

        in_child(end_everything)
        monkeypatch.setattr("backo.connectors.journal.TIMEOUT", 0.0)
        with pytest.raises(DBError, match="locked"):
            open_store(folder).database.begin(writing=True)

    assert set(contents(store)) == {"a", "b", "c"}


WORKER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from backo.connectors.journal import group
    from backo.connectors.yaml import DBYmlConnector
    from backo.testing.connector_contract import insert, update, writing
    from tests.connectors.test_yaml import STRUCTURE

    folder, me, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    stores = [DBYmlConnector(path=folder / name) for name in ("parents", "children")]
    for store in stores:
        store.declare(STRUCTURE)
    group(stores)
    parents, children = stores
    for number in range(count):
        id_ = f"{me}-{number}"
        with writing(children) as session:
            parent = parents.get(session, ["p"])["p"]
            total = {**parent.document, "total": parent.document["total"] + 1}
            if number % 5 == 0:
                parents.write(session, [update(total, expected=parent.rev, rev=parent.rev + 1)])
            children.write(session, [insert({"_id": id_, "email": id_, "parent": "p"})])
        if number % 2:
            with writing(children) as session:
                children.write(session, [update({"_id": id_, "email": id_}, expected=1, rev=2)])
    """
)


def test_processes_that_write_together_lose_nothing(tmp_path: Path) -> None:
    """Eight of them create and change items that refer to the same one; every one is there, every sum is right."""
    parents = open_store(tmp_path / "parents")
    save(parents, {"_id": "p", "total": 0})
    count = scaled(20, 500)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    start = time.monotonic()

    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(me), str(count)], env=environment)
        for me in range(8)
    ]
    assert [worker.wait() for worker in workers] == [0] * 8
    record_figure("yaml", {"eight_processes_s": round(time.monotonic() - start, 1), "creates": 8 * count})

    children = open_store(tmp_path / "children")
    with reading(children) as session:
        expected = sorted(f"{me}-{number}" for me in range(8) for number in range(count))
        assert found_ids(children, session, Query()) == expected
        assert len(children.referrers(session, ("parent",), ["p"], 10**6)) == 8 * (count - count // 2)
    assert contents(parents)["p"]["total"] == 8 * len(range(0, count, 5))
