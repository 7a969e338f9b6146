"""What `save()` stores: only what changed, laid over what is stored now (SPEC 2)."""

from collections.abc import Callable
from typing import Any

import pytest

from backo import (
    Backoffice,
    ConflictError,
    DeleteStrategy,
    Dict,
    FillStrategy,
    Int,
    Item,
    List,
    NotFoundError,
    Problem,
    Ref,
    RefsList,
    State,
    StateError,
    String,
    ValidationError,
    state_of,
)
from backo.references.fields import ids_in
from backo.work import judging
from tests.work.stores import Stores, audit, dump, links

UNLINK = DeleteStrategy.UNLINK_REFERENCED_ITEMS


@pytest.fixture
def shop(stores: Stores) -> Backoffice:
    """Users with groups, lists, and every kind of link."""
    shop = stores.backoffice(
        {
            "users": Item(
                {
                    "name": String(required=True),
                    "nick": String(unique=True),
                    "age": Int(max=99),
                    "address": Dict({"zip": String(), "town": String(), "geo": Dict({"lat": Int(), "lon": Int()})}),
                    "tags": List(String()),
                    "boss": Ref(coll="users", field="$.staff"),
                    "staff": RefsList(coll="users", field="$.boss", ods=UNLINK),
                    "hidden": RefsList(coll="users", field="$.shadow", ods=UNLINK, ofs=FillStrategy.NOT_FILL),
                    "shadow": Ref(coll="users", field="$.hidden"),
                    "likes": RefsList(coll="users", ods=UNLINK),
                    "friends": RefsList(coll="users", field="$.friends", ods=UNLINK),
                    "spouse": Ref(coll="users", field="$.spouse"),
                    "total": Int(set=lambda user: (user.age or 0) + 1),
                },
                constraints=None,
            ),
        }
    )
    with shop.transaction():
        for name in ("ann", "bob", "cy", "dan", "eve"):
            shop.users.create({"name": name})
    return shop


def two(shop: Backoffice, name: str = "ann") -> tuple[Any, Any]:
    """Load one item twice, as two users of it do."""
    return shop.users.get_by_id(name), shop.users.get_by_id(name)


def conflict(do: Callable[[], Any]) -> list[Problem]:
    """See a save be refused because somebody was faster."""
    with pytest.raises(ConflictError) as caught:
        do()
    return list(caught.value.problems)


def test_different_fields_both_survive(shop: Backoffice) -> None:
    """Two who change different fields do not disturb one another, and the later one sees both."""
    one, other = two(shop)

    one.age = 7
    one.save()
    other.nick = "annie"
    other.save()

    assert (other.age, other.nick) == (7, "annie")
    assert state_of(other) is State.SAVED
    assert dump(shop)["users/ann"].get("total", other.total == 8)


def test_the_same_field_is_a_conflict(shop: Backoffice) -> None:
    """Who comes second with another value is told the path; nothing is stored, and what was set stays set."""
    one, other = two(shop)
    one.age = 7
    one.save()
    before = dump(shop)

    other.set({"age": 8, "nick": "annie"})
    problems = conflict(other.save)

    assert [(problem.path, problem.code) for problem in problems] == [("$.age", "changed")]
    assert dump(shop) == before
    assert (other.age, other.nick, state_of(other)) == (8, "annie", State.UNSAVED)
    other.reload()
    other.age = 8
    other.save()
    assert dump(shop)["users/ann"]["age"] == 8


def test_the_same_value_is_a_conflict_too(shop: Backoffice) -> None:
    """Of two who count one up, from the same number to the same number, one would be lost."""
    one, other = two(shop)
    for user in (one, other):
        user.age = (user.age or 0) + 1
    one.save()

    assert [problem.path for problem in conflict(other.save)] == ["$.age"]


def test_every_conflict_is_told(shop: Backoffice) -> None:
    """All paths that were changed on both sides are told at once."""
    one, other = two(shop)
    one.set({"age": 7, "nick": "a", "address": {"zip": "1"}})
    one.save()

    other.set({"age": 8, "nick": "b", "address": {"zip": "2"}})

    assert {problem.path for problem in conflict(other.save)} == {"$.age", "$.nick", "$.address.zip"}


