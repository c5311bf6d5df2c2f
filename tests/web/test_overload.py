"""Time spent waiting for a place is taken from the time a call has; large bodies share room."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import Overloaded
from cds_service.fhir import client as fhir_client
from cds_service.fhir.client import FhirClient
from cds_service.fhir.policy import Policy
from cds_service.fhir.transport import Deadline
from cds_service.settings import Settings
from cds_service.web import create_app, errors, overload
from cds_service.web.overload import CHART, LARGE, ROOM, Body, Room
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

LIMIT = 2 * CHART


def arriving(room: Room, size: int) -> Body:
    """A body of which so many bytes have arrived."""
    body = Body(BytesIO(b" " * size), room)
    while body.read(65_536):
        pass
    return body


def test_large_bodies_take_room_and_small_ones_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "WAIT", 0.01)
    room = Room(ROOM * LIMIT)
    whole = [arriving(room, LIMIT) for _ in range(ROOM)]
    for size in (0, LARGE):
        arriving(room, size)
    for size in (LARGE + 1, LIMIT):
        with pytest.raises(Overloaded):
            arriving(room, size)
    whole.pop().leave()
    part = arriving(room, LIMIT // 2)
    with pytest.raises(Overloaded):
        arriving(room, LIMIT)  # what it had taken is free again at once
    part.leave()
    arriving(room, LIMIT)


@given(st.lists(st.integers(1, 3 * LARGE), max_size=8))
def test_a_body_is_read_whole_in_whatever_pieces_it_is_asked_for(sizes: list[int]) -> None:
    sent = random.Random(1).randbytes(2 * LARGE + 3)
    body = Body(BytesIO(sent), Room(LIMIT))
    read = [body.read(size) for size in (*sizes, *[len(sent)] * 4)]
    assert b"".join(read) == sent
    assert all(len(piece) <= size for piece, size in zip(read, sizes, strict=False))


def test_bodies_that_wait_for_each_other_all_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has half of what it needs: one at least is refused, and its room lets another in."""
    monkeypatch.setattr(overload, "WAIT", 0.2)
    room, both = Room(2 * LARGE + 2), threading.Barrier(2)

    class Halved(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == LARGE + 1:
                both.wait(30)
            return super().read(LARGE + 1)

    def outcome(_: int) -> bool:
        body = Body(Halved(b" " * (2 * LARGE + 2)), room)
        try:
            while body.read(LARGE + 1):
                pass
        except Overloaded:
            return False
        else:
            return True
        finally:
            body.leave()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(outcome, range(2)))[0] is False
    assert arriving(room, 2 * LARGE + 2)


def test_an_ordinary_large_chart_has_room_in_every_call_however_low_the_limit() -> None:
    for limit in (LARGE, CHART, 2 * CHART, 10 * CHART):
        settings = Settings.load(body_limit=limit)
        room = Room(overload.room_for(settings))
        charts = [arriving(room, min(CHART, limit)) for _ in range(settings.in_flight)]
        assert sum(one.waited for one in charts) < overload.WAIT


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
    overload.init_app(made, Settings.load(body_limit=LIMIT, in_flight=2 * ROOM))
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
            assert post(app, LIMIT) == post(app, LIMIT - 10) == in_chunks(app, LIMIT) == 503
            assert post(app, LARGE) == post(app, 0) == in_chunks(app, LARGE) == 200
            assert post(app, LIMIT + 2) == 413
        finally:
            app.config["GO"].set()
        assert [one.result() for one in staying] == [200] * ROOM
    assert post(app, LIMIT) == 200


class Stalled(BytesIO):
    """Sends nothing until `go`."""

    def __init__(self, inside: threading.Semaphore, go: threading.Event) -> None:
        super().__init__()
        self._told = inside.release, go.wait

    def read(self, size: int | None = -1) -> bytes:
        for tell in self._told:
            tell()
        return b""


def test_bodies_that_do_not_come_take_room_from_nobody(app: Flask) -> None:
    inside, go = threading.Semaphore(0), threading.Event()

    def stall(announced: dict[str, object]) -> int:
        given = {"wsgi.input": Stalled(inside, go), "wsgi.input_terminated": True, **announced}
        return app.test_client().post("/call", environ_overrides=given).status_code

    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    with ThreadPoolExecutor(2 * ROOM) as pool:
        stalled = [
            pool.submit(stall, announced)
            for announced in [{"CONTENT_LENGTH": str(LIMIT)}, chunked] * ROOM
        ]
        try:
            assert all(inside.acquire(timeout=30) for _ in stalled)
            assert post(app, LIMIT) == in_chunks(app, LIMIT) == 200
        finally:
            go.set()
        assert [one.result() for one in stalled] == [400, 200] * ROOM


def test_a_body_in_chunks_keeps_the_room_it_turned_out_to_need(app: Flask) -> None:
    for _ in range(3 * ROOM):
        assert in_chunks(app, 10) == in_chunks(app, LIMIT) == post(app, LIMIT) == 200


def test_a_body_cut_short_gives_its_room_back(app: Flask) -> None:
    for _ in range(2 * ROOM):
        given = {"wsgi.input": BytesIO(b"x"), "CONTENT_LENGTH": str(LIMIT)}
        answer = app.test_client().post("/call", environ_overrides=given)
        assert answer.status_code == 400
    assert post(app, LIMIT) == 200
