"""Requests that nobody should send, for every route of the table.

Each starts from a request that would be answered and spoils one part of it: the collection, the id,
the name, the query string, the body, a header.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from backo.http.routes import ROUTES, Body, Route

LONG = "x" * 20_000
CATASTROPHES = [
    "^(a+)+$",
    "(a|a)*b",
    "(.*)*x",
    "((((((a*)*)*)*)*)*)*",
    "(?=a)b",
    r"(a)\1",
    "[",
    "(",
    "a{1000000000}",
    "*",
    "\\",
]

WORDS: list[str] = [
    "..",
    ".",
    "../..",
    "../../etc/passwd",
    "..%2f..",
    "\0",
    "a\0b",
    "\n",
    "\r\nX-Injected: 1",
    "\x7f",
    "\x1b[31m",
    "\u202e",
    "\ufeff",
    "é",
    "日本",
    "😀",
    " ",
    "%",
    "%zz",
    "{}",
    "<script>",
    "'; DROP TABLE books; --",
    '" OR 1=1',
    "$where",
    "__proto__",
    "_id",
    "_meta",
    "_all",
    "null",
    "true",
    "-1",
    "1e309",
    "CON",
    "a.yml",
    "~",
    "x" * 129,
    LONG,
]

QUERIES: list[str] = [
    *(
        f"_page={value}"
        for value in ("0", "-1", "1001", "9" * 5000, "1.5", "ten", "", "null", "%00", "１", "+1", "0x10", "1_0")
    ),
    *(f"_skip={value}" for value in ("-1", "9" * 5000, "2147483648", "ten", "", "NaN", "1e3")),
    *(
        f"_sort={value}"
        for value in ("", ",", "-", "--title", "title,,pages", "$", "$.*", "tags[0]", "_meta", "%00", "x" * 5000)
    ),
    "_sort=" + ",".join(["title"] * 1000),
    *(f"_after={value}" for value in ("", "x", "e30", "W10", "bnVsbA", "A" * 5000, "%00", "é", "WyJ4IixbXV0")),
    *(f"_view={quote(value)}" for value in ("", "save", "+save", "+", "!", "\0", LONG, "__class__")),
    *(f"_total={value}" for value in ("", "2", "x", "-0")),
    *(f"title.$re={quote(pattern)}" for pattern in CATASTROPHES),
    f"title.$re={'a' * 201}",
    *(f"title.${operator}=x" for operator in ("where", "eval", "", "$", "and", "or", "not", "nor", "EQ", "eq.$eq")),
    *(
        f"{name}=1"
        for name in ("", ".", "..", "$", "$eq", "$.title", "a.b.c", "title.x", "__class__", "_rev", "_schema", "tags.0")
    ),
    *(f"pages={value}" for value in ("9" * 5000, "-9223372036854775809", "1e309", "NaN", "0x1", "", "١")),
    *(f"text={value}" for value in ("%00", "%ed%a0%80", "%ff", "%", "%F0%9F%98%80")),
    "more.a.b.c.d=1",
    "place=1",
    "author.books.author.books.author.name=x",
    ".".join(["author.books"] * 100) + "=x",
    "title=a&" * 250,
    "&" * 5000,
    "=" * 500,
    "=&=&=",
    "title",
    "a[]=1&a[b]=2",
    "_page=1&_page=2",
    "%ff=1",
    "é=1",
    "\xff=\xff",
    "title=" + LONG,
]

VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    -(2**63) - 1,
    2**64,
    10**400,
    1e308,
    -0.0,
    "",
    "\0",
    "a\0b",
    "\u2028",
    LONG,
    [],
    [[]],
    [None],
    {},
    {"": None},
    {"$eq": 1},
    {"__class__": {}},
    {"_id": "x"},
    {"$where": "1"},
    ["$gt", 1],
    ["$re", "(a+)+$"],
    ["base64:AA=="],
    "base64:AA==",
    list(range(2000)),
    {str(number): number for number in range(2000)},
]

TEXTS: list[bytes] = [
    b"",
    b" ",
    b"{",
    b"[",
    b'"',
    b"\\",
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a" 1}',
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": 1e999}',
    b"{} {}",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"\x00",
    b'{"a": "\x00"}',
    b'{"a": "\xff"}',
    b'{"title": "\\ud800"}',
    b'{"title": "\\u0000"}',
    b'{"\\u0000": 1}',
    b'{"title": "a", "title": 1}',
    b"[" * 100_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'{"a":' * 1000 + b"1" + b"}" * 1000,
    b'{"a": "' + b"\\" * 99_999,
    b"1" * 100_000,
    b"-" + b"9" * 5000,
    b"0." + b"3" * 100_000,
    b'{"title": "' + b"x" * (1 << 20) + b'"}',
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"name=Jo&age=3",
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
    b"\x1f\x8b\x08\x00",
]

HEADERS: list[dict[str, str]] = [
    *(
        {"Content-Type": value}
        for value in ("", "x", "/", ";", "application/json;" * 500, "multipart/form-data", "text/html; =")
    ),
    *({"Content-Type": value} for value in ("application/json-patch+json", "application/merge-patch+json", "a/b+json")),
    *({"Content-Encoding": value} for value in ("gzip", "x", "identity, gzip")),
    *({"Content-Length": value} for value in ("-1", "x", "999999999999999999999", "1", "0")),
    *({"If-Match": value} for value in ("", "*", '"', "W/", '"x', ", ,", '"' * 5000, "é")),
    *({"If-None-Match": value} for value in ("", "*", '"', "W/", ", ,", '"x", ' * 2000)),
    *({"Origin": value} for value in ("", "null", "http://", "://", "é", "http://localhost.evil.org", "x" * 5000)),
    *({"Sec-Fetch-Site": value} for value in ("", "cross-site", "x" * 5000)),
    *({"Accept": value} for value in ("text/html", "x", "")),
    *({"Range": value} for value in ("bytes=0-1", "x")),
    {"Transfer-Encoding": "chunked"},
    {"Connection": "Upgrade", "Upgrade": "websocket"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Expect": "100-continue"},
]

FIELDS: Mapping[str, list[str]] = {
    "authors": ["name", "mail", "books", "_id"],
    "books": ["title", "pages", "tags", "place", "author", "_id"],
    "logs": ["text", "more", "_id", "_meta"],
}
SOUND: Mapping[str, str] = {"collection": "books", "id": "b1", "name": "_all"}
ACTION: Mapping[str, str] = {"name": "replace"}  # where the name is that of an action
OPERATIONS: list[Any] = ["add", "remove", "replace", "test", "move", "copy", "jump", None, 1, [], LONG]
OPERANDS: list[Any] = [None, 1, "x", "(a+)+$", [], [[]], {}, {"$not": {}}, LONG]
JSON: Mapping[str, str] = {"Content-Type": "application/json"}
METHODS: list[str] = ["FOO", "TRACE", "PROPFIND", "x" * 1000, "get"]
PATHS: list[Any] = [
    "$",
    "$.",
    "",
    "/",
    "/-",
    "/tags/-1",
    "/tags/99",
    "/tags/x",
    "/a~2",
    "$.tags[9]",
    "$.*",
    "$..a",
    "/_id",
    "/__class__",
    LONG,
]


@dataclass(frozen=True)
class Attack:
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Show it in a line."""
        return f"{self.method} {self.path[:80]!r} {self.headers} {(self.body or b'')[:80]!r}"


