"""Make a store of a connector with only the five documented methods.

Filters, sorts and pages are done here, whatever the connector makes of them; its calls are made one
at a time. When one of several writes fails, those before it are undone; a crash in between can be
mended only where the back office keeps a journal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from backo import jsontext
from backo.connectors.base import Capabilities, DBConnector, Document, IdMaker, Store, StoredDocument
from backo.connectors.folder import Staged
from backo.connectors.overlay import Change
from backo.connectors.pending import Images
from backo.connectors.plain import PlainStore
from backo.connectors.revisions import derived_rev
from backo.errors import BackoError, ConflictError, DBError, NotFoundError
from backo.paths import FieldPath
from backo.query.filters import EVERYTHING, Filter
from backo.query.matching import matcher


def adapt(connector: DBConnector) -> Store:
    """Give the store that a connector is, or can be made to be."""
    return AdaptedStore(connector)


class AdaptedStore(PlainStore):
    """A five-method connector, used as a store."""

    capabilities = Capabilities(keeps_text=False)

    def __init__(self, connector: DBConnector) -> None:
        super().__init__()
        self._connector = connector
        self._base = _Documents(connector)

    @property
    def generate_id(self) -> IdMaker | None:
        """A function of the new item that gives its `_id`."""
        return self._connector.generate_id

    @generate_id.setter
    def generate_id(self, maker: IdMaker | None) -> None:
        self._connector.generate_id = maker

    @property
    def key(self) -> str:
        """What names the store: its collection."""
        return f"connector:{self.structure.collection or id(self)}"

    @property
    def base(self) -> _Documents:
        """The committed documents."""
        return self._base

    @property
    def direct(self) -> AdaptedStore:
        """The store itself: what is read and committed goes straight to the connector."""
        return self

    def learn(self, images: Images, staged: Staged) -> None:
        """Nothing is kept here."""

    def forget(self) -> None:
        """Let the connector close what it has open."""
        with self._base.calling():
            self._connector.close()

    def after_fork(self) -> None:
        """Leave it to the connector to notice: what it has open is its parent's too."""

    def check(self, change: Change) -> None:
        """Look whether documents are what they should be before.

        Raises:
            ConflictError: one is not, by other hands.
            DBError: the connector failed.
        """
        self._checked(change)

    def carry_out(self, change: Change) -> None:
        """Turn documents from what they are before into what they are after, one call each.

        Raises:
            ConflictError: one is not as it should be before, by other hands; nothing has been done.
            DBError: the connector failed, and it may be done in part.
        """
        self._set_all(change.after, self._checked(change))

    def _checked(self, change: Change) -> Images:
        """Give the documents as they are now, which is as they should be before."""
        present = self._base.read(change.after)
        for id_, before in change.before.items():
            if not _is_same(present.get(id_), before):
                raise ConflictError(f"the item {id_} has been changed by other hands")
        return present

    def take_back(self, change: Change) -> None:
        """Turn documents that are as after into what they were before; leave others alone."""
        present = self._base.read(change.after)
        ours = [id_ for id_, after in change.after.items() if _is_same(present.get(id_), after)]
        self._set_all({id_: change.before[id_] for id_ in ours}, present)

    def apply(self, images: Images) -> None:
        """Give documents these contents, whatever is there now."""
        self._set_all(images, self._base.read(images))

    def _set_all(self, images: Images, present: Images) -> None:
        for id_, stored in images.items():
            with self._base.calling():
                self._set(id_, stored, is_there=id_ in present)

    def _set(self, id_: str, stored: StoredDocument | None, *, is_there: bool) -> None:
        if stored is None:
            if is_there:
                self._connector.delete_by_id(id_)
        elif is_there:
            self._connector.save(id_, _written(stored))
        else:
            created = self._connector.create(_written(stored))
            if created != id_:
                raise DBError(f"the connector {type(self._connector).__name__} created another item than it was given")


class _Documents:
    """What sessions see of a connector: documents as they come, in our form."""

    def __init__(self, connector: DBConnector) -> None:
        self._connector = connector

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Turn whatever a connector raises into a `DBError`, but for our own errors."""
        try:
            yield
        except BackoError:
            raise
        except Exception as error:
            name = type(self._connector).__name__
            raise DBError(f"the connector {name} failed with {type(error).__name__}") from error

    def read(self, ids: Iterable[str]) -> dict[str, StoredDocument]:
        """Give the documents with these ids, as far as there are any."""
        found = {}
        for id_ in ids:
            try:
                with self.calling():
                    stored = self._stored(self._connector.get_by_id(id_))
            except NotFoundError:
                continue
            if stored.id == id_:
                found[id_] = stored
        return found

    def images(self, ids: Iterable[str]) -> dict[str, StoredDocument | None]:
        """Give what is there for each of these ids."""
        wanted = list(ids)
        return {**dict.fromkeys(wanted), **self.read(wanted)}

    def require_readable(self, but: Collection[str] = ()) -> None:
        """Every document is thought to be readable until it is read."""

    def count(self, but: Collection[str] = ()) -> int:
        """Count the documents whose ids are not among these."""
        return sum(stored.id not in but for stored in self._select(EVERYTHING))

    def narrow(self, filter_: Filter) -> None:
        """Tell that nothing is known without reading documents."""
        return

    def repeated(self, path: FieldPath) -> tuple[()]:
        """Tell that nothing is known without reading documents."""
        return ()

    def page(self, filter_: Filter, after: str | None, size: int) -> tuple[list[StoredDocument], None]:
        """Give all documents above an id that match, in order."""
        found = (stored for stored in self._select(filter_) if after is None or stored.id > after)
        return sorted(found, key=attrgetter("id")), None

    def _select(self, filter_: Filter) -> Iterator[StoredDocument]:
        """Give the documents that match; the connector may give more."""
        matches = matcher(filter_)
        with self.calling():
            for document in self._connector.select(filter_, None, 0, 0, ()):
                stored = self._stored(document)
                if matches(stored.document):
                    yield stored

    def _stored(self, document: Any) -> StoredDocument:
        """Take a document apart, into text that nobody shares with the connector."""
        content = dict(document)
        rev, fingerprint = content.pop("_rev", None), content.pop("_schema", None)
        text = jsontext.encode(content)
        if type(rev) is int and isinstance(fingerprint, str):
            return StoredDocument(content["_id"], rev, fingerprint, text=text)
        return StoredDocument(content["_id"], derived_rev(text), "", text=text)


def _written(stored: StoredDocument) -> Document:
    return {**jsontext.decode(stored.text or b"{}"), "_rev": stored.rev, "_schema": stored.fingerprint}


def _is_same(present: StoredDocument | None, expected: StoredDocument | None) -> bool:
    """Tell whether a document is the expected version, or there is none as expected."""
    if present is None or expected is None:
        return present is expected
    return present.rev == expected.rev
