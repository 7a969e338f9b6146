"""Imports only point down: the layers of the package, and the walk that holds them."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

# Lowest first. A module may import its own layer and those of lower levels, never a neighbour.
# A dotted name is a layer inside a folder; the root of the package, on top, imports anything.
LEVELS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("paths", "log", "context", "jsontext", "ids"),
    ("schema",),
    ("items", "query"),
    ("references", "files", "connectors"),
    ("work",),
    ("collections", "migration", "integrity"),
    ("http", "testing"),
    ("http.flask", "cli"),
    ("backoffice", "__main__"),
    ("",),
)

# Closed although lower: (layer, what it may not import).
CLOSED = {("connectors", "items"), ("http.flask", "testing"), ("cli", "testing")}

# A package from outside, and the modules of ours that alone may import it, lazily included.
OWNERS = {
    "bson": ("connectors.mongo*",),
    "flask": ("http.flask",),
    "pymongo": ("connectors.mongo*",),
    "psycopg": ("connectors.postgres*",),
    "psycopg_pool": ("connectors.postgres*",),
    "obstore": ("files.objects",),
    "sqlite3": ("connectors.sqlite*",),
    "yaml": ("connectors.yaml*",),
}

LEVEL_OF = {layer: level for level, layers in enumerate(LEVELS) for layer in layers}
SOURCE = Path(__file__).parents[1] / "src" / "backo"


def violations(package: Path) -> list[str]:
    """Name every line of a package, given as its folder, that breaks a rule of this file."""
    modules = {_module_name(file, package): file for file in sorted(package.rglob("*.py"))}
    return [
        f"{file.relative_to(package.parent)}:{line}: {problem}"
        for module, file in modules.items()
        for line, problem in sorted(_problems(module, file, package.name, modules))
    ]


def _problems(module: str, file: Path, package: str, modules: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for one module; names of modules are relative to the package."""
    layer = _layer_of(module)
    if layer is None:
        yield 1, f"`{module}` belongs to no layer: give it one in LEVELS"
        return
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "print":
            yield node.lineno, "the library never prints"
    for line, name in _imports(tree, _package_of(module, file, package)):
        outside, _, inner = name.partition(".")
        if outside == package:
            yield from ((line, text) for text in _wrong_way(layer, _existing(inner, modules)))
        elif outside in OWNERS and not any(fnmatchcase(module, own) for own in OWNERS[outside]):
            yield line, f"`{outside}` is imported in {' or '.join(OWNERS[outside])} alone"


def _wrong_way(layer: str, target: str) -> Iterator[str]:
    """Say what is wrong, if anything, when a layer imports one of our modules."""
    wanted = _layer_of(target)
    if wanted is None or wanted == layer:
        return
    if LEVEL_OF[wanted] >= LEVEL_OF[layer] or (layer, wanted) in CLOSED:
        yield f"`{layer}` may not import `{wanted or 'the root'}`"


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) for each import, inside functions too.

    `from a import b` gives `a.b`: whether `b` is a module or a name is found out later.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                parents = package.split(".")[: len(package.split(".")) + 1 - node.level]
                base = ".".join([*(parents if node.level else []), *filter(None, [node.module])])
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _called(node) in {
                "__import__",
                "import_module",
            }:
                yield node.lineno, name


def _called(call: ast.Call) -> str | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name, value=ast.Name(id="importlib")):
            return name
    return None


def _module_name(file: Path, package: Path) -> str:
    parts = file.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _package_of(module: str, file: Path, package: str) -> str:
    """Give the absolute name of the package in which a module's relative imports start."""
    name = f"{package}.{module}".rstrip(".")
    return name if file.name == "__init__.py" else name.rpartition(".")[0]


def _existing(name: str, modules: dict[str, Path]) -> str:
    """Cut a dotted name down to the module in it: `schema.problems.Problem` to `schema.problems`.

    What does not exist yet keeps its name, so that an early import is judged by where it points.
    """
    module = name
    while module and module not in modules:
        module = module.rpartition(".")[0]
    return module or (name if _layer_of(name) else "")


def _layer_of(module: str) -> str | None:
    """Give the innermost layer that holds a module, `None` when none does."""
    while module not in LEVEL_OF:
        if "." not in module:
            return None
        module = module.rpartition(".")[0]
    return module


def test_imports_of_the_package_point_down() -> None:
    """No module imports a higher layer, a neighbour, or a package that another one owns."""
    assert SOURCE.is_dir()

    assert violations(SOURCE) == []


SOUND = {
    "__init__.py": "from backo.http.flask import app\nfrom .errors import BackoError",
    "errors.py": "import json",
    "log.py": "from backo import errors",
    "schema/__init__.py": "from . import fields\nfrom ..paths import Path",
    "schema/fields.py": "from .problems import Problem",
    "references/links.py": "from backo.items.record import Record",
    "connectors/sqlite/pool.py": "import sqlite3\nfrom backo.query import filters",
    "connectors/yaml.py": "import yaml",
    "testing/contract.py": "from backo.work import unit",
    "http/flask.py": "import flask\nfrom . import routes",
}


@pytest.mark.parametrize(
    ("file", "code", "problem"),
    [
        pytest.param("items/a.py", "", None, id="sound"),
        pytest.param("items/a.py", "x = 1\nimport backo.work", "2: `items` may not import `work`", id="up"),
        pytest.param(
            "items/a.py",
            "from backo.query.filters import F",
            "1: `items` may not import `query`",
            id="neighbour",
        ),
        pytest.param("paths.py", "from backo import log", "1: `paths` may not import `log`", id="leaves"),
        pytest.param(
            "connectors/base.py",
            "from ..items import record",
            "1: `connectors` may not import `items`",
            id="closed",
        ),
        pytest.param(
            "http/routes.py",
            "from .flask import app",
            "1: `http` may not import `http.flask`",
            id="inner-layer",
        ),
        pytest.param(
            "http/__init__.py",
            "def f():\n    from . import flask",
            "2: `http` may not import `http.flask`",
            id="lazy-and-relative",
        ),
        pytest.param(
            "work/unit.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from backo import http",
            "3: `work` may not import `http`",
            id="for-types-only",
        ),
        pytest.param(
            "cli/main.py",
            "import importlib\nimportlib.import_module('backo.http.flask')",
            "2: `cli` may not import `http.flask`",
            id="by-name",
        ),
        pytest.param(
            "schema/a.py",
            "from backo import Item",
            "1: `schema` may not import `the root`",
            id="root",
        ),
        pytest.param("testing/a.py", "import backo.http", "1: `testing` may not import `http`", id="testing"),
        pytest.param(
            "cli/main.py",
            "import backo.testing",
            "1: `cli` may not import `testing`",
            id="for-tests-only",
        ),
        pytest.param(
            "http/routes.py",
            "def f():\n    from flask import request",
            "2: `flask` is imported in http.flask alone",
            id="framework",
        ),
        pytest.param(
            "connectors/memory.py",
            "import sqlite3",
            "1: `sqlite3` is imported in connectors.sqlite* alone",
            id="driver",
        ),
        pytest.param("cli/main.py", "print('x')", "1: the library never prints", id="print"),
        pytest.param(
            "helper/a.py",
            "",
            "1: `helper.a` belongs to no layer: give it one in LEVELS",
            id="no-layer",
        ),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, file: str, code: str, problem: str | None) -> None:
    """Each rule fails with the file and the line that broke it, and lets sound code through."""
    package = tmp_path / "backo"
    for name, text in {**SOUND, file: code}.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)

    assert violations(package) == ([f"backo/{file}:{problem}"] if problem else [])
