"""Work of a call that its thread hands over to a thread of the database, and waits for.

Told apart are the begin of a transaction, the work in it, its commit, and what is left of the wait.
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
        self._elsewhere = False
        self._before = 0.0  # processor time of its thread since that ended another
        #: of the transaction, and of the work within it
        self._begun = self._began = self._ended = self._committed = Moment(0.0, 0.0)

    def __call__(self, connection: Any) -> Any:
        """The work, in the thread to which it was handed."""
        self._began = Moment.now()
        self._begun = getattr(here, "transaction", None) or self._began
        self._elsewhere = get_ident() != self._caller
        if self._elsewhere:
            self._before = self._begun.cpu - getattr(here, "cpu", 0.0)
        here.task = self
        try:
            return self._work(connection)
        finally:
            self._ended = Moment.now()
            self.committed(self._ended)

    def committed(self, now: Moment) -> None:
        """Its transaction ends; that of the work itself where there is none around it."""
        self._committed = now
        if self._elsewhere:
            here.cpu = now.cpu

    def share_out(self, call: Call, use: Use) -> None:
        """The time of the wait, to the parts it consists of."""
        whole = self._committed.since(self._begun)
        call.wall[use.handed] -= whole.wall
        call.cpu[use.handed] += self._before if self._elsewhere else -whole.cpu
        for step, ended, began in (
            (use.begin, self._began, self._begun),
            (use.statements, self._ended, self._began),
            (use.commit, self._committed, self._ended),
        ):
            took = ended.since(began)
            call.wall[step] += took.wall
            call.cpu[step] += took.cpu


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
    """What runs the work of a task in a transaction, in the thread to which it was handed."""

    @wraps(function)
    def timing(*args: Any, **kwargs: Any) -> Any:
        here.transaction, here.task = Moment.now(), None
        try:
            return function(*args, **kwargs)
        finally:
            task: Task | None = here.task
            if task is not None:
                task.committed(Moment.now())
            here.transaction = here.task = None

    return timing
