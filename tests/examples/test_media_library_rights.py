"""Every cell of user × route and of user × field × item of the media library: HTTP does what is declared.

The cells are generated from the declarations and from the table of routes. Each is asked, and compared
with what the `Oracle` makes of the declarations.
"""

import base64
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest
from werkzeug.security import generate_password_hash

from backo import String
from backo.http.routes import ROUTES, Body, Gate, Route
from examples.media_library.data import USERS, cover
from tests.examples.oracle import ABSENT, Oracle
from tests.examples.worlds import ANONYMOUS, World, column, fields, in_json
from tests.scale import record_figure

LOGINS = [ANONYMOUS, *(user["login"] for user in USERS)]
PICTURE = "base64:" + base64.b64encode(cover(2, 3, 1)).decode()

# Another value for each field that a client might write, good in every item; what is not here is read-only.
NEW: dict[tuple[str, str], Any] = {
    ("users", "login"): "zoe",
    ("users", "name"): "Another Name",
    ("users", "roles"): ["EMPLOYEE", "READER"],
    ("users", "password"): "another password",
    ("users", "remarks"): "another remark",
    ("users", "borrowed"): ["1235", "1236"],
    ("authors", "name"): "Another Author",
    ("authors", "born"): 1900,
    ("authors", "books"): ["1234", "1235", "1236", "666", "667"],
    ("books", "barcode"): "999",
    ("books", "title"): "Another Title",
    ("books", "year"): 1999,
    ("books", "authors"): ["delahaye", "docker", "marlier"],
    ("books", "cover"): PICTURE,
    ("books", "price"): "1.00",
    ("books", "remarks"): "another remark",
    ("books", "withdrawn"): True,
    ("books", "borrow"): {"user": "martin", "since": "2020-01-01", "return_date": "2020-02-01"},
    ("books", "borrow.user"): "martin",
    ("books", "borrow.since"): "2020-01-01",
    ("books", "borrow.return_date"): "2020-02-01",
}
MINIMAL: dict[str, dict[str, Any]] = {
    "users": {"login": "zoe", "name": "Zoe", "password": "zoes-library"},
    "authors": {"name": "Zoe New"},
    "books": {"barcode": "998", "title": "New", "authors": ["docker"]},
}
PLAIN = {"users": "name", "authors": "name", "books": "title"}  # fields without rights of their own
PARAMETERS = {"borrow": {"user_id": "martin"}}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Build the library once; its passwords are hashed in no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "examples.media_library.passwords.generate_password_hash",
            lambda password: generate_password_hash(password, "pbkdf2:sha256:1"),
        )
        yield World()


@pytest.fixture(params=LOGINS, ids=lambda login: login or "anonymous")
def oracle(request: pytest.FixtureRequest, world: World) -> Oracle:
    """Give what is declared for each user in turn, nobody among them."""
    return Oracle(world, request.param)


# User × field × item.


class Cell(NamedTuple):
    """One field of one item, read or written on one way."""

    way: str
    collection: str
    path: str
    id: str


def test_every_field_that_can_be_written_is(world: World) -> None:
    """The table of new values names all fields but the read-only ones, so none is left out."""
    oracle = Oracle(world, ANONYMOUS)

    assert {place for place in fields() if not oracle.node(*place).read_only} == NEW.keys()


def test_fields(oracle: Oracle) -> None:
    """Each field of each item is read and written by each user, on each way, exactly as it is declared."""
    cells = [
        Cell(way, collection, path, id_)
        for way, (collection, path) in product(WAYS, fields())
        for id_ in oracle.world.items[collection]
    ]

    compared = {cell: (WAYS[cell.way][0](oracle, cell), WAYS[cell.way][1](oracle, cell)) for cell in cells}

    assert {cell: pair for cell, pair in compared.items() if pair[0] != pair[1]} == {}
    record_figure("rights", {f"field_cells_{oracle.login or 'anonymous'}": len(compared)})


