"""Keep a collection in the memory of one process: for tests, caches, and as the meaning of the others."""

from __future__ import annotations

from itertools import count

from backo.connectors.base import Capabilities, Structure
from backo.connectors.folder import Staged
from backo.connectors.pending import Images
from backo.connectors.plain import PlainStore
from backo.connectors.shelf import Shelf

_numbers = count(1)


class DBMemoryConnector(PlainStore):
    """A collection that ends with its process.

    Sessions of several threads are safe, and those of other memory and YAML collections of the same
    back office commit together with it. A forked child goes on with a copy.
    """

    capabilities = Capabilities(keeps_text=True)

    def __init__(self) -> None:
        super().__init__()
        self._number = next(_numbers)
        self._shelf = Shelf(())

    def declare(self, structure: Structure) -> None:
        """Learn which collection lives here and which fields are worth an index."""
        super().declare(structure)
        kept, self._shelf = self._shelf, Shelf(structure.columns)
        self._shelf.fill(kept.between(None, None))

    @property
    def key(self) -> str:
        """What names the store: its number in this process."""
        return f"memory:{self._number}"

    @property
    def base(self) -> Shelf:
        """The committed documents."""
        return self._shelf

    def learn(self, images: Images, staged: Staged) -> None:
        """Let the base be what has been committed."""
        self._shelf.update(images)
