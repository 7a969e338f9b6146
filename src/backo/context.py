"""Know who is acting, and through which address: context variables, set and reset by whoever binds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who acts.

    Attributes:
        id: of the user, `"000"` for nobody.
        login: a name to show.
        roles: names of what the user is allowed to be.
    """

    id: str = "000"
    login: str = "ANONYMOUS"
    roles: tuple[str, ...] = ()


ANONYMOUS = User()

_user: ContextVar[User] = ContextVar("backo_user", default=ANONYMOUS)


class _System:
    """Who may do everything."""

    def __repr__(self) -> str:
        return "SYSTEM"


SYSTEM = _System()

_lifted: ContextVar[bool] = ContextVar("backo_lifted", default=False)


def is_lifted() -> bool:
    """Tell whether rights are lifted: the library acts, or code said `acting_as(SYSTEM)`."""
    return _lifted.get()


@contextmanager
def acting_as(user: _System) -> Iterator[None]:
    """Lift all rights; `current_user` still names the user of the request."""
    del user
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


class CurrentUser:
    """The user of the running request, wherever it is asked for; nobody outside a request.

    >>> current_user.is_anonymous()
    True
    """

    __slots__ = ()

    @property
    def _id(self) -> str:
        return _user.get().id

    @property
    def login(self) -> str:
        """The login name."""
        return _user.get().login

    @property
    def roles(self) -> list[str]:
        """The roles."""
        return list(_user.get().roles)

    def has_role(self, role: str | list[str]) -> bool:
        """Tell whether the user has the role, or one of several."""
        wanted = [role] if isinstance(role, str) else role
        return not set(wanted).isdisjoint(_user.get().roles)

    def is_anonymous(self) -> bool:
        """Tell whether nobody is logged in."""
        return _user.get().id == ANONYMOUS.id

    def set(self, values: Mapping[str, Any]) -> None:
        """Become this user: `{"_id": str, "login": str, "roles": [str]}`; what is not given stays."""
        present = self.get_value() | dict(values)
        _user.set(User(str(present["_id"]), str(present["login"]), tuple(map(str, present["roles"]))))

    def logout(self) -> None:
        """Become nobody."""
        _user.set(ANONYMOUS)

    def get_value(self) -> dict[str, Any]:
        """Give plain values: `{"_id", "login", "roles"}`."""
        return {"_id": self._id, "login": self.login, "roles": self.roles}


current_user = CurrentUser()


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


@contextmanager
def request_context() -> Iterator[None]:
    """Run as nobody until somebody says who it is; restore the user of before afterwards."""
    token = _user.set(ANONYMOUS)
    try:
        yield
    finally:
        _user.reset(token)
