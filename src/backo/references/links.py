"""Resolve the declared references of an application: who points where, and which side is stored.

A two-way relation has one *stored* and one *derived* side (DESIGN D4). `Ref`↔`RefsList` stores the
`Ref`. Two of a kind store the side declared `owner=True`, else the smaller of (collection, path). A
field whose reverse is itself is *symmetric*: both items store it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from backo.errors import DefinitionError, nearest
from backo.paths import FieldPath, to_text
from backo.references.fields import DeleteStrategy, FillStrategy, Ref, RefsList
from backo.schema.containers import Dict, In, List, Tuple
from backo.schema.fields import Field

Address: TypeAlias = tuple[str, FieldPath]  # a collection and a path in it


@dataclass(frozen=True, slots=True)
class Link:
    """One side of a relation.

    Attributes:
        collection: where it is declared.
        path: its field.
        target: the collection that it refers to.
        reverse: the path of the other side there; None for a one-way link.
        many: whether it is a `RefsList`.
        required: whether it must name something.
        strategy: what happens to the other side when the item is deleted; for a one-way link, what
            happens to the holder when the item it names is deleted.
        fill: whether answers show the ids.
        derived: whether it is looked up through the other side instead of stored.
    """

    collection: str
    path: FieldPath
    target: str
    reverse: FieldPath | None
    many: bool
    required: bool
    strategy: DeleteStrategy
    fill: FillStrategy
    derived: bool

    @property
    def symmetric(self) -> bool:
        """Whether it is its own reverse."""
        return self.reverse == self.path and self.target == self.collection

    @property
    def address(self) -> Address:
        """Where it is declared."""
        return (self.collection, self.path)


@dataclass(frozen=True, slots=True)
class LinkGraph:
    """All links of an application.

    Attributes:
        links: every link by its address.
    """

    links: Mapping[Address, Link]

    def of(self, collection: str) -> list[Link]:
        """Give the links declared in a collection."""
        return [link for link in self.links.values() if link.collection == collection]

    def reverse_of(self, link: Link) -> Link | None:
        """Give the other side of a link."""
        return None if link.reverse is None else self.links[link.target, link.reverse]

    def related(self, collection: str) -> set[str]:
        """Give the collections to which links lead from one or into it, over others too; itself included."""
        found, left = {collection}, [collection]
        while left:
            name = left.pop()
            ends = {end for link in self.links.values() if name in _ends(link) for end in _ends(link)}
            left += ends - found
            found |= ends
        return found

    def one_way_into(self, collection: str) -> list[Link]:
        """Give the links without a reverse that refer to a collection."""
        return [link for link in self.links.values() if link.target == collection and link.reverse is None]


def _ends(link: Link) -> tuple[str, str]:
    return link.collection, link.target


def declared_links(fields: Mapping[str, Field], prefix: FieldPath = ()) -> Iterable[tuple[FieldPath, Ref | RefsList]]:
    """Give the references among declared fields, with their paths; groups are entered.

    Raises:
        DefinitionError: one is inside a list, a tuple or alternatives.
    """
    for name, field in fields.items():
        path = (*prefix, name)
        if isinstance(field, Ref | RefsList):
            yield path, field
        elif isinstance(field, Dict):
            yield from declared_links(field.fields, path)
        elif _hides_link(field):
            message = f"{to_text(path)}: a reference inside a list, a tuple or alternatives is not possible yet"
            raise DefinitionError(message, hint="use RefsList, or a collection of its own")


def _hides_link(field: Field) -> bool:
    if isinstance(field, Ref | RefsList):
        return True
    if isinstance(field, List):
        return _hides_link(field.element)
    if isinstance(field, Dict):
        return any(map(_hides_link, field.fields.values()))
    parts = field.elements if isinstance(field, Tuple) else field.alternatives if isinstance(field, In) else ()
    return any(map(_hides_link, parts))


def resolve(declared: Mapping[str, Mapping[FieldPath, Ref | RefsList]]) -> LinkGraph:
    """Resolve the references of all collections.

    Args:
        declared: for each collection its references by path.

    Raises:
        DefinitionError: naming the collection, the path and the nearest valid name.
    """
    links: dict[Address, Link] = {}
    for collection, references in declared.items():
        for path, field in references.items():
            reverse = _reverse(declared, collection, path, field)
            links[collection, path] = Link(
                collection=collection,
                path=path,
                target=field.coll,
                reverse=field.reverse,
                many=isinstance(field, RefsList),
                required=field.options.required,
                strategy=field.strategy or _default_strategy(field, reverse),
                fill=field.fill,
                derived=_is_derived((collection, path), field, reverse),
            )
    return LinkGraph(links)


def _reverse(
    declared: Mapping[str, Mapping[FieldPath, Ref | RefsList]], collection: str, path: FieldPath, field: Ref | RefsList
) -> Ref | RefsList | None:
    """Find the declared other side and check that both mean one another."""
    where = f"{collection}: {to_text(path)}"
    if field.coll not in declared:
        message = f"{where}: there is no collection {field.coll!r}"
        raise DefinitionError(message, hint=nearest(field.coll, declared))
    if field.reverse is None:
        return None
    other = declared[field.coll].get(field.reverse)
    if other is None:
        message = f"{where}: the collection {field.coll!r} has no reference {to_text(field.reverse)}"
        raise DefinitionError(message, hint=nearest(to_text(field.reverse), map(to_text, declared[field.coll])))
    if other.coll != collection or other.reverse != path:
        back = "nothing" if other.reverse is None else f"{other.coll}: {to_text(other.reverse)}"
        message = f"{where}: its reverse {field.coll}: {to_text(field.reverse)} points back to {back}"
        raise DefinitionError(message, hint=f"declare it with coll={collection!r}, field={to_text(path)!r}")
    return other


def _default_strategy(field: Ref | RefsList, reverse: Ref | RefsList | None) -> DeleteStrategy:
    if isinstance(field, Ref) and isinstance(reverse, Ref):
        return DeleteStrategy.UNLINK_REFERENCED_ITEMS
    return DeleteStrategy.MUST_BE_EMPTY


def _is_derived(address: Address, field: Ref | RefsList, reverse: Ref | RefsList | None) -> bool:
    if reverse is None or field.reverse is None:
        return False
    other: Address = (field.coll, field.reverse)
    if other == address:
        return False
    if isinstance(field, RefsList) != isinstance(reverse, RefsList):
        return isinstance(field, RefsList)
    if field.owner and reverse.owner:
        message = f"{address[0]}: {to_text(address[1])}: both sides are declared owner=True"
        raise DefinitionError(message)
    if field.owner or reverse.owner:
        return reverse.owner
    return other < address
