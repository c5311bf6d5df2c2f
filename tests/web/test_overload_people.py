"""People who wait for slow hashes or slow servers, and readers, take no place of clients' calls.

What is for anyone is read by strangers, too: however many, calls have their places.
"""

from __future__ import annotations

import threading

import pytest
from flask import Blueprint, Flask

from cds_service.settings import Settings
from cds_service.web import errors, overload


def test_a_launch_that_waits_takes_no_place_of_a_call() -> None:
    check("/smart/launch", places=1)


def test_strangers_who_read_take_no_place_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "WAIT", 0.01)
    check("/guideline", places=2)


def check(path: str, places: int) -> None:
    """Calls are answered while so many others are at `path`, where there is no further place."""
    app, go, inside = Flask(__name__), threading.Event(), threading.Semaphore(0)
    errors.init_app(app)
    smart = Blueprint("smart", __name__)

    def slow() -> str:
        inside.release()
        go.wait(30)
        return "there"

    smart.add_url_rule("/smart/launch", view_func=slow)
    app.register_blueprint(smart)
    app.add_url_rule("/guideline", view_func=slow)
    app.add_url_rule("/call", view_func=lambda: "called")
    overload.init_app(app, Settings.load(in_flight=2, threads=8))
    waiting = [threading.Thread(target=app.test_client().get, args=(path,)) for _ in range(places)]
    try:
        for one in waiting:
            one.start()
            assert inside.acquire(timeout=30)
        assert app.test_client().get("/call").status_code == 200
        assert app.test_client().get(path).status_code == 503  # its places are taken
        assert app.test_client().get("/call").status_code == 200
    finally:
        go.set()
        for one in waiting:
            one.join(30)
    assert app.test_client().get(path).status_code == 200
