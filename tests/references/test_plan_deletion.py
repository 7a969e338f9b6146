"""What a deletion does to other items, planned without any store."""

import pytest

from backo.references.effects import plan_deletion
from backo.references.fields import DeleteStrategy, Ref, RefsList
from backo.references.links import LinkGraph
from tests.references.planning import graph_of, told

EMPTY = DeleteStrategy.MUST_BE_EMPTY
DELETE = DeleteStrategy.DELETE_REFERENCED_ITEMS
UNLINK = DeleteStrategy.UNLINK_REFERENCED_ITEMS


def library(strategy: DeleteStrategy | None, *, required: bool = False, needs_books: bool = False) -> LinkGraph:
    """An author has books; the strategy is that of his list."""
    return graph_of(
        {
            "authors": {"$.books": RefsList(coll="books", field="$.author", ods=strategy, required=needs_books)},
            # The strategy of a Ref whose reverse is a list has no effect (SPEC 3).
            "books": {"$.author": Ref(coll="authors", field="$.books", required=required, ods=DELETE)},
        }
    )


BOOKS = {"authors$.books": {"a1": ["b1", "b2"]}}


def test_nothing_refers_to_it() -> None:
    """An item without links around it is just deleted."""
    story = told(plan_deletion(library(EMPTY), [("authors", "a1")], 10))

    assert story.asked == ["authors$.books a1"]
    assert story.effects == ["del authors/a1"]
    assert story.refused == []


@pytest.mark.parametrize("strategy", [None, EMPTY], ids=["default", "declared"])
def test_it_must_be_empty(strategy: DeleteStrategy | None) -> None:
    """A list that must be empty refuses, once, at its own path."""
    story = told(plan_deletion(library(strategy), [("authors", "a1")], 10), BOOKS)

    assert story.refused == [("$.books", "must_be_empty")]


def test_deleting_the_referenced_items() -> None:
    """A cascade takes the children along; nobody has to let go of anything."""
    story = told(plan_deletion(library(DELETE, required=True), [("authors", "a1")], 10), BOOKS)

    assert story.asked == ["authors$.books a1"]
    assert story.effects == ["del authors/a1", "del books/b1", "del books/b2"]
    assert story.refused == []


def test_unlinking_the_referenced_items() -> None:
    """Children are let go before the parent is deleted."""
    story = told(plan_deletion(library(UNLINK), [("authors", "a1")], 10), BOOKS)

    assert story.effects == ["books/b1$.author -= a1", "books/b2$.author -= a1", "del authors/a1"]
    assert story.refused == []


def test_unlinking_what_requires_the_link() -> None:
    """A required reference that is cleared has to name somebody else in the end."""
    known = BOOKS | {"books$.author": {"b1": ["a1"], "b2": ["a1"]}}

    story = told(plan_deletion(library(UNLINK, required=True), [("authors", "a1")], 10), known)

    assert story.refused == []
    assert story.effects == ["books/b1$.author -= a1", "books/b2$.author -= a1", "del authors/a1"]
    assert story.ends == ["books/b1$.author not empty", "books/b2$.author not empty"]


def test_a_child_is_deleted() -> None:
    """A child leaves its parent without a question, whatever the strategy of its Ref says."""
    story = told(plan_deletion(library(EMPTY), [("books", "b1")], 10))

    assert (story.asked, story.effects, story.refused) == ([], ["del books/b1"], [])


def test_a_child_of_a_parent_that_requires_one() -> None:
    """The parent has to have another child in the end."""
    known = {"books$.author": {"b1": ["a1"]}}

    story = told(plan_deletion(library(EMPTY, needs_books=True), [("books", "b1")], 10), known)

    assert story.effects == ["del books/b1"]
    assert story.ends == ["authors/a1$.books not empty"]


