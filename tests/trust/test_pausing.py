from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cds_service.errors import Unavailable
from cds_service.settings import Settings
from cds_service.store import pauses
from cds_service.store.engine import Store
from cds_service.store.opening import open_store
from cds_service.store.pauses import Pause
from cds_service.trust import pausing
from cds_service.trust.pausing import Paused, withheld

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


def test_the_reason_is_told_and_not_the_name() -> None:
    (told,) = withheld([PRP]).values()
    assert told == "paused since 2026-06-15 09:30 UTC: under review"


def test_a_clock_put_back_delays_no_pause(store: Store, paused: Paused, clock: Clock) -> None:
    clock.time += 7200
    assert paused.in_force() == ()
    clock.time -= 7190
    pauses.pause(store, PRP)
    assert [one.rule for one in paused.in_force()] == [PRP.rule]
