import contextvars
import copy
import pickle
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from backo import SYSTEM, CurrentUser, CurrentUserWrapper, ValidationError, acting_as, current, current_user
from backo.context import is_lifted, request_context
from backo.items import users as users_module

JO = {"_id": "7", "login": "jo", "roles": ["ADMIN"]}
ANN = {"_id": "8", "login": "ann", "roles": []}
NOBODY = {"_id": "000", "login": "ANONYMOUS", "roles": []}

pytestmark = pytest.mark.usefixtures("users")


def elsewhere(function: Callable[[], Any]) -> Any:
    """Call a function in another thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_nobody() -> None:
    """Outside of a request, and until somebody says who it is, nobody acts."""
    assert current_user.get_value() == NOBODY
    assert current_user.is_anonymous()
    assert current is current_user
    assert type(current_user) is CurrentUserWrapper


def test_a_request() -> None:
    """It starts as nobody, and ends as it began, also when it fails."""
    current_user.set(ANN)

    with pytest.raises(ZeroDivisionError), request_context():
        assert current_user == NOBODY
        current_user.set(JO)
        assert current_user == JO
        raise ZeroDivisionError

    assert current_user == ANN


def test_nobody_takes_no_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request in which nobody is asked for more makes no user."""
    made: list[Any] = []
    monkeypatch.setattr(CurrentUser, "_hold_nobody", made.append)

    with request_context():
        assert (current_user._id, current_user.login, current_user.is_anonymous()) == ("000", "ANONYMOUS", True)

    assert made == []


def test_a_request_in_steps() -> None:
    """Its user and its blocks are there in each step, and away in between."""
    context = request_context()

    def body() -> Iterator[str]:
        with acting_as(SYSTEM):
            yield current_user.login
        yield current_user.login

    parts = body()
    with context:
        current_user.set(JO)
        assert (next(parts), is_lifted()) == ("jo", True)
    assert (current_user.login, is_lifted()) == ("ANONYMOUS", False)
    with context:
        assert is_lifted()
        assert (next(parts), is_lifted()) == ("jo", False)


def test_changes_stay_in_their_context() -> None:
    """What is changed outside of a request is not seen in other contexts, nor the other way round."""
    current_user.set(JO)
    child = contextvars.copy_context()

    child.run(current_user.set, ANN)
    child.run(setattr, current_user, "roles", ["CHILD"])
    current_user.login = "joe"

    assert (current_user.login, current_user.roles) == ("joe", ["ADMIN"])
    assert child.run(current_user.get_value) == ANN | {"roles": ["CHILD"]}
    assert elsewhere(current_user.get_value) == NOBODY


def test_what_a_request_starts_sees_its_user() -> None:
    """A thread that gets the context of a request acts as its user, who may be named later."""
    with request_context():
        child = contextvars.copy_context()
        current_user.set(JO)

        assert elsewhere(lambda: child.run(current_user.get_value)) == JO


def test_many_threads() -> None:
    """64 threads with different users never see one another."""
    together = threading.Barrier(64)

    def work(number: int) -> bool:
        seen = set()
        with request_context():
            current_user.set({"_id": str(number), "login": f"user {number}", "roles": [f"role {number}"]})
            together.wait()
            for _ in range(50):
                seen.add((current_user._id, current_user.login, *current_user.roles))
                with acting_as({"_id": f"other {number}"}):
                    seen.add((str(number), f"user {number}", *current_user.roles, f"role {number}"))
            together.wait()
        return seen == {(str(number), f"user {number}", f"role {number}")} and current_user.is_anonymous()

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(work, range(64)))


# Acting as somebody else.


def test_system() -> None:
    """It lifts rights, while the user stays who it is and may still be named."""
    with request_context():
        with acting_as(SYSTEM):
            assert is_lifted()
            assert current_user.is_anonymous()
            current_user.set(JO)

        assert not is_lifted()
        assert current_user == JO


def test_system_outside_of_a_request() -> None:
    """There too, who is named while rights are lifted stays."""
    with acting_as(SYSTEM):
        current_user.set(JO)

    assert current_user == JO


