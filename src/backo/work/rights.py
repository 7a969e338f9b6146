"""Ask a declared right whether the current user may do something."""

from __future__ import annotations

import logging
from typing import Any

from backo.schema.options import Right

_log = logging.getLogger("backo.backoffice")


def is_allowed(right: Right, name: str, item: Any) -> bool:
    """Tell whether a right allows something; one that raises denies.

    Args:
        right: True, False, `f(right_name, item) -> bool`, or None, which allows.
        name: of the right, such as `"read"`.
        item: what is asked about.
    """
    if right is None or isinstance(right, bool):
        return right is not False
    try:
        return bool(right(name, item))
    except Exception as error:  # noqa: BLE001  # a right that fails must not let anybody in
        _log.warning("a right %r raised %s, which denies", name, type(error).__name__)
        return False
