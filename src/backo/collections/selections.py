"""Selections: named lists of values of items, declared with selectors, a filter, an order and a right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from backo import jsontext
from backo.collections.offering import offered, read_description, read_options
from backo.collections.rendering import View, masked_view, rendered
from backo.collections.scope import CollectionScope
from backo.collections.selecting import selected
from backo.collections.selectors import Reach, compile_selectors
from backo.connectors.base import StoredDocument
from backo.context import current_user
from backo.errors import DefinitionError, QueryError, RightError, shown
from backo.paths import Selector, parse_selector
from backo.query.filters import EVERYTHING, Filter, SortKey
from backo.query.strings import parse_sort
from backo.schema.options import Function, Right, adapted, blame, read_right
from backo.work.catalog import Entry
from backo.work.rights import is_allowed
from backo.work.sight import Sights

Criteria: TypeAlias = Mapping[str, Any]
Parser: TypeAlias = Callable[[Criteria | None], Filter]

ALL = "_all"  # the selection that every collection has
ALIASES: Mapping[str, str] = {"read": "can_read", "desc": "description"}

READ = "read"  # the name of the right


class Selection:
    """A named list of items, each as a row of selected values.

    Args:
        selectors: what a row holds, after the `_id`: `["$.title", "$.borrow.user.login"]`; None for whole items.
        filter: which items: a dict, or a function that gives one and may take the current user.
        sort: in which order, where a query does not say: `"name,-age"`, or a list.
        can_read: a bool, or `f("read", item) -> bool`, asked with a new item of the collection.
        description: a sentence for people.

    Raises:
        DefinitionError: an argument makes no sense.
    """

    def __init__(
        self,
        selectors: Sequence[str] | None = None,
        *,
        filter: Criteria | Function | None = None,
        sort: str | Sequence[str] = (),
        can_read: Right = None,
        description: str | None = None,
        **aliases: Any,
    ) -> None:
        named = {"can_read": can_read, "description": description}
        options = read_options("Selection", named, ALIASES, aliases)
        self._selectors = _read_selectors(selectors)
        self._filter = _read_filter(filter)
        self._sort = sort
        self._can_read = read_right("Selection: can_read", options["can_read"])
        self._description = read_description("Selection", options["description"])


def _read_selectors(selectors: Any) -> tuple[tuple[str, Selector], ...] | None:
    if selectors is None:
        return None
    if isinstance(selectors, str) or not isinstance(selectors, Sequence):
        message = f"Selection takes a list of selectors, not {shown(selectors)}"
        raise DefinitionError(message, hint="write ['$.name'], or None for whole items")
    try:
        return tuple((text, parse_selector(text)) for text in selectors)
    except QueryError as error:
        message = f"Selection: {error.message}"
        raise DefinitionError(message, hint=error.hint) from None


def _read_filter(given: Any) -> Criteria | Function | None:
    if given is None or isinstance(given, Mapping):
        return given
    return adapted(given, 1, what="Selection: filter")


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSelection:
    """A selection of one collection.

    Attributes:
        name: under which it is registered.
        collection: where.
        selectors: as they were written; None for whole items.
        reaches: the same, compiled.
        views: of the sources that they read from; the first is that of the collection.
        filter: which items, or a function that gives the criteria.
        parse: reads criteria.
        sort: the order where a query does not say.
        can_read: a right.
        description: a sentence for people.
    """

    name: str
    collection: str
    selectors: tuple[str, ...] | None
    reaches: tuple[Reach, ...]
    views: tuple[View, ...]
    filter: Filter | Function
    parse: Parser
    sort: tuple[SortKey, ...]
    can_read: Right
    description: str | None

    @property
    def closed(self) -> bool:
        """Whether nobody may ever read it."""
        return self.can_read is False

    def ask(self, new: Callable[[], Any]) -> None:
        """Ask the right.

        Args:
            new: makes the item about which a function is asked.

        Raises:
            RightError: the current user may not.
        """
        if not is_allowed(self.can_read, READ, new() if callable(self.can_read) else None):
            message = f"the selection {self.name!r} of {self.collection!r} is not for this user"
            raise RightError(message)

    def condition(self) -> Filter:
        """Say which items are meant, now and for the current user.

        Raises:
            DefinitionError: the function gave no filter.
            Exception: what the function raises.
        """
        if not callable(self.filter):
            return self.filter
        where = f"the selection {self.name!r} of {self.collection!r}"
        try:
            criteria = self.filter(current_user)
        except Exception as error:
            blame(error, "filter", where)
            raise
        if not isinstance(criteria, Mapping):
            message = f"{where}: the filter function gave {shown(criteria)}, which is no filter"
            raise DefinitionError(message, hint="give a dict; {} for all items")
        return _parsed(self.parse, criteria, where)

    def rows(self, sights: Sights, view: View, page: Sequence[StoredDocument]) -> list[bytes]:
        """Give the JSON text of each row of a page; whole items are shown in the view.

        Raises:
            QueryError: the rows would name too many items.
        """
        if self.selectors is None:
            return rendered(sights, view, page)
        return [jsontext.encode(row) for row in selected(sights, self.views, self.reaches, page)]


def compile_selection(
    scope: CollectionScope, entries: Mapping[str, Entry], parse: Parser, name: str, selection: Selection
) -> CompiledSelection:
    """Compile a selection, for one of the collections that it is registered in.

    Args:
        scope: of the collection.
        entries: all collections.
        parse: reads criteria.
        name: under which it is registered.
        selection: the declaration.

    Raises:
        DefinitionError: naming the collection and the selection.
    """
    where = f"{scope.name}: the selection {name!r}"
    declared = selection._selectors
    try:
        reaches, sources = compile_selectors(scope, declared or ())
        sort = parse_sort(selection._sort, scope)
    except (DefinitionError, QueryError) as error:
        message = f"{where}: {error.message}"
        raise DefinitionError(message, problems=error.problems, hint=error.hint) from error
    return CompiledSelection(
        name=name,
        collection=scope.name,
        selectors=None if declared is None else tuple(text for text, _ in declared),
        reaches=reaches,
        views=tuple(masked_view(entries[one.collection], "", one.mask, one.crossed) for one in sources),
        filter=selection._filter if callable(selection._filter) else _parsed(parse, selection._filter, where),
        parse=parse,
        sort=sort,
        can_read=selection._can_read,
        description=selection._description,
    )


def find_selection(selections: Mapping[str, CompiledSelection], name: str, collection: str) -> CompiledSelection:
    """Give a selection of a collection by its name.

    Raises:
        NotFoundError: there is none.
    """
    return offered(selections, name, "selection", collection)


def _parsed(parse: Parser, criteria: Criteria | None, where: str) -> Filter:
    """Read criteria that a declaration gives."""
    if criteria is None:
        return EVERYTHING
    try:
        return parse(criteria)
    except QueryError as error:
        message = f"{where}: its filter makes no sense"
        raise DefinitionError(message, problems=error.problems, hint=error.hint) from error
