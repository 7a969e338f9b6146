"""The back office that users declare: an application with routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from backo.collections.application import Application
from backo.errors import ValidationError

if TYPE_CHECKING:
    from backo.migration.report import Report


class Backoffice(Application):
    """A back office: collections that refer to one another, and a REST application over them.

    A registered collection is an attribute: `backoffice.users`.

    Args:
        name: the first part of all addresses.
        limits: what one request may ask for.
        clock: gives the present time, aware; for tests.
        journal: a folder for the journal of stores without transactions; only connectors of one's
            own need it.
        trusted_origins: other origins (`https://host`) whose pages may send unsafe requests.

    Raises:
        DefinitionError: the name is no identifier, or starts with `_`.
    """

    def build_routes(self, flask: Any, prefix: str = "", auth: Callable[..., Any] | None = None) -> None:
        """Add the routes of this back office to a Flask application.

        Args:
            flask: the application, a `flask.Flask`.
            prefix: what stands before the name of the back office in all addresses.
            auth: called before each request without a parameter (what it returns, if anything, is
                the answer), or a decorator of one parameter. It guards every route.

        Raises:
            DefinitionError: a declaration is wrong.
        """
        from backo.http.flask import build_routes  # noqa: PLC0415  # Flask is needed only here

        self.assemble()
        build_routes(self, flask, prefix, auth)

    def migrate(
        self,
        name: str,
        f: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        *,
        _id: str | None = None,
        _ids: Iterable[str] | None = None,
        dry_run: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Report:
        """Bring the stored items of a collection to the present declaration, or check whether they fit.

        A first pass gives each stored document to `f` and checks what comes back, its links and unique
        values too. When all of it fits, a second pass writes what differs, with `dry_run=False` only:
        a store with transactions in one, any other in journalled batches, which a second run completes
        after a crash. There are no rights, no events, no transforms, and `_meta` stays as it is.

        Args:
            name: of the collection.
            f: gets a stored document in its JSON form, with `_id`, and returns it as it should be. It
                may meet an item that it has changed before. None to check only.
            _id: of the one item to migrate.
            _ids: of the items to migrate; without these two, all are.
            dry_run: whether everything is done but the saving.
            progress: told after each page how many steps are done, of how many.

        Returns:
            The report, with `nochanges._ids`, `nochanges.total` (also `total`), `changes._ids`,
            `changes.total`, `changes.diff` (a `DeepDiff` for each id, made when read).

        Raises:
            StoredDataError: a stored item does not fit; collection, `_id` and path are named.
            ValidationError: what `f` gave does not fit, or `f` failed; nothing of the run is saved.
            NotFoundError: there is no such collection or item.
            ConflictError: items that have to change together were changed meanwhile by others.
            StateError: a unit of work is open.
        """
        from backo.migration.running import migrate  # noqa: PLC0415  # few processes migrate

        if _id is not None and _ids is not None:
            message = "migrate takes `_id` or `_ids`, not both"
            raise ValidationError(message)
        ids = _ids if _id is None else [_id]
        return migrate(self.catalog, name, f, ids=ids, dry_run=dry_run, progress=progress)
