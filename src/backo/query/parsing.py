"""Read a filter of Python or JSON into a tree.

A filter is an object whose keys all have to hold:

| Form | Meaning |
|---|---|
| `{"name": "Jo"}` | equal; `None` (null) finds absent values |
| `{"age": ("$gt", 12)}`, in JSON `["$gt", 12]` | one operator |
| `{"age": {"$gt": 12, "$lt": 20}}` | several operators |
| `{"address": {"city": "Lyon"}}`, `{"address.city": "Lyon"}` | a field of a group, or across a link |
| `{"age.$gt": 12}` | an operator in the key |
| `{"$or": [{…}, {…}]}`, `{"$and": […]}`, `{"$not": {…}}` | logic |
| `{"age": {"$not": {"$gt": 12}}}`, `{"age": ("$or", [("$lt", 5), ("$gt", 60)])}` | logic on one field |

A list or a tuple is an operator with its operand when it has two elements and the first is the name
of an operator; else it is a list to compare with as a whole. `["$eq", ["$gt", "x"]]` compares with a
list that looks like the former.

An object below a field means the same as its dotted paths, each on its own: below a list two of them
may be satisfied by two different elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backo.errors import shown
from backo.paths import FieldPath
from backo.query.comparing import ALIASES, NEGATIVE, POSITIVE, comparison, from_json
from backo.query.filters import EVERYTHING, Filter, Operator, all_of, any_of, complement
from backo.query.limits import DEFAULT_LIMITS, QueryLimits, Tally
from backo.query.scopes import Place, Scope, locate, split_key
from backo.schema.problems import Refusal

LOGIC = ("$and", "$or", "$not")
KNOWN = frozenset({*POSITIVE, *NEGATIVE, *ALIASES, *LOGIC})
"""Every name that an operator has."""

PARAMETERS = ("_page", "_skip", "_sort", "_after", "_view", "_total")
"""The keys of a query string that are about the answer."""


def parse_filter(source: Any, scope: Scope, limits: QueryLimits = DEFAULT_LIMITS) -> Filter:
    """Read a filter.

    Args:
        source: the filter, in the forms above.
        scope: the collection whose items are meant.
        limits: how much it may ask for.

    Raises:
        QueryError: with everything that is wrong, by path; or at once where a limit is exceeded.
    """
    tally = Tally(limits)
    tree = _Reader(scope, tally).conditions(source, (), 1)
    tally.settle()
    return tree


class _Reader:
    """Reads the parts of one filter; what is wrong becomes a problem and is read as `EVERYTHING`."""

    __slots__ = ("scope", "tally")

    def __init__(self, scope: Scope, tally: Tally) -> None:
        self.scope = scope
        self.tally = tally

    def conditions(self, source: Any, path: FieldPath, depth: int) -> Filter:
        """Read an object of conditions on the fields below a path (`()` for the item itself)."""
        self.tally.check_depth(depth)
        if not isinstance(source, Mapping):
            return self.refused(path, "type", f"A filter is an object, not {shown_briefly(source)}")
        return self.together([self.condition(key, value, path, depth) for key, value in source.items()])

    def condition(self, key: Any, value: Any, path: FieldPath, depth: int) -> Filter:
        """Read one key of an object with what it stands for."""
        if not isinstance(key, str):
            return self.refused(path, "type", f"A key of a filter is a text, not {shown_briefly(key)}")
        names, operator = split_key(key)
        path = (*path, *names)
        if len(path) == 1 and path[0] in PARAMETERS:
            return self.refused(path, "unknown", "Is a key of the query string, not a field")
        if operator is None:
            return self.field(path, value, depth)
        return self.operation(path, operator, value, depth)

    def field(self, path: FieldPath, value: Any, depth: int) -> Filter:
        """Read what is said of a field: conditions, an operator with its operand, or a value."""
        if isinstance(value, Mapping):
            if not value:
                return self.refused(path, "empty", "An empty object says nothing about a field")
            return self.conditions(value, path, depth + 1)
        operator = _operator_of(value)
        if operator in KNOWN and len(value) == 2:  # a pair
            return self.operation(path, operator, value[1], depth + 1)
        place = locate(self.scope, path, self.tally)
        if place is None:
            return EVERYTHING
        if operator is not None and not place.node.is_list:
            return self.misread(place, operator)
        return self.comparison(place, Operator.EQ, value)

    def misread(self, place: Place, operator: str) -> Filter:
        """Refuse a list that was probably meant as an operator with its operand."""
        if operator in KNOWN:
            return self.refused(place.path, "operator", f"{operator} takes one operand: [{operator!r}, …]")
        return self.unknown(place.path, operator)

    def operation(self, path: FieldPath, operator: str, value: Any, depth: int) -> Filter:
        """Read an operator with its operand, on a field or on the item itself."""
        self.tally.check_depth(depth)
        if operator in LOGIC:
            return self.logic(path, operator, value, depth)
        if operator not in KNOWN:
            return self.unknown(path, operator)
        if not path:
            return self.refused(path, "operator", f"{operator} must follow a field")
        place = locate(self.scope, path, self.tally)
        if place is None:
            return EVERYTHING
        operator = ALIASES.get(operator, operator)
        if operator in NEGATIVE:
            self.tally.add_nodes(1)
            return complement(self.comparison(place, NEGATIVE[operator], value))
        return self.comparison(place, POSITIVE[operator], value)

    def logic(self, path: FieldPath, operator: str, value: Any, depth: int) -> Filter:
        """Read `$and`, `$or` or `$not`; below a path their operands are conditions on that field."""
        self.tally.add_nodes(1)
        if operator == "$not":
            return complement(self.operand(path, value, depth))
        if not isinstance(value, list | tuple):
            return self.refused(path, "type", f"{operator} takes a list of conditions")
        parts = [self.operand(path, part, depth) for part in value]
        return all_of(parts) if operator == "$and" else any_of(parts)

    def operand(self, path: FieldPath, value: Any, depth: int) -> Filter:
        """Read a condition inside `$and`, `$or` or `$not`."""
        if path:
            return self.field(path, value, depth + 1)
        return self.conditions(value, path, depth + 1)

    def comparison(self, place: Place, operator: Operator, value: Any) -> Filter:
        """Build one comparison."""
        try:
            return comparison(place, operator, value, from_json, self.tally)
        except Refusal as refusal:
            for finding in refusal.findings:
                self.tally.refuse(place.path, finding.code, finding.message)
            return EVERYTHING

    def together(self, parts: list[Filter]) -> Filter:
        """Combine conditions that all have to hold."""
        if len(parts) > 1:
            self.tally.add_nodes(1)
        return all_of(parts)

    def unknown(self, path: FieldPath, operator: str) -> Filter:
        """Note that there is no such operator."""
        hint = self.tally.hint(operator, KNOWN)
        return self.refused(path, "operator", f"There is no operator {shown_briefly(operator)}{hint}")

    def refused(self, path: FieldPath, code: str, message: str) -> Filter:
        """Note a problem."""
        self.tally.refuse(path, code, message)
        return EVERYTHING


def _operator_of(value: Any) -> str | None:
    """Give the text at the start of a list or tuple when it looks like an operator."""
    if isinstance(value, list | tuple) and value and isinstance(value[0], str) and value[0].startswith("$"):
        return value[0]
    return None


def shown_briefly(value: Any) -> str:
    """Show a text of a filter; of any other value, whose `repr` may be long to write, its type."""
    return shown(value) if isinstance(value, str) else type(value).__name__
