"""The declarations of files, and what they take."""

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo import jsontext
from backo.errors import DefinitionError, FileError, StateError, ValidationError
from backo.files import content as content_module
from backo.files.connectors import FileSystemConnector, MemoryFileConnector, is_file_id
from backo.files.content import received
from backo.files.fields import BLOB_SIZE, FILE_SIZE, BlobFile, File, FileField
from backo.files.values import FileObject, FileValue, FileVersion
from backo.schema.problems import Refusal
from tests.files.samples import DISGUISED, HTML, PLAIN_SAMPLES, SVG, Sample, png


def file_field(**options: Any) -> File:
    """Declare a file in memory."""
    return File(work=MemoryFileConnector(), **options)


# As somebody declares them who has no type checker.
any_file: Any = File
any_blob: Any = BlobFile


def taken(field: FileField, given_as: Any) -> FileVersion:
    """Let a field check what is given."""
    version = field.compiled()(given_as)
    assert isinstance(version, FileVersion)
    return version


def refusal(field: FileField, given_as: Any) -> list[tuple[str, str]]:
    """Let a field refuse what is given; codes and messages."""
    with pytest.raises(Refusal) as refused:
        field.compiled()(given_as)
    return [(one.code, one.message) for one in refused.value.findings]


BOTH = pytest.mark.parametrize("field", [file_field(), BlobFile()], ids=["File", "BlobFile"])


# Declaring


def test_sizes_have_defaults() -> None:
    """A blob is small, a file may be large."""
    assert BlobFile().max_size == BLOB_SIZE == 8 * 1024**2
    assert file_field().max_size == FILE_SIZE == 1024**3
    assert file_field(max_size=5).max_size == 5


def test_aliases_name_the_connectors() -> None:
    """Both spellings of both options."""
    work, storage = MemoryFileConnector(), MemoryFileConnector()

    for field in (File(work=work, storage=storage), File(work_connector=work, storage_connector=storage)):
        assert (field.work, field.storage) == (work, storage)


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (File, "work_connector"),
        (lambda: any_file(work="folder"), "FileConnector"),
        (lambda: file_field(storage="folder"), "storage_connector"),
        (lambda: BlobFile(max_size=-1), "max_size"),
        (lambda: any_blob(max_size="8k"), "max_size"),
        (lambda: BlobFile(max_size=True), "max_size"),
        (lambda: BlobFile(mime_types="image/png"), "mime_types"),
        (lambda: BlobFile(mime_types=["png"]), "'png'"),
        (lambda: any_blob(mime_types=[3]), "3"),
        (lambda: any_blob(mime_types=3), "mime_types"),
        (lambda: BlobFile(unique=True), "'unique'"),
        (lambda: BlobFile(index=True), "'index'"),
        (lambda: BlobFile(enum=[b"a"]), "'enum'"),
        (lambda: BlobFile(set=lambda item: b"a"), "'set'"),
        (lambda: any_blob(work=MemoryFileConnector()), "work"),
        (lambda: BlobFile(default=b"x", max_size=0), "default"),
    ],
)
def test_a_wrong_declaration_is_refused(declare: Any, text: str) -> None:
    """At once, naming the option."""
    with pytest.raises(DefinitionError, match=text):
        declare()


def test_a_declaration_cannot_be_changed() -> None:
    """Only the name of its own file can be set."""
    field = BlobFile()
    with pytest.raises(DefinitionError):
        field.max_size = 5


def test_facts_are_what_is_declared_as_data() -> None:
    """For `_meta` and the fingerprint; connectors are not told."""
    assert file_field(mime_types=["image/jpg", "image/*", "image/jpeg"], max_size=9).facts() == {
        "mime_types": ["image/jpeg", "image/*"],
        "max_size": 9,
    }


# Taking


