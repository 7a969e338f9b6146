"""Read the options of a field: one table of names, their aliases, and how declared functions are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias, TypedDict

from backo.errors import DefinitionError, nearest, shown

Function: TypeAlias = Callable[..., Any]
Right: TypeAlias = "bool | Function | None"  # None: as the parent

# Every spelling of an option that all fields have, and the name it stands for.
ALIASES: Mapping[str, str] = {
    "require": "required",
    "desc": "description",
    "in": "enum",
    "in_": "enum",
    "union": "enum",
    "trans": "transform",
    "constraint": "constraints",
    "onChange": "onchange",
    "on_change": "onchange",
    "compute": "set",
    "read": "can_read",
    "modify": "can_modify",
    "write": "can_modify",
    "can_write": "can_modify",
    "view": "views",
}


class CommonOptions(TypedDict, total=False):
    """What every field type accepts, for editors and type checkers; SPEC 1.1 says what each means."""

    required: bool
    require: bool
    default: Any
    description: str | None
    desc: str | None
    enum: Iterable[Any] | Function | None
    in_: Iterable[Any] | Function | None
    union: Iterable[Any] | Function | None
    transform: Function | None
    trans: Function | None
    constraint: Function | Iterable[Function] | None
    constraints: Function | Iterable[Function] | None
    onchange: Function | None
    onChange: Function | None
    on_change: Function | None
    set: Function | None
    compute: Function | None
    exists: bool | Function
    can_read: Right
    read: Right
    can_modify: Right
    modify: Right
    write: Right
    can_write: Right
    on: tuple[str, Function] | list[tuple[str, Function]] | None
    views: Iterable[str]
    view: Iterable[str]
    index: bool
    unique: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that every field has; functions are already adapted to the arguments we give.

    Attributes:
        required: must have a value when the item is stored.
        default: a value or `f()`.
        description: a sentence for people.
        enum: allowed values, or `f(item) -> list`.
        transform: `f(value, item) -> value`, before the check.
        constraints: each `f(value, item) -> bool`.
        onchange: `f(old, new, item)`.
        compute: `f(item) -> value`; the option is called `set`.
        exists: bool or `f(value, item) -> bool`.
        can_read: a right, `f(right_name, item) -> bool`.
        can_modify: a right.
        on: pairs (event, `f(event_name, root, me, **kwargs)`).
        views: names, or names after `!`.
        index: the store keeps an index.
        unique: the store refuses a second item with the same value.
    """

    required: bool = False
    default: Any = None
    description: str | None = None
    enum: tuple[Any, ...] | Function | None = None
    transform: Function | None = None
    constraints: tuple[Function, ...] = ()
    onchange: Function | None = None
    compute: Function | None = None
    exists: bool | Function = True
    can_read: Right = None
    can_modify: Right = None
    on: tuple[tuple[str, Function], ...] = ()
    views: tuple[str, ...] = ()
    index: bool = False
    unique: bool = False


