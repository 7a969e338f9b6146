"""Documents from before a declaration that they do not fit are told at the first use, in every store."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backo import (
    BackoError,
    Backoffice,
    Collection,
    DBMemoryConnector,
    DBYmlConnector,
    Field,
    Item,
    Ref,
    RefsList,
    StoredDataError,
    String,
)
from backo.connectors.adapted import adapt
from backo.connectors.base import Column, DBConnector, Store, Structure
from backo.connectors.sqlite import DBSqliteConnector
from backo.query.filters import EVERYTHING
from backo.schema.kinds import Kind
from backo.testing.connector_contract import contents, delete, insert, reading, refused, save, writing
from tests.contracts.test_five_methods import DictConnector
from tests.work.stores import audit

Places = Callable[[str], Store | DBConnector]
"""Gives a connector to the place of a name; to the same place when called again."""


@pytest.fixture(params=["memory", "five-methods", "yaml", "sqlite", "mixed"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    """Each kind of store in turn; in the end two kinds for the two sides of a pair."""
    kept: dict[str, Store | DBConnector] = {}

    def place(name: str) -> Store | DBConnector:
        kind = request.param if request.param != "mixed" else "sqlite" if name == "left" else "yaml"
        if kind == "memory":
            return kept.setdefault(name, DBMemoryConnector())
        if kind == "five-methods":
            return kept.setdefault(name, DictConnector())
        if kind == "yaml":
            return DBYmlConnector(path=tmp_path / name)
        return DBSqliteConnector(path=tmp_path / "data.db", table=name)

    return place


def office(places: Places, declared: Mapping[str, Field], names: Mapping[str, str] | None = None) -> Backoffice:
    """Declare one link for each collection, at `$.others`; `names` says where one is kept under another name."""
    backoffice = Backoffice("shop")
    for name, link in declared.items():
        connector = places((names or {}).get(name, name))
        connector.generate_id = lambda item: str(item["name"])
        backoffice.register_collection(Collection(name, Item({"name": String(), "others": link}), connector))
    return backoffice


def pair(owner: str, kind: type[Ref | RefsList] = RefsList, left: str = "left") -> dict[str, Field]:
    """Declare two collections whose items name one another; one of them stores the links."""
    return {
        left: kind(coll="right", field="$.others", owner=owner == left),
        "right": kind(coll=left, field="$.others", owner=owner == "right"),
    }


def linked(places: Places, kind: type[Ref | RefsList] = RefsList) -> None:
    """Store a link of `l` to `r`, on the left."""
    backoffice = office(places, pair("left", kind))
    backoffice.right.create({"name": "r"})
    backoffice.left.create({"name": "l", "others": ["r"] if kind is RefsList else "r"})
    backoffice.close()


@pytest.mark.parametrize("kind", [Ref, RefsList])
def test_links_do_not_change_sides_unseen(places: Places, kind: type[Ref | RefsList]) -> None:
    """Neither side can be used while links are where nobody looks for them; declared back, all is there."""
    linked(places, kind)

    flipped = office(places, pair("right", kind))
    uses: list[Callable[[], object]] = [
        lambda: flipped.left.get_by_id("l"),
        lambda: flipped.right.get_by_id("r").delete(),
        flipped.right.count,
        lambda: flipped.left.create({"name": "new"}),
        lambda: flipped.right.create({"name": "new"}),
    ]
    for use in [*uses, *uses]:
        with pytest.raises(StoredDataError) as caught:
            use()
        assert caught.value.message == (
            "left: $.others was the stored side of its links, which are still held by the item 'l'; "
            "now its reverse is declared as the stored side"
        )
        assert "owner=True" in (caught.value.hint or "")
    flipped.close()

    back = office(places, pair("left", kind))
    assert [one._id for one in back.right.select({"others": "l"})] == ["r"]
    assert audit(back) == []
    back.close()


def test_a_new_name_that_turns_the_choice_is_noticed(places: Places) -> None:
    """Without owner= the smaller name stores; the renamed collection, in its old place, still has the links."""
    linked(places)

    renamed = office(places, pair("", left="slips"), {"slips": "left"})

    with pytest.raises(StoredDataError, match=r"slips: \$\.others was the stored side"):
        renamed.right.get_by_id("r")
    renamed.close()


def test_a_pair_without_links_may_change_sides(places: Places) -> None:
    """Links that were taken away under the declaration before can be made anew under the next."""
    linked(places)
    before = office(places, pair("left"))
    item = before.left.get_by_id("l")
    item.others = []
    item.save()
    before.close()

    after = office(places, pair("right"))
    right = after.right.get_by_id("r")
    right.others = ["l"]
    right.save()

    assert [one._id for one in after.left.get_by_id("l").others.items()] == ["r"]
    assert audit(after) == []
    after.close()
    with pytest.raises(StoredDataError, match="right: "):
        office(places, pair("left")).left.count()


def test_a_store_without_a_pair_has_nothing_to_look_for(places: Places) -> None:
    """A field that is declared no more, or as something else, is no derived side."""
    linked(places)

    gone = office(places, {"left": RefsList(coll="left")})

    assert gone.left.count() == 1
    gone.close()


def test_many_may_begin_at_once(places: Places) -> None:
    """The first uses of several threads come to the same."""
    linked(places)

    with ThreadPoolExecutor(8) as threads:
        again = office(places, pair("left"))
        again.assemble()
        assert list(threads.map(lambda _: again.right.count(), range(8))) == [1] * 8
        again.close()
        flipped = office(places, pair("right"))
        flipped.assemble()
        found = list(threads.map(lambda _: attempt(flipped.right.count), range(8)))
        assert {type(one) for one in found} == {StoredDataError}
        flipped.close()


def attempt(use: Callable[[], object]) -> object:
    """Give what a use gives, or its error."""
    try:
        return use()
    except BackoError as error:
        return error


def test_nothing_is_opened_at_assembly(tmp_path: Path) -> None:
    """Stores are looked at when they are used first."""
    backoffice = office(lambda name: DBSqliteConnector(path=tmp_path / name), pair("left"))
    backoffice.assemble()

    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_in_nobodys_way(tmp_path: Path) -> None:
    """The look for links leaves out an item that cannot be read: only what needs it fails."""

    def places(name: str) -> Store:
        return DBYmlConnector(path=tmp_path / name)

    linked(places)
    (tmp_path / "right" / "broken.yml").write_text("a: [")
    again = office(places, pair("left"))

    assert again.right.get_by_id("r").name == "r"
    again.close()


def test_a_store_of_another_maker_is_asked_by_a_query() -> None:
    """What a store does not say better is found by its `find`; each is a place of its own."""

    class Plain(DBMemoryConnector):
        key = Store.key
        link_holders = Store.link_holders

    store = Plain()
    assert store.key == store.key != Plain().key
    store.declare(Structure("things"))
    save(store, {"_id": "a", "one": "x", "many": ["y"]}, {"_id": "b", "one": None, "many": []}, {"_id": "c"})

    assert [store.link_holders((name,)) for name in ("one", "many", "none")] == [["a"], ["a"], []]


# Unique values


def declared(store: Store, *, unique: bool) -> Store:
    """Tell a store its structure."""
    store.declare(Structure("things", (Column(("email",), Kind.TEXT, index=True, unique=unique),)))
    return store


def store_at(places: Places) -> Store:
    """Make a store."""
    connector = places("things")
    return connector if isinstance(connector, Store) else adapt(connector)


@pytest.mark.parametrize("places", ["memory", "yaml", "sqlite"], indirect=True)
def test_repeated_values_cannot_become_unique(places: Places) -> None:
    """The first use names the path and the items, not the value; mended, the store works and refuses new ones."""
    store = declared(store_at(places), unique=False)
    save(store, *({"_id": id_, "email": "secret"} for id_ in "ba"), {"_id": "c", "email": "x"}, {"_id": "d"})
    store.database.close()

    broken = declared(store_at(places), unique=True)
    for _ in range(2):
        with reading(broken) as session, pytest.raises(StoredDataError) as caught:
            broken.count(session, EVERYTHING)
        assert caught.value.message == "things: $.email cannot be unique: the items 'a', 'b' have the same value"
        assert "secret" not in str(caught.value)
        session = broken.database.begin(writing=True)
        with pytest.raises(StoredDataError):
            broken.write(session, [insert({"_id": "e"})])
        session.rollback()
    broken.database.close()

    before = declared(store_at(places), unique=False)
    with writing(before) as session:
        before.write(session, [delete("b")])
    before.database.close()
    mended = declared(store_at(places), unique=True)
    assert set(contents(mended)) == {"a", "c", "d"}
    with refused(mended) as session:
        mended.write(session, [insert({"_id": "e", "email": "x"})])
    mended.database.close()


@pytest.mark.parametrize("places", ["five-methods"], indirect=True)
def test_a_connector_with_five_methods_is_not_read_whole_for_it(places: Places) -> None:
    """What it has is taken as it is; a value that is given anew must be free."""
    store = declared(store_at(places), unique=False)
    save(store, {"_id": "a", "email": "x"}, {"_id": "b", "email": "x"})

    store = declared(store_at(places), unique=True)

    assert set(contents(store)) == {"a", "b"}
    with refused(store) as session:
        store.write(session, [insert({"_id": "e", "email": "x"})])


def test_a_message_names_a_few_items(tmp_path: Path) -> None:
    """However many have the value."""
    for store in (DBSqliteConnector(path=tmp_path / "data.db"), DBMemoryConnector()):
        declared(store, unique=False)
        save(store, *({"_id": f"i{number}", "email": "x"} for number in range(9)))
        store.database.close()
        declared(store, unique=True)

        with reading(store) as session, pytest.raises(StoredDataError, match="items 'i0', 'i1', 'i2' and others have"):
            store.get(session, ["i0"])
        store.database.close()
