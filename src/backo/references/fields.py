"""Field types that name other items: `Ref` (one) and `RefsList` (several)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Unpack

from backo.errors import DefinitionError, QueryError, shown
from backo.items.presenting import presented
from backo.items.sequences import CheckedList
from backo.paths import FieldPath, Place, parse_field_path, to_text
from backo.schema.containers import List, ListOptions
from backo.schema.kinds import Kind
from backo.schema.nodes import Node
from backo.schema.problems import Finding, Refusal
from backo.schema.scalars import String, StringOptions

MAX_ID_LENGTH = 500  # characters; ids from outside are bounded by `Limits.id`


class DeleteStrategy(StrEnum):
    """What happens to the other side when the item that declares it is deleted.

    Attributes:
        MUST_BE_EMPTY: the deletion is refused while something is linked.
        DELETE_REFERENCED_ITEMS: what is linked is deleted too, as its own strategies say.
        UNLINK_REFERENCED_ITEMS: what is linked stays, without the link.
    """

    MUST_BE_EMPTY = "must_be_empty"
    DELETE_REFERENCED_ITEMS = "delete_referenced_items"
    UNLINK_REFERENCED_ITEMS = "unlink_referenced_items"


class FillStrategy(StrEnum):
    """Whether answers show the ids of a derived list.

    Attributes:
        FILL: they do.
        NOT_FILL: they show an empty list; the items are found with a query, or with `.items()`.
    """

    FILL = "fill"
    NOT_FILL = "not_fill"


_LINK_ALIASES: Mapping[str, str] = {
    "coll": "coll",
    "collection": "coll",
    "field": "field",
    "reverse": "field",
    "rev": "field",
    "ods": "ods",
    "on_delete": "ods",
    "ofs": "ofs",
    "on_fill": "ofs",
    "owner": "owner",
}


class RefOptions(StringOptions, total=False):
    """Options of `Ref`."""

    coll: str
    collection: str
    field: str | None
    reverse: str | None
    rev: str | None
    ods: DeleteStrategy | None
    on_delete: DeleteStrategy | None
    ofs: FillStrategy
    on_fill: FillStrategy
    owner: bool


class RefsListOptions(ListOptions, total=False):
    """Options of `RefsList`."""

    coll: str
    collection: str
    field: str | None
    reverse: str | None
    rev: str | None
    ods: DeleteStrategy | None
    on_delete: DeleteStrategy | None
    ofs: FillStrategy
    on_fill: FillStrategy
    owner: bool


def check_id(value: Any) -> str:
    """Accept the id of an item, or the item itself.

    Raises:
        Refusal: it is neither.
    """
    if not isinstance(value, str):
        value = getattr(value, "_id", None)
        if not isinstance(value, str):
            raise Refusal.of("type", "Must be the _id of an item (a string)")
    if not value or len(value) > MAX_ID_LENGTH:
        raise Refusal.of("id", "Must be the _id of an item")
    return str.__str__(value)


class _Link:
    """What `Ref` and `RefsList` have in common."""

    coll: str
    reverse: FieldPath | None
    strategy: DeleteStrategy | None
    fill: FillStrategy
    owner: bool

    def take_link(
        self,
        set_: Callable[..., None],
        *,
        coll: str | None,
        field: str | None,
        ods: DeleteStrategy | None,
        ofs: FillStrategy,
        owner: bool,
    ) -> None:
        """Check and keep the options of a link."""
        name = type(self).__name__
        if not isinstance(coll, str) or not coll:
            message = f"{name} needs coll=, the name of the collection that it refers to"
            raise DefinitionError(message)
        try:
            reverse = None if field is None else parse_field_path(field)
        except (QueryError, TypeError, AttributeError) as error:
            message = f"{name}(coll={coll!r}): field= is a selector such as '$.users', not {shown(field)}"
            raise DefinitionError(message) from error
        if ods is not None and not isinstance(ods, DeleteStrategy):
            message = f"{name}(coll={coll!r}): ods= is a DeleteStrategy, not {shown(ods)}"
            raise DefinitionError(message)
        if not isinstance(ofs, FillStrategy) or not isinstance(owner, bool):
            message = f"{name}(coll={coll!r}): ofs= is a FillStrategy, owner= a bool"
            raise DefinitionError(message)
        set_(coll=coll, reverse=reverse, strategy=ods, fill=ofs, owner=owner)

    def link_facts(self) -> dict[str, Any]:
        """Give what names the other side."""
        return {"collection": self.coll, "reverse": None if self.reverse is None else to_text(self.reverse)}


class Ref(String, _Link):
    """The id of an item of another collection; `item.addr` is a `str`, `item.addr.item` the item.

    Options:
        coll: the collection that it refers to.
        field: the reverse field there, as a selector.
        ods: what happens to the other side when the item is deleted.
        ofs: accepted for symmetry.
        owner: of two fields of this type that mirror one another, this one is stored.
    """

    kind = Kind.TEXT
    own_options: ClassVar[Mapping[str, str]] = {**String.own_options, **_LINK_ALIASES}

    def __init__(self, **options: Unpack[RefOptions]) -> None:
        super().__init__(**options)  # type: ignore[misc]  # the base takes every option at run time

    def configure(
        self,
        *,
        coll: str | None = None,
        field: str | None = None,
        ods: DeleteStrategy | None = None,
        ofs: FillStrategy = FillStrategy.FILL,
        owner: bool = False,
        **own: Any,
    ) -> None:
        """Take the options of a link and those of a text."""
        super().configure(**own)
        self.take_link(self._set, coll=coll, field=field, ods=ods, ofs=ofs, owner=owner)

    def convert(self, value: Any) -> str:
        """Accept an id, or an item."""
        return super().convert(check_id(value))

    def facts(self) -> dict[str, Any]:
        """Give what names the other side, then the facts of a text."""
        return {**super().facts(), **self.link_facts()}


class RefsList(List, _Link):
    """Ids of items of another collection, each once; `item.users.items()` gives the items.

    Options:
        coll: the collection that it refers to.
        field: the reverse field there, as a selector.
        ods: what happens to the other side when the item is deleted.
        ofs: whether answers show the ids (`NOT_FILL` for very long lists).
        owner: of two fields of this type that mirror one another, this one is stored.
    """

    links: ClassVar[bool] = True
    own_options: ClassVar[Mapping[str, str]] = {**List.own_options, **_LINK_ALIASES}

    def __init__(self, **options: Unpack[RefsListOptions]) -> None:
        super().__init__(String(), **options)  # type: ignore[misc]  # the base takes every option at run time

    def configure(
        self,
        *,
        coll: str | None = None,
        field: str | None = None,
        ods: DeleteStrategy | None = None,
        ofs: FillStrategy = FillStrategy.FILL,
        owner: bool = False,
        **own: Any,
    ) -> None:
        """Take the options of a link and those of a list."""
        super().configure(**own)
        self.take_link(self._set, coll=coll, field=field, ods=ods, ofs=ofs, owner=owner)

    def convert(self, value: Any) -> list[str]:
        """Accept a list of ids, or of items; each is kept once."""
        if not isinstance(value, list | tuple):
            raise Refusal.of("type", "Must be a list")
        kept: dict[str, None] = {}
        findings: list[Finding] = []
        for index, one in enumerate(value):
            try:
                kept[String.convert(self.element, check_id(one))] = None  # type: ignore[arg-type]  # it is a String
            except Refusal as refusal:
                findings += refusal.below(index)
        if findings:
            raise Refusal(findings)
        return list(kept)

    def facts(self) -> dict[str, Any]:
        """Give what names the other side, then the facts of a list."""
        return {**super().facts(), **self.link_facts()}


class LinkId(str):
    """The id of a linked item, which can also give the item."""

    __slots__ = ("_collection", "_home")

    _home: Any
    _collection: str

    @property
    def item(self) -> Any:
        """The item that is named; None when there is none. As all attributes in Python, it asks no rights."""
        return self._home.linked_item(self._collection, str(self))

    def _plain(self) -> str:
        return str.__str__(self)


class LinkList(CheckedList):
    """The ids of linked items, which can also give the items."""

    __slots__ = ()

    def items(self) -> list[Any]:
        """Give the items that are named, read in one go, in the order of the list."""
        home: Any = self._record._home
        return list(home.linked_items(self._node.path, self._record._values["_id"], self._plain()))  # as above


def _link_id(field: Ref, record: Any, node: Node, place: Place, value: Any) -> LinkId | None:
    del place
    if node.derived and value is None and node.path not in record._links_given:  # as below
        ids = record._linked(node)  # an entity knows its home
        value = ids[0] if ids else None
    if value is None:
        return None
    link = LinkId(value)
    link._home, link._collection = record._home, field.coll  # made here
    return link


def _link_list(field: RefsList, record: Any, node: Node, place: Place, value: Any) -> LinkList:
    del field
    if value is None:
        value = record._linked(node) if node.derived else ()  # an entity knows its home
    return LinkList(record, node, place, value)


presented.register(Ref, _link_id)
presented.register(RefsList, _link_list)


def ids_in(value: Any) -> Iterable[str]:
    """Give the ids of a stored link value: one, several or none."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
