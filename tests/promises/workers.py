"""What the processes of the proofs do; each opens the shop anew.

`python -m tests.promises.workers serve KIND FOLDER` forks one victim per line on its standard
input, so that starting one costs nothing; the others are functions for `multiprocessing`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from backo import BackoError, Backoffice, ConflictError, ValidationError
from tests.promises.shop import open_shop

# Many processes, one parent.


def crowd(kind: str, folder: Path, worker: int, rounds: int, barrier: Any) -> None:
    """Create children of one parent and unlink some, in every way; leave word of what should be in the end."""
    dice = random.Random(worker)
    mine: dict[str, str | None] = {}
    with closing(open_shop(kind, folder)) as shop:
        barrier.wait()
        for number in range(rounds):
            name = f"w{worker}-{number}"
            shop.books.create({"name": name, "author2": "parent"})
            mine[name] = "parent"
            how = dice.randrange(6)
            old = dice.choice(list(mine))
            if how == 0:  # unlink from the side of the child
                book: Any = shop.books.get_by_id(old)
                book.author2 = None
                book.save()
                mine[old] = None
            elif how == 1:  # from the side of the parent
                author: Any = shop.authors.get_by_id("parent")
                if old in author.books2:
                    author.books2.remove(old)
                    author.save()
                mine[old] = None
            elif how == 2:  # link again, from the side of the parent
                author = shop.authors.get_by_id("parent")
                if old not in author.books2:
                    author.books2.append(old)
                    author.save()
                mine[old] = "parent"
            elif how == 3:
                shop.books.get_by_id(old).delete()
                del mine[old]
            elif how == 4:  # several at once
                with shop.transaction():
                    for one in dice.sample(sorted(mine), min(3, len(mine))):
                        book = shop.books.get_by_id(one)
                        book.author2 = "parent" if mine[one] is None else None
                        book.save()
                        mine[one] = "parent" if mine[one] is None else None
    (folder / f"expected-{worker}.json").write_text(json.dumps(mine), "utf-8")


# A parent is deleted while children are created.


def outcome(do: Any) -> str:
    """Say what came of a racing operation: `ok`, or what refused it."""
    try:
        do()
    except ConflictError as error:
        return " ".join(sorted({problem.code for problem in error.problems})) or "conflict"
    except ValidationError as error:
        return " ".join(sorted({problem.code for problem in error.problems}))
    except BackoError as error:
        return type(error).__name__
    return "ok"


def act(shop: Backoffice, role: str, race: int) -> str:
    """Play one role in one race: delete the parent, or give it a child, in one of two ways."""
    strategy = race % 3
    if role == "delete":
        return outcome(lambda: shop.authors.get_by_id(f"p{race}").delete())
    if race % 2:
        return outcome(lambda: shop.books.create({"name": f"c{race}", f"author{strategy}": f"p{race}"}))

    def move() -> None:
        book: Any = shop.books.get_by_id(f"c{race}")
        book[f"author{strategy}"] = f"p{race}"
        book.save()

    return outcome(move)


def racer(kind: str, folder: Path, role: str, races: int, barrier: Any) -> None:
    """Play a role in every race; leave word of how each ended."""
    dice = random.Random(role)
    with closing(open_shop(kind, folder)) as shop:
        shop.authors.count()
        ends = []
        for race in range(races):
            barrier.wait()
            time.sleep(dice.random() * 0.001)
            ends.append(act(shop, role, race))
    (folder / f"ends-{role}.json").write_text(json.dumps(ends), "utf-8")


# Killed at any moment.


def victim(kind: str, folder: Path, seed: int) -> None:
    """Import groups, each in one unit of work, and delete some by a cascade, until somebody kills it.

    What is begun is told as `?`, what is acknowledged as `!`, each in one write to a pipe.
    """
    dice = random.Random(seed)
    groups: list[str] = []
    shop = open_shop(kind, folder)
    for number in range(1_000_000):
        name = f"g{seed}-{number}"
        tell(f"?+{name}")
        create_group(shop, name, dice.choice([1, 2, 5, 20]))
        tell(f"!+{name}")
        groups.append(name)
        if dice.random() < 0.4:
            gone = groups.pop(dice.randrange(len(groups)))
            tell(f"?-{gone}")
            shop.authors.get_by_id(gone).delete()
            tell(f"!-{gone}")
        if dice.random() < 0.4 and groups:  # a change of one item is acknowledged too
            book: Any = shop.books.get_by_id(f"{dice.choice(groups)}-0")
            tell(f"?={book['_id']} {number}")
            book.pages = number
            book.save()
            tell(f"!={book['_id']} {number}")


def create_group(shop: Backoffice, name: str, size: int) -> None:
    """Create an author with so many books, links of each kind among them, in one unit of work."""
    with shop.transaction():
        for number in range(size):
            shop.books.create({"name": f"{name}-{number}", "group": f"{name}/{size}", "author1": name})
        shop.authors.create({"name": name, "sold": size, "favourite": f"{name}-0", "friends": [name]})


def tell(line: str) -> None:
    """Tell in one write, which a kill does not tear."""
    os.write(1, f"{line}\n".encode())


def serve(kind: str, folder: Path) -> None:
    """Fork a victim for each seed that is read; say its number first."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            tell(f"pid {os.getpid()}")
            victim(kind, folder, int(line))
        os.waitpid(child, 0)
        tell("dead")


def writes(kind: str, folder: Path) -> None:
    """Make single acknowledged writes, with a mark before and after each; for those who count what they sync."""
    shop = open_shop(kind, folder)
    shop.authors.create({"name": "a0"})
    shop.books.create({"name": "b0"})
    book: Any = shop.books.get_by_id("b0")
    for mark, do in (
        ("create", lambda: shop.books.create({"name": "b1", "author1": "a0"})),
        ("save", lambda: (book.set({"pages": 1}), book.save())),
        ("delete", lambda: shop.books.get_by_id("b0").delete()),
        ("several", lambda: create_group(shop, "a1", 3)),
    ):
        tell(f"begin {mark}")
        do()
        tell(f"end {mark}")
    shop.close()


if __name__ == "__main__":
    {"serve": serve, "writes": writes}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
