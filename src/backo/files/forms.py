"""Gather what a form brings, part after part: files into their spools, the rest as JSON text.

How the bytes of a body become parts is not known here (`backo.files.multipart` is one way).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from backo.errors import PathNotFoundError, Problem, ValidationError, shown
from backo.files.content import Content, Spool
from backo.files.places import Files, declared_at, place_of
from backo.files.refusals import FileTooLargeError, FormError
from backo.paths import Place, to_text

JSON_PART = "_json"


@dataclass(slots=True)
class Form:
    """What a form brought; leaving its `with` block removes the temporary files.

    Attributes:
        json: the text of the part `_json`, None when there was none.
        files: the contents by place; a list of them where parts of one name filled a list.
    """

    json: bytes | None = None
    files: dict[Place, Content | list[Content]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the contents; those that were kept by a connector stay there."""
        self.discard()

    def discard(self) -> None:
        """Forget the contents."""
        for given in self.files.values():
            for content in given if isinstance(given, list) else [given]:
                content.discard()

    def operations(self) -> list[dict[str, Any]]:
        """Give the files as operations of a patch."""
        return [
            {"op": "add", "path": to_text(place), "value": content}
            for place, given in self.files.items()
            for content in (given if isinstance(given, list) else [given])
        ]

    def laid_over(self, tree: Any) -> Any:
        """Copy a JSON value with the files at their places.

        Raises:
            ValidationError: a place leads through something that has no places.
        """
        for place, given in self.files.items():
            tree = _put(tree, place, given, place)
        return tree


class FormReader:
    """A form while it arrives.

    Each part is counted against the limit of what it is meant for; nothing is held in memory but the
    JSON and small files, which share 1 MiB.

    Args:
        files: the file fields that parts may name.
        json_size: bytes that the part `_json` may have.
        max_parts: how many parts there may be.

    Attributes:
        form: what has arrived.
    """

    def __init__(self, files: Files, *, json_size: int, max_parts: int) -> None:
        self.form = Form()
        self._files = files
        self._json_size = json_size
        self._max_parts = max_parts
        self._parts = 0
        self._held = 0  # bytes of small files, in memory
        self._json: bytearray | None = None  # the part `_json` while it arrives
        self._spool: Spool | None = None  # a file while it arrives
        self._place: Place = ()
        self._is_list = False
        self._filename: str | None = None

    def begin(self, name: str | None, filename: str | None) -> None:
        """Begin a part.

        Raises:
            FileTooLargeError: there are too many.
            FormError: it has no name, or is a second `_json`.
            ValidationError: it names no file field, or one that another part has named.
        """
        self._parts += 1
        if self._parts > self._max_parts:
            raise FileTooLargeError(self._max_parts, of="parts")
        if not name:
            message = "a part of the form has no name"
            raise FormError(message)
        if name != JSON_PART:
            self._begin_file(name, filename)
        elif self.form.json is not None:
            message = f"the form has two parts {JSON_PART!r}"
            raise FormError(message)
        else:
            self._json = bytearray()

    def _begin_file(self, name: str, filename: str | None) -> None:
        try:
            self._place = place_of(name)
            declared = declared_at(self._files, self._place)
        except PathNotFoundError:
            declared = None
        if declared is None:
            raise _refused("$", "unknown", f"There is no file field {shown(name)}; other values go into {JSON_PART!r}")
        self._is_list = declared.is_list and not isinstance(self._place[-1], int)
        if self._place in self.form.files and not self._is_list:
            raise _refused(to_text(self._place), "twice", "Must not be there twice")
        self._spool, self._filename = declared.field.spool(taken=self._held), filename

    def take(self, chunk: bytes | bytearray) -> None:
        """Take the next bytes of the part.

        Raises:
            FileTooLargeError: they are too many.
        """
        if self._json is not None:
            self._json += chunk
            if len(self._json) > self._json_size:
                raise FileTooLargeError(self._json_size)
        elif self._spool is not None:
            try:
                self._spool.write(chunk)
            except FileTooLargeError as error:
                text = f"Must have at most {error.limit} bytes"
                raise FileTooLargeError(
                    error.limit, problems=[Problem(to_text(self._place), "max_size", text)]
                ) from error

    def end(self) -> None:
        """End the part."""
        if self._json is not None:
            self.form.json, self._json = bytes(self._json), None
        elif self._spool is not None:
            if self._spool.size or self._filename != "":  # else the file input of a page in which nothing was chosen
                self._held += self._spool.held
                self._add(self._spool.finish(self._filename or None))
            self._spool = None

    def _add(self, content: Content) -> None:
        """Put a content at its place, or to the others of its list."""
        before = self.form.files.get(self._place, [])
        several = [*(before if isinstance(before, list) else [before]), content]
        self.form.files[self._place] = several if self._is_list else content

    def discard(self) -> None:
        """Forget what has arrived."""
        self.form.discard()
        if self._spool is not None:
            self._spool.discard()


def _refused(path: str, code: str, text: str) -> ValidationError:
    return ValidationError("the form is not valid", problems=[Problem(path, code, text)])


def _put(tree: Any, rest: Place, given: Content | list[Content], place: Place) -> Any:
    """Copy a tree with something at a place; what is missing on the way is made."""
    if not rest:
        return [*tree, *given] if isinstance(given, list) and isinstance(tree, list) else given
    step = rest[0]
    if isinstance(step, int):
        elements = [] if tree is None else tree
        if isinstance(elements, list) and step <= len(elements):
            inner = elements[step] if step < len(elements) else None
            return [*elements[:step], _put(inner, rest[1:], given, place), *elements[step + 1 :]]
    elif tree is None or isinstance(tree, dict):
        return {**(tree or {}), step: _put((tree or {}).get(step), rest[1:], given, place)}
    raise _refused(to_text(place), "place", "Is not a place in the JSON of the form")
