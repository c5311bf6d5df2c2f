"""`Store`: the database of one deployment.

On the way of a request its work is bounded in time: it runs in a thread of its own, and
whoever waits goes on without it when the time is over. Every failure to reach or use the
database is `errors.Unavailable`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Overdue
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, exc

from cds_service.errors import Unavailable
from cds_service.store import drivers
from cds_service.store.keys import Keyring

T = TypeVar("T")

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
        self._engine: Engine | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._free = threading.BoundedSemaphore(threads)
        self._turn = threading.Lock()
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
        with (
            self._taking_turns(),
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

        Raises Unavailable. Work that was given up may still be committed a moment later, so
        it must be safe to repeat. None begins while every thread is held up: what hangs does
        not pile up. `patience`: work of many rows is waited for so many times as long; that it
        is late says nothing of the database.
        """
        if self.timeout is None:
            return self._transact(work, write, durable)
        began = time.monotonic()
        if began < self._rest_until:
            raise Unavailable("The database could not be reached a moment ago.")
        until = began + self.timeout * patience
        try:
            started = self._submit(lambda: self._transact(work, write, durable), until)
            return started.result(max(0.0, until - time.monotonic()))
        except Overdue:
            if patience == 1:
                self._rest_until = time.monotonic() + REST
            raise Unavailable("The database did not answer in time.") from None

    def warm(self) -> None:
        """Begins to make the first connection, which takes longer than a call may wait for it."""
        threading.Thread(target=self._connect, name="store-warm", daemon=True).start()

    def _connect(self) -> None:
        with suppress(Unavailable), self.read() as connection:
            connection.exec_driver_sql("SELECT 1")

    def unhurried(self) -> Store:
        """The same database, for work that may take long; close it when done."""
        return Store(self.url, self.keys, threads=1)

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        """SQLite has one writer at a time, and those who wait look again only now and then.

        Threads of one process wait for each other here instead: whose turn it is goes on at once.
        """
        if not self.is_sqlite:
            yield
            return
        turn = self._turn
        patience = drivers.PATIENCE if self.timeout is None else self.timeout
        if not turn.acquire(timeout=patience):
            raise Unavailable("The database did not answer in time.")
        try:
            yield
        finally:
            turn.release()

    def close(self) -> None:
        """Gives back connections and threads; the next use makes new ones."""
        with self._lock:
            engine, pool = self._engine, self._pool
            self._engine = self._pool = None
        if pool is not None:
            pool.shutdown(wait=True)
        if engine is not None:
            engine.dispose()

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        with self._lock:
            self._forget_parent()
            if self._engine is None:
                self._engine = drivers.engine(self.url, self.timeout, self._threads)
            return self._engine

    def _transact(self, work: Callable[[Connection], T], write: bool, durable: bool) -> T:
        with self.write(durable=durable) if write else self.read() as connection:
            return work(connection)

    def _submit(self, work: Callable[[], T], until: float) -> Future[T]:
        """`work` begun in a thread that is free before `until`. Raises Overdue."""
        with self._lock:
            self._forget_parent()
            free = self._free
        if not free.acquire(timeout=max(0.0, until - time.monotonic())):
            raise Overdue
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="store")
            started = self._pool.submit(work)
        started.add_done_callback(lambda _: free.release())
        return started

    def _forget_parent(self) -> None:
        """After a fork: what the parent process opened is the parent's."""
        if self._process != os.getpid():
            if self._engine is not None:
                self._engine.dispose(close=False)
            self._engine = self._pool = None
            self._free = threading.BoundedSemaphore(self._threads)
            self._turn = threading.Lock()
            self._process = os.getpid()


@contextmanager
def translated() -> Iterator[None]:
    """What the driver raises when the database is down, full, locked or not migrated."""
    try:
        yield
    except (exc.IntegrityError, exc.DataError):
        raise  # a fault of this program, not of the database
    except exc.DBAPIError as error:
        raise _unavailable(error.orig or error) from None
    except sqlite3.Error as error:  # of a connection used without SQLAlchemy
        raise _unavailable(error) from None
    except exc.TimeoutError:
        raise Unavailable("The database cannot be used now (no connection is free).") from None


def _unavailable(error: BaseException) -> Unavailable:
    cause = str(getattr(error, "sqlite_errorname", type(error).__name__))
    told = Unavailable(f"The database cannot be used now ({cause}).")
    told.cause = cause
    return told
