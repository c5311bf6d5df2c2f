"""Whether this process should be sent calls, and which part is at fault when not.

A balancer takes a machine out while `/ready` is 503. So it is 503 only where calls would be
refused here: what all machines share (the database) may fail without taking them all out, as
long as advice still goes out. Such a state is 200, `degraded`, and named. Anyone may ask: the
answer is words of ours, no name, address or number of the site's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask import Blueprint, Flask, Response, current_app, request

from cds_service.ledger.ledger import Ledger, Status
from cds_service.settings import Settings
from cds_service.store.schema import Version
from cds_service.trust.keys import Held
from cds_service.trust.pausing import Paused
from cds_service.trust.tokens import Authenticator
from cds_service.web.wire import json_response

EVERY = 1.0  # seconds between two looks of one process, however often it is asked
#: in the WSGI environment: whether the server has been told to stop
DRAINING = "cds_service.draining"
_KEY = "cds_service.readiness"

blueprint = Blueprint("readiness", __name__)


class Standing(StrEnum):
    """Of one part; of all together it is the worst."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not-ready"


@dataclass(frozen=True, slots=True)
class Part:
    """`state` is a word for what is the matter with it."""

    state: str
    standing: Standing = Standing.READY


class Readiness:
    """How one process stands. Safe between threads."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger | None,
        authenticator: Authenticator | None,
        paused: Paused | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._authenticator = authenticator
        self._paused = paused
        strict = authenticator is not None and settings.replay == "strict"
        self._needs_database = settings.ledger_required or strict
        self._now = now
        self._lock = threading.Lock()  # held by the thread that looks
        self._looked: float | None = None
        self._parts: dict[str, Part] = {}
        self._schema = "unknown"  # as last seen
        #: whether the last SIGHUP found a faulty file
        self.reload_failed = False

    def parts(self) -> dict[str, Part]:
        """Each part by name, as seen a second ago at most."""
        if self._aged() and self._lock.acquire(blocking=self._looked is None):
            try:
                if self._aged():
                    self._parts = self._look()
                    self._looked = self._now()
            finally:
                self._lock.release()
        return self._parts

    def keys(self) -> list[Held]:
        """How the keys of each client stand; what is due is fetched, and not waited for."""
        return self._authenticator.held() if self._authenticator else []

    def status(self) -> Status | None:
        """Database and spool; None where nothing is put on record."""
        return self._ledger.status() if self._ledger else None

    def _aged(self) -> bool:
        return self._looked is None or self._now() - self._looked >= EVERY

    def _look(self) -> dict[str, Part]:
        found = {"configuration": configuration(failed=self.reload_failed)}
        status = self.status()
        if status:
            self._schema = status.schema if status.database else self._schema
            found["database"] = database(up=status.database, needed=self._needs_database)
            found["schema"] = schema(self._schema)
            found["spool"] = spool(status)
        if self._paused:
            self._paused.in_force()
            found["pauses"] = pauses(unread=self._paused.unread)
        if held := self.keys():
            found["keys"] = keys(held)
        return found


def configuration(*, failed: bool) -> Part:
    """The file in force is always whole; a faulty one that was not taken over is told."""
    return Part("reload-failed", Standing.DEGRADED) if failed else Part("current")


def database(*, up: bool, needed: bool) -> Part:
    """Without it advice still goes out, unless the site has chosen otherwise (`needed`)."""
    if up:
        return Part("up")
    return Part("down", Standing.NOT_READY if needed else Standing.DEGRADED)


def schema(version: str) -> Part:
    """Tables older than this program: the machines still running the version before serve."""
    standing = {Version.STALE.value: Standing.NOT_READY, "unknown": Standing.DEGRADED}
    return Part(version, standing.get(version, Standing.READY))


def spool(status: Status) -> Part:
    """Calls that wait for the database, that it never took, or that there was no room for."""
    if status.lost:
        return Part("lost", Standing.DEGRADED)
    if status.rejected:
        return Part("set-aside", Standing.DEGRADED)
    return Part("waiting", Standing.DEGRADED) if status.waiting else Part("empty")


def pauses(*, unread: bool) -> Part:
    """A rule that somebody has paused may be shown where nobody knows of it."""
    return Part("unread", Standing.DEGRADED) if unread else Part("known")


def keys(held: Sequence[Held]) -> Part:
    """One client whose keys cannot be had must not shut out all others."""
    if all(one is Held.NONE for one in held):
        return Part("none", Standing.NOT_READY)
    if Held.NONE in held:
        return Part("some-missing", Standing.DEGRADED)
    return Part("stale", Standing.DEGRADED) if Held.STALE in held else Part("held")


def init_app(app: Flask, readiness: Readiness) -> None:
    """Serves `/ready`."""
    app.extensions[_KEY] = readiness
    app.register_blueprint(blueprint)


def prepare(app: Flask) -> None:
    """At the start of a process: begins to fetch keys, so that no call need wait for them."""
    if _KEY in app.extensions:  # not where the server serves something else, for comparison
        of(app).keys()


def of(app: Flask) -> Readiness:
    """How `app` stands."""
    attached: Readiness = app.extensions[_KEY]
    return attached


@blueprint.get("/ready")
def ready() -> Response:
    """Whether calls should be sent here: 200, or 503; and how each part stands."""
    parts = of(current_app).parts()
    if request.environ.get(DRAINING, False):
        parts = {"server": Part("stopping", Standing.NOT_READY), **parts}
    worst = max((part.standing for part in parts.values()), key=list(Standing).index)
    told = {
        "status": str(worst),
        "parts": {name: part.state for name, part in parts.items()},
    }
    return json_response(told, 503 if worst is Standing.NOT_READY else 200)
