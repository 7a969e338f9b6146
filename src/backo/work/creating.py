"""Create many items of one collection in one unit of work; what does not depend on the item is done once.

Each item is created as `changing.create` does it. Where that comes to nothing but checks, a stamp and a
write, the item takes a shortcut: the same steps on its values alone, without a record, a plan and an undo
of its own. Who asks for more (a function about a value, a link that frees another, a right, a handler) goes
the whole way, and so does an item that is refused, to be told why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backo.errors import BackoError, ConflictError, Problem, RightError, ValidationError
from backo.items.documents import stored_document
from backo.items.record import Record
from backo.paths import value_at
from backo.references.fields import ids_in
from backo.references.links import Link
from backo.schema.judging import NOBODY, judge
from backo.schema.merging import Values, merged_quickly
from backo.schema.nodes import Node
from backo.schema.problems import MAX_PROBLEMS
from backo.work import changing, gates
from backo.work.catalog import Entry
from backo.work.unit import Unit

_log = logging.getLogger("backo.Item")

_REFUSALS = (ValidationError, ConflictError, RightError)
"""Errors whose problems are told with the position of the item."""


def create_all(
    unit: Unit, entry: Entry, given: Iterable[Any], make_id: Callable[[Record], str], *, is_fresh: bool, start: int
) -> list[Mapping[str, Any]]:
    """Create items in their order, all or none.

    Args:
        unit: the open unit of work.
        entry: the collection.
        given: the values of each item.
        make_id: makes the `_id` of an item.
        is_fresh: whether nobody can have used such an `_id` before.
        start: the position of the first one, for paths such as `$[17].name`.

    Returns:
        Their documents as they were created.

    Raises:
        RightError: the user may not create one of them.
        ValidationError: with the problems of every item.
        ConflictError: an `_id` is taken.
    """
    batch = _Batch(unit, entry, make_id, is_fresh=is_fresh)
    problems: list[Problem] = []
    with unit.operation():
        for position, values in enumerate(given, start):
            try:
                if problems:
                    _look_at(entry, values)
                else:
                    batch.add(position, values)
            except ValidationError as error:
                problems += placed(position, error)
                if len(problems) >= MAX_PROBLEMS:
                    break
            except Exception as error:
                if problems:  # perhaps it misses an item that was refused
                    break
                if isinstance(error, _REFUSALS):
                    error.problems = tuple(placed(position, error))
                raise
        if problems:
            message = f"{entry.name} is not valid"
            raise ValidationError(message, problems=problems[:MAX_PROBLEMS])
        batch.settle()
        unit.number(entry.name, start, [document["_id"] for document in batch.documents])
    return batch.documents


def placed(position: int, error: BackoError) -> list[Problem]:
    """Give the problems of one item of many; an error that names none is one itself."""
    problems = error.problems or (Problem("$", error.code, error.message),)
    return [Problem(f"$[{position}]{one.path.removeprefix('$')}", one.code, one.message) for one in problems]


def _new(entry: Entry, values: Any) -> Record:
    record = entry.record()
    record._give_defaults()
    record._fill(values)
    return record


def _look_at(entry: Entry, values: Any) -> None:
    """Check an item that is not going to be stored.

    Raises:
        ValidationError: with every problem and its path.
    """
    required = [path for path, link in entry.links.items() if link.required]
    _new(entry, values)._judge_complete(later=required)


class _Batch:
    """Items on their way into a unit of work; those on the shortcut wait, to go together."""

    __slots__ = ("_entry", "_is_fresh", "_make_id", "_shortcut", "_unit", "_waiting", "documents")

    def __init__(self, unit: Unit, entry: Entry, make_id: Callable[[Record], str], *, is_fresh: bool) -> None:
        self._unit = unit
        self._entry = entry
        self._make_id = make_id
        self._is_fresh = is_fresh
        self._shortcut = _Shortcut.of(unit, entry)
        self._waiting: list[tuple[int, dict[str, Any]]] = []
        self.documents: list[Mapping[str, Any]] = []

    def add(self, position: int, given: Any) -> None:
        """Create one item; raises as `changing.create` does."""
        make_id, shortcut = self._make_id, self._shortcut
        values = None if shortcut is None else shortcut.taken_by(given)
        if shortcut is not None and values is not None:
            record = shortcut.blank if self._is_fresh else shortcut.record_of(values)
            id_ = make_id(record)
            if not self._unit.deferred((self._entry.name, id_)):
                document = shortcut.document(values if self._is_fresh else record._values, id_)
                self._waiting.append((position, document))
                self.documents.append(document)
                return
            make_id = lambda _: id_  # noqa: E731  # it is made once
        self.settle()
        record = _new(self._entry, given)
        changing.create(self._unit, self._entry, record, make_id, is_fresh=self._is_fresh, is_own=True)
        if record._origin is not None:
            self.documents.append(record._origin.document)

    def settle(self) -> None:
        """Hand over what waits, before somebody else may look for it.

        Raises:
            ConflictError: an `_id` is taken.
        """
        if not self._waiting or self._shortcut is None:
            return
        waiting, self._waiting = self._waiting, []
        if not self._is_fresh:
            self._refuse_taken(waiting)
        documents = [document for _, document in waiting]
        self._unit.put_new(self._entry, documents)
        for link in self._shortcut.links:
            self._unit.expect(link, _named(link, documents))
        if _log.isEnabledFor(logging.DEBUG):
            for document in documents:
                _log.debug("created %s of %s", document["_id"], self._entry.name)

    def _refuse_taken(self, waiting: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        taken = set(self._unit.get(self._entry, [document["_id"] for _, document in waiting]))
        problems = []
        for position, document in waiting:
            if document["_id"] in taken:
                problems.append(Problem(f"$[{position}]._id", "unique", "Is taken"))
            taken.add(document["_id"])
        if problems:
            message = f"there is an item with this _id in {self._entry.name!r} already"
            raise ConflictError(message, problems=problems[:MAX_PROBLEMS])


def _named(link: Link, documents: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """List which item names which one."""
    if len(link.path) == 1 and not link.many:
        name = link.path[0]
        return [(document["_id"], document[name]) for document in documents if document[name] is not None]
    return [(document["_id"], target) for document in documents for target in ids_in(value_at(document, link.path))]


class _Shortcut:
    """What there is to do for items of a collection of which nothing else is asked.

    Attributes:
        blank: a record in which nothing is set.
        links: the stored links, which may name any item that is there in the end.
    """

    __slots__ = ("_checks", "_entry", "_judged", "_required", "_stamped", "_started", "_unset", "blank", "links")

    def __init__(self, entry: Entry, started: Values, unset: Iterable[str], links: Iterable[Link]) -> None:
        schema = entry.schema
        self._entry = entry
        self._started = started
        self._checks = schema.checks
        self._unset = tuple(unset)
        judged = [node for node in schema.judged if not (node.asks or node.read_only)]
        self._required = tuple(node.name for node in judged if _is_only_required(node))
        self._judged = tuple(node for node in judged if not _is_only_required(node))
        self.links = tuple(links)
        self.blank = entry.record()
        self._stamped: dict[str, Any] = {}
        if entry.stamp is not None:
            changing.stamp(entry, self.blank)
            stamped = stored_document(self.blank, schema, self.blank._values, computed=False)
            self._stamped = {name: value for name, value in stamped.items() if name.startswith("_") and name != "_id"}

    @classmethod
    def of(cls, unit: Unit, entry: Entry) -> _Shortcut | None:
        """Give the shortcut of a collection; None where something is asked of each of its items."""
        schema = entry.schema
        started, options = schema.started, schema.options
        is_bare = not (options.transform or options.onchange or options.constraints or entry.is_custom)
        is_quiet = not (schema.conditional or schema.computed or schema.handlers("created")) and entry.contents is None
        if started is None or not is_bare or not is_quiet or not entry.stamps_alike or not gates.are_open(unit):
            return None
        if any(node is not None for _, _, node in schema.writers):
            return None
        if any(link.derived and link.required for link in entry.links.values()):
            return None
        stored = [link for link in entry.links.values() if not link.derived]
        reverse_of = unit.catalog.graph.reverse_of
        unset = {node.name: None for node in schema.judged if node.asks and not node.read_only}
        unset |= {link.path[0]: None for link in stored if _frees(link, reverse_of(link))}
        return cls(entry, started, unset, [link for link in stored if link.path[0] not in unset])

    def taken_by(self, given: Any) -> Values | None:
        """Give the checked values of an item that takes the shortcut, None for any other one."""
        if type(given) is not dict and not isinstance(given, Mapping):
            return None
        values = merged_quickly(self._started, given, self._checks)
        if values is None:
            return None
        for name in self._required:
            if values[name] is None:
                return None
        for name in self._unset:
            if values[name] is not None:
                return None
        if self._judged and judge(self._judged, values, NOBODY, complete=True):
            return None
        return values

    def record_of(self, values: Values) -> Record:
        """Make a record of checked values, for who makes ids of them."""
        record = self._entry.record()
        record._hold(values, None)
        record._touched = True
        return record

    def document(self, values: Values, id_: str) -> dict[str, Any]:
        """Give the document to store."""
        values["_id"] = id_
        document = stored_document(self.blank, self._entry.schema, values, computed=True)
        document.update(self._stamped)
        return document


def _is_only_required(node: Node) -> bool:
    """Tell whether all that is asked of a field in the end is that it has a value."""
    is_judged_inside = any(one.judged for one in (*node.children.values(), node.element) if one is not None)
    return node.options.required and not is_judged_inside and not node.field.links and not node.derived


def _frees(link: Link, reverse: Link | None) -> bool:
    """Tell whether to name an item changes other items."""
    return link.symmetric or (reverse is not None and not link.many and not reverse.many)
