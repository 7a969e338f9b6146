"""Describe users as items that belong to no collection: three fields, and those that a class of one's own adds.

The model of a user belongs to the object, as the document shows it: `add_to_model` in `__init__`. What
is compiled of it is shared by all users with an equal model.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeAlias, TypeVar, cast

from backo.context import NOBODY_ID, NOBODY_LOGIN, CurrentUserWrapper, provide
from backo.errors import DefinitionError, StateError, nearest, shown
from backo.items.generating import record_class
from backo.items.record import Record
from backo.paths import to_text
from backo.schema.compiler import compile_schema
from backo.schema.containers import List, check_fields
from backo.schema.fields import Field
from backo.schema.merging import completed
from backo.schema.options import Options
from backo.schema.problems import Finding, unknown_key
from backo.schema.scalars import String

Fields: TypeAlias = Mapping[str, Field]

_KINDS = 256  # compiled models that are kept

_BASE: Fields = {
    "_id": String(default=NOBODY_ID),
    "login": String(default=NOBODY_LOGIN),
    "roles": List(String(), default=list),
}

_UNSET_OPTIONS = tuple((name, getattr(Options(), name)) for name in Options.__dataclass_fields__)

T = TypeVar("T")


class _Making(type):
    """Makes users: what they were given has to have found a field once `__init__` is through."""

    def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        user: T = type.__call__(cls, *args, **kwargs)
        if isinstance(user, CurrentUser):
            user._end_making()
        return user


class CurrentUser(Record, metaclass=_Making):
    """Somebody who acts: `_id`, `login`, `roles`, and what a class of one's own adds.

    >>> class Member(CurrentUser):
    ...     def __init__(self, obj=None):
    ...         CurrentUser.__init__(self, obj)
    ...         self.add_to_model("email", String())
    >>> Member({"_id": "7", "login": "jo", "email": "jo@example.org"})
    <Member _id='7', login='jo', roles=[], email='jo@example.org'>

    Args:
        obj: a user, or a dict, to take values from; nobody when there is none.

    Raises:
        ValidationError: a value does not fit, or a dict names what is no field.
    """

    __slots__ = ("_given",)

    _kind: ClassVar[type[CurrentUser]]  # as the class was written; set on those that are generated
    _given: dict[str, Any]  # for fields that `__init__` has not added yet

    if TYPE_CHECKING:
        _id: str
        login: str
        roles: list[str]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Make nobody, in a class that is generated for the fields."""
        user: Any = object.__new__(cls if "_schema" in vars(cls) else _plain_class(cls))
        user._hold_nobody()
        made: Self = user
        return made

    def __init__(self, obj: CurrentUser | CurrentUserWrapper | Mapping[str, Any] | None = None) -> None:
        if obj is None:
            return
        is_user = isinstance(obj, CurrentUser | CurrentUserWrapper)
        values: Any = cast("CurrentUser", obj).get_value() if is_user else obj
        if not isinstance(values, Mapping):
            raise self._invalid([Finding((), "type", "Must be an object")])
        known = {name: value for name, value in values.items() if name in self}
        self._given = {name: value for name, value in values.items() if name not in known}
        self.set(known)
        if is_user:  # of the other one's fields those are taken that are here too
            self._given = _Lenient(self._given)

    def _end_making(self) -> None:
        """Refuse what was given for fields that there are not."""
        given, self._given = self._given, {}
        if given and not isinstance(given, _Lenient):
            raise self._invalid([unknown_key(name, self) for name in given])

    def _hold_nobody(self) -> None:
        self._reset()
        self._given = {}
        self._give_defaults()

    # The user.

    def has_role(self, role: str | Iterable[str]) -> bool:
        """Tell whether the user has the role, or one of several."""
        wanted = [role] if isinstance(role, str) else role
        return not set(wanted).isdisjoint(self.roles)

    def is_anonymous(self) -> bool:
        """Tell whether nobody is logged in."""
        return bool(self._id == NOBODY_ID)

    def logout(self) -> None:
        """Become nobody."""
        self._hold_nobody()

    # The model.

    def add_to_model(self, name: str, field: Field) -> None:
        """Add a field of this name, or replace it.

        Raises:
            DefinitionError: the name or the field cannot be.
        """
        kind = self._kind
        check_fields({name: field}, kind.__name__)
        self._check_own(name)
        self._become(_extended(type(self), name, field))
        nodes = [node for node in self._schema.defaulted if node.path[0] == name]
        values = {name: self._given.pop(name)} if name in self._given else {}
        self._merge(completed(values, nodes))

    def remove_model(self, name: str) -> None:
        """Take the field of this name away.

        Raises:
            DefinitionError: there is none of this name.
        """
        fields = _fields_of(type(self))
        self._check_own(name)
        if name not in fields:
            message = f"{self._kind.__name__}: there is no field {shown(name)} to remove"
            raise DefinitionError(message, hint=nearest(name, fields))
        del fields[name]
        self._become(_generated(self._kind, fields))

    def _check_own(self, name: str) -> None:
        if name in _BASE:
            message = f"{self._kind.__name__}: every user has the field {name!r}, as it is"
            raise DefinitionError(message, hint="add a field of another name")

    def _become(self, made: type[CurrentUser]) -> None:
        """Have the fields of another class; the values of those that stay the same objects stay."""
        values, before, now = self._values, self._schema.children, made._schema.children
        object.__setattr__(self, "__class__", made)
        same = (name for name, node in now.items() if name in before and before[name].field is node.field)
        self._hold({**self._schema.blank, **{name: values[name] for name in same}}, None)

    # What items do otherwise.

    def _merge(self, given: Mapping[Any, Any], *, moved: bool = True) -> None:
        """Lay given values over the present ones; without a value, the three fields are those of nobody."""
        unset = completed({}, [node for name, node in self._schema.children.items() if name in _BASE])
        super()._merge(
            {name: unset.get(name) if value is None else value for name, value in given.items()}, moved=moved
        )

    def __eq__(self, other: object) -> bool:
        """Compare all values with those of another user, or a dict, which need not name what is unset."""
        if isinstance(other, CurrentUser | CurrentUserWrapper):
            return bool(self.get_value() == other.get_value())
        if isinstance(other, Mapping):
            values = self.get_value()
            return values == dict.fromkeys(values) | dict(other)
        return NotImplemented

    __hash__ = None  # users change

    def __copy__(self) -> CurrentUser:
        """Give a user of its own with the same values."""
        twin: CurrentUser = object.__new__(type(self))
        twin._hold(copy.deepcopy(self._values), None)
        twin._given = {}
        getattr(twin, "__dict__", {}).update(getattr(self, "__dict__", {}))
        return twin

    def _home_of_all(self) -> NoReturn:
        message = "users belong to no collection"
        raise StateError(message, hint="keep them in one of your own, and fill current_user from it")


