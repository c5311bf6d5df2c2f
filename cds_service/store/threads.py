"""Threads that work for others, who wait no longer than they want to.

A `ThreadPoolExecutor` does the same and more: its futures can be cancelled, watched and waited
for by several. Each of that costs every call a lock and what guards it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Overdue(Exception):
    """The time was over."""


class Outcome(Generic[T]):
    """What a piece of work returned, or what it raised, for the one who waits for it."""

    __slots__ = ("_done", "_error", "_result")

    def __init__(self) -> None:
        self._result: T
        self._error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def tell(self) -> None:
        """Once: it is known now."""
        self._done.release()

    def result(self, until: float) -> T:
        """Raises what the work raised; Overdue where it is not known by then (monotonic)."""
        if not self._done.acquire(timeout=max(0.0, until - time.monotonic())):
            raise Overdue
        if self._error is None:
            return self._result
        try:
            raise self._error
        finally:
            self._error = None  # which holds this frame: they would keep each other


class _Job(Outcome[T]):
    """One piece of work, and what came of it."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            self._error = error


class _Thread:
    """A thread that sleeps until it is given something to do."""

    __slots__ = ("_crew", "_job", "_ready", "_thread")

    def __init__(self, crew: Threads, name: str) -> None:
        self._crew = crew
        self._job: _Job[Any] | None = None
        self._ready = threading.Lock()
        self._ready.acquire()
        # A daemon: what hangs must not keep a process from ending.
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def give(self, job: _Job[Any] | None) -> None:
        """None ends it."""
        self._job = job
        self._ready.release()

    def join(self) -> None:
        self._thread.join()

    def _serve(self) -> None:
        going_on = True
        while going_on:
            self._ready.acquire()
            job, self._job = self._job, None
            if job is None:
                return
            job.run()
            # It is free before its work is told to be done: the next call finds it again.
            going_on = self._crew.rests(self)
            job.tell()
            del job  # what it was about, and what came of it, belongs to whoever waited


class Threads:
    """At most so many, begun when first needed. Safe between threads, not across a fork."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._changed = threading.Condition(threading.Lock())
        self._all: list[_Thread] = []
        self._idle: list[_Thread] = []
        self._waiting = 0
        self._closed = False

    def run(self, work: Callable[[], T], until: float) -> T:
        """What `work` returns or raises, in a thread that is free before `until` (monotonic).

        Raises Overdue: then it was not begun, or goes on without anybody waiting for it.
        """
        job = _Job(work)
        self._take(until).give(job)
        return job.result(until)

    def rests(self, thread: _Thread) -> bool:
        """`thread` has done its work; whether it may be given more."""
        with self._changed:
            if self._closed:
                return False
            self._idle.append(thread)
            if self._waiting:
                self._changed.notify()
            return True

    def close(self) -> None:
        """Waits for the work that was begun, and ends all threads.

        Who comes too late gets one that ends with that work.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.give(None)
        for thread in self._all:
            thread.join()

    def _take(self, until: float) -> _Thread:
        """The one that rested last: what it uses is still near."""
        with self._changed:
            if self._idle:
                return self._idle.pop()
            if len(self._all) < self._most or self._closed:
                return self._begin()
            return self._freed(until)

    def _begin(self) -> _Thread:
        made = _Thread(self, f"{self._name}_{len(self._all)}")
        self._all.append(made)
        return made

    def _freed(self, until: float) -> _Thread:
        self._waiting += 1
        try:
            left = max(0.0, until - time.monotonic())
            if not self._changed.wait_for(lambda: self._idle or self._closed, left):
                raise Overdue
            return self._idle.pop() if self._idle else self._begin()
        finally:
            self._waiting -= 1
