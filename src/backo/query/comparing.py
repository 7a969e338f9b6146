"""Build one comparison, typed by the field that it compares.

Links read as the ids of their targets, whichever side is stored, and a link without targets is
absent: `null` and `[]` mean the same on a list of links. A derived list comes in order of `_id`, so
as a whole it equals only ids that are in this order, each once.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from backo.query.filters import (
    EVERYTHING,
    NOTHING,
    Compare,
    Filter,
    Not,
    Operand,
    Operator,
    Through,
    all_of,
    any_of,
    id_is_in,
)
from backo.query.limits import Tally
from backo.query.patterns import PatternError, searcher
from backo.query.reading import COMPARABLES
from backo.query.scopes import Link, Node, Place
from backo.schema.anyjson import check_text
from backo.schema.kinds import Comparable, Kind
from backo.schema.problems import Refusal

ALIASES: Final = {"$re": "$reg", "$regex": "$reg"}
"""Second spellings of operators."""

POSITIVE: Final = {operator.value: operator for operator in Operator}
"""The operators that a tree knows."""

NEGATIVE: Final = {"$ne": Operator.EQ, "$nin": Operator.IN}
"""The operators that are complements, and of what."""

# Looking up a member of an enumeration costs more than the whole of most branches below.
_EQ, _IN, _CONTAINS, _REG = Operator.EQ, Operator.IN, Operator.CONTAINS, Operator.REG
_TEXT = Kind.TEXT

ORDERING: Final = frozenset({Operator.LT, Operator.LTE, Operator.GT, Operator.GTE})

Read = Callable[[Node, Any], Any]  # one operand as JSON; raises `Refusal`


def from_json(node: Node, value: Any) -> Any:
    """Read an operand that is a Python or JSON value."""
    return node.operand(value)


def from_text(node: Node, value: Any) -> Any:
    """Read an operand that is a text of a query string."""
    return node.from_text(value)


def comparison(place: Place, operator: Operator, value: Any, read: Read, tally: Tally) -> Filter:
    """Build the filter of one operator on one field.

    Args:
        place: the field.
        operator: what is asked.
        value: the operand, None for absent; with IN a list or a set of operands. An operand that is a
            list stands for a whole list where the field is one.
        read: reads one operand, of an element where the field is a list.
        tally: counts what the filter costs.

    Raises:
        Refusal: the operator makes no sense for the field, or the value does not fit it.
        QueryError: a limit is exceeded.
    """
    node = place.node
    if not node.filterable:
        raise Refusal.of("computed", "Is computed when it is read, so it cannot be filtered")
    tally.add_nodes(1 + len(place.links))
    tally.add_values(1)
    operand: Any
    if node.is_group:
        _check_group(operator, value)
        operand = None
    elif operator is _EQ:
        operand = _whole_or_one(node, value, read, tally)
    elif operator is _IN:
        operand = _one_of(node, value, read, tally)
    elif operator is _CONTAINS and node.is_list:
        operator, operand = _EQ, _one(node, value, read)
    elif operator is _CONTAINS or operator is _REG:
        operand = _text(node, operator, value, tally)
    else:
        operand = _bound(node, operator, value, read)
    return _across(place, _here(place, operator, operand, tally), is_absent=_finds_absent(place, operator, operand))


def _check_group(operator: Operator, value: Any) -> None:
    if operator is not _EQ or value is not None:
        raise Refusal.of("group", "Is a group of fields: compare one of them, or the group with null")


def _one(node: Node, value: Any, read: Read) -> Comparable:
    try:
        found = COMPARABLES[node.kind](read(node, value))
    except UnicodeEncodeError:  # in a key or a text inside a JSON value
        raise Refusal.of("text", "Must not contain a lone surrogate") from None
    if found is None:
        raise Refusal.of("null", "Must not be null, or of another type, here")
    if type(found) is str:
        check_text(found)  # a type of a user's own may have let pass what no store can be asked
    return found


def _whole_or_one(node: Node, value: Any, read: Read, tally: Tally) -> Operand:
    """Read the operand of an equality: absent, one value, or a whole list."""
    if value is None:
        return None
    if node.is_list and isinstance(value, list | tuple):
        tally.add_values(len(value))
        return tuple([_one(node, element, read) for element in value])
    return _one(node, value, read)


def _one_of(node: Node, value: Any, read: Read, tally: Tally) -> tuple[Operand, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise Refusal.of("type", "$in and $nin take a list")
    tally.add_values(len(value))
    return tuple(dict.fromkeys([_whole_or_one(node, element, read, tally) for element in value]))


def _bound(node: Node, operator: Operator, value: Any, read: Read) -> Comparable:
    if node.kind is Kind.BOOLEAN:
        raise Refusal.of("operator", f"{operator} makes no sense here: true and false have no order")
    if value is None:
        raise Refusal.of("null", f"{operator} takes a value, not null")
    bound = _one(node, value, read)
    if node.kind is Kind.JSON and str(bound)[0] not in "nt":
        raise Refusal.of("operator", f"{operator} takes a number or a text here")
    return bound


def _text(node: Node, operator: Operator, value: Any, tally: Tally) -> str:
    if node.kind is not _TEXT:
        where = "text or a list" if operator is _CONTAINS else "text"
        raise Refusal.of("operator", f"{operator} makes no sense here: the field is not {where}")
    if not isinstance(value, str):
        raise Refusal.of("type", f"{operator} takes a text")
    check_text(value)
    if operator is _REG:
        tally.add_pattern()
        _check_pattern(value, tally.limits.pattern)
    return value


def _check_pattern(pattern: str, longest: int) -> None:
    if len(pattern) > longest:
        raise Refusal.of("limit", f"A pattern has at most {longest} characters")
    try:
        searcher(pattern)
    except PatternError as error:
        text = f"Is not a pattern ({error}); the syntax is RE2's: no look-around, no back-references"
        raise Refusal.of("pattern", text) from None


def _here(place: Place, operator: Operator, operand: Any, tally: Tally) -> Filter:
    """Build the comparison in the collection where the field is."""
    if place.link is not None:
        return _of_link(place.link, operator, operand, place.node, tally)
    if operator is _IN and not operand:
        return NOTHING
    return Compare(place.own, operator, operand, place.node.kind, place.node.many)


def _of_link(link: Link, operator: Operator, operand: Any, node: Node, tally: Tally) -> Filter:
    def targets(operator: Operator, operand: Any) -> Filter:
        if link.is_derived:
            return Through(link.path, link.collection, Compare(("_id",), operator, operand, _TEXT))
        return Compare(link.path, operator, operand, node.kind, node.many)

    if operator is not _EQ and operator is not _IN:
        return targets(operator, operand)
    options = operand if operator is _IN else (operand,)
    ids = tuple(option for option in options if isinstance(option, str))
    lists = [option for option in options if option and isinstance(option, tuple)]
    parts: list[Filter] = []
    if ids:
        parts.append(targets(_EQ, ids[0]) if len(ids) == 1 else targets(_IN, ids))
    if len(ids) + len(lists) < len(options):
        parts.append(_without_targets(link))
    for whole in lists:
        if link.is_derived:
            tally.add_nodes(len(whole) + 1)
        parts.append(_exactly(link, whole) if link.is_derived else targets(_EQ, whole))
    return any_of(parts)


def _without_targets(link: Link) -> Filter:
    if link.is_derived:
        return Not(Through(link.path, link.collection, EVERYTHING))
    absent = Compare(link.path, _EQ, None, _TEXT, link.is_list)
    if not link.is_list:
        return absent
    return any_of((absent, Compare(link.path, _EQ, (), _TEXT, many=True)))


def _exactly(link: Link, ids: tuple[Any, ...]) -> Filter:
    """Match when a derived list, which comes in order of `_id`, is exactly this one."""
    if any(first >= second for first, second in pairwise(ids)):
        return NOTHING
    each = [Through(link.path, link.collection, Compare(("_id",), _EQ, one, _TEXT)) for one in ids]
    return all_of((*each, Not(Through(link.path, link.collection, Not(id_is_in(ids))))))


def _finds_absent(place: Place, operator: Operator, operand: Any) -> bool:
    """Tell whether a comparison holds on an absent value."""
    if not place.links or (operator is not _EQ and operator is not _IN):
        return False
    options = operand if operator is _IN else (operand,)
    return None in options or (place.link is not None and () in options)


def _across(place: Place, inner: Filter, *, is_absent: bool) -> Filter:
    """Ask for an item behind each link; what is behind a single link without target is absent."""
    for link in reversed(place.links):
        inner = Through(link.path, link.collection, inner)
        if is_absent and not link.is_list:
            inner = any_of((_without_targets(link), inner))
    return inner
