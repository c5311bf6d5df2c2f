"""What has been kept long enough goes, nothing else, and the service goes on meanwhile."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import func, select

from cds_service import keeping
from cds_service.cli import main
from cds_service.errors import SettingsError, Unavailable
from cds_service.ledger import retention
from cds_service.ledger.spool import LOCK, REJECTED, Spool
from cds_service.ledger.tables import calls, cards, feedback, suggestions
from cds_service.site import read_site_file
from cds_service.store import wiping
from cds_service.store.engine import Store
from cds_service.store.opening import DATABASE
from tests.ledger.advised import advised, answered
from tests.ledger.telling import opened

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE, AFTER = date(2025, 12, 31), date(2026, 1, 1)


def count(store: Store, table: Any, *which: Any) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table).where(*which))


@pytest.fixture
def filled(store: Store) -> Store:
    """Three calls from before the new year, two from after, all answered with a comment."""
    for day, number in ((BEFORE, 3), (AFTER, 2)):
        ids = advised(store, number, day=day)
        answered(store, ids, "overridden", day=day, comment="She said no")
    return store


def test_calls_go_with_all_that_hangs_on_them(filled: Store) -> None:
    assert retention.due(filled, "calls", NEW_YEAR) == 3
    assert retention.purge(filled, "calls", NEW_YEAR, batch=2) == 3
    assert [count(filled, table) for table in (calls, cards, feedback)] == [2, 2, 2]
    assert retention.purge(filled, "calls", NEW_YEAR) == 0


def test_comments_go_alone(filled: Store) -> None:
    assert retention.purge(filled, "comments", NEW_YEAR, batch=2) == 3
    assert count(filled, feedback) == 5
    assert count(filled, feedback, feedback.c.comment.is_not(None)) == 2


def test_feedback_that_waits_for_its_card_goes_alone(filled: Store) -> None:
    for day in (BEFORE, AFTER):
        answered(filled, advised(filled, day=day), "accepted", day=day)
    with filled.write() as connection:
        connection.exec_driver_sql("UPDATE feedback SET card = NULL WHERE outcome = 'accepted'")
    assert retention.purge(filled, "pending", NEW_YEAR) == 1
    assert count(filled, feedback) == 6


def test_the_service_goes_on_while_records_go(client: FlaskClient, store: Store) -> None:
    advised(store, 300, day=BEFORE)
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(retention.purge, store, "calls", NEW_YEAR, batch=10)
        shown = [len(opened(client)) for _ in range(20)]
        assert going.result() == 300
    assert shown == [1] * 20
    assert client.application.extensions["cds_service"].ledger.status().lost == 0
    while client.application.extensions["cds_service"].ledger.status().waiting:
        client.application.extensions["cds_service"].ledger.drain()
    assert count(store, calls) == count(store, cards) == 20
    assert count(store, suggestions) > 0


# --- the command ---


@pytest.fixture
def run(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    class Opened:
        def __enter__(self) -> Store:
            return store

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(keeping, "opened", Opened)
    monkeypatch.setenv("CDS_SERVICE_STATE", str(tmp_path / "state"))

    def invoked(*words: str, sent: str = "") -> Any:
        return CliRunner().invoke(main, ["ledger", *words], input=sent)

    return invoked


def test_a_dry_run_only_counts(filled: Store, run: Any) -> None:
    told = run("purge", "--before", "2026-01-01", "--dry-run").stdout
    assert "3 calls, with their cards and feedback would go" in told
    assert "3 comments would go" in told
    assert count(filled, calls) == 5


def test_the_day_begins_in_the_zone_of_the_site(
    filled: Store, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_SERVICE_TIMEZONE", "Pacific/Auckland")
    told = run("purge", "--before", "2026-01-01", "--table", "calls").stdout
    assert "2025-12-31 11:00 UTC" in told
    assert count(filled, calls) == 5  # noon UTC is the new year there


def test_without_a_date_the_site_s_file_says_how_long(
    store: Store, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    for days in (8, 20, 40):
        day = today - timedelta(days=days)
        answered(store, advised(store, day=day), "accepted", day=day, comment="x")
    file = tmp_path / "site.toml"
    file.write_text("[retention]\ncalls = 30\ncomments = 10\n")
    monkeypatch.setenv("CDS_SERVICE_CONFIG", str(file))
    assert run("purge").exit_code == 0
    assert count(store, calls) == 2
    assert count(store, feedback, feedback.c.comment.is_not(None)) == 1


def spooled(folder: Path, *days: date) -> Spool:
    """Calls of these days, one that was set aside among them, and one that tells no time."""
    spool = Spool(folder / "state" / "spool", 10**6)
    for number, day in enumerate(days):
        spool.add({"call": {"id": number, "at": f"{day}T12:00:00+00:00"}, "cards": []})
    spool.add({"call": {"id": "timeless"}})
    old = {"call": {"id": "rejected", "at": f"{days[0]}T12:00:00+00:00"}}
    (folder / "state" / "spool" / REJECTED).write_bytes(orjson.dumps(old) + b"\n")
    return spool


def moment(day: date) -> float:
    return datetime.combine(day, time(12), UTC).timestamp()


def age_of_files(folder: Path, day: date) -> None:
    """As if the last entry had been added on this day."""
    for file in (folder / "state" / "spool").iterdir():
        os.utime(file, (moment(day), moment(day)))


def ids(spool: Spool) -> set[Any]:
    return {entry["call"]["id"] for entry in spool.find(lambda _, __: True)}


@pytest.mark.usefixtures("store")
def test_calls_in_the_spool_go_too_those_set_aside_included(run: Any, tmp_path: Path) -> None:
    spool = spooled(tmp_path, BEFORE, AFTER)
    age_of_files(tmp_path, BEFORE)
    told = run("purge", "--before", "2026-01-01", "--dry-run").stdout
    assert "3 calls in the spool of this machine would go" in told
    assert ids(spool) == {0, 1, "timeless", "rejected"}
    assert run("purge", "--before", "2026-01-01", "--table", "comments").exit_code == 0
    assert ids(spool) == {0, 1, "timeless", "rejected"}
    told = run("purge", "--before", "2026-01-01").stdout
    assert "3 calls in the spool of this machine deleted" in told
    assert ids(spool) == {1}


@pytest.mark.usefixtures("store")
def test_a_call_that_does_not_tell_its_age_is_as_old_as_its_file(run: Any, tmp_path: Path) -> None:
    spool = spooled(tmp_path, BEFORE, AFTER)
    rejected = tmp_path / "state" / "spool" / REJECTED
    with rejected.open("ab") as file:
        file.write(b'{"call":{"id":"silent","at":7}}\n{"call":{"id":"dayless","at":"?"}}\n')
    age_of_files(tmp_path, AFTER)
    for _ in range(2):  # a purge leaves the files as old as they were
        assert run("purge", "--before", "2026-01-01").exit_code == 0
        assert ids(spool) == {1, "timeless", "silent", "dayless"}
        assert rejected.stat().st_mtime == moment(AFTER)
    age_of_files(tmp_path, BEFORE)
    assert run("purge", "--before", "2026-01-01").exit_code == 0
    assert ids(spool) == {1}


@pytest.mark.usefixtures("store")
def test_a_spool_that_cannot_be_written_to_is_told_without_a_trace(
    run: Any, tmp_path: Path
) -> None:
    spooled(tmp_path, BEFORE)
    lock = tmp_path / "state" / "spool" / LOCK
    lock.unlink()
    lock.mkdir()
    done = run("purge", "--before", "2026-01-01")
    assert done.exit_code == 2
    assert "cannot be written to" in done.stderr


def test_calls_are_kept_unless_somebody_says_otherwise(filled: Store, run: Any) -> None:
    assert run("purge").exit_code == 0
    assert count(filled, calls) == 5
    refused = run("purge", "--table", "calls")
    assert refused.exit_code == 2
    assert "[retention]" in refused.stderr


@pytest.mark.parametrize("line", ["calls = 0", "calls = true", "cards = 3", "comments = 1.5"])
def test_a_faulty_table_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f"[retention]\n{line}\n")
    with pytest.raises(SettingsError, match="retention"):
        read_site_file(file)


def test_what_was_purged_is_no_longer_in_the_files(open_new: Any, tmp_path: Path) -> None:
    store = open_new(bounded=False)
    if not store.is_sqlite:
        return  # its files are its own affair
    answered(store, advised(store, day=BEFORE), "overridden", day=BEFORE, comment="Zoe Zimmermann")
    folder = tmp_path / "state"
    assert b"Zoe Zimmermann" in bytes_of(folder)
    retention.purge(store, "comments", NEW_YEAR)
    assert wiping.settle(store)
    assert b"Zoe Zimmermann" not in bytes_of(folder)


def test_a_database_that_cannot_be_written_anew_is_told(open_new: Any, tmp_path: Path) -> None:
    store = open_new(database_timeout=50)
    if not store.is_sqlite:
        return
    with closing(sqlite3.connect(tmp_path / "state" / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="SQLITE_BUSY"):
            wiping.rewrite(store)


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
