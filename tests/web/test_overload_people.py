"""People who wait for slow hashes or slow servers take no place from clients' calls."""

from __future__ import annotations

import threading

from flask import Blueprint, Flask

from cds_service.settings import Settings
from cds_service.web import errors, overload


def test_a_launch_that_waits_takes_no_place_of_a_call() -> None:
    app, go, inside = Flask(__name__), threading.Event(), threading.Semaphore(0)
    errors.init_app(app)
    smart = Blueprint("smart", __name__, url_prefix="/smart")

    @smart.get("/launch")
    def launch() -> str:
        inside.release()
        go.wait(30)
        return "launched"

    app.register_blueprint(smart)
    app.add_url_rule("/call", view_func=lambda: "called")
    overload.init_app(app, Settings.load(in_flight=2, threads=8))
    waiting = threading.Thread(target=app.test_client().get, args=("/smart/launch",))
    waiting.start()
    inside.acquire(timeout=30)
    try:
        assert app.test_client().get("/call").status_code == 200
        assert app.test_client().get("/smart/launch").status_code == 503  # its only place is taken
        assert app.test_client().get("/call").status_code == 200
    finally:
        go.set()
        waiting.join(30)
    assert app.test_client().get("/smart/launch").status_code == 200