def test_a_child_deleted_with_its_parent() -> None:
    """A parent that goes as well does not require children any more."""
    known = BOOKS | {"books$.author": {"b1": ["a1"], "b2": ["a1"]}}

    story = told(plan_deletion(library(DELETE, needs_books=True), [("authors", "a1")], 10), known)

    assert story.ends == []


@pytest.mark.parametrize("many", [False, True], ids=["ref", "list"])
@pytest.mark.parametrize(
    ("strategy", "effects", "refused"),
    [
        (None, None, [("$", "must_be_empty")]),
        (EMPTY, None, [("$", "must_be_empty")]),
        (DELETE, ["del authors/a1", "del books/b1"], []),
        (UNLINK, ["books/b1$.author -= a1", "del authors/a1"], []),
    ],
    ids=["default", "empty", "delete", "unlink"],
)
def test_one_way_links(
    many: bool, strategy: DeleteStrategy | None, effects: list[str] | None, refused: list[tuple[str, str]]
) -> None:
    """A link without reverse says what happens to its holder when the target goes."""
    kind = RefsList if many else Ref
    graph = graph_of({"authors": {}, "books": {"$.author": kind(coll="authors", ods=strategy)}})

    story = told(plan_deletion(graph, [("authors", "a1")], 10), {"→books$.author": {"a1": ["b1"]}})

    assert story.asked == ["→books$.author a1"]
    assert story.refused == refused
    if effects is not None:
        assert story.effects == effects


@pytest.mark.parametrize(
    ("by", "refused"),
    [
        ({"b1": ["a1", "a9"], "b2": ["a1", "a8"]}, []),
        ({"b1": ["a1", "a9"], "b2": ["a1"]}, [("$.by", "required")]),
        ({"b1": ["a1", "a2"], "b2": ["a1", "a8"]}, [("$.by", "required")]),
    ],
    ids=["both-keep-one", "one-loses-all", "one-loses-all-at-once"],
)
def test_what_is_required_is_told_with_the_other_refusals(
    by: dict[str, list[str]], refused: list[tuple[str, str]]
) -> None:
    """A refused deletion also says which required lists it would empty, judged against all that goes."""
    graph = graph_of(
        {
            "authors": {},
            "books": {"$.by": RefsList(coll="authors", ods=UNLINK, required=True), "$.editor": Ref(coll="authors")},
        }
    )
    known = {
        "→books$.by": {"a1": ["b1", "b2"], "a2": ["b1"]},
        "→books$.editor": {"a1": ["b3"]},
        "books$.by": by,
    }

    story = told(plan_deletion(graph, [("authors", "a1"), ("authors", "a2")], 10), known)

    assert story.refused == [("$", "must_be_empty"), *refused]


def test_a_self_referencing_one_way_link_is_followed_once() -> None:
    """A link into its own collection without reverse is asked for once per level."""
    graph = graph_of({"tasks": {"$.after": Ref(coll="tasks", ods=UNLINK)}})

    story = told(plan_deletion(graph, [("tasks", "t1")], 10), {"→tasks$.after": {"t1": ["t2"]}})

    assert story.asked == ["→tasks$.after t1"]
    assert story.effects == ["tasks/t2$.after -= t1", "del tasks/t1"]


def test_one_batched_question_per_level() -> None:
    """A cascade asks once per link and level, however many items a level has."""
    graph = graph_of(
        {
            "shops": {"$.shelves": RefsList(coll="shelves", field="$.shop", ods=DELETE)},
            "shelves": {
                "$.shop": Ref(coll="shops", field="$.shelves"),
                "$.books": RefsList(coll="books", field="$.shelf", ods=DELETE),
            },
            "books": {"$.shelf": Ref(coll="shelves", field="$.books")},
        }
    )
    known = {
        "shops$.shelves": {"s": ["s1", "s2"]},
        "shelves$.books": {"s1": ["b1", "b2"], "s2": ["b3"]},
    }

    story = told(plan_deletion(graph, [("shops", "s")], 10), known)

    assert story.asked == ["shops$.shelves s", "shelves$.books s1 s2"]
    assert story.effects == [
        f"del {one}" for one in ("shops/s", "shelves/s1", "shelves/s2", "books/b1", "books/b2", "books/b3")
    ]


