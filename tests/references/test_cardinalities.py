"""Every cardinality of SPEC 3, on every store: who names whom after each change.

Ids are names, so `links(shop, "books.author") == {"b1": ["a1"]}` reads as it is.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from backo import (
    BackoError,
    Backoffice,
    ConflictError,
    DeleteStrategy,
    Dict,
    FillStrategy,
    Item,
    Limits,
    Ref,
    RefsList,
    State,
    String,
    ValidationError,
    state_of,
)
from tests.work.stores import Stores, audit, dump, links

EMPTY = DeleteStrategy.MUST_BE_EMPTY
DELETE = DeleteStrategy.DELETE_REFERENCED_ITEMS
UNLINK = DeleteStrategy.UNLINK_REFERENCED_ITEMS

Build = Callable[..., Backoffice]


def name() -> String:
    """Declare what is the `_id` too."""
    return String(required=True)


def refused(backoffice: Backoffice, do: Callable[[], Any], *kinds: type[BackoError]) -> list[tuple[str, str]]:
    """See an operation be refused with nothing done by halves; gives the problems as path and code."""
    before = dump(backoffice)
    with pytest.raises(kinds) as caught:
        do()
    assert dump(backoffice) == before
    return [(problem.path, problem.code) for problem in caught.value.problems]


def unordered(backoffice: Backoffice, address: str) -> dict[str, set[str]]:
    """Give who names whom where the order depends on which side is stored."""
    return {one: set(others) for one, others in links(backoffice, address).items()}


# A Ref alone, a RefsList alone.


def one_way(
    stores: Stores, *, many: bool = False, ods: DeleteStrategy | None = None, required: bool = False
) -> Backoffice:
    """Books name authors; authors know nothing of it."""
    kind: Any = RefsList if many else Ref
    shop = stores.backoffice(
        {
            "authors": Item({"name": name()}),
            "books": Item({"name": name(), "by": kind(coll="authors", ods=ods, required=required)}),
        }
    )
    for one in ("a1", "a2", "a3"):
        shop.authors.create({"name": one})
    return shop


class TestRefAlone:
    """A `Ref` without a reverse."""

    def test_it_is_read_as_an_id_that_gives_its_item(self, stores: Stores) -> None:
        """The value is a `str`, and `.item` the item it names."""
        shop = one_way(stores)

        book: Any = shop.books.create({"name": "b1", "by": "a1"})

        author: Any = book.by
        assert isinstance(author, str)
        assert (book.by, book.by.item.name) == ("a1", "a1")
        assert book.select("$.by.name") == "a1"

    def test_an_item_may_be_assigned(self, stores: Stores) -> None:
        """An item stands for its id."""
        shop = one_way(stores)

        book: Any = shop.books.create({"name": "b1", "by": shop.authors.get_by_id("a1")})
        book.by = shop.authors.get_by_id("a2")
        book.save()

        assert links(shop, "books.by") == {"b1": ["a2"]}

    def test_it_changes_and_is_cleared(self, stores: Stores) -> None:
        """A link changes like any other value."""
        shop = one_way(stores)
        book: Any = shop.books.create({"name": "b1", "by": "a1"})

        book.by = "a2"
        book.save()
        assert links(shop, "books.by") == {"b1": ["a2"]}

        book.by = None
        book.save()
        assert links(shop, "books.by") == {}
        assert book.by is None

    def test_what_does_not_exist_is_refused(self, stores: Stores) -> None:
        """An id that is nobody's is a problem of the field that names it."""
        shop = one_way(stores)
        book: Any = shop.books.create({"name": "b1", "by": "a1"})

        assert refused(shop, lambda: shop.books.create({"name": "b2", "by": "a9"}), ValidationError) == [
            ("$.by", "reference")
        ]
        book.by = "a9"
        assert refused(shop, book.save, ValidationError) == [("$.by", "reference")]
        assert state_of(book) is State.UNSAVED
        book.by = "a2"
        book.save()
        assert links(shop, "books.by") == {"b1": ["a2"]}

    @pytest.mark.parametrize("ods", [None, EMPTY], ids=["default", "declared"])
    def test_a_target_that_must_not_be_named(self, stores: Stores, ods: DeleteStrategy | None) -> None:
        """What something names cannot be deleted, until nothing does."""
        shop = one_way(stores, ods=ods)
        book: Any = shop.books.create({"name": "b1", "by": "a1"})

        assert refused(shop, shop.authors.get_by_id("a1").delete, ConflictError) == [("$", "must_be_empty")]
        book.by = "a2"
        book.save()
        shop.authors.get_by_id("a1").delete()

        assert audit(shop) == []

    def test_a_target_that_takes_its_holders_along(self, stores: Stores) -> None:
        """The holders of a link are deleted with its target."""
        shop = one_way(stores, ods=DELETE)
        for number, by in enumerate(("a1", "a1", "a2")):
            shop.books.create({"name": f"b{number}", "by": by})

        shop.authors.get_by_id("a1").delete()

        assert links(shop, "books.by") == {"b2": ["a2"]}
        assert shop.books.count() == 1

    def test_a_target_that_is_let_go(self, stores: Stores) -> None:
        """The holders of a link are cleared."""
        shop = one_way(stores, ods=UNLINK)
        for number, by in enumerate(("a1", "a1", "a2")):
            shop.books.create({"name": f"b{number}", "by": by})

        shop.authors.get_by_id("a1").delete()

        assert links(shop, "books.by") == {"b2": ["a2"]}
        assert shop.books.count() == 3

    def test_a_required_link_cannot_be_cleared(self, stores: Stores) -> None:
        """Neither by its holder nor by the deletion of its target."""
        shop = one_way(stores, ods=UNLINK, required=True)
        book: Any = shop.books.create({"name": "b1", "by": "a1"})

        assert refused(shop, lambda: shop.books.create({"name": "b2"}), ValidationError) == [("$.by", "required")]
        assert refused(shop, shop.authors.get_by_id("a1").delete, ConflictError) == [("$.by", "required")]
        book.by = None
        assert refused(shop, book.save, ValidationError) == [("$.by", "required")]


