"""Serve the media library: `python -m examples.media_library`."""

from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from examples.media_library.app import build_app
from examples.media_library.data import USERS, fill, password_of
from examples.media_library.login import secret_key
from examples.media_library.model import build_backoffice
from examples.serving import interrupt_on_sigterm, serve


def announce(folder: Path, address: str) -> None:
    """Tell where everything is kept, who can log in and what to try, now that the port is open."""
    app = f"{address}/media_library"
    people = "\n".join(f"  {one['roles'][0]:<9} {one['login']:<9} {password_of(one['login'])}" for one in USERS)
    click.echo(f"""\
Serving on {app} (Ctrl-C stops).
Everything is kept in {folder}.
Role, login and password:

{people}

Try, from another terminal:

  # log in as an employee; the token is kept in the file employee.jar
  curl -c employee.jar {address}/login -d '{{"login": "wallrich", "password": "wallrich-library"}}'

  # all books, and those that are out: who has them, and when they were due
  curl -b employee.jar '{app}/books?_sort=title'
  curl -b employee.jar '{app}/books/_selections/borrowed'
  curl -b employee.jar '{app}/books/_selections/borrowed?title.$reg=Martine'
  curl -b employee.jar '{app}/books/_selections/late'

  # lend a book, and take it back
  curl -b employee.jar -X POST '{app}/books/_actions/borrow/1235' -d '{{"user_id": "martin"}}'
  curl -b employee.jar -X POST '{app}/books/_actions/give_back/1235'

  # a cover, down and up
  curl -b employee.jar -o cover.png '{app}/books/1235/cover'
  curl -b employee.jar -X PUT -F cover=@cover.png '{app}/books/666'

  # a reader sees less, and changes nothing: 403
  curl -c reader.jar {address}/login -d '{{"login": "lang", "password": "lang-library"}}'
  curl -b reader.jar '{app}/books?_sort=title'
  curl -b reader.jar '{app}/books/_selections/mine'
  curl -b reader.jar -X PUT '{app}/books/666' -d '{{"title": "Mine"}}'

  # what the application is made of; and what of it is for this user
  curl -b reader.jar '{app}/_meta'
  curl -b reader.jar -X POST '{app}/books/_meta'

  # log out
  curl -b reader.jar -c reader.jar -X POST {address}/logout
""")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
def main(*, folder: Path | None, port: int) -> None:
    """Serve a media library on 127.0.0.1, kept in FOLDER, or until it stops where none is given."""
    interrupt_on_sigterm()
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="media-library-")))
        folder.mkdir(parents=True, exist_ok=True)
        backoffice = stack.enter_context(closing(build_backoffice(folder)))
        try:
            app = build_app(backoffice, secret_key(folder))
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        fill(backoffice)
        try:
            serve(app, port, partial(announce, folder))
        except OSError as error:
            raise click.ClickException(f"port {port}: {error.strerror}; try --port 0") from error
    click.echo("\nStopped.")


if __name__ == "__main__":
    main()
