import pytest

from backo import Limits
from tests.features.dialogue import Answer, Dialogue, library, problem

JSON = {"Content-Type": "application/json"}
WRITES = [
    "POST /library/authors",
    "PUT /library/authors/a1",
    "PATCH /library/authors/a1",
    "POST /library/authors/_check",
]


@pytest.mark.parametrize("request_line", WRITES)
@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        pytest.param(b"", JSON, problem(400, "Bad Request", "malformed", "a body of JSON is expected"), id="empty"),
        pytest.param(
            b"name: Ann",
            {"Content-Type": "application/yaml"},
            problem(
                415,
                "Unsupported Media Type",
                "media_type",
                "a body of 'application/yaml' is not understood (send JSON, with Content-Type: application/json)",
            ),
            id="yaml",
        ),
        pytest.param(
            b"name=Ann",
            {"Content-Type": "application/x-www-form-urlencoded"},
            problem(
                415,
                "Unsupported Media Type",
                "media_type",
                "the body is neither a JSON object nor a JSON array (send JSON, with Content-Type: application/json)",
            ),
            id="a-form",
        ),
        pytest.param(
            b'{"name": "' + b"x" * (1024 * 1024) + b'"}',
            JSON,
            problem(413, "Content Too Large", "too_large", "a body may have at most 1048576 bytes"),
            id="large",
        ),
        pytest.param(
            b'{"name": ' + b"[" * 64 + b"]" * 64 + b"}",
            JSON,
            problem(400, "Bad Request", "malformed", "the JSON is nested more than 64 levels deep"),
            id="deep",
        ),
    ],
)
def test_bodies_that_cannot_be_read(
    talk: Dialogue, request_line: str, body: bytes, headers: dict[str, str], expected: Answer
) -> None:
    """Each fault of a body has its own answer, on every route that takes one."""
    assert talk(request_line, body, headers) == expected


@pytest.mark.parametrize("request_line", WRITES)
@pytest.mark.parametrize("body", [b"{", b"{]", b"nul", b'{"a": NaN}', b'"\xff"', b"1" * 5000, b'"\\ud800"'])
def test_bodies_that_are_not_json(talk: Dialogue, request_line: str, body: bytes) -> None:
    """They are malformed."""
    answer = talk(request_line, body, JSON)

    assert (answer.status, answer.body["code"]) == (400, "malformed")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.x+json", ""])
def test_bodies_that_are(talk: Dialogue, content_type: str) -> None:
    """What is JSON in spirit is taken."""
    answer = talk("POST /library/authors", '{"name": "É"}'.encode(), {"Content-Type": content_type})

    assert answer == Answer(201, {"name": "É", "mail": None, "books": [], "_id": "a3"})


def test_limits_of_ones_own() -> None:
    """How much a body may hold is a setting."""
    talk = Dialogue(library(limits=Limits(body=20, depth=2)))

    assert talk("POST /library/authors", b'{"name": "Ann"}     ', JSON).status == 201
    assert talk("POST /library/authors", b'{"name": "Bob"}      ', JSON).status == 413
    assert talk("POST /library/authors", b'{"name": [[]]}', JSON).status == 400


def test_duplicate_keys(talk: Dialogue) -> None:
    """The last one counts."""
    assert talk("POST /library/authors", b'{"name": "X", "name": "Cid"}', JSON).body["name"] == "Cid"
