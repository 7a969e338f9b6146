"""A small library with every kind of link, and hands that reach behind its back office."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Protocol

from backo import Backoffice, DeleteStrategy, File, FileConnector, Int, Ref, RefsList, String
from backo.connectors.base import StoredDocument
from backo.connectors.findings import Finding
from backo.connectors.shelf import Shelf
from backo.integrity.raw import Raw, read
from backo.schema.fields import Field
from backo.work.unit import unit_of_work
from tests.migration.opening import Place
from tests.servers import mongo_in, postgres_in

SQL = ("sqlite", "postgres")
Names = list[tuple[str, str | None, str, str]]


def fields(files: FileConnector | None = None) -> dict[str, dict[str, Field]]:
    """Declare authors, books and shelves; books have covers where there is a place for them."""
    cover: dict[str, Field] = {} if files is None else {"cover": File(work=files)}
    return {
        "authors": {
            "name": String(required=True),
            "books": RefsList(coll="books", field="$.author"),
            "friends": RefsList(coll="authors", field="$.friends", ods=DeleteStrategy.UNLINK_REFERENCED_ITEMS),
            "spouse": Ref(coll="authors", field="$.spouse"),
        },
        "books": {
            "name": String(required=True),
            "author": Ref(coll="authors", field="$.books"),
            "isbn": String(unique=True),
            "pages": Int(index=True),
            "about": RefsList(coll="books"),
            "publisher": Ref(coll="authors"),
            "shelf": Ref(coll="shelves", field="$.book", owner=True),
            **cover,
        },
        "shelves": {"name": String(required=True), "book": Ref(coll="books", field="$.shelf")},
    }


def filled(place: Place, files: FileConnector | None = None) -> Backoffice:
    """Open the library and put some items into it that are as they should be."""
    library = place.open(**fields(files))
    for name in ("ann", "bob", "cid", "dan"):
        library.authors.create({"name": name})
    for name in ("s1", "s2"):
        library.shelves.create({"name": name})
    for number, author in enumerate(("ann", "ann", "bob")):
        book = {"name": f"b{number}", "author": author, "isbn": f"i{number}", "pages": number, "publisher": "dan"}
        library.books.create(book | ({} if files is None else {"cover": f"cover {number}"}))
    for id_, changes in (("b0", {"shelf": "s1", "about": ["b1", "b2"]}), ("b1", {"shelf": "s2"})):
        book_item = library.books.get_by_id(id_)
        book_item.set(changes)
        book_item.save()
    ann = library.authors.get_by_id("ann")
    ann.set({"friends": ["bob", "cid"], "spouse": "dan"})
    ann.save()
    return library


def told(findings: list[Finding]) -> Names:
    """Give what findings are about, in order."""
    found = [(one.collection, one.id, one.path, str(one.kind)) for one in findings]
    return sorted(found, key=lambda one: [part or "" for part in one])


def scribble(place: Place, library: Backoffice, name: str, id_: str, changes: Mapping[str, Any]) -> None:
    """Change a stored document as no back office would: keys with None go, nothing is judged."""
    if place.kind == "memory":
        shelf: Shelf = library.catalog.entry(name).store.base  # type: ignore[attr-defined]  # a memory connector
        stored = shelf.read([id_])[id_]
        text = json.dumps(_changed(stored.document, changes)).encode()
        shelf.put(StoredDocument(id_, stored.rev, stored.fingerprint, text=text))
    elif place.kind in SQL:
        with hands(place) as file:
            ((text,),) = file.run(f"SELECT CAST(_document AS TEXT) FROM {name} WHERE _id = ?", id_)
            document = json.dumps(_changed(json.loads(text), changes))
            cells = {key: value for key, value in changes.items() if not isinstance(value, list)}
            if "pages" in cells and type(cells["pages"]) is not int:
                cells["pages"] = None  # what is no number counts as absent
            for key in cells.keys() & set(file.columns(name)):
                file.run(f'DROP INDEX IF EXISTS "{name}/{key}#unique"')
                file.run(f'UPDATE {name} SET "{key}" = ? WHERE _id = ?', cells[key], id_)
            for key, value in changes.items():
                if isinstance(value, list) and file.columns(f"{name}/{key}"):
                    file.run(f'DELETE FROM "{name}/{key}" WHERE _id = ?', id_)
                    for one in dict.fromkeys(value):
                        file.run(f'INSERT INTO "{name}/{key}" (value, _id) VALUES (?, ?)', one, id_)
            file.run(f"UPDATE {name} SET _document = ? WHERE _id = ?", document, id_)
    elif place.kind == "mongo":
        with mongo_of(place) as database:
            _scribble_mongo(database, name, id_, changes)
    else:
        import yaml  # noqa: PLC0415  # only here

        path = place.folder / name / f"{id_}.yml"
        edited = _changed(yaml.safe_load(path.read_text()), changes)
        path.write_text(json.dumps(edited))  # which is YAML, and one that all readers read alike


def _scribble_mongo(database: Any, name: str, id_: str, changes: Mapping[str, Any]) -> None:
    """Change a document of MongoDB and its cells."""
    known = {cell[0] for cell in database["_backo"].find_one({"_id": f"collection {name}"})["cells"]}
    for index in {f"{key}#unique" for key in changes} & set(database[name].index_information()):
        database[name].drop_index(index)
    raw = database[name].find_one({"_id": id_})
    cells = {key: value for key, value in changes.items() if key in known}
    if "pages" in cells and type(cells["pages"]) is not int:
        cells["pages"] = None  # what is no number counts as absent
    cells = {
        key: list(dict.fromkeys(value)) or None if isinstance(value, list) else value for key, value in cells.items()
    }
    changed = {**_changed(raw, changes), "_cells": _changed(raw["_cells"], cells)}
    database[name].replace_one({"_id": id_}, changed)


def _changed(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def remove(place: Place, library: Backoffice, name: str, id_: str) -> None:
    """Take a stored document away as no back office would."""
    if place.kind == "memory":
        library.catalog.entry(name).store.base.remove(id_)  # type: ignore[attr-defined]  # a memory connector
    elif place.kind in SQL:
        with hands(place) as file:
            for table in file.tables():
                if table.startswith(f"{name}/"):
                    file.run(f'DELETE FROM "{table}" WHERE _id = ?', id_)
            file.run(f"DELETE FROM {name} WHERE _id = ?", id_)
    elif place.kind == "mongo":
        with mongo_of(place) as database:
            database[name].delete_one({"_id": id_})
    else:
        (place.folder / name / f"{id_}.yml").unlink()


def edit(place: Place, name: str, id_: str, **changes: Any) -> None:
    """Change a stored document, and nothing that is kept beside it."""
    with hands(place) as file:
        ((text,),) = file.run(f"SELECT CAST(_document AS TEXT) FROM {name} WHERE _id = ?", id_)
        file.run(f"UPDATE {name} SET _document = ? WHERE _id = ?", json.dumps(json.loads(text) | changes), id_)


class Hands(Protocol):
    """A connection of another program to the tables of a library."""

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement with a `?` for each value; give its rows."""

    def schema(self) -> list[tuple[str, str]]:
        """Give names and definitions of all that there is, in order."""

    def tables(self) -> list[str]:
        """Give the names of all tables."""

    def columns(self, table: str) -> list[str]:
        """Give the columns of a table; none where there is no such table."""


