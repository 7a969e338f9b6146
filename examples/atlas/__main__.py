"""Import the atlas, then serve it: `python -m examples.atlas`."""

from contextlib import closing
from pathlib import Path
from time import perf_counter

import click
from flask import Flask
from rich.console import Console

from backo import Backoffice
from examples.atlas.findings import summary
from examples.atlas.importer import import_world
from examples.atlas.model import CREDIT, build_backoffice
from examples.atlas.progress import shown_progress
from examples.serving import interrupt_on_sigterm, serve

ADDRESSES = {
    "one country": "countries/FR",
    "its largest cities": "cities?country=FR&_sort=-population&_page=5",
    "the same, by the name of the country": "cities?country.name=France&population.$gt=500000&_sort=-population",
    "countries of two continents, by name": "countries?continent=EU&continent=OC&_sort=name",
    "capitals of countries above 100 million people": "cities?capital_of.population.$gt=100000000&_sort=-population",
    "cities north of the polar circle": "cities?location.latitude.$gt=66.56",
    "cities whose name ends in 'ville'": "cities?name.$reg=ville$&_page=10",
    "what can be asked and sent": "_meta",
}


@click.command()
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("atlas.sqlite"),
    show_default=True,
    help="The file of the atlas; made when it is missing, completed when it is there.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--findings", is_flag=True, help="Tell every finding, not only how many.")
@click.option("--no-serve", is_flag=True, help="Import, and that is all.")
def main(*, database: Path, port: int, findings: bool, no_serve: bool) -> None:
    """Import the world of GeoNames into a SQLite file, then serve it on 127.0.0.1."""
    interrupt_on_sigterm()
    with closing(build_backoffice(database)) as backoffice:
        run_import(backoffice, database, every_finding=findings)
        if no_serve:
            return
        app = Flask("atlas")
        backoffice.build_routes(app)
        try:
            serve(app, port, announce)
        except OSError as error:
            raise click.ClickException(f"port {port}: {error.strerror}; try --port 0") from error
    click.echo("\nStopped.")


def run_import(backoffice: Backoffice, database: Path, *, every_finding: bool) -> None:
    """Import, and say what was done and what was found."""
    console = Console()
    start = perf_counter()
    with shown_progress(console) as progress:
        report = import_world(backoffice, progress)
    click.echo(f"\nImported into {database} in {perf_counter() - start:.1f} s")
    for name, tally in report.tallies.items():
        click.echo(f"{name:>10}: {tally}")
    if report.nothing_changed:
        click.echo("Nothing had to be changed.")

    click.echo(f"\n{len(report.findings)} findings in the source (--findings tells each)")
    for line in summary(report.findings):
        click.echo(line)
    if every_finding:
        for finding in report.findings:
            click.echo(f"{finding.kind}: {finding}")


def announce(address: str) -> None:
    """Tell what to try, now that the port is open."""
    click.echo(f"\nServing on {address}/atlas (Ctrl-C stops). Try:\n")
    for meaning, path in ADDRESSES.items():
        click.echo(f"  # {meaning}\n  curl '{address}/atlas/{path}'")
    click.echo(
        "  # a continent with countries is not deleted: 409, and who stands in the way\n"
        f"  curl -X DELETE '{address}/atlas/continents/OC'\n"
        f"\n{CREDIT}"
    )


if __name__ == "__main__":
    main()
