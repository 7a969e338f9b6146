"""Serves files in a process of its own: `python -m tests.promises.file_server <folder> <descriptor> <kind>`."""

import sys
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

from backo import Backoffice, Collection, DBSqliteConnector, File, FileSystemConnector, Item, ObjectStoreFileConnector


def main(folder: Path, descriptor: int, kind: str) -> None:
    """Serve on an open port until the process is ended; contents are files in a folder, or objects."""
    films = folder / "films"
    work = FileSystemConnector(path=films) if kind == "folder" else ObjectStoreFileConnector(url=films.as_uri())
    item = Item({"film": File(work=work, max_size=2 * 1024**3)})
    backoffice = Backoffice("cinema")
    backoffice.register_collection(Collection("films", item, DBSqliteConnector(path=folder / "films.db")))
    app = Flask("cinema")
    backoffice.build_routes(app)
    make_server("127.0.0.1", 0, app, threaded=True, fd=descriptor).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
