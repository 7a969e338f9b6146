"""Ask PostgreSQL which of its two types is the better one for documents: `python -m bench.json_or_jsonb`.

Two tables with the same documents and the same columns differ in the type of one column. Their
statements alternate, on one connection, and a ratio is taken in each round. The answers are bytes:
nothing is decoded here, so what is measured is the database and the way to it.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any, TypeAlias

import msgspec
import psycopg
from psycopg.types.string import ByteaBinaryLoader

from bench import model
from bench.cores import client_core
from bench.floor.kinds import PEOPLE, new_document, row_of
from bench.measure import Spread, ratios, spread
from bench.places import Place, database_server
from bench.report import machine, number, shown

Link: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_RESULT = Path(__file__).parent / "results" / "json_or_jsonb.json"
_TYPES = ("json", "jsonb")
_SIZE = 100_000
_ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Case:
    """One statement: how often it is measured in a round, and its values at each turn."""

    title: str
    times: int
    statement: str
    values: Callable[[int], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Compared:
    """One case: µs with each type, and the ratio jsonb ÷ json."""

    title: str
    json: float
    jsonb: float
    ratio: Spread


def cases(size: int) -> list[Case]:
    """Return what is compared over `size` documents; `{table}` stands for either table."""

    def one(turn: int) -> tuple[Any, ...]:
        return (model.person_id(turn * 7_919 % size),)

    def changed(turn: int) -> tuple[Any, ...]:
        number = turn * 7_919 % size
        return (_text(number, surname=f"Van {turn}"), model.person_id(number))

    def later(turn: int) -> tuple[Any, ...]:
        return (model.person_id(turn * 1_000 % size),)

    return [
        Case("point read", 60, "SELECT _document FROM {table} WHERE _id = %s", one),
        Case("page of 10", 60, "SELECT _document FROM {table} WHERE _id >= %s ORDER BY _id LIMIT 10", later),
        Case("page of 1 000", 15, "SELECT _document FROM {table} WHERE _id >= %s ORDER BY _id LIMIT 1000", later),
        Case("update", 30, "UPDATE {table} SET _document = %s WHERE _id = %s", changed),
        Case(
            "count by a field without a column",
            1,
            "SELECT count(*) FROM {table} WHERE _document ->> 'surname' = %s",
            lambda turn: (f"Van Lyon {turn * 7}",),
        ),
        Case(
            "count by an inner field without a column",
            1,
            "SELECT count(*) FROM {table} WHERE (_document -> 'address' ->> 'number')::bigint = %s",
            lambda turn: (turn % 300,),
        ),
    ]


def connected(place: Place) -> Link:
    """Open a connection on which documents come as bytes: their text, of `jsonb` with a byte for its version."""
    connection = psycopg.connect(place.url(), autocommit=True)
    for type_ in _TYPES:
        connection.adapters.register_loader(type_, ByteaBinaryLoader)
    return connection


def compared(connection: Link, size: int, rounds: int) -> Iterator[Compared]:
    """Fill both tables with `size` documents, and yield what each case takes."""
    for type_ in _TYPES:
        _fill(connection, type_, size)
    for case in cases(size):
        taken = _timed(connection, case, rounds)
        json, jsonb = taken["json"], taken["jsonb"]
        yield Compared(case.title, median(json), median(jsonb), spread(ratios(jsonb, json)))


def sizes_on_disk(connection: Link) -> dict[str, float]:
    """Return the MiB of each table, with what is kept out of line and without its indexes."""
    found = {}
    for type_ in _TYPES:
        ((bytes_,),) = connection.execute("SELECT pg_table_size(%s::regclass)", (f"as_{type_}",)).fetchall()
        found[type_] = bytes_ / 2**20
    return found


def main() -> None:
    """Measure, print the figures, and write them to `bench/results`."""
    parser = argparse.ArgumentParser(prog="python -m bench.json_or_jsonb")
    parser.add_argument("--size", type=int, default=_SIZE, help="documents in each table")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="counted rounds of each case")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, database_server(["postgres"]), client_core():
        place = Place("postgres", Path(folder))
        place.make()
        with connected(place) as connection:
            rows = list(compared(connection, options.size, options.rounds))
            disk = sizes_on_disk(connection)
        versions = machine(["postgres"])
        place.remove()
    _show(options.size, options.rounds, rows, disk)
    _write(versions, options.size, options.rounds, rows, disk)


def _show(size: int, rounds: int, rows: list[Compared], disk: Mapping[str, float]) -> None:
    print(f"{number(size)} documents, µs, median of {rounds} rounds (least–most)")
    print(f"{'':<44}{'json':>10}{'jsonb':>10}   jsonb ÷ json")
    for row in rows:
        print(f"{row.title:<44}{row.json:>10.0f}{row.jsonb:>10.0f}   {shown(row.ratio)}")
    print(f"{'MiB on disk, after the updates':<44}{disk['json']:>10.1f}{disk['jsonb']:>10.1f}")


def _write(
    versions: Mapping[str, str], size: int, rounds: int, rows: list[Compared], disk: Mapping[str, float]
) -> None:
    document = {"machine": versions, "size": size, "rounds": rounds, "rows": rows, "mib_on_disk": disk}
    _RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def _fill(connection: Link, type_: str, size: int) -> None:
    table = f"as_{type_}"
    connection.execute(
        f'CREATE TABLE {table} (_id text COLLATE "C" PRIMARY KEY, _rev bigint, _schema text, '
        f'name text COLLATE "C", age bigint, site text COLLATE "C", _document {type_})'.encode()
    )
    columns = "_id, _rev, _schema, name, age, site, _document"
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
        for number_ in range(size):
            values = model.person(number_, number_ % 100)
            id_, text = model.person_id(number_), _text(number_)
            copy.write_row((id_, 1, "1", values["name"], values["age"], values["site"], text))
    connection.execute(f"VACUUM (ANALYZE) {table}".encode())
    connection.execute("CHECKPOINT")


def _text(number_: int, **changes: Any) -> str:
    values = model.person(number_, number_ % 100) | changes
    text: str = row_of(new_document(PEOPLE, values, model.person_id(number_), model.FILLED_AT))["doc"]
    return text


def _timed(connection: Link, case: Case, rounds: int) -> dict[str, list[float]]:
    """Run a case in turns; give, for each type, the median of each round in µs. Round 0 is not counted."""
    statements = {type_: case.statement.format(table=f"as_{type_}").encode() for type_ in _TYPES}
    medians: dict[str, list[float]] = {type_: [] for type_ in _TYPES}
    order, chance = list(_TYPES), random.Random(1)
    for round_ in range(rounds + 1):
        taken: dict[str, list[float]] = {type_: [] for type_ in _TYPES}
        for turn in range(round_ * case.times, (round_ + 1) * case.times):
            chance.shuffle(order)
            for type_ in order:
                taken[type_].append(_run(connection, statements[type_], case.values(turn)))
        for type_, values in taken.items():
            medians[type_] += [median(values)] if round_ else []
    return medians


def _run(connection: Link, statement: bytes, values: tuple[Any, ...]) -> float:
    start = perf_counter_ns()
    cursor = connection.execute(statement, values, binary=True)
    if cursor.description:
        cursor.fetchall()
    return (perf_counter_ns() - start) / 1_000


if __name__ == "__main__":
    main()
