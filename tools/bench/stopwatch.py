"""The time of one call in a running server: each moment of it belongs to one step.

A step within a step is taken off it, so that the steps of a call add up to the whole. Processor
time is that of the thread; what another thread does for the call is added where it belongs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from time import perf_counter, thread_time
from typing import Any

Function = Callable[..., Any]


class Step(IntEnum):
    """In the order of a call."""

    told: str

    def __new__(cls, told: str) -> Step:
        """Its number is its place in the list."""
        made = int.__new__(cls, len(cls.__members__))
        made._value_ = len(cls.__members__)
        made.told = told
        return made

    WAITING = "waiting for a thread"
    HEAD = "head and WSGI environment"
    BODY = "body received"
    TOKEN = "token verified"
    TOKEN_HANDED = "used token: handed over and back"
    TOKEN_BEGIN = "used token: turn and begin"
    TOKEN_SQL = "used token: statements"
    TOKEN_COMMIT = "used token: commit"
    JSON = "bytes to JSON"
    REQUEST = "JSON to request"
    HISTORY_HANDED = "history: handed over and back"
    HISTORY_BEGIN = "history: turn and begin"
    HISTORY_SQL = "history: statements"
    HISTORY_COMMIT = "history: commit"
    EVIDENCE = "prefetch to evidence"
    FACTS = "evidence to facts"
    RULES = "the rules"
    CARDS = "the cards"
    ENTRY = "record: its entry made"
    RECORD_HANDED = "record: handed over and back"
    RECORD_BEGIN = "record: turn and begin"
    RECORD_SQL = "record: statements"
    RECORD_COMMIT = "record: commit"
    ANSWER = "answer to bytes"
    LOG = "counters and log line"
    FREE = "freeing what was made"
    FLASK = "Flask and the rest of the application"
    GUNICORN = "gunicorn's thread around it"
    WRITE = "answer written"
    AFTER = "after the answer"
    LOOP = "gunicorn's loop and queue of threads"


#: no client waits for these
BEYOND = frozenset((Step.AFTER, Step.LOOP))
here = threading.local()  # `call`: the one that this thread answers; `cpu`: when it last ended one


class Call:
    """One call: seconds by the clock, and of processor time, for each step."""

    __slots__ = ("_at", "_cpu_at", "_step", "began", "cpu", "ended", "wall", "within")

    def __init__(self) -> None:
        self.wall = [0.0] * len(Step)
        self.cpu = [0.0] * len(Step)
        self.began = self._at = perf_counter()
        self.ended = self._cpu_at = 0.0
        self._step = self.within = Step.WAITING

    @property
    def counted(self) -> bool:
        """Whether it was a call at all, and no question of health or a connection that ended."""
        return self.wall[Step.JSON] > 0

    def taken_up(self) -> None:
        """A thread begins with it."""
        now = perf_counter()
        self.wall[Step.WAITING] = now - self._at
        self._at, self._cpu_at = now, thread_time()
        self.cpu[Step.LOOP] += self._cpu_at - getattr(here, "cpu", self._cpu_at)
        self._step = self.within = Step.GUNICORN
        here.call = self

    def turn(self, step: Step) -> None:
        """From now on its time is that of `step`."""
        now, cpu = perf_counter(), thread_time()
        self.wall[self._step] += now - self._at
        self.cpu[self._step] += cpu - self._cpu_at
        self._at, self._cpu_at, self._step = now, cpu, step

    def left(self) -> None:
        """The thread is done with it."""
        self.turn(Step.AFTER)
        self.ended = self._at
        here.cpu = self._cpu_at
        here.call = None

    def figures(self) -> list[float]:
        """As one record: see `SIZE`."""
        return [self.began, self.ended, *self.wall, *self.cpu]


SIZE = 2 + 2 * len(Step)  # figures of a record


def timed(function: Function, step: Step, then: Step | None = None) -> Function:
    """`function` as a step. `then`: what follows it, until the next step begins or one ends."""

    @wraps(function)
    def timing(*args: Any, **kwargs: Any) -> Any:
        call: Call | None = getattr(here, "call", None)
        if call is None:
            return function(*args, **kwargs)
        around, call.within = call.within, step
        call.turn(step)
        try:
            return function(*args, **kwargs)
        finally:
            call.within = around
            call.turn(around if then is None else then)

    return timing
