"""A collection: items of one kind, where they live, and what may be done with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from backo import jsontext
from backo.collections import bulk
from backo.collections.actions import Action, CompiledAction, compile_action
from backo.collections.entity import Entity
from backo.collections.metadata import GenericMetaDataHandler, StandardMetaDataHandler, is_standard
from backo.collections.offering import declare
from backo.collections.rendering import view_of
from backo.collections.scope import CollectionScope, scope_for
from backo.collections.selections import ALL, CompiledSelection, Selection, compile_selection, find_selection
from backo.connectors.base import Column, DBConnector, Lock, Store, StoredDocument, Structure
from backo.context import SYSTEM, acting_as, current_user
from backo.errors import DefinitionError, Problem, QueryError, StateError, ValidationError, nearest, shown
from backo.ids import is_id, new_id
from backo.items.definition import Item
from backo.items.generating import record_class
from backo.paths import FieldPath, is_name, parse_field_path, to_text
from backo.query.filters import EVERYTHING, NOTHING, Compare, Filter, Operator, Query, both
from backo.query.parsing import parse_filter
from backo.query.strings import CLIENT_VIEW, parse_sort
from backo.references.fields import FillStrategy, Ref, RefsList
from backo.references.links import Link, LinkGraph, declared_links
from backo.schema.compiler import Schema, compile_schema
from backo.schema.containers import has_files
from backo.schema.kinds import Kind
from backo.schema.options import Function, Right, adapted, read_right
from backo.schema.problems import MAX_PROBLEMS
from backo.work import changing
from backo.work.catalog import Catalog, Entry, Limits
from backo.work.creating import placed
from backo.work.loading import loaded
from backo.work.rights import Rights, guards_of, tell_failure
from backo.work.sight import Sights, present
from backo.work.unit import Unit, unit_of_work

if TYPE_CHECKING:
    from backo.collections.application import Application

_log = logging.getLogger("backo.backoffice")

Visible: TypeAlias = "Mapping[str, Any] | bool | Function | None"
"""The rows that are there for a user: a filter, `f(user)` that gives one, or None for all."""
T = TypeVar("T")

_FROM_CODE = Limits(filter=100_000, pattern=10_000)
_HANDED_ALONG = "transaction_id"  # code may hand it to every method; it is not needed
_MAX_ID = 500  # characters, as of every unique text
BATCH_SIZE = 10_000  # items that are created in one unit of work, unless somebody says otherwise
_PAGE = 1000  # items that a selection in Python reads at a time


class Collection:
    """Items of one kind in one store.

    Args:
        name: of the collection; part of its addresses.
        item: what its items are made of.
        connector: where they live.
        can_read: whether items may be read: a bool, or `f(right_name, item) -> bool`.
        can_create: whether a new item may be stored.
        can_modify: whether an item may be changed.
        can_delete: whether an item may be deleted.
        visible: the rows that are there for a user: a filter, or `f(user) -> filter`.
        schema_version: part of the fingerprint of the schema; raise it when functions change what fits.
        meta_data_handler: keeps `_meta`; None for none.

    Raises:
        DefinitionError: an argument makes no sense.
    """

    def __init__(
        self,
        name: str,
        item: Item,
        connector: Store | DBConnector,
        *,
        can_read: Right = None,
        can_create: Right = None,
        can_modify: Right = None,
        can_delete: Right = None,
        visible: Visible = None,
        schema_version: int | str = 0,
        meta_data_handler: GenericMetaDataHandler | None = StandardMetaDataHandler(),  # noqa: B008  # it has no state
    ) -> None:
        if not isinstance(name, str) or not is_name(name) or name.startswith("_"):
            message = f"a collection cannot be called {shown(name)}"
            raise DefinitionError(message, hint="names are identifiers that do not start with '_'")
        if not isinstance(item, Item):
            message = f"the collection {name!r} needs an Item, not {shown(item)}"
            raise DefinitionError(message)
        if not isinstance(connector, Store | DBConnector):
            message = f"the collection {name!r} needs a connector such as DBSqliteConnector(…), not {shown(connector)}"
            raise DefinitionError(message)
        if meta_data_handler is not None and not isinstance(meta_data_handler, GenericMetaDataHandler):
            message = f"the collection {name!r} needs a handler of metadata, not {shown(meta_data_handler)}"
            raise DefinitionError(message, hint=_handler_hint(meta_data_handler))
        self.name = name
        self.item = item
        self.connector = connector
        self.schema_version = schema_version
        self.meta_data_handler = meta_data_handler
        self.can_read = read_right(f"{name}: can_read", can_read)
        self.can_create = read_right(f"{name}: can_create", can_create)
        self.can_modify = read_right(f"{name}: can_modify", can_modify)
        self.can_delete = read_right(f"{name}: can_delete", can_delete)
        self.visible = _read_visible(name, visible)
        self.store = _store_of(connector)
        self.actions: Mapping[str, CompiledAction] = {}
        self.selections: Mapping[str, CompiledSelection] = {}
        self._views: dict[str, list[FieldPath]] = {}
        self._actions: dict[str, Action] = {}
        self._selections: dict[str, Selection] = {ALL: Selection()}
        self._application: Application | None = None
        self._entry: Entry | None = None
        self._scope: CollectionScope | None = None

    # Assembling.

    def bind(self, application: Application) -> None:
        """Belong to an application.

        Raises:
            DefinitionError: it belongs to another one already.
        """
        if self._application is not None:
            message = f"the collection {self.name!r} is registered already"
            raise DefinitionError(message)
        self._application = application
        self.item._homes.append(self)  # a declaration knows its collections

    def define_view(self, name: str, selectors: Sequence[str]) -> None:
        """Declare a view that shows some fields only.

        Args:
            name: of the view, for `?_view=` and `get_view`.
            selectors: the fields, such as `["$.name", "$.address.zip"]`.

        Raises:
            QueryError: one is not the path of a field.
            StateError: the application is assembled.
        """
        self._check_open("a view cannot be defined")
        self._views[name] = [parse_field_path(selector) for selector in selectors]

    def register_action(self, name: str, action: Action) -> None:
        """Offer an action on the items; one may be registered in several collections.

        Raises:
            DefinitionError: it is no Action, or its name cannot be or is taken.
            StateError: the application is assembled.
        """
        self._check_open("an action cannot be registered")
        declare(self._actions, name, action, Action, self.name)

    add_action = register_action

    def register_selection(self, name: str, selection: Selection) -> None:
        """Offer a selection of the items; one may be registered in several collections.

        Raises:
            DefinitionError: it is no Selection, or its name cannot be or is taken.
            StateError: the application is assembled.
        """
        self._check_open("a selection cannot be registered")
        declare(self._selections, name, selection, Selection, self.name)

    def _check_open(self, what: str) -> None:
        if self._entry is not None:
            message = f"{what} once the application is assembled"
            raise StateError(message)

    def references(self) -> dict[FieldPath, Ref | RefsList]:
        """Give the declared references by path.

        Raises:
            DefinitionError: one is where it cannot be.
        """
        try:
            return dict(declared_links(self.item._fields))  # a collection reads its declaration
        except DefinitionError as error:
            message = f"{self.name}: {error.message}"
            raise DefinitionError(message, hint=error.hint) from error

    def compile(self, graph: LinkGraph) -> Entry:
        """Compile the declaration, now that the links are resolved.

        Raises:
            DefinitionError: naming the path.
        """
        item, links = self.item, {link.path: link for link in graph.of(self.name)}
        if self.meta_data_handler is not None:
            self.meta_data_handler.append_schema(item)
        item._frozen = True  # as above
        schema = compile_schema(
            self.name,
            item._fields,  # as above
            item._options,  # as above
            system=item._system,  # as above
            derived=[path for path, link in links.items() if link.derived],
            version=self.schema_version,
            views=self._views,
        )
        _refuse_unjudged(schema, graph)
        self.store.declare(Structure(self.name, tuple(_columns(schema, links, graph))))
        stamp = None if self.meta_data_handler is None else self.meta_data_handler.update
        kind, attributes, contents = Entity, {"_home": self}, None
        if has_files(item._fields.values()):  # as above
            from backo.collections import filing  # noqa: PLC0415  # few need it, and it takes long to load

            contents = filing.contents_of(self, schema)
            kind, attributes = filing.FileEntity, {**attributes, **filing.attributes_of(contents)}
        record = record_class(schema, kind, attributes, kind=type(item))
        alike = self.meta_data_handler is None or is_standard(self.meta_data_handler)
        custom = type(item) is not Item
        rights = self._rights(schema)
        self._entry = Entry(self.name, schema, self.store, record, stamp, links, rights, contents, alike, custom)
        self._scope = None
        return self._entry

    def _rights(self, schema: Schema) -> Rights:
        return Rights(
            read=self.can_read,
            create=self.can_create,
            modify=self.can_modify,
            delete=self.can_delete,
            rows=None if self.visible is None else self._visible_rows,
            reading=guards_of(schema, "can_read"),
            writing=guards_of(schema, "can_modify"),
        )

    def _visible_rows(self) -> Filter:
        """Give the rows that are there for the current user: none when that cannot be told."""
        visible = self.visible
        try:
            given = visible(current_user) if callable(visible) else visible
            if isinstance(given, bool):
                return EVERYTHING if given else NOTHING
            if isinstance(given, Mapping):
                return self.filter(given)
        except Exception as error:  # noqa: BLE001  # a right that raises denies
            tell_failure(f"visible of {self.name!r}", error)
        else:
            _log.warning("visible of %r gave %s instead of a filter, so nothing is there", self.name, type(given))
        return NOTHING

    def check_visible(self) -> None:
        """Read the filter of `visible` once, where it is no function.

        Raises:
            DefinitionError: it makes no sense.
        """
        if isinstance(self.visible, Mapping):
            try:
                self.filter(self.visible)
            except QueryError as error:
                message = f"{self.name}: visible is no filter of its items: {error}"
                raise DefinitionError(message, hint=error.hint, problems=error.problems) from error

    def compile_offers(self, entries: Mapping[str, Entry]) -> None:
        """Compile actions and selections, now that every collection is.

        Raises:
            DefinitionError: naming the action or the selection.
        """
        self.actions = {name: compile_action(self.name, name, one) for name, one in self._actions.items()}
        self.selections = {
            name: compile_selection(self.scope, entries, self.filter, name, one)
            for name, one in self._selections.items()
        }

    @property
    def entry(self) -> Entry:
        """The assembled collection; assembles the application at the first use."""
        if self._entry is None:
            self.application.assemble()
        if self._entry is None:
            message = f"the collection {self.name!r} is not assembled"
            raise StateError(message)
        return self._entry

    @property
    def application(self) -> Application:
        """The application that the collection belongs to.

        Raises:
            StateError: it belongs to none.
        """
        if self._application is None:
            message = f"the collection {self.name!r} is not registered"
            raise StateError(message, hint="call backoffice.register_collection(…) first")
        return self._application

    @property
    def catalog(self) -> Catalog:
        """The assembled application."""
        return self.application.catalog

    @property
    def schema(self) -> Schema:
        """The compiled schema of the items."""
        return self.entry.schema

    @property
    def links(self) -> Mapping[FieldPath, Link]:
        """The resolved links of the items, by path."""
        return self.entry.links

    @property
    def scope(self) -> CollectionScope:
        """What a filter may name here."""
        if self._scope is None:
            entry = self.entry
            others = self.application.collections
            self._scope = CollectionScope(self.name, entry.schema, entry.links, lambda name: others[name].scope)
        return self._scope

    def scope_for(self, sights: Sights) -> CollectionScope:
        """Give what the current user may name in a filter."""
        if sights.is_clear:
            return self.scope
        others = self.application.collections
        return scope_for(self.name, lambda name: others[name].scope, sights)

    def filter(self, criteria: Mapping[str, Any] | None) -> Filter:
        """Read a filter that Python code gives; it may be as large as the code likes.

        Raises:
            QueryError: it makes no sense.
        """
        return EVERYTHING if criteria is None else parse_filter(criteria, self.scope, _FROM_CODE)

    # Items.

    def new(self, **kwargs: Any) -> Entity:
        """Give a fresh item, UNSET, with its defaults."""
        del kwargs
        record = self.entry.record()
        if not isinstance(record, Entity):
            message = f"{self.name!r} makes {type(record).__name__}"
            raise TypeError(message)
        record._give_defaults()  # a collection makes its records
        return record

    new_item = new

    def set(self, values: Mapping[str, Any] | Sequence[Mapping[str, Any]], **kwargs: Any) -> Any:
        """Give one new, unsaved item with these values, or several for a list.

        Raises:
            ValidationError: with every problem and its path, which in a list starts with the index: `$[1].name`.
        """
        del kwargs
        if not isinstance(values, list | tuple):
            return self._new_with(values)
        records: list[Entity] = []
        problems: list[Problem] = []
        for index, one in enumerate(values):
            try:
                records.append(self._new_with(one))
            except ValidationError as error:
                problems += placed(index, error)
            if len(problems) >= MAX_PROBLEMS:
                break
        if problems:
            message = f"{self.name} is not valid"
            raise ValidationError(message, problems=problems[:MAX_PROBLEMS])
        return records

    def _new_with(self, values: Any) -> Entity:
        record = self.new()
        record.set(values)
        return record

    def make_id(self, record: Any) -> str:
        """Make the `_id` of a new item: what the connector's `generate_id` says, else a UUIDv7.

        Raises:
            DefinitionError: the function gave something that is no id.
        """
        make = self.connector.generate_id
        if make is None:
            return new_id()
        id_ = make(record)
        limit = min(self.catalog.limits.id, _MAX_ID)
        if not isinstance(id_, str) or not is_id(id_, limit):
            message = f"{self.name}: generate_id gave {shown(id_)}, which is not an id"
            hint = f"give a text of at most {limit} characters, without '/' and control characters, no '_' in front"
            raise DefinitionError(message, hint=hint)
        return id_

    def store_new(
        self, unit: Unit, record: Entity, before: Sequence[str] = (), after: Sequence[str] = ("created",)
    ) -> None:
        """Give a new item its `_id` and store it in a unit of work, with these events; raises as `create` does."""
        is_fresh = self.connector.generate_id is None
        changing.create(unit, self.entry, record, self.make_id, before=before, after=after, is_fresh=is_fresh)

    def create(self, values: Mapping[str, Any], **kwargs: Any) -> Entity:
        """Check values and store them as a new item.

        Raises:
            RightError: the current user may not.
            ValidationError: with every problem and its path.
            ConflictError: a unique value is taken.
        """
        return self.new().create(values, **kwargs)

    def create_many(
        self,
        values: Iterable[Mapping[str, Any]],
        *,
        batch_size: int = BATCH_SIZE,
        on_batch: Callable[[list[str]], object] | None = None,
        **kwargs: Any,
    ) -> int:
        """Check values and store them as new items, as `create` does for each in its order, only faster.

        Each batch is one unit of work, and is stored whole or not at all; inside `transaction()` all of
        them belong to it. References, required links and unique values are judged at the end of the unit,
        so items of a batch may name one another. The values are read as they are needed: memory stays
        constant, however many there are.

        Args:
            values: those of each item, such as a generator gives.
            batch_size: how many items are stored at once.
            on_batch: is called with each `_id` of a batch, as a list in order, once it is stored.
            kwargs: `transaction_id` is accepted and not needed.

        Returns:
            How many items were created.

        Raises:
            RightError: the current user may not create one of them.
            ValidationError: with every problem of the batch; paths begin with the position, as in `$[17].name`.
            ConflictError: an `_id` or a unique value is taken.
            TypeError: there is no such keyword.
        """
        _check_keywords("create_many", kwargs, ("batch_size", "on_batch"))
        return bulk.create_many(self, values, batch_size, on_batch)

    def get_by_id(self, id_: str, **kwargs: Any) -> Entity:
        """Give the stored item with this `_id`.

        Raises:
            NotFoundError: there is none, or none that is there for the current user.
            RightError: the current user may not read it.
        """
        del kwargs
        with unit_of_work(self.catalog, writing=False) as unit:
            return self._entity(present(Sights(unit), self.entry, id_))

    def _stored(self, ids: Sequence[str]) -> list[StoredDocument]:
        with unit_of_work(self.catalog, writing=False) as unit:
            found = unit.get(self.entry, ids, Lock.NONE)
        return [found[id_] for id_ in ids if id_ in found]

    def _entity(self, stored: StoredDocument) -> Entity:
        record = loaded(self.entry, stored)
        if not isinstance(record, Entity):
            message = f"{self.name!r} makes {type(record).__name__}"
            raise TypeError(message)
        return record

    def select(
        self,
        criteria: Mapping[str, Any] | None = None,
        *,
        sort: str | Sequence[str] = (),
        limit: int | None = None,
        **kwargs: Any,
    ) -> Iterator[Entity]:
        """Give the items that match a filter, in order.

        They are read a thousand at a time, so memory stays constant, and items may be saved or
        deleted on the way.

        Args:
            criteria: the filter, such as `{"age": ("$gt", 12)}`; None for all items.
            sort: `"name,-age"`, or a list of such names; `_id` breaks ties.
            limit: at most so many.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            QueryError: the filter, the sort or the limit makes no sense.
            TypeError: there is no such keyword; `transaction_id` is accepted and not needed.
        """
        _check_keywords("select", kwargs, ("sort", "limit"))
        _check_limit(limit)
        return self._pages(Query(self.filter(criteria), parse_sort(sort, self.scope)), limit)

    def run_selection(
        self,
        name: str,
        criteria: Mapping[str, Any] | None = None,
        *,
        sort: str | Sequence[str] = (),
        limit: int | None = None,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """Give the rows of a selection that match a filter too, as they are in JSON.

        Args:
            name: of the selection.
            criteria: narrows it.
            sort: as of `select`; the order of the selection where it is not given.
            limit: at most so many rows.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            NotFoundError: there is no such selection.
            RightError: the current user may not read it.
            QueryError: the filter, the sort or the limit makes no sense.
            TypeError: there is no such keyword.
        """
        _check_keywords("run_selection", kwargs, ("sort", "limit"))
        _check_limit(limit)
        entry = self.entry
        chosen = find_selection(self.selections, name, self.name)
        chosen.ask(self.new)
        view = view_of(entry, CLIENT_VIEW)
        query = Query(both(chosen.condition(), self.filter(criteria)), parse_sort(sort, self.scope) or chosen.sort)
        return map(jsontext.decode, self._read(query, limit, lambda sights, page: chosen.rows(sights, view, page)))

    def _pages(self, query: Query, limit: int | None, *, guarded: bool = True) -> Iterator[Entity]:
        return map(self._entity, self._read(query, limit, lambda _, page: page, guarded=guarded))

    def _read(
        self,
        query: Query,
        limit: int | None,
        show: Callable[[Sights, list[StoredDocument]], Iterable[T]],
        *,
        guarded: bool = True,
    ) -> Iterator[T]:
        """Read page after page, giving what a function makes of each while its unit of work is open."""
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            page = Query(query.filter, query.sort, limit=size, after=query.after)
            rights = nullcontext() if guarded else acting_as(SYSTEM)
            with rights, unit_of_work(self.catalog, writing=False) as unit:
                sights = Sights(unit)
                sight = sights.of(self.name)
                found = sight.find(page)
                after = sight.position(found[-1], query) if found else None
                given = show(sights, found)
            yield from given
            if len(found) < size:
                return
            left = None if left is None else left - size
            query = Query(query.filter, query.sort, after=after)

    def select_one(
        self, criteria: Mapping[str, Any] | None = None, *, sort: str | Sequence[str] = (), **kwargs: Any
    ) -> Entity | None:
        """Give the first item that matches, or None.

        Args:
            criteria: as in `select`.
            sort: as in `select`.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            QueryError: one of them makes no sense.
        """
        _check_keywords("select_one", kwargs, ("sort",))
        return next(self.select(criteria, sort=sort, limit=1), None)

    def count(self, criteria: Mapping[str, Any] | None = None) -> int:
        """Count the items that match a filter.

        Args:
            criteria: the filter; None for all items.

        Raises:
            QueryError: it makes no sense.
        """
        filter_ = self.filter(criteria)
        with unit_of_work(self.catalog, writing=False) as unit:
            return Sights(unit).of(self.name).count(filter_)

    def drop(self) -> None:
        """Delete every item of the collection, as the strategies say, in one unit of work.

        Raises:
            RightError: the current user may not delete one of them; nothing is deleted.
            ConflictError: something refuses; nothing is deleted.
        """

        def do(unit: Unit) -> None:
            changing.delete_all(unit, self.entry, [stored.id for stored in unit.find(self.entry, Query())])

        self.application.run_unit(do)

    # What links need (see `backo.references.fields`).

    def linked_item(self, collection: str, id_: str) -> Entity | None:
        """Give an item of another collection, None when there is none."""
        home = self.application.collections[collection]
        found = home._stored([id_])
        return home._entity(found[0]) if found else None

    def linked_items(self, path: FieldPath, id_: str | None, ids: Sequence[str]) -> Iterator[Entity]:
        """Give the items that a link names, in the order of the ids; by query where they are not filled."""
        link = self.entry.links[path]
        home = self.application.collections[link.target]
        if link.derived and link.fill is FillStrategy.NOT_FILL and id_ is not None and not ids and link.reverse:
            reverse = home.entry.links[link.reverse]
            named = Compare(reverse.path, Operator.EQ, id_, Kind.TEXT, many=reverse.many)
            yield from home._pages(Query(named), None, guarded=False)
            return
        for start in range(0, len(ids), _PAGE):
            yield from map(home._entity, home._stored(ids[start : start + _PAGE]))

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Collection {self.name}>"


def _handler_hint(given: Any) -> str:
    """Say what to write instead of something that is no handler of metadata."""
    if isinstance(given, type) and issubclass(given, GenericMetaDataHandler):
        return f"write {given.__name__}()"
    return "give an instance of a subclass of GenericMetaDataHandler, or None"


def _check_keywords(method: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that a method does not take; `transaction_id` may always be handed along.

    Raises:
        TypeError: naming the nearest one.
    """
    for name in given:
        if name != _HANDED_ALONG:
            hint = nearest(name, [*known, _HANDED_ALONG])
            message = f"{method}() takes no {name!r}" + (f"; {hint}" if hint else "")
            raise TypeError(message)