class TestRefsListAlone:
    """A `RefsList` without a reverse."""

    def test_it_keeps_its_order_and_each_id_once(self, stores: Stores) -> None:
        """The list is a list of ids in the order given; `.items()` gives the items in that order."""
        shop = one_way(stores, many=True)

        shop.books.create({"name": "b1", "by": ["a3", "a1", "a3", "a2"]})

        book: Any = shop.books.get_by_id("b1")
        assert book.by == ["a3", "a1", "a2"]
        assert [author.name for author in book.by.items()] == ["a3", "a1", "a2"]

    def test_it_changes_like_a_list(self, stores: Stores) -> None:
        """What can be done with a list can be done with links."""
        shop = one_way(stores, many=True)
        book: Any = shop.books.create({"name": "b1", "by": ["a1"]})

        book.by.append("a2")
        book.by.remove("a1")
        book.by.append(shop.authors.get_by_id("a3"))
        book.save()

        assert links(shop, "books.by") == {"b1": ["a2", "a3"]}

    def test_each_that_does_not_exist_is_a_problem(self, stores: Stores) -> None:
        """One unknown id refuses the whole list."""
        shop = one_way(stores, many=True)

        problems = refused(shop, lambda: shop.books.create({"name": "b1", "by": ["a1", "a9"]}), ValidationError)

        assert problems == [("$.by", "reference")]

    def test_a_target_that_is_let_go(self, stores: Stores) -> None:
        """The target leaves every list, the rest keeps its order."""
        shop = one_way(stores, many=True, ods=UNLINK)
        shop.books.create({"name": "b1", "by": ["a3", "a2", "a1"]})
        shop.books.create({"name": "b2", "by": ["a2"]})

        shop.authors.get_by_id("a2").delete()

        assert links(shop, "books.by") == {"b1": ["a3", "a1"]}

    def test_a_target_that_takes_its_holders_along(self, stores: Stores) -> None:
        """Whoever has the target in his list goes with it."""
        shop = one_way(stores, many=True, ods=DELETE)
        shop.books.create({"name": "b1", "by": ["a3", "a2"]})
        shop.books.create({"name": "b2", "by": ["a1"]})

        shop.authors.get_by_id("a2").delete()

        assert links(shop, "books.by") == {"b2": ["a1"]}
        assert shop.books.count() == 1

    def test_a_required_list_cannot_be_emptied(self, stores: Stores) -> None:
        """An empty list is no value for a required one; losing one of two is fine."""
        shop = one_way(stores, many=True, ods=UNLINK, required=True)
        book: Any = shop.books.create({"name": "b1", "by": ["a1", "a2"]})

        for nothing in ({"name": "b2"}, {"name": "b2", "by": []}):
            assert refused(shop, partial(shop.books.create, nothing), ValidationError) == [("$.by", "required")]
        shop.authors.get_by_id("a1").delete()
        assert refused(shop, shop.authors.get_by_id("a2").delete, ConflictError) == [("$.by", "required")]
        book.reload()
        book.by = []
        assert refused(shop, book.save, ValidationError) == [("$.by", "required")]


# Ref and RefsList: one to many.


def library(
    stores: Stores,
    *,
    ods: DeleteStrategy | None = None,
    ofs: FillStrategy = FillStrategy.FILL,
    required: bool = False,
    needs_books: bool = False,
) -> Backoffice:
    """An author has books, a book has an author."""
    return stores.backoffice(
        {
            "authors": Item(
                {
                    "name": name(),
                    "books": RefsList(coll="books", field="$.author", ods=ods, ofs=ofs, required=needs_books),
                }
            ),
            "books": Item(
                {"name": name(), "author": Ref(coll="authors", field="$.books", required=required), "title": String()}
            ),
        }
    )


@pytest.fixture(params=[FillStrategy.FILL, FillStrategy.NOT_FILL])
def fill(request: pytest.FixtureRequest) -> FillStrategy:
    """Both fill strategies."""
    strategy: FillStrategy = request.param
    return strategy


