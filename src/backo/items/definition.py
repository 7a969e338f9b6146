"""Declare an item: its fields and the options of the item as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Unpack

from backo.errors import DefinitionError, StateError, nearest, shown
from backo.schema.containers import check_fields
from backo.schema.fields import Field
from backo.schema.options import CommonOptions, Options, read_options
from backo.schema.scalars import String


class Home(Protocol):
    """What an item needs of the collection that it belongs to."""

    def new(self, **kwargs: Any) -> Any:
        """Give a fresh item."""

    def create(self, values: Mapping[str, Any], **kwargs: Any) -> Any:
        """Store a new item and give it."""

    def get_by_id(self, id_: str, **kwargs: Any) -> Any:
        """Give a stored item."""

    def select(self, criteria: Any = None, *, sort: Any = (), limit: int | None = None) -> Any:
        """Give the items that match."""


class Item:
    """What one entity of an application is made of.

    `Item({...})` is a declaration; `collection.new()` gives records of it: `isinstance(record, Item)` holds.

    Args:
        fields: the fields by their names, which are identifiers that do not start with `_`.
        options: of the item as a whole, those that every field has.

    Raises:
        DefinitionError: a name, a field or an option cannot be.

    >>> cat = Item({"name": String(required=True)}, description="They own the house.")
    """

    __slots__ = ("__weakref__", "_fields", "_frozen", "_homes", "_options", "_system")

    _fields: dict[str, Field]
    _options: Options
    _system: dict[str, Field]
    _homes: list[Home]
    _frozen: bool

    if TYPE_CHECKING:  # the properties of records are generated

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def __init__(self, fields: Mapping[str, Field], **options: Unpack[CommonOptions]) -> None:
        check_fields(fields, "Item")
        self._options, _ = read_options("Item", {}, options)
        self._fields = dict(fields)
        self._system = {"_id": String()}
        self._homes = []
        self._frozen = False

    def add_system_field(self, name: str, field: Field) -> None:
        """Add a field whose name starts with `_`, which only a metadata handler sets.

        Raises:
            DefinitionError: the name is one for declared fields.
        """
        if not name.startswith("_") or name == "_id":
            message = f"Item: a system field cannot be called {shown(name)}"
            raise DefinitionError(message, hint="its name starts with '_'")
        self._system[name] = field

    # On a declaration these work once it belongs to exactly one collection; records have their own.

    def new(self, **kwargs: Any) -> Any:
        """Give a fresh item of the collection that this declaration belongs to.

        Raises:
            StateError: it belongs to none, or to several, as with the methods that follow.
        """
        return self._home_of_all().new(**kwargs)

    def create(self, values: Mapping[str, Any], **kwargs: Any) -> Any:
        """Create an item with these values in the collection that this declaration belongs to.

        Raises:
            ValidationError: with every problem and its path.
            ConflictError: a unique value is taken.
        """
        return self._home_of_all().create(values, **kwargs)

    def load(self, id_: str, **kwargs: Any) -> Any:
        """Load the item with this `_id` from the collection that this declaration belongs to.

        Raises:
            NotFoundError: there is none.
        """
        return self._home_of_all().get_by_id(id_, **kwargs)

    def select(self, criteria: Any = None, *, sort: Any = (), limit: int | None = None, **kwargs: Any) -> Any:
        """Select items of the collection that this declaration belongs to.

        Args:
            criteria: a filter; None for all.
            sort: field names, `-name` for descending.
            limit: at most so many.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            QueryError: one of them makes no sense.
        """
        del kwargs
        return self._home_of_all().select(criteria, sort=sort, limit=limit)

    def _home_of_all(self) -> Home:
        if len(self._homes) != 1:
            message = f"this item is declared in {len(self._homes)} collections, so it is not clear which one is meant"
            raise StateError(message, hint="call the method of the collection, such as backoffice.users.create(…)")
        return self._homes[0]

    def add_to_model(self, name: str, field: Field) -> None:
        """Add a field of this name, or replace it, before the application is assembled.

        Raises:
            DefinitionError: the name or the field cannot be.
            StateError: the application is assembled.
        """
        self._check_open()
        check_fields({name: field}, "Item")
        self._fields[name] = field

    def remove_model(self, name: str) -> None:
        """Take the field of this name away, before the application is assembled.

        Raises:
            DefinitionError: there is none of this name.
            StateError: the application is assembled.
        """
        self._check_open()
        if name not in self._fields:
            message = f"Item: there is no field {shown(name)} to remove"
            raise DefinitionError(message, hint=nearest(name, self._fields))
        del self._fields[name]

    def _check_open(self) -> None:
        if self._frozen:
            message = "the model of an item cannot change once its application is assembled"
            raise StateError(message)
