"""Each token once: which token ids were seen, by this process and by all.

The shared memory is the database. While it does not answer, each process still refuses what
it has seen itself, and tells; with `strict` it refuses all.
"""

from __future__ import annotations

import hashlib
import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from cds_service.errors import NotAuthenticated, Unavailable, Unverifiable
from cds_service.store import nonces
from cds_service.store.engine import Store
from cds_service.trust.refusals import Reason, degraded

MOST = 200_000  # tokens remembered by one process
SWEEP = 1  # seconds between deletions of what has expired, in one process


class Full(Exception):
    """No room to remember another one."""


class NoncesUnavailable(Exception):
    """The shared memory does not answer."""


class Nonces(Protocol):
    """Token ids, remembered until a time in seconds since the epoch."""

    def remember(self, client: str, jti: str, until: float) -> bool:
        """False when it was remembered before. Raises NoncesUnavailable."""
        ...


class StoredNonces:
    """The database, shared by all processes and machines."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._swept = 0.0

    def remember(self, client: str, jti: str, until: float) -> bool:
        """False when it was remembered before. Raises NoncesUnavailable."""
        now = self._now()
        expires, today = (datetime.fromtimestamp(t, UTC) for t in (until, now))
        # Not by every call: to delete what has expired takes as long as to note what is new.
        sweep = not 0 <= now - self._swept < SWEEP
        if sweep:
            self._swept = now
        try:
            return nonces.remember(
                self._store, client=client, jti=jti, expires=expires, now=today, sweep=sweep
            )
        except Unavailable:
            raise NoncesUnavailable from None


class LocalNonces:
    """What one process has seen; safe between threads, bounded."""

    def __init__(self, most: int = MOST, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._most = most
        self._seen: set[bytes] = set()
        self._ends: list[tuple[float, bytes]] = []
        self._lock = threading.Lock()

    def remember(self, key: bytes, until: float) -> bool:
        """False when it was remembered before. Raises Full rather than forget one too early."""
        with self._lock:
            self._forget()
            if key in self._seen:
                return False
            if len(self._seen) >= self._most:
                raise Full
            self._seen.add(key)
            heapq.heappush(self._ends, (until, key))
            return True

    def _forget(self) -> None:
        now = self._now()
        while self._ends and self._ends[0][0] < now:
            self._seen.discard(heapq.heappop(self._ends)[1])


class ReplayGuard:
    """Refuses a token seen before by this process or, through `shared`, by any other."""

    def __init__(self, local: LocalNonces, shared: Nonces | None, *, strict: bool) -> None:
        self._local = local
        self._shared = shared
        self._strict = strict

    def once(self, client: str, jti: str, until: float) -> None:
        """`client` is its registered name, `until` in seconds since the epoch.

        Raises NotAuthenticated for a token used before, Unverifiable where that is unknown.
        """
        key = hashlib.sha256(f"{client}|{jti}".encode()).digest()
        try:
            first = self._local.remember(key, until) and self._first_of_all(client, jti, until)
        except Full:
            raise Unverifiable(Reason.REPLAY_UNCHECKED) from None
        if not first:
            raise NotAuthenticated(Reason.REPLAYED)

    def _first_of_all(self, client: str, jti: str, until: float) -> bool:
        if self._shared is None:
            return True
        try:
            return self._shared.remember(client, jti, until)
        except NoncesUnavailable:
            if self._strict:
                raise Unverifiable(Reason.REPLAY_UNCHECKED) from None
            degraded.send("replay-local")
            return True
