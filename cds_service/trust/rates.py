"""How often a client may call in a minute.

Counted in Redis when there is one, for all machines together. Without it, and while it does not
answer, each process counts for itself and allows its share: a process cannot know what the others
let through. The window slides: it weighs the last minute by what of it is still in view.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Overdue
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter as Window

from cds_service.trust.refusals import degraded

log = logging.getLogger("cds_service.trust")

REST = 1.0  # seconds without a further attempt after Redis did not answer
THREADS = 4  # that wait for Redis at the same time


class Rates:
    """Safe between threads. Nothing is opened before it is used: processes must not share it.

    `shares`: the processes among which a limit is divided when each counts alone. `timeout` bounds
    in seconds what a call waits for Redis; a name that cannot be resolved included.
    """

    def __init__(
        self,
        *,
        redis: str = "",
        prefix: str = "",
        shares: int = 1,
        timeout: float = 0.1,
        ca_file: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._prefix = f"cds-service:{prefix}"
        self._shares = shares
        self._timeout = timeout
        tls = ca_file and redis.startswith("rediss:")
        self._tls: dict[str, Any] = {"ssl_ca_certs": ca_file} if tls else {}
        self._now = now
        self._lock = threading.Lock()
        self._own: Window | None = None
        self._common: Window | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._rest_until = -math.inf

    def wait(self, client: str, kind: str, per_minute: int) -> int:
        """Seconds until this client should try again; 0 when it may now, which is counted."""
        return self.take(RateLimitItemPerMinute(per_minute), client, kind)

    def take(self, limit: RateLimitItem, *whose: str) -> int:
        """The same for any limit, counted under `whose`."""
        if self._redis and self._now() >= self._rest_until:
            try:
                return self._asked(limit, whose).result(self._timeout)
            except (Overdue, StorageError) as error:
                self._rest_until = self._now() + REST
                log.warning(
                    "rates are counted by each process", extra={"error": type(error).__name__}
                )
        if self._redis:
            degraded.send("rates-local")
        share = math.ceil(limit.amount / self._shares)
        return _wait(self._alone(), type(limit)(share, limit.multiples), whose)

    def close(self) -> None:
        """Ends the threads; for tests."""
        if self._threads:
            self._threads.shutdown(wait=True)

    def _asked(self, limit: RateLimitItem, whose: tuple[str, ...]) -> Future[int]:
        with self._lock:
            if self._common is None or self._threads is None:
                self._common = Window(self._storage())
                self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rates")
            return self._threads.submit(_wait, self._common, limit, whose)

    def _alone(self) -> Window:
        with self._lock:
            if self._own is None:
                self._own = Window(MemoryStorage())
            return self._own

    def _storage(self) -> RedisStorage:
        from redis.backoff import NoBackoff  # weighs on no process that has none
        from redis.retry import Retry

        return RedisStorage(
            self._redis,
            key_prefix=self._prefix,
            wrap_exceptions=True,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # handed on to redis
            **self._tls,
        )


def _wait(window: Window, limit: RateLimitItem, whose: tuple[str, ...]) -> int:
    if window.hit(limit, *whose):
        return 0
    reset = window.get_window_stats(limit, *whose).reset_time
    return max(1, math.ceil(reset - time.time()))
