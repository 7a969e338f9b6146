"""Hold the values of one item: plain values out, checked values in, all or nothing.

A record is one dict of values behind properties that are generated once per schema. It knows no
store: `backo.collections.entity` adds `save` and its kin.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, NoReturn

from backo import jsontext
from backo.errors import QueryError, StateError, ValidationError, nearest, shown
from backo.items.asking import Running, computed, exists
from backo.items.changes import changed_paths
from backo.items.definition import Item
from backo.items.documents import stored_document, values_of, whole_document, without
from backo.items.following import follow
from backo.items.holding import Checkpoint, Handle
from backo.items.patch import patched, places_of
from backo.items.presenting import Copier, Index, plain, presents
from backo.items.problems import invalid
from backo.paths import FieldPath, Place, parse_selector, to_text, value_at
from backo.schema.compiler import Schema
from backo.schema.containers import Reworked
from backo.schema.fields import Check
from backo.schema.judging import NOBODY, Subject, asked, judge, judge_computed
from backo.schema.merging import Merge, Values, completed, merged_quickly
from backo.schema.nodes import Node
from backo.schema.options import blame
from backo.schema.problems import MAX_PROBLEMS, Finding, Refusal
from backo.schema.views import mask, masked


class State(StrEnum):
    """Where an item stands.

    Attributes:
        UNSET: it is new, and nothing was set.
        UNSAVED: it has something that is not stored.
        SAVED: it is as it is stored.
    """

    UNSET = "UNSET"
    UNSAVED = "UNSAVED"
    SAVED = "SAVED"


@dataclass(frozen=True, slots=True)
class Origin:
    """The stored version that a record came from.

    Attributes:
        rev: its revision.
        document: as it was stored; never changed.
    """

    rev: int
    document: Mapping[str, Any]


class Record(Item):
    """The values of one item; subclasses are generated per schema by `backo.items.generating`."""

    __slots__ = (
        "_defaulted",
        "_links_given",
        "_links_seen",
        "_origin",
        "_running",
        "_shapes",
        "_stamping",
        "_touched",
        "_values",
    )

    _schema: ClassVar[Schema]
    _checks: ClassVar[Mapping[str, Check]]  # of the fields that take nothing but a check to be assigned

    _copied: ClassVar[
        tuple[tuple[str, Copier], ...]
    ]  # how a plain value is made of a raw one, where it is not the same
    _presented: ClassVar[tuple[tuple[str, Node], ...]]  # the fields of which that takes the record

    _values: Values  # nested dicts are never changed in place
    _origin: Origin | None  # None: it is not stored
    _touched: bool  # whether a new item was set
    _links_seen: dict[FieldPath, tuple[str, ...]]  # derived links as they were when first read
    _links_given: set[FieldPath]  # derived links that were assigned, perhaps None
    _running: Running  # what is being asked of functions
    _shapes: dict[Place, object]  # tokens of lists that were read, see `Index`
    _defaulted: Mapping[FieldPath, Any]  # the values that defaults gave, since it was new or read
    _stamping: bool  # whether read-only fields may be set, which the handler of `_meta` does

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        """Become an empty record that is not stored."""
        self._hold(dict(self._schema.blank), None)

    def _hold(self, values: Values, origin: Origin | None) -> None:
        """Hold these values and remember nothing else."""
        _put_values(self, values)
        _put_origin(self, origin)
        _put_touched(self, False)
        _put_links_seen(self, {})
        _put_links_given(self, set())
        _put_running(self, {})
        _put_shapes(self, {})
        _put_defaulted(self, _NO_DEFAULTS)
        _put_stamping(self, False)

    # Reading.

    def __getitem__(self, name: str) -> Any:
        """Read any field by its name."""
        node = self._schema.children.get(name)
        if node is None:
            raise KeyError(self._no_field(name))
        return self._read(node, (name,), self._values[name])

    def __getattr__(self, name: str) -> Any:
        """Say which attribute was perhaps meant; reached only when there is none of this name."""
        if name in self._schema.children:  # a function raised an AttributeError of its own while it was read
            return self[name]
        raise AttributeError(self._no_field(name))

    def _no_field(self, name: object) -> str:
        hint = nearest(name, [*self._schema.children, *(one for one in dir(type(self)) if not one.startswith("_"))])
        return f"{self._schema.name} has no field {name!r}" + (f"; {hint}" if hint else "")

    def __iter__(self) -> Iterator[str]:
        """Give the names of the fields."""
        return iter(self._schema.children)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a field."""
        return name in self._schema.children

    def _read(self, node: Node, place: Place, value: Any) -> Any:
        """Give the value of a node at a place as Python code sees it."""
        options = node.options
        if options.exists is not True and not self._exists(node, value):
            value = None
        elif options.compute is not None:
            value = self._compute(node)
        return self._seen(node, place, value)

    def _seen(self, node: Node, place: Place, value: Any) -> Any:
        """Give a value as Python code sees it."""
        present = presents(node.field)
        return value if present is None else present(node.field, self, node, place, value)

    def _exists(self, node: Node, value: Any) -> bool:
        """Tell whether a field exists in this item."""
        return exists(node, value, self, self._running)

    def _compute(self, node: Node) -> Any:
        """Compute a field.

        Raises:
            StateError: computed fields read one another in a circle.
            ValidationError: the function refuses, or gives what does not fit.
        """
        return computed(node, self, self._schema.name, self._running)

    def get_value(self, **kwargs: Any) -> dict[str, Any]:
        """Give plain values of every field that exists, computed and linked ones included."""
        del kwargs
        return self._plain()

    def _plain(self) -> dict[str, Any]:
        values = self._values.copy()
        for name, copied in self._copied:
            value = values[name]
            if value is not None:
                values[name] = copied(value)
        for name, node in self._presented:
            value = values[name]
            if self._exists(node, value):
                values[name] = plain(self._read(node, (name,), value))
            else:
                del values[name]
        return values

    def get_view(self, name: str, **kwargs: Any) -> dict[str, Any]:
        """Give plain values of the fields that the view of this name shows; an unknown one is `client`."""
        del kwargs
        keep = mask(self._schema, name)
        return self._plain() if keep is None else masked(self._plain(), keep)

    def select(self, criteria: Any = None, **kwargs: Any) -> Any:
        """Read a selector such as `"$.address.zip"`; it may cross references.

        Args:
            criteria: the selector.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            QueryError: it is not a selector.
            PathNotFoundError: it leads nowhere.
        """
        del kwargs
        return plain(follow(self, parse_selector(criteria)))

    def multi_select(self, selectors: Iterable[str], **kwargs: Any) -> list[Any]:
        """Read several selectors, in their order.

        Raises:
            QueryError: they are no selectors.
            PathNotFoundError: one leads nowhere.
        """
        del kwargs
        if isinstance(selectors, str | bytes) or not isinstance(selectors, Iterable):
            message = f"multi_select takes a list of selectors, not {shown(selectors)}"
            raise QueryError(message, hint="write ['$.name'], or select('$.name')")
        return [self.select(selector) for selector in selectors]

    @property
    def status(self) -> State:
        """UNSET, UNSAVED or SAVED; derived from the values, never kept."""
        if self._origin is None:
            return State.UNSAVED if self._touched else State.UNSET
        return State.UNSAVED if self._changes() else State.SAVED

    def _changes(self) -> list[FieldPath]:
        """List the fields that differ from what is stored, derived links included."""
        document = self._origin.document if self._origin else {}
        return changed_paths(self._schema, document, self._encode(computed=False)) + self._links_changed()

    def _links_changed(self) -> list[FieldPath]:
        """List the derived links that were assigned something else than what was read."""
        return [
            path
            for path in self._links_given
            if sorted(ids_of(self._value_at(path))) != sorted(self._links_seen.get(path, ()))
        ]

    def _value_at(self, place: Place) -> Any:
        """Give the raw value at a place, None where a group on the way is unset."""
        return _at(self._values, place)

    def __eq__(self, other: object) -> bool:
        """Compare the declared values of two items, or of an item and a dict, which need not name what is unset."""
        if isinstance(other, Record):
            return self._declared_values() == other._declared_values()
        if isinstance(other, Mapping):
            own = any(isinstance(name, str) and name.startswith("_") for name in other)
            values = self.get_value() if own else self._declared_values()
            return values == dict.fromkeys(values) | dict(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # records change

    def _declared_values(self) -> dict[str, Any]:
        return {name: value for name, value in self.get_value().items() if not name.startswith("_")}

    def __repr__(self) -> str:
        """Show the item without reading links."""
        shown = ", ".join(f"{name}={value!r}" for name, value in self._values.items() if value is not None)
        return f"<{self._schema.name} {shown}>"

    def __copy__(self) -> Record:
        """Give an item of its own with the same values, equally stored or not."""
        twin = type(self)()
        twin._hold(copy.deepcopy(self._values), self._origin)
        twin._defaulted = self._defaulted
        twin._touched, twin._links_seen, twin._links_given = (
            self._touched,
            dict(self._links_seen),
            set(self._links_given),
        )
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        """Give an item of its own with the same values, equally stored or not."""
        return self.__copy__()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the class of a record belongs to its application."""
        message = f"an item of {self._schema.name} cannot be pickled; pickle its get_value()"
        raise TypeError(message)

    # Writing.

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field; raises `ValidationError`, and `AttributeError` when there is none of this name."""
        check = self._checks.get(name)
        if check is None:
            self._set_attribute(name, value)
            return
        try:
            self._values[name] = None if value is None else check(value)
        except Refusal as refusal:
            raise self._invalid(refusal.below(name)) from None
        _put_touched(self, True)

    def _set_attribute(self, name: str, value: Any) -> None:
        """Set what takes more than a check: most fields, and the attributes of the machinery."""
        put = _SLOTS.get(name)
        if put is not None:
            put(self, value)
        elif name in self._schema.children:
            self._merge({name: value})
        elif name.startswith("_") or hasattr(getattr(type(self), name, None), "__set__"):
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(self._no_field(name))

    def __delattr__(self, name: str) -> None:
        """Unset a field; raises `ValidationError`."""
        setattr(self, name, None)

    def __setitem__(self, name: str, value: Any) -> None:
        """Set any field by its name."""
        if name not in self._schema.children:
            raise KeyError(self._no_field(name))
        self._merge({name: value})

    def set(self, values: Mapping[str, Any], **kwargs: Any) -> None:
        """Merge the values of the given keys: nested groups too, everything else is replaced. All or nothing.

        Raises:
            ValidationError: with every problem and its path; nothing is changed.
        """
        del kwargs
        transform = self._schema.options.transform
        if transform is not None:
            values = self._transformed(transform, values)
        if not isinstance(values, Mapping):
            raise self._invalid([Finding((), "type", "Must be an object")])
        self._merge(values)

    def _fill(self, values: Mapping[str, Any]) -> None:
        """Set the values of a new item; what is missing is told together with what is wrong.

        Raises:
            ValidationError: with every problem and its path; nothing is changed.
        """
        try:
            self.set(values)
        except ValidationError as error:
            present = {
                *(values if isinstance(values, Mapping) else ()),
                *(one for one in self if self._values[one] is not None),
            }
            required = (node for node in self._schema.judged if node.options.required and node.options.exists is True)
            missing = [
                Finding((node.name,), "required", "Is required")
                for node in required
                if node.name not in present and not node.derived
            ]
            problems = (*error.problems, *Refusal(missing).problems())
            raise ValidationError(error.message, problems=problems[:MAX_PROBLEMS]) from error

    def _transformed(self, transform: Callable[..., Any], values: Any) -> Any:
        try:
            return transform(values, self)
        except ValueError as error:
            raise self._invalid([Finding((), "transform", str(error) or "Cannot be transformed")]) from error
        except Exception as error:
            blame(error, "transform", self._schema.name)
            raise

    def patch(self, op: Any, path: str | None = None, value: Any = None, **kwargs: Any) -> None:
        """Apply one patch `("replace", "$.name", "Jo")`, or a list of `{"op", "path", "value"}` dicts.

        Args:
            op: `"add"`, `"remove"`, `"replace"`, `"test"`, `"move"` or `"copy"`, or the list.
            path: where, as a selector or a JSON pointer.
            value: what; for `move` and `copy` the path that the value comes from.
            kwargs: `transaction_id` is accepted and not needed.

        Raises:
            ValidationError: with every problem and its path; nothing is changed.
            ConflictError: a `test` found something else.
        """
        del kwargs
        operations = op
        if isinstance(op, str):
            operations = [{"op": op, "path": path, "from" if op in {"move", "copy"} else "value": value}]
        steps = places_of(operations)
        tree = self._json({str(place[0]) for step in steps for place in step.places})
        self._merge(patched(self._schema, tree, steps))

    def _assign(self, place: Place, value: Any, *, moved: bool = True) -> None:
        """Set one place inside the item, however deep.

        Args:
            place: names and indexes.
            value: what to set.
            moved: whether the elements of a list at the place are no longer where they were.

        Raises:
            StateError: the place was read from a list whose elements have moved.
            ValidationError: it does not fit; nothing is changed.
        """
        if not self._holds(place):
            message = f"{to_text(place)} has moved, or gone, since it was read"
            raise StateError(message, hint="read it again from the item")
        head = str(place[0])
        inside = any(isinstance(step, int) for step in place)
        self._merge({head: _with(self._values[head], place[1:], value)}, moved=moved and not inside)
        if moved and inside:
            self._shapes.pop(place, None)

    def _shape_of(self, place: Place) -> object:
        """Give the token of the present shape of a list; see `Index`."""
        return self._shapes.setdefault(place, object())

    def _holds(self, place: Place) -> bool:
        """Tell whether the elements on the way to a place are still where they were read."""
        for position, step in enumerate(place):
            if isinstance(step, Index) and step.shape is not self._shapes.get(place[:position]):
                return False
        return True

    def _merge(self, given: Mapping[Any, Any], *, moved: bool = True) -> None:
        """Lay given values over the present ones: the one gate of every assignment."""
        schema, before, merge = self._schema, self._values, None
        values = merged_quickly(before, given, schema.checks)
        if values is None:
            merge = Merge(self, self._is_unchanged, privileged=self._stamping)
            values = merge.group(schema.children, before, given)
            if merge.findings:
                raise self._invalid(merge.findings)
        watched = merge is not None and (merge.noted or schema.options.onchange)
        restore = self._checkpoint() if watched else None
        _put_values(self, values)
        _put_touched(self, True)
        if merge is not None and merge.defaulted:
            _put_defaulted(self, {**self._defaulted, **merge.defaulted})
        if moved and self._shapes:
            self._forget_moved(before)
        if merge is not None and restore is not None:
            try:
                self._follow(before, merge)
            except BaseException:
                restore()
                raise

    def _forget_moved(self, before: Values) -> None:
        """Forget the shapes of the lists that are others now."""
        for place in [one for one in self._shapes if _at(before, one) is not self._value_at(one)]:
            del self._shapes[place]

    def _follow(self, before: Values, merge: Merge) -> None:
        """Do what has to be done about new values that were noted."""
        values = self._values
        names = {place[0] for place, node in merge.noted if node.asks}
        nodes = [node for node in self._schema.children.values() if node.name in names]
        findings = self._judged(nodes, complete=False)
        if findings:
            raise self._invalid(findings)
        changes: list[tuple[Node, Any, Any]] = []
        for place, node in merge.noted:
            for one in node.walk() if place in merge.cleared else (node,):  # clearing a group clears what is inside
                if one.derived:
                    self._links_given.add(one.path)
                if one.options.onchange is not None:
                    changes.append((one, _at(before, one.path), _at(values, one.path)))
        for one, old, new in changes:
            if old != new and one.options.onchange is not None:
                self._tell(one.options.onchange, old, new, one)
        onchange = self._schema.options.onchange
        if onchange is not None and before != values:
            self._tell(onchange, before, values)

    def _tell(self, onchange: Callable[..., Any], old: Any, new: Any, node: Node | None = None) -> None:
        """Tell a function of a change of a field, or of the item."""
        try:
            onchange(plain(old), plain(new), self)
        except Exception as error:
            blame(error, "onchange", self._where(node))
            raise

    def _where(self, node: Node | None) -> str:
        return self._schema.name if node is None else node.where

    def _invalid(self, findings: Iterable[Finding]) -> ValidationError:
        return invalid(self._schema.name, findings)

    def _is_unchanged(self, node: Node, given: Any) -> bool:
        """Tell whether what was given for a read-only field is what it has; a group may be given in part."""
        try:
            value = self._value_at(node.path) if node.options.compute is None else self._compute(node)
        except Exception:  # noqa: BLE001  # what cannot be computed yet has no value that could be sent back
            value = None
        json = None if value is None else node.field.to_json(value)
        if node.children and isinstance(json, dict) and isinstance(given, Mapping):
            json = {name: json.get(name) for name in given}
        return jsontext.equal(given, json) or plain(given) == plain(value)

    def _give_defaults(self) -> None:
        """Give each field of a new item its default."""
        schema = self._schema
        if schema.started is not None:
            _put_values(self, dict(schema.started))
            return
        merge, started = Merge(self, self._is_unchanged), list[Node]()
        values = merge.group(schema.children, self._values, completed({}, schema.defaulted, started=started))
        if merge.findings:
            raise self._invalid(merge.findings)
        _put_values(self, values)
        _put_defaulted(self, {**merge.defaulted, **{node.path: _at(values, node.path) for node in started}})

    def _default_of(self, path: FieldPath) -> Any:
        """Give the raw value that the default of a field gave this item, None where it gave none."""
        if path in self._defaulted:
            return self._defaulted[path]
        started = self._schema.started
        return None if started is None else value_at(started, path)

    # Documents.

    def _checkpoint(self) -> Checkpoint:
        """Remember the state; to call what is returned puts it back."""
        return Checkpoint(self)

    def _forget_derived(self) -> None:
        """Let derived links be read anew, or as they were last seen."""
        if self._links_given:
            for path in self._links_given:
                self._values = without(self._values, path)
            self._links_given = set()

    def _judge_complete(self, later: Collection[FieldPath] = ()) -> list[FieldPath]:
        """Check what only an item that is about to be stored must fulfil.

        Args:
            later: required links that need not name anything yet.

        Returns:
            Those among them that name nothing.

        Raises:
            ValidationError: with every problem and its path.
        """
        schema = self._schema
        findings = self._judged(schema.judged, complete=True)
        missing = [one.place for one in findings if one.code == "required" and one.place in later]
        if len(missing) == len(findings):
            findings = judge_computed(schema.computed, self._subject()) if schema.asks else []
            findings += self._asked()
        if findings:
            raise self._invalid(findings)
        return [tuple(map(str, place)) for place in missing]

    def _asked(self) -> list[Finding]:
        """Ask the constraints of the item as a whole."""
        schema = self._schema
        try:
            return asked(schema.options.constraints, self, self, ())
        except Exception as error:
            blame(error, "constraint", schema.name)
            raise

    def _judged(self, nodes: Iterable[Node], *, complete: bool) -> list[Finding]:
        return judge(nodes, self._values, self._subject() if self._schema.asks else NOBODY, complete=complete)

    def _subject(self) -> Subject:
        return Subject(self, self._exists, self._seen, self._compute)

    def _encode(self, *, computed: bool = True) -> dict[str, Any]:
        """Give the document to store: JSON values of all stored fields, in schema order."""
        try:
            return stored_document(self, self._schema, self._values, computed=computed)
        except Refusal as refusal:
            raise self._invalid(refusal.findings) from None

    def _json(self, names: Collection[str] | None = None) -> dict[str, Any]:
        """Give the JSON form of the item, or of some fields, as clients know it: computed and linked ones too."""
        nodes = [node for name, node in self._schema.children.items() if names is None or name in names]
        try:
            return whole_document(self, nodes, self._values)
        except Refusal as refusal:
            raise self._invalid(refusal.findings) from None

    def _take_over(self, document: Mapping[str, Any]) -> None:
        """Take the JSON values of a document that nobody checked under this schema, `_id` and `_meta` included.

        It holds values, not what somebody sends: `transform` and `onchange` are not asked again.

        Raises:
            ValidationError: with every problem and its path.
        """
        schema = self._schema
        merge = Merge(self, self._is_unchanged, privileged=True)
        values = merge.group(schema.children, schema.blank, document)
        if merge.findings:
            raise self._invalid(merge.findings)
        _put_values(self, values)
        findings = self._judged(schema.children.values(), complete=False) if schema.asks else []
        if findings:
            raise self._invalid(findings)

    def _decode(self, document: Mapping[str, Any], rev: int) -> None:
        """Take the values of a stored document that was checked when it was written."""
        self._hold(values_of(self._schema, document), Origin(rev, document))

    # Events.

    def trigg(self, event: str, **kwargs: Any) -> None:
        """Call the handlers of an event: those of the item, then those of its fields.

        Args:
            event: its name; it may be one of your own.
            kwargs: handed to each, `f(event_name, root, me, **kwargs)`; `me` is the item, or a handle of the field.

        Raises:
            Exception: what a handler raises.
        """
        for node, function in self._schema.handlers(event):
            try:
                function(event, self, self if node is None else Handle(self, node), **kwargs)
            except Exception as error:
                blame(error, f"handler of {event!r}", self._where(node))
                raise

    # A model belongs to the declaration.

    def _check_open(self) -> None:
        message = "the model of an item cannot change once its application is assembled"
        raise StateError(message)


def _slot(name: str) -> Callable[[Record, Any], None]:
    """Give what assigns a slot without asking `__setattr__`, for the paths that are walked most."""
    put: Callable[[Record, Any], None] = vars(Record)[name].__set__
    return put


_SLOTS: Mapping[str, Callable[[Record, Any], None]] = {name: _slot(name) for name in Record.__slots__}
_put_values, _put_origin, _put_touched = _SLOTS["_values"], _SLOTS["_origin"], _SLOTS["_touched"]
_put_links_seen, _put_links_given = _SLOTS["_links_seen"], _SLOTS["_links_given"]
_put_running, _put_shapes, _put_stamping = _SLOTS["_running"], _SLOTS["_shapes"], _SLOTS["_stamping"]
_put_defaulted = _SLOTS["_defaulted"]
_NO_DEFAULTS: Mapping[FieldPath, Any] = {}


def ids_of(value: Any) -> tuple[str, ...]:
    """Give the ids of a link value: one, several or none."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _with(current: Any, place: Place, value: Any, *, whole: bool = False) -> Any:
    """Give what to assign so that a place inside has a value and the rest stays.

    Groups are merged, so what is given of them is enough; the elements of a list are given whole.
    """
    if not place:
        return value
    step, rest = place[0], place[1:]
    if isinstance(step, int):
        elements = Reworked(current)
        elements[step] = _with(current[step], rest, value, whole=True)
        return elements
    inner = _with(None if current is None else current[step], rest, value, whole=whole)
    return {**(current or {}), step: inner} if whole else {step: inner}


def _at(values: Any, place: Place) -> Any:
    """Give the raw value at a place, None where nothing leads there."""
    for step in place:
        if values is None or (isinstance(values, list) and step not in range(len(values))):
            return None
        values = values[step]
    return values


def state_of(item: Record) -> State:
    """Give the state of an item, also when it has a field called `status`."""
    state: State = Record.status.fget(item)  # type: ignore[attr-defined]  # a property of the base
    return state
