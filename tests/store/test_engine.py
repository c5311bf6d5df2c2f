"""Transactions, time limits, and what a process must not take from its parent."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, make_url, select
from sqlalchemy.exc import OperationalError

from cds_service.errors import SettingsError, Unavailable
from cds_service.settings import Settings
from cds_service.store import drivers, engine
from cds_service.store.engine import Store
from cds_service.store.nonces import remember
from cds_service.store.opening import DATABASE, open_store
from cds_service.store.tables import Moment, nonces
from tests.trust.test_reload import eventually

Open = Callable[..., Store]
# From Python 3.12 on a fork of a process with threads warns: gunicorn forks before it has any.
FORK = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)


def note(connection: Connection, jti: str = "a") -> None:
    connection.execute(insert(nonces).values(client="c", jti=jti, expires=NOW))


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(nonces)) or 0


def test_what_is_written_stays(store: Store) -> None:
    store.bounded(note, write=True)
    assert count(store) == 1


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fails(connection: Connection) -> None:
        note(connection)
        raise LookupError

    with pytest.raises(LookupError):
        store.bounded(fails, write=True)
    assert count(store) == 0


def test_a_connection_in_use_when_the_disk_could_only_be_read_goes_when_it_comes_back(
    tmp_path: Path,
) -> None:
    file = tmp_path / "some.sqlite3"
    sqlite3.connect(file).close()
    made = drivers.reach(make_url(f"sqlite:///{file}"), 1.0, 2).engine
    with made.connect() as other, made.connect() as failing:
        opened = other.connection.driver_connection
        failing.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(OperationalError, match="readonly"):
            failing.exec_driver_sql("CREATE TABLE t (n)")
    assert opened is not None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened.execute("SELECT 1")
    for _ in range(2):
        with made.connect() as kept:
            raw = kept.connection.driver_connection
            kept.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (n)")
    assert raw is not None
    raw.execute("SELECT 1")  # those opened since are kept
    made.dispose()


def test_times_come_back_aware_and_in_utc(store: Store) -> None:
    summer = timezone(timedelta(hours=2))
    with store.write() as connection:
        local = datetime(2026, 6, 15, 11, 30, tzinfo=summer)
        connection.execute(insert(nonces).values(client="c", jti="a", expires=local))
    with store.read() as connection:
        kept = connection.execute(select(nonces.c.expires)).scalar_one()
    assert kept == NOW
    assert kept.tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Moment().process_bind_param(NOW.replace(tzinfo=None), None)  # type: ignore[arg-type]


def test_the_first_connection_is_there_before_the_first_call(store: Store) -> None:
    store.engine.dispose()
    pool: Any = store.engine.pool
    assert pool.checkedin() == 0
    store.warm()
    assert eventually(lambda: pool.checkedin() == 1)


def test_a_database_that_is_not_there_is_no_fault_at_the_start(
    open_new: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()
    store = open_new()

    @contextmanager
    def down() -> Iterator[Connection]:
        tried.set()
        raise Unavailable("down")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(store, "read", down)
        store.warm()
        assert tried.wait(20)
    store.bounded(note, write=True)  # and nobody has to wait for a rest to be over
    assert count(store) == 1


def test_work_that_takes_too_long_is_given_up(open_new: Open) -> None:
    store = open_new(database_timeout=500)
    release = threading.Event()

    with pytest.raises(Unavailable, match="in time"):
        store.bounded(lambda _: release.wait(20))
    with pytest.raises(Unavailable, match="a moment ago"):
        store.bounded(note, write=True)
    release.set()


def test_work_of_many_rows_that_is_late_keeps_nobody_else_from_the_database(open_new: Open) -> None:
    store = open_new(database_timeout=500, in_flight=2)
    release = threading.Event()
    with pytest.raises(Unavailable, match="in time"):
        store.bounded(lambda _: release.wait(20), patience=2)
    assert store.bounded(lambda _: "answered") == "answered"
    release.set()


def test_a_snapshot_does_not_see_what_is_written_meanwhile(store: Store) -> None:
    def seen() -> int:
        return connection.scalar(select(func.count()).select_from(nonces)) or 0

    with store.snapshot() as connection:
        assert seen() == 0
        with store.write() as other:
            note(other)
        assert seen() == 0
    assert count(store) == 1
    store.bounded(note_more, write=True)  # the connection is as it was before


def note_more(connection: Connection) -> None:
    note(connection, "b")


def test_work_that_hangs_does_not_pile_up(open_new: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "REST", 0.0)
    store = open_new(database_timeout=500, in_flight=2)
    release, begun = threading.Event(), []

    def hangs(_: Connection) -> bool:
        begun.append(1)
        return release.wait(20)

    for _ in range(6):
        with pytest.raises(Unavailable, match="in time"):
            store.bounded(hangs)
    release.set()
    store.close()
    assert len(begun) == 2  # as many as there are threads; the others were never begun
    assert store.bounded(lambda _: "back") == "back"


@pytest.mark.slow
def test_after_a_rest_the_database_is_tried_again(open_new: Open) -> None:
    store = open_new(database_timeout=500)
    release = threading.Event()
    with pytest.raises(Unavailable):
        store.bounded(lambda _: release.wait(20))
    release.set()
    time.sleep(1.1)
    assert store.bounded(lambda _: "back") == "back"


@FORK
def test_a_child_process_makes_connections_of_its_own(store: Store) -> None:
    assert remember(store, client="c", jti="parent", expires=NOW + timedelta(hours=1), now=NOW)
    parents = store.engine
    child = os.fork()
    if child == 0:
        turns = store._turns
        new = remember(store, client="c", jti="child", expires=NOW + timedelta(hours=1), now=NOW)
        own = store.engine is not parents and store._turns is not turns
        os._exit(0 if own and new else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.engine is parents
    assert count(store) == 2


def test_a_locked_sqlite_file_is_unavailable_and_then_not(tmp_path: Path) -> None:
    store = open_store(Settings.load(state=tmp_path, database_timeout=1000))
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert count(store) == 0  # reading goes on
    with pytest.raises(Unavailable):
        store.bounded(note, write=True)
    other.execute("ROLLBACK")
    other.close()
    with store.write() as connection:
        note(connection)
    assert count(store) == 1
    store.close()


@FORK
def test_writers_of_several_processes_wait_for_each_other(tmp_path: Path) -> None:
    store = open_store(Settings.load(state=tmp_path, database_timeout=20_000))
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            for n in range(50):
                jti = f"{child}-{n}"
                remember(store, client="c", jti=jti, expires=NOW + timedelta(hours=1), now=NOW)
            os._exit(0)
        children.append(pid)
    assert {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children} == {0}
    assert count(store) == 150
    store.close()


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    open_store(Settings.load(state=tmp_path / "new" / "state")).close()
    folder = tmp_path / "new" / "state"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / DATABASE).stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="CDS_SERVICE_STATE"):
        open_store(Settings.load(state=tmp_path / "file"))


def test_postgresql_needs_a_file_of_keys(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CDS_SERVICE_KEYS"):
        open_store(Settings.load(state=tmp_path, database_url="postgresql://u:secret@h/d"))


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite:///x", "nonsense"])
def test_other_databases_are_refused_without_repeating_the_url(url: str) -> None:
    with pytest.raises(SettingsError, match="CDS_SERVICE_DATABASE_URL") as caught:
        Settings.load(database_url=url)
    assert url not in str(caught.value)


def test_the_password_of_the_database_is_not_shown() -> None:
    settings = Settings.load(database_url="postgresql://u:secret@h/d")
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings.database_url)


def test_systemd_or_the_user_gives_the_state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Settings.load().state_folder() == tmp_path / "state" / "cds-service"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/cds-service")
    assert Settings.load().state_folder() == Path("/var/lib/cds-service")
    assert Settings.load(state=tmp_path).state_folder() == tmp_path
