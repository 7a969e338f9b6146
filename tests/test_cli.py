import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backo import cli
from backo.cli import main

LIBRARY = """
from backo import Backoffice, Collection, DBSqliteConnector, Float, Item, String

where = DBSqliteConnector(path="library.sqlite")
where.generate_id = lambda item: item.title
backoffice = Backoffice("library")
backoffice.register_collection(Collection("books", Item({FIELDS}), where))
number = 7


def note(document):
    document.setdefault("note", 10.0)
    return document


def fail(document):
    return document["nothing"]
"""
OLD = '{"title": String(required=True)}'
NEW = '{"title": String(required=True), "note": Float(required=True)}'
FILL = "import library_old\nfor i in range(7):\n    library_old.backoffice.books.create({'title': f'b{i}'})"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module that declares a library, and seven books of the declaration before."""
    (tmp_path / "library_old.py").write_text(LIBRARY.replace("{FIELDS}", OLD))
    (tmp_path / "library_new.py").write_text(LIBRARY.replace("{FIELDS}", NEW))
    subprocess.run([sys.executable, "-c", FILL], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("library_old", "library_new"):
        sys.modules.pop(name, None)


def migrate(*arguments: str) -> Result:
    """Run the command on the books of the new library."""
    return CliRunner().invoke(main, ["migrate", "library_new:backoffice", "books", *arguments])


def test_a_dry_run_is_the_default(folder: Path) -> None:
    """It shows totals and the first differences, and saves nothing."""
    done = migrate("--function", "library_new:note")

    assert done.exit_code == 0, done.output
    assert done.output.startswith("7 would change, 0 without changes\n\nb0\n  Item root['note']")
    assert done.output.count("added to dictionary") == 5
    assert "… and 2 more" in done.output
    assert done.output.endswith("Nothing is saved; give --apply to save it.\n")
    assert migrate().exit_code == 1


def test_apply_saves(folder: Path) -> None:
    """Some items, then all; then there is nothing left to do, and everything fits."""
    some = migrate("--function", "library_new:note", "--id", "b1", "--id", "b2", "--apply")
    rest = migrate("--function", "library_new:note", "--apply")
    check = migrate()

    assert some.output.startswith("2 changed, 0 without changes\n")
    assert rest.output.startswith("5 changed, 2 without changes\n")
    assert "Nothing is saved" not in rest.output
    assert (check.exit_code, check.output) == (0, "0 would change, 7 without changes\n")


def test_what_does_not_fit_is_told(folder: Path) -> None:
    """With the problems and their paths, and exit code 1."""
    done = migrate()

    assert done.exit_code == 1
    assert done.output.startswith("Error: books/b0: the stored item does not fit")
    assert "\n  $.note: Is required\n" in done.output


def test_a_function_that_fails_is_told(folder: Path) -> None:
    """With what it raised."""
    done = migrate("--function", "library_new:fail")

    assert done.exit_code == 1
    assert "books/b0: the function raised KeyError" in done.output
    assert "caused by KeyError: 'nothing'" in done.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(["library_new", "books"], "must be MODULE:ATTRIBUTE", id="no-attribute"),
        pytest.param(["nowhere:backoffice", "books"], "there is no module 'nowhere'", id="module"),
        pytest.param(["library_new:backofice", "books"], "did you mean 'backoffice'?", id="attribute"),
        pytest.param(["library_new:number", "books"], "is no back office, but int", id="no-back-office"),
        pytest.param(["library_new:backoffice", "bocks"], "did you mean 'books'?", id="collection"),
        pytest.param(["library_new:backoffice", "books", "--id", "x"], "there is no such item", id="id"),
        pytest.param(
            ["library_new:backoffice", "books", "--function", "library_new:number"], "is no function", id="function"
        ),
    ],
)
def test_what_is_not_there_is_told(folder: Path, arguments: list[str], text: str) -> None:
    """With the nearest name where there is one."""
    done = CliRunner().invoke(main, ["migrate", *arguments])

    assert done.exit_code == 1
    assert text in done.output


def test_a_module_that_a_module_needs(folder: Path) -> None:
    """Its absence is not taken for that of the module itself."""
    (folder / "library_new.py").write_text("import nowhere_at_all")

    done = migrate()

    assert isinstance(done.exception, ModuleNotFoundError)


def test_a_bar_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is there while the items are looked at; elsewhere it is not."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    with cli._progress() as progress:
        assert progress is not None
        progress(3, 6)
        progress(6, 6)

    assert "6/6" in capsys.readouterr().out
    assert "6/6" not in migrate("--function", "library_new:note").output


def test_a_process_of_its_own(folder: Path) -> None:
    """`python -m backo` is the command too, and finds modules in the present folder."""
    command = [sys.executable, "-m", "backo", "migrate", "library_new:backoffice", "books"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    check = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    done = subprocess.run(
        [*command, "--function", "library_new:note", "--apply"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )

    assert (check.returncode, check.stdout) == (1, "")
    assert "$.note: Is required" in check.stderr
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("7 changed, 0 without changes\n")


def check(*arguments: str, module: str = "library_old") -> Result:
    """Run the check on the books of a library."""
    return CliRunner().invoke(main, ["check", f"{module}:backoffice", *arguments])


def damage(folder: Path, statement: str) -> None:
    """Reach into the file of the library as another program does."""
    with closing(sqlite3.connect(folder / "library.sqlite")) as file, file:
        file.execute(statement)


def test_a_check_of_intact_data(folder: Path) -> None:
    """It says so, and exits with 0."""
    for arguments, text in (
        ([], "nothing wrong was found\n"),
        (["--apply"], "nothing wrong was found\n"),
        (["--structure"], "everything is as declared\n"),
    ):
        done = check(*arguments)
        assert (done.exit_code, done.output) == (0, text)


def test_a_check_tells_what_it_finds(folder: Path) -> None:
    """Each finding in a line, and 1 as long as some are left."""
    damage(folder, "UPDATE books SET _document = '{' WHERE _id = 'b1'")
    damage(folder, "DELETE FROM books WHERE _id = 'b2'")
    damage(folder, "UPDATE books SET _document = json_remove(_document, '$.title') WHERE _id = 'b3'")

    for arguments in ([], ["--apply"]):
        done = check(*arguments)
        assert done.exit_code == 1
        lines = done.output.splitlines()
        assert lines[0].startswith("2 findings")
        assert lines[1].startswith("books/b1: cannot be read")
        assert lines[2] == "books/b3 $.title: Is required (misfit)"


def test_a_check_mends(folder: Path) -> None:
    """With --apply, and then exits with 0."""
    (folder / "library_index.py").write_text(
        LIBRARY.replace("{FIELDS}", '{"title": String(required=True, index=True)}')
    )
    made = check("--structure", module="library_index")
    assert (made.exit_code, made.output.splitlines()[-1]) == (
        1,
        "2 can be mended without loss; nothing is changed yet.",
    )
    made = check("--structure", "--apply", module="library_index")
    assert (made.exit_code, made.output.count("– made")) == (0, 2)
    damage(folder, "UPDATE books SET title = 'x' WHERE _id = 'b1'")

    look, mend = check(module="library_index"), check("--apply", module="library_index")

    assert look.exit_code == 1
    assert "(companion, can be mended)" in look.output
    assert mend.exit_code == 0
    assert mend.output.startswith("1 finding, 1 mended\nbooks/b1 $.title: ")
    sys.modules.pop("library_index")


def test_a_check_of_a_store_that_is_away(folder: Path) -> None:
    """The error is told, with exit code 1."""
    (folder / "library.sqlite").write_text("no database at all, but some text" * 100)

    done = check()

    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "library.sqlite" in done.output
