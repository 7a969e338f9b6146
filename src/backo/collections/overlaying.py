"""Lay what a user sends over an item of which he does not see everything: what is hidden stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from backo import jsontext
from backo.connectors.base import StoredDocument
from backo.context import SYSTEM, acting_as
from backo.errors import Problem, ValidationError
from backo.items.changes import merged_ids
from backo.items.patch import Step, merged, patched, places_of
from backo.items.record import Record
from backo.paths import FieldPath, to_text, value_at
from backo.references.effects import MustExist
from backo.references.fields import ids_in
from backo.references.links import Link
from backo.schema.nodes import Node
from backo.work.projecting import Tree, without_fields
from backo.work.rights import is_allowed, refuse
from backo.work.sight import Sight

Given = Mapping[str, Any]


class Overlay:
    """One item as the current user sees it, and what he may lay over it.

    Args:
        sight: of the collection.
        stored: the item.
        record: the same, as a record.
    """

    def __init__(self, sight: Sight, stored: StoredDocument, record: Record) -> None:
        self._sight, self._record = sight, record
        self._entry = sight.entry
        self._is_clear = sight.is_clear and not any(map(self._is_veiled, sight.entry.links.values()))
        self._hidden = frozenset() if self._is_clear else sight.hidden | sight.denied([stored])[0]

    def _is_veiled(self, link: Link) -> bool:
        return self._sight.sights.is_veiled(link)

    # What is sent.

    def values(self, given: Any) -> Any:
        """Take the values of a PUT."""
        return self._over(given) if isinstance(given, Mapping) else given

    def patch(self, operations: Any) -> Given:
        """Take patch operations (RFC 6902); gives what there is to set.

        Raises:
            ValidationError: one leads nowhere, or to what is hidden.
            ConflictError: a `test` found something else.
        """
        steps = places_of(operations)
        names = {str(place[0]) for step in steps for place in step.places}
        for step in steps:
            self._check_step(step)
        return self._over(patched(self._record._schema, self._projected(names), steps))

    def merge(self, patch: Any) -> Given:
        """Take a merge patch (RFC 7396); gives what there is to set.

        Raises:
            ValidationError: it is no object.
        """
        names = set(patch) if isinstance(patch, Mapping) else set()
        return self._over(merged(self._record._schema.children, self._projected(names), patch))

    def _projected(self, names: set[str]) -> Tree:
        tree = self._record._json(names)
        if self._is_clear:
            return tree
        links = [link for link in self._veiled() if link.path[0] in names]
        return without_fields(self._sight.unveiled([tree], links)[0], self._hidden)

    def _veiled(self) -> list[Link]:
        return [link for link in self._entry.links.values() if self._is_veiled(link)]

    def _check_step(self, step: Step) -> None:
        """Refuse a step that would tell what is hidden; a hidden field can only be given a value."""
        for place in step.places:
            path = tuple(one for one in place if isinstance(one, str))
            is_given = place is step.place and step.operation in {"add", "replace"} and step.value is not None
            if self._is_hidden(path) and not is_given:
                problem = Problem(to_text(place), "patch", "There is no such place")
                message = "the patch cannot be applied"
                raise ValidationError(message, problems=[problem])

    def _is_hidden(self, path: FieldPath) -> bool:
        return any(path[: len(one)] == one for one in self._hidden)

    # Over what is hidden.

    def _over(self, given: Given) -> Given:
        """Check what is given for hidden fields, and keep hidden ids of links where they are.

        Raises:
            RightError: a hidden field may not be changed either, or a part of a list is hidden.
        """
        if self._is_clear:
            return given
        kept = [*self._hidden, *(link.path for link in self._veiled())]
        result, refused = self._spread(self._record._schema.children, given, kept), []
        for path in sorted(self._hidden):
            result, is_refused = self._without_hidden(result, path)
            if is_refused:
                refused.append(to_text(path))
        if refused:
            refuse(f"change these fields of an item of {self._entry.name!r}", refused)
        for link in self._veiled():
            if link.derived:
                self._see_derived(link, result)
            else:
                result = _at(result, link.path, partial(self._with_hidden_ids, link))
        return result

    def _spread(self, children: Mapping[str, Node], given: Given, kept: Iterable[FieldPath]) -> dict[str, Any]:
        """Let null for a group in which something has to stay be null for each field that is seen in it."""
        result = dict(given)
        for name, node in children.items():
            inner = [path for path in kept if len(path) > len(node.path) and path[: len(node.path)] == node.path]
            if name not in result or not inner or node.is_list or node.path in self._hidden:
                continue
            value = result[name]
            if value is None:
                seen = (one for one in node.children.values() if not one.read_only and one.path not in self._hidden)
                value = {one.name: None for one in seen}
            if isinstance(value, Mapping):
                result[name] = self._spread(node.children, value, inner)
        return result

    def _without_hidden(self, given: dict[str, Any], path: FieldPath) -> tuple[dict[str, Any], bool]:
        """Judge what is given at a hidden path; gives what is left, and whether it is refused."""
        nodes = self._record._schema.nodes
        for end in range(1, len(path)):
            if nodes[path[:end]].is_list:
                return self._without_unchanged(given, path[:end])
        parent = value_at(given, path[:-1]) if _leads(given, path[:-1]) else None
        if not isinstance(parent, Mapping) or path[-1] not in parent:
            return given, False
        node = nodes[path]
        if node.read_only:
            return given, True
        right = self._entry.rights.writing.get(path)
        return given, not is_allowed(right, "modify", self._record)

    def _without_unchanged(self, given: dict[str, Any], path: FieldPath) -> tuple[dict[str, Any], bool]:
        """Leave out a list that is sent as it is seen; another one would change what is hidden in its elements."""
        holder = value_at(given, path[:-1]) if _leads(given, path[:-1]) else None
        if not isinstance(holder, Mapping) or path[-1] not in holder:
            return given, False
        seen = value_at(self._projected({path[0]}), path)
        if not jsontext.equal(holder[path[-1]], seen):
            return given, True
        return _dropped(given, path), False

    def _see_derived(self, link: Link, given: Given) -> None:
        """Let a derived link count as read with those ids only that the user sees.

        Raises:
            RightError: it names one that he does not see, and it would be replaced.
        """
        with acting_as(SYSTEM):
            named = tuple(ids_in(value_at(self._record._json({link.path[0]}), link.path)))
        seen = self._sight.sights.of(link.target).seen(named)
        if not link.many and len(seen) < len(named) and _leads(given, link.path):
            self._keep_ref(link, value_at(given, link.path))
        self._record._links_seen[link.path] = tuple(id_ for id_ in named if id_ in seen)

    def _keep_ref(self, link: Link, sent: Any) -> None:
        """Refuse to replace a reference to something that the user does not see."""
        if sent is not None:
            refuse(f"change these fields of an item of {self._entry.name!r}", [to_text(link.path)])

    def _with_hidden_ids(self, link: Link, sent: Any) -> Any:
        """Give the ids of a stored link: what is sent, and those that the user does not see.

        To name one of those himself is judged as naming an item that does not exist.

        Raises:
            RightError: a `Ref` names something that he does not see, and it would be replaced.
        """
        stored = tuple(ids_in(value_at(self._record._values, link.path)))
        seen = self._sight.sights.of(link.target).seen(stored)
        shown = tuple(id_ for id_ in stored if id_ in seen)
        if len(shown) == len(stored):
            return sent
        if not link.many:
            self._keep_ref(link, sent)
            return stored[0]
        if sent is not None and not (isinstance(sent, list) and all(isinstance(one, str) for one in sent)):
            return sent  # it will be refused
        ids = tuple(sent or ())
        for id_ in dict.fromkeys(one for one in ids if one in stored and one not in seen):
            unseen = MustExist(
                link.collection, str(self._record._values["_id"]), link.path, link.target, id_, unseen=True
            )
            self._sight.sights.unit.judge_later([unseen])
        together = merged_ids(shown, ids, stored)
        return list(together) if together is not None else sent


def _leads(given: Any, path: FieldPath) -> bool:
    """Tell whether a path leads through objects."""
    for name in path:
        if not isinstance(given, Mapping) or name not in given:
            return False
        given = given[name]
    return True


def _at(given: dict[str, Any], path: FieldPath, change: Callable[[Any], Any]) -> dict[str, Any]:
    """Copy what is given with another value at a path, where there is one."""
    name, rest = path[0], path[1:]
    if name not in given:
        return given
    if not rest:
        return {**given, name: change(given[name])}
    return {**given, name: _at(given[name], rest, change)} if isinstance(given[name], dict) else given


def _dropped(given: dict[str, Any], path: FieldPath) -> dict[str, Any]:
    """Copy what is given without a path that is there."""
    name, rest = path[0], path[1:]
    if rest:
        return {**given, name: _dropped(given[name], rest)}
    return {key: one for key, one in given.items() if key != name}
