"""P1: a reference never dangles, whoever races whom."""

import json
import multiprocessing
import random
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backo import Backoffice
from tests.promises.shop import DELETE, MUST_BE_EMPTY, open_shop
from tests.promises.workers import act, crowd, racer
from tests.scale import record_figure, scaled
from tests.work.stores import ACROSS, EVERY, MIXED, audit

PROCESSES = 8
PATIENCE = 600  # seconds until a proof is said to hang

apart = multiprocessing.get_context("forkserver")  # processes that share nothing, but start at once
apart.set_forkserver_preload(["tests.promises.workers"])


def run_all(target: Any, arguments: list[tuple[Any, ...]]) -> None:
    """Run processes side by side until all have ended well."""
    barrier = apart.Barrier(len(arguments))
    processes = [apart.Process(target=target, args=(*one, barrier)) for one in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
    ends = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert ends == [0] * len(processes)


@pytest.mark.parametrize("kind", [*EVERY[1:], *ACROSS])
def test_many_processes_and_one_parent(kind: str, tmp_path: Path) -> None:
    """Eight processes create and unlink children of one parent: nothing is lost, both sides agree."""
    rounds = scaled(4 if kind == "mongo" else 8, 500)
    with closing(open_shop(kind, tmp_path)) as shop:
        shop.authors.create({"name": "parent"})

    started = time.monotonic()
    run_all(crowd, [(kind, tmp_path, worker, rounds) for worker in range(PROCESSES)])
    seconds = time.monotonic() - started

    expected: dict[str, str | None] = {}
    for worker in range(PROCESSES):
        expected |= json.loads((tmp_path / f"expected-{worker}.json").read_text("utf-8"))
    with closing(open_shop(kind, tmp_path)) as shop:
        found = {book["_id"]: book["author2"] for book in shop.books.select()}
        children = shop.authors.get_by_id("parent")["books2"]
        wrong = audit(shop)
    lost = [one for one, author in expected.items() if found.get(one, 0) != author]
    assert lost == []
    assert found == expected
    assert children == sorted(one for one, author in expected.items() if author)
    assert wrong == []
    record_figure(
        "promises",
        {
            f"p1_{kind}_processes": PROCESSES,
            f"p1_{kind}_creates": PROCESSES * rounds,
            f"p1_{kind}_lost": len(lost),
            f"p1_{kind}_dangling": len(wrong),
            f"p1_{kind}_seconds": round(seconds, 1),
        },
    )


def prepare(shop: Backoffice, races: int) -> None:
    """Make the parents of all races, and the children that will move."""
    with shop.transaction():
        for race in range(races):
            shop.authors.create({"name": f"p{race}"})
            if race % 2 == 0:
                shop.books.create({"name": f"c{race}"})


def judge(shop: Backoffice, kind: str, how: str, deleted: list[str], linked: list[str]) -> None:
    """See that every race ended in one of the ways that its strategy allows, and that nothing dangles."""
    races, wrong = len(deleted), audit(shop)
    assert wrong == []
    authors = {author["_id"] for author in shop.authors.select()}
    books: dict[str, Any] = {book["_id"]: book for book in shop.books.select()}
    ends: Counter[tuple[int, str, str]] = Counter()
    for race, (delete, link) in enumerate(zip(deleted, linked, strict=True)):
        strategy = race % 3
        ends[strategy, delete, link] += 1
        book = books.get(f"c{race}")
        named = None if book is None else book[f"author{strategy}"]
        if link == "ok" and delete == "ok":  # the link came first
            assert strategy != MUST_BE_EMPTY
            assert book is None if strategy == DELETE else (book is not None and named is None)
        elif link == "ok":
            assert (strategy, delete, named) == (MUST_BE_EMPTY, "must_be_empty", f"p{race}")
        else:
            assert (delete, link, named) == ("ok", "reference", None)
            assert (book is None) == bool(race % 2)
        assert (f"p{race}" in authors) == (delete != "ok")
    first = sum(times for (_, _, link), times in ends.items() if link == "ok")
    assert races < 100 or 0 < first < races, "one side always came first: this was no race"
    record_figure(
        "promises",
        {
            f"p1_{kind}_{how}_races": races,
            f"p1_{kind}_{how}_dangling": len(wrong),
            f"p1_{kind}_{how}_link_came_first": first,
        },
    )


@pytest.mark.parametrize("kind", [*EVERY, *MIXED])
def test_a_parent_is_deleted_while_children_come_in_threads(kind: str, tmp_path: Path) -> None:
    """Two threads race, one deleting a parent, one giving it a child: nothing dangles."""
    races = scaled(20 if kind == "mongo" else 40, 2_000)
    ends: dict[str, list[str]] = {"delete": [], "link": []}
    barrier = threading.Barrier(2, timeout=PATIENCE)
    with closing(open_shop(kind, tmp_path)) as shop:
        prepare(shop, races)

        def play(role: str) -> None:
            dice = random.Random(role)
            for race in range(races):
                barrier.wait()
                time.sleep(dice.random() * 0.001)
                ends[role].append(act(shop, role, race))

        threads = [threading.Thread(target=play, args=(role,)) for role in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        judge(shop, kind, "threads", ends["delete"], ends["link"])


@pytest.mark.parametrize("kind", [*EVERY[1:], *ACROSS])
def test_a_parent_is_deleted_while_children_come_in_processes(kind: str, tmp_path: Path) -> None:
    """Two processes race, one deleting a parent, one giving it a child: nothing dangles."""
    races = scaled(20 if kind == "mongo" else 40, 2_000)
    with closing(open_shop(kind, tmp_path)) as shop:
        prepare(shop, races)

    run_all(racer, [(kind, tmp_path, role, races) for role in ("delete", "link")])

    ends = {role: json.loads((tmp_path / f"ends-{role}.json").read_text("utf-8")) for role in ("delete", "link")}
    with closing(open_shop(kind, tmp_path)) as shop:
        judge(shop, kind, "processes", ends["delete"], ends["link"])
