"""The reference shows every public name, and each docstring that it shows tells arguments and errors."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import backo
from backo import BackoError, Backoffice, Collection, Entity, Field, Item
from backo.http.routes import ROUTES
from backo.query.parsing import KNOWN as OPERATORS
from backo.schema.options import ALIASES, Options

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = sorted((ROOT / "docs" / "reference" / "python").glob("*.md"))
OUTSIDE = ("tests/", "examples/")

_DIRECTIVE = re.compile(
    r"^\.\. auto(?:class|exception|function|data):: (?P<name>[\w.]+)(?:\([^)]*\))?$(?P<options>(?:\n   :.*)*)",
    re.MULTILINE,
)
_MEMBERS = re.compile(r":members:(?P<names>.*)")

# What other layers of the library call; nobody else needs it.
INSIDE: dict[type, set[str]] = {
    Backoffice: {"catalog", "run_unit"},
    Collection: {
        "application",
        "bind",
        "catalog",
        "check_visible",
        "compile",
        "compile_offers",
        "entry",
        "filter",
        "linked_item",
        "linked_items",
        "links",
        "make_id",
        "references",
        "schema",
        "scope",
        "scope_for",
        "store_new",
    },
    Entity: {"add_system_field", "add_to_model", "remove_model"},
    Field: {"check_allowed", "compiled", "files", "kind", "links", "native", "own_options", "parts", "refines"},
    Item: set(),
}


def directives() -> Iterator[tuple[str, list[str]]]:
    """Yield what the pages show: the dotted name, and the members that are named with it."""
    for page in PAGES:
        for found in _DIRECTIVE.finditer(page.read_text("utf-8")):
            members = _MEMBERS.search(found["options"])
            named = members["names"].split(",") if members else []
            yield found["name"], [one.strip() for one in named if one.strip()] if members else []


def shown_callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the functions and methods that the reference shows; of `:members:` alone, all public ones."""
    for page in PAGES:
        for found in _DIRECTIVE.finditer(page.read_text("utf-8")):
            thing, members = _thing(found["name"]), _MEMBERS.search(found["options"])
            if not isinstance(thing, type):
                if inspect.isfunction(thing):
                    yield found["name"], thing
                continue
            names = [one.strip() for one in members["names"].split(",")] if members else []
            for name in [one for one in vars(thing) if not one.startswith("_")] if names == [""] else names:
                member = inspect.getattr_static(thing, name)
                function = member.fget if isinstance(member, property) else member
                if inspect.isfunction(function):
                    yield f"{found['name']}.{name}", function


def _thing(name: str) -> Any:
    if "." not in name:
        return getattr(backo, name)
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def _untold(function: Callable[..., Any], text: str) -> list[str]:
    """List the parameters that a docstring does not name."""
    parameters = inspect.signature(function).parameters.values()
    named = [one.name for one in parameters if one.name != "self" and one.kind is not one.VAR_KEYWORD]
    return [one for one in named if not re.search(rf"(?<![a-z]){one.strip('_')}", text, re.IGNORECASE)]


def test_each_public_name_is_shown_once() -> None:
    """The pages show what `backo.__all__` lists, no name twice."""
    shown = [name for name, _ in directives() if "." not in name]

    assert sorted(shown) == sorted(backo.__all__)


@pytest.mark.parametrize("kind", INSIDE, ids=lambda kind: kind.__name__)
def test_each_public_method_is_shown(kind: type) -> None:
    """What a class offers is on its page, unless it is for the inside."""
    public = {name for name in dir(kind) if not name.startswith("_")}
    shown = dict(directives())[kind.__name__]

    assert set(shown) == public - INSIDE[kind]


@pytest.mark.parametrize("name", [name for name, _ in directives()])
def test_each_thing_says_what_it_is(name: str) -> None:
    """Whatever is shown has a docstring; a class one of its own, with the arguments of those that users make."""
    thing = _thing(name)

    assert inspect.getdoc(thing)
    if isinstance(thing, type):
        assert vars(thing).get("__doc__")
        assert (
            "." in name
            or "__init__" not in vars(thing)
            or _untold(vars(thing)["__init__"], vars(thing)["__doc__"]) == []
        )


