"""Rules out of service: from when to when, and who said so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cds_service.store.engine import Store
from cds_service.store.pauses import ALL, Pause, in_force, pause, resume

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRP = Pause(rule="prp-awb-evidence", since=NOW, by="Dr Osei", reason="under review")


def test_a_pause_is_in_force_until_it_is_resumed(store: Store) -> None:
    pause(store, PRP)
    assert in_force(store, NOW + 9000 * HOUR) == (PRP,)
    assert resume(store, PRP.rule, by="Dr Osei", now=NOW + HOUR) == 1
    assert in_force(store, NOW + HOUR) == ()


def test_a_pause_may_have_an_end(store: Store) -> None:
    whole = Pause(rule=ALL, since=NOW, until=NOW + HOUR, by="ops", reason="incident")
    pause(store, whole)
    assert in_force(store, NOW + HOUR / 2) == (whole,)
    assert in_force(store, NOW + HOUR) == ()


def test_a_pause_may_begin_later(store: Store) -> None:
    pause(store, PRP)
    assert in_force(store, NOW - HOUR) == ()


def test_resuming_what_is_not_paused_says_so(store: Store) -> None:
    assert resume(store, "steroid-interval", by="ops", now=NOW) == 0
