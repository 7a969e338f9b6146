"""Mistakes in a declaration fail at assembly, with a hint (P8)."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backo import (
    Backoffice,
    Collection,
    DBConnector,
    DBMemoryConnector,
    DBSqliteConnector,
    DBYmlConnector,
    DefinitionError,
    DeleteStrategy,
    Field,
    GenericMetaDataHandler,
    Int,
    Item,
    Limits,
    NotFoundError,
    Ref,
    RefsList,
    SessionError,
    StateError,
    String,
    TransientError,
)
from backo.connectors.base import Store
from tests.contracts.test_five_methods import DictConnector


def collection(name: str, fields: dict[str, Field], **options: Any) -> Collection:
    """Declare a collection in memory."""
    return Collection(name, Item(fields), DBMemoryConnector(), **options)


def office(*collections: Collection, **options: Any) -> Backoffice:
    """Declare a back office of these collections."""
    backoffice = Backoffice("app", **options)
    for one in collections:
        backoffice.register_collection(one)
    return backoffice


@pytest.mark.parametrize(
    ("fields", "expected", "hint"),
    [
        pytest.param(
            {"addr": Ref(coll="addrz", field="$.users")},
            "users: $.addr: there is no collection 'addrz'",
            "did you mean 'addrs'?",
            id="unknown-collection",
        ),
        pytest.param(
            {"addr": Ref(coll="addrs", field="$.user")},
            "users: $.addr: the collection 'addrs' has no reference $.user",
            "did you mean '$.users'?",
            id="unknown-reverse",
        ),
        pytest.param(
            {"addr": String(), "home": Ref(coll="addrs", field="$.users")},
            "users: $.home: its reverse addrs: $.users points back to users: $.addr",
            "declare it with coll='users', field='$.home'",
            id="reverse-points-elsewhere",
        ),
    ],
)
def test_wrong_references_are_refused_with_the_nearest_name(fields: dict[str, Field], expected: str, hint: str) -> None:
    """A reference that leads nowhere is told with collection, path and the nearest valid name."""
    backoffice = office(
        collection("users", fields), collection("addrs", {"users": RefsList(coll="users", field="$.addr")})
    )

    with pytest.raises(DefinitionError) as caught:
        backoffice.assemble()

    assert caught.value.message == expected
    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["1st", "a b", "_private", "a.b", "", "users/"])
def test_a_collection_has_an_identifier_as_its_name(name: str) -> None:
    """A name that cannot be part of an address is refused."""
    with pytest.raises(DefinitionError, match="a collection cannot be called"):
        collection(name, {})


@pytest.mark.parametrize("name", ["assemble", "transaction", "name", "collections", "operations", "build_routes"])
def test_a_collection_is_not_called_like_an_attribute(name: str) -> None:
    """A collection that would hide an attribute of the back office is refused."""
    with pytest.raises(DefinitionError, match="which is an attribute of back offices"):
        office(collection(name, {}))


def test_a_collection_is_registered_once_and_under_its_own_name() -> None:
    """A second registration, another name, or something else than a collection is refused."""
    users = collection("users", {})
    backoffice = Backoffice("app")

    with pytest.raises(DefinitionError, match="cannot be registered as 'people'"):
        backoffice.register_collection("people", users)
    assert backoffice.register_collection("users", users) is users
    with pytest.raises(DefinitionError, match="there is a collection 'users' already"):
        backoffice.register_collection(users)
    with pytest.raises(DefinitionError, match="registered already"):
        Backoffice("other").register_collection(users)
    with pytest.raises(DefinitionError, match="not 'users'"):
        backoffice.register_collection("users")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            lambda folder: DBSqliteConnector(path=folder / "a.db", table="log"),
            lambda folder: DBSqliteConnector(path=folder / "a.db", table="LOG"),
            id="one-table",
        ),
        pytest.param(
            lambda folder: DBSqliteConnector(path=folder / "a.db"),
            lambda folder: DBSqliteConnector(path=folder / "a.db"),
            id="names-that-are-one-table",
        ),
        pytest.param(
            lambda folder: DBSqliteConnector(path=folder / "a.db", table="log"),
            lambda folder: DBSqliteConnector(path=folder / "link" / "a.db", table="log"),
            id="one-table-by-a-link",
        ),
        pytest.param(
            lambda folder: DBYmlConnector(path=folder / "log"),
            lambda folder: DBYmlConnector(path=folder / "link" / "log"),
            id="one-folder-by-a-link",
        ),
    ],
)
def test_two_collections_are_not_kept_in_one_place(
    tmp_path: Path, first: Callable[[Path], Store], second: Callable[[Path], Store]
) -> None:
    """Their items would mix: both are named, with the place and what to do."""
    (tmp_path / "link").symlink_to(tmp_path)
    backoffice = office(
        Collection("log", Item({"name": String()}), first(tmp_path)),
        Collection("Log", Item({"name": String()}), second(tmp_path)),
    )

    with pytest.raises(DefinitionError, match=r"the collections 'log' and 'Log' are kept in the same place, \w+:/"):
        backoffice.assemble()


@pytest.mark.parametrize("make", [DBMemoryConnector, DictConnector])
def test_two_collections_do_not_share_a_connector(make: Callable[[], Store | DBConnector]) -> None:
    """Each has one of its own, whatever its kind."""
    connector = make()
    backoffice = office(Collection("a", Item({}), connector), Collection("b", Item({}), connector))

    with pytest.raises(DefinitionError, match="the collections 'a' and 'b' have the same connector"):
        backoffice.assemble()


def test_two_back_offices_may_share_a_place(tmp_path: Path) -> None:
    """A second one on the same table sees the same items, as another process would; other tables are others."""
    fields = {"name": String()}
    first, second = (
        office(
            Collection("users", Item(fields), DBSqliteConnector(path=tmp_path / "a.db")),
            Collection("é", Item(fields), DBSqliteConnector(path=tmp_path / "a.db")),
            Collection("É", Item(fields), DBSqliteConnector(path=tmp_path / "a.db")),
        )
        for _ in range(2)
    )

    first.users.create({"name": "Jo"})
    first.é.create({"name": "Al"})

    assert [second.users.count(), second.é.count(), second.É.count()] == [1, 1, 0]
    first.close()


def test_nothing_is_registered_after_assembly() -> None:
    """What is assembled is frozen."""
    backoffice = office(collection("users", {"name": String()}))
    backoffice.check_syntax()

    with pytest.raises(StateError, match="once the application is assembled"):
        backoffice.register_collection(collection("more", {}))
    with pytest.raises(StateError, match="once its application is assembled"):
        backoffice.users.item.add_to_model("age", Int())
    with pytest.raises(StateError, match="once the application is assembled"):
        backoffice.users.define_view("short", ["$.name"])


def test_a_misspelt_collection_is_told() -> None:
    """An attribute that is no collection names the nearest one."""
    backoffice = office(collection("users", {}))

    with pytest.raises(AttributeError, match="did you mean 'users'"):
        _ = backoffice.user


def test_a_collection_that_is_not_registered_cannot_be_used() -> None:
    """Without an application there is nowhere to look."""
    with pytest.raises(StateError, match="is not registered"):
        collection("users", {}).create({})


def test_an_item_that_belongs_to_one_collection_stands_for_it() -> None:
    """On a declaration `new`, `create`, `load` and `select` work; in two collections it is not clear which is meant."""
    cat = Item({"name": String()})
    cats = Collection("cats", cat, DBMemoryConnector())
    office(cats)

    created = cat.create({"name": "Felix"})

    assert cat.load(created._id).name == "Felix"
    assert [one.name for one in cat.select({"name": "Felix"})] == ["Felix"]
    assert cat.new().status == "UNSET"
    office(Collection("tomcats", cat, DBMemoryConnector()))
    with pytest.raises(StateError, match="declared in 2 collections"):
        cat.new()


def test_a_pair_in_which_nothing_could_be_deleted_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Two lists that must both be empty first are logged at assembly."""
    backoffice = office(
        collection("books", {"authors": RefsList(coll="authors", field="$.books")}),
        collection("authors", {"books": RefsList(coll="books", field="$.authors")}),
    )

    with caplog.at_level(logging.WARNING, "backo"):
        backoffice.assemble()

    assert "books.authors" in caplog.text
    assert "authors.books" in caplog.text


