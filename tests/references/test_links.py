"""What is wrong with the references of an application is said when it is assembled (P8)."""

from typing import Any

import pytest

from backo import (
    Backoffice,
    Collection,
    DBMemoryConnector,
    DefinitionError,
    DeleteStrategy,
    Dict,
    FillStrategy,
    In,
    Item,
    List,
    Ref,
    RefsList,
    String,
    Tuple,
)
from backo.references.links import Link, LinkGraph
from tests.references.planning import graph_of


def assembled(**items: Item) -> Backoffice:
    """Assemble collections in memory."""
    backoffice = Backoffice("shop")
    for name, item in items.items():
        backoffice.register_collection(Collection(name, item, DBMemoryConnector()))
    backoffice.assemble()
    return backoffice


def refused(**items: Item) -> DefinitionError:
    """Assemble collections that do not fit together, and give what is said about them."""
    with pytest.raises(DefinitionError) as caught:
        assembled(**items)
    return caught.value


def test_an_unknown_collection() -> None:
    """A reference into a collection that does not exist names the nearest one."""
    error = refused(
        authors=Item({"name": String()}),
        books=Item({"author": Ref(coll="autors")}),
    )

    assert error.message == "books: $.author: there is no collection 'autors'"
    assert error.hint == "did you mean 'authors'?"


def test_a_collection_unlike_any_other() -> None:
    """Where no name is near, no hint pretends that there is one."""
    assert refused(books=Item({"author": Ref(coll="zzz")})).hint is None


def test_a_missing_reverse() -> None:
    """A reverse field that does not exist names the nearest one."""
    error = refused(
        authors=Item({"books": RefsList(coll="books", field="$.author")}),
        books=Item({"author": Ref(coll="authors", field="$.boks")}),
    )

    assert error.message == "authors: $.books: its reverse books: $.author points back to authors: $.boks" or (
        error.message == "books: $.author: the collection 'authors' has no reference $.boks"
        and error.hint == "did you mean '$.books'?"
    )


def test_a_reverse_that_is_no_reference() -> None:
    """A reverse that names an ordinary field is missing too."""
    error = refused(
        authors=Item({"books": String()}),
        books=Item({"author": Ref(coll="authors", field="$.books")}),
    )

    assert error.message == "books: $.author: the collection 'authors' has no reference $.books"


@pytest.mark.parametrize(
    ("reverse", "back"),
    [
        (RefsList(coll="books"), "nothing"),
        (RefsList(coll="books", field="$.editor"), "books: $.editor"),
        (RefsList(coll="authors", field="$.books"), "authors: $.books"),
    ],
    ids=["one-way", "another-field", "another-collection"],
)
def test_a_mismatch(reverse: RefsList, back: str) -> None:
    """Both sides have to name one another; the hint says what to declare."""
    with pytest.raises(DefinitionError) as caught:
        graph_of(
            {
                "books": {
                    "$.author": Ref(coll="authors", field="$.books"),
                    "$.editor": Ref(coll="authors"),
                },
                "authors": {"$.books": reverse},
            }
        )

    assert caught.value.message == f"books: $.author: its reverse authors: $.books points back to {back}"
    assert caught.value.hint == "declare it with coll='books', field='$.author'"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Ref(coll="cities", field="$.capital_of", owner=True),
            Ref(coll="countries", field="$.capital", owner=True),
        ),
        (
            RefsList(coll="cities", field="$.capital_of", owner=True),
            RefsList(coll="countries", field="$.capital", owner=True),
        ),
    ],
    ids=["one-to-one", "many-to-many"],
)
def test_two_owners(one: Ref | RefsList, other: Ref | RefsList) -> None:
    """Only one side of a relation is stored, so only one can be its owner."""
    with pytest.raises(DefinitionError, match=r"\$\.capital.*: both sides are declared owner=True"):
        graph_of({"countries": {"$.capital": one}, "cities": {"$.capital_of": other}})


@pytest.mark.parametrize(
    "hiding",
    [
        pytest.param(List, id="list"),
        pytest.param(lambda ref: List(Dict({"inner": ref})), id="list-of-groups"),
        pytest.param(lambda ref: List(List(ref)), id="list-of-lists"),
        pytest.param(lambda ref: Tuple((String(), ref)), id="tuple"),
        pytest.param(lambda ref: In([ref, String()]), id="alternatives"),
        pytest.param(lambda ref: Dict({"deep": List(ref)}), id="below-a-group"),
    ],
)
@pytest.mark.parametrize("ref", [Ref(coll="authors"), RefsList(coll="authors")], ids=["ref", "refslist"])
def test_references_in_lists(hiding: Any, ref: Ref | RefsList) -> None:
    """A reference inside a list, a tuple or alternatives is refused, naming the field and a way out."""
    error = refused(authors=Item({"name": String()}), books=Item({"authors": hiding(ref)}))

    assert error.message.startswith("books: $.authors")
    assert "is not possible yet" in error.message
    assert error.hint == "use RefsList, or a collection of its own"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "needs coll="),
        ({"coll": ""}, "needs coll="),
        ({"coll": 3}, "needs coll="),
        ({"coll": "a", "field": "a..b"}, "field= is a selector"),
        ({"coll": "a", "field": 3}, "field= is a selector"),
        ({"coll": "a", "ods": "must_be_empty"}, "ods= is a DeleteStrategy"),
        ({"coll": "a", "ofs": "fill"}, "ofs= is a FillStrategy"),
        ({"coll": "a", "owner": 1}, "owner= a bool"),
    ],
    ids=["no-coll", "empty-coll", "coll-type", "bad-field", "field-type", "ods", "ofs", "owner"],
)
@pytest.mark.parametrize("kind", [Ref, RefsList])
def test_wrong_options(kind: Any, options: dict[str, Any], text: str) -> None:
    """A wrong option of a reference is refused by the declaration itself."""
    with pytest.raises(DefinitionError, match=text):
        kind(**options)