def attacks(base: str) -> Iterator[Attack]:
    """Give attacks on every route below the address of a library."""
    for route in ROUTES:
        for method in route.methods:
            yield from _on(base, route, method)
    for word in WORDS:
        yield Attack("GET", f"{base}/{quote(word)}")
        yield Attack("GET", f"{base}/{quote(word, safe='')}/{quote(word, safe='')}/{quote(word, safe='')}")


def sound(route: Route) -> Mapping[str, str]:
    """Give parts of an address that name something."""
    return {**SOUND, **ACTION} if "_actions" in route.template else SOUND


def _on(base: str, route: Route, method: str) -> Iterator[Attack]:
    path = base + _filled(route, sound(route))
    body = None if route.body is Body.NONE else b"{}"
    for part in SOUND:
        if f"{{{part}}}" in route.template:
            yield from (
                Attack(method, base + _filled(route, {**sound(route), part: word}), body, JSON) for word in WORDS
            )
    yield from (Attack(method, f"{path}?{query}", body, JSON) for query in QUERIES)
    yield from (Attack(method, path, b"{}", {**JSON, **headers}) for headers in HEADERS)
    yield from (Attack(other, path, b"{}", JSON) for other in METHODS)
    yield from (Attack(method, path, text, headers) for text in TEXTS for headers in (JSON, {}))
    if route.body is not Body.NONE:
        yield from _with_bodies(base, route, method)


