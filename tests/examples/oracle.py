"""What a media library declares that its users may do, asked of the declarations themselves.

Nothing of the machinery that enforces rights is used: the declared bools and functions are called with
the user and the item, and what follows from their answers is written down here once more.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from backo import acting_as, current_user
from backo.http.routes import Gate
from examples.media_library.data import USERS
from tests.examples.worlds import ANONYMOUS, World, in_json

ABSENT = "absent"
ROLES = {user["login"]: user["roles"] for user in USERS}


class _LookedAtError(Exception):
    """Raised by an item that was looked at."""


class _NoItem:
    """An item that nobody can look at."""

    def __getattr__(self, name: str) -> Any:
        raise _LookedAtError(name)


@dataclass(frozen=True)
class Oracle:
    """Answers for one user of a world; a number is the status of a refusal, None means that there is none."""

    world: World
    login: str

    def _acting(self) -> AbstractContextManager[None]:
        return acting_as({"_id": self.login, "login": self.login, "roles": ROLES[self.login]})

    def _says(self, right: Any, name: str, item: Any) -> bool:
        if right is None or isinstance(right, bool):
            return right is not False
        with self._acting():
            return bool(right(name, item))

    def _home(self, collection: str) -> Any:
        return self.world.backoffice.collections[collection]

    def node(self, collection: str, path: str) -> Any:
        """Give the declaration of a field."""
        return self._home(collection).entry.schema.nodes[tuple(path.split("."))]

    def _declared(self, collection: str, path: str, option: str) -> Any:
        """Give the right of a field, or that of the nearest group around it that declares one."""
        parts = path.split(".")
        around = [self.node(collection, ".".join(parts[:end])).options for end in range(len(parts), 0, -1)]
        found = [getattr(options, option) for options in (*around, self._home(collection).entry.schema.options)]
        return next((right for right in found if right is not None), None)

    # Items.

    def is_there(self, collection: str, id_: str) -> bool:
        """Tell whether an item exists for the user."""
        visible = self._home(collection).visible
        if visible is None:
            return True
        with self._acting():
            wanted = visible(current_user)
        return all(self.world.truth[collection][id_][name] == value for name, value in wanted.items())

    def _allows(self, right: str, collection: str, id_: str) -> bool:
        return self._says(getattr(self._home(collection), f"can_{right}"), right, self.world.items[collection][id_])

    def refusal_to_find(self, collection: str, id_: str) -> int | None:
        """Say how it is refused to do anything with an item."""
        if self.login == ANONYMOUS:
            return 401
        return None if self.is_there(collection, id_) else 404

    def refusal_to_read(self, collection: str, id_: str) -> int | None:
        """Say how it is refused to read an item."""
        return self.refusal_to_find(collection, id_) or (None if self._allows("read", collection, id_) else 403)

    def refusal_to_modify(self, collection: str, id_: str) -> int | None:
        """Say how it is refused to change an item, whatever in it."""
        return self.refusal_to_read(collection, id_) or (None if self._allows("modify", collection, id_) else 403)

    def refusal_to_delete(self, collection: str, id_: str) -> int | None:
        """Say how it is refused to delete an item: by a right, or because others refer to it."""
        refused = self.refusal_to_find(collection, id_) or (None if self._allows("delete", collection, id_) else 403)
        holders = {"users": "borrowed", "authors": "books"}
        return refused or (409 if self.world.truth[collection][id_][holders[collection]] else None)

    def refusal_to_create(self, collection: str) -> int | None:
        """Say how it is refused to create an item."""
        home = self._home(collection)
        if self.login == ANONYMOUS:
            return 401
        return None if self._says(home.can_create, "create", home.new()) else 403

    def refusal_to_run(self, collection: str, action: str, id_: str) -> int | None:
        """Say how it is refused to run an action."""
        found = self._home(collection).actions.get(action)
        if self.login == ANONYMOUS:
            return 401
        if found is None or not self.is_there(collection, id_):
            return 404
        item = self.world.items[collection][id_]
        return (
            None if self._says(found.can_see, "see", item) and self._says(found.can_execute, "execute", item) else 403
        )

    def refusal_to_select(self, collection: str, selection: str) -> int | None:
        """Say how it is refused to read a selection."""
        home = self._home(collection)
        found = home.selections.get(selection)
        if self.login == ANONYMOUS:
            return 401
        if found is None:
            return 404
        return None if self._says(found.can_read, "read", home.new()) else 403

    def is_closed(self, gate: Gate, collection: str) -> bool:
        """Tell whether a right of the collection is False itself, so that there is no such route."""
        rights = {
            Gate.READ: ["can_read"],
            Gate.CREATE: ["can_create"],
            Gate.MODIFY: ["can_modify"],
            Gate.DELETE: ["can_delete"],
            Gate.FORM: ["can_create", "can_modify"],
        }
        declared = [getattr(self._home(collection), name) for name in rights.get(gate, [])]
        return bool(declared) and all(right is False for right in declared)

    def rows(self, collection: str) -> list[str]:
        """Give the ids of the items that a list may show, in their order."""
        return sorted(id_ for id_ in self.world.items[collection] if self.refusal_to_read(collection, id_) is None)

    # Fields.

    def shows(self, collection: str, path: str, id_: str) -> bool:
        """Tell whether a field may be read in an item."""
        return self._says(self._declared(collection, path, "can_read"), "read", self.world.items[collection][id_])

    def is_unknown(self, collection: str, path: str) -> bool:
        """Tell whether a field may be read in no item at all, whatever is in it."""
        try:
            return not self._says(self._declared(collection, path, "can_read"), "read", _NoItem())
        except _LookedAtError:
            return False

    def truth(self, collection: str, path: str, id_: str) -> Any:
        """Give the value of a field."""
        return value_at(self.world.truth[collection][id_], path)

    def seen(self, collection: str, path: str, id_: str) -> Any:
        """Give the value of a field as the user sees it; None where there is none or where he may not."""
        if not self.shows(collection, path, id_):
            return None
        value, link = self.truth(collection, path, id_), self._home(collection).entry.links.get(tuple(path.split(".")))
        if link is None or value is None:
            return value
        if isinstance(value, list):
            return [one for one in value if self.is_there(link.target, one)]
        return value if self.is_there(link.target, value) else None

    def refusal_to_set(self, collection: str, path: str, id_: str, value: Any) -> int | None:
        """Say how it is refused to change a field of an item."""
        item = self.world.items[collection][id_]
        return (
            self.refusal_to_read(collection, id_)
            or self.refusal_to_modify(collection, id_)
            or self._refusal_of_value(collection, path, item, value)
            or (None if self._says(self._declared(collection, path, "can_modify"), "modify", item) else 403)
        )

    def refusal_to_give(self, collection: str, path: str, value: Any) -> int | None:
        """Say how it is refused to create an item that has a value of a field."""
        if self.login == ANONYMOUS:
            return 401
        new = self._home(collection).new()
        return (
            self.refusal_to_create(collection)
            or self._refusal_of_value(collection, path, new, value)
            or (None if self._says(self._declared(collection, path, "can_modify"), "modify", new) else 403)
        )

    def _refusal_of_value(self, collection: str, path: str, item: Any, value: Any) -> int | None:
        """Say what nobody can set: another value of what is computed, and what the one constraint refuses."""
        if self.node(collection, path).read_only:
            return None if value == value_at(in_json(item.get_value()), path) else 422
        return 422 if path == "withdrawn" and value is True and item.borrow.user is not None else None


def value_at(tree: Any, path: str) -> Any:
    """Give what stands at a path, None where nothing does."""
    for name in path.split("."):
        tree = None if tree is None else tree[name]
    return tree