@BOTH
@pytest.mark.parametrize(
    "given_as", [b"Hello", "Hello", "base64:SGVsbG8=", io.BytesIO(b"Hello")], ids=["bytes", "text", "base64", "stream"]
)
def test_content_is_taken(field: FileField, given_as: Any) -> None:
    """In every form, with its facts."""
    if isinstance(given_as, io.BytesIO):
        given_as.seek(0)

    version = taken(field, given_as)

    assert version.get_content() == b"Hello"
    assert version.facts() == {
        "file_id": version.file_id,
        "filename": "file.txt",
        "content_type": "text/plain",
        "size": 5,
    }
    assert is_file_id(version.file_id)
    assert len(version.digest) == 32


@BOTH
def test_what_has_arrived_is_taken_with_its_name(field: FileField) -> None:
    """An upload; its name refines what kind of text it is. It can be taken again, for another try."""
    arrived = received(b"a;b\n", 100, filename="C:\\tables\\one.csv")

    first, second = taken(field, arrived), taken(field, arrived)

    assert (first.filename, first.content_type) == ("one.csv", "text/csv")
    assert first.file_id != second.file_id
    assert second.get_content() == b"a;b\n"


@BOTH
@pytest.mark.parametrize(
    "given_as",
    [
        {},
        {"file_id": "0" * 32},
        {"content": "SGVsbG8="},
        12,
        True,
        ["a"],
        object(),
        {"file_id": "0" * 32, "filename": "a", "content_type": "text/plain", "size": 1, "href": None},
        {"file_id": "0" * 32, "filename": "a", "content_type": "text/plain", "size": 1, "digest": "0"},
    ],
)
def test_anything_else_is_refused(field: FileField, given_as: Any) -> None:
    """An object that is not that of this file, a stored form sent by a client, other types."""
    assert [code for code, _ in refusal(field, given_as)] == ["file"]


@BOTH
def test_wrong_base64_is_refused(field: FileField) -> None:
    """With a code of its own."""
    assert refusal(field, "base64:???")[0][0] == "base64"


def test_size_is_refused_by_the_field() -> None:
    """A byte too much, whether it has arrived or is only given."""
    field = file_field(max_size=4)

    assert taken(field, b"1234").size == 4
    for given_as in (b"12345", "12345", io.BytesIO(b"12345"), received(b"12345", 100)):
        assert refusal(field, given_as) == [("max_size", "Must have at most 4 bytes")]


def test_types_are_refused_by_content() -> None:
    """The message tells what it is."""
    field = file_field(mime_types=["image/jpeg", "image/png"])

    assert taken(field, png()).content_type == "image/png"
    assert refusal(field, b"Hello") == [
        ("mime_type", "Must be of type image/jpeg, image/png; by its content it is text/plain")
    ]


@pytest.mark.parametrize("sample", DISGUISED, ids=lambda one: one.filename)
def test_disguises_are_refused(sample: Sample) -> None:
    """A field for the type that the name promises does not take what only claims to be it."""
    by_extension = {one.filename.rpartition(".")[2]: one.content_type for one in PLAIN_SAMPLES}
    promised = by_extension.get(sample.filename.rpartition(".")[2], "text/plain")
    field = file_field(mime_types=[promised])

    found = refusal(field, received(sample.content, 10**6, filename=sample.filename))

    assert found[0][0] == "mime_type"
    assert found[0][1].endswith(sample.content_type)


def test_all_that_is_wrong_is_told() -> None:
    """Size and type together."""
    codes = [code for code, _ in refusal(file_field(max_size=3, mime_types=["image/png"]), received(HTML, 1000))]

    assert codes == ["max_size", "mime_type"]


def test_files_are_not_compared() -> None:
    """A filter can only ask whether there is one."""
    for ask in (BlobFile().operand, BlobFile().from_text):
        with pytest.raises(Refusal):
            ask("x")


