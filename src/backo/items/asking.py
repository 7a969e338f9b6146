"""Ask functions of an item about the item itself: conditions and computed values.

They may read other fields that ask in their turn. What is being asked is written down on the record,
so that a circle is found, and that within one question nothing is computed twice.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, TypeAlias

from backo.errors import BackoError, StateError
from backo.items.problems import invalid
from backo.paths import to_text
from backo.schema.nodes import Node
from backo.schema.options import blame
from backo.schema.problems import Finding, Refusal

Running: TypeAlias = dict[Any, Any]  # answers by question; a condition asks ("exists", path), a value its path

_UNDER_WAY = object()


class _Question:
    """One question; the outermost one forgets all answers in the end."""

    __slots__ = ("_is_outermost", "_key", "_running", "answer")

    answer: Any

    def __init__(self, running: Running, key: Any) -> None:
        self._running, self._key, self._is_outermost = running, key, not running
        self.answer = _UNDER_WAY

    def __enter__(self) -> Self:
        self._running[self._key] = _UNDER_WAY
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_outermost:
            self._running.clear()
        elif self.answer is _UNDER_WAY:
            del self._running[self._key]
        else:
            self._running[self._key] = self.answer


def exists(node: Node, value: Any, item: Any, running: Running) -> bool:
    """Tell whether a field exists in an item; one that asks for itself does."""
    condition = node.options.exists
    if not callable(condition):
        return condition
    key = ("exists", node.path)
    if key in running:
        return True
    with _Question(running, key):
        try:
            return bool(condition(value, item))
        except Exception as error:
            blame(error, "exists", node.where)
            raise


def computed(node: Node, item: Any, name: str, running: Running) -> Any:
    """Compute a field.

    Args:
        node: the field.
        item: what its function gets.
        name: of the item, for messages.
        running: what is being asked already.

    Raises:
        StateError: computed fields read one another in a circle.
        ValidationError: the function refuses, or gives what does not fit.
    """
    compute, path = node.options.compute, node.path
    known = running.get(path)
    if known is _UNDER_WAY:
        asked = [one for one, found in running.items() if found is _UNDER_WAY and isinstance(one[-1], str)]
        circle = " -> ".join(map(to_text, [*asked[asked.index(path) :], path]))
        message = f"{name}: computed fields read one another in a circle: {circle}"
        raise StateError(message)
    if compute is None or path in running:
        return known
    with _Question(running, path) as question:
        try:
            value = compute(item)
            question.answer = None if value is None else node.check(value)
        except Refusal as refusal:
            raise invalid(name, refusal.below(*path)) from None
        except BackoError:
            raise
        except ValueError as error:
            raise invalid(name, [Finding(path, "computed", str(error) or "Cannot be computed")]) from error
        except Exception as error:
            blame(error, "compute", node.where)
            raise
    return question.answer
