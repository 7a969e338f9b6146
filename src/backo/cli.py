"""The command `backo`: what is done to a back office from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import click

from backo.collections.application import Application
from backo.errors import BackoError, nearest
from backo.integrity.running import check_integrity
from backo.integrity.structuring import check_structure
from backo.migration.report import Report
from backo.migration.running import Progress, migrate

_SHOWN = 5  # changed items whose differences are printed


@click.group()
def main() -> None:
    """Look after the items of a back office."""


@main.command("migrate")
@click.argument("backoffice", metavar="MODULE:ATTRIBUTE")
@click.argument("collection")
@click.option("--function", metavar="MODULE:FUNCTION", help="Gets a stored document, a dict, and returns it changed.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only this item; may be given several times.")
@click.option("--apply", is_flag=True, help="Save the changes; without it nothing is saved.")
def migrate_command(
    backoffice: str, collection: str, function: str | None, ids: tuple[str, ...], *, apply: bool
) -> None:
    """Check the stored items of COLLECTION, or change them with a function.

    MODULE:ATTRIBUTE names the back office, such as `library:backoffice`. All items are checked
    before the first one is saved; when one does not fit, nothing is.
    """
    application = _application(backoffice)
    change = None if function is None else _callable(function)
    try:
        with _progress() as progress:
            report = migrate(
                application.catalog, collection, change, ids=ids or None, dry_run=not apply, progress=progress
            )
        with report:
            _show(report)
    except BackoError as error:
        raise click.ClickException(_explained(error)) from error
    finally:
        application.close()


@main.command("check")
@click.argument("backoffice", metavar="MODULE:ATTRIBUTE")
@click.option("--structure", is_flag=True, help="Compare tables, columns and indexes with the declarations instead.")
@click.option("--apply", is_flag=True, help="Mend what can be mended without loss; without it nothing is changed.")
def check_command(backoffice: str, *, structure: bool, apply: bool) -> None:
    """Find what a disk failure or another program did to the stored data.

    MODULE:ATTRIBUTE names the back office, such as `library:backoffice`, which may be in use. Exits
    with 1 when something is wrong and was not mended.
    """
    application = _application(backoffice)
    try:
        if structure:
            differing = check_structure(application.catalog, apply=apply)
            text, is_clean = str(differing), differing.is_clean
        else:
            with _progress() as progress:
                report = check_integrity(application.catalog, apply=apply, progress=progress)
            text, is_clean = str(report), report.is_clean
    except BackoError as error:
        raise click.ClickException(_explained(error)) from error
    finally:
        application.close()
    click.echo(text)
    if not is_clean:
        raise click.exceptions.Exit(1)


def _application(text: str) -> Application:
    found = _named(text)
    if not isinstance(found, Application):
        message = f"{text} is no back office, but {type(found).__name__}"
        raise click.ClickException(message)
    return found


def _callable(text: str) -> Callable[..., Any]:
    found = _named(text)
    if not callable(found):
        message = f"{text} is no function, but {type(found).__name__}"
        raise click.ClickException(message)
    return found  # type: ignore[no-any-return]  # it is looked at no closer


def _named(text: str) -> Any:
    """Import `module:attribute`, from the present folder too.

    Raises:
        ClickException: there is none.
    """
    module, _, attribute = text.partition(":")
    if not module or not attribute:
        message = f"{text!r} must be MODULE:ATTRIBUTE, such as library:backoffice"
        raise click.ClickException(message)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):  # one that the module itself needs
            raise
        message = f"there is no module {error.name!r} here"
        raise click.ClickException(message) from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            hint = nearest(name, dir(found))
            message = f"{module} has no {attribute!r}" + (f"; {hint}" if hint else "")
            raise click.ClickException(message)
        found = getattr(found, name)
    return found


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show a bar on a terminal; elsewhere nothing."""
    if not sys.stdout.isatty():
        yield None
        return
    with click.progressbar(length=0, label="Items", show_pos=True) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield tell


def _show(report: Report) -> None:
    changes, kept = report.changes, report.nochanges
    verb = "would change" if report.dry_run else "changed"
    click.echo(f"{changes.total} {verb}, {kept.total} without changes")
    for id_, diff in islice(zip(changes._ids, changes.diff, strict=True), _SHOWN):  # noqa: SLF001  # a documented name
        click.echo(f"\n{id_}")
        click.echo("\n".join(f"  {line}" for line in diff.pretty().splitlines()))
    if changes.total > _SHOWN:
        click.echo(f"\n… and {changes.total - _SHOWN} more")
    if report.dry_run and changes.total:
        click.echo("\nNothing is saved; give --apply to save it.")


def _explained(error: BackoError) -> str:
    """Write an error with its problems, one to a line, and what it was caused by."""
    lines = [error.message, *(f"  {problem.path}: {problem.message}" for problem in error.problems)]
    cause = error.__cause__
    if cause is not None and not isinstance(cause, BackoError):
        lines.append(f"  caused by {type(cause).__name__}: {cause}")
    if error.hint:
        lines.append(f"  ({error.hint})")
    return "\n".join(lines)
