"""Read a query string into a request for a list.

A key is a field (`address.city`), with an operator at its end (`age.$gt`) or without one for equality.
Different keys all have to hold. Values are read by the type of the field.

- A key given twice asks for any of its values (`name=a&name=b`), and with `$ne`, `$nin` or `$not` for
  none of them; `$lt`, `$lte`, `$gt` and `$gte` cannot be given twice.
- `$in` and `$nin` take several values between commas. A value that itself has a comma is asked for by
  repeating the key: `name=Doe, John&name=…`, or for `$nin` `name.$ne=Doe, John&name.$ne=…`.
- `null` finds absent values where the type cannot read it as a value, and on links. A `String` can;
  `{"name": null}` in the body of a POST asks for absent ones there.
- `_page`, `_skip`, `_sort`, `_after`, `_view` and `_total` are about the answer; each is given once.
  Any other key that starts with `_` must be a field, such as `_id` or `_meta.ctime`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backo.errors import QueryError, shown
from backo.paths import FieldPath
from backo.query.comparing import ALIASES, NEGATIVE, ORDERING, POSITIVE, comparison, from_text
from backo.query.cursors import decode_cursor
from backo.query.filters import EVERYTHING, Filter, Operator, Query, SortKey, all_of, any_of, complement
from backo.query.limits import DEFAULT_LIMITS, MAX_SORT_KEYS, PAGE, QueryLimits, Tally
from backo.query.parsing import KNOWN, PARAMETERS
from backo.query.scopes import Place, Scope, locate, split_key
from backo.query.sorting import Position
from backo.schema.problems import Refusal

NULL = "null"
CLIENT_VIEW = "client"

MAX_SKIP = 2**31 - 1
_IN_BODIES_ONLY = frozenset({"$and", "$or"})
_COMPLEMENTS: Final = {**NEGATIVE, "$not": Operator.EQ}


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What a query string asks for.

    Attributes:
        filter: which items.
        sort: in which order.
        page: at most so many items.
        skip: leave out so many first.
        after: the position of the last item seen, from a cursor.
        view: the name of a view.
        total: whether the number of all matching items is wanted.
    """

    filter: Filter = EVERYTHING
    sort: tuple[SortKey, ...] = ()
    page: int = PAGE
    skip: int = 0
    after: Position | None = None
    view: str = CLIENT_VIEW
    total: bool = True

    @property
    def query(self) -> Query:
        """The same as a query for a store."""
        return Query(self.filter, self.sort, self.skip, self.page, self.after)


def parse_list(
    pairs: Iterable[tuple[str, str]],
    scope: Scope,
    limits: QueryLimits = DEFAULT_LIMITS,
    default_sort: Sequence[SortKey] = (),
) -> ListRequest:
    """Read the decoded pairs of a query string.

    Args:
        pairs: keys and values in the order given; a key may be there several times.
        scope: the collection whose items are meant.
        limits: how much it may ask for.
        default_sort: the order where `_sort` is not given.

    Raises:
        QueryError: with everything that is wrong, by path or parameter; or at once where a limit is
            exceeded.
    """
    tally = Tally(limits)
    fields: dict[str, list[str]] = {}
    parameters: dict[str, str] = {}
    for key, text in pairs:
        if key not in PARAMETERS:
            fields.setdefault(key, []).append(text)
        elif key in parameters:
            tally.refuse(key, "twice", "Is given twice")
        else:
            parameters[key] = text
    if len(fields) > 1:
        tally.add_nodes(1)
    filter_ = all_of([_condition(key, texts, scope, tally) for key, texts in fields.items()])
    sort = tuple(default_sort)
    if "_sort" in parameters:
        sort = _sort_keys(parameters["_sort"].split(","), scope, tally, "_sort")
    read: dict[str, Any] = {
        name: _PARAMETER_READERS[name](text, tally) for name, text in parameters.items() if name in _PARAMETER_READERS
    }
    request = ListRequest(
        filter=filter_,
        sort=sort,
        page=read.get("_page", min(PAGE, limits.page)),
        skip=read.get("_skip", 0),
        view=read.get("_view", CLIENT_VIEW),
        total=read.get("_total", True),
        after=_after(parameters, sort, tally),
    )
    tally.settle()
    return request


def parse_sort(names: str | Sequence[str], scope: Scope, limits: QueryLimits = DEFAULT_LIMITS) -> tuple[SortKey, ...]:
    """Read the keys of an order: `"name,-age"` or `["name", "-age"]`; `$.name` and `-$.name` too.

    What follows `_id`, or repeats a key, cannot change the order and is left out.

    Raises:
        QueryError: it is something else; a key is not a field, or one that has no order: a list, a group,
            a derived or computed field, a field across a link.
    """
    tally = Tally(limits)
    if not isinstance(names, Sequence):
        tally.refuse("$", "type", "A sort is a text such as 'name,-age', or a list of names")
        tally.settle()
    keys = _sort_keys(names.split(",") if isinstance(names, str) else names, scope, tally, "$")
    tally.settle()
    return keys


def view_name(text: str) -> str:
    """Read the value of `_view`, in which the `+` of `+name` has become a space."""
    return "+" + text[1:] if text.startswith(" ") else text


