"""Rules taken out of service for a while: judged as ever, but not shown.

Every process looks into the database again every few seconds, so that a pause takes effect on
all machines within ten. While the database does not answer, what was last read stays, also over
a restart (`cds_service.trust.kept_pauses`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from cds_service.errors import Unavailable
from cds_service.site import PAUSED
from cds_service.store import pauses
from cds_service.store.engine import Store
from cds_service.store.pauses import Pause
from cds_service.trust.kept_pauses import KeptPauses
from cds_service.trust.refusals import degraded

log = logging.getLogger("cds_service.trust")

EVERY = 5.0  # seconds between two looks of one process


class Paused:
    """The pauses in force, as last read. Safe between threads.

    `unread`: nobody knows what is paused, for neither database nor file could be read yet.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], float] = time.time,
        kept: KeptPauses | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._kept = kept
        self.unread = True
        self._lock = threading.Lock()  # held by the thread that looks
        self._looked: float | None = None
        self._read: tuple[Pause, ...] = ()

    def in_force(self) -> tuple[Pause, ...]:
        """Oldest first. Looks again when the last look is too long ago."""
        now = self._now()
        if self._is_aged(now) and self._lock.acquire(blocking=self._looked is None):
            try:
                self._look(now)
            finally:
                self._lock.release()
        return tuple(one for one in self._read if not one.until or one.until.timestamp() > now)

    def _is_aged(self, now: float) -> bool:
        """Also when the clock was put back: the last look then lies in the future."""
        return self._looked is None or not 0 <= now - self._looked < EVERY

    def _look(self, now: float) -> None:
        if not self._is_aged(now):
            return  # another thread did meanwhile
        try:
            self._read = pauses.in_force(self._store, datetime.fromtimestamp(now, UTC))
        except Unavailable:
            degraded.send("pauses-unread")
            self._recall()
        else:
            self.unread = False
            self._keep()
        self._looked = now

    def _recall(self) -> None:
        """What another process, or this one before a restart, has read last."""
        known = self._kept.read() if self._kept and self.unread else None
        if known is not None:
            self._read, self.unread = known, False

    def _keep(self) -> None:
        if not self._kept:
            return
        try:
            self._kept.keep(self._read)
        except OSError as error:
            log.warning("pauses not kept in the state folder: %s", error.strerror)


def withheld(in_force: Iterable[Pause]) -> Mapping[str, str]:
    """Rule (or `all`) -> why it is not shown, for `Site.withheld`."""
    return MappingProxyType({one.rule: words(one) for one in in_force})


def words(pause: Pause) -> str:
    """Since when, until when and why; not by whom, for clients read it."""
    return f"{how_long(pause)}: {pause.reason}"


def how_long(pause: Pause) -> str:
    """Since when and until when, and nothing more: for anyone."""
    end = f" until {_moment(pause.until)}" if pause.until else ""
    return f"{PAUSED}{_moment(pause.since)}{end}"


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