def test_a_pair_with_a_way_out_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """One side that unlinks is enough."""
    unlink = DeleteStrategy.UNLINK_REFERENCED_ITEMS
    backoffice = office(
        collection("books", {"authors": RefsList(coll="authors", field="$.books", ods=unlink)}),
        collection("authors", {"books": RefsList(coll="books", field="$.authors")}),
    )

    with caplog.at_level(logging.WARNING, "backo"):
        backoffice.assemble()

    assert caplog.text == ""


def test_generate_id_gives_ids_of_ones_own() -> None:
    """`connector.generate_id` gets the new item; what is no id is a mistake of the declaration."""
    users = collection("users", {"login": String()})
    users.connector.generate_id = lambda user: user.login
    office(users)

    assert users.create({"login": "jo"})._id == "jo"
    with pytest.raises(DefinitionError, match="generate_id gave None"):
        users.create({})


@pytest.mark.parametrize("login", ["x/y", "a\nb", "\x7f", "_check", "", "x" * 129])
def test_generate_id_gives_what_an_address_can_name(login: str) -> None:
    """An item that no request could reach is not stored."""
    users = collection("users", {"login": String()})
    users.connector.generate_id = lambda user: user.login
    office(users)

    with pytest.raises(DefinitionError, match="which is not an id") as refused:
        users.create({"login": login})

    assert "at most 128 characters" in (refused.value.hint or "")
    assert users.count() == 0