_OPTION_NAMES = frozenset(Options.__dataclass_fields__) - {"compute"} | {"set"}


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def adapted(function: Function, offered: int, *, what: str, named: bool = False) -> Function:
    """Make a declared function callable with all the arguments we offer, whatever it requires.

    It gets as many positional arguments as it requires: parameters with a default keep it, `*args`
    gets all, a required one too many gets None, and a callable without a signature gets the first.

    Args:
        function: what was declared; what is returned keeps it as `__wrapped__`.
        offered: how many positional arguments it is called with.
        what: names the option in messages.
        named: whether it is called with keyword arguments too; it gets those that it can take.

    Raises:
        DefinitionError: it is not callable, or requires an argument by keyword.
    """
    if not callable(function):
        message = f"{what} must be a function, not {shown(function)}"
        raise DefinitionError(message)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return _calling(function, min(offered, 1), 0, frozenset())
    by_keyword = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    if by_keyword:
        message = f"{what} requires {by_keyword[0]!r} by keyword, which nobody gives"
        raise DefinitionError(message)
    positional = [one for one in parameters if one.kind in _POSITIONAL]
    required = sum(one.default is one.empty for one in positional)
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        required = max(required, offered)
    free = positional[required:] + [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    taken: frozenset[str] | None = frozenset(one.name for one in free if one.kind is not one.POSITIONAL_ONLY)
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        taken = None
    if required == offered and (taken is None or not named):
        return function
    return _calling(function, min(required, offered), max(required - offered, 0), taken)


def _calling(function: Function, given: int, missing: int, taken: frozenset[str] | None) -> Function:
    """Call a function with the first `given` arguments, `missing` times None, and the keywords taken (None: all)."""
    rest = (None,) * missing

    def call(*arguments: Any, **named: Any) -> Any:
        if named and taken is not None:
            named = {name: value for name, value in named.items() if name in taken}
        return function(*arguments[:given], *rest, **named)

    call.__wrapped__ = function  # type: ignore[attr-defined]  # as `functools.wraps` marks it
    return call


def blame(error: Exception, option: str, where: str) -> None:
    """Note on an error that a declared function raised which function it was, for who reads the traceback.

    Args:
        error: what was raised; it stays what it is.
        option: which declares the function.
        where: the name of the item, with the path of the field when a field declares it.
    """
    note = f"in the {option} of {where}"
    if note not in getattr(error, "__notes__", ()):  # the function may raise the same one again
        error.add_note(note)


def read_options(
    type_name: str,
    own_aliases: Mapping[str, str],
    given: Mapping[str, Any],
) -> tuple[Options, dict[str, Any]]:
    """Split what a declaration gives into the common options and those of its type.

    Args:
        type_name: of the field, for messages.
        own_aliases: every spelling of the type's own options, and the name it stands for.
        given: the keyword arguments.

    Raises:
        DefinitionError: an unknown option, one given twice, or a wrong value.
    """
    common: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for spelling, value in given.items():
        if spelling in own_aliases:
            target, name = own, own_aliases[spelling]
        else:
            target, name = common, ALIASES.get(spelling, spelling)
            if name not in _OPTION_NAMES:
                message = f"{type_name} has no option {spelling!r}"
                raise DefinitionError(message, hint=nearest(spelling, [*_OPTION_NAMES, *ALIASES, *own_aliases]))
        if name in target:
            message = f"{type_name}: the option {name!r} is given twice"
            raise DefinitionError(message)
        target[name] = value
    return _checked(type_name, common), own


def _checked(type_name: str, given: dict[str, Any]) -> Options:
    """Check and normalise the common options."""
    options = {name: _READERS[name](f"{type_name}: {name}", value) for name, value in given.items()}
    options["compute"] = options.pop("set", None)
    if options["compute"] is not None:
        useless = ["required"] if options.get("required") else []
        useless += [name for name in ("default", "transform", "onchange") if options.get(name) is not None]
        if useless:
            message = f"{type_name}: nobody sets a computed field, so it cannot have {useless[0]!r}"
            raise DefinitionError(message)
    return Options(**options)


def read_flag(what: str, value: Any) -> bool:
    """Read an option that is on or off.

    Raises:
        DefinitionError: it is neither.
    """
    if not isinstance(value, bool):
        message = f"{what} must be True or False, not {shown(value)}"
        raise DefinitionError(message)
    return value


def _text(what: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        message = f"{what} must be text, not {shown(value)}"
        raise DefinitionError(message)
    return value


def _function(offered: int) -> Callable[[str, Any], Function | None]:
    return lambda what, value: None if value is None else adapted(value, offered, what=what)


def _default(what: str, value: Any) -> Any:
    return adapted(value, 0, what=what) if callable(value) else value


def _enum(what: str, value: Any) -> tuple[Any, ...] | Function | None:
    if value is None:
        return None
    if isinstance(value, type) and issubclass(value, Enum):
        return tuple(member.value for member in value)
    if callable(value):
        return adapted(value, 1, what=what)
    if isinstance(value, str) or not isinstance(value, Iterable):
        message = f"{what} must be a list of values or a function, not {shown(value)}"
        raise DefinitionError(message)
    values = tuple(value)
    if not values:
        message = f"{what} must name at least one value"
        raise DefinitionError(message)
    return values


def _constraints(what: str, value: Any) -> tuple[Function, ...]:
    if value is None:
        return ()
    functions = value if isinstance(value, list | tuple) else (value,)
    return tuple(adapted(function, 2, what=what) for function in functions)


def read_right(what: str, value: Any) -> Right:
    """Read a right: a bool, `f(right_name, item)`, or None.

    Raises:
        DefinitionError: it is none of these.
    """
    if value is None or isinstance(value, bool):
        return value
    if inspect.iscoroutinefunction(value) or inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value):
        message = f"{what} must answer when it is called, and {shown(value)} gives something to be waited for"
        raise DefinitionError(message, hint="write a plain function that returns a bool")
    return adapted(value, 2, what=what)


def _exists(what: str, value: Any) -> bool | Function:
    return value if isinstance(value, bool) else adapted(value, 2, what=what)


def read_handlers(what: str, value: Any) -> tuple[tuple[str, Function], ...]:
    """Read the option `on`: one pair (event, function) or a list of them.

    Raises:
        DefinitionError: it is neither.
    """
    if value is None:
        return ()
    pairs = [value] if isinstance(value, tuple) and value and isinstance(value[0], str) else value
    if not isinstance(pairs, list | tuple):
        message = f"{what} must be a pair (event, function) or a list of pairs, not {shown(value)}"
        raise DefinitionError(message)
    handlers = []
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], str):
            message = f"{what} must hold pairs (event, function), not {shown(pair)}"
            raise DefinitionError(message)
        handlers.append((pair[0], adapted(pair[1], 3, what=what, named=True)))
    return tuple(handlers)


def _views(what: str, value: Any) -> tuple[str, ...]:
    names: tuple[Any, ...] = tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)
    for name in names:
        if not isinstance(name, str) or not name.removeprefix("!").isidentifier():
            message = f"{what} must hold names such as 'short' or '!short', not {shown(name)}"
            raise DefinitionError(message)
        if f"!{name}" in names:
            message = f"{what} cannot hold both {name!r} and '!{name}'"
            raise DefinitionError(message)
    return names


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "required": read_flag,
    "default": _default,
    "description": _text,
    "enum": _enum,
    "transform": _function(2),
    "constraints": _constraints,
    "onchange": _function(3),
    "set": _function(1),
    "exists": _exists,
    "can_read": read_right,
    "can_modify": read_right,
    "on": read_handlers,
    "views": _views,
    "index": read_flag,
    "unique": read_flag,
}
