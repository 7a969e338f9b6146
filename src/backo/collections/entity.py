"""An item of a collection: a record that can be created, loaded, saved and deleted.

It only delegates to the unit of work that is open, or to one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from backo.collections.actions import find_action
from backo.connectors.base import Lock
from backo.errors import StateError
from backo.items.record import Record, State, state_of
from backo.query.matching import matcher
from backo.references.fields import FillStrategy
from backo.schema.nodes import Node
from backo.work import changing
from backo.work.rewriting import crosses
from backo.work.sight import Sights, existing, present
from backo.work.unit import Unit, unit_of_work

if TYPE_CHECKING:
    from backo.collections.collection import Collection


class Entity(Record):
    """One item of a collection; its class is generated when the application is assembled."""

    __slots__ = ()

    _home: ClassVar[Collection]

    def now(self) -> datetime:
        """Give the present time of the application's clock, aware."""
        return self._home.catalog.clock()

    def new(self, **kwargs: Any) -> Entity:
        """Give a fresh item of the same collection."""
        return self._home.new(**kwargs)

    def create(self, values: Mapping[str, Any], **kwargs: Any) -> Entity:
        """Check values, store them as a new item, and become it.

        Raises:
            StateError: this item is stored already.
            RightError: the current user may not.
            ValidationError: with every problem and its path.
            ConflictError: a unique value is taken.
        """
        del kwargs
        if self._origin is not None:
            message = "this item is stored already"
            raise StateError(message, hint="create a new one, with new() or through the collection")
        self._fill(values)
        self._home.application.run_unit(lambda unit: self._home.store_new(unit, self))
        return self

    def load(self, id_: str, **kwargs: Any) -> Entity:
        """Read the item with this `_id` from the store into this one, which must be UNSET.

        Raises:
            StateError: it is not UNSET.
            NotFoundError: there is no such item, or none that is there for the current user.
            RightError: he may not read it.
        """
        del kwargs
        if (state := state_of(self)) is not State.UNSET:
            message = f"only an UNSET item can be loaded, this one is {state}"
            raise StateError(message, hint="use new() first, or reload()")
        self._read_stored(id_)
        return self

    def reload(self, **kwargs: Any) -> Entity:
        """Read this item again; what was set and not saved is lost.

        Raises:
            StateError: it is UNSET.
            NotFoundError: it was deleted meanwhile.
            RightError: the current user may not read it.
        """
        del kwargs
        if self._origin is None:
            message = "only an item that is stored can be reloaded"
            raise StateError(message)
        self._read_stored(str(self._values["_id"]))
        return self

    def _read_stored(self, id_: str) -> None:
        with unit_of_work(self._home.catalog, writing=False) as unit:
            found = present(Sights(unit), self._home.entry, id_)
        self._decode(found.document, found.rev)
        self.trigg("loaded")

    def save(self, **kwargs: Any) -> Entity:
        """Store the changed paths; create the item when it is new and was set.

        Raises:
            StateError: it is UNSET.
            NotFoundError: it was deleted meanwhile.
            RightError: the current user may not, or not with one of the fields.
            ValidationError: with every problem and its path.
            ConflictError: somebody changed one of the same paths, or a unique value is taken.
        """
        del kwargs
        home = self._home
        if self._origin is None and not self._touched:
            message = "an UNSET item cannot be saved"
            raise StateError(message, hint="set() something first")
        home.application.run_unit(self._save)
        return self

    def _save(self, unit: Unit) -> None:
        if self._origin is not None:
            changing.save(unit, self._home.entry, self)
        else:
            self._home.store_new(unit, self, before=("before_save",), after=("created", "saved"))

    def delete(self, **kwargs: Any) -> None:
        """Delete the stored item; it becomes UNSET.

        Raises:
            StateError: it is not stored.
            NotFoundError: it was deleted meanwhile.
            RightError: the current user may not, or not with what would be deleted along with it.
            ConflictError: a strategy of a reference refuses; every refusal is told.
        """
        del kwargs
        if self._origin is None:
            message = "only an item that is stored can be deleted"
            raise StateError(message)
        self._home.application.run_unit(lambda unit: changing.delete(unit, self._home.entry, self))

    def run_action(self, name: str, values: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        """Run an action on this item, as one unit of work, as its route does; gives what the action returned.

        When it fails, this item is as before too.

        Args:
            name: of the action.
            values: its parameters.
            kwargs: handed along to its function.

        Raises:
            StateError: this item is not stored.
            NotFoundError: there is no such action, or the item was deleted meanwhile.
            RightError: the current user may not.
            ValidationError: with every problem of the parameters and its path.
            Exception: what the action raises.
        """
        home = self._home
        if self._origin is None:
            message = "an action runs on an item that is stored"
            raise StateError(message, hint="save() it first")
        entry, id_, chosen = home.entry, str(self._values["_id"]), find_action(home.actions, name, home.name)

        def do(unit: Unit) -> Any:
            unit.undo_with(self._checkpoint())
            existing(Sights(unit), entry, id_, Lock.EXCLUSIVE)
            return chosen.run(self, values, kwargs)

        return home.application.run_unit(do)

    def select(self, criteria: Any = None, *, sort: Any = (), limit: int | None = None, **kwargs: Any) -> Any:
        """Read a selector, or select items of the same collection.

        Args:
            criteria: a selector, text such as `"$.a.b"`; or a filter, None for all items.
            sort: of the items, as in `Collection.select`.
            limit: at most so many items.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            QueryError: it makes no sense.
            PathNotFoundError: the selector leads nowhere.
        """
        del kwargs
        if isinstance(criteria, str):
            return super().select(criteria)
        return self._home.select(criteria, sort=sort, limit=limit)

    def match(self, criteria: Mapping[str, Any], **kwargs: Any) -> bool:
        """Tell whether the item, as it is now, matches a filter.

        Args:
            criteria: the filter, as in `Collection.select`.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            QueryError: the filter makes no sense.
        """
        del kwargs
        home = self._home
        filter_ = home.filter(criteria)
        if crosses(filter_):
            with unit_of_work(home.catalog, writing=False) as unit:
                filter_ = unit.without_links(home.entry, filter_)
        return bool(matcher(filter_)(self._encode()))

    # What links of this item need (see `backo.references.fields`).

    def _linked(self, node: Node) -> list[str]:
        """Give the ids of a derived link: as last seen, else as they are now."""
        link = self._home.entry.links[node.path]
        if link.many and link.fill is FillStrategy.NOT_FILL:
            return []
        seen = self._links_seen.get(node.path)
        if seen is None:
            id_ = self._values["_id"]
            if id_ is None:
                return []
            with unit_of_work(self._home.catalog, writing=False) as unit:
                seen = tuple(unit.filled(link, [id_]).get(id_, ()))
            self._links_seen[node.path] = seen
        return list(seen)
