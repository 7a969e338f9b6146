"""Every example in the documentation runs: fenced blocks of the pages, `>>>` of the docstrings."""

import doctest
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted(
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "src" / "backo").rglob("*.py")
    if path.name != "__main__.py"  # importing it would run it
)

# What pages do to the process is undone after each.
pytestmark = pytest.mark.usefixtures("users", "loggers")

# Spellings that would let a block escape unnoticed.
MISSPELT = {"Python", "py", "pycon", "python3", "{code}", "{code-block}"}
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True, slots=True)
class Example:
    """One fenced block of Python, and where its first line of code stands."""

    page: Path
    line: int
    code: str
    runs: bool

    def check(self, namespace: dict[str, object]) -> None:
        """Run it in the namespace of its page; a block of `>>>` must also answer as shown."""
        if self.code.startswith(">>>"):
            self._check_dialogue(namespace)
            return
        # Blank lines in front make a traceback point into the page.
        code = compile("\n" * (self.line - 1) + self.code, str(self.page), "exec")
        if self.runs:
            exec(code, namespace)  # noqa: S102 - running the examples is what this file is for

    def _check_dialogue(self, namespace: dict[str, object]) -> None:
        name, said = self.page.name, list[str]()
        dialogue = doctest.DocTestParser().get_doctest(self.code, namespace, name, str(self.page), self.line - 1)
        if self.runs:
            runner = doctest.DocTestRunner(optionflags=OPTIONS)
            runner.run(dialogue, out=said.append, clear_globs=False)
            namespace.update(dialogue.globs)  # the parser works on a copy
        assert not said, "".join(said)


def examples_of(page: Path) -> Iterator[Example]:
    """Yield the blocks fenced as ```python, or ```python no-run for those only compiled."""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type != "fence" or token.map is None:
            continue
        line = token.map[0] + 1
        language, *flags = token.info.split() or [""]
        if language in MISSPELT or (language == "python" and flags not in ([], ["no-run"])):
            pytest.fail(f"{page}:{line}: fence it as `python` or `python no-run`")
        if language == "python":
            yield Example(page, line + 1, token.content, runs=not flags)


def run_page(page: Path) -> None:
    """Run a page from top to bottom: its blocks share a namespace and a context."""
    namespace: dict[str, object] = {"__name__": "page"}
    context = copy_context()
    for example in examples_of(page):
        context.run(example.check, namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader copies from a page works."""
    monkeypatch.chdir(tmp_path)

    run_page(page)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a docstring shows is what happens."""
    monkeypatch.chdir(tmp_path)

    result = doctest.testmod(import_module(name), optionflags=OPTIONS)

    assert result.failed == 0, "the captured output above tells which"


def test_blocks_of_a_page_share_a_namespace(tmp_path: Path) -> None:
    """A page is one story, whether its blocks are statements or a dialogue."""
    page = tmp_path / "page.md"
    page.write_text(
        "```python\na = 1\n```\n\n"
        "- ```python\n  b = a + 1\n  ```\n\n"
        "```python\n>>> a + b\n3\n>>> c = 4\n```\n\n"
        "```python\nassert (a, b, c) == (1, 2, 4)\n```\n"
        "```python no-run\nraise SystemExit\n```\n"
        "```sh\nnot python\n```\n"
    )

    run_page(page)


@pytest.mark.parametrize(
    ("block", "error"),
    [
        pytest.param("```python\nassert False\n```", AssertionError, id="fails"),
        pytest.param("```python\n>>> 1\n2\n```", AssertionError, id="answers-otherwise"),
        pytest.param("```python no-run\nif:\n```", SyntaxError, id="does-not-compile"),
        pytest.param("```py\n1\n```", pytest.fail.Exception, id="misspelt-language"),
        pytest.param("```python norun\n1\n```", pytest.fail.Exception, id="misspelt-flag"),
    ],
)
def test_a_wrong_example_fails(tmp_path: Path, block: str, error: type[BaseException]) -> None:
    """No block escapes by being wrong or by a slip in its fence."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{block}\n")

    with pytest.raises(error):
        run_page(page)
