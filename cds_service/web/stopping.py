"""SIGTERM: first `/ready` says so, then nothing new is taken, then what is under way is finished.

gunicorn closes its sockets at once, so that a balancer which has not noticed sends calls to a
closed door. With CDS_SERVICE_DRAIN the server goes on for so many seconds, and only says that
it is stopping. Not when all processes of the group get the signal: then each stops by itself.
"""

from __future__ import annotations

import mmap
import os
import signal
import time
from typing import Any

from gunicorn.arbiter import Arbiter

AT_ONCE = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)  # a second word ends the waiting


class Stopping:
    """A word all processes of a server share: make it before they fork."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    def begin(self) -> None:
        self._shared[0] = 1

    @property
    def begun(self) -> bool:
        return self._shared[0] == 1


class DrainingArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's main process, which stops after `drain` seconds."""

    def __init__(self, app: Any, stopping: Stopping, drain: float) -> None:
        self._stopping = stopping
        self._drain = drain
        self._words = 0  # how often it was told to stop
        super().__init__(app)

    def signal(self, sig: int, frame: object) -> None:
        """Called by Python as the signal comes: gunicorn may be busy with a reload still."""
        if sig in AT_ONCE and os.getpid() == self.pid:  # not in a worker that was just forked
            self._stopping.begin()
            self._words += 1
        super().signal(sig, frame)

    def handle_term(self) -> None:
        """Called by gunicorn on SIGTERM."""
        end = time.monotonic() + self._drain
        # Counted, not taken from the queue: gunicorn may have taken two words from it at once.
        while self._words == 1 and (left := end - time.monotonic()) > 0:
            self.wait_for_signals(timeout=min(left, 1.0))
            self.reap_workers()
            self.murder_workers()
            self.manage_workers()
        super().handle_term()
