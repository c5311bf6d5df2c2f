"""`Store`: the database of one deployment.

On the way of a request its work is bounded in time: it runs in a thread of its own, and
whoever waits goes on without it when the time is over. Every failure to reach or use the
database is `errors.Unavailable`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine

from cds_service.errors import Unavailable
from cds_service.store import direct, drivers
from cds_service.store.direct import Direct
from cds_service.store.drivers import Reached
from cds_service.store.faults import translated
from cds_service.store.keys import Keyring
from cds_service.store.threads import Overdue, Threads
from cds_service.store.together import Together, Work
from cds_service.store.turns import Turns

T = TypeVar("T")

LOCK = "writing.lock"  # beside the file of SQLite
REST = 1.0  # seconds without a further attempt after the database could not be reached


class Store:
    """One database, and the keys of its hashes.

    `timeout` bounds each piece of work in `bounded`, in seconds; None (for commands) does
    not. The engine is made at first use in each process: connections must not be forked.
    """

    def __init__(
        self, url: URL, keys: Keyring, *, timeout: float | None = None, threads: int = 4
    ) -> None:
        self.url = url
        self.keys = keys
        self.timeout = timeout
        self._threads = threads
        self._lock = threading.Lock()
        self._process = 0
        self._reached: Reached | None = None
        self._crew: Threads | None = None
        self._parents: list[Reached] = []
        self._take_new_turns()
        self._rest_until = 0.0

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with translated(), self.engine.begin() as connection:
            drivers.begin(connection)
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """The same, and all that is read is as it was at the first reading."""
        engine = self.engine
        if not self.is_sqlite:  # whose transactions are such anyway
            options: dict[str, Any] = {"postgresql_readonly": True}
            engine = engine.execution_options(isolation_level="REPEATABLE READ", **options)
        with translated(), engine.begin() as connection:
            drivers.begin(connection)
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True, remakes: bool = False) -> Iterator[Connection]:
        """A transaction that writes; committed on leaving, rolled back on an exception.

        Not `durable`: SQLite does not wait for the disk. What was written outlives the process,
        but perhaps no loss of power, unless something durable was written after it. `remakes`:
        a table may be dropped to be made anew, and what hangs on its rows stays in SQLite.
        """
        options = {"immediate": True, "durable": durable, "remakes": remakes}
        self._forget_parent()
        with (
            self._turns.take() if self.is_sqlite else nullcontext(),
            translated(),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            drivers.begin(connection)
            yield connection

    def bounded(
        self,
        work: Callable[[Connection], T],
        *,
        write: bool = False,
        durable: bool = True,
        patience: int = 1,
    ) -> T:
        """`work` in a transaction (see `write`), waited for no longer than the timeout.

        Raises Unavailable. Work that was given up may still be committed a moment later, or be
        lost when the process ends, so it must be safe to repeat. None begins while every thread
        is held up: what hangs does not pile up. `patience`: work of many rows is waited for so
        many times as long; that it is late says nothing of the database.
        """
        return self._in_time(lambda: self._transact(work, write, durable), patience)

    def quick(
        self,
        work: Callable[[Direct], T],
        *,
        write: bool = False,
        durable: bool = True,
        single: bool = False,
    ) -> T:
        """The same for what every call does: `direct`, in time."""
        return self._in_time(lambda: self.direct(work, write=write, durable=durable, single=single))

    def direct(
        self,
        work: Callable[[Direct], T],
        *,
        write: bool = False,
        durable: bool = True,
        single: bool = False,
    ) -> T:
        """`work` in a transaction on the driver's own cursor (see `write`).

        `single`: it runs one statement, for which SQLite need not be told where it begins. What
        SQLite has to write may be run twice, the first time without effect.
        """
        self._forget_parent()
        if write and self.is_sqlite:
            return self._writers[durable].run(work, single=single)
        return direct.transact(self._here(), work, write=write, durable=durable, single=single)

    def warm(self) -> None:
        """Begins to make the first connections, which takes longer than a call may wait for it."""
        threading.Thread(target=self._connect, name="store-warm", daemon=True).start()

    def _connect(self) -> None:
        with suppress(Unavailable):  # `direct` first: it may keep one that the pool had
            self.direct(lambda direct: direct.cursor.execute("SELECT 1"))
            with self.read() as connection:
                connection.exec_driver_sql("SELECT 1")

    def unhurried(self) -> Store:
        """The same database, for work that may take long; close it when done."""
        return Store(self.url, self.keys, threads=1)

    def _take_new_turns(self) -> None:
        patience = drivers.patience(self.timeout)
        self._turns = Turns(Path(self.url.database or "").with_name(LOCK), patience)
        self._writers = {
            durable: Together(self._turns.take, partial(self._write, durable), 2 * patience)
            for durable in (True, False)
        }

    def _write(self, durable: bool, joined: Sequence[Work[Any]]) -> Sequence[Any]:
        return direct.transact(
            self._here(),
            lambda direct: [work.call(direct) for work in joined],
            write=True,
            durable=durable,
            single=len(joined) == 1 and joined[0].single,
        )

    def close(self) -> None:
        """Gives back connections and threads; the next use makes new ones."""
        with self._lock:
            reached, crew = self._reached, self._crew
            self._reached = self._crew = None
        if crew is not None:
            crew.close()
        if reached is not None:
            reached.close()
        self._turns.close()

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        return self._here().engine

    def _here(self) -> Reached:
        self._forget_parent()
        with self._lock:
            if self._reached is None:
                self._reached = drivers.reach(self.url, self.timeout, self._threads)
            return self._reached

    def _hands(self) -> Threads:
        self._forget_parent()
        with self._lock:
            if self._crew is None:
                self._crew = Threads(self._threads, "store")
            return self._crew

    def _transact(self, work: Callable[[Connection], T], write: bool, durable: bool) -> T:
        with self.write(durable=durable) if write else self.read() as connection:
            return work(connection)

    def _in_time(self, work: Callable[[], T], patience: int = 1) -> T:
        if self.timeout is None:
            return work()
        began = time.monotonic()
        if began < self._rest_until:
            raise Unavailable("The database could not be reached a moment ago.")
        try:
            return self._hands().run(work, began + self.timeout * patience)
        except Overdue:
            if patience == 1:
                self._rest_until = time.monotonic() + REST
            raise Unavailable("The database did not answer in time.") from None

    def _forget_parent(self) -> None:
        """After a fork: what the parent process opened is the parent's."""
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process == os.getpid():  # another thread was faster
                return
            if self._reached is not None:
                self._reached.engine.dispose(close=False)
                self._parents.append(self._reached)  # or its lines at rest would be closed
            self._reached = self._crew = None
            self._turns.forget()
            self._take_new_turns()
            self._process = os.getpid()
