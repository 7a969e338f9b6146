"""P3, of actions: what belongs to one call never shows in another, however many run at the same time."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, request

from backo import Action, Backoffice, Collection, DBMemoryConnector, Int, Item, List, RightError, String, current_user
from tests.scale import record_figure, scaled

THREADS = 64
CALLS = scaled(4, 200)  # of each thread


def count(action: Any, counter: Any) -> dict[str, Any]:
    """Add to the counter, and tell what this call was about: its user and its parameters, before and after."""
    before = [current_user.login, action.number, action.note, list(action.parts)]
    counter.sum += action.number
    counter.last = f"{action.note}"
    counter.save()
    after = [current_user.login, action.number, action.note, list(action.parts)]
    if action.number % 3 == 0:
        raise RightError(f"{current_user.login} may not add {action.number}")
    return {"before": before, "after": after, "counter": counter}


def is_known(right_name: str, counter: Any) -> bool:
    """Tell whether somebody is logged in."""
    return not current_user.is_anonymous()


def authenticate() -> None:
    """Bind the user that the request names."""
    login = request.headers["X-User"]
    current_user.set({"_id": login, "login": login})


@contextmanager
def hasty_switches() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Caller(threading.Thread):
    """One user, who calls the action of a counter of his own, with parameters that name both."""

    def __init__(self, app: Flask, number: int, start: threading.Barrier) -> None:
        super().__init__()
        self._app, self._number, self._start = app, number, start
        self.crossings: list[str] = []
        self.sum = 0

    def run(self) -> None:
        """Call, and compare each answer with what it has to be."""
        client, login = self._app.test_client(), f"user{self._number}"
        self._start.wait()
        for call in range(CALLS):
            values: dict[str, Any] = {"number": call + 1, "parts": [self._number, call]}
            if call % 2:
                values["note"] = f"{login}-{call}"
            address = f"/shop/counters/_actions/count/c{self._number}"
            answer = client.post(address, json=values, headers={"X-User": login})
            if answer.json != self._expected(login, values, answer.status_code):
                self.crossings.append(f"{login}, {values}: {answer.status_code} {answer.json}")

    def _expected(self, login: str, values: dict[str, Any], status: int) -> Any:
        number, note = values["number"], values.get("note")
        if number % 3 == 0:
            detail = f"{login} may not add {number}"
            title = {"type": "about:blank", "title": "Forbidden", "status": 403}
            return {**title, "code": "right", "detail": detail, "errors": []} if status == 403 else None
        self.sum += number
        seen = [login, number, note, values["parts"]]
        counter = {"sum": self.sum, "last": str(note), "_id": f"c{self._number}"}
        return {"before": seen, "after": seen, "counter": counter}


def test_no_call_sees_another_one() -> None:
    """Of many calls of one action at a time, by many users, each has its own parameters, user and result."""
    numbers = iter(range(THREADS))
    connector = DBMemoryConnector()
    connector.generate_id = lambda _: f"c{next(numbers)}"
    fields = {"sum": Int(default=0), "last": String()}
    home = Collection("counters", Item(fields), connector, meta_data_handler=None)
    parameters = {"number": Int(required=True), "note": String(), "parts": List(Int(), default=[])}
    home.register_action("count", Action(parameters, count, can_see=is_known, can_execute=is_known))
    shop, app = Backoffice("shop"), Flask("app")
    shop.register_collection(home)
    shop.build_routes(app, auth=authenticate)
    for _ in range(THREADS):
        home.create({})
    start = threading.Barrier(THREADS)
    callers = [Caller(app, number, start) for number in range(THREADS)]

    with hasty_switches():
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    crossings = [crossing for caller in callers for crossing in caller.crossings]
    assert crossings == []
    assert {one["_id"]: one["sum"] for one in home.select()} == {
        f"c{number}": caller.sum for number, caller in enumerate(callers)
    }
    record_figure("promises", {"p3_actions_calls": THREADS * CALLS, "p3_actions_crossings": len(crossings)})
