"""Tell markup from other text: HTML, SVG and XML that browsers would run."""

from __future__ import annotations

import re
from typing import NamedTuple

from backo.files.media_types import HTML, SVG, XML

_SKIPPED = re.compile(r"\s*(?:<!--.*?(?:-->|\Z)|<\?(?!xml[\s?]).*?(?:\?>|\Z))", re.DOTALL)
_DECLARATION = re.compile(r"\s*<\?xml[\s?].*?(?:\?>|\Z)", re.DOTALL)
_DOCTYPE = re.compile(r"\s*<!doctype\s*(?P<name>[\w:.-]*)[^\[>]*(?:\[.*?(?:\]|\Z)\s*)?(?:>|\Z)", re.DOTALL)
_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?(?P<name>[a-z][\w.-]*)(?=[\s/>]|\Z)")
_ACTIVE = re.compile(
    r"<(?:[\w.-]+:)?(?P<name>svg|html|head|body|script|iframe|object|embed|style|link|meta|base)(?=[\s/>]|\Z)"
)
_SVG_SPACE = "http://www.w3.org/2000/svg"
_HTML_SPACE = "http://www.w3.org/1999/xhtml"
_HTML_TAGS = frozenset(
    re.findall(
        r"\w+",
        """
        a abbr address area article aside audio b base blockquote body br button canvas center code dd details dialog
        div dl dt em embed fieldset figure font footer form frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img
        input label legend li link main map math menu meta nav noscript object ol optgroup option p picture plaintext
        pre script section select small span strong style sub summary sup table tbody td template textarea tfoot th
        thead title tr tt u ul video xmp
        """,
    ),
)


class _Prolog(NamedTuple):
    """What stands before the first element.

    Attributes:
        end: where the first element should start.
        is_xml: whether the text says that it is XML.
        doctype: the name of the root that is announced, nothing when none is.
        is_commented: whether there is a comment.
    """

    end: int
    is_xml: bool
    doctype: str
    is_commented: bool


def _prolog(text: str) -> _Prolog:
    end, is_xml, doctype, is_commented = 0, False, "", False
    while end < len(text):
        if match := _DECLARATION.match(text, end):
            is_xml = True
        elif match := _DOCTYPE.match(text, end):
            doctype = match["name"] or "html"
        elif match := _SKIPPED.match(text, end):
            is_commented = True
        else:
            break
        end = match.end()
    return _Prolog(end, is_xml, doctype, is_commented)


def markup_of(text: str) -> str | None:
    """Tell which markup a text is: HTML, SVG, other XML, or None.

    Blanks, comments and instructions before the first element do not hide it; a comment or a
    doctype that goes on past what is looked at counts as HTML.
    """
    text = text.lower().lstrip("\ufeff \t\n\f\r")
    if not text.startswith("<"):
        return None
    prolog = _prolog(text)
    root = _ROOT.match(text, prolog.end)
    name = root["name"] if root else ""
    if "svg" in {name, prolog.doctype}:
        return SVG
    if prolog.is_xml:
        return _kind_of_xml(text, name, prolog.doctype)
    if prolog.doctype == "html" or name in _HTML_TAGS:
        return HTML
    if active := _ACTIVE.search(text, prolog.end):
        return SVG if active["name"] == "svg" else HTML
    if prolog.doctype:
        return XML
    return HTML if prolog.is_commented and prolog.end >= len(text) else None


def _kind_of_xml(text: str, root: str, doctype: str) -> str:
    """Tell XML that a browser would run from other XML."""
    if "html" in {root, doctype} or _HTML_SPACE in text:
        return HTML
    return SVG if _SVG_SPACE in text else XML
