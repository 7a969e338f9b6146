"""Refuse unsafe requests that a page of another site makes in the name of a visitor (SPEC 10)."""

from __future__ import annotations

from collections.abc import Collection

from backo.errors import shown
from backo.http.messages import Source
from backo.http.refusals import OriginError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def check_origin(method: str, source: Source, trusted: Collection[str]) -> None:
    """Refuse an unsafe request from another site, unless its origin is trusted.

    Browsers send `Sec-Fetch-Site` or `Origin`, and no page can forge either; a request with neither
    comes from a program, which no visitor's cookies help.

    Args:
        method: of the request.
        source: of the request.
        trusted: origins (`"https://example.org"`) whose pages may.

    Raises:
        OriginError: the request comes from another site.
    """
    if method in SAFE_METHODS:
        return
    site, origin = source.header("Sec-Fetch-Site"), source.header("Origin")
    if origin is not None and origin.lower() in trusted:
        return
    if site == "cross-site":
        message = "a page of another site may not send this request"
        raise OriginError(message)
    if origin is not None and not _is_own(origin, source.origin(), same_site=site == "same-origin"):
        message = f"a page of {shown(origin)} may not send this request"
        raise OriginError(message)


def _is_own(origin: str, own: str, *, same_site: bool) -> bool:
    """Compare two origins.

    Behind a proxy that ends TLS we may see `http` where the browser sees `https`; then the word of
    the browser counts, that the page is of the same origin.
    """
    origin, own = _without_default_port(origin), _without_default_port(own)
    return origin == own or (same_site and origin.partition("://")[2] == own.partition("://")[2] != "")


def _without_default_port(origin: str) -> str:
    origin = origin.lower()
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition("://")[0], ":"))
