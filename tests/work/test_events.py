"""Which handlers are called when, and what they may do (SPEC 8)."""

from typing import Any

import pytest

from backo import (
    Backoffice,
    ConflictError,
    DeleteStrategy,
    Int,
    Item,
    NotFoundError,
    Ref,
    RefsList,
    State,
    String,
    ValidationError,
    state_of,
)
from tests.work.stores import Stores, audit, dump, links

EVENTS = ("loaded", "before_save", "saved", "before_delete", "created")
DELETE = DeleteStrategy.DELETE_REFERENCED_ITEMS
UNLINK = DeleteStrategy.UNLINK_REFERENCED_ITEMS


class Diary:
    """What happened, in its order, as `event name`; and what is to happen then."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.then: dict[str, Any] = {}

    def note(self, event: str, root: Any, me: Any) -> None:
        """Handle an event of an item."""
        line = f"{event} {root.name}"
        self.lines.append(line)
        act = self.then.get(line)
        if act is not None:
            act(root)

    def read(self) -> list[str]:
        """Give what happened since the last time, without `loaded`."""
        lines, self.lines = self.lines, []
        return [line for line in lines if not line.startswith("loaded")]

    @property
    def handlers(self) -> list[tuple[str, Any]]:
        """Give handlers of every event."""
        return [(event, self.note) for event in EVENTS]


@pytest.fixture
def diary() -> Diary:
    """An empty diary."""
    return Diary()


@pytest.fixture
def shop(stores: Stores, diary: Diary) -> Backoffice:
    """Authors with books (deleted along) and pupils (let go), all events noted."""
    shop = stores.backoffice(
        {
            "authors": Item(
                {
                    "name": String(required=True),
                    "count": Int(),
                    "books": RefsList(coll="books", field="$.author", ods=DELETE),
                    "pupils": RefsList(coll="authors", field="$.teacher", ods=UNLINK),
                    "teacher": Ref(coll="authors", field="$.pupils"),
                },
                on=diary.handlers,
            ),
            "books": Item(
                {
                    "name": String(required=True),
                    "pages": Int(max=1000),
                    "author": Ref(coll="authors", field="$.books"),
                    "sequel": Ref(coll="books"),
                },
                on=diary.handlers,
            ),
        }
    )
    shop.authors.create({"name": "a1"})
    shop.books.create({"name": "b1", "author": "a1"})
    shop.books.create({"name": "b2"})
    diary.read()
    return shop


def test_creating(shop: Backoffice, diary: Diary) -> None:
    """`create()` fires `created`; `save()` of a new item `before_save`, `created`, `saved`."""
    shop.books.create({"name": "b3"})
    assert diary.read() == ["created b3"]

    book = shop.books.set({"name": "b4"})
    assert diary.read() == []
    book.save()
    assert diary.read() == ["before_save b4", "created b4", "saved b4"]


def test_saving_and_deleting(shop: Backoffice, diary: Diary) -> None:
    """Around each operation there are its own events."""
    book: Any = shop.books.get_by_id("b2")
    assert diary.lines == ["loaded b2"]
    diary.read()

    book.pages = 3
    book.save()
    assert diary.read() == ["before_save b2", "saved b2"]
    book.delete()
    assert diary.read() == ["before_delete b2"]


def test_loading(shop: Backoffice, diary: Diary) -> None:
    """`loaded` is fired whenever a stored item becomes a record."""
    list(shop.books.select())
    shop.books.new().load("b1")
    assert diary.lines == ["loaded b1", "loaded b2", "loaded b1"]
    diary.read()
    author: Any = shop.authors.get_by_id("a1")
    author.books.items()
    author.reload()
    assert diary.lines == ["loaded a1", "loaded b1", "loaded a1"]


def test_a_link_changes_the_other_item(shop: Backoffice, diary: Diary) -> None:
    """An item that is changed by a link has its own events, within those of the one that changed it."""
    author: Any = shop.authors.get_by_id("a1")

    author.books = ["b2"]
    author.save()

    lines = diary.read()
    assert (lines[0], lines[-1]) == ("before_save a1", "saved a1")
    assert sorted(lines[1:-1]) == ["before_save b1", "before_save b2", "saved b1", "saved b2"]


def test_a_strategy_changes_the_other_items(shop: Backoffice, diary: Diary) -> None:
    """What goes along has its `before_delete`, what is let go its `before_save` and `saved`."""
    shop.authors.create({"name": "a2", "teacher": "a1"})
    diary.read()

    shop.authors.get_by_id("a1").delete()

    lines = diary.read()
    assert sorted(lines) == ["before_delete a1", "before_delete b1", "before_save a2", "saved a2"]
    assert lines.index("before_delete b1") < lines.index("before_save a2")
    assert audit(shop) == []


def test_a_handler_of_a_field(stores: Stores) -> None:
    """A handler on a field gets a handle with the value, the path, and a way to set it."""
    seen: list[tuple[str, str, Any]] = []

    def shout(event: str, root: Any, me: Any) -> None:
        seen.append((event, me.path, me.value))
        me.set(me.value.upper())

    shop = stores.backoffice({"books": Item({"name": String(), "title": String(on=("before_save", shout))})})
    shop.books.create({"name": "b1", "title": "emma"})
    book: Any = shop.books.get_by_id("b1")

    book.title = "persuasion"
    book.save()

    assert seen == [("before_save", "$.title", "persuasion")]
    assert dump(shop)["books/b1"]["title"] == "PERSUASION"


def test_an_event_of_ones_own(shop: Backoffice, diary: Diary, stores: Stores) -> None:
    """`trigg` calls the handlers of any event, with what it is given."""
    told: list[Any] = []
    own = Stores(stores.kind, stores.folder / "own").backoffice(
        {"books": Item({"name": String()}, on=("borrowed", lambda event, root, me, **rest: told.append((event, rest))))}
    )
    own.books.create({"name": "b1"}).trigg("borrowed", by="ann")
    own.close()

    assert told == [("borrowed", {"by": "ann"})]


@pytest.mark.parametrize("event", ["created", "before_save", "saved"])
def test_a_handler_that_raises_undoes_a_creation(shop: Backoffice, diary: Diary, event: str) -> None:
    """Nothing of the item, nor of what it did to others, is stored."""
    before = dump(shop)

    def refuse(item: Any) -> None:
        raise ZeroDivisionError

    diary.then[f"{event} a2"] = refuse
    author = shop.authors.set({"name": "a2", "books": ["b1"]})
    with pytest.raises(ZeroDivisionError):
        author.save()

    assert dump(shop) == before
    assert state_of(author) is State.UNSAVED
    assert author.books == ["b1"]


@pytest.mark.parametrize("line", ["before_save a1", "saved a1", "before_save b2", "saved b2"])
def test_a_handler_that_raises_undoes_a_save(shop: Backoffice, diary: Diary, line: str) -> None:
    """Also one of an item that is changed along; the record keeps what was set."""
    before = dump(shop)
    author: Any = shop.authors.get_by_id("a1")
    author.set({"count": 2, "books": ["b1", "b2"]})

    def refuse(item: Any) -> None:
        raise ZeroDivisionError

    diary.then[line] = refuse
    with pytest.raises(ZeroDivisionError):
        author.save()

    assert dump(shop) == before
    assert (state_of(author), author.count, author.books) == (State.UNSAVED, 2, ["b1", "b2"])
    diary.then.clear()
    author.save()
    assert links(shop, "books.author") == {"b1": ["a1"], "b2": ["a1"]}


@pytest.mark.parametrize("line", ["before_delete a1", "before_delete b1", "before_save a2", "saved a2"])
def test_a_handler_that_raises_undoes_a_deletion(shop: Backoffice, diary: Diary, line: str) -> None:
    """Also one of an item that goes along, or is let go."""
    shop.authors.create({"name": "a2", "teacher": "a1"})
    before = dump(shop)

    def refuse(item: Any) -> None:
        raise ZeroDivisionError

    diary.then[line] = refuse
    author: Any = shop.authors.get_by_id("a1")
    with pytest.raises(ZeroDivisionError):
        author.delete()

    assert dump(shop) == before
    assert state_of(author) is State.SAVED


@pytest.mark.parametrize("event", ["created", "before_save", "saved"])
def test_a_handler_changes_the_item(shop: Backoffice, diary: Diary, event: str) -> None:
    """What a handler sets is stored with the item, before or after the write."""

    def change(item: Any) -> None:
        item.pages = 42

    diary.then[f"{event} b3"] = change
    book: Any = shop.books.set({"name": "b3"})
    book.save()

    assert (dump(shop)["books/b3"]["pages"], state_of(book)) == (42, State.SAVED)


@pytest.mark.parametrize("event", ["created", "before_save", "saved"])
def test_a_handler_sets_what_is_wrong(shop: Backoffice, diary: Diary, event: str) -> None:
    """A handler is held to the same rules as everybody."""
    before = dump(shop)

    def change(item: Any) -> None:
        item.sequel = "nobody"

    diary.then[f"{event} b3"] = change
    with pytest.raises(ValidationError) as caught:
        shop.books.set({"name": "b3"}).save()

    assert [problem.path for problem in caught.value.problems] == ["$.sequel"]
    assert dump(shop) == before


@pytest.mark.parametrize("event", ["created", "before_save", "saved"])
def test_a_handler_changes_links(shop: Backoffice, diary: Diary, event: str) -> None:
    """Links that a handler sets, derived ones too, change the other side as any others do."""

    def change(item: Any) -> None:
        item.books = ["b1", "b2"]

    diary.then[f"{event} a2"] = change
    author: Any = shop.authors.set({"name": "a2"})
    author.save()

    assert links(shop, "books.author") == {"b1": ["a2"], "b2": ["a2"]}
    assert (author.books, state_of(author)) == (["b1", "b2"], State.SAVED)


@pytest.mark.parametrize("event", ["before_save", "saved"])
@pytest.mark.parametrize("target", ["b2", "nobody"])
def test_a_handler_of_an_item_that_is_changed_along(shop: Backoffice, diary: Diary, event: str, target: str) -> None:
    """What it does to links of that item is planned and judged as well: nothing dangles."""
    before = dump(shop)

    def change(item: Any) -> None:
        item.sequel = target

    diary.then[f"{event} b1"] = change
    if target == "nobody":
        with pytest.raises(ValidationError):
            shop.authors.create({"name": "a2", "books": ["b1"]})
        assert dump(shop) == before
    else:
        shop.authors.create({"name": "a2", "books": ["b1"]})
        assert links(shop, "books.sequel") == {"b1": ["b2"]}
    assert audit(shop) == []


@pytest.mark.parametrize("event", ["before_save", "saved"])
def test_a_handler_of_an_item_that_is_changed_along_links_on(shop: Backoffice, diary: Diary, event: str) -> None:
    """A derived link that it sets changes a third item."""
    shop.authors.create({"name": "a2"})

    def change(item: Any) -> None:
        item.books = ["b2"]

    diary.then[f"{event} a2"] = change
    shop.authors.create({"name": "a3", "pupils": ["a2"]})

    assert links(shop, "authors.teacher") == {"a2": ["a3"]}
    assert links(shop, "books.author") == {"b1": ["a1"], "b2": ["a2"]}
    assert audit(shop) == []


def test_before_delete_makes_room(stores: Stores, diary: Diary) -> None:
    """`before_delete` may move away what stands in the way; the deletion is planned again."""
    shop = stores.backoffice(
        {
            "authors": Item({"name": String(), "books": RefsList(coll="books", field="$.author")}, on=diary.handlers),
            "books": Item({"name": String(), "author": Ref(coll="authors", field="$.books")}),
        }
    )
    for author in ("a1", "a2"):
        shop.authors.create({"name": author})
    shop.books.create({"name": "b1", "author": "a1"})

    def hand_over(item: Any) -> None:
        for book in shop.books.select({"author": item["_id"]}):
            book.set({"author": "a2"})
            book.save()

    diary.then["before_delete a1"] = hand_over
    shop.authors.get_by_id("a1").delete()

    assert links(shop, "books.author") == {"b1": ["a2"]}


@pytest.mark.parametrize("form", ["one-to-many", "many-to-many", "one-to-one"])
def test_before_delete_lets_go(stores: Stores, form: str) -> None:
    """`before_delete` may empty a link of the item itself, without saving it: then it is not in the way."""

    def let_go(event: str, root: Any, me: Any) -> None:
        root.other = [] if form.endswith("many") else None

    many, back = form.endswith("to-many"), form.startswith("many")
    other = (
        RefsList(coll="b", field="$.mine") if many else Ref(coll="b", field="$.mine", ods=DeleteStrategy.MUST_BE_EMPTY)
    )
    mine = RefsList(coll="a", field="$.other") if back else Ref(coll="a", field="$.other")
    shop = stores.backoffice(
        {
            "a": Item({"name": String(), "other": other}, on=("before_delete", let_go)),
            "b": Item({"name": String(), "mine": mine}),
        }
    )
    shop.a.create({"name": "a1"})
    shop.b.create({"name": "b1", "mine": ["a1"] if back else "a1"})

    shop.a.get_by_id("a1").delete()

    assert sorted(dump(shop)) == ["b/b1"]
    assert audit(shop) == []


def test_handlers_that_delete_what_is_being_deleted(stores: Stores) -> None:
    """Each item has its `before_delete` once, whoever deletes whom."""
    asked = []

    def delete_others(event: str, root: Any, me: Any) -> None:
        asked.append(root.name)
        for other in [*library.authors.select(), *library.books.select()]:
            other.delete()
        root.delete()

    library = stores.backoffice(
        {
            "authors": Item(
                {"name": String(), "books": RefsList(coll="books", field="$.author")},
                on=("before_delete", delete_others),
            ),
            "books": Item(
                {"name": String(), "author": Ref(coll="authors", field="$.books")}, on=("before_delete", delete_others)
            ),
        }
    )
    library.authors.create({"name": "a1"})
    library.books.create({"name": "b1", "author": "a1"})

    library.authors.get_by_id("a1").delete()

    assert sorted(asked) == ["a1", "b1"]
    assert dump(library) == {}


def test_before_delete_adds_to_what_goes(shop: Backoffice, diary: Diary) -> None:
    """What a handler links to an item that is deleted goes along, with its own event."""

    def link(item: Any) -> None:
        book: Any = shop.books.get_by_id("b2")
        book.author = "a1"
        book.save()

    diary.then["before_delete a1"] = link
    shop.authors.get_by_id("a1").delete()

    assert diary.read() == ["before_delete a1", "before_save b2", "saved b2", "before_delete b1", "before_delete b2"]
    assert dump(shop) == {}


def test_before_delete_that_is_refused_all_the_same(stores: Stores, diary: Diary) -> None:
    """What handlers did before a refusal is undone with it."""
    shop = stores.backoffice(
        {
            "authors": Item(
                {"name": String(), "count": Int(), "books": RefsList(coll="books", field="$.author")},
                on=diary.handlers,
            ),
            "books": Item({"name": String(), "author": Ref(coll="authors", field="$.books")}),
        }
    )
    shop.authors.create({"name": "a1"})
    shop.books.create({"name": "b1", "author": "a1"})
    before = dump(shop)

    def change(item: Any) -> None:
        other: Any = shop.authors.create({"name": "a2"})
        other.count = 1
        other.save()

    diary.then["before_delete a1"] = change
    with pytest.raises(ConflictError):
        shop.authors.get_by_id("a1").delete()

    assert dump(shop) == before


def test_a_handler_deletes_the_item(shop: Backoffice, diary: Diary) -> None:
    """A handler may delete what has just been created; nothing of it stays."""

    def away(item: Any) -> None:
        shop.books.get_by_id("b3").delete()

    diary.then["created b3"] = away
    shop.books.create({"name": "b3", "author": "a1"})

    with pytest.raises(NotFoundError):
        shop.books.get_by_id("b3")
    assert audit(shop) == []


def test_a_handler_that_fails_inside_a_transaction_and_is_caught(shop: Backoffice, diary: Diary) -> None:
    """Only what the failed operation did is undone, also when its handler had asked the store."""

    def refuse(item: Any) -> None:
        assert shop.books.count({"author": "a2"}) == 1  # so the store has the new author and its book
        raise ZeroDivisionError

    diary.then["created a2"] = refuse
    with shop.transaction():
        shop.books.create({"name": "b3", "author": "a1"})
        with pytest.raises(ZeroDivisionError):
            shop.authors.create({"name": "a2", "books": ["b1"]})
        shop.books.create({"name": "b4", "author": "a1"})

    assert links(shop, "authors.books") == {"a1": ["b1", "b3", "b4"]}
    assert shop.authors.count() == 1
