"""Find the field that a path of a query names, across links too.

The query language knows a collection as a `Scope`: which fields there are, and where links lead.
Who compiles schemas implements it; a path is looked up once per query.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from backo.errors import Problem, QueryError, shown
from backo.paths import MAX_SELECTOR, FieldPath
from backo.query.limits import Tally
from backo.schema.anyjson import check_text
from backo.schema.kinds import Kind
from backo.schema.problems import Refusal


class Node(Protocol):
    """One field, as far as a query asks about it."""

    @property
    def kind(self) -> Kind:
        """How it compares (its elements, through all lists)."""

    @property
    def many(self) -> bool:
        """Whether the path ends at, or goes through, a list (or may: below a `FreeDict`)."""

    @property
    def is_list(self) -> bool:
        """Whether the path ends at a list."""

    @property
    def is_group(self) -> bool:
        """Whether there are named fields inside (inside its elements where it is a list)."""

    @property
    def is_file(self) -> bool:
        """Whether it is a file, of which only can be asked whether there is one."""

    @property
    def filterable(self) -> bool:
        """Whether its value can be found in a stored document, or by a link."""

    def operand(self, value: Any) -> Any:
        """Turn one Python or JSON value (of an element where it is a list) into JSON; raise `Refusal`."""

    def from_text(self, text: str) -> Any:
        """Read the text of a query string by the type of the field, as JSON; raise `Refusal`."""


class Scope(Protocol):
    """One collection, as far as a query asks about it."""

    @property
    def name(self) -> str:
        """The name of the collection."""

    def node(self, path: FieldPath) -> Node | None:
        """Give a field of this collection; below a `FreeDict`, a node of kind JSON for any path."""

    def target(self, path: FieldPath) -> Scope | None:
        """Give the collection that a link refers to; None when the path is not a link."""

    def is_derived(self, path: FieldPath) -> bool:
        """Tell whether the path is a side of a link that is looked up instead of stored."""

    def names(self, path: FieldPath) -> Iterable[str]:
        """List the names that are known below a path, for hints; `()` for the collection itself."""


class Link(NamedTuple):
    """A link on the way of a path: where it is, where it leads, how it is kept."""

    path: FieldPath
    collection: str
    is_list: bool
    is_derived: bool


class Place(NamedTuple):
    """The field that a path names.

    Attributes:
        path: as it was asked, from the collection of the query.
        links: the links that it crosses, in order; each path starts where the link before leads.
        own: the rest of the path, in the collection where the field is.
        node: the field.
        link: the field as a link, when it is one.
    """

    path: FieldPath
    links: tuple[Link, ...]
    own: FieldPath
    node: Node
    link: Link | None


@lru_cache(maxsize=1024)
def split_key(key: str) -> tuple[FieldPath, str | None]:
    """Split a key into the path of a field and the operator at its end, if there is one.

    A leading `$.` may be there, as in a selector.

    >>> split_key("address.zip.$in")
    (('address', 'zip'), '$in')

    Raises:
        QueryError: the key is too long, or contains what no name can.
    """
    if len(key) > MAX_SELECTOR:
        raise _bad_key(key, f"A path has at most {MAX_SELECTOR} characters")
    try:
        check_text(key)
    except Refusal as refusal:
        raise _bad_key(key, refusal.findings[0].message) from None
    *names, last = key.removeprefix("$.").split(".")
    return (tuple(names), last) if last[:1] == "$" else ((*names, last), None)


def _bad_key(key: str, message: str) -> QueryError:
    problem = Problem("$", "path", f"{message}: {shown(key)}")
    return QueryError("the query makes no sense here", problems=[problem])


def locate(scope: Scope, path: FieldPath, tally: Tally) -> Place | None:
    """Find the field of a path; note a problem and give None when there is none.

    Raises:
        QueryError: the path has more steps than a filter may have levels.
    """
    tally.check_depth(len(path))
    node = scope.node(path)
    if node is not None:
        return Place(path, (), path, node, _link(scope, path, node))
    links: list[Link] = []
    own = path
    while (crossed := _first_link(scope, own)) is not None:
        link, scope = crossed
        links.append(link)
        own = own[len(link.path) :]
        node = scope.node(own)
        if node is not None:
            return Place(path, tuple(links), own, node, _link(scope, own, node))
    _note_unknown(scope, path, own, tally)
    return None


def _link(scope: Scope, path: FieldPath, node: Node) -> Link | None:
    target = scope.target(path)
    return None if target is None else Link(path, target.name, node.is_list, scope.is_derived(path))


def _first_link(scope: Scope, path: FieldPath) -> tuple[Link, Scope] | None:
    """Find the first link on the way of a path (not at its end), and where it leads."""
    for end in range(1, len(path)):
        start = path[:end]
        node = scope.node(start)
        if node is None:
            return None
        target = scope.target(start)
        if target is not None:
            return Link(start, target.name, node.is_list, scope.is_derived(start)), target
    return None


def _note_unknown(scope: Scope, path: FieldPath, own: FieldPath, tally: Tally) -> None:
    """Say which step of a path leads nowhere; `own` is the part of it inside `scope`."""
    known = 0
    while known < len(own) - 1 and scope.node(own[: known + 1]) is not None:
        known += 1
    hint = tally.hint(own[known], scope.names(own[:known]))
    tally.refuse(path[: len(path) - len(own) + known + 1], "unknown", f"There is no such field{hint}")
