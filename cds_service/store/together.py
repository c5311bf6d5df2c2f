"""Writers that wait for the same turn, in one transaction: what it costs is paid once.

SQLite has one writer at a time, and each waits for the disk. Whoever comes while the next turn is
waited for joins it, and the first who came does the work of all.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from cds_service.errors import Unavailable
from cds_service.store.direct import Direct
from cds_service.store.threads import Outcome, Overdue

T = TypeVar("T")


class Work(Outcome[T]):
    """One piece, and what came of it: known once it is committed, or has failed."""

    __slots__ = ("_told", "call", "single")

    def __init__(self, call: Callable[[Direct], T], *, single: bool) -> None:
        """`single`: it runs one statement."""
        super().__init__()
        self.call = call
        self.single = single
        self._told = False

    def returned(self, result: T) -> None:
        self._result = result
        self.tell()

    def raised(self, error: BaseException) -> None:
        if not self._told:  # what was done before another one failed stays done
            self._error = error
            self.tell()

    def tell(self) -> None:
        self._told = True
        super().tell()


class Together:
    """Safe between threads, not across a fork."""

    def __init__(
        self,
        turn: Callable[[], AbstractContextManager[None]],
        transact: Callable[[Sequence[Work[Any]]], Sequence[Any]],
        patience: float,
    ) -> None:
        """`turn`: within it nobody else of this process writes; raises Unavailable.

        `transact`: all these calls in one transaction, and what each returned; raises as
        `direct.transact`. `patience`: seconds that one waits for what another does for it.
        """
        self._turn = turn
        self._transact = transact
        self._patience = patience
        self._lock = threading.Lock()
        self._next: list[Work[Any]] = []

    def run(self, call: Callable[[Direct], T], *, single: bool = False) -> T:
        """What `call` returns, once its transaction is committed.

        It may be run twice, the first time without effect: when another one fails, each is done by
        itself. Raises what it raises itself, and Unavailable; then it may still be committed.
        """
        work = Work(call, single=single)
        with self._lock:
            self._next.append(work)
            first = self._next[0] is work
        if first:
            self._lead()
        try:
            return work.result(time.monotonic() + self._patience)
        except Overdue:
            raise Unavailable("The database did not answer in time.") from None

    def _lead(self) -> None:
        joined: list[Work[Any]] = []
        try:
            with self._turn():
                joined = self._joined()
                self._do(joined)
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            _tell(joined or self._joined(), error)

    def _joined(self) -> list[Work[Any]]:
        """Those of this turn; who comes from now on is the first of the next."""
        with self._lock:
            joined, self._next = self._next, []
        return joined

    def _do(self, joined: list[Work[Any]]) -> None:
        try:
            results = self._transact(joined)
        except Unavailable as error:
            _tell(joined, error)
        except Exception as error:  # noqa: BLE001  # as above
            if len(joined) == 1:
                _tell(joined, error)
            else:  # whose fault it is shows when each is alone
                for work in joined:
                    self._do([work])
        else:
            for work, result in zip(joined, results, strict=True):
                work.returned(result)


def _tell(joined: Sequence[Work[Any]], error: BaseException) -> None:
    """Each gets one of its own: a traceback grows where an error is raised."""
    for work in joined:
        work.raised(error if len(joined) == 1 else copy.copy(error))
