from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from cds_service.errors import Unavailable
from cds_service.settings import Settings
from cds_service.store import pauses
from cds_service.store.engine import Store
from cds_service.store.keys import new_line
from cds_service.store.opening import open_store
from cds_service.store.pauses import Pause
from cds_service.trust import pausing
from cds_service.trust.kept_pauses import KeptPauses
from cds_service.trust.pausing import Paused, withheld
from tests.conftest import ROOT, Running, Start
from tests.postgres import Postgres

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
PRP = Pause(rule="prp-awb-evidence", since=NOW, by="Dr Osei", reason="under review")


class Clock:
    def __init__(self) -> None:
        self.time = NOW.timestamp()

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(Settings.load(state=tmp_path, database_timeout=5000))
    yield opened
    opened.close()


@pytest.fixture
def paused(store: Store, clock: Clock) -> Paused:
    return Paused(store, now=clock)


def test_a_pause_is_seen_within_ten_seconds(store: Store, paused: Paused, clock: Clock) -> None:
    assert paused.in_force() == ()
    pauses.pause(store, PRP)
    clock.time += 9.9
    assert paused.in_force() == (PRP,)
    pauses.resume(store, PRP.rule, by="Dr Osei", now=NOW)
    clock.time += 9.9
    assert paused.in_force() == ()


def test_a_pause_ends_at_its_end_and_not_at_the_next_look(
    store: Store, paused: Paused, clock: Clock
) -> None:
    pauses.pause(
        store, Pause(rule="all", since=NOW, until=NOW + timedelta(seconds=3), by="x", reason="y")
    )
    assert len(paused.in_force()) == 1
    clock.time += 3.1
    assert paused.in_force() == ()


def test_without_the_database_what_was_read_last_stays(
    store: Store, paused: Paused, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses.pause(store, PRP)
    assert paused.in_force() == (PRP,)

    def down(*_: object) -> None:
        raise Unavailable("down")

    monkeypatch.setattr(pausing.pauses, "in_force", down)
    clock.time += 3600
    assert paused.in_force() == (PRP,)


# --- a start while the database is down ---


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes the database away."""

    def unavailable(*_: object) -> None:
        raise Unavailable("down")

    return lambda: monkeypatch.setattr(pausing.pauses, "in_force", unavailable)


@pytest.fixture
def again(store: Store, clock: Clock, tmp_path: Path) -> Callable[[], Paused]:
    """A process of this machine, as after a restart."""
    return lambda: Paused(store, now=clock, kept=KeptPauses(tmp_path / "pauses.json"))


Process = Callable[[], Paused]


def test_a_restart_without_the_database_shows_no_rule_that_was_paused(
    store: Store, again: Process, down: Callable[[], None]
) -> None:
    pauses.pause(store, PRP)
    assert [one.rule for one in again().in_force()] == [PRP.rule]
    down()
    restarted = again()
    assert withheld(restarted.in_force()) == withheld([PRP])
    assert not restarted.unread


def test_a_pause_kept_in_the_file_ends_at_its_end(
    store: Store, again: Process, down: Callable[[], None], clock: Clock
) -> None:
    until = NOW + timedelta(hours=1)
    pauses.pause(store, Pause(rule="all", since=NOW, until=until, by="x", reason="y"))
    assert again().in_force()
    down()
    clock.time += 3601
    assert again().in_force() == ()


def test_what_was_resumed_is_not_paused_again_by_the_file(
    store: Store, again: Process, down: Callable[[], None], clock: Clock
) -> None:
    process = again()
    pauses.pause(store, PRP)
    assert process.in_force()
    pauses.resume(store, PRP.rule, by="x", now=NOW)
    clock.time += 6
    assert process.in_force() == ()
    down()
    assert again().in_force() == ()


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b'[{"rule": "x"}]', b"7"])
def test_where_neither_database_nor_file_tells_it_is_said(
    again: Process, down: Callable[[], None], tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "pauses.json").write_bytes(content)
    down()
    process = again()
    assert process.in_force() == ()
    assert process.unread


def test_the_file_is_the_owners_and_does_not_tell_who(
    store: Store, again: Process, tmp_path: Path
) -> None:
    pauses.pause(store, PRP)
    again().in_force()
    file = tmp_path / "pauses.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Osei" not in file.read_text()


def test_a_folder_that_cannot_be_written_to_costs_no_pause(store: Store, clock: Clock) -> None:
    pauses.pause(store, PRP)
    process = Paused(store, now=clock, kept=KeptPauses(Path("/proc/nowhere/pauses.json")))
    assert process.in_force() == (PRP,)


def test_the_reason_is_told_and_not_the_name() -> None:
    (told,) = withheld([PRP]).values()
    assert told == "paused since 2026-06-15 09:30 UTC: under review"


def test_a_clock_put_back_delays_no_pause(store: Store, paused: Paused, clock: Clock) -> None:
    clock.time += 7200
    assert paused.in_force() == ()
    clock.time -= 7190
    pauses.pause(store, PRP)
    assert [one.rule for one in paused.in_force()] == [PRP.rule]


@pytest.mark.slow
def test_a_server_restarted_while_postgresql_is_down_keeps_a_rule_paused(
    start: Start, postgres: Postgres, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(new_line())
    keys.chmod(0o600)
    environment = {
        "CDS_SERVICE_AUTH": "open",
        "CDS_SERVICE_TODAY": "2026-06-15",
        "CDS_SERVICE_STATE": str(tmp_path / "state"),
        "CDS_SERVICE_DATABASE_URL": postgres.create("paused"),
        "CDS_SERVICE_DATABASE_TIMEOUT": "2000",
        "CDS_SERVICE_KEYS": str(keys),
    }
    command(environment, "ledger", "migrate")
    command(environment, "pause", "surgical-referral-overdue", "--reason", "wrong cards seen")
    running = start("serve", **environment)
    assert shown(running) == set()
    running.stop()
    postgres.stop()
    try:
        restarted = start("serve", **environment)
        assert shown(restarted) == set()
    finally:
        postgres.start()


def command(environment: dict[str, str], *words: str) -> None:
    """As an operator does."""
    told = [sys.executable, "-m", "cds_service", *words]
    subprocess.run(told, check=True, env={**os.environ, **environment}, timeout=60)


def shown(running: Running) -> set[str]:
    """Rules whose cards the answer to a chart with an overdue referral holds."""
    body = json.loads((ROOT / "fixtures/fhir/delayed-referral/request.json").read_text())
    url = f"{running.url}/cds-services/pht-patient-view"
    answer = requests.post(url, json=body, timeout=30)
    assert answer.status_code == 200
    return {card["source"]["topic"]["code"] for card in answer.json()["cards"]}
