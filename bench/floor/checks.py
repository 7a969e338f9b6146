"""What the floor accepts: the types and bounds of people and sites, checked by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from math import isfinite
from typing import Any

from bench.model import Values

Problem = dict[str, str]
"""`{"path": "$.age", "code": "invalid", "message": str}`"""

Problems = list[Problem]
Check = Callable[[Any, str, Problems], Any]

_INT_MAX = 2**63 - 1


def check_fields(values: Values, checks: dict[str, Check], path: str, problems: Problems) -> Values:
    """Return `values` checked; what is wrong is added to `problems`, `null` passes."""
    checked: Values = {}
    for key, value in values.items():
        check = checks.get(key)
        if check is None:
            problems.append(_problem(f"{path}.{key}", "There is no such field."))
        elif value is None:
            checked[key] = None
        else:
            checked[key] = check(value, f"{path}.{key}", problems)
    return checked


def require(document: Values, names: tuple[str, ...]) -> Problems:
    """Return a problem for each field of `names` that has no value."""
    return [_problem(f"$.{name}", "A value is required.") for name in names if document[name] is None]


def missing_parent(path: str) -> Problems:
    """Return the problem of a reference to an item that does not exist."""
    return [_problem(path, "There is no such item.")]


def _problem(path: str, message: str) -> Problem:
    return {"path": path, "code": "invalid", "message": message}


def _text(value: Any, path: str, problems: Problems) -> Any:
    if type(value) is not str:
        problems.append(_problem(path, "A text is expected."))
    elif "\0" in value:
        problems.append(_problem(path, "A text may not hold NUL."))
    return value


def _indexed_text(value: Any, path: str, problems: Problems) -> Any:
    if type(value) is str and len(value) > 500:
        problems.append(_problem(path, "At most 500 characters are allowed."))
    return _text(value, path, problems)


def _integer(value: Any, path: str, problems: Problems) -> Any:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not -_INT_MAX - 1 <= value <= _INT_MAX:
        problems.append(_problem(path, "A whole number of 64 bits is expected."))
    return value


def _age(value: Any, path: str, problems: Problems) -> Any:
    value = _integer(value, path, problems)
    if type(value) is int and not 0 <= value <= 150:
        problems.append(_problem(path, "A number from 0 to 150 is expected."))
    return value


def _number(value: Any, path: str, problems: Problems) -> Any:
    if type(value) is int:
        value = float(value)
    if type(value) is not float or not isfinite(value):
        problems.append(_problem(path, "A finite number is expected."))
    return value


def _boolean(value: Any, path: str, problems: Problems) -> Any:
    if type(value) is not bool:
        problems.append(_problem(path, "A boolean is expected."))
    return value


def _date(value: Any, path: str, problems: Problems) -> Any:
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except (TypeError, ValueError):
        pass
    problems.append(_problem(path, "A date (YYYY-MM-DD) is expected."))
    return value


def _texts(value: Any, path: str, problems: Problems) -> Any:
    if type(value) is not list:
        problems.append(_problem(path, "A list is expected."))
        return value
    for position, entry in enumerate(value):
        _text(entry, f"{path}[{position}]", problems)
    return value


def _address(value: Any, path: str, problems: Problems) -> Any:
    if type(value) is not dict:
        problems.append(_problem(path, "An object is expected."))
        return value
    return check_fields(value, ADDRESS, path, problems)


def _no_people(value: Any, path: str, problems: Problems) -> Any:
    if value != []:
        problems.append(_problem(path, "People are moved by their own `site`."))
    return value


ADDRESS: dict[str, Check] = {"street": _text, "number": _integer, "city": _text}
PERSON: dict[str, Check] = {
    "name": _indexed_text,
    "surname": _text,
    "age": _age,
    "email": _text,
    "male": _boolean,
    "salary": _number,
    "birth": _date,
    "tags": _texts,
    "address": _address,
    "site": _text,
}
SITE: dict[str, Check] = {"name": _text, "city": _text, "people": _no_people}
