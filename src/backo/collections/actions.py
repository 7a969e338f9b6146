"""Actions: what can be done with one item beyond changing it, declared with parameters, a function and rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backo.collections.offering import offered, read_description, read_options
from backo.errors import DefinitionError, RightError
from backo.items.generating import record_class
from backo.items.record import Record
from backo.paths import to_text
from backo.references.links import declared_links
from backo.schema.compiler import Schema, compile_schema
from backo.schema.containers import check_fields, has_files
from backo.schema.fields import Field
from backo.schema.options import Function, Options, Right, adapted, blame, read_right
from backo.work.rights import is_allowed

if TYPE_CHECKING:
    from backo.files.places import Files

ALIASES: Mapping[str, str] = {"exists": "can_see", "desc": "description"}

SEE, EXECUTE = "see", "execute"  # names of rights


class Action:
    """Something that can be done with an item of a collection.

    The function gets a fresh record of the parameters for each call, for which `isinstance(record, Action)`
    holds; it reads as an item does.

    Args:
        fields: the parameters, declared as the fields of an item are.
        function: `f(action, item, **kwargs)`; `action` holds the parameters.
        can_execute: a bool, or `f("execute", item) -> bool`.
        can_see: a bool, or `f("see", item) -> bool`; `exists` is an alias.
        description: a sentence for people.

    Raises:
        DefinitionError: an argument makes no sense.
    """

    if TYPE_CHECKING:  # the properties of its records are generated

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def __init__(
        self,
        fields: Mapping[str, Field],
        function: Function,
        *,
        can_execute: Right = None,
        can_see: Right = None,
        description: str | None = None,
        **aliases: Any,
    ) -> None:
        check_fields(fields, "Action")
        named = {"can_execute": can_execute, "can_see": can_see, "description": description}
        options = read_options("Action", named, ALIASES, aliases)
        # All names are private: parameters may have any other.
        self._fields = dict(fields)
        self._function = adapted(function, 2, what="Action: the function", named=True)
        self._can_execute = read_right("Action: can_execute", options["can_execute"])
        self._can_see = read_right("Action: can_see", options["can_see"])
        self._description = read_description("Action", options["description"])


@dataclass(frozen=True, slots=True, eq=False)
class CompiledAction:
    """An action of one collection.

    Attributes:
        name: under which it is registered.
        collection: where.
        schema: of the parameters.
        record: the class of their records.
        function: `f(action, item, **kwargs)`, adapted.
        can_see: a right.
        can_execute: a right.
        description: a sentence for people.
        files: its file fields.
    """

    name: str
    collection: str
    schema: Schema
    record: type[Record]
    function: Function
    can_see: Right
    can_execute: Right
    description: str | None
    files: Files

    @property
    def closed(self) -> bool:
        """Whether nobody may ever run it."""
        return self.can_see is False or self.can_execute is False

    def run(self, item: Any, values: Any, kwargs: Mapping[str, Any]) -> Any:
        """Ask the rights, check the parameters, call the function; inside an open unit of work.

        Args:
            item: the stored item.
            values: the parameters, by name; None for none.
            kwargs: what is handed along to the function.

        Raises:
            RightError: the current user may not.
            ValidationError: with every problem of the parameters and its path.
            Exception: what the function raises.
        """
        self._ask(item)
        parameters = self._parameters({} if values is None else values)
        try:
            return self.function(parameters, item, **kwargs)
        except Exception as error:
            blame(error, f"action {self.name!r}", self.collection)
            raise

    def _ask(self, item: Any) -> None:
        if is_allowed(self.can_see, SEE, item) and is_allowed(self.can_execute, EXECUTE, item):
            return
        message = f"the action {self.name!r} of {self.collection!r} is not for this user and this item"
        raise RightError(message)

    def _parameters(self, values: Any) -> Record:
        """Give a fresh record of the parameters of one call."""
        parameters = self.record()
        parameters._give_defaults()
        parameters._fill(values)
        parameters._judge_complete()
        return parameters


def compile_action(collection: str, name: str, action: Action) -> CompiledAction:
    """Compile an action, for one of the collections that it is registered in.

    Raises:
        DefinitionError: naming the collection, the action and the path.
    """
    where = f"{collection}: the action {name!r}"
    try:
        _refuse_references(action._fields)
        schema = compile_schema(name, action._fields, Options(), system={})
        _refuse_unkept(schema)
        record = record_class(schema, Record, kind=type(action))
    except DefinitionError as error:
        message = f"{where}: {error.message.removeprefix(f'{name}: ')}"
        raise DefinitionError(message, hint=error.hint) from error
    return CompiledAction(
        name=name,
        collection=collection,
        schema=schema,
        record=record,
        function=action._function,
        can_see=action._can_see,
        can_execute=action._can_execute,
        description=action._description,
        files=_files_of(schema, action._fields),
    )


def _files_of(schema: Schema, fields: Mapping[str, Field]) -> Files:
    if not has_files(fields.values()):
        return {}
    from backo.files.places import files_of  # noqa: PLC0415  # few need it, and it takes long to load

    return files_of(schema)


def find_action(actions: Mapping[str, CompiledAction], name: str, collection: str) -> CompiledAction:
    """Give an action of a collection by its name.

    Raises:
        NotFoundError: there is none.
    """
    return offered(actions, name, "action", collection)


def _refuse_references(fields: Mapping[str, Field]) -> None:
    """Refuse references among parameters.

    Raises:
        DefinitionError: naming the path.
    """
    for path, _ in declared_links(fields):
        message = f"{to_text(path)}: a reference cannot be a parameter"
        raise DefinitionError(message, hint="declare it as a String(), and assign the id in the function")


def _refuse_unkept(schema: Schema) -> None:
    """Refuse options that mean nothing for parameters, which are not stored.

    Raises:
        DefinitionError: naming the path.
    """
    for path, node in schema.nodes.items():
        options = node.options
        given = {
            "unique": options.unique,
            "index": options.index,
            "can_read": options.can_read is not None,
            "can_modify": options.can_modify is not None,
        }
        for option, is_given in given.items():
            if is_given:
                message = f"{to_text(path)}: {option!r} means nothing for a parameter"
                hint = "use can_execute of the action" if option.startswith("can") else "parameters are not stored"
                raise DefinitionError(message, hint=hint)