@pytest.mark.parametrize("actor", [ANN, CurrentUser(ANN)], ids=["dict", "user"])
def test_somebody(actor: Any) -> None:
    """It is that user with that user's rights, also where rights are lifted around."""
    current_user.set(JO)

    with acting_as(SYSTEM), acting_as(actor):
        assert current_user == ANN
        assert not is_lifted()
        current_user.login = "changed"
        assert current_user.login == "changed"
        with acting_as(SYSTEM):
            assert is_lifted()
            assert current_user.login == "changed"
        assert not is_lifted()

    assert current_user == JO
    assert actor == ANN


def test_the_user_of_now() -> None:
    """`acting_as(current_user)` takes rights back where they are lifted."""
    current_user.set(JO)

    with acting_as(SYSTEM), acting_as(current_user):
        assert (current_user == JO, is_lifted()) == (True, False)


def test_a_block_in_which_something_fails() -> None:
    """What was before is restored."""
    for actor in (SYSTEM, JO):
        with pytest.raises(ZeroDivisionError), acting_as(actor):
            raise ZeroDivisionError

    assert (current_user == NOBODY, is_lifted()) == (True, False)


@pytest.mark.parametrize("actor", [None, "jo", 7, CurrentUser, ["_id"]])
def test_what_nobody_can_act_as(actor: Any) -> None:
    """Anything else is refused, with what to give."""
    with pytest.raises(ValidationError, match="nobody can act as") as error, acting_as(actor):
        pass

    assert "SYSTEM" in str(error.value.hint)


@pytest.mark.parametrize("values", [{"_id": 7}, {"name": "jo"}, {"roles": "ADMIN"}])
def test_values_that_do_not_fit(values: dict[str, Any]) -> None:
    """They are refused, and nobody else acts."""
    with pytest.raises(ValidationError), acting_as(values):
        pass

    assert current_user == NOBODY


def test_a_request_inside_a_block() -> None:
    """It is not the affair of the block around it."""
    with acting_as(SYSTEM), acting_as(JO), request_context():
        assert (current_user == NOBODY, is_lifted()) == (True, False)
        with acting_as(SYSTEM):
            assert is_lifted()
    assert not is_lifted()


def lifted() -> Generator[bool]:
    """Lift rights for as long as this is read."""
    with acting_as(SYSTEM):
        while True:
            yield is_lifted()


def test_generators() -> None:
    """A block ends with its generator, in whatever order blocks end."""
    with closing(lifted()) as first:
        assert next(first)
        with acting_as(JO):
            assert not is_lifted()
            first.close()
            assert (current_user.login, is_lifted()) == ("jo", False)
    assert (current_user.login, is_lifted()) == ("ANONYMOUS", False)


def test_a_generator_that_ends_elsewhere() -> None:
    """That is no error there, and takes nothing away."""
    generator = lifted()
    child = contextvars.copy_context()
    child.run(next, generator)

    def end() -> tuple[bool, bool]:
        with acting_as(SYSTEM):
            generator.close()
            return is_lifted(), True

    assert elsewhere(end) == (True, True)
    assert not is_lifted()


def test_a_context_outlives_the_block_in_which_it_was_copied() -> None:
    """It goes on acting as it did."""
    with acting_as(SYSTEM), acting_as(ANN):
        child = contextvars.copy_context()

    assert child.run(is_lifted) is False
    assert child.run(current_user.get_value) == ANN


def test_the_sentinel() -> None:
    """It says what it is, and there is one."""
    assert repr(SYSTEM) == "SYSTEM"
    assert pickle.loads(pickle.dumps(SYSTEM)) is SYSTEM  # noqa: S301  # our own bytes
    assert copy.deepcopy(SYSTEM) is SYSTEM


def test_where_users_come_from() -> None:
    """The class that users are of unless somebody says otherwise is the public one."""
    with request_context():
        current_user.set(JO)

        assert users_module.CurrentUser is CurrentUser
        assert isinstance(copy.copy(current_user).login, str)