def test_a_circle_ends() -> None:
    """Items that delete one another are each deleted once."""
    graph = graph_of({"people": {"$.friends": RefsList(coll="people", field="$.friends", ods=DELETE)}})
    known = {"people$.friends": {"a": ["b"], "b": ["a", "c"], "c": ["b"]}}

    story = told(plan_deletion(graph, [("people", "a")], 10), known)

    assert story.effects == ["del people/a", "del people/b", "del people/c"]


def test_what_must_be_empty_may_hold_what_goes_too() -> None:
    """Refusals are judged against the whole closure: something that is deleted as well stands in nobody's way."""
    graph = graph_of(
        {
            "shops": {
                "$.shelves": RefsList(coll="shelves", field="$.shop", ods=DELETE),
                "$.books": RefsList(coll="books", field="$.shop", ods=EMPTY),
            },
            "shelves": {
                "$.shop": Ref(coll="shops", field="$.shelves"),
                "$.books": RefsList(coll="books", field="$.shelf", ods=DELETE),
            },
            "books": {
                "$.shop": Ref(coll="shops", field="$.books"),
                "$.shelf": Ref(coll="shelves", field="$.books"),
            },
        }
    )
    known = {
        "shops$.shelves": {"s": ["s1"]},
        "shops$.books": {"s": ["b1"]},
        "shelves$.books": {"s1": ["b1"]},
    }

    story = told(plan_deletion(graph, [("shops", "s")], 10), known)

    assert story.refused == []
    assert story.effects == ["del shops/s", "del shelves/s1", "del books/b1"]


def test_all_refusals_are_told_together() -> None:
    """Everything that stands in the way anywhere in the closure is told, not just the first."""
    graph = graph_of(
        {
            "shops": {
                "$.shelves": RefsList(coll="shelves", field="$.shop", ods=DELETE),
                "$.staff": RefsList(coll="people", field="$.shop", ods=EMPTY),
                "$.fans": RefsList(coll="people", field="$.favourite", ods=UNLINK),
            },
            "shelves": {
                "$.shop": Ref(coll="shops", field="$.shelves"),
                "$.books": RefsList(coll="books", field="$.shelf", ods=EMPTY),
            },
            "books": {"$.shelf": Ref(coll="shelves", field="$.books")},
            "people": {
                "$.shop": Ref(coll="shops", field="$.staff"),
                "$.favourite": Ref(coll="shops", field="$.fans", required=True),
                "$.visited": RefsList(coll="shops"),
            },
        }
    )
    known = {
        "shops$.shelves": {"s": ["s1"]},
        "shops$.staff": {"s": ["p1"]},
        "shops$.fans": {"s": ["p1", "p2"]},
        "shelves$.books": {"s1": ["b1"]},
        "→people$.visited": {"s": ["p3"]},
        "people$.favourite": {"p1": ["s"], "p2": ["s"]},
    }

    story = told(plan_deletion(graph, [("shops", "s")], 10), known)

    assert set(story.refused) == {
        ("$.staff", "must_be_empty"),
        ("$.books", "must_be_empty"),
        ("$", "must_be_empty"),
        ("$.favourite", "required"),
    }


def test_an_item_that_refuses_twice_says_both() -> None:
    """That an item stands in the way by one link does not hide that it also requires another one."""
    graph = graph_of(
        {
            "shops": {
                "$.staff": RefsList(coll="people", field="$.shop", ods=EMPTY),
                "$.fans": RefsList(coll="people", field="$.favourite", ods=UNLINK),
            },
            "people": {
                "$.shop": Ref(coll="shops", field="$.staff"),
                "$.favourite": Ref(coll="shops", field="$.fans", required=True),
            },
        }
    )
    known = {
        "shops$.staff": {"s": ["p1"]},
        "shops$.fans": {"s": ["p1"]},
        "people$.favourite": {"p1": ["s"]},
    }

    story = told(plan_deletion(graph, [("shops", "s")], 10), known)

    assert set(story.refused) == {("$.staff", "must_be_empty"), ("$.favourite", "required")}


