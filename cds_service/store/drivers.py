"""How SQLite and PostgreSQL are reached: every connection with its limits in time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import ExceptionContext

PATIENCE = 30.0  # seconds a command waits for a lock; a request waits for its own timeout
CONNECT = 2  # seconds to reach PostgreSQL; libpq knows no shorter time
SPARE = 4  # connections beyond one for each thread: the spool, commands
CACHE = 256  # KB of pages each connection to SQLite keeps; a call touches a dozen
USUAL = {"synchronous": "FULL", "foreign_keys": "ON"}  # of SQLite; some transactions need others
#: a machine that is gone without a word is noticed within these seconds, not after hours
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


def engine(url: URL, timeout: float | None, threads: int) -> Engine:
    """The engine of one process. `timeout` in seconds; None for commands, which may wait."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, timeout, threads)
    return _postgresql(url, timeout, threads)


def _sqlite(url: URL, timeout: float | None, threads: int) -> Engine:
    # The database gives up before whoever waits for it does: then nothing is written late.
    seconds = PATIENCE if timeout is None else timeout * 0.8
    file = Path(url.database or "")
    # Only opened, never made: an empty file in place of a lost one would go unnoticed.
    opened = url.set(database=file.absolute().as_uri(), query={"mode": "rw", "uri": "true"})
    made = create_engine(
        opened, connect_args={"timeout": seconds}, pool_size=threads, max_overflow=SPARE
    )

    def same_file(_connection: Any, record: Any, _proxy: object) -> None:
        """What is written to a file that was deleted or replaced would be lost in silence."""
        if record.info["file"] != _identity(file):
            raise exc.DisconnectionError

    def prepare(connection: Any, record: Any) -> None:
        record.info["file"] = _identity(file)
        _prepare_sqlite(connection)
        if timeout is None:  # commands that purge or erase overwrite what they delete
            connection.execute("PRAGMA secure_delete=ON").close()

    event.listen(made, "connect", prepare)
    event.listen(made, "checkout", same_file)
    _leave_only_readable(made)
    return made


def _leave_only_readable(made: Engine) -> None:
    """What could only be opened for reading stays so while any connection to it is left."""
    era = 0  # the next begins when all connections of the last must go

    def opened(_connection: Any, record: Any) -> None:
        record.info["era"] = era

    def failed(context: ExceptionContext) -> None:
        nonlocal era
        name = getattr(context.original_exception, "sqlite_errorname", "")
        if name.startswith("SQLITE_READONLY"):
            if context.execution_context is not None:  # an open cursor keeps the file open
                context.execution_context.cursor.close()
            context.is_disconnect = True
            era += 1
            made.dispose()  # closes those that are in no use

    def came_back(_connection: Any, record: Any) -> None:
        if record.info.get("era") != era:
            record.invalidate()

    event.listen(made, "connect", opened)
    event.listen(made, "handle_error", failed)
    event.listen(made, "checkin", came_back)


def _postgresql(url: URL, timeout: float | None, threads: int) -> Engine:
    given: dict[str, Any] = {"connect_timeout": CONNECT, "application_name": "cds-service"}
    given |= {"client_encoding": "utf8", **KEEPALIVE}
    if timeout is not None:
        milliseconds = max(1, round(timeout * 800))
        given["options"] = f"-c statement_timeout={milliseconds}"
        given["tcp_user_timeout"] = CONNECT * 1000
    return create_engine(
        url,
        connect_args=given,
        pool_size=threads,
        max_overflow=SPARE,
        pool_timeout=timeout or PATIENCE,
        pool_pre_ping=True,
    )


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

    A writer takes its lock at once: one that reads first could never get it by waiting. No
    listener does this: an engine that has one asks for listeners at every statement.
    """
    if connection.dialect.name != "sqlite":
        return
    options = connection.get_execution_options()
    if not options.get("immediate", False):
        connection.exec_driver_sql("BEGIN")
        return
    _set(connection, "synchronous", "FULL" if options["durable"] else "NORMAL")
    _set(connection, "foreign_keys", "OFF" if options["remakes"] else "ON")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set(connection: Connection, pragma: str, wanted: str) -> None:
    """What cannot be changed within a transaction; only where it is otherwise."""
    if connection.info.get(pragma, USUAL[pragma]) != wanted:
        connection.exec_driver_sql(f"PRAGMA {pragma}={wanted}")
        connection.info[pragma] = wanted
