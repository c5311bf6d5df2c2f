"""How SQLite and PostgreSQL are reached: every connection with its limits in time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import ExceptionContext

from cds_service.store.lines import Fit, Lines

PATIENCE = 30.0  # seconds a command waits for a lock; a request waits for its own timeout
CONNECT = 2  # seconds to reach PostgreSQL; libpq knows no shorter time
SPARE = 4  # connections beyond one for each thread: the spool, commands
CACHE = 256  # KB of pages each connection to SQLite keeps; a call touches a dozen
USUAL = {"synchronous": "FULL", "foreign_keys": "ON"}  # of SQLite; some transactions need others
#: takes the lock at once: a transaction that reads first could never get it by waiting
BEGIN_TO_WRITE = "BEGIN IMMEDIATE"
#: a machine that is gone without a word is noticed within these seconds, not after hours
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


@dataclass(frozen=True, slots=True)
class Reached:
    """A database as one process reaches it: through SQLAlchemy, or without it (see `direct`).

    `lost` tells of an error of the driver, its connection and its cursor whether that connection
    is of no more use.
    """

    engine: Engine
    lines: Lines
    lost: Callable[[Any, Any, Any], bool]

    def close(self) -> None:
        """All connections that are in no use."""
        self.lines.close()
        self.engine.dispose()


def reach(url: URL, timeout: float | None, threads: int) -> Reached:
    """As one process reaches it. `timeout` in seconds; None for commands, which may wait."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, timeout, threads)
    return _postgresql(url, timeout, threads)


def patience(timeout: float | None) -> float:
    """Seconds for a lock of SQLite, which is given up before whoever waits for the work does."""
    return PATIENCE if timeout is None else timeout * 0.8


def _sqlite(url: URL, timeout: float | None, threads: int) -> Reached:
    seconds = patience(timeout)
    file = Path(url.database or "")
    # Only opened, never made: an empty file in place of a lost one would go unnoticed.
    opened = url.set(database=file.absolute().as_uri(), query={"mode": "rw", "uri": "true"})
    made = create_engine(
        opened, connect_args={"timeout": seconds}, pool_size=threads, max_overflow=SPARE
    )

    def same(info: Mapping[Any, Any]) -> bool:
        """What is written to a file that was deleted or replaced would be lost in silence."""
        return bool(info["file"] == _identity(file))

    def same_file(_connection: Any, record: Any, _proxy: object) -> None:
        if not same(record.info):
            raise exc.DisconnectionError

    def prepare(connection: Any, record: Any) -> None:
        record.info["file"] = _identity(file)
        _prepare_sqlite(connection)
        if timeout is None:  # commands that purge or erase overwrite what they delete
            connection.execute("PRAGMA secure_delete=ON").close()
        else:  # what a statement of a call may have to undo is no file; VACUUM writes one
            connection.execute("PRAGMA temp_store=MEMORY").close()

    event.listen(made, "connect", prepare)
    event.listen(made, "checkout", same_file)
    readable = _OnlyReadable(made, same)
    return Reached(made, readable.lines, readable.lost)


class _OnlyReadable:
    """What could only be opened for reading stays so while any connection to it is left."""

    def __init__(self, made: Engine, same: Fit) -> None:
        self.lines = Lines(made, lambda info: same(info) and self._is_new(info), self._is_new)
        self._made = made
        self._era = 0  # the next begins when all connections of the last must go
        event.listen(made, "connect", self._opened)
        event.listen(made, "handle_error", self._failed)
        event.listen(made, "checkin", self._came_back)

    def lost(self, error: Any, connection: Any, cursor: Any) -> bool:
        if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_READONLY"):
            return self._made.dialect.is_disconnect(error, connection, cursor)
        if cursor is not None:  # an open one keeps the file open
            cursor.close()
        self._era += 1
        self.lines.close()
        self._made.dispose()  # closes those that are in no use
        return True

    def _is_new(self, info: Mapping[Any, Any]) -> bool:
        return info.get("era") == self._era

    def _opened(self, _connection: Any, record: Any) -> None:
        record.info["era"] = self._era

    def _failed(self, context: ExceptionContext) -> None:
        run = context.execution_context
        cursor = run.cursor if run is not None else None
        if self.lost(context.original_exception, context.connection, cursor):
            context.is_disconnect = True

    def _came_back(self, _connection: Any, record: Any) -> None:
        if not self._is_new(record.info):
            record.invalidate()


def _postgresql(url: URL, timeout: float | None, threads: int) -> Reached:
    given: dict[str, Any] = {"connect_timeout": CONNECT, "application_name": "cds-service"}
    given |= {"client_encoding": "utf8", **KEEPALIVE}
    if timeout is not None:
        milliseconds = max(1, round(timeout * 800))
        given["options"] = f"-c statement_timeout={milliseconds}"
        given["tcp_user_timeout"] = CONNECT * 1000
    made = create_engine(
        url,
        connect_args=given,
        pool_size=threads,
        max_overflow=SPARE,
        pool_timeout=timeout or PATIENCE,
        pool_pre_ping=True,
        pool_use_lifo=True,  # what PostgreSQL keeps for a connection is then near
    )
    return Reached(made, Lines(made), made.dialect.is_disconnect)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116  # on the way of every request: a Path costs more
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare_sqlite(connection: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `begin`, not by the driver
    cursor = connection.cursor()
    for pragma, value in {"journal_mode": "WAL", "cache_size": -CACHE, **USUAL}.items():
        cursor.execute(f"PRAGMA {pragma}={value}")
    cursor.close()


def begin(connection: Connection) -> None:
    """What SQLite has to be told when a transaction begins; to PostgreSQL the driver tells it.

    No listener does this: an engine that has one asks for listeners at every statement.
    """
    if connection.dialect.name != "sqlite":
        return
    options = connection.get_execution_options()
    if not options.get("immediate", False):
        connection.exec_driver_sql("BEGIN")
        return
    run = connection.exec_driver_sql
    fit_to_write(run, connection.info, durable=options["durable"], remakes=options["remakes"])
    run(BEGIN_TO_WRITE)


def fit_to_write(
    run: Callable[[str], Any],
    info: MutableMapping[str, Any],
    *,
    durable: bool,
    remakes: bool = False,
) -> None:
    """What cannot be changed within a transaction of SQLite; `info` is kept of a connection."""
    wanted = {
        "synchronous": "FULL" if durable else "NORMAL",
        "foreign_keys": "OFF" if remakes else "ON",
    }
    for pragma, value in wanted.items():
        if info.get(pragma, USUAL[pragma]) != value:
            run(f"PRAGMA {pragma}={value}")
            info[pragma] = value
