"""Random programs, which every kind of store has to answer as the in-memory one does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from backo.connectors.adapted import adapt
from backo.connectors.base import Document, Operation, Session, Store, Write
from backo.connectors.memory import DBMemoryConnector
from backo.connectors.sqlite import DBSqliteConnector
from backo.connectors.yaml import DBYmlConnector
from backo.errors import ConflictError
from backo.query.filters import EVERYTHING, Compare, Filter, Operator, Query, SortKey, id_is_in
from backo.schema.kinds import Kind
from backo.testing.contract_data import STRUCTURE
from tests.contracts.test_five_methods import DictConnector
from tests.scale import scaled

STEPS = 50
IDS = ("a", "b", "c", "D", "d/e", "é")
VALUES = (None, "x", "y", "z")


def text_is(path: str, value: str | None, *, many: bool = False) -> Filter:
    """Compare a text."""
    return Compare((path,), Operator.EQ, value, Kind.TEXT, many)


FILTERS = (
    EVERYTHING,
    text_is("email", "x"),
    text_is("parent", "a"),
    text_is("tags", "x", many=True),
    id_is_in(IDS[:3]),
)
SORTS = ((), (SortKey(("age",), Kind.INTEGER),), (SortKey(("name",), Kind.TEXT, descending=True),))


class Program:
    """A sequence of units of work, the same for each store it is run on."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def run(self, store: Store, reopen: Callable[[Store], Store]) -> Iterator[Any]:
        """Run it, giving what every step answers."""
        random = self._random
        for _ in range(STEPS):
            step = random.random()
            if step < 0.05:
                store = reopen(store)
            is_writing = random.random() < 0.7
            session = store.database.begin(writing=is_writing)
            is_refused = False
            for _ in range(random.randrange(1, 4)):
                writes = [self._write(id_) for id_ in random.sample(IDS, random.randrange(1, 4))]
                if is_writing and not is_refused:
                    is_refused = self._is_refused(store, session, writes)
                    yield is_refused
                if not is_refused:
                    yield self._look(store, session)
            if is_refused or random.random() < 0.2:
                session.rollback()
            else:
                session.commit()
        store.database.close()

    def _write(self, id_: str) -> Write:
        random = self._random
        document: Document = {"_id": id_, "name": random.choice(VALUES), "age": random.choice([None, 1, 2, 10])}
        document |= {"email": random.choice([None, None, *VALUES]), "parent": random.choice([None, *IDS])}
        document |= {"tags": random.choice([None, [], ["x"], ["x", "y"]])}
        rev = random.randrange(1, 4)
        return Write(random.choice(list(Operation)), id_, rev, random.randrange(1, 4), "f", document)

    def _is_refused(self, store: Store, session: Session, writes: list[Write]) -> bool:
        try:
            store.write(session, writes)
        except ConflictError:
            return True
        return False

    def _look(self, store: Store, session: Session) -> Any:
        random = self._random
        match random.randrange(4):
            case 0:
                found = store.get(session, random.sample(IDS, 3))
                return {id_: (one.rev, one.document) for id_, one in found.items()}
            case 1:
                limit = random.choice([None, 0, 2])
                query = Query(random.choice(FILTERS), random.choice(SORTS), random.randrange(3), limit)
                return [(one.id, one.rev, one.document) for one in store.find(session, query)]
            case 2:
                return store.count(session, random.choice(FILTERS))
            case _:
                return store.referrers(session, ("parent",), random.sample(IDS, 2), random.randrange(1, 4))


STORES = [
    pytest.param(lambda folder: DBYmlConnector(path=folder / "things"), id="yaml"),
    pytest.param(lambda folder: DBSqliteConnector(path=folder / "things.db", table="things"), id="sqlite"),
    pytest.param(lambda folder: adapt(DictConnector()), id="five-methods"),
]


@pytest.mark.parametrize("make", STORES)
def test_random_programs_get_the_same_answers(tmp_path: Path, make: Callable[[Path], Store]) -> None:
    """Each read, each count and each refusal is that of the store in memory, also after opening anew."""
    for seed in range(scaled(20, 1000)):

        def opened(known: Store | None = None, seed: int = seed) -> Store:
            if known is not None:
                known.database.close()
                if not known.capabilities.durable:
                    return known
            store = make(tmp_path / str(seed))
            store.declare(STRUCTURE)
            return store

        reference = DBMemoryConnector()
        reference.declare(STRUCTURE)

        expected = list(Program(seed).run(reference, lambda store: store))
        assert list(Program(seed).run(opened(), opened)) == expected