class TestOneToMany:
    """A `RefsList` whose reverse is a `Ref`."""

    def test_a_child_names_its_parent(self, stores: Stores, fill: FillStrategy) -> None:
        """Both sides agree as soon as the child is there, in order of `_id`."""
        shop = library(stores, ofs=fill)
        shop.authors.create({"name": "a1"})

        for book in ("b3", "b1", "b2"):
            shop.books.create({"name": book, "author": "a1"})

        assert links(shop, "authors.books") == {"a1": ["b1", "b2", "b3"]}
        assert audit(shop) == []

    def test_a_child_does_not_rewrite_its_parent(self, stores: Stores) -> None:
        """The list is looked up, so nothing of the parent changes."""
        shop = library(stores)
        shop.authors.create({"name": "a1"})
        before = dump(shop)["authors/a1"]

        book: Any = shop.books.create({"name": "b1", "author": "a1"})
        book.author = None
        book.save()

        assert dump(shop)["authors/a1"] == before

    def test_a_list_that_is_not_shown(self, stores: Stores) -> None:
        """`NOT_FILL` reads as an empty list, and `.items()` gives the items all the same."""
        shop = library(stores, ofs=FillStrategy.NOT_FILL)
        shop.authors.create({"name": "a1"})
        shop.books.create({"name": "b1", "author": "a1"})

        author: Any = shop.authors.get_by_id("a1")

        assert author.books == []
        assert [book.name for book in author.books.items()] == ["b1"]

    def test_a_list_that_is_not_shown_is_not_emptied_by_saving_it(self, stores: Stores) -> None:
        """What was read as an empty list and is sent back says nothing about items nobody showed."""
        shop = library(stores, ofs=FillStrategy.NOT_FILL)
        shop.authors.create({"name": "a1"})
        shop.books.create({"name": "b1", "author": "a1"})
        author: Any = shop.authors.get_by_id("a1")

        author.set({"name": "a1", "books": author.get_value()["books"]})
        author.save()

        assert links(shop, "books.author") == {"b1": ["a1"]}

    def test_a_list_that_is_not_shown_can_be_added_to(self, stores: Stores) -> None:
        """Ids given to a list that is not shown are added to it."""
        shop = library(stores, ofs=FillStrategy.NOT_FILL)
        shop.authors.create({"name": "a1"})
        shop.books.create({"name": "b1", "author": "a1"})
        shop.books.create({"name": "b2"})
        author: Any = shop.authors.get_by_id("a1")

        author.books.append("b2")
        author.save()

        assert links(shop, "books.author") == {"b1": ["a1"], "b2": ["a1"]}

    def test_a_parent_is_created_with_children(self, stores: Stores, fill: FillStrategy) -> None:
        """Children named by a new parent leave the one they had."""
        shop = library(stores, ofs=fill)
        shop.authors.create({"name": "a1"})
        for book in ("b1", "b2"):
            shop.books.create({"name": book, "author": "a1"})

        author: Any = shop.authors.create({"name": "a2", "books": ["b2"]})

        assert links(shop, "books.author") == {"b1": ["a1"], "b2": ["a2"]}
        assert state_of(author) is State.SAVED
        assert audit(shop) == []

    def test_a_child_moves(self, stores: Stores, fill: FillStrategy) -> None:
        """A child that names another parent is in that one's list only."""
        shop = library(stores, ofs=fill)
        for author in ("a1", "a2"):
            shop.authors.create({"name": author})
        book: Any = shop.books.create({"name": "b1", "author": "a1"})

        book.author = "a2"
        book.save()

        assert links(shop, "authors.books") == {"a2": ["b1"]}

    def test_a_list_is_replaced(self, stores: Stores) -> None:
        """A list that is assigned replaces the one that was read: some leave, some come."""
        shop = library(stores)
        author: Any = shop.authors.create({"name": "a1"})
        for book in ("b1", "b2", "b3"):
            shop.books.create({"name": book, "author": "a1" if book != "b3" else None})
        author.reload()

        author.books = ["b2", "b3"]
        author.save()

        assert author.books == ["b2", "b3"]
        assert links(shop, "books.author") == {"b2": ["a1"], "b3": ["a1"]}

    def test_a_list_is_changed_in_place(self, stores: Stores) -> None:
        """Appending and removing are changes of the children."""
        shop = library(stores)
        author: Any = shop.authors.create({"name": "a1"})
        for book in ("b1", "b2"):
            shop.books.create({"name": book, "author": "a1" if book == "b1" else None})
        author.reload()

        author.books.append("b2")
        author.books.remove("b1")
        assert state_of(author) is State.UNSAVED
        author.save()

        assert links(shop, "authors.books") == {"a1": ["b2"]}
        assert state_of(author) is State.SAVED

    def test_a_child_that_does_not_exist(self, stores: Stores) -> None:
        """A list that names nobody is refused at its own path."""
        shop = library(stores)
        author: Any = shop.authors.create({"name": "a1"})

        author.books = ["b9"]

        assert refused(shop, author.save, ValidationError) == [("$.books", "reference")]
        assert refused(shop, lambda: shop.authors.create({"name": "a2", "books": ["b9"]}), ValidationError) == [
            ("$.books", "reference")
        ]

    def test_what_a_child_had_stays(self, stores: Stores) -> None:
        """A link changes nothing else of the child, and stamps it."""
        shop = library(stores)
        shop.books.create({"name": "b1", "title": "Emma"})
        before = dump(shop)["books/b1"]

        shop.authors.create({"name": "a1", "books": ["b1"]})

        after = dump(shop)["books/b1"]
        assert (after["title"], after["author"]) == ("Emma", "a1")
        assert after["_rev"] == before["_rev"] + 1
        assert after["_meta"]["mtime"] >= before["_meta"]["mtime"]
        assert after["_meta"]["ctime"] == before["_meta"]["ctime"]

    @pytest.mark.parametrize("ods", [None, EMPTY], ids=["default", "declared"])
    def test_a_parent_that_must_be_empty(self, stores: Stores, fill: FillStrategy, ods: DeleteStrategy | None) -> None:
        """Children stand in the way, whether the list is shown or not."""
        shop = library(stores, ofs=fill, ods=ods)
        shop.authors.create({"name": "a1"})
        shop.books.create({"name": "b1", "author": "a1"})

        assert refused(shop, shop.authors.get_by_id("a1").delete, ConflictError) == [("$.books", "must_be_empty")]
        shop.books.get_by_id("b1").delete()
        shop.authors.get_by_id("a1").delete()

        assert dump(shop) == {}

    def test_a_parent_that_takes_its_children_along(self, stores: Stores, fill: FillStrategy) -> None:
        """Children go with the parent, whether the list is shown or not; those of others stay."""
        shop = library(stores, ofs=fill, ods=DELETE, required=True)
        for author in ("a1", "a2"):
            shop.authors.create({"name": author})
            for book in ("b1", "b2"):
                shop.books.create({"name": author + book, "author": author})

        parent = shop.authors.get_by_id("a1")
        parent.delete()

        assert state_of(parent) is State.UNSET
        assert sorted(dump(shop)) == ["authors/a2", "books/a2b1", "books/a2b2"]
        assert audit(shop) == []

    def test_a_parent_that_lets_go(self, stores: Stores, fill: FillStrategy) -> None:
        """Children stay, without a parent."""
        shop = library(stores, ofs=fill, ods=UNLINK)
        shop.authors.create({"name": "a1"})
        for book in ("b1", "b2"):
            shop.books.create({"name": book, "author": "a1", "title": book.upper()})

        shop.authors.get_by_id("a1").delete()

        assert links(shop, "books.author") == {}
        assert [book.title for book in shop.books.select()] == ["B1", "B2"]

    def test_children_that_cannot_be_let_go(self, stores: Stores, fill: FillStrategy) -> None:
        """A child that requires its parent refuses to lose it, by deletion and by the list."""
        shop = library(stores, ofs=fill, ods=UNLINK, required=True)
        author: Any = shop.authors.create({"name": "a1"})
        shop.books.create({"name": "b1", "author": "a1"})

        assert refused(shop, shop.authors.get_by_id("a1").delete, ConflictError) == [("$.author", "required")]
        if fill is FillStrategy.FILL:
            author.reload()
            author.books = []
            assert refused(shop, author.save, ConflictError) == [("$.author", "required")]

    def test_a_parent_that_requires_children(self, stores: Stores) -> None:
        """Its last child can neither leave, nor move, nor be deleted, nor be taken off the list."""
        shop = library(stores, needs_books=True)
        shop.books.create({"name": "b1"})
        shop.books.create({"name": "b2"})
        assert refused(shop, lambda: shop.authors.create({"name": "a1"}), ValidationError) == [("$.books", "required")]
        assert refused(shop, lambda: shop.authors.create({"name": "a1", "books": []}), ValidationError) == [
            ("$.books", "required")
        ]
        shop.authors.create({"name": "a1", "books": ["b1"]})
        shop.authors.create({"name": "a2", "books": ["b2"]})
        author: Any = shop.authors.get_by_id("a1")
        book: Any = shop.books.get_by_id("b1")

        assert refused(shop, shop.books.get_by_id("b1").delete, ConflictError) == [("$.books", "required")]
        for to in (None, "a2"):
            book.author = to
            assert refused(shop, book.save, ConflictError) == [("$.books", "required")]
        other: Any = shop.authors.get_by_id("a2")
        other.books = ["b1", "b2"]
        assert refused(shop, other.save, ConflictError) == [("$.books", "required")]
        author.books = []
        assert refused(shop, author.save, ValidationError) == [("$.books", "required")]
        author.reload()
        author.books = ["b2"]  # another one for the last one, but it is the last one of a2
        assert refused(shop, author.save, ConflictError) == [("$.books", "required")]
        shop.books.create({"name": "b3", "author": "a2"})
        author.save()

        assert links(shop, "authors.books") == {"a1": ["b2"], "a2": ["b3"]}

    def test_deleting_the_parent_with_its_required_children(self, stores: Stores) -> None:
        """A parent that requires children does not survive them, so nothing refuses."""
        shop = library(stores, ods=DELETE, required=True, needs_books=True)
        with shop.transaction():
            shop.books.create({"name": "b1", "author": "a1"})
            shop.authors.create({"name": "a1"})

        shop.authors.get_by_id("a1").delete()

        assert dump(shop) == {}

    def test_a_snapshot_is_renewed_by_reload(self, stores: Stores) -> None:
        """A derived list is what it was when it was read first, until it is reloaded."""
        shop = library(stores)
        author: Any = shop.authors.create({"name": "a1"})
        assert author.books == []

        shop.books.create({"name": "b1", "author": "a1"})

        assert author.books == []
        author.reload()
        assert author.books == ["b1"]


