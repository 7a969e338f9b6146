"""Make records of stored documents."""

from __future__ import annotations

from backo.connectors.base import StoredDocument
from backo.items.record import Record
from backo.work.catalog import Entry


def loaded(entry: Entry, stored: StoredDocument) -> Record:
    """Make a record of a stored document, with its event."""
    record = entry.record()
    record._decode(stored.document, stored.rev)  # the unit of work is the record's own machinery
    record.trigg("loaded")
    return record
