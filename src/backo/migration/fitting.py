"""Decide what becomes of one stored document: the pure half of a migration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from backo import jsontext
from backo.connectors.base import Document, StoredDocument
from backo.errors import BackoError, Problem, StoredDataError, ValidationError, shown
from backo.migration.report import visible
from backo.paths import to_text
from backo.query.reading import raw_value
from backo.work.catalog import Entry

Function: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

_OWN = ("_id", "_meta")  # what stands in a document beside its fields
_UNKNOWN, _REMOVE = "unknown", "Is not declared: remove it in the function"
_AGAIN = "it may meet an item that it has changed before: look whether there is something to do"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A document that fits the present declaration, and where it comes from.

    Attributes:
        stored: the version that is stored.
        after: the document to be stored.
        is_changed: whether the two say different things; null and absent are the same.
        is_current: whether what is stored needs no writing.
    """

    stored: StoredDocument
    after: Document
    is_changed: bool
    is_current: bool

    @property
    def id(self) -> str:
        """The `_id`."""
        return self.stored.id

    @property
    def before(self) -> Document:
        """The document that is stored."""
        return self.stored.document


def fit(entry: Entry, function: Function | None, stored: StoredDocument) -> Fitted:
    """Give a stored document to the function, and check what comes back against the present declaration.

    Raises:
        StoredDataError: there is no function, and the document does not fit.
        ValidationError: what the function gave does not fit, or is no such document, or it raised.
    """
    given = stored.document if function is None else _called(entry, function, stored)
    problems = [*_undeclared(given), *_looked_up(entry, given)]
    try:
        after = entry.checked(stored.id, given)
    except ValidationError as error:
        raise misfit(entry, stored.id, [*map(_told, error.problems), *problems], function) from error
    except Exception as error:
        error.add_note(f"while {entry.name}/{stored.id} was checked for a migration")
        raise
    if problems:
        raise misfit(entry, stored.id, problems, function)
    is_changed = not jsontext.equal(visible(after, stored.document), stored.document)
    is_current = not is_changed and stored.fingerprint == entry.schema.fingerprint
    return Fitted(stored, after, is_changed, is_current)


def misfit(entry: Entry, id_: str, problems: Iterable[Problem], function: Function | None) -> BackoError:
    """Say that the document of an item does not fit, stored or given by the function."""
    where, hint = f"{entry.name}/{id_}", "nothing of this run is saved"
    if function is None:
        message = f"{where}: the stored item does not fit the declaration of {entry.name!r}"
        return StoredDataError(message, problems=problems, hint=f"{hint}; give migrate() a function that mends it")
    message = f"{where}: what the function gave does not fit the declaration of {entry.name!r}"
    return ValidationError(message, problems=problems, hint=hint)


def _called(entry: Entry, function: Function, stored: StoredDocument) -> dict[str, Any]:
    """Call the function with a copy of a document.

    Raises:
        ValidationError: it raised, or what it gave is no document of this item.
    """
    where = f"{entry.name}/{stored.id}"
    try:
        given = function(jsontext.decode(jsontext.encode(stored.document)))
    except Exception as error:
        message = f"{where}: the function raised {type(error).__name__}, so nothing of this run is saved"
        raise ValidationError(message, hint=_AGAIN) from error
    if not isinstance(given, dict):
        message = f"{where}: the function must return the document, a dict, not {type(given).__name__}"
        raise ValidationError(message, hint="end it with `return` and the dict that it was given")
    if given.get("_id") != stored.id:
        message = f"{where}: the function may not change `_id`"
        text = f"Must stay {shown(stored.id)}" if "_id" in given else f"Is gone; it must stay {shown(stored.id)}"
        raise ValidationError(message, problems=[Problem("$._id", "read_only", text)])
    return given


def _undeclared(document: Document) -> list[Problem]:
    """Find keys that start with `_` and are not ours; the others are found where fields are checked."""
    keys = [key for key in document if isinstance(key, str) and key.startswith("_") and key not in _OWN]
    return [Problem(to_text((key,)), _UNKNOWN, _REMOVE) for key in keys]


def _looked_up(entry: Entry, document: Document) -> list[Problem]:
    """Find links that were set on the side where they are not stored."""
    return [
        Problem(to_text(link.path), "derived", f"Is looked up in {link.target!r}, which stores the link: set it there")
        for link in entry.links.values()
        if link.derived and raw_value(link.path)(document)
    ]


def _told(problem: Problem) -> Problem:
    """Say of a key that is not declared what has to be done with it."""
    if problem.code != _UNKNOWN:
        return problem
    _, _, suggestion = problem.message.partition("; ")
    return Problem(problem.path, problem.code, f"{_REMOVE}; {suggestion}" if suggestion else _REMOVE)