# Ref and Ref: one to one.


def atlas(
    stores: Stores,
    *,
    ods: tuple[DeleteStrategy | None, DeleteStrategy | None] = (None, None),
    required: bool = False,
    required_there: bool = False,
    owner: bool = True,
) -> Backoffice:
    """A country has a capital; `countries` stores it, or `cities` (which is the smaller name) does."""
    shop = stores.backoffice(
        {
            "countries": Item(
                {
                    "name": name(),
                    "capital": Ref(coll="cities", field="$.of", ods=ods[0], required=required, owner=owner),
                }
            ),
            "cities": Item(
                {"name": name(), "of": Ref(coll="countries", field="$.capital", ods=ods[1], required=required_there)}
            ),
        }
    )
    with shop.transaction():
        for city in ("paris", "rome", "lyon"):
            if not required_there or city != "lyon":
                shop.cities.create({"name": city})
        shop.countries.create({"name": "fr", "capital": "paris"})
        shop.countries.create({"name": "it", "capital": "rome"})
    return shop


@pytest.mark.parametrize("owner", [True, False], ids=["stored-here", "stored-there"])
class TestOneToOne:
    """Two `Ref`s that mirror one another."""

    def test_both_sides_agree(self, stores: Stores, owner: bool) -> None:
        """Either side reads the other."""
        shop = atlas(stores, owner=owner)

        assert links(shop, "countries.capital") == {"fr": ["paris"], "it": ["rome"]}
        assert links(shop, "cities.of") == {"paris": ["fr"], "rome": ["it"]}
        country: Any = shop.countries.get_by_id("fr")
        assert country.capital.item.of.item.name == "fr"

    def test_a_change_frees_the_former_partner(self, stores: Stores, owner: bool) -> None:
        """The partner that is left has none."""
        shop = atlas(stores, owner=owner)
        country: Any = shop.countries.get_by_id("fr")

        country.capital = "lyon"
        country.save()

        assert links(shop, "cities.of") == {"lyon": ["fr"], "rome": ["it"]}
        assert audit(shop) == []

    def test_taking_a_partner_frees_the_one_who_had_it(self, stores: Stores, owner: bool) -> None:
        """Nobody has two partners."""
        shop = atlas(stores, owner=owner)
        country: Any = shop.countries.get_by_id("fr")

        country.capital = "rome"
        country.save()

        assert links(shop, "countries.capital") == {"fr": ["rome"]}
        assert audit(shop) == []

    @pytest.mark.parametrize("side", ["countries", "cities"])
    def test_a_new_item_takes_a_partner(self, stores: Stores, owner: bool, side: str) -> None:
        """Creating an item with a partner that somebody has frees that one, from either side."""
        shop = atlas(stores, owner=owner)

        if side == "countries":
            shop.countries.create({"name": "va", "capital": "rome"})
            assert links(shop, "countries.capital") == {"fr": ["paris"], "va": ["rome"]}
        else:
            shop.cities.create({"name": "nice", "of": "it"})
            assert links(shop, "countries.capital") == {"fr": ["paris"], "it": ["nice"]}
        assert audit(shop) == []

    def test_clearing_it(self, stores: Stores, owner: bool) -> None:
        """Clearing one side clears the other."""
        shop = atlas(stores, owner=owner)
        country: Any = shop.countries.get_by_id("fr")
        city: Any = shop.cities.get_by_id("rome")

        country.capital = None
        country.save()
        city.of = None
        city.save()

        assert links(shop, "cities.of") == {}
        assert links(shop, "countries.capital") == {}

    @pytest.mark.parametrize("required", [False, True], ids=["optional", "required"])
    def test_two_swap_their_partners(self, stores: Stores, owner: bool, required: bool) -> None:
        """In one unit of work partners are swapped, also where each needs one."""
        shop = atlas(stores, owner=owner, required=required)
        one: Any = shop.countries.get_by_id("fr")
        other: Any = shop.countries.get_by_id("it")

        with shop.transaction():
            one.capital, other.capital = "rome", "paris"
            one.save()
            other.save()

        assert links(shop, "countries.capital") == {"fr": ["rome"], "it": ["paris"]}
        assert (state_of(one), state_of(other)) == (State.SAVED, State.SAVED)
        assert audit(shop) == []

    def test_three_swap_in_a_circle(self, stores: Stores, owner: bool) -> None:
        """A circle of partners turns in one unit of work, from the other side."""
        shop = atlas(stores, owner=owner)
        shop.countries.create({"name": "li", "capital": "lyon"})
        turned = {"paris": "it", "rome": "li", "lyon": "fr"}

        with shop.transaction():
            for city, country in turned.items():
                item: Any = shop.cities.get_by_id(city)
                item.of = country
                item.save()

        assert links(shop, "cities.of") == {city: [country] for city, country in turned.items()}
        assert audit(shop) == []

    def test_what_does_not_exist(self, stores: Stores, owner: bool) -> None:
        """Either side refuses a partner that is not there, at its own path."""
        shop = atlas(stores, owner=owner)
        country: Any = shop.countries.get_by_id("fr")
        city: Any = shop.cities.get_by_id("paris")

        country.capital = "atlantis"
        assert refused(shop, country.save, ValidationError) == [("$.capital", "reference")]
        city.of = "atlantis"
        assert refused(shop, city.save, ValidationError) == [("$.of", "reference")]

    def test_deleting_lets_the_partner_go(self, stores: Stores, owner: bool) -> None:
        """By default a partner is let go, from either side."""
        shop = atlas(stores, owner=owner)

        shop.countries.get_by_id("fr").delete()
        shop.cities.get_by_id("rome").delete()

        assert sorted(dump(shop)) == ["cities/lyon", "cities/paris", "countries/it"]
        assert links(shop, "cities.of") == {}
        assert audit(shop) == []

    def test_each_side_has_its_own_strategy(self, stores: Stores, owner: bool) -> None:
        """Deleting one side takes the other along, deleting the other is refused."""
        shop = atlas(stores, owner=owner, ods=(DELETE, EMPTY))

        assert refused(shop, shop.cities.get_by_id("paris").delete, ConflictError) == [("$.of", "must_be_empty")]
        shop.countries.get_by_id("fr").delete()

        assert sorted(dump(shop)) == ["cities/lyon", "cities/rome", "countries/it"]

    def test_a_required_partner(self, stores: Stores, owner: bool) -> None:
        """It cannot be cleared, taken or deleted, from either side."""
        shop = atlas(stores, owner=owner, required=True)
        one: Any = shop.countries.get_by_id("fr")
        city: Any = shop.cities.get_by_id("paris")

        assert refused(shop, lambda: shop.countries.create({"name": "va"}), ValidationError) == [
            ("$.capital", "required")
        ]
        one.capital = None
        assert refused(shop, one.save, ValidationError) == [("$.capital", "required")]
        one.capital = "rome"
        assert refused(shop, one.save, ConflictError) == [("$.capital", "required")]
        for nobody in (None, "it"):
            city.of = nobody
            assert refused(shop, city.save, ConflictError) == [("$.capital", "required")]
        assert refused(shop, shop.cities.get_by_id("paris").delete, ConflictError) == [("$.capital", "required")]
        shop.countries.get_by_id("fr").delete()
        assert audit(shop) == []

    def test_both_need_one_another(self, stores: Stores, owner: bool) -> None:
        """Items that need one another are created in one unit, and deleted by a cascade."""
        shop = atlas(stores, owner=owner, required=True, required_there=True, ods=(DELETE, DELETE))

        assert refused(shop, lambda: shop.cities.create({"name": "nice"}), ValidationError) == [("$.of", "required")]
        with shop.transaction():
            shop.countries.create({"name": "be"})
            shop.cities.create({"name": "brussels", "of": "be"})
        shop.cities.get_by_id("brussels").delete()

        assert links(shop, "countries.capital") == {"fr": ["paris"], "it": ["rome"]}
        assert sorted(dump(shop)) == ["cities/paris", "cities/rome", "countries/fr", "countries/it"]


