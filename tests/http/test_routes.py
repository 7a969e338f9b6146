import pytest

from backo.http.routes import RESOURCES, ROUTES, Gate, Route, find, resources


def test_the_table() -> None:
    """Every route of the specification is there, once, and says what it does."""
    table = [(method, route.template) for route in ROUTES for method in route.methods]

    assert table == [
        ("GET", "/_meta"),
        ("GET", "/{collection}"),
        ("POST", "/{collection}"),
        ("GET", "/{collection}/_check"),
        ("POST", "/{collection}/_check"),
        ("POST", "/{collection}/_meta"),
        ("GET", "/{collection}/_selections/{name}"),
        ("POST", "/{collection}/_selections/{name}"),
        ("POST", "/{collection}/_actions/{name}/{id}"),
        ("GET", "/{collection}/{id}"),
        ("PUT", "/{collection}/{id}"),
        ("PATCH", "/{collection}/{id}"),
        ("DELETE", "/{collection}/{id}"),
        ("GET", "/{collection}/{id}/{path}"),
    ]
    assert all(route.summary.endswith(".") for route in ROUTES)


def test_what_is_allowed() -> None:
    """HEAD comes with GET, OPTIONS with everything."""
    assert {one.template: one.allow for one in RESOURCES} == {
        "/_meta": "GET, HEAD, OPTIONS",
        "/{collection}": "GET, HEAD, POST, OPTIONS",
        "/{collection}/_check": "GET, POST, HEAD, OPTIONS",
        "/{collection}/_meta": "POST, OPTIONS",
        "/{collection}/_selections/{name}": "GET, HEAD, POST, OPTIONS",
        "/{collection}/_actions/{name}/{id}": "POST, OPTIONS",
        "/{collection}/{id}": "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        "/{collection}/{id}/{path}": "GET, HEAD, OPTIONS",
    }
    only_post = resources([Route("/{collection}", ("POST",), Gate.CREATE, ROUTES[0].handler, "Post.")])
    assert only_post[0].allow == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("path", "template", "arguments"),
    [
        ("/_meta", "/_meta", {}),
        ("/users", "/{collection}", {"collection": "users"}),
        ("/users/", "/{collection}", {"collection": "users"}),
        ("/users/_check", "/{collection}/_check", {"collection": "users"}),
        ("/users/_selections/_all", "/{collection}/_selections/{name}", {"collection": "users", "name": "_all"}),
        (
            "/users/_actions/pay/42/",
            "/{collection}/_actions/{name}/{id}",
            {"collection": "users", "name": "pay", "id": "42"},
        ),
        ("/users/42", "/{collection}/{id}", {"collection": "users", "id": "42"}),
        ("/users/42/", "/{collection}/{id}", {"collection": "users", "id": "42"}),
        ("/users/a\nb", "/{collection}/{id}", {"collection": "users", "id": "a\nb"}),
        ("/users/..", "/{collection}/{id}", {"collection": "users", "id": ".."}),
        *(
            (f"/users/42/{path}{end}", "/{collection}/{id}/{path}", {"collection": "users", "id": "42", "path": path})
            for path in ("cover", "$.a.b", "a.b", "a/b", "photos[0]", "photos/0", "a\nb", "_x/_y", "a//b")
            for end in ("", "/")
        ),
    ],
)
def test_finding(path: str, template: str, arguments: dict[str, str]) -> None:
    """A path names one resource; a slash at its end does not matter."""
    found = find(path)

    assert found is not None
    assert (found[0].template, found[1]) == (template, arguments)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "//users",
        "/users//",
        "/users//42",
        "",
        "/users/42//",
        "/users/_actions/pay",
        "/users/_actions/pay/42/x",
        "/users/_check/x",
        "/users/_selections/all/x",
    ],
)
def test_finding_nothing(path: str) -> None:
    """Anything else names nothing."""
    assert find(path) is None
