"""Declare one field: the frozen base of all field types.

A field says what a value is; it holds no value. A type of one's own is a subclass of `Field`, or of
any type whose JSON form it shares, with two functions, `to_json` and `from_json`:

>>> from backo.schema.scalars import String
>>> class Shout(String):
...     def from_json(self, json):
...         return json.upper()
>>> Shout(max_length=10).compiled()("hello")
'HELLO'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias, Unpack

from backo.errors import DefinitionError, shown
from backo.schema.anyjson import copied_json
from backo.schema.kinds import Kind
from backo.schema.options import CommonOptions, Options, read_options
from backo.schema.problems import Finding, Refusal

Check: TypeAlias = Callable[[Any], Any]
Rule: TypeAlias = Callable[[Any], None]
Json: TypeAlias = Any

MAX_INDEXED_LENGTH = 500  # characters of a text with `index` or `unique`

_JSON_TYPES = (str, int, float, list, dict)


class Field:
    """One declared field; immutable. A type of your own is a subclass with two functions, `to_json` and `from_json`.

    Class attributes for a new type:
        kind: how the JSON form compares in filters and sorts.
        native: whether value and JSON form are the same object (then both functions are skipped).
        own_options: every spelling of the options of the type, and the name it stands for.
        parts: whether it has fields inside, so that its JSON form cannot be another one.
        refines: the type of ours that knows the JSON form of a type of one's own; found by itself.
        links: whether its values are ids of other items: each counts once, and none is as no value.
        files: whether its values are files, which live beside the stores.

    Attributes:
        options: the options that all fields have.
        allowed: the values of `enum`, converted; None when there is none, or it is a function.
    """

    kind: ClassVar[Kind] = Kind.JSON
    native: ClassVar[bool] = False
    own_options: ClassVar[Mapping[str, str]] = {}
    parts: ClassVar[bool] = False
    links: ClassVar[bool] = False
    files: ClassVar[bool] = False

    refines: ClassVar[type[Field] | None] = None
    options: Options
    allowed: tuple[Any, ...] | None

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        base: type[Field] = next(one for one in cls.__mro__[1:] if issubclass(one, Field))
        if cls.convert is not base.convert or (cls.to_json is base.to_json and cls.from_json is base.from_json):
            return
        if base.parts:
            message = f"{cls.__name__}: a type with a JSON form of its own cannot be a {base.__name__}"
            raise DefinitionError(message, hint="make it a subclass of Field")
        cls.refines, cls.native = base.refines or base, False
        cls.convert = _convert_own(cls, base)  # type: ignore[method-assign, assignment]  # as the class would write it

    def __init__(self, **options: Unpack[CommonOptions]) -> None:
        common, own = read_options(type(self).__name__, self.own_options, options)
        self._set(options=common, allowed=None)
        self.configure(**own)
        if isinstance(common.enum, tuple):
            check = self.compiled()
            self._set(allowed=tuple(self._declared(value, "enum", check) for value in common.enum))
        if common.default is not None and not callable(common.default) and common.transform is None:
            self._declared(common.default, "default", self.compiled())

    def configure(self) -> None:
        """Take the options of the type itself, as keyword arguments, and check them.

        Raises:
            DefinitionError: they make no sense.
        """

    def _set(self, **attributes: Any) -> None:
        """Set attributes while the field is being made."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        message = f"a declared field cannot be changed (setting {name!r} of {type(self).__name__})"
        raise DefinitionError(message)

    def _declared(self, value: Any, option: str, check: Check) -> Any:
        """Convert a value of the declaration itself."""
        try:
            return check(value)
        except Refusal as refusal:
            message = f"{type(self).__name__}: {option} {shown(value)} does not fit: {refusal.findings[0].message}"
            raise DefinitionError(message) from None

    def __repr__(self) -> str:
        """Show the type."""
        return f"{type(self).__name__}(…)"

    # What a type defines.

    def to_json(self, value: Any) -> Json:
        """Give the JSON form of a value (never None)."""
        return value

    def from_json(self, json: Json) -> Any:
        """Give the value of a JSON form (never None).

        Raises:
            ValueError: the JSON is not one of this type; the text is shown to the client.
        """
        return json

    def convert(self, value: Any) -> Any:
        """Turn what was given (a value, or its JSON form) into the value; judge the type alone.

        Raises:
            Refusal: it is not of this type.
        """
        return copied_json(value)

    def rules(self) -> list[Rule]:
        """Give the checks, beyond the type, that are declared as data; each raises `Refusal`."""
        return []

    def facts(self) -> dict[str, Any]:
        """Give what is declared as data beyond the common options, as plain JSON values.

        It is shown by `_meta` and is part of the fingerprint.
        """
        return {}

    def described(self, value: Any) -> Json:
        """Give what `_meta` says of a value that is part of the declaration, such as its default."""
        return self.to_json(value)

    def from_text(self, text: str) -> Json:
        """Read the text of a query string as the JSON form of an operand.

        Raises:
            Refusal: the text does not fit the type.
        """
        return self.operand(text)

    def operand(self, value: Any) -> Json:
        """Turn the operand of a comparison (a value or its JSON form) into JSON; bounds do not count.

        Raises:
            Refusal: it is not of this type.
        """
        converted = self.convert(value)
        return None if converted is None else self.to_json(converted)

    # What all types share.

    def compiled(self) -> Check:
        """Build the function that converts and checks one value; it raises `Refusal`."""
        convert, rules = self.convert, self._all_rules()
        if not rules:
            return convert

        def check(value: Any) -> Any:
            value = convert(value)
            findings: list[Finding] = []
            for rule in rules:
                try:
                    rule(value)
                except Refusal as refusal:
                    findings += refusal.findings
            if findings:
                raise Refusal(findings)
            return value

        return check

    def _all_rules(self) -> list[Rule]:
        rules = self.rules()
        if self.refines is not None:
            rules = [self._on_json_form(self.refines, rules)]
        if self.allowed is not None:
            rules.append(self.check_allowed)
        if (self.options.unique or self.options.index) and not self.native:
            rules.append(self._check_indexed)
        return rules

    def check_allowed(self, value: Any) -> None:
        """Refuse a value that `enum` does not name.

        Raises:
            Refusal: naming the first ten allowed values.
        """
        allowed = self.allowed
        if allowed is not None and value not in allowed:
            names = ", ".join(shown(one) for one in allowed[:10])
            raise Refusal.of("enum", f"Must be one of {names}" + (", …" if len(allowed) > 10 else ""))

    def _check_indexed(self, value: Any) -> None:
        json = self.to_json(value)
        if isinstance(json, str) and len(json) > MAX_INDEXED_LENGTH:
            raise Refusal.of("max_length", f"Must have at most {MAX_INDEXED_LENGTH} characters")

    def _on_json_form(self, base: type[Field], rules: list[Rule]) -> Rule:
        """Apply rules to what the refined type knows: its own reading of the JSON form."""

        def rule(value: Any) -> None:
            known = base.convert(self, self.to_json(value))
            for one in rules:
                one(known)

        return rule


