"""Dies between the content of a file and its commit: `python -m tests.promises.dying <folder> <kind>`."""

import os
import signal
import sys
from pathlib import Path

from backo import Backoffice, Collection, DBSqliteConnector, File, FileSystemConnector, Item, ObjectStoreFileConnector
from backo.files.connectors import FileConnector


def archive(folder: Path, kind: str, *, dies: bool = False) -> tuple[Backoffice, FileConnector]:
    """Declare papers; contents are files in a folder, or objects."""
    place = folder / "contents"
    work = FileSystemConnector(path=place) if kind == "folder" else ObjectStoreFileConnector(url=place.as_uri())
    on = [("created", lambda *_: os.kill(os.getpid(), signal.SIGKILL))] if dies else []
    backoffice = Backoffice("archive")
    backoffice.register_collection(
        Collection("papers", Item({"scan": File(work=work)}, on=on), DBSqliteConnector(path=folder / "papers.db"))
    )
    return backoffice, work


if __name__ == "__main__":
    archive(Path(sys.argv[1]), sys.argv[2], dies=True)[0].papers.create({"scan": "lost"})
