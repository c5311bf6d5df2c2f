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
from typing import IO

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
ROOM = 2  # of the largest bodies, at least
CHART = 1_000_000  # bytes of a large chart as EHRs send them


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
    """Bytes of large bodies that may be here at once."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = threading.Condition()

    def take(self, size: int, seconds: float) -> bool:
        """Whether there was so much, at once or within `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, seconds):
                return False
            self._free -= size
        return True

    def leave(self, size: int) -> None:
        """`size` bytes of what was taken are free again."""
        with self._changed:
            self._free += size
            self._changed.notify_all()


class Body:
    """A body on its way. It takes room for what is here of it, not for what was announced.

    So whoever announces much and sends little takes room from nobody. It is asked for in large
    pieces: with each, gunicorn copies all that it has received beyond.
    """

    def __init__(self, stream: IO[bytes], room: Room) -> None:
        self._stream = stream
        self._room = room
        self._piece = b""
        self._read = 0  # of the piece
        self._here = 0
        self._taken = 0
        self.waited = 0.0  # seconds, WAIT at most: bodies that wait for each other must all end

    def read(self, size: int) -> bytes:
        """As of the stream. Raises Overloaded where there is no room for more."""
        if self._read == len(self._piece):
            self._piece, self._read = self._stream.read(LARGE), 0
            self._here += len(self._piece)
            if self._here > LARGE:
                self._take(self._here - self._taken)
        data = self._piece[self._read : self._read + size]
        self._read += len(data)
        return data

    def _take(self, size: int) -> None:
        began = time.monotonic()
        if not self._room.take(size, WAIT - self.waited):
            self.leave()
            raise Overloaded(BUSY)
        self._taken += size
        self.waited += time.monotonic() - began

    def leave(self) -> None:
        """The room is free again."""
        self._room.leave(self._taken)
        self._taken = 0


def room_for(settings: Settings) -> int:
    """Bytes for large bodies: some of the largest, and a usual chart for every call."""
    largest = settings.body_limit
    return max(ROOM * largest, settings.in_flight * min(CHART, largest))


def init_app(app: Flask, settings: Settings) -> None:
    """Lets calls in, after whatever may refuse them by their headers alone."""
    calls, readers = Places(settings.in_flight), Places(settings.in_flight)
    people = Places(max(1, settings.in_flight // PEOPLE))
    room = Room(room_for(settings))

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

    app.teardown_request(_leave)


def _leave(_: BaseException | None) -> None:
    for name in ("place", "body"):
        taken: Places | Body | None = g.pop(name, None)
        if taken:
            taken.leave()


def _receive(room: Room | None) -> float:
    """Reads the whole body, which is kept with the request; seconds waited for room.

    Without `room` it may be no larger than FORM.
    """
    exchange: Exchange | None = request.environ.get(EXCHANGE)  # there is none without gunicorn
    if request.method == "POST":
        _limit(room)
        whole = _is_whole()
    else:
        request.environ["wsgi.input"] = BytesIO()  # what does not belong here is not waited for
        whole = True
    if exchange:
        exchange.received()
    if not whole and exchange and exchange.cut:
        raise RequestTimeout("The body did not arrive in time.")
    if not whole:
        raise BadRequest("The body is not as long, or not in such chunks, as announced.")
    if room is None and len(request.get_data()) > FORM:
        raise too_large(FORM)  # how large a body in chunks is, is known when it is here
    return g.body.waited if "body" in g else 0.0


def _limit(room: Room | None) -> None:
    """Before anything of the body is read."""
    if room is None:
        request.max_content_length = FORM + 1  # one more, so that in chunks it can be told
    else:
        g.body = request.environ["wsgi.input"] = Body(request.environ["wsgi.input"], room)


def _is_whole() -> bool:
    try:
        return len(request.get_data()) >= (request.content_length or 0)
    except (ClientDisconnected, ParseException, OSError):
        return False