class _Lenient(dict[str, Any]):
    """Values that may be left over."""


# Classes of users, by their models.


class _Declared:
    """A field by its meaning: two are equal when what is generated for them does the same.

    Raises:
        TypeError: nobody can tell.
    """

    __slots__ = ("field", "key")

    def __init__(self, field: Field) -> None:
        self.field = field
        self.key = _key(field)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Declared) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _extended(before: type[CurrentUser], name: str, field: Field) -> type[CurrentUser]:
    """Give the class of users that have a field more."""
    try:
        return _extended_once(before, name, _Declared(field))
    except TypeError:
        return _generated(before._kind, {**_fields_of(before), name: field})


@lru_cache(_KINDS)
def _extended_once(before: type[CurrentUser], name: str, declared: _Declared) -> type[CurrentUser]:
    return _generated(before._kind, {**_fields_of(before), name: declared.field})


@lru_cache(_KINDS)
def _plain_class(kind: type[CurrentUser]) -> type[CurrentUser]:
    """Give the class of users of a class of one's own as it starts: with the three fields."""
    return _generated(kind, _BASE)


def _fields_of(made: type[CurrentUser]) -> dict[str, Field]:
    return {name: node.field for name, node in made._schema.children.items()}


def _generated(kind: type[CurrentUser], fields: Fields) -> type[CurrentUser]:
    schema = compile_schema(kind.__name__, fields, Options(), system={})
    for path, node in schema.nodes.items():
        if "reverse" in node.field.facts():  # which references alone have
            message = f"{kind.__name__}: {to_text(path)}: a user cannot hold references"
            raise DefinitionError(message, hint="keep the id in a String()")
    made = record_class(schema, kind, {"_kind": kind, "_checks": {}, "__module__": kind.__module__})
    return cast("type[CurrentUser]", made)  # it is derived from `kind`


def _key(value: Any) -> Any:
    """Give something hashable that is equal for what means the same.

    Raises:
        TypeError: nobody can tell.
    """
    if isinstance(value, Field):
        if not type(value).__module__.startswith("backo."):
            message = "a type of one's own may hold anything"
            raise TypeError(message)
        told = ((name, one) for name, one in vars(value).items() if not name.startswith("_"))
        return (type(value), *((name, _key(one)) for name, one in told))
    if isinstance(value, Options):
        given = ((name, getattr(value, name), default) for name, default in _UNSET_OPTIONS)
        return tuple((name, _key(one)) for name, one, default in given if one is not default)
    if isinstance(value, Mapping):
        return tuple((name, _key(one)) for name, one in value.items())
    if isinstance(value, tuple | list):
        return (type(value), *map(_key, value))
    if callable(value) and not isinstance(value, type):
        return _key_of_function(value)
    return (type(value), value)


def _key_of_function(function: Callable[..., Any]) -> Any:
    """Give what a function is made of, when that is all: it holds nothing of the place where it was made."""
    if not isinstance(function, FunctionType) or function.__closure__:
        message = "what a function holds cannot be compared"
        raise TypeError(message)
    return function.__code__, _key(function.__defaults__), _key(function.__kwdefaults__), id(function.__globals__)


provide(CurrentUser)