def test_groups_are_merged_inside(shop: Backoffice) -> None:
    """Two who change different fields of one group both survive, however deep."""
    one, other = two(shop)
    one.set({"address": {"zip": "1", "geo": {"lat": 1}}})
    one.save()

    other.set({"address": {"town": "Ay", "geo": {"lon": 2}}})
    other.save()

    assert dump(shop)["users/ann"]["address"] == {"zip": "1", "town": "Ay", "geo": {"lat": 1, "lon": 2}}


def test_ordinary_lists_are_replaced_as_a_whole(shop: Backoffice) -> None:
    """A list that is not of links is one value."""
    one, other = two(shop)
    one.tags = ["a"]
    one.save()

    other.tags = ["b"]

    assert [problem.path for problem in conflict(other.save)] == ["$.tags"]


def test_a_change_that_was_taken_back_is_none(shop: Backoffice) -> None:
    """What equals what was read does not touch what others stored."""
    one, other = two(shop)
    one.age = 7
    one.save()

    other.age = 3
    other.age = None
    other.nick = "annie"
    other.save()

    assert (dump(shop)["users/ann"]["age"], dump(shop)["users/ann"]["nick"]) == (7, "annie")


def test_nothing_changed_writes_nothing(shop: Backoffice) -> None:
    """Saving what is stored already leaves no trace."""
    before = dump(shop)
    user = shop.users.get_by_id("ann")

    user.save()

    assert dump(shop) == before


def test_what_is_laid_over_is_checked_again(stores: Stores) -> None:
    """Two changes that are right alone are refused where they are wrong together."""
    shop = stores.backoffice(
        {
            "spans": Item(
                {
                    "name": String(required=True),
                    "low": Int(),
                    "high": Int(constraint=lambda high, item: item.low is None or item.low <= high),
                }
            )
        }
    )
    shop.spans.create({"name": "s", "low": 1, "high": 9})
    one: Any = shop.spans.get_by_id("s")
    other: Any = shop.spans.get_by_id("s")

    one.low = 5
    one.save()
    other.high = 3
    with pytest.raises(ValidationError) as caught:
        other.save()

    assert [problem.path for problem in caught.value.problems] == ["$.high"]
    assert dump(shop)["spans/s"]["high"] == 9


def test_a_deleted_item_is_gone(shop: Backoffice) -> None:
    """An item that somebody deleted cannot be saved, reloaded or deleted again."""
    one, other = two(shop)
    one.delete()
    other.age = 3

    for do in (other.save, other.reload, other.delete):
        with pytest.raises(NotFoundError):
            do()


def test_an_item_made_anew_is_another_one(shop: Backoffice) -> None:
    """A stale item laid over a new one of the same `_id` conflicts where they differ."""
    _one, other = two(shop)
    shop.users.get_by_id("ann").delete()
    shop.users.create({"name": "ann", "age": 50})

    other.age = 3

    assert [problem.path for problem in conflict(other.save)] == ["$.age"]


# Links change by adding and removing.


@pytest.mark.parametrize("field", ["staff", "hidden", "likes", "friends"])
def test_two_additions_never_conflict(shop: Backoffice, field: str) -> None:
    """Link lists, derived, shown or not, one-way and symmetric, change by single ids."""
    one, other = two(shop)

    one[field].append("bob")
    other[field].append("cy")
    one.save()
    other.save()

    assert set(links(shop, f"users.{field}")["ann"]) == {"bob", "cy"}
    assert audit(shop) == []


@pytest.mark.parametrize("field", ["staff", "likes", "friends"])
def test_adding_and_removing_never_conflict(shop: Backoffice, field: str) -> None:
    """One adds, one removes, one does both: all of it happens."""
    user: Any = shop.users.get_by_id("ann")
    user[field] = ["bob", "cy"]
    user.save()
    (one, other), (third, _) = two(shop), two(shop)
    for item in (one, other, third):
        assert set(item[field]) == {"bob", "cy"}

    one[field].append("dan")
    one.save()
    other[field].remove("bob")
    other.save()
    third[field] = ["bob", "eve"]
    third.save()

    assert set(links(shop, f"users.{field}")["ann"]) == {"dan", "eve"}
    assert audit(shop) == []


