"""Transactions on the driver's own cursor, without SQLAlchemy's way of running statements.

For what every call does. Connections come from SQLAlchemy's pool all the same, and what fails
means the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Dialect, exc

from cds_service.store import drivers
from cds_service.store.drivers import Reached
from cds_service.store.faults import none_free, unavailable
from cds_service.store.lines import Line
from cds_service.store.statements import Statement, Values, Written

T = TypeVar("T")
Row = tuple[Any, ...]


class Direct:
    """What runs statements within one transaction."""

    __slots__ = ("_dialect", "cursor", "sql")

    def __init__(self, dialect: Dialect, cursor: Any) -> None:
        self._dialect = dialect
        self.cursor = cursor
        self.sql = ""  # of the last one

    def rows(self, statement: Statement, values: Values) -> list[Row]:
        written = self._written(statement, values)
        self.cursor.execute(written.sql, written.bound(values))
        return written.rows(self.cursor.fetchall())

    def run(self, statement: Statement, values: Values) -> int:
        """How many rows it changed."""
        written = self._written(statement, values)
        self.cursor.execute(written.sql, written.bound(values))
        return int(self.cursor.rowcount)

    def run_all(self, statement: Statement, values: Sequence[Values]) -> None:
        """For each of `values`, which have the same names."""
        written = self._written(statement, values[0])
        self.cursor.executemany(written.sql, [written.bound(one) for one in values])

    def _written(self, statement: Statement, values: Values) -> Written:
        written = statement.written(self._dialect, values)
        self.sql = written.sql
        return written


def transact(
    reached: Reached, work: Callable[[Direct], T], *, write: bool, durable: bool, single: bool
) -> T:
    """`work` in a transaction. Raises Unavailable, or SQLAlchemy's errors for faults of ours.

    Work that only reads sees in each statement what is committed by then, on SQLite too. Nor is
    SQLite told where work of a `single` statement begins: that is a transaction of its own.
    """
    dialect = reached.engine.dialect
    line: Line | None = None
    direct: Direct | None = None
    begun = False
    try:
        line = reached.lines.take(durable=durable)
        cursor = line.cursor()
        direct = Direct(dialect, cursor)
        if write and dialect.name == "sqlite":
            drivers.fit_to_write(cursor.execute, line.info, durable=durable)
            if not single:
                cursor.execute(drivers.BEGIN_TO_WRITE)
                begun = True
        result = work(direct)
        if begun:  # by the cursor, which keeps it prepared
            cursor.execute("COMMIT")
        else:
            line.commit()
    except BaseException as error:
        told = _told(reached, error, line, direct)
        if told is error:
            raise
        raise told from None
    reached.lines.give_back(line, durable=durable)
    return result


def _told(
    reached: Reached, error: BaseException, line: Line | None, direct: Direct | None
) -> BaseException:
    """What `error` means; `line` goes."""
    driver = reached.engine.dialect.loaded_dbapi
    ours = not isinstance(error, driver.Error)
    cursor, sql = (direct.cursor, direct.sql) if direct else (None, "")
    if line is not None:
        lost = not ours and reached.lost(error, line.driver_connection, cursor)
        reached.lines.drop(line, lost=lost)
    if isinstance(error, exc.TimeoutError):
        return none_free()
    if line is None and isinstance(error, exc.DBAPIError):
        return unavailable(error.orig or error)  # the first connection is tried by SQLAlchemy
    if isinstance(error, driver.IntegrityError):
        return exc.IntegrityError(sql, None, error)
    if isinstance(error, driver.DataError):
        return exc.DataError(sql, None, error)
    return error if ours else unavailable(error)
