"""P3: a request happens whole or not at all, whatever fails and whenever."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backo import Backoffice, DBError
from tests.promises.shop import open_shop
from tests.promises.workers import create_group
from tests.work.stores import ACROSS, EVERY, Stores, audit, dump

CALLS = ("open", "write", "fsync", "rename", "unlink")


class Trouble:
    """Let the n-th call of the operating system that changes something fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        for name in CALLS:
            monkeypatch.setattr(os, name, self.failing(getattr(os, name)))

    def failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a call."""

        def wrapped(*arguments: Any, **options: Any) -> Any:
            if self.left is not None:
                self.left -= 1
                if self.left == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **options)

        return wrapped


def work(shop: Backoffice) -> None:
    """Change, create and delete items of both collections, with links of each kind, in one unit of work."""
    with shop.transaction():
        create_group(shop, "new", 3)
        shop.authors.get_by_id("old").delete()
        author: Any = shop.authors.get_by_id("kept")
        author.books2.append("new-1")
        author.friends.append("new")
        author.favourite = "new-2"
        author.save()


def prepared(shop: Backoffice) -> dict[str, Any]:
    """Fill the shop."""
    create_group(shop, "old", 3)
    create_group(shop, "kept", 2)
    return dump(shop)


@pytest.mark.parametrize("kind", ["yaml", *ACROSS])
def test_every_call_fails_once_on_files(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any call leaves everything as before, in this process and for the next one."""
    trouble = Trouble(monkeypatch)
    with closing(open_shop(kind, tmp_path)) as shop:
        before = prepared(shop)
        failed = 0
        for number in range(1, 500):
            trouble.left = number
            try:
                work(shop)
            except DBError:
                failed += 1
                trouble.left = None
                assert dump(shop) == before, f"after call {number}"
                with closing(open_shop(kind, tmp_path)) as other:
                    assert dump(other) == before, f"after call {number}, for another process"
            else:
                done = trouble.left is not None and trouble.left > 0
                trouble.left = None
                if done:
                    break
                # what fails after the commit point may not fail the request, but it is whole
                assert dump(shop).keys() == _after(before), f"after call {number}"
                with closing(open_shop(kind, tmp_path)) as other:
                    assert dump(other).keys() == _after(before)
                _undo(shop, before)
                before = dump(shop)
        assert failed > 10
        assert audit(shop) == []
        assert dump(shop).keys() == _after(before)


def _after(before: dict[str, Any]) -> set[str]:
    """Give what is there once the work is done."""
    kept = {one for one in before if not one.split("/")[1].startswith("old")}
    return kept | {"authors/new", *(f"books/new-{number}" for number in range(3))}


def _undo(shop: Backoffice, before: dict[str, Any]) -> None:
    """Bring the shop back to where the work can be done again."""
    shop.authors.get_by_id("new").delete()
    create_group(shop, "old", 3)
    author: Any = shop.authors.get_by_id("kept")
    author.favourite = "kept-0"
    author.save()


@pytest.mark.parametrize("kind", ["sqlite", "sqlite+yaml"])
def test_every_statement_fails_once_in_sqlite(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption at any moment inside the database leaves everything as before."""
    connect = sqlite3.connect
    opened: list[sqlite3.Connection] = []

    def remember(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **{**options, "check_same_thread": False}))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    with closing(open_shop(kind, tmp_path)) as shop:
        before = prepared(shop)
        failed = 0
        for number in range(1, 100_000, 31 if kind in ACROSS else 97):
            left = [number]

            def tick(left: list[int] = left) -> int:
                left[0] -= 1
                return int(left[0] == 0)

            for one in opened:
                one.set_progress_handler(tick, 1)
            try:
                work(shop)
                done = True
            except DBError:
                done = False
                failed += 1
            finally:
                for one in opened:
                    one.set_progress_handler(None, 0)
            if done:
                assert left[0] > 0, "an interruption was passed over"
                break
            assert dump(shop) == before, f"after {number} steps"
        assert failed > 5
        assert dump(shop).keys() == _after(before)
        assert audit(shop) == []


@pytest.fixture(params=(*EVERY[1:], *ACROSS))
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Each durable store in turn."""
    found = Stores(request.param, tmp_path)
    yield found
    found.close()


def test_what_failed_is_not_seen_by_another_process(durable: Stores) -> None:
    """A unit that is given up leaves no trace for whoever opens the store next."""
    with closing(open_shop(durable.kind, durable.folder)) as shop:
        before = prepared(shop)
        with pytest.raises(ZeroDivisionError), shop.transaction():
            work(shop)
            raise ZeroDivisionError

    with closing(open_shop(durable.kind, durable.folder)) as other:
        assert dump(other) == before