def expected_get(oracle: Oracle, cell: Cell) -> Any:
    """Expect the value, or that the field or the item is kept back."""
    _, *place = cell
    refused = oracle.refusal_to_read(cell.collection, cell.id)
    return refused or (oracle.seen(*place) if oracle.shows(*place) else ABSENT)


def observed_get(oracle: Oracle, cell: Cell) -> Any:
    """Read the item."""
    body = oracle.world.read(oracle.login, f"/{cell.collection}/{cell.id}")
    return body if isinstance(body, int) else found_at(body, cell.path)


def found_at(tree: Any, path: str) -> Any:
    """Give what an item of an answer holds at a path: None inside a group that is null."""
    for name in path.split("."):
        if tree is None:
            return None
        if name not in tree:
            return ABSENT
        tree = tree[name]
    return in_json(tree)


def expected_list(oracle: Oracle, cell: Cell) -> Any:
    """Expect the value in a row, or that there is no row."""
    if oracle.login == ANONYMOUS:
        return 401
    return expected_get(oracle, cell) if cell.id in oracle.rows(cell.collection) else ABSENT


def observed_list(oracle: Oracle, cell: Cell) -> Any:
    """Read the list."""
    body = oracle.world.read(oracle.login, f"/{cell.collection}")
    if isinstance(body, int):
        return body
    row = next((one for one in body["result"] if one["_id"] == cell.id), None)
    return ABSENT if row is None else found_at(row, cell.path)


def condition(oracle: Oracle, cell: Cell) -> tuple[str, Any]:
    """Say by what an item is looked for: by its own value of the field, or by having one."""
    _, *place = cell
    match oracle.truth(*place):
        case dict():
            return ".$ne", None
        case list() as values:
            return "", values[0] if values else "nothing"
        case None if type(oracle.node(cell.collection, cell.path).field) is String:
            return "", "null"  # in a query string a text like any other
        case value:
            return "", value


def expected_filter(oracle: Oracle, cell: Cell) -> Any:
    """Expect those rows in which the user sees the value."""
    if oracle.login == ANONYMOUS:
        return 401
    if oracle.is_unknown(cell.collection, cell.path):
        return 400
    operator, wanted = condition(oracle, cell)

    def matches(id_: str) -> bool:
        seen = oracle.seen(cell.collection, cell.path, id_)
        if operator:
            return seen is not None
        return wanted in seen if isinstance(seen, list) else bool(seen == wanted)

    return [id_ for id_ in oracle.rows(cell.collection) if matches(id_)]


def observed_filter(oracle: Oracle, cell: Cell) -> Any:
    """Look for the value."""
    operator, wanted = condition(oracle, cell)
    text = {None: "null", True: "true", False: "false"}.get(wanted, str(wanted))
    body = oracle.world.read(oracle.login, f"/{cell.collection}", (cell.path + operator, text))
    return body if isinstance(body, int) else [row["_id"] for row in body["result"]]


def expected_sort(oracle: Oracle, cell: Cell) -> Any:
    """Expect the place of the row in both orders; what the user does not see is last in both, as what is absent."""
    if oracle.login == ANONYMOUS:
        return 401
    node, value = oracle.node(cell.collection, cell.path), oracle.truth(*cell[1:])
    if oracle.is_unknown(cell.collection, cell.path) or node.children or node.field.files or isinstance(value, list):
        return 400
    seen = {id_: oracle.seen(cell.collection, cell.path, id_) for id_ in oracle.rows(cell.collection)}
    keys = {id_: float(value) if cell.path == "price" else value for id_, value in seen.items() if value is not None}
    absent = [id_ for id_ in seen if id_ not in keys]
    up, down = sorted(keys, key=keys.__getitem__), sorted(keys, key=keys.__getitem__, reverse=True)
    return place_in(up + absent, cell.id), place_in(down + absent, cell.id)


def observed_sort(oracle: Oracle, cell: Cell) -> Any:
    """Sort by the field, up and down."""
    address = f"/{cell.collection}"
    up, down = (oracle.world.read(oracle.login, address, ("_sort", sign + cell.path)) for sign in ("", "-"))
    if isinstance(up, int):
        return up if up == down else (up, down)
    return tuple(place_in([row["_id"] for row in body["result"]], cell.id) for body in (up, down))