@pytest.mark.parametrize("kind", [Ref, RefsList])
def test_an_unknown_option(kind: Any) -> None:
    """An unknown option names the nearest one."""
    with pytest.raises(DefinitionError) as caught:
        kind(coll="authors", revers="$.books")

    assert caught.value.hint == "did you mean 'reverse'?"


@pytest.mark.parametrize("kind", [Ref, RefsList])
@pytest.mark.parametrize(
    ("name", "alias", "value"),
    [
        ("coll", "collection", "authors"),
        ("field", "reverse", "$.books"),
        ("field", "rev", "$.books"),
        ("ods", "on_delete", DeleteStrategy.UNLINK_REFERENCED_ITEMS),
        ("ofs", "on_fill", FillStrategy.NOT_FILL),
        ("required", "require", True),
    ],
)
def test_aliases(kind: Any, name: str, alias: str, value: Any) -> None:
    """Each option of a reference can be given under its older names."""
    rest = {} if name == "coll" else {"coll": "authors"}

    one, other = kind(**rest, **{name: value}), kind(**rest, **{alias: value})

    assert (one.coll, one.reverse, one.strategy, one.fill, one.options.required) == (
        other.coll,
        other.reverse,
        other.strategy,
        other.fill,
        other.options.required,
    )
    with pytest.raises(DefinitionError, match="given twice"):
        kind(**rest, **{name: value, alias: value})


def link(graph: LinkGraph, collection: str, name: str) -> Link:
    """Give a top-level link."""
    return graph.links[collection, (name,)]


def test_which_side_is_stored() -> None:
    """A Ref is stored rather than a list; of two of a kind the owner, else the smaller address."""
    graph = graph_of(
        {
            "b": {
                "$.one": Ref(coll="a", field="$.many"),
                "$.twin": Ref(coll="a", field="$.twin"),
                "$.owned": RefsList(coll="a", field="$.owner_of", owner=True),
                "$.friends": RefsList(coll="b", field="$.friends"),
                "$.alone": RefsList(coll="a"),
                "$.up": Ref(coll="b", field="$.down"),
                "$.down": RefsList(coll="b", field="$.up"),
            },
            "a": {
                "$.many": RefsList(coll="b", field="$.one"),
                "$.twin": Ref(coll="b", field="$.twin"),
                "$.owner_of": RefsList(coll="b", field="$.owned"),
            },
        }
    )

    derived = {f"{one.collection}.{one.path[0]}" for one in graph.links.values() if one.derived}
    assert derived == {"a.many", "b.twin", "a.owner_of", "b.down"}
    assert [one.path[0] for one in graph.links.values() if one.symmetric] == ["friends"]


def test_default_strategies() -> None:
    """What is deleted must be empty first, but one to one partners are let go."""
    graph = graph_of(
        {
            "b": {
                "$.one": Ref(coll="a", field="$.many"),
                "$.twin": Ref(coll="a", field="$.twin"),
                "$.spouse": Ref(coll="b", field="$.spouse"),
                "$.alone": Ref(coll="a"),
            },
            "a": {"$.many": RefsList(coll="b", field="$.one"), "$.twin": Ref(coll="b", field="$.twin")},
        }
    )

    unlinks = {one.path[0] for one in graph.links.values() if one.strategy is DeleteStrategy.UNLINK_REFERENCED_ITEMS}
    assert unlinks == {"twin", "spouse"}
    assert {link(graph, "a", "many").strategy, link(graph, "b", "alone").strategy} == {DeleteStrategy.MUST_BE_EMPTY}


def test_nested_references_are_found() -> None:
    """References lie in groups, however deep, and their reverse names them by the whole path."""
    backoffice = assembled(
        authors=Item({"work": Dict({"shop": Dict({"books": RefsList(coll="books", field="$.by.author")})})}),
        books=Item({"by": Dict({"author": Ref(coll="authors", field="$.work.shop.books")})}),
    )

    assert set(backoffice.catalog.graph.links) == {
        ("authors", ("work", "shop", "books")),
        ("books", ("by", "author")),
    }


def test_a_pair_that_could_never_be_deleted(caplog: pytest.LogCaptureFixture) -> None:
    """Two sides that both must be empty are told once, as a warning, at assembly."""
    assembled(
        a=Item({"bs": RefsList(coll="b", field="$.as_")}),
        b=Item({"as_": RefsList(coll="a", field="$.bs")}),
    )

    assert [(one.name, one.levelname) for one in caplog.records] == [("backo.backoffice", "WARNING")]
    assert "a.bs and b.as_" in caplog.text


def test_a_pair_that_can_be_deleted_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """One side that lets go is enough, and of a Ref and its list only the list's strategy counts."""
    assembled(
        a=Item(
            {
                "bs": RefsList(coll="b", field="$.as_", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS),
                "cs": RefsList(coll="b", field="$.c"),
            }
        ),
        b=Item({"as_": RefsList(coll="a", field="$.bs"), "c": Ref(coll="a", field="$.cs")}),
    )

    assert caplog.records == []


def test_collections_are_related_over_others() -> None:
    """Whichever way links lead; what nothing leads to is related to itself."""
    shop = assembled(
        authors=Item({"name": String()}),
        books=Item({"author": Ref(coll="authors"), "shelf": Ref(coll="shelves")}),
        shelves=Item({"name": String()}),
        notes=Item({"name": String()}),
    )
    graph = shop.catalog.graph

    assert (
        graph.related("authors")
        == graph.related("books")
        == graph.related("shelves")
        == {"authors", "books", "shelves"}
    )
    assert graph.related("notes") == {"notes"}
