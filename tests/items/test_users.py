from __future__ import annotations

import copy
from typing import Any

import pytest

from backo import (
    CurrentUser,
    DefinitionError,
    Int,
    Item,
    List,
    Ref,
    StateError,
    String,
    ValidationError,
    current_user,
)
from backo.context import request_context
from tests.items.making import found

pytestmark = pytest.mark.usefixtures("users")

JO = {"_id": "7", "login": "jo", "roles": ["ADMIN", "STAFF"]}
NOBODY = {"_id": "000", "login": "ANONYMOUS", "roles": []}


class Member(CurrentUser):
    """A user with more fields and methods."""

    def __init__(self, obj: Any = None) -> None:
        CurrentUser.__init__(self, obj)
        self.add_to_model("email", String())
        self.add_to_model("level", Int(default=1, max=9))
        self.add_to_model("label", String(set=lambda me: me.shown()))

    def shown(self) -> str:
        """Say who it is."""
        return f"user {self.login} ({self._id})"

    def promote(self) -> None:
        """Rise by one level."""
        self.level += 1


# The fields.


def test_setting() -> None:
    """The given keys are merged, the others stay."""
    user = CurrentUser()
    user.set({"_id": "7", "roles": ("ADMIN",)})
    user.set({"login": "jo"})

    assert user.get_value() == {"_id": "7", "login": "jo", "roles": ["ADMIN"]}
    assert list(user) == ["_id", "login", "roles"]
    assert user == {"_id": "7", "login": "jo", "roles": ["ADMIN"]}
    assert repr(user) == "<CurrentUser _id='7', login='jo', roles=['ADMIN']>"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"login": "ann", "_id": 7}, ("$._id", "type")),
        ({"login": "ann", "roles": "ADMIN"}, ("$.roles", "type")),
        ({"login": "ann", "roles": [1]}, ("$.roles[0]", "type")),
        ({"login": "ann", "rules": []}, ("$.rules", "unknown")),
        ([], ("$", "type")),
    ],
)
def test_what_does_not_fit(values: Any, problem: tuple[str, str]) -> None:
    """It is refused with its path, and nothing is set."""
    user = CurrentUser(JO)
    with pytest.raises(ValidationError) as error:
        user.set(values)

    assert found(error) == {problem}
    assert user == JO


@pytest.mark.parametrize("name", ["_id", "login", "roles"])
def test_no_value(name: str) -> None:
    """A user without an id is nobody; nothing is ever None."""
    user = CurrentUser(JO)
    setattr(user, name, None)
    other = CurrentUser(JO)
    other.set({name: None})

    assert user[name] == other[name] == NOBODY[name]
    assert user.is_anonymous() is (name == "_id")


def test_roles() -> None:
    """A user has one, or one of several; a change of the list is checked."""
    user = CurrentUser(JO)
    user.roles.append("COOK")

    assert [user.has_role(one) for one in ("ADMIN", "COOK", "BOSS", "A")] == [True, True, False, False]
    assert [user.has_role(some) for some in (["BOSS", "STAFF"], ["BOSS"], [])] == [True, False, False]
    with pytest.raises(ValidationError):
        user.roles.append(1)  # type: ignore[arg-type]  # that is the point


def test_logging_out() -> None:
    """Who logs out is nobody, in all fields."""
    user = Member(JO | {"email": "jo@example.org", "level": 3})
    user.logout()

    assert user == {"level": 1, **NOBODY, "label": "user ANONYMOUS (000)"}
    assert user.is_anonymous()


def test_users_do_not_share_values() -> None:
    """Neither nobody and somebody, nor a user and its copy."""
    first = CurrentUser()
    second = copy.copy(first)
    first.roles.append("ADMIN")
    first.login = "jo"

    assert second == CurrentUser() == NOBODY


# Classes of one's own.


def test_a_class_of_ones_own() -> None:
    """It has its fields, checked by their types, computed ones too, and its methods."""
    user = Member(JO | {"email": "jo@example.org"})
    user.promote()

    assert isinstance(user, Member)
    assert user.get_value() == JO | {"email": "jo@example.org", "level": 2, "label": "user jo (7)"}
    with pytest.raises(ValidationError):
        user.email = 5
    with pytest.raises(AttributeError, match="did you mean 'email'"):
        user.emial = "x"


def test_a_class_derived_from_it() -> None:
    """It adds to what the one above added."""

    class Boss(Member):
        def __init__(self, obj: Any = None) -> None:
            super().__init__(obj)
            self.remove_model("level")
            self.add_to_model("staff", List(String(), default=["ann"]))

    assert Boss(JO).get_value() == JO | {"email": None, "label": "user jo (7)", "staff": ["ann"]}


@pytest.mark.parametrize("values", [{"emial": "x"}, {"_id": 7}, {"level": 10}, "jo"])
def test_a_user_made_of_what_does_not_fit(values: Any) -> None:
    """It is refused as in `set`."""
    with pytest.raises(ValidationError):
        Member(values)


def test_a_user_made_of_another_one() -> None:
    """It takes the fields that both have."""
    member = Member(JO | {"email": "jo@example.org", "level": 3})

    assert CurrentUser(member) == JO
    assert Member(member) == member
    assert Member(CurrentUser(JO)) == JO | {"level": 1, "label": "user jo (7)"}
    assert Member(current_user).is_anonymous()


