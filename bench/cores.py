"""Which core does what: the servers share one, the database server of theirs included; the client has another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def client_core() -> Iterator[int | None]:
    """Keep this process on one core; yield another for the servers, None when there is one only."""
    allowed = os.sched_getaffinity(0)
    servers, *others = sorted(allowed)
    if not others:
        yield None
        return
    os.sched_setaffinity(0, {others[0]})
    try:
        yield servers
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def servers_core() -> Iterator[None]:
    """Start processes on the core of the servers."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
