"""The plans of the statements that requests cause are seen, whichever the database."""

from collections.abc import Iterator

import pytest

from bench import floor, model
from bench.client import Answer, get
from bench.places import Place
from bench.plans import Plan, recorder
from bench.rows import ROWS, Turn
from tests.bench.serving import FLOORS, logging_server_for

INDEXES = {
    "sqlite": "SEARCH people USING INDEX sqlite_autoindex_people_1 (_id=?)",
    "postgres": "Index Scan using people_pkey on people",
}


@pytest.fixture(params=FLOORS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Have people in a database of which the server, if there is one, keeps a log."""
    with pytest.MonkeyPatch.context() as patch:
        logging_server_for(request.param, patch)
        filled = Place(request.param, tmp_path_factory.mktemp("plans"))
        filled.make()
        floor.fill(filled, model.sites(20), model.people(2_000, 20))
        filled.settle()
        yield filled
        filled.remove()


def test_the_plans_of_a_request(place: Place) -> None:
    """Of one request the statements are told, each with its steps, and the answer is the usual one."""
    with recorder(place, "floor") as peer:
        one = get(f"/bench/people/{model.person_id(7)}")
        for _ in range(peer.warm_up):
            peer.exchange(one)

        answer, plans = peer.record(one)
        unfound = peer.record(get("/bench/nothing"))

        assert answer == peer.exchange(one)
        assert answer.status == 200
        assert [plan.statement.split(" WHERE")[0] for plan in plans] == [
            {"sqlite": "SELECT doc FROM people", "postgres": "SELECT _document FROM people"}[place.store]
        ]
        assert INDEXES[place.store] in plans[0].steps[0]
        assert not plans[0].walks_a_table
        assert unfound == (Answer(404, unfound[0].body), [])


def test_a_walk_is_seen(place: Place) -> None:
    """A statement that looks at each row of a table is told from one that uses an index."""
    with recorder(place, "floor") as peer:
        _, listed = peer.record(get("/bench/people?age.$ne=12&name.$ne=Nono&_page=10"))
        row = next(row for row in ROWS if row.name == "create")
        turn = Turn(peer, 2_000, 1)
        answer, created = peer.record(row.prepare(turn))
        row.settle(turn, answer)

    assert any(plan.walks_a_table for plan in listed)
    assert answer.status == 201
    assert [plan.statement.split()[0] for plan in created] == ["SELECT", "INSERT"]


@pytest.mark.parametrize(
    ("step", "walks"),
    [
        ("SCAN people", True),
        ("SCAN t USING INDEX people/name#index", False),
        ("SEARCH t USING INDEX people/site#index (site=?)", False),
        ("  ->  Seq Scan on people t  (cost=0.00..250.00 rows=1 width=8)", True),
        ("Seq Scan on _backo  (cost=0.00..1.05 rows=1 width=39)", False),
        ("  ->  Index Only Scan using people_age on people  (cost=0.00..1.00 rows=1 width=8)", False),
    ],
)
def test_steps(step: str, walks: bool) -> None:
    """What the two databases write for a walk along a table."""
    assert Plan("SELECT 1", ["Limit", step]).walks_a_table is walks
