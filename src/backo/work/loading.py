"""Make records of stored documents: to work with, or to be glanced at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backo.connectors.base import StoredDocument
from backo.items.generating import glanced_class, put_glanced
from backo.items.record import Record
from backo.jsontext import decoder_of
from backo.work.catalog import Entry


def loaded(entry: Entry, stored: StoredDocument) -> Record:
    """Make a record of a stored document, with its event."""
    record = entry.record()
    record._decode(stored.document, stored.rev)  # the unit of work is the record's own machinery
    record.trigg("loaded")
    return record


def glances(entry: Entry) -> Callable[[StoredDocument], Record]:
    """Give what shows one stored document after the other to functions that only look at it.

    It is one record for all of them, unless somebody handles `loaded`.
    """
    if entry.schema.handlers("loaded"):
        return lambda stored: loaded(entry, stored)
    plain: Any = entry.record
    kind = glanced_class(plain)
    record: Record = kind.__new__(kind)
    names: frozenset[str] = kind._looked_at
    read = decoder_of(names)

    def glance(stored: StoredDocument) -> Record:
        nonlocal record, names, read
        if type(record) is not kind:
            record = kind.__new__(kind)
        if kind._looked_at is not names:
            names = kind._looked_at
            read = decoder_of(names)
        put_glanced(record, stored, stored.glanced(read))
        return record

    return glance