def place_in(rows: list[str], id_: str) -> int | None:
    """Give the place of a row."""
    return rows.index(id_) if id_ in rows else None


def expected_selection(oracle: Oracle, cell: Cell) -> Any:
    """Expect the value in a row of a selection, null where the user does not see it."""
    if oracle.login == ANONYMOUS:
        return 401
    return oracle.seen(*cell[1:]) if cell.id in oracle.rows(cell.collection) else ABSENT


def observed_selection(oracle: Oracle, cell: Cell) -> Any:
    """Read the selection of this one field."""
    body = oracle.world.read(oracle.login, f"/{cell.collection}/_selections/{column(cell.path)}")
    if isinstance(body, int):
        return body
    rows = dict(body["result"])
    return in_json(rows[cell.id]) if cell.id in rows else ABSENT


def other_value(oracle: Oracle, cell: Cell) -> Any:
    """Give another value of a field than the present one."""
    present = oracle.truth(*cell[1:])
    return not present if isinstance(present, bool) else NEW.get((cell.collection, cell.path), f"not {present}")


def expected_change(oracle: Oracle, cell: Cell) -> Any:
    """Expect the change to be made and stored, or refused without a trace."""
    refused = oracle.refusal_to_set(*cell[1:], other_value(oracle, cell))
    return (refused, False) if refused else (200, True)


def observed_put(oracle: Oracle, cell: Cell) -> Any:
    """Send the field with PUT."""
    body = nested(cell.path, other_value(oracle, cell))
    return oracle.world.write(oracle.login, "PUT", f"/{cell.collection}/{cell.id}", json=body)


def observed_patch(oracle: Oracle, cell: Cell) -> Any:
    """Replace the field with PATCH."""
    patch = {"op": "replace", "path": f"$.{cell.path}", "value": other_value(oracle, cell)}
    return oracle.world.write(oracle.login, "PATCH", f"/{cell.collection}/{cell.id}", json=patch)


def nested(path: str, value: Any) -> dict[str, Any]:
    """Give the body that sets a value at a path."""
    name, _, rest = path.partition(".")
    return {name: nested(rest, value) if rest else value}


def expected_creation(oracle: Oracle, cell: Cell) -> Any:
    """Expect an item to be made with the value, or nothing to be made."""
    refused = oracle.refusal_to_give(cell.collection, cell.path, other_value(oracle, cell))
    return (refused, False) if refused else (201, True)


def observed_creation(oracle: Oracle, cell: Cell) -> Any:
    """Create an item that has a value of the field."""
    body = MINIMAL[cell.collection] | nested(cell.path, other_value(oracle, cell))
    return oracle.world.write(oracle.login, "POST", f"/{cell.collection}", json=body)


Side = Callable[[Oracle, Cell], Any]

WAYS: dict[str, tuple[Side, Side]] = {
    "get": (expected_get, observed_get),
    "list": (expected_list, observed_list),
    "filter": (expected_filter, observed_filter),
    "sort": (expected_sort, observed_sort),
    "selection": (expected_selection, observed_selection),
    "PUT": (expected_change, observed_put),
    "PATCH": (expected_change, observed_patch),
    "POST": (expected_creation, observed_creation),
}


# User × route × collection × item.


class Asked(NamedTuple):
    """One thing that can be asked: a route, and what its template leaves open."""

    method: str
    template: str
    collection: str
    id: str
    name: str
    path: str


def asked_of(route: Route, world: World) -> Iterator[Asked]:
    """Give everything that can be asked at a route: what there is to be named, and something that is not."""
    offered = "selections" if "_selections" in route.template else "actions"
    methods = [*route.methods, *(["HEAD"] if "GET" in route.methods else []), "OPTIONS"]
    for collection in world.items if "{collection}" in route.template else [""]:
        ids = [*world.items[collection], "nobody"] if "{id}" in route.template else [""]
        names = [*getattr(world.backoffice.collections[collection], offered), "none"] if collection else []
        files = [path for name, path in fields() if name == collection and "." not in path]
        yield from (
            Asked(method, route.template, collection, id_, name, path)
            for method in methods
            for id_ in ids
            for name in (names if "{name}" in route.template else [""])
            for path in (files if "{path}" in route.template else [""])
        )


