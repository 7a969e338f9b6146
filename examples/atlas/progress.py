"""How far the import is: bars on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from examples.atlas import importer

EVERY = 5_000  # items between two plain lines


@contextmanager
def shown_progress(console: Console) -> Iterator[importer.Progress]:
    """Give what `import_world` wants to tell its progress to."""
    if not console.is_terminal:
        yield _print_line
        return
    columns = TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks = {}

        def move_bar(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        yield move_bar


def _print_line(name: str, done: int, total: int) -> None:
    if done == total or done % EVERY == 0:
        click.echo(f"{name:>10} {done:6} of {total}")
