"""How many calls are worked on at once.

A call is let in when its body is here, so that a slow sender takes no other caller's place.
As many calls again wait for a moment, which is taken from the time they have for fetching; the
rest are told to come back. Health checks always pass, and so does the demo's FHIR server, which
calls under way may be waiting for. People who log in, or launch the SMART app, have places of
their own: these wait for slow hashes and slow servers, and must take none from clients' calls.
Nor must whoever reads what is for anyone: those have theirs too.

A body is read only where one belongs, from a stranger only a small one. Large ones share room: what
is made of a body takes many times its size (docs/deployment.md, "Several machines").
"""

from __future__ import annotations

import threading
import time
from io import BytesIO

from flask import Flask, g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from cds_service.errors import BadRequest, Overloaded, RequestTimeout
from cds_service.settings import Settings
from cds_service.trust.access import ROUTES, Access
from cds_service.web.wire import too_large
from cds_service.web.worker import EXCHANGE, Exchange

WAIT = 0.5  # seconds for a place; an EHR waits a few seconds for its cards
ALWAYS = frozenset(
    {"health.health", "readiness.ready", "metrics.exposition", "static"}
)  # endpoints that need no place
BUSY = "The service is busy. Call again in a moment."

WAITING = frozenset({"login", "smart"})  # blueprints whose requests may take seconds
PEOPLE = 2  # they have one place for so many of those for calls

STRANGERS = frozenset({Access.PUBLIC, Access.SMART, Access.DEMO})  # served without being known
FORM = 20_000  # bytes of a stranger's: a name, a password, where to go next
LARGE = 250_000  # bytes from which a body takes room
ROOM = 2  # of the largest bodies


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


class Room:
    """Bytes of large bodies that may be here, or on their way, at once."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._free = ROOM * largest
        self._changed = threading.Condition()

    def take(self, size: int | None) -> int:
        """Takes room for a body of `size` bytes (None: not announced), before it is read.

        Returns what was taken. Raises Overloaded when there is none within WAIT seconds.
        """
        needed = self._largest if size is None else size
        if not LARGE < needed <= self._largest:  # a larger one is refused, and not read
            return 0
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= needed, WAIT):
                raise Overloaded(BUSY)
            self._free -= needed
        return needed

    def leave(self, size: int) -> None:
        """`size` bytes of what was taken are free again."""
        with self._changed:
            self._free += size
            self._changed.notify_all()


def init_app(app: Flask, settings: Settings) -> None:
    """Lets calls in, after whatever may refuse them by their headers alone."""
    calls, readers = Places(settings.in_flight), Places(settings.in_flight)
    people = Places(max(1, settings.in_flight // PEOPLE))
    room = Room(settings.body_limit + 1)  # what is cut there is refused: see wire.read_json

    @app.before_request
    def _enter() -> None:
        if request.url_rule is None or request.endpoint in ALWAYS:
            return
        known = "client" in g or ROUTES.get(request.url_rule.rule) not in STRANGERS
        waited = _receive(room if known else None)
        if request.blueprint == "demo_fhir":
            return
        places = calls if known else readers
        if request.blueprint in WAITING:
            places = people
        began = time.monotonic()
        if not places.take():
            raise Overloaded(BUSY)
        g.place, g.waited = places, waited + time.monotonic() - began

    @app.teardown_request
    def _leave(_: BaseException | None) -> None:
        taken: Places | None = g.pop("place", None)
        if taken:
            taken.leave()
        room.leave(g.pop("room", 0))


def _receive(room: Room | None) -> float:
    """Reads the whole body, which is kept with the request; seconds waited for room.

    Without `room` it may be no larger than FORM.
    """
    exchange: Exchange | None = request.environ.get(EXCHANGE)  # there is none without gunicorn
    if request.method == "POST":
        waited, whole = _make_room(room), _is_whole()
    else:
        request.environ["wsgi.input"] = BytesIO()  # what does not belong here is not waited for
        waited, whole = 0.0, True
    if exchange:
        exchange.received()
    if not whole and exchange and exchange.cut:
        raise RequestTimeout("The body did not arrive in time.")
    if not whole:
        raise BadRequest("The body is not as long, or not in such chunks, as announced.")
    if request.method == "POST":
        _measure(room)
    return waited


def _make_room(room: Room | None) -> float:
    """Before anything of the body is read."""
    if room is None:
        request.max_content_length = FORM + 1  # one more, so that in chunks it can be told
        return 0.0
    began = time.monotonic()
    chunks = "Transfer-Encoding" in request.headers
    g.room = room.take(None if chunks else request.content_length or 0)
    return time.monotonic() - began


def _measure(room: Room | None) -> None:
    """How large a body in chunks is, is known when it is here."""
    size = len(request.get_data())
    if room is None and size > FORM:
        raise too_large(FORM)
    if room:
        needed = size if size > LARGE else 0
        room.leave(g.room - needed)
        g.room = needed


def _is_whole() -> bool:
    try:
        return len(request.get_data()) >= (request.content_length or 0)
    except (ClientDisconnected, ParseException, OSError):
        return False