def _condition(key: str, texts: list[str], scope: Scope, tally: Tally) -> Filter:
    """Read one key with all its values."""
    path, operator = split_key(key)
    operator = operator or Operator.EQ
    if operator in _IN_BODIES_ONLY or operator not in KNOWN:
        return _unknown_operator(path, operator, tally)
    if not path:
        return _refused(path, "operator", f"{operator} must follow a field", tally)
    if key.startswith("_") and scope.node(path[:1]) is None:
        hint = tally.hint(key, (*PARAMETERS, "_id", "_meta"))
        return _refused(key, "unknown", f"There is no such parameter{hint}", tally)
    place = locate(scope, path, tally)
    if place is None:
        return EVERYTHING
    operator = ALIASES.get(operator, operator)
    try:
        if operator in _COMPLEMENTS:
            tally.add_nodes(1)
            return complement(_any_value(place, _COMPLEMENTS[operator], texts, tally))
        return _any_value(place, POSITIVE[operator], texts, tally)
    except Refusal as refusal:
        for finding in refusal.findings:
            tally.refuse(path, finding.code, finding.message)
        return EVERYTHING


def _any_value(place: Place, operator: Operator, texts: list[str], tally: Tally) -> Filter:
    """Build the filter that asks for one of several values."""
    if operator is Operator.IN:
        texts = [part for text in texts for part in text.split(",")]
    elif len(texts) == 1:
        (text,) = texts
        value = _or_null(place, text) if text == NULL and operator is Operator.EQ else text
        return comparison(place, operator, value, from_text, tally)
    elif operator in ORDERING:
        raise Refusal.of("twice", f"{operator} is given twice")
    if operator is Operator.EQ or operator is Operator.IN:
        values = [_or_null(place, text) if text == NULL else text for text in texts]
        return comparison(place, Operator.IN, values, from_text, tally)
    return any_of([comparison(place, operator, text, from_text, tally) for text in texts])


def _or_null(place: Place, text: str) -> str | None:
    """Give None for the text `null`, except where the type of the field can read it."""
    if place.link is not None or place.node.is_group or not place.node.filterable:
        return None
    try:
        place.node.from_text(text)
    except Refusal:
        return None
    return text


def _unknown_operator(path: FieldPath, operator: str, tally: Tally) -> Filter:
    if operator in _IN_BODIES_ONLY:
        return _refused(path, "operator", f"{operator} is understood in the body of a POST only", tally)
    hint = tally.hint(operator, KNOWN - _IN_BODIES_ONLY)
    return _refused(path, "operator", f"There is no operator {shown(operator)}{hint}", tally)


def _refused(where: FieldPath | str, code: str, message: str, tally: Tally) -> Filter:
    tally.refuse(where, code, message)
    return EVERYTHING


def _sort_keys(names: Sequence[str], scope: Scope, tally: Tally, parameter: str) -> tuple[SortKey, ...]:
    if len(names) > MAX_SORT_KEYS:
        tally.refuse(parameter, "limit", f"A sort has at most {MAX_SORT_KEYS} keys")
        return ()
    keys: dict[FieldPath, SortKey] = {}
    for name in names:
        key = _sort_key(name, scope, tally, parameter)
        if key is not None and ("_id",) not in keys:
            keys.setdefault(key.path, key)
    return tuple(keys.values())


def _sort_key(name: Any, scope: Scope, tally: Tally, parameter: str) -> SortKey | None:
    if not isinstance(name, str):
        tally.refuse(parameter, "type", "A key of a sort is a text")
        return None
    if name in {"", "-"}:
        tally.refuse(parameter, "empty", "A key of a sort names a field")
        return None
    path, operator = split_key(name.removeprefix("-"))
    if operator is not None:
        tally.refuse(path, "operator", f"A sort takes fields, not {shown(operator)}")
        return None
    place = locate(scope, path, tally)
    if place is None:
        return None
    reason = _no_order(place)
    if reason:
        tally.refuse(path, "sort", f"Cannot be sorted: {reason}")
        return None
    return SortKey(path, place.node.kind, name.startswith("-"))


def _no_order(place: Place) -> str | None:
    node = place.node
    if place.links:
        return "it is across a link"
    if place.link is not None and place.link.is_derived:
        return "it is not stored but looked up"
    if node.many:
        return "it is a list, or inside one"
    if node.is_group:
        return "it is a group of fields"
    if node.is_file:
        return "it is a file"
    return None if node.filterable else "it is computed when it is read"


def _whole(parameter: str, text: str, least: int, most: int, tally: Tally) -> int:
    """Read a whole number between two bounds."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    tally.refuse(parameter, "range", f"Must be a whole number from {least} to {most}")
    return least


def _total(text: str, tally: Tally) -> bool:
    if text not in {"0", "1"}:
        tally.refuse("_total", "type", "Must be 0 or 1")
    return text != "0"


def _after(parameters: Mapping[str, str], sort: tuple[SortKey, ...], tally: Tally) -> Position | None:
    if "_after" not in parameters or not tally.is_clean:
        return None
    try:
        return decode_cursor(sort, parameters["_after"])
    except QueryError as error:
        for problem in error.problems:
            tally.refuse(problem.path, problem.code, problem.message)
        return None


_PARAMETER_READERS: Mapping[str, Callable[[str, Tally], Any]] = {
    "_page": lambda text, tally: _whole("_page", text, 1, tally.limits.page, tally),
    "_skip": lambda text, tally: _whole("_skip", text, 0, MAX_SKIP, tally),
    "_view": lambda text, _: view_name(text),
    "_total": _total,
}
