"""`Store`: the database of one deployment.

On the way of a request its work is bounded in time: it runs in a thread of its own, and
whoever waits goes on without it when the time is over. Every failure to reach or use the
database is `errors.Unavailable`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Overdue
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

from cds_service.errors import Unavailable
from cds_service.store.keys import Keyring

T = TypeVar("T")

PATIENCE = 30.0  # seconds a command waits for a lock; a request waits for its own timeout
CONNECT = 2  # seconds to reach PostgreSQL; libpq knows no shorter time
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
        self._rest_until = 0.0

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; committed on leaving, rolled back on an exception."""
        with (
            _translated(),
            self.engine.connect().execution_options(immediate=True) as connection,
            connection.begin(),
        ):
            yield connection

    def bounded(self, work: Callable[[Connection], T], *, write: bool = False) -> T:
        """`work` in a transaction, waited for no longer than the timeout.

        Raises Unavailable. Work that was given up may still be committed a moment later, so
        it must be safe to repeat.
        """
        if self.timeout is None:
            return self._transact(work, write=write)
        if time.monotonic() < self._rest_until:
            raise Unavailable("The database could not be reached a moment ago.")
        try:
            return self._submit(work, write=write).result(self.timeout)
        except Overdue:
            self._rest_until = time.monotonic() + REST
            raise Unavailable("The database did not answer in time.") from None

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
                self._engine = self._made()
            return self._engine

    def _transact(self, work: Callable[[Connection], T], *, write: bool) -> T:
        with self.write() if write else self.read() as connection:
            return work(connection)

    def _submit(self, work: Callable[[Connection], T], *, write: bool) -> Future[T]:
        with self._lock:
            self._forget_parent()
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="store")
            return self._pool.submit(self._transact, work, write=write)

    def _forget_parent(self) -> None:
        """After a fork: what the parent process opened is the parent's."""
        if self._process != os.getpid():
            if self._engine is not None:
                self._engine.dispose(close=False)
            self._engine = self._pool = None
            self._process = os.getpid()

    def _made(self) -> Engine:
        if not self.is_sqlite:
            return self._postgresql()
        # The database gives up before whoever waits for it does: then nothing is written late.
        seconds = PATIENCE if self.timeout is None else self.timeout * 0.8
        engine = create_engine(
            self.url, connect_args={"timeout": seconds}, pool_size=self._threads, max_overflow=4
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgresql(self) -> Engine:
        given: dict[str, Any] = {"connect_timeout": CONNECT, "application_name": "cds-service"}
        given["client_encoding"] = "utf8"
        if self.timeout is not None:
            milliseconds = max(1, round(self.timeout * 800))
            given["options"] = f"-c statement_timeout={milliseconds}"
            given["tcp_user_timeout"] = CONNECT * 1000
        return create_engine(
            self.url,
            connect_args=given,
            pool_size=self._threads,
            max_overflow=4,
            pool_timeout=self.timeout or PATIENCE,
            pool_pre_ping=True,
        )


def insert(connection: Connection, table: Table) -> SqliteInsert | PostgresInsert:
    """An INSERT that can say ON CONFLICT, in the words of this database."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


@contextmanager
def _translated() -> Iterator[None]:
    """What the driver raises when the database is down, full, locked or not migrated."""
    try:
        yield
    except (exc.IntegrityError, exc.DataError):
        raise  # a fault of this program, not of the database
    except (exc.DBAPIError, exc.TimeoutError) as error:
        kind = type(error.orig or error).__name__ if isinstance(error, exc.DBAPIError) else "pool"
        raise Unavailable(f"The database cannot be used now ({kind}).") from None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at once: one that reads first could never get it by waiting."""
    writes = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
