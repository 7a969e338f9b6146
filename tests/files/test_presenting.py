"""Files as Python code reads them from a record."""

from typing import Any

import pytest

from backo.errors import ValidationError
from backo.files.fields import address_of
from backo.files.values import FileValue
from backo.items.presenting import presented
from backo.paths import Place
from tests.files.items import FakeRecord, Library


@pytest.fixture
def record() -> FakeRecord:
    """Give an empty book."""
    return Library().record()


def read(record: FakeRecord, *place: str | int) -> FileValue:
    """Read a file of a record, as an attribute does."""
    value: Any = record._values
    for step in place:
        value = None if value is None else value[step]
    node = record.schema.nodes[tuple(step for step in place if isinstance(step, str))]
    found = presented(node.inner, record, node, place, value)
    assert isinstance(found, FileValue)
    return found


@pytest.mark.parametrize("place", [("cover",), ("thumb",), ("shop", "logo")], ids=str)
def test_setting_content_changes_the_record(record: FakeRecord, place: Place) -> None:
    """An unset file can be set through its handle, in a group too."""
    value = read(record, *place)
    assert not value

    value.set_content(b"Hello")

    assert value.get_content() == b"Hello"
    assert read(record, *place) == value
    value.filename = "a.csv"
    assert read(record, *place).content_type == "text/csv"
    value.set(None)
    assert not read(record, *place)


def test_an_element_of_a_list_can_be_changed(record: FakeRecord) -> None:
    """In its place; the others stay."""
    record.set({"photos": [b"one", b"two"], "pages": [{"image": b"first"}]})
    kept = read(record, "photos", 0).file_id

    read(record, "photos", 1).set_content(b"new")
    read(record, "pages", 0, "image").filename = "page.md"

    assert [one.get_content() for one in record._values["photos"]] == [b"one", b"new"]
    assert read(record, "photos", 0).file_id == kept
    assert read(record, "pages", 0, "image").content_type == "text/markdown"


def test_what_is_refused_changes_nothing(record: FakeRecord) -> None:
    """The problem names the path, the file stays."""
    value = read(record, "thumb")
    value.set(b"Hello")

    with pytest.raises(ValidationError) as refused:
        value.set_content(b"x" * 1001)

    assert [one.path for one in refused.value.problems] == ["$.thumb"]
    assert value.get_content() == read(record, "thumb").get_content() == b"Hello"


def test_who_gives_addresses_registers_them(record: FakeRecord) -> None:
    """A record without an address has files without one."""
    read(record, "thumb").set(b"Hello")
    assert read(record, "thumb")["href"] is None

    class Addressed(FakeRecord):
        pass

    @address_of.register(Addressed)
    def _address(record: Addressed, place: Place) -> str:
        return "/books/1/" + "/".join(map(str, place))

    addressed = Addressed(record.schema)
    addressed.set({"shop": {"logo": b"x"}})

    assert read(addressed, "shop", "logo")["href"] == "/books/1/shop/logo"
