"""Tell which texts from outside a database can have at all."""

from __future__ import annotations


def is_storable(text: str) -> bool:
    r"""Tell whether a text from outside can be in a database at all: it has no lone surrogate.

    >>> is_storable("é"), is_storable("\ud800")
    (True, False)
    """
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