# RefsList and RefsList: many to many.


def clubs(
    stores: Stores,
    *,
    ods: tuple[DeleteStrategy | None, DeleteStrategy | None] = (UNLINK, UNLINK),
    ofs: FillStrategy = FillStrategy.FILL,
    required: bool = False,
    owner: bool = False,
) -> Backoffice:
    """People are members of clubs; `clubs` stores it (the smaller name) unless `people` owns it."""
    shop = stores.backoffice(
        {
            "people": Item(
                {
                    "name": name(),
                    "clubs": RefsList(coll="clubs", field="$.members", ods=ods[0], ofs=ofs, owner=owner),
                }
            ),
            "clubs": Item(
                {
                    "name": name(),
                    "members": RefsList(coll="people", field="$.clubs", ods=ods[1], ofs=ofs, required=required),
                }
            ),
        }
    )
    with shop.transaction():
        for person in ("ann", "bob", "cy"):
            shop.people.create({"name": person})
        shop.clubs.create({"name": "chess", "members": ["bob", "ann"]})
        shop.clubs.create({"name": "go", "members": ["bob"]})
    return shop


@pytest.mark.parametrize("owner", [False, True], ids=["clubs-store-it", "people-store-it"])
class TestManyToMany:
    """Two `RefsList`s that mirror one another."""

    def test_both_sides_agree(self, stores: Stores, owner: bool) -> None:
        """Either side reads the other."""
        shop = clubs(stores, owner=owner)

        assert links(shop, "people.clubs") == {"ann": ["chess"], "bob": ["chess", "go"]}
        assert unordered(shop, "clubs.members") == {"chess": {"ann", "bob"}, "go": {"bob"}}

    def test_either_side_changes_it(self, stores: Stores, owner: bool) -> None:
        """Lists are replaced, added to and removed from on both sides."""
        shop = clubs(stores, owner=owner)
        club: Any = shop.clubs.get_by_id("go")
        person: Any = shop.people.get_by_id("cy")

        club.members = ["ann"]
        club.save()
        person.clubs.append("go")
        person.clubs.append("chess")
        person.save()

        assert unordered(shop, "people.clubs") == {"ann": {"chess", "go"}, "bob": {"chess"}, "cy": {"chess", "go"}}
        assert audit(shop) == []

    def test_new_items_join(self, stores: Stores, owner: bool) -> None:
        """Creating an item with links changes the other side, from either."""
        shop = clubs(stores, owner=owner)

        shop.people.create({"name": "dan", "clubs": ["go", "chess"]})
        shop.clubs.create({"name": "golf", "members": ["dan", "ann"]})

        assert unordered(shop, "people.clubs")["dan"] == {"chess", "go", "golf"}
        assert audit(shop) == []

    def test_deleting_leaves_the_lists(self, stores: Stores, owner: bool) -> None:
        """What is deleted leaves every list, on either side."""
        shop = clubs(stores, owner=owner)

        shop.people.get_by_id("bob").delete()
        shop.clubs.get_by_id("chess").delete()

        assert sorted(dump(shop)) == ["clubs/go", "people/ann", "people/cy"]
        assert links(shop, "clubs.members") == {}
        assert audit(shop) == []

    def test_each_side_has_its_own_strategy(self, stores: Stores, owner: bool) -> None:
        """A club with members cannot be deleted; a person takes all his clubs along."""
        shop = clubs(stores, owner=owner, ods=(DELETE, EMPTY))

        assert refused(shop, shop.clubs.get_by_id("go").delete, ConflictError) == [("$.members", "must_be_empty")]
        problems = refused(shop, shop.people.get_by_id("ann").delete, ConflictError)  # chess has bob, too
        assert problems == [("$.members", "must_be_empty")]
        person: Any = shop.people.get_by_id("ann")
        person.clubs = []
        person.save()
        shop.people.get_by_id("ann").delete()

        assert audit(shop) == []

    def test_a_cascade_through_both_sides(self, stores: Stores, owner: bool) -> None:
        """Both sides taking the other along deletes whatever hangs together."""
        shop = clubs(stores, owner=owner, ods=(DELETE, DELETE))

        shop.people.get_by_id("ann").delete()

        assert sorted(dump(shop)) == ["people/cy"]

    def test_a_required_list(self, stores: Stores, owner: bool) -> None:
        """The last member cannot leave, from either side."""
        shop = clubs(stores, owner=owner, required=True)
        club: Any = shop.clubs.get_by_id("go")
        person: Any = shop.people.get_by_id("bob")

        club.members = []
        assert refused(shop, club.save, ValidationError) == [("$.members", "required")]
        person.clubs = ["chess"]
        assert refused(shop, person.save, ConflictError) == [("$.members", "required")]
        assert refused(shop, shop.people.get_by_id("bob").delete, ConflictError) == [("$.members", "required")]
        assert refused(shop, lambda: shop.clubs.create({"name": "golf"}), ValidationError) == [
            ("$.members", "required")
        ]
        with shop.transaction():
            person.save()
            club.reload()
            club.members = ["ann"]
            club.save()

        assert links(shop, "people.clubs") == {"ann": ["chess", "go"], "bob": ["chess"]}

    def test_lists_that_are_not_shown(self, stores: Stores, owner: bool) -> None:
        """`NOT_FILL` keeps the strategies, and `.items()` working by query."""
        shop = clubs(stores, owner=owner, ofs=FillStrategy.NOT_FILL, ods=(UNLINK, EMPTY))

        assert links(shop, "people.clubs") == {"ann": ["chess"], "bob": ["chess", "go"]}
        assert refused(shop, shop.clubs.get_by_id("go").delete, ConflictError) == [("$.members", "must_be_empty")]
        shop.people.get_by_id("bob").delete()
        shop.clubs.get_by_id("go").delete()

        assert audit(shop) == []


