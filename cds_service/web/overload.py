"""How many calls are worked on at once.

A call is let in when its body is here, so that a slow sender takes no other caller's place.
As many calls again wait for a moment, which is taken from the time they have for fetching; the
rest are told to come back. Health checks always pass, and so does the demo's FHIR server, which
calls under way may be waiting for. People who log in, or launch the SMART app, have places of
their own: these wait for slow hashes and slow servers, and must take none from clients' calls.
"""

from __future__ import annotations

import threading
import time

from flask import Flask, g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from cds_service.errors import BadRequest, Overloaded, RequestTimeout
from cds_service.settings import Settings
from cds_service.web.worker import EXCHANGE, Exchange

WAIT = 0.5  # seconds for a place; an EHR waits a few seconds for its cards
ALWAYS = frozenset(
    {"health.health", "readiness.ready", "metrics.exposition", "static"}
)  # endpoints that need no place


WAITING = frozenset({"login", "smart"})  # blueprints whose requests may take seconds
PEOPLE = 2  # they have one place for so many of those for calls


class Places:
    """Places for calls, and as many to wait for one."""

    def __init__(self, number: int) -> None:
        self._working = threading.BoundedSemaphore(number)
        self._waiting = threading.BoundedSemaphore(number)

    def take(self) -> bool:
        """Whether there was a place, at once or within WAIT seconds."""
        if self._working.acquire(blocking=False):
            return True
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            return self._working.acquire(timeout=WAIT)
        finally:
            self._waiting.release()

    def leave(self) -> None:
        """The place is free again."""
        self._working.release()


def init_app(app: Flask, settings: Settings) -> None:
    """Lets calls in, after whatever may refuse them by their headers alone."""
    calls = Places(settings.in_flight)
    people = Places(max(1, settings.in_flight // PEOPLE))

    @app.before_request
    def _enter() -> None:
        if request.url_rule is None or request.endpoint in ALWAYS:
            return
        _receive()
        if request.blueprint == "demo_fhir":
            return
        places = people if request.blueprint in WAITING else calls
        began = time.monotonic()
        if not places.take():
            raise Overloaded("The service is busy. Call again in a moment.")
        g.place, g.waited = places, time.monotonic() - began

    @app.teardown_request
    def _leave(_: BaseException | None) -> None:
        taken: Places | None = g.pop("place", None)
        if taken:
            taken.leave()


def _receive() -> None:
    """Reads the whole body; it is kept with the request."""
    exchange: Exchange | None = request.environ.get(EXCHANGE)  # there is none without gunicorn
    whole = _is_whole()
    if exchange:
        exchange.received()
    if not whole and exchange and exchange.cut:
        raise RequestTimeout("The body did not arrive in time.")
    if not whole:
        raise BadRequest("The body is not as long, or not in such chunks, as announced.")


def _is_whole() -> bool:
    try:
        return len(request.get_data()) >= (request.content_length or 0)
    except (ClientDisconnected, ParseException, OSError):
        return False
