"""Files inside the trees of an item."""

import copy
from typing import Any

import pytest

from backo.errors import DefinitionError, PathNotFoundError, ValidationError
from backo.files.fields import BlobFile
from backo.files.places import (
    declared_at,
    files_of,
    for_clients,
    for_patches,
    leaves,
    place_of,
    replaced,
    version_at,
    versions,
    with_versions,
)
from backo.files.values import FileVersion
from backo.paths import Place, to_text
from backo.schema.containers import Dict, FreeDict, In, List, Tuple
from backo.schema.fields import Field
from backo.schema.scalars import Int
from tests.files.items import FakeRecord, Library, compiled

FULL = {
    "title": "A book",
    "cover": b"cover",
    "thumb": b"thumb",
    "shop": {"logo": b"logo", "name": "Shop"},
    "photos": [b"one", b"two"],
    "pages": [{"number": "1", "image": b"page"}, {"number": "2"}],
}


@pytest.fixture
def library() -> Library:
    """Give the declaration of books."""
    return Library()


@pytest.fixture
def record(library: Library) -> FakeRecord:
    """Give a book with files everywhere."""
    record = library.record()
    record.set(FULL)
    return record


def href(place: Place) -> str:
    """Give an address."""
    return "/books/1/" + to_text(place)


# Declared


def test_files_are_found_wherever_they_are_declared(library: Library) -> None:
    """In groups and lists, with whether they are the elements of a list."""
    assert {path: place.is_list for path, place in library.files.items()} == {
        ("cover",): False,
        ("scan",): False,
        ("thumb",): False,
        ("shop", "logo"): False,
        ("photos",): True,
        ("pages", "image"): False,
    }
    assert declared_at(library.files, ("pages", 3, "image")) is library.files["pages", "image"]
    assert declared_at(library.files, ("title",)) is None


@pytest.mark.parametrize(
    "field",
    [
        Tuple((Int(), BlobFile())),
        In([Int(), BlobFile()]),
        List(Tuple((BlobFile(),))),
        Tuple((List(BlobFile()),)),
        Tuple((Dict({"a": BlobFile()}),)),
        In([In([BlobFile()])]),
    ],
    ids=["Tuple", "In", "List-Tuple", "Tuple-List", "Tuple-Dict", "In-In"],
)
def test_files_are_refused_where_they_have_no_path(field: Field) -> None:
    """With the path of what holds them."""
    with pytest.raises(DefinitionError, match=r"\$\.inner: a file cannot be inside a (Tuple|In)"):
        files_of(compiled(inner=field))


def test_other_fields_are_passed_over() -> None:
    """What holds no file is nobody's affair."""
    assert files_of(compiled(a=Tuple((Int(),)), b=In([Int(), FreeDict()]))) == {}


# Walking


def test_leaves_are_given_with_their_places(library: Library, record: FakeRecord) -> None:
    """Lists are gone through; what is unset is left out."""
    found = [to_text(place) for path in library.files for place, _ in leaves(path, record._values)]

    assert found == ["$.cover", "$.thumb", "$.shop.logo", "$.photos[0]", "$.photos[1]", "$.pages[0].image"]


def test_replacing_copies_the_way_alone(library: Library, record: FakeRecord) -> None:
    """The tree is not changed, and what is beside the path is shared."""
    document = record.document()
    before = copy.deepcopy(document)

    changed = replaced(("pages", "image"), document, lambda place, leaf: to_text(place))

    assert document == before
    assert changed["pages"][0]["image"] == "$.pages[0].image"
    assert changed["photos"] is document["photos"]
    for path in (("shop", "missing"), ("title", "x"), ("missing",)):
        assert replaced(path, document, lambda place, leaf: "x") == document


def test_versions_are_found_and_put_back(library: Library, record: FakeRecord) -> None:
    """A record that was read from its document again still knows where new content is."""
    known = versions(library.files, record._values)
    decoded: dict[str, Any] = {
        name: None if json is None else record.schema.children[name].field.from_json(json)
        for name, json in record.document().items()
    }
    with pytest.raises(Exception, match="not there"):
        decoded["cover"].get_content()

    values = with_versions(library.files, decoded, known)

    assert len(known) == 6
    assert values["cover"].get_content() == b"cover"
    assert values["pages"][0]["image"].get_content() == b"page"


