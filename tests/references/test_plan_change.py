"""What a changed link does to other items, planned without any store."""

from backo.references.effects import plan_change
from backo.references.fields import Ref, RefsList
from tests.references.planning import change, graph_of, told

LIBRARY = graph_of(
    {
        "books": {"$.author": Ref(coll="authors", field="$.books"), "$.translator": Ref(coll="authors")},
        "authors": {"$.books": RefsList(coll="books", field="$.author")},
    }
)
REQUIRED = graph_of(
    {
        "books": {"$.author": Ref(coll="authors", field="$.books", required=True)},
        "authors": {"$.books": RefsList(coll="books", field="$.author", required=True)},
    }
)
ATLAS = graph_of(
    {
        "countries": {
            "$.capital": Ref(coll="cities", field="$.capital_of", owner=True),
            "$.neighbours": RefsList(coll="countries", field="$.neighbours"),
        },
        "cities": {"$.capital_of": Ref(coll="countries", field="$.capital")},
        "people": {
            "$.spouse": Ref(coll="people", field="$.spouse"),
            "$.lived_in": RefsList(coll="cities"),
            "$.clubs": RefsList(coll="clubs", field="$.members"),
        },
        "clubs": {"$.members": RefsList(coll="people", field="$.clubs", owner=True, required=True)},
    }
)


def test_nothing_changes() -> None:
    """No change has no consequence and asks nothing."""
    story = told(plan_change(LIBRARY, []))

    assert (story.asked, story.effects, story.ends, story.refused) == ([], [], [], [])


def test_a_one_way_ref() -> None:
    """A link without reverse changes nobody; its new target has to exist."""
    story = told(plan_change(LIBRARY, [change(LIBRARY, "books", "$.translator", "b1", "a2", "a1")]))

    assert (story.asked, story.effects) == ([], [])
    assert story.ends == ["books/b1$.translator needs authors/a2"]


def test_a_one_way_list() -> None:
    """Each new target of a list has to exist."""
    story = told(plan_change(ATLAS, [change(ATLAS, "people", "$.lived_in", "p1", "c1 c2", "c3")]))

    assert (story.asked, story.effects) == ([], [])
    assert story.ends == ["people/p1$.lived_in needs cities/c1", "people/p1$.lived_in needs cities/c2"]


def test_a_child_moves() -> None:
    """A Ref that moves to another parent rewrites neither parent, and asks nothing."""
    story = told(plan_change(LIBRARY, [change(LIBRARY, "books", "$.author", "b1", "a2", "a1")]))

    assert (story.asked, story.effects) == ([], [])
    assert story.ends == ["books/b1$.author needs authors/a2"]


def test_a_child_leaves_a_parent_that_requires_one() -> None:
    """The parent that is left has to have another child in the end."""
    story = told(plan_change(REQUIRED, [change(REQUIRED, "books", "$.author", "b1", "a2", "a1")]))

    assert (story.asked, story.effects) == ([], [])
    assert story.ends == ["books/b1$.author needs authors/a2", "authors/a1$.books not empty"]


def test_a_parent_takes_and_lets_go() -> None:
    """What is assigned to a derived list is planned as changes of the children that store it."""
    story = told(plan_change(LIBRARY, [change(LIBRARY, "authors", "$.books", "a1", "b3 b4", "b1 b2")]))

    assert story.asked == []
    assert story.effects == [
        "books/b1$.author -= a1",
        "books/b2$.author -= a1",
        "books/b3$.author += a1",
        "books/b4$.author += a1",
    ]
    assert story.ends == ["authors/a1$.books needs books/b3", "authors/a1$.books needs books/b4"]


def test_a_parent_takes_from_one_that_requires() -> None:
    """A parent that loses a child to another one has to have one left in the end."""
    known = {"books$.author": {"b3": ["a2"], "b4": ["a1"], "b5": []}}

    story = told(plan_change(REQUIRED, [change(REQUIRED, "authors", "$.books", "a1", "b3 b4 b5")]), known)

    assert story.asked == ["books$.author b3 b4 b5"]
    assert story.effects == [f"books/{one}$.author += a1" for one in ("b3", "b4", "b5")]
    assert story.ends[-1:] == ["authors/a2$.books not empty"]
    assert len(story.ends) == 4


