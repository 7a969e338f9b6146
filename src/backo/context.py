"""Know who is acting, whether rights are lifted, and through which address: in context variables.

The user is made when somebody first asks for it, by the class that `backo.items.users` provides;
nobody needs no object. A request keeps its user wherever it runs; outside of requests a user is
changed by replacing it, so contexts do not see one another's changes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, final

from backo.errors import DefinitionError, ValidationError, shown

NOBODY_ID = "000"
NOBODY_LOGIN = "ANONYMOUS"


class Person(Protocol):
    """What is asked here of a user; anything else is forwarded to it."""

    def set(self, values: Mapping[str, Any]) -> None:
        """Merge values, all or nothing."""

    def is_anonymous(self) -> bool:
        """Tell whether nobody is logged in."""


@final
class _System:
    """Whoever may do everything."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SYSTEM"

    def __reduce__(self) -> str:
        return "SYSTEM"


SYSTEM: Final = _System()
"""Whoever may do everything: `with acting_as(SYSTEM): …` lifts all rights."""

Actor: TypeAlias = "_System | Mapping[str, Any] | Person"


class _Seat:
    """The place that a user takes.

    Attributes:
        user: None as long as it is nobody and nobody has asked.
        bound: whether it belongs to one request or block, so that its user may be changed in place.
    """

    __slots__ = ("user",)

    bound = False

    def __init__(self, user: Any = None) -> None:
        self.user = user


class _Block(_Seat):
    """The place of the user of a block that acts as somebody."""

    __slots__ = ()

    bound = True


class _Lift:
    """A block in which rights are lifted; each is another one."""

    __slots__ = ()


_Blocks: TypeAlias = "tuple[_Block | _Lift, ...]"


_seat: ContextVar[_Seat | None] = ContextVar("backo_seat", default=None)
_blocks: ContextVar[_Blocks] = ContextVar("backo_blocks", default=())


class RequestContext(_Seat):
    """The time of one request: it starts as nobody, in full rights.

    It can be entered again, one time after the other, for each step of the request; between the
    steps the user of before is back.
    """

    __slots__ = ("_around", "_inside", "is_over")

    bound = True

    def __init__(self) -> None:
        self.user = None
        self.is_over = False  # whether nothing is left to run that asks for the user: the answer is plain bytes
        self._inside: _Blocks = ()  # the blocks that are open in the request

    def __enter__(self) -> None:
        self._around = _seat.get(), _blocks.get()
        _seat.set(self)
        if self._around[1] is not self._inside:
            _blocks.set(self._inside)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inside = _blocks.get()
        seat, blocks = self._around
        _seat.set(seat)
        if self._inside is not blocks:
            _blocks.set(blocks)


request_context = RequestContext
"""Run as nobody until somebody says who it is; restore the user of before afterwards."""


def running_request() -> RequestContext | None:
    """Give the request that is running; None outside of one."""
    seat = _seat.get()
    return seat if isinstance(seat, RequestContext) else None


def is_lifted() -> bool:
    """Tell whether rights are lifted: the innermost `acting_as` is one of `SYSTEM`."""
    blocks = _blocks.get()
    return bool(blocks) and isinstance(blocks[-1], _Lift)


@contextmanager
def acting_as(user: Actor) -> Iterator[None]:
    """Act as somebody else for a while; what was before is restored afterwards, whatever happens.

    In a generator it holds for the caller too, from one value to the next.

    Args:
        user: `SYSTEM` lifts all rights, while `current_user` still names the user of the request;
            `{"_id": str, "login": str, "roles": [str]}` or a `CurrentUser` acts as that user with
            that user's rights, also where rights are lifted around.

    Raises:
        ValidationError: it is none of these, or its values do not fit.
    """
    block = _Lift() if user is SYSTEM else _Block(_person(user))
    _blocks.set((*_blocks.get(), block))
    try:
        yield
    finally:
        _blocks.set(_without(block, _blocks.get()))


def _without(block: _Block | _Lift, blocks: _Blocks) -> _Blocks:
    """Take a block away: a generator may end after what was opened later, or where it was not begun."""
    return tuple(one for one in blocks if one is not block)


def _person(user: Any) -> Person:
    """Make the user of a block: a copy, which the block may change."""
    if isinstance(user, CurrentUserWrapper):
        user = _user()
    if isinstance(user, _users.base):
        twin: Person = copy.copy(user)
        return twin
    if not isinstance(user, Mapping):
        message = f"nobody can act as {shown(user)}"
        raise ValidationError(message, hint="give SYSTEM, {'_id': …, 'login': …, 'roles': […]} or a CurrentUser")
    person = _users.make()
    person.set(user)
    return person


class _Users:
    """The class of the users of this process.

    Attributes:
        base: the class of all users.
        kind: the class of those made from now on.
    """

    base: type[Any]
    kind: type[Any]

    def make(self) -> Person:
        """Make nobody."""
        person: Person = self.kind()
        return person


_users = _Users()


def provide(kind: type[Any]) -> None:
    """Say of which class users are, unless `current_user.reset` says otherwise."""
    _users.base = _users.kind = kind


def _holder() -> _Seat | None:
    """Find the place of the user who acts."""
    for block in reversed(_blocks.get()):
        if isinstance(block, _Block):
            return block
    return _seat.get()


