"""Find the files in the trees of an item: its values, its document, what is given for it.

A tree is made of dicts and lists; a leaf is what stands at the path of a file field: a
`FileVersion` among values, its JSON form in a document. Lists on the way are gone through. Trees are
never changed; what changes is copied along its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from backo.errors import DefinitionError, PathNotFoundError, QueryError, shown
from backo.files.fields import FileField
from backo.files.values import FACTS, FileObject, FileVersion
from backo.paths import FieldPath, Place, parse_pointer, parse_selector, to_text
from backo.schema.compiler import Schema
from backo.schema.containers import Dict, In, List, Tuple, has_files
from backo.schema.fields import Field


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file field where it is declared.

    Attributes:
        field: the declaration.
        is_list: whether it is the type of the elements of a list.
        many: whether an item may have several files there.
    """

    field: FileField
    is_list: bool
    many: bool = False


Files: TypeAlias = Mapping[FieldPath, FilePlace]
"""The file fields of an item, by path."""

Leaf: TypeAlias = tuple[Place, Any]
Href: TypeAlias = Callable[[Place], str | None]


def files_of(schema: Schema) -> Files:
    """List the file fields of an item.

    Raises:
        DefinitionError: one is where it cannot be.
    """
    for node in schema.nodes.values():
        if isinstance(node.inner, Tuple | In) and has_files([node.inner]):
            message = f"{schema.name}: {to_text(node.path)}: a file cannot be inside a {type(node.inner).__name__}"
            raise DefinitionError(message, hint="declare it in a Dict or a List")
        if isinstance(node.inner, FileField) and (node.read_only or not node.stored):
            message = (
                f"{schema.name}: {to_text(node.path)}: a file cannot be computed, or be left out of what is stored"
            )
            raise DefinitionError(message, hint="take 'set' and the view '!save' away, also from what is around it")
    return {
        path: FilePlace(node.inner, node.is_list, node.many)
        for path, node in schema.nodes.items()
        if isinstance(node.inner, FileField)
    }


def leaves(path: FieldPath, tree: Any, place: Place = ()) -> Iterator[Leaf]:
    """Give what stands at a path, with its place; absent ones are left out."""
    if tree is None:
        return
    if isinstance(tree, list):
        for index, element in enumerate(tree):
            yield from leaves(path, element, (*place, index))
    elif not path:
        yield place, tree
    elif isinstance(tree, Mapping):
        yield from leaves(path[1:], tree.get(path[0]), (*place, path[0]))


def replaced(path: FieldPath, tree: Any, change: Callable[[Place, Any], Any], place: Place = ()) -> Any:
    """Copy a tree along a path, with other leaves there."""
    if tree is None:
        return None
    if isinstance(tree, list):
        return [replaced(path, element, change, (*place, index)) for index, element in enumerate(tree)]
    if not path:
        return change(place, tree)
    if not isinstance(tree, Mapping) or path[0] not in tree:
        return tree
    return {**tree, path[0]: replaced(path[1:], tree[path[0]], change, (*place, path[0]))}


def versions(files: Files, values: Any) -> dict[str, FileVersion]:
    """Give the files of a record's values, by id."""
    found = (leaf for path in files for _, leaf in leaves(path, values))
    return {one.file_id: one for one in found if isinstance(one, FileVersion)}


def with_versions(files: Files, values: Any, known: Mapping[str, FileVersion]) -> Any:
    """Copy values, with the content of those files that are known from there: they know where it has arrived."""

    def sourced(_: Place, leaf: FileVersion) -> FileVersion:
        one = known.get(leaf.file_id)
        return leaf if one is None else replace(leaf, source=one.source)

    for path in files if known else ():
        values = replaced(path, values, sourced)
    return values


def settled(field: Field, given: Any, current: Any, *, trusted: bool = False) -> Any:
    """Relate what is given for a field to the files that are there, before it is converted.

    The object of a file as it was read stands for that file; a file that was read elsewhere, for a
    copy of it.

    Args:
        field: the declaration, of a file or of something around it.
        given: a value for it.
        current: the value that is there.
        trusted: whether what is given is a stored document.

    Raises:
        Refusal: a stored document is none.
    """
    return _settled(field, given, _present(current), trusted=trusted)


