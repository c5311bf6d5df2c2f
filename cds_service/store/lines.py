"""Connections that stay at hand from call to call.

SQLAlchemy's pool lends a connection and takes it back with as much work as a statement or two.
PostgreSQL's come from that pool all the same, which asks first whether they are still alive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

Line = PoolProxiedConnection
Fit = Callable[[Mapping[Any, Any]], bool]
#: of each kind at rest: each holds two files open, and up to 256 KB of pages. However many calls
#: there are, seldom are more in use: writers take turns, and reading takes less than a millisecond.
KEPT = 8


class Lines:
    """Safe between threads. `fit` tells of what is known of a connection whether it may be used.

    `keep`: the same, as it is given back. Without `fit` none is kept. Those kept are counted apart
    from the pool's. Those for what need not be durable are kept apart: to change a connection over
    takes a statement each time.
    """

    def __init__(
        self, engine: Engine, fit: Fit | None = None, keep: Fit = lambda _info: True
    ) -> None:
        self._engine = engine
        self._fit = fit
        self._keep = keep
        self._idle: dict[bool, list[Line]] = {True: [], False: []}

    def take(self, *, durable: bool) -> Line:
        """The one given back last, for what it has read is still near; or a new one.

        Raises what the driver raises, and SQLAlchemy's TimeoutError.
        """
        if self._fit is None:
            return self._engine.raw_connection()
        try:
            line = self._idle[durable].pop()
        except IndexError:
            line = self._engine.raw_connection()
            line.detach()
            return line
        if self._fit(line.info):
            return line
        line.close()
        self.close()  # while one of them is open, a new one may be no better
        return self.take(durable=durable)

    def give_back(self, line: Line, *, durable: bool) -> None:
        """`line`, in no transaction any more, for the next."""
        if self._fit is None or len(self._idle[durable]) >= KEPT or not self._keep(line.info):
            line.close()  # open, one that must go would keep new ones from being better
        else:
            self._idle[durable].append(line)

    def drop(self, line: Line, *, lost: bool) -> None:
        """Rolls `line` back; it is closed, unless the pool may still lend it to others."""
        if lost and not line.is_detached:
            line.invalidate()
        line.close()

    def close(self) -> None:
        """Closes those that are in no use."""
        for idle in self._idle.values():
            while idle:
                with suppress(IndexError):  # another thread was faster
                    idle.pop().close()