# What clients send back


def sent(library: Library, record: FakeRecord) -> Any:
    """Give a book as a client reads it."""
    return for_clients(library.files, record.document(), href)


def test_clients_see_facts_and_addresses(library: Library, record: FakeRecord) -> None:
    """Never a digest, never a content."""
    shown = sent(library, record)

    assert shown["photos"][1] == {
        "file_id": record._values["photos"][1].file_id,
        "filename": "file.txt",
        "content_type": "text/plain",
        "size": 3,
        "href": "/books/1/$.photos[1]",
    }
    assert list(shown) == list(record.document())
    assert shown["title"] == "A book"
    assert "content" not in shown["thumb"]
    assert shown["scan"] is None


def test_what_is_sent_back_as_it_was_read_is_unchanged(library: Library, record: FakeRecord) -> None:
    """The whole book, wherever its address was; nothing of it changes."""
    before = record.document()
    shown = for_clients(library.files, before, lambda place: "https://elsewhere.example/" + to_text(place))

    record.set({name: value for name, value in shown.items() if name != "_id"})

    assert record.document() == before


def test_a_list_may_be_reordered_and_extended(library: Library, record: FakeRecord) -> None:
    """Objects that were read keep their files; new content joins them."""
    photos = sent(library, record)["photos"]

    record.set({"photos": [photos[1], "base64:AAAA", photos[0]]})

    contents = [one.get_content() for one in record._values["photos"]]
    assert contents == [b"two", b"\0\0\0", b"one"]
    assert [one.file_id for one in record._values["photos"]][::2] == [photos[1]["file_id"], photos[0]["file_id"]]


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "other.txt"},
        {"size": 4},
        {"size": True},
        {"content_type": "text/html"},
        {"file_id": "0" * 32},
        {"file_id": None},
        {"href": 3},
        {"digest": "0"},
        {"content": "AAAA"},
    ],
    ids=str,
)
def test_any_other_object_is_refused(library: Library, record: FakeRecord, change: dict[str, Any]) -> None:
    """422, and the file stays."""
    before = record.document()

    with pytest.raises(ValidationError) as refused:
        record.set({"cover": {**sent(library, record)["cover"], **change}})

    assert [(one.path, one.code) for one in refused.value.problems] == [("$.cover", "file")]
    assert record.document() == before


@pytest.mark.parametrize("left_out", ["file_id", "filename", "content_type", "size"])
def test_an_object_without_a_fact_is_refused(library: Library, record: FakeRecord, left_out: str) -> None:
    """It is not as it was read."""
    cover = sent(library, record)["cover"]
    del cover[left_out]

    with pytest.raises(ValidationError):
        record.set({"cover": cover})


def test_the_object_of_another_field_or_item_is_refused(library: Library, record: FakeRecord) -> None:
    """An id that a client knows gives him no other file."""
    other = library.record()
    other.set({"cover": b"of another book"})

    for stranger in (sent(library, other)["cover"], sent(library, record)["photos"][0]):
        with pytest.raises(ValidationError):
            record.set({"cover": stranger})


def test_a_stored_document_is_taken_where_it_is_trusted(library: Library, record: FakeRecord) -> None:
    """When it is read from a store; from a client its form is refused."""
    document = {name: value for name, value in record.document().items() if name != "_id"}
    other = library.record()

    with pytest.raises(ValidationError):
        library.record().set({"cover": document["cover"]})
    other.set(document, trusted=True)

    assert other.document() == record.document()
    with pytest.raises(ValidationError):
        other.set({"cover": {"file_id": "x"}}, trusted=True)


# What Python code gives