def test_an_ordered_list_keeps_its_order(shop: Backoffice) -> None:
    """What others added comes after what is there."""
    user: Any = shop.users.get_by_id("ann")
    user.likes = ["dan", "bob"]
    user.save()
    one, other = two(shop)

    one.likes.insert(0, "eve")
    one.save()
    other.likes.append("cy")
    other.save()

    named = links(shop, "users.likes")["ann"]
    assert set(named) == {"eve", "dan", "bob", "cy"}
    assert named.index("dan") < named.index("bob")


def test_the_same_ref_is_a_conflict(shop: Backoffice) -> None:
    """One link names one item, so two who set it to different ones cannot both have it."""
    one, other = two(shop)
    one.boss = "bob"
    one.save()

    other.boss = "cy"

    assert [problem.path for problem in conflict(other.save)] == ["$.boss"]


def test_removing_a_child_that_moved_on(shop: Backoffice) -> None:
    """A child that was given to somebody else meanwhile stays there."""
    ann: Any = shop.users.get_by_id("ann")
    ann.staff = ["cy"]
    ann.save()
    stale: Any = shop.users.get_by_id("ann")
    assert stale.staff == ["cy"]
    bob: Any = shop.users.get_by_id("bob")
    bob.staff = ["cy"]
    bob.save()

    stale.staff = []
    stale.save()

    assert links(shop, "users.boss") == {"cy": ["bob"]}


def test_a_stale_child_whose_parent_is_gone(shop: Backoffice) -> None:
    """What a stale item still shows of a link is not stored again."""
    cy: Any = shop.users.get_by_id("cy")
    cy.boss = "ann"
    cy.save()
    stale: Any = shop.users.get_by_id("cy")
    shop.users.get_by_id("ann").delete()

    stale.age = 3
    stale.save()

    assert dump(shop)["users/cy"]["age"] == 3
    assert links(shop, "users.boss") == {}


def test_naming_what_is_gone(shop: Backoffice) -> None:
    """A link to an item that was deleted meanwhile is refused."""
    cy: Any = shop.users.get_by_id("cy")
    cy.boss = "ann"
    shop.users.get_by_id("ann").delete()

    with pytest.raises(ValidationError) as caught:
        cy.save()

    assert [(problem.path, problem.code) for problem in caught.value.problems] == [("$.boss", "reference")]


# States.


def test_what_can_be_done_in_which_state(shop: Backoffice) -> None:
    """UNSET cannot be saved, reloaded or deleted; SAVED can be neither created nor loaded."""
    new: Any = shop.users.new()
    assert state_of(new) is State.UNSET
    for do in (new.save, new.reload, new.delete):
        with pytest.raises(StateError):
            do()

    new.set({"name": "zoe"})
    assert state_of(new) is State.UNSAVED
    for do in (new.reload, new.delete, lambda: new.load("ann")):
        with pytest.raises(StateError):
            do()
    new.save()

    assert state_of(new) is State.SAVED
    for do in (lambda: new.create({"name": "x"}), lambda: new.load("ann")):
        with pytest.raises(StateError):
            do()
    new.delete()
    assert state_of(new) is State.UNSET
    new.load("ann")
    assert new.name == "ann"


def test_a_refused_creation_leaves_the_item_as_it_was(shop: Backoffice) -> None:
    """An item that could not be created is UNSAVED, keeps what was set, links included, and can be mended."""
    new: Any = shop.users.new()
    with pytest.raises(ValidationError):
        new.create({"name": "zoe", "staff": ["bob"], "boss": "nobody"})

    assert (state_of(new), new.name, new.staff, new._id) == (State.UNSAVED, "zoe", ["bob"], None)
    new.boss = "ann"
    new.save()

    assert links(shop, "users.boss") == {"bob": ["zoe"], "zoe": ["ann"]}


def test_a_refused_save_leaves_the_item_as_it_was(shop: Backoffice) -> None:
    """What was assigned to links, derived ones included, is still assigned after a refusal."""
    ann: Any = shop.users.get_by_id("ann")
    ann.set({"staff": ["bob"], "likes": ["nobody"], "age": 4})
    with pytest.raises(ValidationError):
        ann.save()

    assert (state_of(ann), ann.staff, ann.likes, ann.age) == (State.UNSAVED, ["bob"], ["nobody"], 4)
    ann.likes = []
    ann.save()

    assert links(shop, "users.boss") == {"bob": ["ann"]}
    assert state_of(ann) is State.SAVED