ONE_TO_ONE = {
    strategies: graph_of(
        {
            "countries": {"$.capital": Ref(coll="cities", field="$.capital_of", owner=True, ods=strategies[0])},
            "cities": {"$.capital_of": Ref(coll="countries", field="$.capital", ods=strategies[1])},
        }
    )
    for strategies in [(None, None), (DELETE, EMPTY), (EMPTY, DELETE), (UNLINK, DELETE)]
}
CAPITAL = {"countries$.capital": {"fr": ["paris"]}, "cities$.capital_of": {"paris": ["fr"]}}


@pytest.mark.parametrize(
    ("strategies", "effects", "refused"),
    [
        ((None, None), ["del countries/fr"], []),
        ((DELETE, EMPTY), ["del countries/fr", "del cities/paris"], []),
        ((EMPTY, DELETE), None, [("$.capital", "must_be_empty")]),
        ((UNLINK, DELETE), ["del countries/fr"], []),
    ],
)
def test_one_to_one_from_the_stored_side(
    strategies: tuple[DeleteStrategy | None, DeleteStrategy | None],
    effects: list[str] | None,
    refused: list[tuple[str, str]],
) -> None:
    """Each side's own strategy counts; the derived side has nothing to let go of."""
    story = told(plan_deletion(ONE_TO_ONE[strategies], [("countries", "fr")], 10), CAPITAL)

    assert story.refused == refused
    if effects is not None:
        assert story.effects == effects


@pytest.mark.parametrize(
    ("strategies", "effects", "refused"),
    [
        ((None, None), ["countries/fr$.capital -= paris", "del cities/paris"], []),
        ((DELETE, EMPTY), None, [("$.capital_of", "must_be_empty")]),
        ((EMPTY, DELETE), ["del cities/paris", "del countries/fr"], []),
    ],
)
def test_one_to_one_from_the_derived_side(
    strategies: tuple[DeleteStrategy | None, DeleteStrategy | None],
    effects: list[str] | None,
    refused: list[tuple[str, str]],
) -> None:
    """The stored side lets go, or goes too, as the strategy of the deleted item says."""
    story = told(plan_deletion(ONE_TO_ONE[strategies], [("cities", "paris")], 10), CAPITAL)

    assert story.refused == refused
    if effects is not None:
        assert story.effects == effects


def test_too_much_is_refused() -> None:
    """A cascade larger than the limit is refused, and nothing of it is planned."""
    known = {"authors$.books": {"a1": ["b1", "b2", "b3"]}}

    story = told(plan_deletion(library(DELETE), [("authors", "a1")], 3), known)

    assert story.refused == [("$", "cascade")]
    assert story.effects == []
    assert told(plan_deletion(library(DELETE), [("authors", "a1")], 4), known).refused == []


def test_letting_go_of_too_much_is_refused() -> None:
    """Items that are unlinked count as well: one request changes at most so many."""
    known = {"authors$.books": {"a1": ["b1", "b2", "b3"]}}

    story = told(plan_deletion(library(UNLINK), [("authors", "a1")], 3), known)

    assert story.refused == [("$", "cascade")]
    assert told(plan_deletion(library(UNLINK), [("authors", "a1")], 4), known).refused == []


def test_many_that_stand_in_the_way_are_one_reason() -> None:
    """Items that must not be there are not let go of, so they do not count against the limit."""
    known = {"authors$.books": {"a1": ["b1", "b2", "b3"]}}

    story = told(plan_deletion(library(EMPTY), [("authors", "a1")], 2), known)

    assert story.refused == [("$.books", "must_be_empty")]
