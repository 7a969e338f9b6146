"""Field types of one plain value: text, numbers, booleans, bytes and their kin."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
import sys
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal as DecimalNumber
from functools import partial
from typing import Any, ClassVar, Unpack
from urllib.parse import urlsplit

from backo.errors import DefinitionError, shown
from backo.schema.anyjson import INT_MAX, INT_MIN, check_text
from backo.schema.fields import MAX_INDEXED_LENGTH, Check, Field, Json, Rule
from backo.schema.kinds import Kind
from backo.schema.options import CommonOptions, Function, adapted
from backo.schema.problems import Refusal

MAX_DECIMAL_DIGITS = 1000  # digits, and digits of the exponent's shift

_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class StringOptions(CommonOptions, total=False):
    """Options of `String`."""

    pattern: str | list[str] | Function | None
    patterns: str | list[str] | Function | None
    regexp: str | list[str] | Function | None
    min_length: int | None
    max_length: int | None


class String(Field):
    """Text.

    Options:
        pattern: a regular expression (Python's, found anywhere), a list of them, or `f(item)` that
            gives one or several; all must match.
        min_length: in characters.
        max_length: in characters.
    """

    kind = Kind.TEXT
    native = True
    own_options: ClassVar[Mapping[str, str]] = {
        "pattern": "pattern",
        "patterns": "pattern",
        "regexp": "pattern",
        "min_length": "min_length",
        "max_length": "max_length",
    }

    patterns: tuple[re.Pattern[str], ...]
    pattern_function: Function | None
    min_length: int | None
    max_length: int | None

    def __init__(self, **options: Unpack[StringOptions]) -> None:
        super().__init__(**options)  # type: ignore[misc]  # the base takes every option at run time

    def configure(
        self,
        *,
        pattern: str | list[str] | Function | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
    ) -> None:
        """Take the options of a text."""
        name = type(self).__name__
        check_counts(name, min_length=min_length, max_length=max_length)
        if self.options.unique or self.options.index:
            if max_length is None:
                max_length = MAX_INDEXED_LENGTH
            check_counts(name, max_length=max_length, limit_with_index_or_unique=MAX_INDEXED_LENGTH)
            check_counts(name, min_length=min_length, max_length=max_length)
        function = adapted(pattern, 1, what=f"{name}: pattern") if callable(pattern) else None
        self._set(
            pattern_function=function,
            patterns=() if callable(pattern) else compiled_patterns(name, pattern),
            min_length=min_length,
            max_length=max_length,
        )

    def convert(self, value: Any) -> str:
        """Accept text."""
        if not isinstance(value, str):
            raise Refusal.of("type", "Must be a string")
        check_text(value)
        return str.__str__(value)

    def rules(self) -> list[Rule]:
        """Give the checks of length and pattern."""
        rules = super().rules()
        if self.min_length is not None or self.max_length is not None:
            rules.append(self._check_length)
        if self.patterns:
            rules.append(self._check_patterns)
        return rules

    def compiled(self) -> Check:
        """Build the check; usual text passes with one look, the rest is told what is wrong."""
        check = super().compiled()
        if type(self) is not String or self.patterns or self.allowed is not None:
            return check
        low, high = self.min_length or 0, sys.maxsize if self.max_length is None else self.max_length

        def check_string(value: Any) -> Any:
            usual = type(value) is str and low <= len(value) <= high and value.isascii() and "\0" not in value
            return value if usual else check(value)

        return check_string

    def _check_length(self, value: str) -> None:
        if self.min_length is not None and len(value) < self.min_length:
            raise Refusal.of("min_length", f"Must have at least {self.min_length} characters")
        if self.max_length is not None and len(value) > self.max_length:
            raise Refusal.of("max_length", f"Must have at most {self.max_length} characters")

    def _check_patterns(self, value: str) -> None:
        check_patterns(self.patterns, value)

    def facts(self) -> dict[str, Any]:
        """Give patterns and lengths."""
        regexp = [pattern.pattern for pattern in self.patterns] or (["func"] if self.pattern_function else [])
        return {"regexp": regexp, "min_length": self.min_length, "max_length": self.max_length}


def check_counts(type_name: str, **bounds: int | None) -> None:
    """Check a lower and an upper bound on how many there are, given by their names, in this order.

    Raises:
        DefinitionError: one is not a whole number from 0, or the first is above the second.
    """
    for name, bound in bounds.items():
        if bound is not None and (not isinstance(bound, int) or isinstance(bound, bool) or bound < 0):
            message = f"{type_name}: {name} must be a whole number from 0, not {shown(bound)}"
            raise DefinitionError(message)
    (low_name, low), (high_name, high) = bounds.items()
    if low is not None and high is not None and low > high:
        message = f"{type_name}: {low_name} {low} is above {high_name} {high}"
        raise DefinitionError(message)


def compiled_patterns(name: str, pattern: Any) -> tuple[re.Pattern[str], ...]:
    """Compile one or several declared patterns.

    Raises:
        DefinitionError: one is not a regular expression.
    """
    if pattern is None:
        return ()
    try:
        texts: Iterable[Any] = [pattern] if isinstance(pattern, str | re.Pattern) else iter(pattern)
        patterns = tuple(re.compile(text) for text in texts)
        for one in patterns:
            one.search("")
    except TypeError as error:
        message = f"{name}: {shown(pattern)} is not a pattern"
        hint = "a pattern is a regular expression as text; several are a list of them"
        raise DefinitionError(message, hint=hint) from error
    except (re.error, RecursionError) as error:
        message = f"{name}: {shown(pattern)} is not a pattern: {error}"
        raise DefinitionError(message) from error
    return patterns


def check_patterns(patterns: Iterable[re.Pattern[str]], value: str) -> None:
    """Refuse a text in which one of the patterns is not found.

    Raises:
        Refusal: naming the pattern.
    """
    for pattern in patterns:
        if pattern.search(value) is None:
            raise Refusal.of("pattern", f"Must match the pattern {shown(pattern.pattern)}")


class NumberOptions(CommonOptions, total=False):
    """Options of `Int`, `Float` and `Decimal`."""

    min: Any
    minimum: Any
    max: Any
    maximum: Any


class _Bounded(Field):
    """A number with bounds."""

    own_options: ClassVar[Mapping[str, str]] = {"min": "min", "minimum": "min", "max": "max", "maximum": "max"}

    min: Any
    max: Any

    # For the types themselves, not for what refines them: the exact type of values, and the widest bounds.
    _usual: ClassVar[tuple[type, Any, Any]]

    def __init__(self, **options: Unpack[NumberOptions]) -> None:
        super().__init__(**options)  # type: ignore[misc]  # the base takes every option at run time

    def configure(self, *, min: Any = None, max: Any = None) -> None:
        """Take the bounds."""
        convert = partial((self.refines or type(self)).convert, self)  # bounds are those of the JSON form
        low = None if min is None else self._declared(min, "min", convert)
        high = None if max is None else self._declared(max, "max", convert)
        if low is not None and high is not None and low > high:
            message = f"{type(self).__name__}: min {low} is above max {high}"
            raise DefinitionError(message)
        self._set(min=low, max=high)

    def rules(self) -> list[Rule]:
        """Give the check of the bounds."""
        rules = super().rules()
        if self.min is not None or self.max is not None:
            rules.append(self._check_bounds)
        return rules

    def _check_bounds(self, value: Any) -> None:
        if self.min is not None and value < self.min:
            raise Refusal.of("min", f"Must be at least {self.min}")
        if self.max is not None and value > self.max:
            raise Refusal.of("max", f"Must be at most {self.max}")

    def compiled(self) -> Check:
        """Build the check; what is usual passes with one look, the rest is told what is wrong."""
        check = super().compiled()
        usual = vars(type(self)).get("_usual")
        if usual is None or self.allowed is not None:
            return check
        exact, lowest, highest = usual
        low = lowest if self.min is None else self.min
        high = highest if self.max is None else self.max

        def check_number(value: Any) -> Any:
            return value if type(value) is exact and low <= value <= high else check(value)

        return check_number

    def facts(self) -> dict[str, Any]:
        """Give the bounds."""
        to_json = (self.refines or type(self)).to_json
        return {
            "min": None if self.min is None else to_json(self, self.min),
            "max": None if self.max is None else to_json(self, self.max),
        }


class Int(_Bounded):
    """A whole number of 64 bits; `5.0` is one, `True` and `"5"` are not.

    Options:
        min: the least value.
        max: the greatest value.
    """

    kind = Kind.INTEGER
    native = True
    _usual = (int, INT_MIN, INT_MAX)

    def convert(self, value: Any) -> int:
        """Accept whole numbers."""
        if isinstance(value, float):
            if not value.is_integer():
                raise Refusal.of("type", "Must be an integer")
        elif isinstance(value, bool) or not isinstance(value, int):
            raise Refusal.of("type", "Must be an integer")
        if not INT_MIN <= value <= INT_MAX:
            raise Refusal.of("range", "Must be an integer of 64 bits")
        return int(value)

    def from_text(self, text: str) -> int:
        """Read decimal digits."""
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
            raise Refusal.of("type", "Must be an integer")
        return self.convert(int(text))


class Float(_Bounded):
    """A finite number; a whole one is taken too.

    Options:
        min: the least value.
        max: the greatest value.
    """

    kind = Kind.REAL
    native = True
    _usual = (float, -sys.float_info.max, sys.float_info.max)

    def convert(self, value: Any) -> float:
        """Accept finite numbers."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refusal.of("type", "Must be a number")
        try:
            number = float(value)
        except OverflowError:
            raise Refusal.of("range", "Must be a number of 64 bits") from None
        if not math.isfinite(number):
            raise Refusal.of("finite", "Must be a finite number")
        return number

    def from_text(self, text: str) -> float:
        """Read a number as JSON writes it."""
        if not re.fullmatch(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", text):
            raise Refusal.of("type", "Must be a number")
        return self.convert(float(text))


class Decimal(_Bounded):
    """An exact decimal number; text in JSON, a `decimal.Decimal` in Python; compares as a number.

    Options:
        min: the least value.
        max: the greatest value.
    """

    kind = Kind.DECIMAL

    def to_json(self, value: DecimalNumber) -> str:
        """Write the number with its own number of decimals."""
        return str(value)

    def from_json(self, json: Json) -> DecimalNumber:
        """Read the text of a number."""
        return DecimalNumber(json)

    def convert(self, value: Any) -> DecimalNumber:
        """Accept a `decimal.Decimal`, a whole number, or the text of a number."""
        if isinstance(value, bool) or not isinstance(value, DecimalNumber | int | str):
            raise Refusal.of("type", "Must be a decimal number (text in JSON)")
        if isinstance(value, str) and not _DECIMAL.fullmatch(value):
            raise Refusal.of("type", "Must be the text of a decimal number")
        number = DecimalNumber(value)
        if not number.is_finite():
            raise Refusal.of("finite", "Must be a finite number")
        if len(number.as_tuple().digits) > MAX_DECIMAL_DIGITS or abs(number.adjusted()) > MAX_DECIMAL_DIGITS:
            raise Refusal.of("range", f"Must have at most {MAX_DECIMAL_DIGITS} digits")
        return number


class Bool(Field):
    """True or false."""

    kind = Kind.BOOLEAN
    native = True

    def convert(self, value: Any) -> bool:
        """Accept booleans."""
        if not isinstance(value, bool):
            raise Refusal.of("type", "Must be a boolean")
        return value

    def from_text(self, text: str) -> bool:
        """Read `true` or `false`."""
        if text not in {"true", "false"}:
            raise Refusal.of("type", "Must be true or false")
        return text == "true"


class Uuid(Field):
    """A UUID (RFC 9562): lower-case text in JSON, a `uuid.UUID` in Python."""

    kind = Kind.TEXT

    def to_json(self, value: uuid.UUID) -> str:
        """Write the usual form with hyphens."""
        return str(value)

    def from_json(self, json: Json) -> uuid.UUID:
        """Read the usual form."""
        return uuid.UUID(json)

    def convert(self, value: Any) -> uuid.UUID:
        """Accept a UUID or its usual form with hyphens."""
        if isinstance(value, uuid.UUID):
            return value
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise Refusal.of("type", "Must be a UUID")
        return uuid.UUID(value)


class Bytes(Field):
    """Bytes: base64 text in JSON (RFC 4648, section 4)."""

    kind = Kind.TEXT

    def to_json(self, value: bytes) -> str:
        """Write base64."""
        return base64.b64encode(value).decode("ascii")

    def from_json(self, json: Json) -> bytes:
        """Read base64."""
        return base64.b64decode(json, validate=True)

    def convert(self, value: Any) -> bytes:
        """Accept bytes or their base64 text."""
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value)
        if not isinstance(value, str):
            raise Refusal.of("type", "Must be bytes (base64 text in JSON)")
        try:
            return self.from_json(value)
        except (binascii.Error, ValueError):
            raise Refusal.of("base64", "Must be base64 text") from None


class Email(String):
    """The address of a mailbox, `name@host` (the HTML standard's form; RFC 5321 lengths)."""

    _FORM = re.compile(
        r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
        r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*",
    )

    def rules(self) -> list[Rule]:
        """Give the check of the form, first."""
        return [self._check_form, *super().rules()]

    def _check_form(self, value: str) -> None:
        if len(value) > 254 or not self._FORM.fullmatch(value):  # RFC 5321, 4.5.3.1
            raise Refusal.of("email", "Must be an email address")


class Url(String):
    """An absolute `http` or `https` address (RFC 3986)."""

    def rules(self) -> list[Rule]:
        """Give the check of the form, first."""
        return [self._check_form, *super().rules()]

    def _check_form(self, value: str) -> None:
        try:
            parts = urlsplit(value)
            fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            fits = False
        if not fits or re.search(r"[\s\x00-\x1f\x7f<>\"{}|\\^`]", value):
            raise Refusal.of("url", "Must be an http or https address")


class _Network(Field):
    """What the module `ipaddress` knows."""

    kind = Kind.TEXT
    word: ClassVar[str]
    types: ClassVar[tuple[type, ...]]

    def to_json(self, value: Any) -> str:
        """Write the canonical form."""
        return str(value)

    def from_json(self, json: Json) -> Any:
        """Read the text."""
        return self._parse(json)

    def _parse(self, text: str) -> Any:
        """Read the text, or raise `ValueError`."""
        raise NotImplementedError

    def convert(self, value: Any) -> Any:
        """Accept the object or its text."""
        if type(value) in self.types:
            value = str(value)
        if isinstance(value, str):
            check_text(value)  # the zone of an address (`%eth0`) may be any text
            try:
                return self.from_json(value)
            except ValueError:
                pass
        raise Refusal.of("type", f"Must be {self.word}")


class Ipaddress(_Network):
    """An IPv4 or IPv6 address; an `ipaddress` object in Python."""

    word = "an IP address"
    types = (ipaddress.IPv4Address, ipaddress.IPv6Address)

    def _parse(self, text: str) -> Any:
        return ipaddress.ip_address(text)


class Ipnetwork(_Network):
    """An IPv4 or IPv6 network such as `10.0.0.0/8` (bits of the host part zero); an `ipaddress` object in Python."""

    word = "an IP network"
    types = (ipaddress.IPv4Network, ipaddress.IPv6Network)

    def _parse(self, text: str) -> Any:
        return ipaddress.ip_network(text)