def _present() -> Any:
    """Give the user who acts, None when that is nobody, of whom there is no object."""
    seat = _holder()
    return None if seat is None else seat.user


def _user() -> Any:
    """Give the user who acts, to read."""
    seat = _holder()
    if seat is None:
        seat = _Seat()
        _seat.set(seat)
    if seat.user is None:
        seat.user = _users.make()
    return seat.user


def _own_user() -> Any:
    """Give the user who acts, to change: outside of requests a copy, which only this context has."""
    user, seat = _user(), _holder()
    if seat is not None and seat.bound:
        return user
    user = copy.copy(user)
    _seat.set(_Seat(user))
    return user


# What nobody says of itself without being made.
_UNMADE: Mapping[str, Any] = {"_id": NOBODY_ID, "login": NOBODY_LOGIN, "standalone": False}

# What changes a user through a method that is only forwarded.
_CHANGING = frozenset({"add_to_model", "patch", "remove_model"})


class CurrentUserWrapper:
    """The user of the running request, wherever it is asked for; nobody outside a request.

    Everything is forwarded to the `CurrentUser` of the context: fields, methods, comparisons.

    >>> current_user.is_anonymous(), current_user.login
    (True, 'ANONYMOUS')
    """

    __slots__ = ()

    if TYPE_CHECKING:
        _id: str
        login: str
        roles: list[str]
        standalone: bool  # assigned by older programs; it has no effect

    def is_anonymous(self) -> bool:
        """Tell whether nobody is logged in."""
        user = _present()
        return user is None or bool(user.is_anonymous())

    def has_role(self, role: str | Iterable[str]) -> bool:
        """Tell whether the user has the role, or one of several."""
        return bool(_user().has_role(role))

    def get_value(self) -> dict[str, Any]:
        """Give plain values: `{"_id": str, "login": str, "roles": [str]}`, and those of one's own fields."""
        values: dict[str, Any] = _user().get_value()
        return values

    def set(self, values: Mapping[str, Any]) -> None:
        """Merge the given values, all or nothing; what is not given stays.

        Raises:
            ValidationError: with every problem and its path; nothing is changed.
        """
        _own_user().set(values)

    def logout(self) -> None:
        """Become nobody."""
        _own_user().logout()

    def reset(self, obj: Any) -> None:
        """Become another user, of another class perhaps.

        Inside a request, or a block that acts as somebody, it replaces the user there. Outside of
        them it is the user of this context, and its class that of every later user of the process.

        Args:
            obj: a `CurrentUser`, or an instance of a class of one's own.

        Raises:
            DefinitionError: it is no `CurrentUser`; or later users are to be of its class, which
                cannot be made without arguments.
        """
        if isinstance(obj, CurrentUserWrapper):
            obj = _user()
        if not isinstance(obj, _users.base):
            message = f"current_user cannot become {shown(obj)}"
            raise DefinitionError(message, hint="give an instance of CurrentUser, or of a class derived from it")
        seat = _holder()
        if seat is not None and seat.bound:
            seat.user = obj
            return
        kind = type(obj)
        try:
            kind()
        except TypeError as error:
            message = f"users cannot be made of {kind.__name__}: {error}"
            raise DefinitionError(message, hint="write def __init__(self, obj=None)") from error
        _users.kind = kind
        _seat.set(_Seat(obj))

    def __getattr__(self, name: str) -> Any:
        """Forward to the user."""
        if name in _UNMADE and (name == "standalone" or _present() is None):
            return _UNMADE[name]
        return getattr(_own_user() if name in _CHANGING else _user(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field of the user; raises `ValidationError`."""
        if name != "standalone":
            setattr(_own_user(), name, value)

    def __delattr__(self, name: str) -> None:
        """Unset a field of the user."""
        delattr(_own_user(), name)

    def __getitem__(self, name: str) -> Any:
        """Read a field of the user."""
        return _user()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a field of the user; raises `ValidationError`."""
        _own_user()[name] = value

    def __contains__(self, name: object) -> bool:
        """Tell whether a user has such a field."""
        return name in _user()

    def __iter__(self) -> Iterator[str]:
        """Give the names of the fields."""
        return iter(_user())

    def __eq__(self, other: object) -> bool:
        """Compare the values of the user with those of another one, or a dict."""
        return bool(_user() == (_user() if isinstance(other, CurrentUserWrapper) else other))

    __hash__ = None  # type: ignore[assignment]  # users change

    def __repr__(self) -> str:
        """Show the user."""
        return repr(_user())

    def __dir__(self) -> list[str]:
        """List what a user has."""
        return sorted({*object.__dir__(self), *dir(_user())})


current_user = CurrentUserWrapper()
"""The user of the running request, wherever it is asked for: the one `CurrentUserWrapper`."""


_address: ContextVar[tuple[object, str] | None] = ContextVar("backo_address", default=None)


@contextmanager
def addressed(owner: object, root: str) -> Iterator[None]:
    """Let what is shown name addresses.

    Args:
        owner: the application that is asked.
        root: its address, percent-encoded, such as `"/api/shop"`.
    """
    token = _address.set((owner, root))
    try:
        yield
    finally:
        _address.reset(token)


def root_of(owner: object) -> str | None:
    """Give the address of an application; None where nobody asks for it through one."""
    bound = _address.get()
    return bound[1] if bound is not None and bound[0] is owner else None
