"""Declare what a collection offers under names of its own, and find it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from backo.errors import DefinitionError, NotFoundError, nearest, shown
from backo.paths import is_name

T = TypeVar("T")


def declare(offers: dict[str, T], name: str, offer: T, type_: type[T], collection: str) -> None:
    """Add something to what a collection offers.

    Args:
        offers: those that there are, by name.
        name: of the new one.
        offer: the new one.
        type_: what it must be.
        collection: its name.

    Raises:
        DefinitionError: the name cannot be, or is taken; or the offer is something else.
    """
    kind = type_.__name__
    if not isinstance(name, str) or not is_name(name) or name.startswith("_"):
        message = f"{collection}: nothing can be registered as {shown(name)}"
        raise DefinitionError(message, hint="names are identifiers that do not start with '_'")
    if not isinstance(offer, type_):
        message = f"{collection}: what is registered as {name!r} must be {_a(kind)}(…), not {shown(offer)}"
        raise DefinitionError(message)
    if name in offers:
        message = f"{collection}: there is {_a(kind)} {name!r} already"
        raise DefinitionError(message, hint="give one of them another name")
    offers[name] = offer


def offered(offers: Mapping[str, T], name: str, kind: str, collection: str) -> T:
    """Give what a collection offers under a name.

    Raises:
        NotFoundError: there is nothing.
    """
    try:
        return offers[name]
    except KeyError:
        message = f"there is no {kind} {name!r} in {collection!r}"
        raise NotFoundError(message, hint=nearest(name, offers)) from None


def read_options(
    kind: str, named: Mapping[str, Any], aliases: Mapping[str, str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Join options given by name with those given by an alias.

    Args:
        kind: whose options they are, for messages.
        named: those given by name; None where one was not given.
        aliases: other spellings, and the names they stand for.
        given: those given by other spellings.

    Raises:
        DefinitionError: there is no such option, or one is given twice.
    """
    options = dict(named)
    for spelling, value in given.items():
        name = aliases.get(spelling)
        if name is None:
            message = f"{kind} has no option {spelling!r}"
            raise DefinitionError(message, hint=nearest(spelling, [*named, *aliases]))
        if options[name] is not None:
            message = f"{kind}: the option {name!r} is given twice"
            raise DefinitionError(message)
        options[name] = value
    return options


def read_description(kind: str, description: Any) -> str | None:
    """Read the option `description`.

    Raises:
        DefinitionError: it is no text.
    """
    if description is not None and not isinstance(description, str):
        message = f"{kind}: description must be text, not {shown(description)}"
        raise DefinitionError(message)
    return description


def _a(kind: str) -> str:
    """Put the article before the name of a class.

    >>> _a("Action"), _a("Selection")
    ('an Action', 'a Selection')
    """
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"