def _convert_own(own: type[Field], base: type[Field]) -> Callable[[Field, Any], Any]:
    """Make `convert` for a type with `to_json` and `from_json`, whose JSON form `base` checks."""

    def convert(self: Field, value: Any) -> Any:
        """Accept the JSON form, else a value; never what cannot be told from one another."""
        converted = read(self, value)
        if isinstance(converted, _JSON_TYPES) and (again := read(self, converted)) != converted:
            message = (
                f"{own.__name__}: from_json makes {shown(converted)} of {shown(value)}, and {shown(again)} of that"
            )
            raise DefinitionError(message, hint="define convert(), which tells values from their JSON form")
        return converted

    def read(self: Field, value: Any) -> Any:
        try:
            return from_json(self, base.to_json(self, base.convert(self, value)))
        except Refusal as refusal:
            try:
                return from_json(self, base.to_json(self, base.convert(self, own.to_json(self, value))))
            except Exception:  # noqa: BLE001  # it was not a value either: what was wrong with it as JSON counts
                raise refusal from None

    def from_json(self: Field, json: Json) -> Any:
        try:
            return own.from_json(self, json)
        except Refusal:
            raise
        except Exception as error:
            text = str(error) if isinstance(error, ValueError) else ""
            raise Refusal.of("type", text or f"Must be a {own.__name__}") from error

    return convert