def _check_limit(limit: Any) -> None:
    """Refuse what is no number of items.

    Raises:
        QueryError: it is none.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        message = f"limit is a whole number from 0, not {shown(limit)}"
        raise QueryError(message)


def _store_of(connector: Store | DBConnector) -> Store:
    """Give the store that a connector is, or what makes one of its five methods."""
    if isinstance(connector, Store):
        return connector
    from backo.connectors.adapted import adapt  # noqa: PLC0415  # few need it, and it loads the journal

    return adapt(connector)


def _read_visible(name: str, visible: Any) -> Visible:
    """Read the option `visible`.

    Raises:
        DefinitionError: it is neither a filter nor a function.
    """
    if visible is None or isinstance(visible, bool | Mapping):
        return visible
    return adapted(visible, 1, what=f"{name}: visible")


def _refuse_unjudged(schema: Schema, graph: LinkGraph) -> None:
    """Refuse conditions on links that are looked up: they change when other items do, and nobody would judge them.

    Raises:
        DefinitionError: naming the path.
    """
    for link in graph.of(schema.name):
        node, reverse = schema.nodes[link.path], graph.reverse_of(link)
        bounds = (getattr(node.field, "min", None), getattr(node.field, "max", None))
        conditions = node.options.constraints or node.options.enum or bounds != (None, None)
        if link.derived and conditions:
            where = f"{schema.name}: {to_text(link.path)}"
            message = f"{where}: min, max, enum and constraints cannot be judged on this side"
            hint = f"it is looked up in {link.target!r}, which stores the link: declare them there"
            if reverse is not None and reverse.many is link.many:
                hint += ", or declare owner=True here"
            raise DefinitionError(message, hint=hint)


def _columns(schema: Schema, links: Mapping[FieldPath, Link], graph: LinkGraph) -> Iterator[Column]:
    """Give the fields worth a column: indexed, unique, or stored links (of one to one, unique too)."""
    for path, node in schema.nodes.items():
        link = links.get(path)
        stored_link = link if link is not None and not link.derived else None
        if not (node.options.index or node.options.unique or stored_link):
            continue
        reverse = graph.reverse_of(stored_link) if stored_link else None
        one_to_one = stored_link is not None and not stored_link.many and reverse is not None and not reverse.many
        unique = node.options.unique or one_to_one
        yield Column(path, node.kind, node.many, index=True, unique=unique, link=stored_link is not None)
