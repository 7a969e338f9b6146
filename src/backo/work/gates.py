"""Stand where items are created, changed and deleted: what the current user has no right to is refused.

Each gate is asked once, of what the user himself does, before handlers see it: what handlers and
strategies do to items is the application's own doing. A right to change an item is asked of the item as
it is stored, so that nobody gives himself a right by the very change that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from backo.connectors.base import StoredDocument
from backo.context import SYSTEM, acting_as
from backo.items.changes import changed_paths
from backo.items.record import Record
from backo.paths import FieldPath, to_text, value_at
from backo.references.effects import Delete, LinkChange, MustExist, Plan
from backo.schema.options import Right
from backo.work.catalog import Entry
from backo.work.loading import loaded
from backo.work.rights import asked, is_allowed, refuse, resolved
from backo.work.sight import Sights
from backo.work.unit import Unit

Unseen: TypeAlias = dict[FieldPath, frozenset[str]]
"""The ids of items that are not there for the user, by the path of the link that would name them."""


def are_open(unit: Unit) -> bool:
    """Tell whether there is nothing to ask."""
    return not unit.catalog.has_secrets()


def doors(unit: Unit, entry: Entry, present: StoredDocument | None) -> None:
    """Ask the right of the collection before what is sent is looked at, so that nobody is judged who may not enter.

    Args:
        unit: the open unit of work.
        entry: the collection.
        present: the item that is to be changed; None when one is to be created, about which only those
            rights are asked that do not look at the item.

    Raises:
        RightError: the user may not.
    """
    if are_open(unit):
        return
    if present is None:
        if resolved(entry.rights.create, "create") is False:
            refuse(f"create this item of {entry.name!r}")
    elif not _Before(entry, present).allows(entry.rights.modify, "modify"):
        refuse(f"change this item of {entry.name!r}")


def creation(unit: Unit, entry: Entry, record: Record) -> None:
    """Ask the rights to create an item with these values.

    Raises:
        RightError: the user may not create it, or not with a value of his for one of the fields.
    """
    if are_open(unit):
        return
    if not is_allowed(entry.rights.create, "create", record):
        refuse(f"create this item of {entry.name!r}")
    if entry.rights.writing:
        after = record._encode(computed=False)
        given = [*changed_paths(entry.schema, {}, after), *filter(_is_cleared(record), entry.rights.writing)]
        paths = [path for path in given if not _is_default(record, path)]
        _check_fields(entry, paths + _links_given(record), {}, after, record)


def _is_default(record: Record, path: FieldPath) -> bool:
    default = record._default_of(path)
    return default is not None and bool(default == record._value_at(path))


def _is_cleared(record: Record) -> Callable[[FieldPath], bool]:
    """Tell of fields whether they had a default, and are unset."""
    return lambda path: record._default_of(path) is not None and record._value_at(path) is None


def _links_given(record: Record) -> list[FieldPath]:
    return [path for path in record._links_given if record._value_at(path)]


def change(unit: Unit, entry: Entry, record: Record, present: StoredDocument) -> None:
    """Ask the rights to change what differs between an item and what it was when it was read.

    Raises:
        RightError: the user may not change the item, or one of the fields.
    """
    if are_open(unit):
        return
    rights, before = entry.rights, _Before(entry, present)
    if not before.allows(rights.modify, "modify"):
        refuse(f"change this item of {entry.name!r}")
    if rights.writing:
        origin = _origin(record)
        paths = [path for path in record._changes() if not (_is_new_group(origin, path) and _is_default(record, path))]
        _check_fields(entry, paths, origin, record._encode(computed=False), before)


def _origin(record: Record) -> Mapping[str, Any]:
    return record._origin.document if record._origin else {}


def _is_new_group(origin: Mapping[str, Any], path: FieldPath) -> bool:
    """Tell whether a field is in a group that was unset."""
    return len(path) > 1 and value_at(origin, path[:-1]) is None


class _Before:
    """An item as it is stored; made a record only when a right asks for it."""

    def __init__(self, entry: Entry, present: StoredDocument) -> None:
        self._entry, self._present = entry, present
        self._record: Record | None = None

    def allows(self, right: Right, name: str) -> bool:
        answer = resolved(right, name)
        if isinstance(answer, bool):
            return answer
        with acting_as(SYSTEM):
            if self._record is None:
                self._record = loaded(self._entry, self._present)
            return asked(answer, name, self._record)


def _check_fields(
    entry: Entry,
    paths: Iterable[FieldPath],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    subject: Record | _Before,
) -> None:
    """Refuse changed fields that the user may not modify.

    Raises:
        RightError: with every one of them.
    """
    writing = entry.rights.writing
    touched = [
        guarded
        for path in dict.fromkeys(paths)
        for guarded in writing
        if guarded == path
        or (guarded[: len(path)] == path and _set_leaves(before, guarded) != _set_leaves(after, guarded))
    ]
    answers: dict[Any, bool] = {}
    for guarded in touched:
        right = writing[guarded]
        if right not in answers:
            answers[right] = (
                subject.allows(right, "modify")
                if isinstance(subject, _Before)
                else is_allowed(right, "modify", subject)
            )
    refused = [to_text(guarded) for guarded in touched if not answers[writing[guarded]]]
    if refused:
        refuse(f"change these fields of an item of {entry.name!r}", refused)


def _set_leaves(tree: Any, path: FieldPath) -> list[Any]:
    """Give the leaves up to the last one that is set: elements without it may come and go behind that."""
    leaves = _leaves(tree, path)
    while leaves and leaves[-1] is None:
        leaves.pop()
    return leaves


def _leaves(tree: Any, path: FieldPath) -> list[Any]:
    """Give what stands at a path of a document, in each element of the lists on the way."""
    if not path or tree is None:
        return [tree]
    if isinstance(tree, list):
        return [leaf for one in tree for leaf in _leaves(one, path)]
    return _leaves(tree.get(path[0]), path[1:]) if isinstance(tree, Mapping) else [tree]


def links(unit: Unit, changes: Sequence[LinkChange]) -> Unseen:
    """Ask the rights that changes of links take at their other side.

    Who writes a list of links whose other side is a `Ref` writes that `Ref`. A link to an item that is
    not there for the user is judged as one to an item that does not exist.

    Returns:
        The ids of such items, by the path of the link that names them.

    Raises:
        RightError: the user may not change an item at the other side.
    """
    if are_open(unit):
        return {}
    sights = Sights(unit)
    unseen: Unseen = {}
    for one in changes:
        target = unit.catalog.entry(one.link.target)
        sight = sights.of(target.name)
        if not sight.is_clear:
            found = unit.get(target, one.added)
            away = frozenset(id_ for id_, there in found.items() if not (sight.has(there) and sight.can_read(there)))
            if away:
                unseen[one.link.path] = away
        _check_other_side(unit, target, one, unseen.get(one.link.path, frozenset()))
    return unseen


def _check_other_side(unit: Unit, target: Entry, change: LinkChange, unseen: frozenset[str]) -> None:
    reverse = unit.catalog.graph.reverse_of(change.link)
    if reverse is None or reverse.many or not change.link.many:
        return
    if target.rights.modify in (None, True) and reverse.path not in target.rights.writing:
        return
    for id_, present in unit.get(target, [*change.added, *change.removed]).items():
        before = _Before(target, present)
        allowed = before.allows(target.rights.modify, "modify")
        if id_ not in unseen and not (allowed and before.allows(target.rights.writing.get(reverse.path), "modify")):
            refuse("change what is at the other side of this link", [to_text(change.link.path)])


def without_unseen(unit: Unit, changes: Sequence[LinkChange], unseen: Unseen) -> list[LinkChange]:
    """Leave out the links to items that are not there for the user: they are never made, and refused in the end."""
    kept = []
    for one in changes:
        away = unseen.get(one.link.path, frozenset())
        if away:
            link, added = one.link, [id_ for id_ in one.added if id_ in away]
            unit.judge_later(
                MustExist(link.collection, one.id, link.path, link.target, id_, unseen=True) for id_ in added
            )
            one = replace(one, added=tuple(id_ for id_ in one.added if id_ not in away))  # noqa: PLW2901  # the rest of it
        kept.append(one)
    return kept


def deletion(unit: Unit, plan: Plan, asked_for: Iterable[tuple[str, str]], known: set[tuple[str, str]]) -> None:
    """Ask the rights to delete what a plan deletes.

    Args:
        unit: the open unit of work.
        plan: of the deletion.
        asked_for: what the user himself deletes.
        known: what has been asked already; what is asked now is added.

    Raises:
        RightError: one of the items may not be deleted.
    """
    if are_open(unit):
        return
    own = set(asked_for)
    for one in plan.effects:
        if not isinstance(one, Delete) or (one.collection, one.id) in known:
            continue
        known.add((one.collection, one.id))
        entry = unit.catalog.entry(one.collection)
        present = unit.get(entry, [one.id]).get(one.id)
        if present is not None and not _Before(entry, present).allows(entry.rights.delete, "delete"):
            is_own = (one.collection, one.id) in own
            refuse(f"delete this item of {entry.name!r}" if is_own else "delete what would be deleted along with it")
