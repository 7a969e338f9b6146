"""Names of files that stand for ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.connectors.yaml_names import SUFFIX, file_name, id_of

IDS = st.one_of(st.text(max_size=80), st.text("aAbB.%-_~/=", max_size=8), st.text("é\U0001f600A", min_size=60))


@given(IDS)
def test_a_name_is_fit_for_any_file_system(id_: str) -> None:
    """It has no capitals and no other letters, hides nothing, leads nowhere, and is not too long."""
    name = file_name(id_)

    assert name.isascii()
    assert name == name.lower()
    assert "/" not in name
    assert not name.startswith(".")
    assert name.endswith(SUFFIX)
    assert len(name) <= 255


@given(IDS)
def test_a_name_tells_its_id_or_nothing(id_: str) -> None:
    """Short ids can be read from the name; long ones cannot, and are not mistaken for others."""
    found = id_of(file_name(id_))

    assert found == id_ or (found is None and len(file_name(id_)) > 200)


@given(IDS, IDS)
def test_different_ids_have_different_names(first: str, second: str) -> None:
    """Also where capitals do not count."""
    assert (first == second) == (file_name(first).casefold() == file_name(second).casefold())


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("0198c2d4-0000-7000-8000-000000000000", "0198c2d4-0000-7000-8000-000000000000.yml"),
        ("Jo", "%4ao.yml"),
        ("a.b_c~d", "a.b_c~d.yml"),
        (".", "%2e.yml"),
        ("..", "%2e..yml"),
        ("../x", "%2e.%2fx.yml"),
        ("", "%.yml"),
        ("%", "%25.yml"),
        ("é", "%c3%a9.yml"),
        ("\ud800", "%ed%a0%80.yml"),
    ],
)
def test_names_are_readable(id_: str, name: str) -> None:
    """The usual ids stand for themselves."""
    assert file_name(id_) == name
    assert id_of(name) == id_


@pytest.mark.parametrize("name", ["Jo.yml", "%4A.yml", "%zz.yml", "%41.yml".upper(), ".a.yml", "é.yml", "%ff.yml"])
def test_other_names_stand_for_no_id(name: str) -> None:
    """A name that `file_name` would not have given is no name of an item."""
    assert id_of(name) is None
