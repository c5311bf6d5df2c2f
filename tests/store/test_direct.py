"""What every call does, on the driver's own cursor: the same values, faults and recoveries."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, event, func, insert, literal, make_url, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, StatementError

from cds_service.errors import Unavailable
from cds_service.store import drivers, lines
from cds_service.store.direct import Direct, transact
from cds_service.store.drivers import Reached
from cds_service.store.engine import Store
from cds_service.store.opening import DATABASE
from cds_service.store.statements import Statement
from cds_service.store.tables import nonces, pauses
from tests.stores import revert
from tests.trust.test_reload import eventually

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
NEW = Statement(lambda _: insert(nonces))
ALL = Statement(lambda _: select(nonces.c.jti, nonces.c.expires))
ROW = {"client": "c", "jti": "a", "expires": NOW}


def note(direct: Direct, **other: Any) -> int:
    return direct.run(NEW, ROW | other)


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(nonces)) or 0


def test_times_come_back_aware_and_in_utc(store: Store) -> None:
    local = datetime(2026, 6, 15, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    assert store.quick(lambda direct: note(direct, expires=local), write=True) == 1
    ((jti, kept),) = store.quick(lambda direct: direct.rows(ALL, {}))
    assert (jti, kept, kept.tzinfo) == ("a", NOW, UTC)
    with store.write() as connection:  # and they are kept as SQLAlchemy keeps them
        connection.execute(insert(nonces), ROW | {"jti": "b"})
        different = "SELECT count(DISTINCT expires) FROM nonces"
        assert connection.exec_driver_sql(different).scalar() == 1


def test_dates_truths_and_what_a_statement_brings_itself_are_as_sqlalchemy_has_them(
    store: Store,
) -> None:
    day = date(2026, 6, 15)
    made = select(literal(day).label("day"), bindparam("yes", True), bindparam("n", 1) + 1)
    (row,) = store.quick(lambda direct: direct.rows(Statement(lambda _: made), {"yes": False}))
    assert row == (day, False, 2)


def test_a_column_may_be_left_out_and_an_unknown_one_is_none(store: Store) -> None:
    new = Statement(lambda _: insert(pauses))
    row = {"id": "p", "rule": "r", "since": NOW, "paused_by": "who", "reason": "why"}
    store.direct(lambda direct: direct.run(new, row), write=True)
    more = {"id": "q", "until": NOW, "unknown": 1}  # as another version may have left it
    store.direct(lambda direct: direct.run(new, row | more), write=True)
    found = Statement(lambda _: select(pauses.c.until).order_by(pauses.c.id))
    assert store.quick(lambda direct: direct.rows(found, {})) == [(None,), (NOW,)]


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fails(direct: Direct) -> None:
        note(direct)
        raise LookupError

    with pytest.raises(LookupError):
        store.quick(fails, write=True)
    assert count(store) == 0
    store.quick(note, write=True)
    assert count(store) == 1


def test_faults_of_ours_are_not_those_of_the_database(store: Store) -> None:
    store.quick(note, write=True)
    with pytest.raises(IntegrityError, match="INSERT INTO nonces"):
        store.quick(note, write=True)
    with pytest.raises(StatementError, match="zone"):
        store.quick(lambda direct: note(direct, expires=NOW.replace(tzinfo=None)), write=True)
    incomplete = [ROW | {"jti": "b"}, {"client": "c"}]
    with pytest.raises(StatementError, match="jti"):
        store.quick(lambda direct: direct.run_all(NEW, incomplete), write=True)
    if not store.is_sqlite:
        with pytest.raises(DataError):
            store.quick(lambda direct: note(direct, jti="a" * 65), write=True)
    assert count(store) == 1


def test_without_a_table_the_database_cannot_be_used(store: Store) -> None:
    revert(store)
    with pytest.raises(Unavailable) as caught:
        store.quick(note, write=True)
    assert caught.value.cause == ("SQLITE_ERROR" if store.is_sqlite else "UndefinedTable")


@pytest.mark.parametrize("open_new", ["sqlite"], indirect=True)
@pytest.mark.parametrize("durable", [True, False])
def test_what_need_not_be_durable_is_not_waited_for_on_the_disk(
    open_new: Callable[..., Store], durable: bool
) -> None:
    store = open_new()

    def waits(direct: Direct) -> int:
        note(direct, jti=str(count(store)))
        return int(direct.cursor.execute("PRAGMA synchronous").fetchone()[0])

    for _ in range(2):
        assert store.quick(waits, write=True, durable=durable) == (2 if durable else 1)
        store.quick(waits, write=True, durable=not durable)


@pytest.mark.parametrize("open_new", ["sqlite"], indirect=True)
def test_what_is_only_for_a_while_is_kept_in_memory_for_calls_and_in_files_for_commands(
    open_new: Callable[..., Store],
) -> None:
    """A command may write the whole database anew."""

    def kept(direct: Direct) -> int:
        return int(direct.cursor.execute("PRAGMA temp_store").fetchone()[0])

    memory, default = 2, 0
    store = open_new()
    assert store.direct(kept) == memory
    for patient in (open_new(bounded=False), store.unhurried()):
        assert patient.direct(kept) == default
        patient.close()


@pytest.mark.slow
@pytest.mark.parametrize("open_new", ["postgresql"], indirect=True)
def test_a_connection_that_postgresql_ends_is_replaced(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def ends(direct: Direct) -> None:
        direct.cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(Unavailable) as caught:
        store.quick(ends)
    assert caught.value.cause == "AdminShutdown"
    assert store.quick(note, write=True) == 1
    assert not caplog.records  # nobody tried to roll back what was gone


@pytest.mark.parametrize("open_new", ["sqlite"], indirect=True)
def test_a_file_that_was_replaced_is_not_written_to(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "state" / DATABASE
    assert store.quick(note, write=True) == 1
    file.rename(file.with_name("old"))
    with pytest.raises(Unavailable) as caught:
        store.quick(lambda direct: note(direct, jti="b"), write=True)
    assert caught.value.cause == "SQLITE_CANTOPEN"
    file.with_name("old").rename(file)
    assert store.quick(lambda direct: note(direct, jti="b"), write=True) == 1


@pytest.mark.parametrize("open_new", ["sqlite"], indirect=True)
def test_the_first_connections_are_there_before_the_first_call(store: Store) -> None:
    store.engine.dispose()
    opened: list[object] = []
    event.listen(store.engine, "connect", lambda *_: opened.append(1))
    store.warm()
    assert eventually(lambda: "store-warm" not in {one.name for one in threading.enumerate()})
    assert len(opened) == 2
    store.quick(lambda direct: direct.rows(ALL, {}))
    assert count(store) == 0
    assert len(opened) == 2


# --- connections that are kept at hand ---


@pytest.fixture
def reached(tmp_path: Path) -> Any:
    file = tmp_path / "some.sqlite3"
    sqlite3.connect(file).close()
    made = drivers.reach(make_url(f"sqlite:///{file}"), 1.0, 2)
    yield made
    made.close()


def ran(reached: Reached, *statements: str) -> sqlite3.Connection:
    """The connection on which they were run, one after the other."""

    def work(direct: Direct) -> Any:
        for one in statements:
            direct.cursor.execute(one)
        return direct.cursor.connection

    found: sqlite3.Connection = transact(reached, work, write=False, durable=True, single=False)
    return found


def is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


def test_one_is_kept_from_call_to_call_and_goes_after_a_fault(reached: Reached) -> None:
    first = ran(reached, "CREATE TABLE t (n)")
    assert ran(reached) is first
    with pytest.raises(Unavailable):
        ran(reached, "nonsense")
    assert is_closed(first)
    assert ran(reached, "SELECT n FROM t") is not first


def test_no_more_are_kept_than_are_often_in_use_at_once(reached: Reached) -> None:
    def one_more(others: int) -> list[sqlite3.Connection]:
        def work(direct: Direct) -> list[sqlite3.Connection]:
            return [direct.cursor.connection, *(one_more(others - 1) if others else [])]

        return transact(reached, work, write=False, durable=True, single=False)

    used = one_more(lines.KEPT + 2)
    assert sum(not is_closed(one) for one in used) == lines.KEPT


@pytest.mark.parametrize("through", ["direct", "sqlalchemy"])
def test_all_go_when_the_disk_could_only_be_read(reached: Reached, through: str) -> None:
    def fails(direct: Direct) -> None:
        seen.append(ran(reached))  # another, which is at rest when this fails
        if through == "direct":
            direct.cursor.execute("PRAGMA query_only=ON")
            direct.cursor.execute("CREATE TABLE t (n)")
            return
        with reached.engine.connect() as failing:
            failing.exec_driver_sql("PRAGMA query_only=ON")
            with pytest.raises(OperationalError, match="readonly"):
                failing.exec_driver_sql("CREATE TABLE t (n)")
        assert is_closed(seen[0])
        raise LookupError

    seen: list[sqlite3.Connection] = []
    with pytest.raises((Unavailable, LookupError)):
        transact(reached, fails, write=False, durable=True, single=False)
    assert is_closed(seen[0])
    assert not is_closed(ran(reached, "CREATE TABLE t (n)"))


def test_one_in_use_meanwhile_goes_when_it_is_taken_next(reached: Reached) -> None:
    def meanwhile(direct: Direct) -> sqlite3.Connection:
        with pytest.raises(Unavailable):
            ran(reached, "PRAGMA query_only=ON", "CREATE TABLE t (n)")
        found: sqlite3.Connection = direct.cursor.connection
        return found

    older = transact(reached, meanwhile, write=False, durable=True, single=False)
    assert ran(reached) is not older
    assert is_closed(older)


def test_a_database_that_fails_as_it_is_first_reached_is_unavailable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLAlchemy asks the first connection what it is, and wraps what the driver then raises."""
    fresh = Store(store.url, store.keys, timeout=5)

    def cancelled(_connection: Any) -> None:
        driver = fresh.engine.dialect.loaded_dbapi
        raise OperationalError("SELECT version()", None, driver.OperationalError("cancelled"))

    monkeypatch.setattr(fresh.engine.dialect, "initialize", cancelled)
    try:
        for write in (False, True):
            with pytest.raises(Unavailable):
                fresh.quick(note, write=write)
        monkeypatch.undo()
        assert fresh.quick(note, write=True) == 1
    finally:
        fresh.close()


@pytest.mark.parametrize("durable", [True, False])
def test_a_connection_that_must_go_is_closed_when_it_is_given_back(
    store: Store, durable: bool
) -> None:
    fit = True
    kept = lines.Lines(store.engine, lambda _info: True, lambda _info: fit)
    line = kept.take(durable=durable)
    fit = False
    kept.give_back(line, durable=durable)
    assert line.dbapi_connection is None