# Fields whose reverse is themselves.


def people(
    stores: Stores, *, ods: DeleteStrategy | None = UNLINK, required: bool = False, spouse: bool = False
) -> Backoffice:
    """People have friends (symmetric lists) or a spouse (symmetric Ref)."""
    field: Any = (
        Ref(coll="people", field="$.spouse", ods=ods, required=required)
        if spouse
        else RefsList(coll="people", field="$.friends", ods=ods, required=required)
    )
    return stores.backoffice({"people": Item({"name": name(), ("spouse" if spouse else "friends"): field})})


class TestSymmetricList:
    """A `RefsList` that is its own reverse."""

    def test_both_items_store_it(self, stores: Stores) -> None:
        """Whoever is named names back."""
        shop = people(stores)
        for person in ("ann", "bob"):
            shop.people.create({"name": person})

        shop.people.create({"name": "cy", "friends": ["bob", "ann"]})

        assert links(shop, "people.friends") == {"ann": ["cy"], "bob": ["cy"], "cy": ["bob", "ann"]}
        assert audit(shop) == []

    def test_adding_and_removing(self, stores: Stores) -> None:
        """Either item ends it."""
        shop = people(stores)
        for person in ("ann", "bob", "cy"):
            shop.people.create({"name": person})
        ann: Any = shop.people.get_by_id("ann")
        ann.friends = ["bob", "cy"]
        ann.save()

        bob: Any = shop.people.get_by_id("bob")
        bob.friends = ["cy"]
        bob.save()

        assert links(shop, "people.friends") == {"ann": ["cy"], "bob": ["cy"], "cy": ["ann", "bob"]}
        assert audit(shop) == []

    def test_a_friend_of_oneself(self, stores: Stores) -> None:
        """An item may name itself, once, and be deleted."""
        shop = people(stores)
        ann: Any = shop.people.create({"name": "ann"})

        ann.friends = ["ann"]
        ann.save()

        assert links(shop, "people.friends") == {"ann": ["ann"]}
        ann.delete()
        assert dump(shop) == {}

    def test_it_is_not_there(self, stores: Stores) -> None:
        """Nobody is the friend of nobody."""
        shop = people(stores)

        assert refused(shop, lambda: shop.people.create({"name": "ann", "friends": ["bob"]}), ValidationError) == [
            ("$.friends", "reference")
        ]

    @pytest.mark.parametrize(
        ("ods", "left"),
        [(UNLINK, ["people/bob", "people/cy"]), (DELETE, []), (EMPTY, None)],
        ids=["unlink", "delete", "empty"],
    )
    def test_strategies(self, stores: Stores, ods: DeleteStrategy, left: list[str] | None) -> None:
        """Each strategy counts from every item."""
        shop = people(stores, ods=ods)
        with shop.transaction():
            shop.people.create({"name": "cy"})
            shop.people.create({"name": "bob", "friends": ["cy"]})
            shop.people.create({"name": "ann", "friends": ["bob"]})
        ann = shop.people.get_by_id("ann")

        if left is None:
            assert refused(shop, ann.delete, ConflictError) == [("$.friends", "must_be_empty")]
            return
        ann.delete()

        assert sorted(dump(shop)) == left
        assert audit(shop) == []

    def test_a_required_list(self, stores: Stores) -> None:
        """Nobody may be left without a friend; two become friends in one unit."""
        shop = people(stores, required=True)
        assert refused(shop, lambda: shop.people.create({"name": "ann"}), ValidationError) == [
            ("$.friends", "required")
        ]
        with shop.transaction():
            shop.people.create({"name": "ann"})
            shop.people.create({"name": "bob", "friends": ["ann"]})
        shop.people.create({"name": "cy", "friends": ["ann"]})
        ann: Any = shop.people.get_by_id("ann")

        ann.friends = ["cy"]
        assert refused(shop, ann.save, ConflictError) == [("$.friends", "required")]
        assert refused(shop, shop.people.get_by_id("ann").delete, ConflictError) == [("$.friends", "required")]
        shop.people.get_by_id("cy").delete()

        assert links(shop, "people.friends") == {"ann": ["bob"], "bob": ["ann"]}


class TestSymmetricRef:
    """A `Ref` that is its own reverse."""

    def married(self, stores: Stores, **options: Any) -> Backoffice:
        """Make two couples: ann and bob, cy and dan."""
        shop = people(stores, spouse=True, **options)
        with shop.transaction():
            for one, other in (("ann", "bob"), ("cy", "dan")):
                shop.people.create({"name": one})
                shop.people.create({"name": other, "spouse": one})
        return shop

    def test_both_items_store_it(self, stores: Stores) -> None:
        """Whoever is named names back."""
        shop = self.married(stores)

        assert links(shop, "people.spouse") == {"ann": ["bob"], "bob": ["ann"], "cy": ["dan"], "dan": ["cy"]}

    def test_taking_a_partner_frees_both_former_ones(self, stores: Stores) -> None:
        """Nobody is left naming somebody who is taken."""
        shop = self.married(stores)
        ann: Any = shop.people.get_by_id("ann")

        ann.spouse = "cy"
        ann.save()

        assert links(shop, "people.spouse") == {"ann": ["cy"], "cy": ["ann"]}

    def test_a_new_item_takes_a_partner(self, stores: Stores) -> None:
        """The partner's former partner is freed."""
        shop = self.married(stores)

        shop.people.create({"name": "eve", "spouse": "ann"})

        assert links(shop, "people.spouse") == {"ann": ["eve"], "cy": ["dan"], "dan": ["cy"], "eve": ["ann"]}

    @pytest.mark.parametrize("required", [False, True], ids=["optional", "required"])
    def test_couples_swap(self, stores: Stores, required: bool) -> None:
        """Two couples become two others in one unit of work."""
        shop = self.married(stores, required=required)
        one: Any = shop.people.get_by_id("ann")
        other: Any = shop.people.get_by_id("bob")

        with shop.transaction():
            one.spouse, other.spouse = "cy", "dan"
            one.save()
            other.save()

        assert links(shop, "people.spouse") == {"ann": ["cy"], "bob": ["dan"], "cy": ["ann"], "dan": ["bob"]}
        assert audit(shop) == []

    def test_ending_it(self, stores: Stores) -> None:
        """Either one ends it for both; deleting one frees the other."""
        shop = self.married(stores)
        ann: Any = shop.people.get_by_id("ann")

        ann.spouse = None
        ann.save()
        shop.people.get_by_id("dan").delete()

        assert links(shop, "people.spouse") == {}
        assert audit(shop) == []

    def test_oneself(self, stores: Stores) -> None:
        """An item that is its own partner can be taken by another one."""
        shop = people(stores, spouse=True)
        ann: Any = shop.people.create({"name": "ann"})
        ann.spouse = "ann"
        ann.save()
        assert links(shop, "people.spouse") == {"ann": ["ann"]}

        shop.people.create({"name": "bob", "spouse": "ann"})

        assert links(shop, "people.spouse") == {"ann": ["bob"], "bob": ["ann"]}

    def test_a_required_partner(self, stores: Stores) -> None:
        """Nobody may be left alone."""
        shop = self.married(stores, required=True)
        ann: Any = shop.people.get_by_id("ann")

        ann.spouse = "cy"
        assert refused(shop, ann.save, ConflictError) == [("$.spouse", "required")]
        ann.spouse = None
        assert ("$.spouse", "required") in refused(shop, ann.save, ValidationError, ConflictError)
        assert refused(shop, shop.people.get_by_id("bob").delete, ConflictError) == [("$.spouse", "required")]


