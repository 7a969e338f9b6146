"""Order computed fields so that each comes after those it reads, and refuse circles.

What a function reads is found in its bytecode: the chains of attributes and constant keys that start
at its first parameter. It is enough to find a circle when the application is assembled; a circle that
hides behind other calls is found when a value is computed.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CodeType
from typing import Any

from backo.errors import DefinitionError
from backo.paths import FieldPath, to_text
from backo.schema.nodes import Node

_SILENT = frozenset({"CACHE", "EXTENDED_ARG", "NOT_TAKEN", "NOP"})


def paths_read(function: Callable[..., Any]) -> frozenset[FieldPath]:
    """Give the paths that a function takes from its first parameter.

    >>> sorted(paths_read(lambda item: item.price * item["order"].quantity))
    [('order', 'quantity'), ('price',)]
    """
    function, bound = _written(function)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or code.co_argcount <= bound:
        return frozenset()
    return frozenset(_chains(code, code.co_varnames[bound]))


def _written(function: Any) -> tuple[Any, int]:
    """Find the function as it was written, and how many of its first parameters are given already."""
    bound = 0
    while True:
        function = inspect.unwrap(function)
        if isinstance(function, partial):
            function, bound = function.func, bound + len(function.args)
        elif inspect.ismethod(function):
            function, bound = function.__func__, bound + 1
        elif hasattr(function, "__code__") or inspect.isclass(function) or inspect.isbuiltin(function):
            return function, bound
        elif inspect.ismethod(call := getattr(function, "__call__", None)):  # noqa: B004  # its method is wanted
            function = call
        else:
            return function, bound


def _chains(code: CodeType, first: str) -> Iterator[FieldPath]:
    """Give the chains of names that start at a variable, inner functions included."""
    chain: FieldPath | None = None
    key: str | None = None  # a constant that may be a key of the chain
    for instruction in dis.get_instructions(code):
        name, value = instruction.opname, instruction.argval
        if name in _SILENT:
            continue
        if chain is not None and key is None and name in {"LOAD_ATTR", "LOAD_METHOD"}:
            chain = (*chain, str(value))
        elif chain is not None and key is None and name == "LOAD_CONST" and isinstance(value, str):
            key = value
        elif chain is not None and key is not None and (name == "BINARY_SUBSCR" or instruction.argrepr == "[]"):
            chain, key = (*chain, key), None
        else:
            if chain:
                yield chain
            key = None
            loaded = value[-1] if isinstance(value, tuple) and value else value
            chain = () if "LOAD_FAST" in name or name == "LOAD_DEREF" else None
            if loaded != first:
                chain = None
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and first in constant.co_freevars:
            yield from _chains(constant, first)


def in_dependency_order(schema_name: str, computed: Iterable[Node]) -> tuple[Node, ...]:
    """Order computed nodes so that each comes after those it reads.

    Raises:
        DefinitionError: some read one another in a circle; the message names it.
    """
    by_path = {node.path: node for node in computed}
    ordered: dict[FieldPath, Node] = {}
    on_the_way: list[FieldPath] = []

    def visit(node: Node) -> None:
        if node.path in ordered:
            return
        if node.path in on_the_way:
            circle = [*on_the_way[on_the_way.index(node.path) :], node.path]
            message = (
                f"{schema_name}: computed fields read one another in a circle: {' -> '.join(map(to_text, circle))}"
            )
            raise DefinitionError(message, hint="compute one of them from fields that are set")
        on_the_way.append(node.path)
        function = node.options.compute
        for path in sorted(paths_read(function)) if function else ():
            for length in range(1, len(path) + 1):
                if path[:length] in by_path:
                    visit(by_path[path[:length]])
        on_the_way.pop()
        ordered[node.path] = node

    for node in by_path.values():
        visit(node)
    return tuple(ordered.values())
