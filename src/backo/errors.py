"""Say what went wrong, where, and how to mend it: the whole tree of errors.

    BackoError
    ├── DefinitionError          a declaration is wrong (raised when the application is assembled)
    ├── ValidationError          values do not fit their declaration           (also ValueError)
    │   └── QueryError           a filter, a sort, a page or a selector does not
    ├── RightError               the current user may not                      (also PermissionError)
    ├── NotFoundError            no such item, collection, view, …             (also LookupError)
    ├── PathNotFoundError        no such path in an item                       (also LookupError)
    ├── StateError               this cannot be done now (unsaved, not bound, nested)
    ├── ConflictError            somebody else was faster, or a reference or a unique value refuses
    │   └── PreconditionError    the item is not the one the caller had read (`If-Match`)
    ├── FileError                the content of a file is refused or away
    ├── DBError                  a store failed or is away
    │   ├── StoredDataError      what is stored does not fit the declaration any more
    │   └── TransientError       the store gave up for reasons of its own; the same request may succeed
    └── SessionError             a unit of work was used after its end, or in another thread

An error carries a stable `code`, one `message`, the `problems` found (each with its path) and
perhaps a `hint`. Which HTTP status belongs to which class is known by `backo.http.problems` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from reprlib import Repr
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SHOWN = 100  # characters of a value that a message may show
_MAX_MISSPELT = 60  # characters of a name for which a near one is looked for

_SHORT = Repr()  # looks neither deep into a value nor at all of it
_SHORT.maxlevel, _SHORT.maxlong, _SHORT.maxother = 4, MAX_SHOWN, MAX_SHOWN


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong at one place.

    Attributes:
        path: a selector, such as `"$.address.zip"`.
        code: a stable word.
        message: a sentence.
    """

    path: str
    code: str
    message: str


class BackoError(Exception):
    """Root of every error of this library; each class has a stable `code`.

    Attributes:
        message: what is wrong, in one sentence.
        problems: what is wrong at which place, a tuple of `Problem`.
        hint: how to mend it; None where there is nothing to say.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, problems: Iterable[Problem] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.hint = hint

    def __str__(self) -> str:
        """Give the message, its problems and its hint in one text."""
        text = self.message
        if self.problems:
            text += ": " + "; ".join(f"{problem.path}: {problem.message}" for problem in self.problems)
        if self.hint:
            text += f" ({self.hint})"
        return text


class DefinitionError(BackoError):
    """Raised when a declaration is wrong: by the declaration itself or at assembly."""

    code = "definition"


class ValidationError(BackoError, ValueError):
    """Raised when values do not fit their declaration; `problems` lists every one of them."""

    code = "invalid"


class QueryError(ValidationError):
    """Raised when a filter, a sort, a page or a selector makes no sense for the collection."""

    code = "query"


class RightError(BackoError, PermissionError):
    """Raised when the current user may not do this."""

    code = "right"


class NotFoundError(BackoError, LookupError):
    """Raised when there is no such item (or none that the current user can see)."""

    code = "not_found"


class PathNotFoundError(BackoError, LookupError):
    """Raised when an item has no such path."""

    code = "path_not_found"


class StateError(BackoError):
    """Raised when something cannot be done in the present state of an item or of the application."""

    code = "state"


class ConflictError(BackoError):
    """Raised when another writer, a unique value or a reference stands in the way."""

    code = "conflict"


class PreconditionError(ConflictError):
    """Raised when the stored item is not the version that the caller named."""

    code = "precondition"


class FileError(BackoError):
    """Raised when the content of a file is refused, or cannot be found."""

    code = "file"


class DBError(BackoError):
    """Raised when a store fails or is away."""

    code = "store"


class StoredDataError(DBError):
    """Raised when a stored item does not fit its declaration; it needs a migration."""

    code = "stored_data"


class TransientError(DBError):
    """Raised when a store asks for the whole unit of work again (a deadlock, a failed serialization)."""

    code = "transient"


class SessionError(BackoError):
    """Raised when a unit of work is used after its end, or from another thread."""

    code = "session"


def shown(value: object) -> str:
    """Show a value in a message: its `repr`, cut to 100 characters. Does not raise, whatever the value is.

    >>> shown("Jo")
    "'Jo'"
    """
    try:
        text = repr(value[: MAX_SHOWN + 1]) if isinstance(value, str | bytes) else _SHORT.repr(value)
    except Exception:  # noqa: BLE001  # a message about a wrong value must not fail because of it
        text = f"<{type(value).__name__}>"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Suggest the known name that is closest to a misspelt one, as a hint, or None.

    >>> nearest("nmae", ["name", "age"])
    "did you mean 'name'?"
    """
    if not isinstance(name, str) or len(name) > _MAX_MISSPELT:
        return None
    matches = get_close_matches(name, list(known), n=1)
    return f"did you mean {matches[0]!r}?" if matches else None