def test_an_id_is_taken_once(shop: Backoffice) -> None:
    """A second item with the same `_id` is refused."""
    with pytest.raises(ConflictError) as caught:
        shop.users.create({"name": "ann"})

    assert [(problem.path, problem.code) for problem in caught.value.problems] == [("$._id", "unique")]


def test_a_unique_value_is_taken_once(shop: Backoffice) -> None:
    """A second item with the same unique value is refused, its path named; absent values do not collide."""
    one, _ = two(shop)
    one.nick = "x"
    one.save()
    other, _ = two(shop, "bob")
    other.nick = "x"

    assert [problem.path for problem in conflict(other.save)] == ["$.nick"]
    assert state_of(other) is State.UNSAVED


def test_saving_shows_what_it_changed_of_the_item_itself(shop: Backoffice) -> None:
    """A change that comes back to the item it started from is seen in it."""
    ann: Any = shop.users.get_by_id("ann")

    ann.staff = ["ann", "bob"]
    ann.save()

    assert (ann.boss, state_of(ann)) == ("ann", State.SAVED)
    ann.age = 5
    ann.save()
    assert links(shop, "users.boss") == {"ann": ["ann"], "bob": ["ann"]}


def playlist(stores: Stores, songs: str) -> Backoffice:
    """Keep songs, and a list of some of them in an order of its own."""
    shop = stores.backoffice(
        {
            "songs": Item({"name": String()}),
            "lists": Item({"name": String(), "songs": RefsList(coll="songs")}),
        }
    )
    for name in "abcde":
        shop.songs.create({"name": name})
    shop.lists.create({"name": "x", "songs": list(songs)})
    return shop


@pytest.mark.parametrize(
    ("mine", "theirs", "together"),
    [
        ("bcda", "abcde", "bcdae"),
        ("abcde", "bcda", "bcdae"),
        ("dabc", "abd", "dab"),
        ("abd", "dabc", "dab"),
        ("aebcd", "abcd", "aebcd"),
        ("bcda", "bcdae", "bcdae"),
    ],
)
def test_who_moves_ids_decides_their_order(stores: Stores, mine: str, theirs: str, together: str) -> None:
    """In a list that keeps its order, moves and additions of two writers both stay, whoever is first."""
    shop = playlist(stores, "abcd")
    one, other = shop.lists.get_by_id("x"), shop.lists.get_by_id("x")

    other.songs = list(theirs)
    other.save()
    one.songs = list(mine)
    one.save()

    assert one.songs == shop.lists.get_by_id("x").songs == list(together)


def test_two_who_move_the_same_ids_are_in_conflict(stores: Stores) -> None:
    """Of two other orders of the same ids one would be lost, so the second is refused."""
    shop = playlist(stores, "abc")
    one, other = shop.lists.get_by_id("x"), shop.lists.get_by_id("x")

    other.songs = list("cba")
    other.save()
    one.songs = list("bac")
    with pytest.raises(ConflictError) as caught:
        one.save()

    assert [problem.path for problem in caught.value.problems] == ["$.songs"]
    assert shop.lists.get_by_id("x").songs == list("cba")


def test_a_deleted_item_starts_anew(shop: Backoffice) -> None:
    """What was deleted is UNSET, as a new item is, with its defaults."""
    item = shop.users.create({"name": "gone"})

    item.delete()

    assert item.status == State.UNSET
    assert item == shop.users.new()


def test_a_long_list_of_links_is_read_once(shop: Backoffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether each id of a list names an item is judged together, not by a look through the list for each."""
    read: list[Any] = []

    def counted(value: Any) -> Any:
        read.append(value)
        return ids_in(value)

    monkeypatch.setattr(judging, "ids_in", counted)

    with pytest.raises(ValidationError):
        shop.users.create({"name": "fay", "likes": [f"nobody-{number}" for number in range(500)]})

    assert len(read) == 1