def test_generated_ids_have_the_limit_of_the_application() -> None:
    """Ids may be as long as addresses may name, and no longer than a unique text."""
    users = collection("users", {"login": String()})
    users.connector.generate_id = lambda user: user.login
    office(users, limits=Limits(id=1000))

    assert users.create({"login": "x" * 500})._id == "x" * 500
    with pytest.raises(DefinitionError):
        users.create({"login": "x" * 501})


def test_meta_is_stamped_by_the_clock() -> None:
    """`ctime` stays, `mtime` follows; both come from the application's clock."""
    moments = iter([datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)])
    backoffice = office(collection("users", {"name": String()}), clock=lambda: next(moments))

    user = backoffice.users.create({"name": "Jo"})
    user.name = "Joe"
    user.save()

    assert user._meta.ctime == datetime(2024, 1, 1, tzinfo=UTC)
    assert user._meta.mtime == datetime(2024, 1, 2, tzinfo=UTC)
    assert user._meta.created_by.login == "ANONYMOUS"


def test_meta_can_be_left_out_or_kept_by_ones_own_handler() -> None:
    """A collection without a handler has no `_meta`; a handler of one's own keeps what it likes."""

    class Count(GenericMetaDataHandler):
        def append_schema(self, item: Item) -> None:
            item.add_system_field("_saves", Int())

        def update(self, item: Any) -> None:
            item._saves = (item._saves or 0) + 1

    backoffice = office(
        collection("plain", {"name": String()}, meta_data_handler=None),
        collection("counted", {"name": String()}, meta_data_handler=Count()),
    )

    counted = backoffice.counted.create({"name": "a"})
    counted.name = "b"
    counted.save()

    assert set(backoffice.plain.create({"name": "a"}).get_value()) == {"name", "_id"}
    assert backoffice.counted.get_by_id(counted._id)._saves == 2


def test_run_tries_again_when_a_store_asks_for_it() -> None:
    """A transient failure runs the whole function once more; ten in a row are told."""
    backoffice = office(collection("users", {"name": String()}))
    attempts: list[int] = []

    def flaky() -> str:
        attempts.append(1)
        backoffice.users.create({"name": "Jo"})
        if len(attempts) < 3:
            message = "deadlock"
            raise TransientError(message)
        return "done"

    assert backoffice.run(flaky) == "done"
    assert backoffice.users.count() == 1


def fail_after(backoffice: Backoffice) -> None:
    """Ask for a function after the commit, then fail."""
    backoffice.on_commit(lambda: pytest.fail("it was not committed"))
    backoffice.users.get_by_id("nobody")


def test_on_commit_needs_a_unit_of_work_and_runs_after_it() -> None:
    """Functions of on_commit run once everything is stored, and never when it is not."""
    backoffice = office(collection("users", {"name": String()}))
    seen: list[object] = []

    with pytest.raises(SessionError):
        backoffice.on_commit(lambda: None)
    with backoffice.transaction():
        backoffice.on_commit(lambda: seen.append(backoffice.users.count()))
        backoffice.users.create({"name": "Jo"})
        assert seen == []
    with pytest.raises(NotFoundError), backoffice.transaction():
        fail_after(backoffice)

    assert seen == [1]


@pytest.mark.parametrize(
    ("options", "hint"),
    [({"max": 3}, "which stores the link"), ({"min": 1}, "owner=True"), ({"constraint": bool}, "owner=True")],
)
def test_conditions_on_what_is_looked_up_are_refused(options: dict[str, Any], hint: str) -> None:
    """Nobody would judge them when other items change, so the declaration says so, and where they belong."""
    many_to_many = "owner" in hint
    back = RefsList(coll="users", field="$.teams") if many_to_many else Ref(coll="users", field="$.teams")
    teams = RefsList(coll="teams", field="$.users", **options)

    with pytest.raises(DefinitionError, match=r"\$\.teams: min, max, enum and constraints") as caught:
        office(collection("users", {"teams": teams}), collection("teams", {"users": back})).assemble()

    assert hint in (caught.value.hint or "")


def test_what_cannot_be_explained() -> None:
    """Only items can be, and a deletion only of stored ones."""
    backoffice = office(collection("users", {"name": String()}))

    with pytest.raises(StateError, match="takes an item"):
        backoffice.explain("users")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(StateError, match="only an item that is stored"):
        backoffice.explain(backoffice.users.new(), deleting=True)