# Trees, groups, several levels.


class TestSelfReference:
    """A collection that refers to itself."""

    def tree(self, stores: Stores, ods: DeleteStrategy, *, required: bool = False) -> Backoffice:
        """Make a tree: root, two branches, three leaves."""
        shop = stores.backoffice(
            {
                "nodes": Item(
                    {
                        "name": name(),
                        "parent": Ref(coll="nodes", field="$.children", required=required),
                        "children": RefsList(coll="nodes", field="$.parent", ods=ods),
                    }
                )
            }
        )
        with shop.transaction():
            shop.nodes.create({"name": "0", "parent": "0" if required else None})
            for parent, child in (("0", "01"), ("0", "02"), ("01", "011"), ("01", "012"), ("02", "021")):
                shop.nodes.create({"name": child, "parent": parent})
        return shop

    def test_a_tree(self, stores: Stores) -> None:
        """Both sides agree within one collection."""
        shop = self.tree(stores, EMPTY)

        assert links(shop, "nodes.children") == {"0": ["01", "02"], "01": ["011", "012"], "02": ["021"]}
        assert audit(shop) == []

    def test_a_cascade_over_all_levels(self, stores: Stores) -> None:
        """A branch goes with all that is below."""
        shop = self.tree(stores, DELETE)

        shop.nodes.get_by_id("01").delete()
        assert sorted(dump(shop)) == ["nodes/0", "nodes/02", "nodes/021"]
        shop.nodes.get_by_id("0").delete()
        assert dump(shop) == {}

    def test_unlinking_frees_one_level(self, stores: Stores) -> None:
        """What was below a deleted branch stays, with what is below it."""
        shop = self.tree(stores, UNLINK)

        shop.nodes.get_by_id("0").delete()

        assert links(shop, "nodes.children") == {"01": ["011", "012"], "02": ["021"]}

    def test_a_root_that_is_its_own_parent(self, stores: Stores) -> None:
        """An item that requires itself can be deleted once nothing else needs it."""
        shop = self.tree(stores, EMPTY, required=True)

        problems = refused(shop, shop.nodes.get_by_id("0").delete, ConflictError)
        assert problems == [("$.children", "must_be_empty")]
        for node in ("011", "012", "021", "01", "02", "0"):
            shop.nodes.get_by_id(node).delete()
        assert dump(shop) == {}

    def test_dropping_a_tree(self, stores: Stores) -> None:
        """All items go at once, so those that go too stand in nobody's way."""
        shop = self.tree(stores, EMPTY)

        shop.nodes.drop()

        assert dump(shop) == {}

    def test_a_circle(self, stores: Stores) -> None:
        """Items may be above one another; a cascade ends."""
        shop = self.tree(stores, DELETE)
        root: Any = shop.nodes.get_by_id("0")
        root.parent = "011"
        root.save()

        shop.nodes.get_by_id("01").delete()

        assert dump(shop) == {}

    def test_turning_parent_and_child(self, stores: Stores) -> None:
        """In one save an item may leave its parent and become its parent."""
        shop = self.tree(stores, EMPTY)
        node: Any = shop.nodes.get_by_id("021")

        node.set({"parent": "0", "children": ["02"]})
        node.save()

        assert links(shop, "nodes.children") == {"0": ["01", "021"], "01": ["011", "012"], "021": ["02"]}
        assert audit(shop) == []


class TestNested:
    """References inside groups, as deep as one likes."""

    def build(self, stores: Stores, ods: DeleteStrategy = UNLINK) -> Backoffice:
        """Users borrow books: `users.rent.books` and `books.out.by`, with a note beside each."""
        shop = stores.backoffice(
            {
                "users": Item(
                    {
                        "name": name(),
                        "rent": Dict({"note": String(), "books": RefsList(coll="books", field="$.out.by", ods=ods)}),
                    }
                ),
                "books": Item(
                    {
                        "name": name(),
                        "out": Dict({"note": String(), "by": Ref(coll="users", field="$.rent.books")}),
                    }
                ),
            }
        )
        shop.users.create({"name": "u1"})
        shop.books.create({"name": "b1"})
        shop.books.create({"name": "b2", "out": {"note": "worn", "by": "u1"}})
        return shop

    def test_both_sides_agree(self, stores: Stores) -> None:
        """A group that was never set shows what the other side says."""
        shop = self.build(stores)

        user: Any = shop.users.get_by_id("u1")

        assert user.rent.books == ["b2"]
        assert user.select("$.rent.books.name") == ["b2"]
        assert links(shop, "users.rent.books") == {"u1": ["b2"]}

    def test_assigning_the_derived_side(self, stores: Stores) -> None:
        """Groups on the other side are made when they are missing, and keep what they have."""
        shop = self.build(stores)
        user: Any = shop.users.get_by_id("u1")

        user.rent.books = ["b1", "b2"]
        user.save()
        user.set({"rent": {"books": ["b1"], "note": "often"}})
        user.save()

        assert links(shop, "books.out.by") == {"b1": ["u1"]}
        assert dump(shop)["books/b2"]["out"] == {"note": "worn", "by": None}
        assert dump(shop)["users/u1"]["rent"]["note"] == "often"
        assert audit(shop) == []

    def test_paths_of_problems(self, stores: Stores) -> None:
        """Problems name the whole path."""
        shop = self.build(stores, EMPTY)
        user: Any = shop.users.get_by_id("u1")
        book: Any = shop.books.get_by_id("b1")

        user.rent.books = ["b9"]
        assert refused(shop, user.save, ValidationError) == [("$.rent.books", "reference")]
        book.out.by = "u9"
        assert refused(shop, book.save, ValidationError) == [("$.out.by", "reference")]
        assert refused(shop, shop.users.get_by_id("u1").delete, ConflictError) == [("$.rent.books", "must_be_empty")]

    def test_a_group_that_is_cleared(self, stores: Stores) -> None:
        """Clearing a group ends the links in it, stored or derived."""
        shop = self.build(stores)
        book: Any = shop.books.get_by_id("b2")

        book.out = None
        book.save()
        assert links(shop, "users.rent.books") == {}

        user: Any = shop.users.get_by_id("u1")
        user.set({"rent": {"books": ["b1"], "note": "x"}})
        user.save()
        user.rent = None
        user.save()

        assert links(shop, "books.out.by") == {}
        assert audit(shop) == []

    def test_unlinking(self, stores: Stores) -> None:
        """What stands beside a link stays when it is cleared."""
        shop = self.build(stores)

        shop.users.get_by_id("u1").delete()

        assert dump(shop)["books/b2"]["out"] == {"note": "worn", "by": None}


