"""Create, save and delete items inside a unit of work: the story of each, told once.

    before handlers → what changed → plan of effects → refusals → apply → after handlers

Every change of every item, whether asked for or an effect of another change, ends in `_store`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from backo.connectors.base import Lock, StoredDocument
from backo.errors import ConflictError, Problem, StateError
from backo.items.changes import changed_paths, laid_over, merged_ids
from backo.items.record import Origin, Record, ids_of
from backo.paths import FieldPath, to_text, value_at
from backo.references.effects import (
    AddLink,
    Delete,
    Key,
    LinkChange,
    MustNotBeEmpty,
    Plan,
    RemoveLink,
    plan_change,
    plan_deletion,
)
from backo.references.fields import FillStrategy, ids_in
from backo.references.links import Link
from backo.work import gates
from backo.work.catalog import Entry, not_found
from backo.work.loading import loaded
from backo.work.unit import Unit

_log = logging.getLogger("backo.Item")
_ref_log = logging.getLogger("backo.ref")

_SHOWN = 100  # effects of one plan that are logged


def create(
    unit: Unit,
    entry: Entry,
    record: Record,
    make_id: Callable[[Record], str],
    *,
    before: Iterable[str] = (),
    after: Iterable[str] = ("created",),
    is_fresh: bool = False,
    is_own: bool = False,
) -> None:
    """Store a new item.

    Args:
        unit: the open unit of work.
        entry: its collection.
        record: the item; afterwards it is SAVED.
        make_id: makes its `_id`.
        before: the events that are fired first.
        after: those that are fired afterwards.
        is_fresh: whether nobody can have used the `_id` before, because it was made just now.
        is_own: whether the record was made for this alone, so that nobody wants it back as it was.

    Raises:
        RightError: the user may not create it.
        ValidationError: it is not complete.
        ConflictError: the `_id` is taken.
    """
    with unit.operation():
        if not is_own:
            unit.undo_with(record._checkpoint())
        gates.creation(unit, entry, record)
        unseen = _unseen(unit, entry, record)
        for name in before:
            record.trigg(name)
        id_ = record._values["_id"] = make_id(record)
        given = _derived_links(record)
        _take_deferred(unit, entry, record, id_)
        _complete(unit, entry, record, id_)
        if not is_fresh and unit.get(entry, [id_]):
            message = f"there is an item with this _id in {entry.name!r} already"
            raise ConflictError(message, problems=[Problem("$._id", "unique", "Is taken")])
        changes = gates.without_unseen(unit, _link_changes(unit, entry, record, id_), unseen)
        plan = unit.solve(
            plan_change(unit.catalog.graph, changes)
        )  # before it is there, or it would stand in its own way
        _store(unit, entry, record, id_)
        _carry_out(unit, plan, (entry.name, id_))
        if plan.effects:
            _refresh(unit, entry, record, id_)
        unit.judge_later(_required_links(entry, id_))
        record._links_seen = {link.path: given.get(link.path, ()) for link in entry.links.values() if link.derived}
        record._forget_derived()
        for name in after:
            record.trigg(name)
        _again(unit, entry, record)


def save(unit: Unit, entry: Entry, record: Record) -> None:
    """Store the changed paths of an item, laid over what is stored now.

    Raises:
        NotFoundError: somebody deleted it.
        RightError: the user may not change it, or one of the fields.
        ConflictError: somebody changed one of the same paths.
        ValidationError: it is not complete, or does not fit together with what others changed.
    """
    id_ = str(record._values["_id"])
    with unit.operation():
        unit.undo_with(record._checkpoint())
        present = unit.get(entry, [id_], Lock.EXCLUSIVE).get(id_)
        if record._origin is not None:
            unit.check_seen(entry, id_, record._origin.rev)
        if present is None:
            raise not_found(entry.name)
        gates.change(unit, entry, record, present)
        unseen = _unseen(unit, entry, record)
        record.trigg("before_save")
        _complete(unit, entry, record, id_)
        _save_changes(unit, entry, record, present, unseen)
        record.trigg("saved")
        _again(unit, entry, record)


def _save_changes(
    unit: Unit,
    entry: Entry,
    record: Record,
    present: StoredDocument,
    unseen: gates.Unseen | None = None,
) -> None:
    """Store what differs, and carry out what it means for other items; links to unseen items are left to the end.

    Raises:
        ConflictError: somebody changed one of the same paths.
    """
    id_, origin = present.id, record._origin
    if origin is None:
        message = "an item that is not stored cannot be saved over a stored one"
        raise StateError(message)
    given = _derived_links(record)
    changes = _derived_changes(unit, entry, record, id_)
    document = record._encode()
    moved = _moved_on(unit, entry, record, document, present)
    if moved:
        message = f"this item of {entry.name!r} has changed since it was read"
        problems = [Problem(to_text(path), "changed", "Was changed by somebody else") for path in moved]
        raise ConflictError(message, problems=problems, hint="reload() it and apply the change again")
    if present.document is not origin.document:
        mine, document = document, _rebased(entry, origin.document, document, present.document)
        if document != mine:
            record._decode(document, present.rev)
            _complete(unit, entry, record, id_)
    changes += _stored_changes(entry, id_, present.document, document)
    changes = gates.without_unseen(unit, changes, unseen or {})
    plan = unit.solve(plan_change(unit.catalog.graph, changes)) if changes else Plan()
    if changes or changed_paths(entry.schema, present.document, document):
        _store(unit, entry, record, id_)
    else:
        record._origin = Origin(present.rev, present.document)
    _carry_out(unit, plan, (entry.name, id_))
    _refresh(unit, entry, record, id_)
    record._links_seen |= given
    record._forget_derived()


def explain(unit: Unit, entry: Entry, record: Record) -> Plan:
    """Plan what saving an item as it is now would do to other items, without doing it."""
    changes = _link_changes(unit, entry, record, str(record._values["_id"]))
    return unit.solve(plan_change(unit.catalog.graph, changes))


def _derived_changes(unit: Unit, entry: Entry, record: Record, id_: str) -> list[LinkChange]:
    """Compare what was assigned to derived links with what was seen there, else with what is there now."""
    changes = []
    for path, now in _derived_links(record).items():
        was = record._links_seen.get(path)
        if entry.links[path].fill is FillStrategy.NOT_FILL:  # what nobody was shown, nobody takes away
            was = ()
        elif was is None:
            was = _members(unit, entry.links[path], id_) if record._origin else ()
        changes.append(LinkChange(entry.links[path], id_, _minus(now, was), _minus(was, now)))
    return changes


def _link_changes(unit: Unit, entry: Entry, record: Record, id_: str) -> list[LinkChange]:
    """List what an item does to its links, against the version that it came from."""
    origin = record._origin.document if record._origin else {}
    stored = _stored_changes(entry, id_, origin, _links_of(entry, record))
    return _derived_changes(unit, entry, record, id_) + stored


def _unseen(unit: Unit, entry: Entry, record: Record) -> gates.Unseen:
    """Ask the rights to what an item does to its links, before handlers do more."""
    if gates.are_open(unit):
        return {}
    return gates.links(unit, _link_changes(unit, entry, record, str(record._values["_id"])))


def _links_of(entry: Entry, record: Record) -> Mapping[str, Any]:
    """Give values in which the stored links of an item can be read; those that do not exist are not there."""
    return record._encode() if entry.schema.conditional else record._values


def _stored_changes(entry: Entry, id_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[LinkChange]:
    """Compare the stored links of two versions of an item."""
    changes = []
    for link in entry.links.values():
        if not link.derived:
            was, now = _stored_ids(link, before), _stored_ids(link, after)
            if was != now:
                changes.append(LinkChange(link, id_, _minus(now, was), _minus(was, now)))
    return changes


def _moved_on(
    unit: Unit, entry: Entry, record: Record, mine: Mapping[str, Any], present: StoredDocument
) -> list[FieldPath]:
    """List the paths that this item changes, and somebody else has changed since it was read.

    Also to the same value, or of two who count one up, one would be lost. Link lists change by single
    ids, so they are among these only when both put the same ids in another order. A `Ref` that was as it
    had been read until this very unit of work cleared it, as when two swap partners, is nobody else's change.
    """
    origin = record._origin.document if record._origin else {}
    first = unit.first((entry.name, present.id))
    theirs = set(changed_paths(entry.schema, origin, present.document))
    moved = []
    for path in changed_paths(entry.schema, origin, mine):
        link = entry.links.get(path)
        if path not in theirs:
            continue
        if link is not None and link.many:
            if merged_ids(*(_stored_ids(link, one) for one in (origin, mine, present.document))) is None:
                moved.append(path)
            continue
        freed = (
            link is not None and not _ids_at(present.document, path) and _ids_at(first, path) == _ids_at(origin, path)
        )
        if not freed:
            moved.append(path)
    for path, now in _derived_links(record).items():
        link, was = entry.links[path], record._links_seen.get(path)
        if not link.many and link.reverse is not None and was is not None and now != was:
            there = _members(unit, link, present.id)
            freed = not there and all(
                present.id in _ids_at(unit.first((link.target, one)), link.reverse) for one in was
            )
            if there != was and not freed:
                moved.append(path)
    return moved


def _rebased(
    entry: Entry, origin: Mapping[str, Any], mine: Mapping[str, Any], present: Mapping[str, Any]
) -> dict[str, Any]:
    """Lay our changes over a version that somebody else stored meanwhile."""
    ours = changed_paths(entry.schema, origin, mine)
    lists = {link.path for link in entry.links.values() if link.many}
    result = laid_over(present, mine, ours)
    for path in ours:
        if path in lists:
            link = entry.links[path]
            ids = merged_ids(*(_stored_ids(link, one) for one in (origin, mine, present)))
            result = laid_over(result, _nested(path, list(ids or ())), [path])
    return result


def delete(unit: Unit, entry: Entry, record: Record) -> None:
    """Delete an item, and do to the others what the strategies say.

    Raises:
        NotFoundError: it is not there any more.
        ConflictError: something refuses; every refusal is told, and nothing is done.
    """
    id_ = str(record._values["_id"])
    if (entry.name, id_) in unit.leaving:  # a handler deletes what is being deleted
        return
    with unit.operation():
        unit.undo_with(record._checkpoint())
        present = unit.get(entry, [id_], Lock.EXCLUSIVE)
        if record._origin is not None:
            unit.check_seen(entry, id_, record._origin.rev)
        if not present:
            raise not_found(entry.name)
        plan = _deletion(unit, [(entry.name, id_)], record)
        _refuse(unit, plan)
        _carry_out(unit, plan)
        record._reset()
        record._give_defaults()


def delete_all(unit: Unit, entry: Entry, ids: Sequence[str]) -> None:
    """Delete items at once: those that go together do not stand in one another's way.

    Raises:
        ConflictError: something refuses; every refusal is told, and nothing is done.
    """
    with unit.operation():
        unit.get(entry, ids, Lock.EXCLUSIVE)
        plan = _deletion(unit, [(entry.name, id_) for id_ in ids])
        _refuse(unit, plan)
        _carry_out(unit, plan)


def _deletion(unit: Unit, keys: Sequence[Key], record: Record | None = None) -> Plan:
    """Plan a deletion; handlers of `before_delete` may change items, then it is planned again.

    The limit is for what is deleted along with what was asked for.
    """
    graph, limit = unit.catalog.graph, unit.catalog.limits.cascade + len(keys) - 1
    asked: set[Key] = set()
    allowed: set[Key] = set()
    try:
        while True:
            plan = unit.solve(plan_deletion(graph, keys, limit), limit)
            gates.deletion(unit, plan, keys, allowed)
            changes = unit.changes
            doomed = [(one.collection, one.id) for one in plan.effects if isinstance(one, Delete)]
            if not unit.are_held(doomed):  # somebody may be referring to one of them: hold them all, and look again
                _read_ahead(unit, doomed)
                continue
            for other in (one for one in doomed if one not in unit.leaving):
                asked.add(other)
                unit.leaving.add(other)
                if unit.catalog.entry(other[0]).schema.handlers("before_delete"):
                    target = record if record is not None and other == keys[0] else _record(unit, other)
                    if target is not None:
                        _before_deletion(unit, other, target)
            if unit.changes == changes:
                return plan
    finally:
        unit.leaving -= asked


def _before_deletion(unit: Unit, key: Key, record: Record) -> None:
    """Fire `before_delete`; links that a handler changes count at once, other changes do not matter any more."""
    entry, id_ = unit.catalog.entry(key[0]), key[1]
    before, given = record._encode(computed=False), _derived_links(record)
    record.trigg("before_delete")
    after, present = record._encode(computed=False), unit.get(entry, [id_]).get(id_)
    if present is None:
        return
    changes = [
        change
        for change in _derived_changes(unit, entry, record, id_)
        if given.get(change.link.path) != ids_of(record._value_at(change.link.path))
    ]
    paths = [path for path in changed_paths(entry.schema, before, after) if path in entry.links]
    document = laid_over(present.document, after, paths)
    changes += _stored_changes(entry, id_, present.document, document)
    if changes:
        plan = unit.solve(plan_change(unit.catalog.graph, changes))
        unit.put(entry, id_, document)
        _carry_out(unit, plan, key)


def _refuse(unit: Unit, plan: Plan) -> None:
    if plan.refusals:
        has_secrets = unit.catalog.has_secrets()
        problems = list(dict.fromkeys(one.discreet if has_secrets else one.problem for one in plan.refusals))
        message = "it cannot be deleted"
        raise ConflictError(message, problems=problems)


def _carry_out(unit: Unit, plan: Plan, cause: Key | None = None) -> None:
    """Apply a plan: links first, one save per item, then deletions.

    Args:
        unit: the open unit of work.
        plan: what to do.
        cause: the item whose change this is.
    """
    if plan.effects and _ref_log.isEnabledFor(logging.DEBUG):
        _tell(plan)
    links: dict[Key, list[AddLink | RemoveLink]] = {}
    for effect in plan.effects:
        if not isinstance(effect, Delete):
            links.setdefault((effect.collection, effect.id), []).append(effect)
    doomed = [effect for effect in plan.effects if isinstance(effect, Delete)]
    _read_ahead(unit, [*links, *((one.collection, one.id) for one in doomed)])
    for key, effects in links.items():
        _apply_links(unit, key, effects, own=key == cause)
    for one in doomed:
        entry = unit.catalog.entry(one.collection)
        if entry.contents is not None:
            entry.contents.change(unit, unit.present((one.collection, one.id)), None, None)
        unit.remove(entry, one.id)
        _log.debug("deleted %s of %s", one.id, one.collection)
    unit.judge_later(plan.judgements)


def _tell(plan: Plan) -> None:
    """Log what a plan changes; where links lead is a value, and stays untold."""
    for effect in plan.effects[:_SHOWN]:
        if isinstance(effect, Delete):
            _ref_log.debug("deletes %s of %s", effect.id, effect.collection)
        else:
            verb = "adds a link to" if isinstance(effect, AddLink) else "removes a link from"
            _ref_log.debug("%s %s of %s at %s", verb, effect.id, effect.collection, to_text(effect.path))
    if len(plan.effects) > _SHOWN:
        _ref_log.debug("and has %d more effects", len(plan.effects) - _SHOWN)


def _read_ahead(unit: Unit, keys: Iterable[Key]) -> None:
    """Read the items that a plan changes, with one read per collection."""
    by_collection: dict[str, list[str]] = {}
    for collection, id_ in keys:
        by_collection.setdefault(collection, []).append(id_)
    for collection, ids in sorted(by_collection.items()):
        unit.get(unit.catalog.entry(collection), sorted(ids), Lock.EXCLUSIVE)


def _apply_links(unit: Unit, key: Key, effects: list[AddLink | RemoveLink], *, own: bool) -> None:
    """Change the stored links of one item and store it, with its events and `_meta`."""
    record = _record(unit, key)
    if record is None:  # it may be created later in this unit; if not, the end of the unit says so
        unit.defer(key, effects)
        return
    entry, id_ = unit.catalog.entry(key[0]), key[1]
    before = record._encode()
    _change_links(entry, record, effects)
    linked = record._encode()
    if not changed_paths(entry.schema, before, linked):
        return
    record.trigg("before_save")
    _complete(unit, entry, record, id_, own=own)
    more = _derived_changes(unit, entry, record, id_) + _stored_changes(entry, id_, linked, _links_of(entry, record))
    plan = unit.solve(plan_change(unit.catalog.graph, more)) if more else Plan()
    _store(unit, entry, record, id_)
    _carry_out(unit, plan)
    record._forget_derived()
    record.trigg("saved")
    _again(unit, entry, record)


def _complete(unit: Unit, entry: Entry, record: Record, id_: str, *, own: bool = True) -> None:
    """Check an item that is about to be stored; whether its required links name something is judged in the end.

    Raises:
        ValidationError: with every problem and its path.
    """
    required = [path for path, link in entry.links.items() if link.required]
    missing = record._judge_complete(later=required)
    unit.judge_later(MustNotBeEmpty(entry.name, id_, path, own=own) for path in missing)


def _change_links(entry: Entry, record: Record, effects: Iterable[AddLink | RemoveLink]) -> None:
    """Add and remove ids, in the order of the effects; each link is assigned once."""
    changed: dict[FieldPath, dict[str, None]] = {}
    for effect in effects:
        path = effect.path
        if path not in changed:
            changed[path] = dict.fromkeys(ids_in(record._value_at(path)))
        if isinstance(effect, RemoveLink):
            changed[path].pop(effect.target, None)
        elif entry.links[path].many:
            changed[path][effect.target] = None
        else:
            changed[path] = {effect.target: None}
    for path, names in changed.items():
        record._assign(path, list(names) if entry.links[path].many else next(iter(names), None))


def _take_deferred(unit: Unit, entry: Entry, record: Record, id_: str) -> None:
    """Give a new item the links that others gave it before it existed."""
    _change_links(entry, record, unit.deferred((entry.name, id_)))


def _store(unit: Unit, entry: Entry, record: Record, id_: str) -> None:
    """Stamp, encode and plan to write one item: the one way into the stores."""
    stamp(entry, record)
    document = record._encode()
    if entry.contents is not None:
        entry.contents.change(unit, unit.present((entry.name, id_)), document, record._values)
    stored = unit.put(entry, id_, document)
    _log.debug("created %s of %s" if record._origin is None else "saved %s of %s", id_, entry.name)
    record._origin = Origin(stored.rev, document)
    record._touched = False


def stamp(entry: Entry, record: Record) -> None:
    """Let the handler of `_meta` write into an item that is about to be stored."""
    if entry.stamp is not None:
        record._stamping = True
        try:
            entry.stamp(record)
        finally:
            record._stamping = False


def _refresh(unit: Unit, entry: Entry, record: Record, id_: str) -> None:
    """Let an item see what its own change has done to it in the end, through others."""
    present, origin = unit.get(entry, [id_]).get(id_), record._origin
    if present is not None and origin is not None and present.document is not origin.document:
        record._decode(present.document, present.rev)


def _again(unit: Unit, entry: Entry, record: Record) -> None:
    """Store what handlers changed after the item was stored."""
    if not entry.schema.events:
        return
    id_ = str(record._values["_id"])
    if record._origin is not None and record._changes():
        present = unit.get(entry, [id_]).get(id_)
        if present is not None:
            _complete(unit, entry, record, id_)
            _save_changes(unit, entry, record, present)


def _record(unit: Unit, key: Key) -> Record | None:
    """Make a record of the present version of an item."""
    entry = unit.catalog.entry(key[0])
    present = unit.get(entry, [key[1]]).get(key[1])
    return None if present is None else loaded(entry, present)


def _derived_links(record: Record) -> dict[FieldPath, tuple[str, ...]]:
    """Give what was assigned to derived links."""
    return {path: ids_of(record._value_at(path)) for path in record._links_given}


def _required_links(entry: Entry, id_: str) -> Iterable[Any]:
    """Say which derived links of a new item may not be empty in the end."""
    return [
        MustNotBeEmpty(entry.name, id_, link.path, own=True)
        for link in entry.links.values()
        if link.derived and link.required
    ]


def _members(unit: Unit, link: Link, id_: str) -> tuple[str, ...]:
    return tuple(unit.linked(link, [id_], unit.catalog.limits.fill + 1).get(id_, ()))


def _stored_ids(link: Link, document: Mapping[str, Any]) -> tuple[str, ...]:
    return _ids_at(document, link.path)


def _ids_at(document: Mapping[str, Any], path: FieldPath) -> tuple[str, ...]:
    return tuple(ids_in(value_at(document, path)))


def _minus(these: Iterable[str], those: Iterable[str]) -> tuple[str, ...]:
    away = set(those)
    return tuple(one for one in these if one not in away)


def _nested(path: FieldPath, value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return value  # type: ignore[no-any-return]  # a path has at least one name
