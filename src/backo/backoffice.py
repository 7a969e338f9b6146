"""The back office that users declare: an application with routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from backo.collections.application import Application
from backo.errors import ValidationError

if TYPE_CHECKING:
    from backo.integrity.report import IntegrityReport, StructureReport
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

    def check_integrity(
        self,
        apply: bool = False,  # noqa: FBT001, FBT002  # as `check_integrity(apply=True)`
        *,
        orphan_age: float = 3600.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> IntegrityReport:
        """Find, and with `apply` mend, what a disk failure or another program did to the stored data.

        It works while the application is in use: what looks wrong is looked at again under the locks
        of its items before it is reported. Only what can be mended without losing anything is; each
        unit of work is small. There are no rights and no events, `_meta` stays as it is, `_rev` is raised.

        Args:
            apply: whether to mend; without it nothing is changed.
            orphan_age: seconds; a content that no item names is only an orphan when it is older, for a
                request writes contents before its items. Each back office needs file connectors of its own.
            progress: told after each page how many items are done, of how many.

        Returns:
            The report, with `findings`, `counts`, `total`, `mended` and `is_clean`.

        Raises:
            ValidationError: the age is no number of seconds.
            StateError: a unit of work is open.
            DBError: a store, or a place of contents, is away.
        """
        from backo.integrity.running import check_integrity  # noqa: PLC0415  # few processes check

        return check_integrity(self.catalog, apply=apply, orphan_age=orphan_age, progress=progress)

    def check_structure(self, apply: bool = False) -> StructureReport:  # noqa: FBT001, FBT002  # as above
        """Report what tables, columns and indexes differ from the declarations; with `apply` make what is missing.

        Nothing is made by looking, not even what is made at the first use of a store otherwise. Nothing
        is ever dropped: what is there and not declared is reported as kept. A unique index that the
        stored values do not allow is reported with items that share a value.

        Args:
            apply: whether to make what can be made without loss.

        Returns:
            The report, with `differences`, `mended` and `is_clean`.

        Raises:
            StateError: a unit of work is open.
            DBError: a store is away, or of a newer version.
        """
        from backo.integrity.structuring import check_structure  # noqa: PLC0415  # few processes check

        return check_structure(self.catalog, apply=apply)
