"""A connector with nothing but the five documented methods, as users write them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from backo.connectors.base import DBConnector, Document
from backo.errors import ConflictError, NotFoundError
from backo.query.filters import Filter
from backo.testing.connector_contract import ConnectorContract


class DictConnector(DBConnector):
    """A dict of documents, given out as they are kept."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}

    def create(self, document: Document) -> str:
        """Store a new document."""
        id_ = document["_id"]
        if id_ in self.documents:
            raise ConflictError(f"there is {id_} already")
        self.documents[id_] = document
        return str(id_)

    def save(self, id_: str, document: Document) -> None:
        """Replace a document."""
        self.get_by_id(id_)
        self.documents[id_] = document

    def get_by_id(self, id_: str) -> Document:
        """Give a document."""
        if id_ not in self.documents:
            raise NotFoundError(f"there is no {id_}")
        return self.documents[id_]

    def delete_by_id(self, id_: str) -> None:
        """Remove a document."""
        self.get_by_id(id_)
        del self.documents[id_]

    def select(
        self,
        filter_: Filter,
        projection: Sequence[str] | None = None,
        page_size: int = 0,
        skip: int = 0,
        sort: Sequence[str] = (),
    ) -> Iterable[Document]:
        """Give all documents, whatever is asked."""
        return self.documents.values()


class TestFiveMethods(ConnectorContract):
    """Keeps the contract once it is adapted."""

    def make_store(self, folder: Path) -> DictConnector:
        """Make the store."""
        return DictConnector()