class TestSeveralLevels:
    """Strategies that follow one another."""

    def chain(self, stores: Stores, *strategies: DeleteStrategy, required: bool = False) -> Backoffice:
        """Make collections l0 to ln, each item with two children; `strategies` from the top down."""
        items = {}
        for level in range(len(strategies) + 1):
            fields: dict[str, Any] = {"name": name()}
            if level < len(strategies):
                fields["down"] = RefsList(coll=f"l{level + 1}", field="$.up", ods=strategies[level])
            if level:
                fields["up"] = Ref(coll=f"l{level - 1}", field="$.down", required=required)
            items[f"l{level}"] = Item(fields)
        shop = stores.backoffice(items)
        with shop.transaction():
            parents = ["x"]
            shop.l0.create({"name": "x"})
            for level in range(1, len(strategies) + 1):
                collection = shop.collections[f"l{level}"]
                parents = [
                    collection.create({"name": parent + side, "up": parent})["_id"]
                    for parent in parents
                    for side in "01"
                ]
        return shop

    def test_three_levels_of_deletion(self, stores: Stores) -> None:
        """A cascade goes all the way down."""
        shop = self.chain(stores, DELETE, DELETE, DELETE, required=True)
        assert len(dump(shop)) == 15

        shop.l0.get_by_id("x").delete()

        assert dump(shop) == {}

    def test_a_cascade_that_ends_in_letting_go(self, stores: Stores) -> None:
        """Two levels are deleted, the third is let go."""
        shop = self.chain(stores, DELETE, DELETE, UNLINK)

        shop.l0.get_by_id("x").delete()

        assert len(dump(shop)) == 8
        assert links(shop, "l3.up") == {}
        assert audit(shop) == []

    def test_a_cascade_that_is_refused_below(self, stores: Stores) -> None:
        """One refusal at the third level refuses it all."""
        shop = self.chain(stores, DELETE, DELETE, EMPTY)

        assert refused(shop, shop.l0.get_by_id("x").delete, ConflictError) == [("$.down", "must_be_empty")]

    def test_a_cascade_that_would_empty_a_required_link(self, stores: Stores) -> None:
        """Letting go at the second level is refused where the link is required."""
        shop = self.chain(stores, DELETE, UNLINK, required=True)

        assert refused(shop, shop.l0.get_by_id("x").delete, ConflictError) == [("$.up", "required")]

    def test_explain_tells_what_a_deletion_would_do(self, stores: Stores) -> None:
        """The plan is given without being carried out."""
        shop = self.chain(stores, DELETE, UNLINK)
        before = dump(shop)

        plan = shop.explain(shop.l0.get_by_id("x"), deleting=True)

        assert [type(effect).__name__ for effect in plan.effects] == ["RemoveLink"] * 4 + ["Delete"] * 3
        assert plan.refusals == []
        assert dump(shop) == before

    def test_explain_tells_what_stands_in_the_way(self, stores: Stores) -> None:
        """Refusals are part of the plan."""
        shop = self.chain(stores, DELETE, EMPTY)

        plan = shop.explain(shop.l0.get_by_id("x"), deleting=True)

        assert [(one.problem.path, one.problem.code) for one in plan.refusals] == [("$.down", "must_be_empty")]

    def test_all_refusals_are_told_together(self, stores: Stores) -> None:
        """Every reason is told at once, wherever it is."""
        shop = stores.backoffice(
            {
                "shops": Item(
                    {
                        "name": name(),
                        "shelves": RefsList(coll="shelves", field="$.shop", ods=DELETE),
                        "staff": RefsList(coll="people", field="$.shop", ods=EMPTY),
                        "fans": RefsList(coll="people", field="$.favourite", ods=UNLINK),
                    }
                ),
                "shelves": Item(
                    {
                        "name": name(),
                        "shop": Ref(coll="shops", field="$.shelves"),
                        "books": RefsList(coll="books", field="$.shelf"),
                    }
                ),
                "books": Item({"name": name(), "shelf": Ref(coll="shelves", field="$.books")}),
                "people": Item(
                    {
                        "name": name(),
                        "shop": Ref(coll="shops", field="$.staff"),
                        "favourite": Ref(coll="shops", field="$.fans", required=True),
                        "visited": RefsList(coll="shops"),
                    }
                ),
            }
        )
        with shop.transaction():
            shop.shops.create({"name": "s"})
            shop.shelves.create({"name": "s1", "shop": "s"})
            shop.books.create({"name": "b1", "shelf": "s1"})
            shop.people.create({"name": "p1", "shop": "s", "favourite": "s", "visited": ["s"]})

        problems = refused(shop, shop.shops.get_by_id("s").delete, ConflictError)

        assert sorted(problems) == [
            ("$", "must_be_empty"),
            ("$.books", "must_be_empty"),
            ("$.favourite", "required"),
            ("$.staff", "must_be_empty"),
        ]

    def test_a_cascade_within_its_limit(self, stores: Stores) -> None:
        """What would change more items than one request may is refused, whatever the strategy."""
        for strategy in (DELETE, UNLINK):
            shop = Stores(stores.kind, stores.folder / strategy).backoffice(
                {
                    "authors": Item({"name": name(), "books": RefsList(coll="books", field="$.author", ods=strategy)}),
                    "books": Item({"name": name(), "author": Ref(coll="authors", field="$.books")}),
                },
                limits=Limits(cascade=4),
            )
            shop.authors.create({"name": "a1"})
            for number in range(4):
                shop.books.create({"name": f"b{number}", "author": "a1"})

            assert refused(shop, shop.authors.get_by_id("a1").delete, ConflictError) == [("$", "cascade")]
            shop.books.get_by_id("b0").delete()
            shop.authors.get_by_id("a1").delete()
            assert audit(shop) == []
            shop.close()
