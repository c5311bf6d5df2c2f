"""Turns to write to SQLite, which has one writer at a time.

SQLite has whoever finds it locked look again after 1 ms, and then ever later, up to 100. Where many
write, the others are always quicker. Here threads of a process wait for each other, and whose turn
it is goes on at once; processes look for their turn every half millisecond. It is still SQLite
that keeps writers apart.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cds_service.errors import Unavailable

AGAIN = 0.0005  # seconds


class Turns:
    """By a lock on `path`, a file of the owner's alone. Safe between threads, not across a fork.

    `patience`: seconds until a turn is given up.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._mine = threading.Lock()  # of this process's threads
        self._file: int | None = None

    @contextmanager
    def take(self) -> Iterator[None]:
        """Within: no other thread or process that takes turns writes. Raises Unavailable."""
        until = time.monotonic() + self._patience
        if not self._mine.acquire(timeout=self._patience):
            raise _late()
        try:
            with self._before_others(until):
                yield
        finally:
            self._mine.release()

    def close(self) -> None:
        """Until the next turn, nothing is held open; unless somebody's turn does not end."""
        if self._mine.acquire(timeout=self._patience):
            file, self._file = self._file, None
            self._mine.release()
            if file is not None:
                os.close(file)

    def forget(self) -> None:
        """In a process forked from that which used it: a turn of that one is not held up here."""
        if self._file is not None:
            os.close(self._file)

    @contextmanager
    def _before_others(self, until: float) -> Iterator[None]:
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            file = self._file
            while not _locked(file):
                if time.monotonic() > until:
                    raise _late()
                time.sleep(AGAIN)
        except OSError:  # no folder, or nothing can be locked there: SQLite says what is wrong
            yield
            return
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _late() -> Unavailable:
    return Unavailable("The database did not answer in time.")
