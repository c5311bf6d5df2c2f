"""Time spent waiting for a place is taken from the time a call has; large bodies share room."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from flask import Flask, request

from cds_service.errors import Overloaded
from cds_service.fhir import client as fhir_client
from cds_service.fhir.client import FhirClient
from cds_service.fhir.policy import Policy
from cds_service.fhir.transport import Deadline
from cds_service.settings import Settings
from cds_service.web import create_app, errors, overload
from cds_service.web.overload import LARGE, ROOM, Room
from tests.conformance.calls import VIEW, overdue

NOBODY = "http://127.0.0.1:9/fhir"
WAITED = 0.2


@pytest.mark.parametrize("waits", [False, True])
def test_a_call_that_waited_has_less_time_to_fetch(
    monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    given: list[float] = []

    class Noted(Deadline):
        def __init__(self, seconds: float) -> None:
            given.append(seconds)
            super().__init__(seconds)

    def take(_: overload.Places) -> bool:
        time.sleep(WAITED if waits else 0)
        return True

    monkeypatch.setattr(fhir_client, "Deadline", Noted)
    monkeypatch.setattr(overload.Places, "take", take)
    monkeypatch.setattr(overload.Places, "leave", lambda _: None)
    client = create_app(Settings.load(auth="open", fhir_servers=(NOBODY,))).test_client()
    body = {name: value for name, value in overdue().items() if name != "prefetch"}
    client.post(VIEW, json=body | {"fhirServer": NOBODY})
    (seconds,) = given
    assert (seconds <= 2.0 - WAITED) is waits


def test_a_little_time_is_always_left() -> None:
    client = FhirClient(Policy(deadline=0.3))
    assert client.sooner(0.0) is client
    assert client.sooner(0.1).policy.deadline == pytest.approx(0.2)
    assert client.sooner(5.0).policy.deadline > 0
    client.close()


# --- large bodies ---

LIMIT = 2 * LARGE


def test_large_bodies_take_room_and_small_ones_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "WAIT", 0.01)
    room = Room(LIMIT)
    taken = [room.take(LIMIT) for _ in range(ROOM)]
    assert room.take(LARGE) == room.take(0) == 0
    for size in (LARGE + 1, LIMIT, None):
        with pytest.raises(Overloaded):
            room.take(size)
    assert room.take(LIMIT + 1) == 0  # it is refused by its size
    room.leave(taken.pop())
    assert room.take(None) == LIMIT


@pytest.fixture
def app() -> Flask:
    """`/call` reads a body, and stays at it for as long as the body says so and `go` is not set."""
    made = Flask(__name__)
    errors.init_app(made)
    made.config["MAX_CONTENT_LENGTH"] = LIMIT + 1
    made.config.update(GO=threading.Event(), INSIDE=threading.Semaphore(0))

    def call() -> str:
        made.config["INSIDE"].release()
        if request.get_data().startswith(b"stay"):
            made.config["GO"].wait(30)
        return "called"

    made.add_url_rule("/call", view_func=call, methods=["POST"])
    overload.init_app(made, Settings.load(body_limit=LIMIT))
    return made


def post(app: Flask, size: int, word: bytes = b"go") -> int:
    return app.test_client().post("/call", data=word.ljust(size)).status_code


def in_chunks(app: Flask, size: int) -> int:
    given = {"wsgi.input": BytesIO(b" " * size), "wsgi.input_terminated": True}
    headers = {"Transfer-Encoding": "chunked"}
    client = app.test_client()
    return client.post("/call", headers=headers, environ_overrides=given).status_code


def test_while_large_bodies_are_worked_on_others_wait_and_small_ones_go_on(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "WAIT", 0.01)
    with ThreadPoolExecutor(ROOM) as pool:
        staying = [pool.submit(post, app, LIMIT, b"stay") for _ in range(ROOM)]
        try:
            assert all(app.config["INSIDE"].acquire(timeout=30) for _ in staying)
            assert post(app, LIMIT) == post(app, 2 * LARGE - 10) == in_chunks(app, 10) == 503
            assert post(app, LARGE) == post(app, 0) == 200
            assert post(app, LIMIT + 2) == 413
        finally:
            app.config["GO"].set()
        assert [one.result() for one in staying] == [200] * ROOM
    assert post(app, LIMIT) == 200


def test_a_body_in_chunks_keeps_the_room_it_turned_out_to_need(app: Flask) -> None:
    for _ in range(3 * ROOM):
        assert in_chunks(app, 10) == in_chunks(app, LIMIT) == post(app, LIMIT) == 200


def test_a_body_cut_short_gives_its_room_back(app: Flask) -> None:
    for _ in range(2 * ROOM):
        given = {"wsgi.input": BytesIO(b"x"), "CONTENT_LENGTH": str(LIMIT)}
        answer = app.test_client().post("/call", environ_overrides=given)
        assert answer.status_code == 400
    assert post(app, LIMIT) == 200