def _settled(field: Field, given: Any, present: Mapping[str, FileVersion], *, trusted: bool) -> Any:
    match field:
        case FileField():
            return field.settled(given, present, trusted=trusted)
        case List(element=element) if isinstance(given, list | tuple):
            return [_settled(element, one, present, trusted=trusted) for one in given]
        case Dict(fields=fields) if isinstance(given, Mapping):
            return {
                name: _settled(fields[name], one, present, trusted=trusted) if name in fields else one
                for name, one in given.items()
            }
    return given


def _present(current: Any) -> dict[str, FileVersion]:
    """Give the files inside a value, by id."""
    if isinstance(current, FileVersion):
        return {current.file_id: current}
    inner: Iterable[Any] = ()
    if isinstance(current, Mapping):
        inner = current.values()
    elif isinstance(current, list):
        inner = current
    return {file_id: one for part in inner for file_id, one in _present(part).items()}


def for_clients(files: Files, document: Any, href: Href) -> Any:
    """Copy a document as clients see it: the facts of files and where they are, never their content.

    Args:
        files: the file fields.
        document: the JSON form of an item as it is stored.
        href: tells the address of the file at a place.
    """

    def shown_file(place: Place, leaf: Any) -> Any:
        return {**{name: leaf.get(name) for name in FACTS}, "href": href(place)}

    for path in files:
        document = replaced(path, document, shown_file)
    return document


def for_patches(files: Files, document: Any, values: Any, href: Href) -> Any:
    """Copy a document as patches see it: as clients do, but each file still knows its version.

    Args:
        files: the file fields.
        document: the JSON form of the values.
        values: of the record.
        href: tells the address of the file at a place.
    """

    def known_file(place: Place, _: Any) -> Any:
        value = values
        for step in place:
            value = value[step]
        return FileObject(value, href(place))

    for path in files:
        document = replaced(path, document, known_file)
    return document


def place_of(text: str) -> Place:
    """Read the path of a file in an address, or the name of a part of a form.

    >>> place_of("address.photos[0]"), place_of("address/photos/0"), place_of("$.picture")
    (('address', 'photos', 0), ('address', 'photos', 0), ('picture',))

    Raises:
        PathNotFoundError: it is none.
    """
    try:
        steps = _pointed(f"/{text.strip('/')}") if "/" in text else parse_selector(text)
    except QueryError as error:
        raise no_file(text) from error
    place = tuple(step for step in steps if isinstance(step, str | int))
    if not place or len(place) != len(steps) or any(isinstance(step, int) and step < 0 for step in place):
        raise no_file(text)
    return place


def _pointed(text: str) -> Place:
    return tuple(
        int(step) if isinstance(step, str) and step.isascii() and step.isdigit() and len(step) < 10 else step
        for step in parse_pointer(text)
    )


def declared_at(files: Files, place: Place) -> FilePlace | None:
    """Give what is declared at a place; None when it is no file."""
    return files.get(tuple(step for step in place if isinstance(step, str)))


def version_at(files: Files, document: Any, place: Place) -> FileVersion:
    """Give the file at a place of a stored document.

    Raises:
        PathNotFoundError: there is none.
    """
    declared = declared_at(files, place)
    leaf = document
    for step in place if declared is not None else ():
        if isinstance(step, int) and isinstance(leaf, list) and step < len(leaf):
            leaf = leaf[step]
        elif isinstance(step, str) and isinstance(leaf, Mapping):
            leaf = leaf.get(step)
        else:
            leaf = None
    if declared is None or not isinstance(leaf, Mapping):
        raise no_file(to_text(place))
    try:
        return declared.field.from_json(leaf)
    except ValueError as error:  # a document that was edited by hand
        raise no_file(to_text(place)) from error


def no_file(text: str) -> PathNotFoundError:
    """Say that there is no file at a path, whatever the reason."""
    return PathNotFoundError(f"there is no file at {shown(text)}")
