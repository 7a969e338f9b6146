"""Refuse options that make no sense where a field stands: nothing that is declared is passed over in silence."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields

from backo.errors import DefinitionError
from backo.paths import FieldPath, to_text
from backo.schema.containers import Dict, FreeDict, In, List, Tuple
from backo.schema.fields import Field
from backo.schema.options import Options

SAVE_VIEW = "save"

_IN_LIST = frozenset({"default", "set", "transform", "onchange", "on", "index", "unique"})
_ELEMENT = _IN_LIST | {"exists", "views", "can_read", "can_modify"}
_PART = _ELEMENT | {"constraints", "enum=function", "pattern=function"}
_ITEM = frozenset({"default", "set", "enum", "enum=function", "exists", "views", "index", "unique"})


def check_item_options(name: str, options: Options) -> None:
    """Refuse options that only fields can have.

    Raises:
        DefinitionError: naming the item and the option.
    """
    for option in sorted(_ITEM & _declared(options)):
        message = f"{name}: {option!r} is an option of fields, not of items"
        raise DefinitionError(message)


def check_options(name: str, path: FieldPath, field: Field, *, inside_list: bool) -> None:
    """Refuse options of a field, or of what is inside it, that nothing would come of.

    Args:
        name: of the item.
        path: of the field.
        field: the declaration.
        inside_list: whether it is in a group of a list.

    Raises:
        DefinitionError: naming item, path and option.
    """
    where = f"{name}: {to_text(path)}"
    if inside_list:
        _refuse(where, field, _IN_LIST, "in a list", "give it to the list")
    element = field
    while isinstance(element, List):
        element = element.element
        _refuse(where, element, _ELEMENT, "of a list", "give it to the list")
    if isinstance(element, Tuple | In):
        _check_parts(where, element)
    _check_index(where, field)


def _check_parts(where: str, field: Field) -> None:
    """Check what is inside a `Tuple` or an `In`, where only data can be declared."""
    kind = type(field).__name__
    parts: tuple[Field, ...] = ()
    match field:
        case Tuple(elements=parts) | In(alternatives=parts):
            pass
        case List(element=element):
            parts = (element,)
        case Dict(fields=fields):
            parts = tuple(fields.values())
    for part in parts:
        _refuse(where, part, _PART, f"inside a {kind}", f"give it to the {kind}")
        _check_parts(where, part)


def _check_index(where: str, field: Field) -> None:
    options = field.options
    if not (options.index or options.unique):
        return
    option, wrong = "unique" if options.unique else "index", None
    if isinstance(field, Dict | List | Tuple | In | FreeDict):
        wrong = "is for single values"
    elif not is_stored(options):
        wrong = "is for what is stored"
    if wrong:
        message = f"{where}: {option!r} {wrong}"
        hint = "a computed field is stored with views=['save']" if options.compute else None
        raise DefinitionError(message, hint=hint)


def _refuse(where: str, field: Field, options: frozenset[str], place: str, hint: str) -> None:
    declared = _declared(field.options)
    if getattr(field, "pattern_function", None) is not None:
        declared.add("pattern=function")
    for option in sorted(options & declared):
        message = f"{where}: {option!r} cannot be given to a {type(field).__name__} {place}"
        raise DefinitionError(message, hint=hint)


def _declared(options: Options) -> set[str]:
    """Name the options that say something."""
    names = {one.name for one in dataclass_fields(options) if getattr(options, one.name) != one.default}
    if "compute" in names:
        names = names - {"compute"} | {"set"}
    if callable(options.enum):
        names = names - {"enum"} | {"enum=function"}
    return names


def is_stored(options: Options) -> bool:
    """Tell whether the options of a field make it a part of the stored document."""
    if options.exists is False:
        return False
    if options.compute is not None:
        return SAVE_VIEW in options.views
    return f"!{SAVE_VIEW}" not in options.views
