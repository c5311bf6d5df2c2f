"""Which word on a card is the last, what it says, and about which facts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from cds_service.ledger import reports
from cds_service.ledger.analytics import Period
from cds_service.ledger.tables import cards, feedback
from cds_service.store.engine import Store
from tests.ledger.advised import DAY, NOON, advised
from tests.ledger.conftest import MakeApp
from tests.ledger.telling import accepted, opened, overridden, tell, warnings
from tests.ledger.test_repeats import info, on

CODE = "reason:record-wrong"


def counts(store: Store) -> dict[str, Any]:
    with store.snapshot() as connection:
        return dict(reports.report(connection, Period(), None, 0).total.counts)


def both(client: FlaskClient, store: Store) -> tuple[str, bool]:
    """What the last word on the only card is, by the report and by what is held back."""
    told = counts(store)
    (word,) = [name for name in ("accepted", "overridden", "ignored") if told[name]]
    return word, opened(client, info()) == []


@pytest.mark.parametrize("attempt", range(5))
def test_of_one_moment_what_stands_later_in_the_list_counts(
    client: FlaskClient, store: Store, attempt: int
) -> None:
    (card,) = opened(client, info())
    tell(client, accepted(card), overridden(card))
    assert both(client, store) == ("overridden", True)


@pytest.mark.parametrize("attempt", range(5))
def test_the_same_the_other_way_round(client: FlaskClient, store: Store, attempt: int) -> None:
    (card,) = opened(client, info())
    tell(client, overridden(card), accepted(card))
    assert both(client, store) == ("accepted", False)


def test_a_clock_ahead_of_time_does_not_keep_the_last_word(
    client: FlaskClient, store: Store
) -> None:
    (card,) = opened(client, info())
    tell(client, overridden(card, at="2099-01-01T00:00:00Z"))
    assert counts(store)["overridden"] == 1
    now = datetime.now(UTC) + timedelta(seconds=1)
    tell(client, accepted(card, at=now.isoformat(timespec="seconds")))
    assert both(client, store) == ("accepted", False)


def foreign(card: Any) -> dict[str, Any]:
    entry = overridden(card, "record-wrong")
    entry["overrideReason"]["reason"]["system"] = "https://ehr.example/reasons"
    return entry


def test_a_code_of_another_list_is_not_taken_for_ours(make_app: MakeApp, store: Store) -> None:
    (card,) = opened(on(make_app, "2026-06-15"), info())
    tell(on(make_app, "2026-06-15"), foreign(card))
    told = counts(store)
    assert (told["reason:other-code"], told[CODE]) == (1, 0)
    assert opened(on(make_app, "2026-06-22"), info()) == []  # 7 days are for our own code


def test_a_code_without_its_system_is_taken_for_ours(make_app: MakeApp, store: Store) -> None:
    (card,) = opened(on(make_app, "2026-06-15"), info())
    entry = foreign(card)
    del entry["overrideReason"]["reason"]["system"]
    tell(on(make_app, "2026-06-15"), entry)
    assert counts(store)[CODE] == 1
    assert len(opened(on(make_app, "2026-06-22"), info())) == 1


@pytest.mark.parametrize(("minutes", "meant"), [(-5, 0), (5, 0), (15, 1)])
def test_it_is_about_the_facts_the_user_had_seen(
    client: FlaskClient, store: Store, minutes: int, meant: int
) -> None:
    """One card of a hook instance, shown at noon and, with changed facts, ten minutes later."""
    ids = [*advised(store, client="anyone"), *advised(store, client="anyone")]
    with store.write() as connection:
        connection.execute(update(cards).values(uuid="same"))
        later = update(cards).where(cards.c.id == ids[1])
        connection.execute(later.values(at=NOON + timedelta(minutes=10)))
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    assert warnings(tell(client, overridden({"uuid": "same"}, at=at))) == []
    with store.read() as connection:
        assert connection.scalars(select(feedback.c.card)).all() == [ids[meant]]


def test_its_day_is_that_of_the_site(make_app: MakeApp, store: Store) -> None:
    client = make_app(timezone="America/New_York").test_client()
    assert date(2026, 6, 15) == DAY
    for at in ("2026-06-15T01:00:00Z", "2026-06-15T13:00:00+14:00", "2026-06-15T12:00:00Z"):
        tell(client, overridden({"uuid": "x"}, at=at))
    with store.read() as connection:
        days = connection.scalars(select(feedback.c.day).order_by(feedback.c.received)).all()
    assert [day.day for day in days] == [14, 14, 15]


@pytest.mark.parametrize("at", ["0001-01-01T12:00:00Z", "9999-12-31T12:00:00Z"])
def test_a_day_that_another_zone_cannot_show_is_400(make_app: MakeApp, at: str) -> None:
    for zone in ("America/New_York", "Pacific/Auckland"):
        client = make_app(timezone=zone).test_client()
        assert tell(client, overridden({"uuid": "x"}, at=at)).status_code == 400
