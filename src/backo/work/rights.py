"""Ask the rights that a collection and its fields declare; whatever is in doubt is denied (SPEC 4).

A right is a bool or `f(right_name, item)`. It is asked as if no rights were there, so it may look at
anything. One that raises denies, and the failure is told in the log.

Before a right is asked of each item of a page, it is asked once of an item that nobody may look at:
when it answers without looking, the answer is that of every item, and what hangs on it (a column, a
filter, a page) is decided once, as if it had been declared as a constant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn, TypeAlias

from backo.context import SYSTEM, acting_as
from backo.errors import Problem, RightError
from backo.paths import FieldPath
from backo.query.filters import Filter
from backo.schema.compiler import Schema
from backo.schema.nodes import Node
from backo.schema.options import Function, Right

_log = logging.getLogger("backo.backoffice")

Guards: TypeAlias = Mapping[FieldPath, "bool | Function"]
"""The right of each field that does not allow everything anyway: its own, else that of the nearest field around it."""


@dataclass(frozen=True, eq=False)
class Rights:
    """What a collection declares.

    Attributes:
        read: `can_read`.
        create: `can_create`.
        modify: `can_modify`.
        delete: `can_delete`.
        rows: gives the filter of `visible` for the current user; None when every row is there for everybody.
        reading: the rights to read fields.
        writing: the rights to modify fields.
    """

    read: Right = None
    create: Right = None
    modify: Right = None
    delete: Right = None
    rows: Callable[[], Filter] | None = None
    reading: Guards = field(default_factory=dict)
    writing: Guards = field(default_factory=dict)

    @cached_property
    def are_declared(self) -> bool:
        """Whether there is anything to ask."""
        of_items = (self.read, self.create, self.modify, self.delete)
        is_asked = any(right is not None and right is not True for right in of_items)
        return is_asked or self.rows is not None or bool(self.reading or self.writing)


def guards_of(schema: Schema, option: str) -> Guards:
    """Give the rights of the fields of an item.

    Args:
        schema: of the item.
        option: `"can_read"` or `"can_modify"`.
    """
    guards: dict[FieldPath, bool | Function] = {}

    def walk(nodes: Iterable[Node], inherited: Right) -> None:
        for node in nodes:
            declared: Right = getattr(node.options, option)
            right = inherited if declared is None else declared
            if right is not None and right is not True:
                guards[node.path] = right
            walk(node.children.values(), right)

    declared = (node for node in schema.children.values() if not node.name.startswith("_"))
    walk(declared, getattr(schema.options, option))
    return guards


def is_allowed(right: Right, name: str, item: Any) -> bool:
    """Ask a right about an item.

    Args:
        right: a bool, a function, or None, which allows.
        name: of the right: `"read"`, `"create"`, `"modify"`, `"delete"`, `"see"`, `"execute"`.
        item: which item.
    """
    if right is None or isinstance(right, bool):
        return right is not False
    with acting_as(SYSTEM):
        return asked(right, name, item)


def asked(right: Function, name: str, item: Any) -> bool:
    """Ask a function about an item, where rights are lifted already."""
    try:
        answer = right(name, item)
        return answer if isinstance(answer, bool) else is_yes(answer)
    except Exception as error:  # noqa: BLE001  # a right that raises denies
        tell_failure(f"the right {name!r}", error)
        return False


def is_yes(answer: Any) -> bool:
    """Tell whether an answer allows; what has to be waited for is none."""
    return bool(answer) and not hasattr(answer, "__await__")


def tell_failure(what: str, error: BaseException) -> None:
    """Log the failure of a declared right: where it failed, and not its text, which may hold a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    _log.warning("%s raised %s%s, so it denies", what, type(error).__name__, where)


def resolved(right: Right, name: str) -> bool | Function:
    """Give the answer of a right for every item, or the right itself when it depends on the item."""
    if right is None or isinstance(right, bool):
        return right is not False
    unseen = _Unseen()
    try:
        with acting_as(SYSTEM):
            answer = is_yes(right(name, unseen))
    except _LookedAt:
        return right
    except Exception as error:  # noqa: BLE001  # as above
        if object.__getattribute__(unseen, "looks"):
            return right
        tell_failure(f"the right {name!r}", error)
        return False
    return right if object.__getattribute__(unseen, "looks") else answer


class _LookedAt(BaseException):
    """Raised in a right that looks at an item which is not there; no `except Exception` of its own stops it."""


class _Unseen:
    """An item at which nobody may look: whatever is asked of it is noted, and ends the question."""

    __slots__ = ("looks",)

    looks: list[bool]

    def __init__(self) -> None:
        object.__setattr__(self, "looks", [])

    def __getattribute__(self, name: str) -> NoReturn:
        _look(self)

    __hash__ = None  # type: ignore[assignment]  # given below, as all the others are


def _look(self: _Unseen, *_: Any) -> NoReturn:
    object.__getattribute__(self, "looks").append(True)
    raise _LookedAt


# Everything that Python asks of an object without naming an attribute.
_ASKED = """
    setattr delattr getitem setitem delitem contains iter next reversed len bool str repr format bytes hash
    eq ne lt le gt ge call int float index complex round neg pos abs invert enter exit await
    add radd sub rsub mul rmul truediv rtruediv mod rmod or ror and rand xor rxor
    copy deepcopy reduce reduce_ex sizeof dir fspath
"""
for _name in _ASKED.split():
    setattr(_Unseen, f"__{_name}__", _look)


def refuse(doing: str, paths: Iterable[str] = ()) -> NoReturn:
    """Refuse what the current user has no right to.

    Args:
        doing: what, for the message: `"read items of 'users'"`.
        paths: the fields that are refused.

    Raises:
        RightError: always.
    """
    problems = [Problem(path, "right", "May not be changed") for path in paths]
    message = f"you may not {doing}"
    raise RightError(message, problems=problems)
