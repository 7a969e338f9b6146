"""Describe a query for the log: its fields and operators, never its values."""

from __future__ import annotations

from typing import assert_never

from backo.query.filters import And, Compare, Filter, Not, Or, Query, Through

_PARTS = 20  # of one combination that are shown


class Outline:
    """A query, written down only when somebody reads it."""

    __slots__ = ("_query",)

    def __init__(self, query: Query) -> None:
        self._query = query

    def __str__(self) -> str:
        query = self._query
        words = [_filter(query.filter)]
        if query.sort:
            words.append(f"sorted by {','.join('-' * key.descending + '.'.join(key.path) for key in query.sort)}")
        if query.skip:
            words.append(f"without the first {query.skip}")
        if query.after is not None:
            words.append("after a cursor")
        if query.limit is not None:
            words.append(f"at most {query.limit}")
        return ", ".join(words)


def _filter(filter_: Filter) -> str:
    match filter_:
        case Compare(path=path, operator=operator):
            return f"{'.'.join(path)} {operator}"
        case And(parts=()):
            return "all"
        case Or(parts=()):
            return "none"
        case And(parts=parts):
            return f"({_joined(' and ', parts)})"
        case Or(parts=parts):
            return f"({_joined(' or ', parts)})"
        case Not(part=part):
            return f"not {_filter(part)}"
        case Through(path=path, filter=inner):
            return f"{'.'.join(path)}.[{_filter(inner)}]"
        case _:
            assert_never(filter_)


def _joined(word: str, parts: tuple[Filter, ...]) -> str:
    more = [f"{len(parts) - _PARTS} more"] if len(parts) > _PARTS else []
    return word.join([*map(_filter, parts[:_PARTS]), *more])