def test_what_is_compiled_is_shared() -> None:
    """Users with an equal model are of one class; other models are other classes, of the same one of ones own."""

    class Odd(CurrentUser):
        def __init__(self, bound: int = 0) -> None:
            CurrentUser.__init__(self)
            self.add_to_model("number", Int(max=bound))

    assert type(Member()) is type(Member(JO))
    assert type(Odd(1)) is type(Odd(1))
    assert type(Odd(1)) is not type(Odd(2))
    with pytest.raises(ValidationError):
        Odd(1).number = 2


def test_functions_that_hold_something() -> None:
    """A function that knows its user is never another one's."""

    class Knowing(CurrentUser):
        def __init__(self, obj: Any = None) -> None:
            CurrentUser.__init__(self, obj)
            self.add_to_model("told", String(set=lambda: self.login))

    jo, ann = Knowing(JO), Knowing({"login": "ann"})

    assert (jo.told, ann.told) == ("jo", "ann")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("login", String()),
        ("_secret", String()),
        ("email", "text"),
        ("set", String()),
        ("has_role", String()),
        ("address", Ref(coll="addresses")),
    ],
)
def test_fields_that_cannot_be(name: str, field: Any) -> None:
    """A name that is taken, what is no field, and references are refused."""
    with pytest.raises(DefinitionError, match=name):
        CurrentUser().add_to_model(name, field)


def test_removing_what_cannot_be_removed() -> None:
    """The three fields stay, and others have to be there."""
    with pytest.raises(DefinitionError, match="roles"):
        CurrentUser().remove_model("roles")
    with pytest.raises(DefinitionError, match="email"):
        Member().remove_model("emial")


def test_users_belong_to_no_collection() -> None:
    """What items do in their collection is refused with a hint."""
    with pytest.raises(StateError, match="no collection"):
        CurrentUser().create({})


# `current_user`.


def test_reset_outside_of_a_request() -> None:
    """The user of this context becomes that object, and every later one is of its class."""
    current_user.reset(Member(JO))

    assert (current_user.login, current_user.level, current_user.shown()) == ("jo", 1, "user jo (7)")
    with request_context():
        assert (current_user == NOBODY | {"level": 1, "label": "user ANONYMOUS (000)"}, "email" in current_user) == (
            True,
            True,
        )
        current_user.promote()
        assert current_user.level == 2
    assert current_user.level == 1


def test_reset_inside_a_request() -> None:
    """It replaces the user of that request alone."""
    with request_context():
        current_user.reset(Member(JO))
        assert current_user.shown() == "user jo (7)"
    with request_context():
        assert list(current_user) == ["_id", "login", "roles"]


def test_reset_to_what_was_extended_by_hand() -> None:
    """Fields that were added to the object itself are those of later users too."""
    user = CurrentUser()
    user.add_to_model("email", String())
    current_user.reset(user)

    with request_context():
        current_user.email = "jo@example.org"
        assert current_user.get_value() == NOBODY | {"email": "jo@example.org"}


@pytest.mark.parametrize("obj", [None, JO, Member, "jo"])
def test_reset_to_what_is_no_user(obj: Any) -> None:
    """It is refused, and nobody changes."""
    with pytest.raises(DefinitionError, match="cannot become"):
        current_user.reset(obj)

    assert current_user.is_anonymous()


def test_reset_to_a_class_that_needs_arguments() -> None:
    """Later users could not be made, so it is refused with a hint; for one request it will do."""

    class Needing(CurrentUser):
        def __init__(self, obj: Any) -> None:
            CurrentUser.__init__(self, obj)

    with pytest.raises(DefinitionError, match="obj") as error:
        current_user.reset(Needing(JO))
    with request_context():
        current_user.reset(Needing(JO))
        assert current_user == JO

    assert "obj=None" in str(error.value.hint)


def test_everything_is_forwarded() -> None:
    """Reads, writes, comparisons, iteration and representation are those of the user."""
    current_user.set(JO)
    current_user["login"] = "joe"
    del current_user.roles

    assert dict(zip(current_user, map(current_user.__getitem__, current_user), strict=True)) == current_user.get_value()
    assert current_user == {"_id": "7", "login": "joe", "roles": []}
    assert current_user == CurrentUser(current_user)
    assert CurrentUser(current_user) == current_user
    assert current_user != JO
    assert ("login" in current_user, "email" in current_user) == (True, False)
    assert repr(current_user) == "<CurrentUser _id='7', login='joe', roles=[]>"
    assert {"reset", "has_role", "login"} <= set(dir(current_user))
    with pytest.raises(AttributeError, match="did you mean 'login'"):
        _ = current_user.logni
    with pytest.raises(TypeError):
        hash(current_user)


def test_what_fails_changes_nothing() -> None:
    """A wrong value leaves the user as it was."""
    current_user.set(JO)
    with pytest.raises(ValidationError):
        current_user.login = 5  # type: ignore[assignment]  # that is the point
    with pytest.raises(ValidationError):
        current_user.set({"login": "ann", "nope": 1})

    assert current_user == JO


def test_standalone() -> None:
    """It may be assigned, without effect."""
    current_user.standalone = True

    assert current_user.standalone is False
    assert current_user == NOBODY


def test_items_of_users_are_not_current_users() -> None:
    """A record of a collection has to be copied field by field, so that nothing more gets in."""
    item = Item({"login": String()})

    with pytest.raises(DefinitionError):
        current_user.reset(item)
    assert not isinstance(item, CurrentUser)