def test_more_than_memory_takes_waits_beside_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of the work connector, so that it can be moved instead of copied."""
    monkeypatch.setattr(content_module, "IN_MEMORY", 10)
    field = File(work=FileSystemConnector(path=tmp_path))

    version = taken(field, b"more than ten bytes")

    assert len(list(tmp_path.iterdir())) == 1
    del version
    assert list(tmp_path.iterdir()) == []


# Documents


def test_a_document_keeps_the_facts_of_a_file() -> None:
    """With the digest, and nothing of the content."""
    field = file_field()
    version = taken(field, b"Hello")

    json = field.to_json(version)

    assert json == {**version.facts(), "digest": version.digest}
    assert field.from_json(json) == version


def test_a_document_keeps_the_content_of_a_blob() -> None:
    """In base64, beside the facts."""
    field = BlobFile()
    version = taken(field, b"Hello")

    json = field.to_json(version)
    again = field.from_json(json)

    assert json == {**version.facts(), "digest": version.digest, "content": "SGVsbG8="}
    assert again == version
    assert field.to_json(again)["content"] is json["content"]
    with again.open(1, 3) as stream:
        assert stream.read() == b"ell"


@given(st.binary(max_size=500), st.text(max_size=50))
def test_a_blob_survives_its_document(content: bytes, filename: str) -> None:
    """Whatever is in it and whatever it is called, through JSON text."""
    field = BlobFile()
    version = taken(field, received(content, 1000, filename=filename))

    again = field.from_json(jsontext.decode(jsontext.encode(field.to_json(version))))

    assert again == version
    assert again.get_content() == content


@pytest.mark.parametrize(
    "change",
    [
        {"file_id": "../../etc/passwd"},
        {"file_id": None},
        {"filename": ""},
        {"filename": 3},
        {"content_type": None},
        {"size": "5"},
        {"size": -1},
        {"size": True},
        {"size": 6},
        {"digest": None},
        {"content": None},
        {"content": "SGVsbG8"},
    ],
    ids=str,
)
def test_a_damaged_document_is_refused(change: dict[str, Any]) -> None:
    """One that somebody edited by hand, for example."""
    field = BlobFile()
    json = {**field.to_json(taken(field, b"Hello")), **change}

    with pytest.raises(ValueError, match="Must"):
        field.from_json(json)


def test_a_damaged_content_is_missing() -> None:
    """Base64 that is none is found when it is read."""
    field = BlobFile()
    json = {**field.to_json(taken(field, b"Hello")), "content": "????????"[:8]}

    with pytest.raises(FileError):
        field.from_json({**json, "size": 6}).get_content()


@pytest.mark.parametrize("json", [None, "x", [], 3])
def test_no_document_at_all_is_refused(json: Any) -> None:
    """It has to be an object."""
    with pytest.raises(ValueError, match="Must"):
        file_field().from_json(json)


# A file of the declaration's own


def test_the_example_of_the_document() -> None:
    """As SEED.txt shows it, with the size mended."""
    a = BlobFile()

    a.set(b"Hello word")
    a.set_content(b"Hello word")
    a.filename = "my_hello.txt"

    assert a.content_type == "text/plain"
    assert a.size == 10
    assert is_file_id(a.file_id)
    assert a.filename == "my_hello.txt"
    assert a.get_content() == b"Hello word"
    with a.open() as stream:
        assert stream.read() == b"Hello word"


def test_a_file_alone_is_checked() -> None:
    """As it would be in an item; what is refused changes nothing."""
    a = BlobFile(max_size=5, mime_types=["text/plain"])
    a.set("Hello")

    for wrong in (b"Hello word", SVG, {"a": 1}, 12):
        with pytest.raises(ValidationError) as refused:
            a.set(wrong)
        assert refused.value.problems[0].path == "$"

    assert a.get_content() == b"Hello"
    a.set(None)
    assert a.size is None


def test_two_declarations_share_nothing() -> None:
    """Each has its own file."""
    a, b = BlobFile(), BlobFile()
    a.set(b"a")

    assert b.file_id is None
    with pytest.raises(FileError):
        b.get_content()
    with pytest.raises(StateError):
        b.filename = "x"


# Values


def value_of(field: FileField, version: FileVersion | None = None) -> FileValue:
    """Make a handle that keeps what its field takes."""
    return FileValue(
        version, lambda given_as: None if given_as is None else field.compiled()(given_as), lambda: "/here"
    )


def test_an_unset_file_is_false() -> None:
    """It equals None, and has no facts."""
    value = value_of(BlobFile())

    assert not value
    assert value == None  # noqa: E711  # the comparison is what is tested
    assert value._plain() is None
    assert [value[name] for name in value] == [None] * 5
    with pytest.raises(FileError):
        value.open()


def test_a_set_file_tells_its_facts() -> None:
    """As attributes, by name, and as a plain object."""
    value = value_of(BlobFile())
    value.set(b"Hello")

    assert value
    assert (value.filename, value.content_type, value.size) == ("file.txt", "text/plain", 5)
    assert value._plain() == {**taken_facts(value), "href": "/here"}
    assert {name: value[name] for name in value} == value._plain()
    assert value == value._plain() == dict(value._plain() or {})
    assert value == value.version
    assert value != value_of(BlobFile())
    assert "Hello" not in repr(value)
    with pytest.raises(KeyError):
        value["digest"]


def taken_facts(value: FileValue) -> dict[str, Any]:
    """Give the facts of a file that is there."""
    assert value.version is not None
    return value.version.facts()


def test_new_content_has_a_new_id_and_keeps_the_name() -> None:
    """Unless it brings a name of its own."""
    value = value_of(BlobFile())
    value.set(b"a;b")
    value.filename = "a/one.csv"
    before = value.file_id

    value.set_content(b"c;d")

    assert (value.filename, value.content_type) == ("one.csv", "text/csv")
    assert value.file_id != before
    value.set_content(received(b"x", 10, filename="two.txt"))  # type: ignore[arg-type]  # what an upload is
    assert (value.filename, value.content_type) == ("two.txt", "text/plain")


def test_a_new_name_keeps_content_and_id() -> None:
    """It may change which kind of text it is, never more."""
    value = value_of(BlobFile())
    value.set(b"a;b")
    before = value.file_id

    value.filename = "one.csv"
    assert (value.file_id, value.content_type) == (before, "text/csv")
    value.filename = "one.png"
    assert value.content_type == "text/plain"
    value.set(HTML)
    value.filename = "one.txt"
    assert value.content_type == "text/html"


def test_a_file_read_elsewhere_is_copied() -> None:
    """From a handle, or its plain form: the same content under an id of its own, in any kind of field."""
    value = value_of(BlobFile())
    value.set(b"Hello")

    for field in (BlobFile(), file_field()):
        for given_as in (value, value._plain(), copy.deepcopy(value._plain())):
            version = taken(field, given_as)
            assert version.file_id != value.file_id
            assert version.get_content() == b"Hello"
            assert version.digest == taken(field, b"Hello").digest


def test_a_plain_object_that_was_changed_means_nothing() -> None:
    """Its facts are read, not written."""
    value = value_of(BlobFile())
    value.set(b"Hello")
    changed: dict[str, Any] = value._plain() or {}
    changed["filename"] = "other.txt"

    assert refusal(BlobFile(), changed)[0][0] == "file"


def test_a_plain_object_is_json() -> None:
    """It is encoded, copied and pickled like the dict that it is."""
    version = taken(BlobFile(), b"Hello")
    plain = FileObject(version, "/here")

    assert jsontext.decode(jsontext.encode(plain)) == plain
    again = pickle.loads(pickle.dumps(plain))  # noqa: S301  # what was pickled a moment ago
    assert (type(again), again) == (dict, plain)
    assert copy.deepcopy(plain).version is version
    assert copy.deepcopy(version) is version
    assert version["size"] == 5
    with pytest.raises(KeyError):
        version["digest"]