FUNCTIONS = dict(shown_callables())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_tells_its_arguments(name: str) -> None:
    """A docstring names each parameter, in `Args:` or in a sentence."""
    text = inspect.getdoc(FUNCTIONS[name])

    assert text
    assert _untold(FUNCTIONS[name], text) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_tells_its_errors(name: str) -> None:
    """What a function raises itself is told in its docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(FUNCTIONS[name])))
    raised = {
        call.func.id
        for one in ast.walk(tree)
        if isinstance(one, ast.Raise) and isinstance(call := one.exc, ast.Call) and isinstance(call.func, ast.Name)
    }
    errors = {one for one in raised if isinstance(getattr(backo, one, None), type)}

    assert errors <= set(re.findall(r"\w+Error", inspect.getdoc(FUNCTIONS[name]) or ""))


@pytest.mark.parametrize(
    "kind", [one for one in vars(backo).values() if isinstance(one, type) and issubclass(one, BackoError)]
)
def test_each_error_has_its_code_on_the_page_of_the_routes(kind: type[BackoError]) -> None:
    """The table of errors tells the code that a client gets."""
    table = (PAGES[0].parents[1] / "http.md").read_text("utf-8")

    assert kind is BackoError or re.search(
        rf"`{kind.__name__}`[^\n]*`{kind.code}`|`{kind.code}`[^\n]*`{kind.__name__}`", table
    )


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_module_that_a_page_names_exists(page: Path) -> None:
    """Pages name modules as `work/unit.py` or `backo.work.unit`, explanations as `unit.py`; none of them has gone."""
    text, source = page.read_text("utf-8"), ROOT / "src" / "backo"
    where = "*" if page.parent.name == "explanations" else "+"
    files = [one for one in re.findall(rf"`((?:\w+/){where}\w+\.py)`", text) if not one.startswith(OUTSIDE)]
    dotted = re.findall(r"`(backo(?:\.\w+)+)", text)

    assert [one for one in files if next(source.rglob(one), None) is None] == []
    assert [one for one in dotted if not _leads_somewhere(one)] == []


def _leads_somewhere(name: str) -> bool:
    """Tell whether a dotted name is a module, or something in one."""
    if find_spec(name.rpartition(".")[0]) is None:
        return False
    return hasattr(import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) or find_spec(name) is not None


def _rows(page: str) -> list[list[str]]:
    """Give the cells of the tables of a page of the reference."""
    text = (PAGES[0].parents[1] / page).read_text("utf-8")
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]


def test_each_route_is_in_the_table() -> None:
    """The table of routes is that of the code: each address with each of its methods."""
    told = set()
    for first, *_ in _rows("http.md"):
        path = re.search(r"/\S*[^`\s]", first)
        if path is not None:
            told |= {(method, path[0]) for method in re.findall(r"\b[A-Z]{3,}\b", first)}

    def written(template: str) -> str:
        return template.replace("{", "<").replace("}", ">")

    assert told == {(method, written(route.template)) for route in ROUTES for method in route.methods}


def test_each_option_is_in_the_table_with_its_aliases() -> None:
    """The table of options is that of the code."""
    told = {cells[0]: set(re.findall(r"`(\w+)`", cells[1])) for cells in _rows("fields.md") if len(cells) == 4}
    names = {"set" if one == "compute" else one for one in Options.__dataclass_fields__}
    aliases = {f"`{name}`": {one for one, real in ALIASES.items() if real == name} for name in names}

    assert {name: told.get(name) for name in aliases} == aliases


def test_each_type_is_in_the_table() -> None:
    """The table of types names every field type."""
    told = {name for first, *_ in _rows("fields.md") for name in re.findall(r"\b[A-Z]\w+", first)}
    types = {name for name in backo.__all__ if isinstance(one := getattr(backo, name), type) and issubclass(one, Field)}

    assert types - told == {"Field"}


def test_each_operator_is_in_the_table() -> None:
    """The table of operators names every one, with its other names."""
    told = {name for first, *_ in _rows("queries.md") for name in re.findall(r"\$\w+", first)}

    assert set(OPERATORS) <= told
