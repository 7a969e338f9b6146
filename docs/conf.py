"""Configuration of the documentation: Markdown pages, and a reference drawn from docstrings."""

import inspect
import re
from enum import Enum
from importlib.metadata import version as installed
from typing import Any

from backo import BackoError, Field

project = "backo"
author = "the backo authors"
project_copyright = f"2026, {author}"
release = version = installed("backo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

napoleon_custom_sections = [("Options", "params_style")]  # of a field type
napoleon_use_ivar = True

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = "backo"

_KWARGS = re.compile(r"(, )?\*\*(kwargs|aliases): [\w.~]+")


def signature_for_readers(
    _app: Any, _what: str, _name: str, thing: Any, _options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Show what a caller writes: the options of a field type, and no `**kwargs` of which the docstring is silent."""
    if isinstance(thing, type) and issubclass(thing, Enum | BackoError) and thing is not BackoError:
        return "", None
    if isinstance(thing, type) and issubclass(thing, Field):
        return f"({', '.join(_options_of(thing))})", None
    if signature and "kwargs:" not in (inspect.getdoc(thing) or ""):
        signature = _KWARGS.sub("", signature).replace("(*)", "()")
    return signature, returns


def _options_of(kind: type[Field]) -> list[str]:
    """Give the parameters of a field type: those of its own, then `**options` for those that all types have."""
    given = inspect.signature(kind).parameters.values()
    positional = [one.name for one in given if one.kind is one.POSITIONAL_OR_KEYWORD]
    own: dict[str, str] = {}
    for base in kind.__mro__:
        configure = vars(base).get("configure")
        if configure is not None:
            for one in inspect.signature(configure).parameters.values():
                if one.kind is one.KEYWORD_ONLY:
                    own.setdefault(one.name, f"{one.name}={_written(one.default)}")
    return [*positional, *(["*"] if own else []), *own.values(), "**options"]


def _written(default: Any) -> str:
    return f"{type(default).__name__}.{default.name}" if isinstance(default, Enum) else repr(default)


def setup(app: Any) -> None:
    """Connect what is above."""
    app.connect("autodoc-process-signature", signature_for_readers)