def test_taking_a_partner_frees_the_previous_one() -> None:
    """One to one, from the stored side: whoever had the partner lets go, asked for in one read."""
    known = {"→countries$.capital": {"paris": ["fr"]}}

    story = told(plan_change(ATLAS, [change(ATLAS, "countries", "$.capital", "be", "paris", "brussels")]), known)

    assert story.asked == ["→countries$.capital paris"]
    assert story.effects == ["countries/fr$.capital -= paris"]
    assert story.ends == ["countries/be$.capital needs cities/paris"]


def test_taking_ones_own_partner_frees_nobody() -> None:
    """An item that already has the partner does not let go of it."""
    known = {"→countries$.capital": {"paris": ["fr"]}}

    story = told(plan_change(ATLAS, [change(ATLAS, "countries", "$.capital", "fr", "paris")]), known)

    assert story.effects == []


def test_taking_a_partner_from_the_derived_side() -> None:
    """One to one, from the side that is looked up: the former holder lets go, the new one takes."""
    story = told(plan_change(ATLAS, [change(ATLAS, "cities", "$.capital_of", "paris", "be", "fr")]))

    assert story.asked == []
    assert story.effects == ["countries/fr$.capital -= paris", "countries/be$.capital += paris"]
    assert story.ends == ["cities/paris$.capital_of needs countries/be"]


def test_many_to_many_from_the_stored_side() -> None:
    """The side that is looked up follows by itself."""
    story = told(plan_change(ATLAS, [change(ATLAS, "clubs", "$.members", "chess", "ann", "bob")]))

    assert (story.asked, story.effects) == ([], [])
    assert story.ends == ["clubs/chess$.members needs people/ann"]


def test_many_to_many_from_the_derived_side() -> None:
    """The items that store the relation change by single ids, never by whole lists."""
    story = told(plan_change(ATLAS, [change(ATLAS, "people", "$.clubs", "ann", "chess go", "golf")]))

    assert story.asked == []
    assert story.effects == [
        "clubs/golf$.members -= ann",
        "clubs/chess$.members += ann",
        "clubs/go$.members += ann",
    ]


def test_a_symmetric_list() -> None:
    """Both items store the link, so both change; an item that names itself changes once."""
    story = told(plan_change(ATLAS, [change(ATLAS, "countries", "$.neighbours", "fr", "be fr", "es")]))

    assert story.asked == []
    assert story.effects == ["countries/es$.neighbours -= fr", "countries/be$.neighbours += fr"]


def test_a_symmetric_ref() -> None:
    """Taking a partner frees both former partners."""
    known = {"→people$.spouse": {"cy": ["dan"], "bob": ["ann"]}}

    story = told(plan_change(ATLAS, [change(ATLAS, "people", "$.spouse", "ann", "cy", "bob")]), known)

    assert story.asked == ["→people$.spouse cy"]
    assert story.effects == [
        "people/bob$.spouse -= ann",
        "people/dan$.spouse -= cy",
        "people/cy$.spouse += ann",
    ]
    assert story.ends == ["people/ann$.spouse needs people/cy"]


def test_a_symmetric_ref_to_itself() -> None:
    """An item may be its own partner; its former partner is freed all the same."""
    story = told(plan_change(ATLAS, [change(ATLAS, "people", "$.spouse", "ann", "ann", "bob")]))

    assert story.effects == ["people/bob$.spouse -= ann"]


def test_several_links_at_once() -> None:
    """All changed links of one item make one plan."""
    story = told(
        plan_change(
            ATLAS,
            [
                change(ATLAS, "countries", "$.capital", "be", "paris"),
                change(ATLAS, "countries", "$.neighbours", "be", "fr"),
            ],
        ),
        {"→countries$.capital": {"paris": ["fr"]}},
    )

    assert story.effects == ["countries/fr$.capital -= paris", "countries/fr$.neighbours += be"]
    assert story.ends == ["countries/be$.capital needs cities/paris", "countries/be$.neighbours needs countries/fr"]
