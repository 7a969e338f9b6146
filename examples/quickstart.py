"""The quickstart of the documentation, to be run: `python -m examples.quickstart`."""

from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import click
from flask import Flask

from backo import (
    Backoffice,
    Bool,
    Collection,
    DBSqliteConnector,
    DBYmlConnector,
    DeleteStrategy,
    Item,
    Ref,
    RefsList,
    String,
)
from examples.serving import interrupt_on_sigterm, serve

Connector: TypeAlias = DBYmlConnector | DBSqliteConnector


def declare(db_users: Connector, db_addrs: Connector) -> Backoffice:
    """Declare users who live at addresses."""
    # -- Description of the backoffice
    my_backoffice = Backoffice("myApp")

    # -- Add the collection "users" (with a reference to the future "addrs" collection)
    coll_users = Collection(
        "users",
        Item(
            {
                "name": String(),
                "surname": String(),
                "addr": Ref(coll="addrs", field="$.users", required=True),
                "male": Bool(default=True),
            }
        ),
        db_users,
    )
    my_backoffice.register_collection(coll_users)

    # -- Add the collection "addrs" (with the reference back to the "users" collection)
    coll_addrs = Collection(
        "addrs",
        Item(
            {
                "name": String(),
                "address": String(),
                "users": RefsList(coll="users", field="$.addr", ods=DeleteStrategy.MUST_BE_EMPTY),
            }
        ),
        db_addrs,
    )
    my_backoffice.register_collection(coll_addrs)

    return my_backoffice


def stores(folder: Path, *, sqlite: bool) -> tuple[Connector, Connector]:
    """Choose where users and addresses are kept; nothing is opened before its first use."""
    if sqlite:
        database = folder / "quickstart.sqlite"
        return (
            DBSqliteConnector(path=database, table="users"),
            DBSqliteConnector(path=database, table="addrs"),
        )
    return DBYmlConnector(path=folder / "users"), DBYmlConnector(path=folder / "addrs")


def announce(address: str) -> None:
    """Tell what to try, now that the port is open."""
    app = f"{address}/myApp"
    click.echo(f"""\
Serving on {app} (Ctrl-C stops). Try:

  # an address, and somebody who lives there
  curl -X POST '{app}/addrs/' -d '{{"name":"moon","address":"far"}}'
  curl -X POST '{app}/users/' -d '{{"name":"neil","surname":"amstrong","addr":"<_id of the moon>"}}'

  # both sides of the reference
  curl '{app}/users/'
  curl '{app}/addrs/?name.$re=oo&_page=10'

  # change one field; delete an address where somebody lives (refused: 409)
  curl -X PATCH '{app}/users/<_id>' -d '{{"op":"replace","path":"$.surname","value":"armstrong"}}'
  curl -X DELETE '{app}/addrs/<_id of the moon>'

  # what the application is made of
  curl '{app}/_meta'
""")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("quickstart-data"))
@click.option("--sqlite", is_flag=True, help="Keep everything in one SQLite file, not in YAML.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
def main(*, folder: Path, sqlite: bool, port: int) -> None:
    """Serve users and addresses, kept in FOLDER (quickstart-data), on 127.0.0.1."""
    interrupt_on_sigterm()
    folder.mkdir(parents=True, exist_ok=True)
    with closing(declare(*stores(folder, sqlite=sqlite))) as my_backoffice:
        # Your flask application
        flask = Flask(__name__)

        # -- Add CRUD routes for this application
        my_backoffice.build_routes(flask)

        try:
            serve(flask, port, announce)
        except OSError as error:
            raise click.ClickException(f"port {port}: {error.strerror}; try --port 0") from error
    click.echo("\nStopped.")


if __name__ == "__main__":
    main()