def test_routes(oracle: Oracle) -> None:
    """Each route of the table, for each collection, item, selection, action and file, answers each user as declared."""
    cells = {asked: route for route in ROUTES for asked in asked_of(route, oracle.world)}

    compared = {
        asked: (expected_answer(oracle, route, asked), observed_answer(oracle, route, asked))
        for asked, route in cells.items()
    }

    assert {asked: pair for asked, pair in compared.items() if pair[0] != pair[1]} == {}
    record_figure("rights", {f"route_cells_{oracle.login or 'anonymous'}": len(compared)})


def expected_answer(oracle: Oracle, route: Route, asked: Asked) -> Any:
    """Expect the status."""
    is_nowhere = bool(asked.path) and not any(
        oracle.node(name, path).field.files for name, path in fields() if name == asked.collection
    )
    if asked.method == "OPTIONS":
        return 404 if is_nowhere else 204
    if oracle.login == ANONYMOUS:
        return 401
    if is_nowhere:
        return 404
    if asked.collection and oracle.is_closed(route.gate, asked.collection):
        return 405
    if asked.id == "nobody":
        return 404
    return REFUSALS[route.gate](oracle, asked) or (201 if route.gate is Gate.CREATE else 200)


def refusal_to_read(oracle: Oracle, asked: Asked) -> int | None:
    """Say how a list, a selection, an item or a file is refused."""
    if not asked.id:
        return oracle.refusal_to_select(asked.collection, asked.name) if asked.name else None
    refused = oracle.refusal_to_read(asked.collection, asked.id)
    if refused or not asked.path:
        return refused
    place = asked.collection, asked.path, asked.id
    is_file = oracle.node(asked.collection, asked.path).field.files
    return None if is_file and oracle.shows(*place) and oracle.truth(*place) is not None else 404


REFUSALS: dict[Gate, Callable[[Oracle, Asked], int | None]] = {
    Gate.READ: refusal_to_read,
    Gate.CREATE: lambda oracle, asked: oracle.refusal_to_create(asked.collection),
    Gate.MODIFY: lambda oracle, asked: oracle.refusal_to_modify(asked.collection, asked.id),
    Gate.DELETE: lambda oracle, asked: oracle.refusal_to_delete(asked.collection, asked.id) or 204,
    Gate.ACTION: lambda oracle, asked: oracle.refusal_to_run(asked.collection, asked.name, asked.id),
    Gate.FORM: lambda oracle, asked: None,
    Gate.DESCRIPTION: lambda oracle, asked: None,
}


def observed_answer(oracle: Oracle, route: Route, asked: Asked) -> Any:
    """Ask; what is refused has changed nothing."""
    address = route.template.format(**asked._asdict())
    body = None if route.body is Body.NONE or asked.method == "OPTIONS" else body_for(route, asked)
    status, is_changed = oracle.world.write(oracle.login, asked.method, address, json=body)
    return (status, is_changed) if is_changed and (status >= 300 or is_safe(route)) else status


def is_safe(route: Route) -> bool:
    """Tell whether a route only tells something."""
    return route.gate in {Gate.READ, Gate.FORM, Gate.DESCRIPTION}


def body_for(route: Route, asked: Asked) -> Any:
    """Give a body that means something."""
    match route.gate, asked.method:
        case Gate.CREATE, _:
            return MINIMAL[asked.collection]
        case Gate.MODIFY, "PUT":
            return {PLAIN[asked.collection]: "Other"}
        case Gate.MODIFY, _:
            return {"op": "replace", "path": f"$.{PLAIN[asked.collection]}", "value": "Other"}
        case Gate.ACTION, _:
            return PARAMETERS.get(asked.name, {})
        case Gate.FORM, _:
            return {"item": MINIMAL[asked.collection]}
    return {}
