"""Work of a call that its thread hands over to a thread of the database, and waits for.

Told apart are the begin of a transaction, the work in it, its commit, and what is left of the wait.
Work that another thread does in its own transaction waits before and after it for that of others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import get_ident
from time import perf_counter, thread_time
from typing import Any, NamedTuple

from tools.bench.stopwatch import Call, Function, Step, here


class Use(NamedTuple):
    """The steps of one use of the database."""

    handed: Step
    begin: Step
    statements: Step
    commit: Step


#: by the step that hands over
USES = {
    Step.TOKEN: Use(Step.TOKEN_HANDED, Step.TOKEN_BEGIN, Step.TOKEN_SQL, Step.TOKEN_COMMIT),
    Step.HISTORY_HANDED: Use(
        Step.HISTORY_HANDED, Step.HISTORY_BEGIN, Step.HISTORY_SQL, Step.HISTORY_COMMIT
    ),
    Step.ENTRY: Use(Step.RECORD_HANDED, Step.RECORD_BEGIN, Step.RECORD_SQL, Step.RECORD_COMMIT),
}


class Moment(NamedTuple):
    """By the clock, and of the thread's processor time."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Moment:
        return cls(perf_counter(), thread_time())

    def since(self, other: Moment) -> Moment:
        return Moment(self.wall - other.wall, self.cpu - other.cpu)


class Task:
    """Work on its way through a thread of the database."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work
        self._caller = get_ident()
        self._began = self._ended = Moment(0.0, 0.0)
        #: of each part by the clock, and of processor time; and what the thread did before it
        self._parts: tuple[Moment, Moment, Moment] | None = None
        self._before = 0.0

    def __call__(self, connection: Any) -> Any:
        """The work, in whichever thread does it."""
        self._began = Moment.now()
        if getattr(here, "first", None) is None:
            here.first = self._began
        try:
            return self._work(connection)
        finally:
            self._ended = Moment.now()
            here.worked = getattr(here, "worked", 0.0) + self._ended.cpu - self._began.cpu

    def went(self, begun: Moment, committed: Moment) -> None:
        """In the thread to which it was handed, from when it wanted a transaction to its end."""
        own = committed.cpu - begun.cpu
        led: Moment | None = here.first
        if self._ended.wall <= begun.wall:  # it was never begun
            self._began = self._ended = committed
        begin = led.cpu - begun.cpu if led else own
        self._parts = (
            Moment(self._began.wall - begun.wall, begin),
            self._ended.since(self._began),
            Moment(committed.wall - self._ended.wall, own - begin - here.worked),
        )
        if get_ident() != self._caller:
            self._before = begun.cpu - getattr(here, "cpu", 0.0)
            here.cpu = committed.cpu
        else:
            self._before = -own  # is in the time of the caller's thread already

    def share_out(self, call: Call, use: Use) -> None:
        """The time of the wait, to the parts it consists of."""
        if self._parts is None:  # nobody waits for it any more
            return
        call.cpu[use.handed] += self._before
        for step, part in zip((use.begin, use.statements, use.commit), self._parts, strict=True):
            call.wall[use.handed] -= part.wall
            call.wall[step] += part.wall
            call.cpu[step] += part.cpu


def bounded(function: Function) -> Function:
    """`Store.quick`, as part of the step that calls it."""

    @wraps(function)
    def timing(store: Any, work: Callable[[Any], Any], **how: Any) -> Any:
        call: Call | None = getattr(here, "call", None)
        if call is None or call.within not in USES:
            return function(store, work, **how)
        around, use, task = call.within, USES[call.within], Task(work)
        call.within = use.handed
        call.turn(use.handed)
        try:
            return function(store, task, **how)
        finally:
            call.within = around
            call.turn(around)
            task.share_out(call, use)

    return timing


def transaction(function: Function) -> Function:
    """`Store.direct`, in the thread to which its work was handed."""

    @wraps(function)
    def timing(store: Any, work: Callable[[Any], Any], **how: Any) -> Any:
        here.first, here.worked = None, 0.0
        begun = Moment.now()
        try:
            return function(store, work, **how)
        finally:
            if isinstance(work, Task):
                work.went(begun, Moment.now())

    return timing
