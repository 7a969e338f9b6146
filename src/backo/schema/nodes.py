"""One compiled field at its place: what the rest of the library asks about a declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from backo.paths import FieldPath, to_text
from backo.schema.containers import Dict, FreeDict, List
from backo.schema.fields import Check, Field, Json
from backo.schema.kinds import Kind
from backo.schema.options import Options


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A field at its path.

    Attributes:
        item: the name of the item, for messages.
        name: its own name.
        path: names from the root of the item; lists on the way do not show.
        field: the declaration.
        options: of the declaration.
        inner: the declaration of the elements, through all lists (the field itself where it is none).
        element: the elements of a list, as a node with the path of the list; None where it is none.
        children: the fields inside a group, or inside the groups of a list.
        check: converts and checks one value; raises `Refusal`.
        many: whether the path ends at, or goes through, a list.
        derived: a link side that is not stored but looked up (DESIGN D4).
        stored: whether the value is part of the stored document.
        read_only: nobody sets it: computed, `_id`, `_meta`.
        starting: the fields inside a group that have a value as soon as the group has one: those
            with a default, outermost first.

    What has to be done, for it or for a field inside it:
        judged: something is asked when the item is about to be stored.
        asks: functions are asked about a new value.
        noted: somebody wants to know that it was given.
        varying: its JSON form is not that of its value alone: it is computed, derived, conditional or not stored.
        simple: its check is all that a new value needs.
        whole: a group of which that is true as long as it is not set.
        loose: nothing is declared about what is inside the value, so equal values may differ in type.
    """

    item: str
    name: str
    path: FieldPath
    field: Field
    options: Options
    inner: Field
    element: Node | None
    children: Mapping[str, Node]
    check: Check
    many: bool
    derived: bool
    stored: bool
    read_only: bool
    starting: tuple[Node, ...]
    judged: bool
    asks: bool
    noted: bool
    varying: bool
    simple: bool
    whole: bool
    loose: bool

    @property
    def where(self) -> str:
        """The item and the path, for messages: `cat.$.home.zip`."""
        return f"{self.item}.{to_text(self.path)}"

    @property
    def kind(self) -> Kind:
        """How it compares."""
        return self.inner.kind

    @property
    def is_list(self) -> bool:
        """Whether the field itself is a list of values."""
        return isinstance(self.field, List)

    @property
    def is_group(self) -> bool:
        """Whether it has fields inside."""
        return isinstance(self.inner, Dict)

    @property
    def is_file(self) -> bool:
        """Whether it is a file, or a list of files."""
        return self.inner.files

    @property
    def is_free(self) -> bool:
        """Whether any name may stand below it."""
        return isinstance(self.inner, FreeDict)

    @property
    def filterable(self) -> bool:
        """Whether a store or a link can answer for it."""
        return self.stored or self.derived

    def operand(self, value: Any) -> Json:
        """Turn the operand of a comparison into JSON; raises `Refusal`."""
        return self.inner.operand(value)

    def from_text(self, text: str) -> Json:
        """Read the text of a query string as an operand; raises `Refusal`."""
        return self.inner.from_text(text)

    def walk(self) -> Iterator[Node]:
        """Give the node, then all nodes inside it, in declaration order."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def below(self, path: FieldPath) -> Node:
        """Give the node of a path below a free value, where nothing is declared."""
        return replace(
            self,
            name=path[-1],
            path=path,
            field=_ANYTHING,
            options=_ANYTHING.options,
            inner=_ANYTHING,
            element=None,
            children={},
            check=_ANYTHING.convert,
            many=True,
        )


_ANYTHING = Field()  # the base of all types takes any JSON value