class _SqliteHands:
    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def run(self, statement: str, *values: Any) -> list[Any]:
        return self._file.execute(statement, values).fetchall()

    def schema(self) -> list[tuple[str, str]]:
        return self.run("SELECT name, sql FROM sqlite_master ORDER BY name")

    def tables(self) -> list[str]:
        return [name for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def columns(self, table: str) -> list[str]:
        return [name for (name,) in self.run("SELECT name FROM pragma_table_info(?)", table)]


class _PostgresHands:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, statement: str, *values: Any) -> list[Any]:
        cursor = self._connection.execute(statement.replace("%", "%%").replace("?", "%s"), values)
        return list(cursor.fetchall()) if cursor.description else []

    def schema(self) -> list[tuple[str, str]]:
        columns = "(SELECT string_agg(a.attname, ',') FROM pg_attribute AS a WHERE a.attrelid = c.oid)"
        return self.run(
            f"SELECT c.relname, {columns} FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace"
            " ORDER BY 1"
        )

    def tables(self) -> list[str]:
        return [name for (name,) in self.run("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]

    def columns(self, table: str) -> list[str]:
        statement = "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema()"
        return [name for (name,) in self.run(f"{statement} AND table_name = ?", table)]


@contextmanager
def hands(place: Place) -> Iterator[Hands]:
    """Reach into a database as another program does; all of it is one transaction."""
    if place.kind == "sqlite":
        with closing(sqlite3.connect(place.folder / "shop.sqlite")) as file, file:
            yield _SqliteHands(file)
    else:
        import psycopg  # noqa: PLC0415  # only here

        with psycopg.connect(postgres_in(place.folder)) as connection:
            yield _PostgresHands(connection)


@contextmanager
def mongo_of(place: Place) -> Iterator[Any]:
    """Speak to the database as another program does."""
    from pymongo import MongoClient  # noqa: PLC0415  # only here

    with MongoClient[dict[str, Any]](mongo_in(place.folder)) as client:
        yield client.get_default_database()


def stored(library: Backoffice) -> dict[str, dict[str, tuple[int, Any]]]:
    """Give revision and document of all that is stored, whatever is wrong with it, by collection and `_id`."""
    with unit_of_work(library.catalog, writing=False) as unit:
        raw = Raw(library.catalog, unit)
        return {
            name: {one.id: (one.rev, read(one)) for one in raw.page(entry, None)}
            for name, entry in library.catalog.entries.items()
        }


def reopened(place: Place, files: FileConnector | None = None) -> Backoffice:
    """Open the library anew, so that what was done to it is seen at once."""
    return place.open(**fields(files))