def test_a_file_of_another_item_is_copied(library: Library, record: FakeRecord) -> None:
    """The same content, under an id of its own; its own file stays what it is."""
    other = library.record()
    theirs = record._values["cover"]

    other.set({"cover": theirs})
    record.set({"cover": theirs, "photos": [theirs, *record._values["photos"]]})

    assert other._values["cover"].file_id != theirs.file_id
    assert other._values["cover"].get_content() == b"cover"
    assert record._values["cover"] == theirs
    assert record._values["photos"][0].file_id != theirs.file_id


def test_plain_values_of_an_item_can_be_given_back(library: Library, record: FakeRecord) -> None:
    """`item.set(item.get_value())` changes nothing; given to another item they are copied."""
    plain = {
        "cover": record._values["cover"]._plain(),
        "photos": [one._plain() for one in record._values["photos"]],
        "shop": {"logo": record._values["shop"]["logo"]._plain(), "name": "Shop"},
    }
    before, other = record.document(), library.record()

    record.set(plain)
    other.set(plain)

    assert record.document() == before
    assert other._values["shop"]["logo"].get_content() == b"logo"
    assert other._values["shop"]["logo"].file_id != record._values["shop"]["logo"].file_id


def test_patches_see_what_clients_see_and_keep_the_files(library: Library, record: FakeRecord) -> None:
    """`copy` and `move` of a patch give the file, not only what is told of it."""
    tree = for_patches(library.files, record.document(), record._values, href)
    assert tree == sent(library, record)

    moved = copy.deepcopy(tree["photos"][0])
    record.set({"cover": moved, "photos": [tree["photos"][1]]})

    assert record._values["cover"].get_content() == b"one"
    assert record._values["cover"].file_id != moved["file_id"]
    assert record._values["photos"][0].get_content() == b"two"


def test_unknown_names_stay_for_the_check(record: FakeRecord) -> None:
    """They are refused by the group, not here."""
    with pytest.raises(ValidationError) as refused:
        record.set({"shop": {"nothing": 1, "logo": b"x"}, "photos": "x"})

    assert refused.value.problems[0].code == "unknown"


# Addresses


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("cover", ("cover",)),
        ("$.cover", ("cover",)),
        ("shop.logo", ("shop", "logo")),
        ("shop/logo", ("shop", "logo")),
        ("/shop/logo/", ("shop", "logo")),
        ("photos[1]", ("photos", 1)),
        ("photos/1", ("photos", 1)),
        ("pages[0].image", ("pages", 0, "image")),
    ],
)
def test_paths_are_read(library: Library, record: FakeRecord, text: str, place: Place) -> None:
    """As selectors, or with slashes; each leads to its file."""
    assert place_of(text) == place
    assert isinstance(version_at(library.files, record.document(), place), FileVersion)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$",
        "/",
        "*",
        "$.*",
        "photos[0:1]",
        "photos[-1]",
        "cover..x",
        "co ver",
        "../../etc/passwd",
        "..",
        "a" * 2000,
        "\0",
        "photos/99999999999999999999",
        "photos/٣",
        "~",
        "a/~2",
    ],
    ids=ascii,
)
def test_what_is_no_path_leads_nowhere(library: Library, record: FakeRecord, text: str) -> None:
    """Without another kind of error, whatever it is."""
    with pytest.raises(PathNotFoundError):
        version_at(library.files, record.document(), place_of(text))


@pytest.mark.parametrize(
    "place",
    [
        ("title",),
        ("scan",),
        ("cover", 0),
        ("photos",),
        ("photos", 2),
        ("pages", 1, "image"),
        ("pages", "image"),
        ("shop",),
        ("_id",),
        (0,),
    ],
)
def test_where_there_is_no_file_there_is_nothing(library: Library, record: FakeRecord, place: Place) -> None:
    """Other fields, unset files, missing elements."""
    with pytest.raises(PathNotFoundError):
        version_at(library.files, record.document(), place)


def test_a_damaged_document_has_no_file(library: Library) -> None:
    """It is not found, rather than failing in some other way."""
    with pytest.raises(PathNotFoundError):
        version_at(library.files, {"cover": {"file_id": "../x"}}, ("cover",))
