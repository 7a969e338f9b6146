"""Field types made of other values: lists, tuples, groups, alternatives and free objects."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Unpack

from backo.errors import DefinitionError, shown
from backo.paths import Place, is_name
from backo.schema import kinds
from backo.schema.anyjson import copied_json
from backo.schema.fields import Check, Field, Json, Rule
from backo.schema.options import CommonOptions, read_flag
from backo.schema.problems import MAX_PROBLEMS, Finding, Refusal, unknown_key
from backo.schema.scalars import check_counts


def check_field_name(name: Any, where: str) -> None:
    """Refuse a name that no field can have.

    Raises:
        DefinitionError: it is not an identifier, or starts with `_`.
    """
    if not isinstance(name, str) or not name.isidentifier() or not is_name(name) or name.startswith("_"):
        message = f"{where}: a field cannot be called {shown(name)}"
        raise DefinitionError(message, hint="names are identifiers that do not start with '_'")
    written = unicodedata.normalize("NFKC", name)
    if written != name:
        message = f"{where}: a field cannot be called {shown(name)}"
        raise DefinitionError(message, hint=f"Python reads item.{name} as item.{written}, so call it {written!r}")


def check_fields(fields: Any, where: str) -> None:
    """Refuse what is not a dict of fields.

    Raises:
        DefinitionError: it is none, or a name or a field cannot be.
    """
    if not isinstance(fields, Mapping):
        message = f"{where} takes a dict of fields, not {shown(fields)}"
        raise DefinitionError(message)
    for name, field in fields.items():
        check_field_name(name, where)
        if not isinstance(field, Field):
            message = f"{where}: {name!r} must be a field such as String(), not {shown(field)}"
            raise DefinitionError(message)


def parts_of(field: Field) -> Iterable[Field]:
    """Give the fields that a field is made of; none where it is a single value."""
    match field:
        case Dict(fields=named):
            return named.values()
        case List(element=element):
            return (element,)
        case Tuple(elements=parts) | In(alternatives=parts):
            return parts
    return ()


def has_files(fields: Iterable[Field]) -> bool:
    """Tell whether there is a file among fields, or anywhere inside them."""
    return any(field.files or has_files(parts_of(field)) for field in fields)


class Dict(Field):
    """A group of named fields; a nested record in Python, an object in JSON.

    An unset group reads as an empty record. A group in which no value is set *is* unset.

    Args:
        fields: by their names.
    """

    parts = True

    fields: Mapping[str, Field]

    def __init__(self, fields: Mapping[str, Field], **options: Unpack[CommonOptions]) -> None:
        check_fields(fields, type(self).__name__)
        self._hold(fields)
        super().__init__(**options)

    def _hold(self, fields: Mapping[str, Field]) -> None:
        """Keep the fields, with how each is checked, written and read (None: as it is)."""
        self._set(
            fields=dict(fields),
            _checks={name: field.compiled() for name, field in fields.items()},
            _writers=tuple((name, None if field.native else field.to_json) for name, field in fields.items()),
            _readers=tuple((name, None if field.native else field.from_json) for name, field in fields.items()),
        )

    @classmethod
    def of_system(cls, fields: Mapping[str, Field]) -> Dict:
        """Declare a group of the library itself, whose names may start with `_`."""
        group = cls({})
        group._hold(fields)
        return group

    _checks: Mapping[str, Check]
    _writers: tuple[tuple[str, Any], ...]
    _readers: tuple[tuple[str, Any], ...]

    def convert(self, value: Any) -> dict[str, Any] | None:
        """Accept an object whose keys are fields; absent keys become None."""
        given = as_mapping(value)
        checks = self._checks
        kept: dict[str, Any] = dict.fromkeys(checks)
        findings: list[Finding] = []
        is_set = False
        for key, inner in given.items():
            check = checks.get(key)
            if check is None:
                findings.append(unknown_key(key, checks))
            elif inner is not None:
                try:
                    kept[key] = found = check(inner)
                    is_set = is_set or found is not None
                except Refusal as refusal:
                    findings += refusal.below(key)
            if len(findings) >= MAX_PROBLEMS:
                break
        if findings:
            raise Refusal(findings)
        return kept if is_set else None

    def to_json(self, value: Mapping[str, Any]) -> dict[str, Json]:
        """Write every field, null where there is no value."""
        json = {}
        name = ""
        try:
            for name, writer in self._writers:
                inner = value[name]
                json[name] = inner if writer is None or inner is None else writer(inner)
        except Refusal as refusal:
            raise Refusal(refusal.below(name)) from None
        return json

    def from_json(self, json: Json) -> dict[str, Any]:
        """Read every field; what is missing is None."""
        value = {}
        for name, reader in self._readers:
            inner = json.get(name)
            value[name] = inner if reader is None or inner is None else reader(inner)
        return value


def as_mapping(value: Any) -> Mapping[Any, Any]:
    """Accept an object, or a group of an item.

    Raises:
        Refusal: it is neither.
    """
    if isinstance(value, Mapping):
        return value
    give = getattr(value, "_plain", None)  # a group inside an item gives plain values
    plain = give() if callable(give) else None
    if not isinstance(plain, Mapping):
        raise Refusal.of("type", "Must be an object")
    return plain


class ListOptions(CommonOptions, total=False):
    """Options of `List`."""

    min: int | None
    max: int | None
    uniq: bool


class List(Field):
    """A list of values of one type; a checked `list` in Python.

    Args:
        element: the type, such as `String()`.

    Options:
        min: at least so many elements.
        max: at most so many elements.
        uniq: no two elements are equal, as filters compare them.
    """

    own_options: ClassVar[Mapping[str, str]] = {"min": "min", "max": "max", "uniq": "uniq"}
    parts = True

    element: Field
    min: int | None
    max: int | None
    uniq: bool
    _check: Check

    def __init__(self, element: Field | None = None, **options: Unpack[ListOptions]) -> None:
        if not isinstance(element, Field):
            message = f"List takes a field such as String(), not {shown(element)}"
            raise DefinitionError(message, hint="write it as List(String())")
        self._set(element=element, _check=element_check(element))
        super().__init__(**options)  # type: ignore[misc]  # the base takes every option at run time

    def configure(self, *, min: int | None = None, max: int | None = None, uniq: bool = False) -> None:
        """Take the bounds."""
        check_counts(type(self).__name__, min=min, max=max)
        self._set(min=min, max=max, uniq=read_flag(f"{type(self).__name__}: uniq", uniq))

    def convert(self, value: Any) -> list[Any]:
        """Accept a list whose elements fit."""
        if not isinstance(value, list | tuple):
            raise Refusal.of("type", "Must be a list")
        check = self._check
        if isinstance(value, Reworked):
            known = value.known
            return converted_elements(value, [None if id(element) in known else check for element in value])
        if None not in value:
            try:
                return [check(element) for element in value]
            except Refusal:
                pass  # look again, to say where
        return converted_elements(value, [check] * len(value))

    def rules(self) -> list[Rule]:
        """Give the checks of length and uniqueness."""
        rules = super().rules()
        if self.min is not None or self.max is not None:
            rules.append(self._check_length)
        if self.uniq:
            rules.append(self._check_unique)
        return rules

    def _check_length(self, value: Sequence[Any]) -> None:
        if self.min is not None and len(value) < self.min:
            raise Refusal.of("min", f"Must have at least {self.min} elements")
        if self.max is not None and len(value) > self.max:
            raise Refusal.of("max", f"Must have at most {self.max} elements")

    def _check_unique(self, value: Sequence[Any]) -> None:
        seen = set()
        for index, element in enumerate(value):
            key = kinds.comparable(self.element.kind, self.element.to_json(element))
            if key in seen:
                raise Refusal([Finding((index,), "uniq", "Must not be there twice")])
            seen.add(key)

    def to_json(self, value: Sequence[Any]) -> list[Json]:
        """Write the elements."""
        if self.element.native:
            return list(value)
        to_json = self.element.to_json
        written: list[Json] = []
        try:
            for element in value:
                written.append(to_json(element))  # noqa: PERF401  # how many there are says which was refused
        except Refusal as refusal:
            raise Refusal(refusal.below(len(written))) from None
        return written

    def from_json(self, json: Json) -> list[Any]:
        """Read the elements."""
        if self.element.native:
            return list(json)
        from_json = self.element.from_json
        return [from_json(element) for element in json]

    def facts(self) -> dict[str, Any]:
        """Give the bounds."""
        return {"min": self.min, "max": self.max, "uniq": self.uniq}


class Reworked(list[Any]):
    """A list made from the elements of a checked one: those in `known`, by identity, are not checked again."""

    def __init__(self, checked: Iterable[Any]) -> None:
        super().__init__(checked)
        self.known = frozenset(map(id, self))


def element_check(field: Field) -> Check:
    """Build the check of an element, which is a value even where nothing is set in it."""
    check = field.compiled()
    if not isinstance(field, Dict):
        return check
    names = tuple(field.fields)
    return lambda value: check(value) or dict.fromkeys(names)


def converted_elements(value: Sequence[Any], checks: Sequence[Check | None]) -> list[Any]:
    """Convert the elements of a list or a tuple; where there is no check, they are taken as they are.

    Raises:
        Refusal: with everything that is wrong, by index.
    """
    findings: list[Finding] = []
    kept = []
    for index, (element, check) in enumerate(zip(value, checks, strict=True)):
        try:
            if element is None:
                raise Refusal.of("null", "Must not be null")  # found like the others
            kept.append(element if check is None else check(element))
        except Refusal as refusal:
            findings += refusal.below(index)
            if len(findings) >= MAX_PROBLEMS:
                break
    if findings:
        raise Refusal(findings)
    return kept


def _fields_of(type_name: str, given: Any) -> tuple[Field, ...]:
    """Read the declared parts of a `Tuple` or an `In`.

    Raises:
        DefinitionError: they are not several fields.
    """
    fields = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str | Mapping) else ()
    if not fields or not all(isinstance(field, Field) for field in fields):
        message = f"{type_name} takes a sequence of fields, not {shown(given)}"
        raise DefinitionError(message, hint=f"write it as {type_name}([String(), Int()])")
    return fields


def _whole_check(field: Field) -> Check:
    """Build the check of a part whose inner `required` counts at once, since nothing is merged into it later."""
    check = element_check(field)
    if not _requires(field):
        return check

    def check_whole(value: Any) -> Any:
        value = check(value)
        findings = _lacking(field, value, ())
        if findings:
            raise Refusal(findings)
        return value

    return check_whole


def _requires(field: Field) -> bool:
    """Tell whether a group inside a field has something required."""
    if isinstance(field, List):
        return _requires(field.element)
    fields = field.fields.values() if isinstance(field, Dict) else ()
    return any(one.options.required or _requires(one) for one in fields)


def _lacking(field: Field, value: Any, place: Place) -> list[Finding]:
    """Find what is required inside a value and has none."""
    if value is None:
        return []
    if isinstance(field, List):
        return [found for index, one in enumerate(value) for found in _lacking(field.element, one, (*place, index))]
    findings: list[Finding] = []
    for name, one in field.fields.items() if isinstance(field, Dict) else ():
        if value[name] is None and one.options.required:
            findings.append(Finding((*place, name), "required", "Is required"))
        findings += _lacking(one, value[name], (*place, name))
    return findings


class Tuple(Field):
    """A fixed number of values, each of its own type; a `tuple` in Python, a list in JSON.

    Args:
        elements: the types, in order.
    """

    parts = True

    elements: tuple[Field, ...]
    _checks: tuple[Check, ...]

    def __init__(self, elements: Iterable[Field], **options: Unpack[CommonOptions]) -> None:
        fields = _fields_of(type(self).__name__, elements)
        self._set(elements=fields, _checks=tuple(map(_whole_check, fields)))
        super().__init__(**options)

    def convert(self, value: Any) -> tuple[Any, ...]:
        """Accept a list or tuple of the right length whose elements fit."""
        if not isinstance(value, list | tuple):
            raise Refusal.of("type", "Must be a list")
        if len(value) != len(self.elements):
            raise Refusal.of("length", f"Must have {len(self.elements)} elements")
        return tuple(converted_elements(value, self._checks))

    def to_json(self, value: Sequence[Any]) -> list[Json]:
        """Write the elements."""
        return [field.to_json(element) for field, element in zip(self.elements, value, strict=True)]

    def from_json(self, json: Json) -> tuple[Any, ...]:
        """Read the elements."""
        return tuple(field.from_json(element) for field, element in zip(self.elements, json, strict=True))


class In(Field):
    """A value of one of several types: the first that accepts it, or its JSON form.

    Args:
        alternatives: the types, in order.
    """

    parts = True

    alternatives: tuple[Field, ...]
    _checks: tuple[Check, ...]

    def __init__(self, alternatives: Iterable[Field], **options: Unpack[CommonOptions]) -> None:
        fields = _fields_of(type(self).__name__, alternatives)
        self._set(alternatives=fields, _checks=tuple(map(_whole_check, fields)))
        super().__init__(**options)

    def _accepting(self, value: Any) -> tuple[Field, Any]:
        reasons: list[str] = []
        for field, check in zip(self.alternatives, self._checks, strict=True):
            try:
                return field, check(value)
            except Refusal as refusal:
                reasons.append(refusal.findings[0].message)
        raise Refusal.of("type", " or ".join(dict.fromkeys(reasons)))

    def convert(self, value: Any) -> Any:
        """Accept what one of the types accepts.

        What is stored is the JSON form, and what an earlier type makes of it is what will be read: a
        `date` in `In([String(), Date()])` is text at once.
        """
        field, kept = self._accepting(value)
        reader, read = self._accepting(field.to_json(kept))
        return kept if reader is field else read

    def to_json(self, value: Any) -> Json:
        """Write it as the type that accepts it does."""
        field, kept = self._accepting(value)
        return field.to_json(kept)

    def from_json(self, json: Json) -> Any:
        """Read it as the first type that accepts it does."""
        try:
            return self._accepting(json)[1]
        except Refusal as refusal:
            raise ValueError(refusal.findings[0].message) from None

    def from_text(self, text: str) -> Json:
        """Read the text as the first type that can."""
        for field in self.alternatives:
            try:
                return field.from_text(text)
            except Refusal:
                continue
        raise Refusal.of("type", "Must fit one of the types of the field")


class FreeDict(Field):
    """Any JSON object; a plain `dict` in Python. Integers have 64 bits at most, numbers are finite.

    What is changed inside the `dict` is checked when the item is stored.
    """

    def convert(self, value: Any) -> dict[str, Any]:
        """Accept an object of JSON values, copied."""
        copied: dict[str, Any] = copied_json(as_mapping(value))
        return copied

    def to_json(self, value: dict[str, Any]) -> Json:
        """Give a copy, so that later changes do not reach what was written."""
        return copied_json(value)

    def from_json(self, json: Json) -> dict[str, Any]:
        """Give a copy, so that changes do not reach what was read."""
        copied: dict[str, Any] = copied_json(json)
        return copied