def _with_bodies(base: str, route: Route, method: str) -> Iterator[Attack]:
    for collection in FIELDS:
        path = base + _filled(route, {**sound(route), "collection": collection, "id": f"{collection[0]}1"})
        yield from (Attack(method, path, _text(body), JSON) for body in bodies(route, collection))


def bodies(route: Route, collection: str) -> Iterable[Any]:
    """Give bodies that are JSON and make no sense, or hardly any, for a route."""
    yield from VALUES
    for name in FIELDS[collection]:
        for value in VALUES:
            for wrapped in (value, [value], {"room": value}):
                yield {name: wrapped}
    match route.handler.__name__:
        case "patch_item":
            yield from _patches(FIELDS[collection])
        case "check_field":
            yield from ({"item": {}, "path": path} for path in [*PATHS, 1, None, [], {}])
            yield from ({"item": {name: value}} for name in FIELDS[collection] for value in VALUES)
        case "run_action":
            yield from ({"values": {name: value}} for name in FIELDS[collection] for value in VALUES)
        case "select_items":
            yield from _filters(FIELDS[collection])


def _patches(names: list[str]) -> Iterator[Any]:
    paths = [*PATHS, None, 1, [], *(f"/{name}" for name in names), *(f"/{name}/0/a" for name in names)]
    for operation in OPERATIONS:
        for path in paths:
            yield {"op": operation, "path": path, "value": {"a": [1]}, "from": "/title"}
            yield {"op": operation, "path": "/tags", "from": path}
    yield [{"op": "copy", "from": "/tags", "path": "/tags/-"}] * 50
    yield [{"op": "add", "path": "/tags/-", "value": "x"}] * 5000
    yield [[]]
    yield [None]


def _filters(names: list[str]) -> Iterator[Any]:
    for name in [*names, "", "$", "a.b", "$.title", "__class__"]:
        for operator in ("$eq", "$gt", "$in", "$nin", "$not", "$contains", "$re", "$where", "$and", "$or", ""):
            for value in OPERANDS:
                yield {f"{name}.{operator}": value}
                yield {name: [operator, value]}
                yield {name: {operator: value}}
    for pattern in CATASTROPHES:
        yield {"title": ["$re", pattern]}
    deep: Any = {"title": "x"}
    for _ in range(60):
        deep = {"$not": deep}
    yield deep
    yield {"$or": [{"title": "x"}] * 1000}
    yield {"$and": [{}] * 1000}
    yield {"title": ["$in", ["x"] * 5000]}


def _filled(route: Route, parts: Mapping[str, str]) -> str:
    path = route.template
    for name, text in parts.items():
        path = path.replace(f"{{{name}}}", quote(text, safe="/"))
    return path


def _text(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
