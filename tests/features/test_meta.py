from tests.features.dialogue import Answer, Dialogue


def test_the_description(talk: Dialogue) -> None:
    """The application, its collections, their items: all that a front end needs."""
    answer = talk("GET /library/_meta")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.body["name"] == "library"
    described = {one["name"]: one["item"]["sub_scheme"] for one in answer.body["collections"]}
    assert list(described) == ["authors", "books", "logs"]
    assert list(described["books"]) == ["title", "pages", "tags", "place", "author", "_id"]
    assert list(described["logs"]) == ["text", "more", "_id", "_meta"]
    pages = described["books"]["pages"]
    assert (pages["type_short"], pages["min"], pages["max"], pages["constraints"]) == ("Int", 1, 10_000, ["func"])
    author = described["books"]["author"]
    assert (author["type_short"], author["collection"], author["reverse"]) == ("Ref", "authors", "$.books")
    books = described["authors"]["books"]
    assert (books["type_short"], books["collection"], books["reverse"]) == ("RefsList", "books", "$.author")
    assert described["books"]["place"]["sub_scheme"]["shelf"]["type_short"] == "Int"


def test_the_description_is_known_by_its_tag(talk: Dialogue) -> None:
    """It is not sent twice."""
    etag = talk("GET /library/_meta/").headers["ETag"]

    assert talk("GET /library/_meta", headers={"If-None-Match": etag}) == Answer(304)
