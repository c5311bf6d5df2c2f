"""Rows of the ledger, put there as they would stand after calls and feedback."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from cds_service.ledger.tables import calls, cards, feedback
from cds_service.store.engine import Store

DAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def advised(store: Store, number: int = 1, *, day: date = DAY, **given: Any) -> list[str]:
    """Findings in calls of their own; the ids of their cards. Keyword arguments are columns."""
    at = NOON + (day - DAY)
    shared = {
        "at": at,
        "day": day,
        "client": "north",
        "tenant": "",
        "service": "pht-patient-view",
        "hook": "patient-view",
        "patient": "p" * 64,
        "user": "u" * 64,
        "encounter": None,
    }
    call = shared | {
        "fhir_base": "",
        "hook_instance": "h" * 64,
        "key": "k",
        "edition": "2026.11",
        "version": "0.1.0",
        "config": "c" * 64,
        "silence": "",
        "unjudged": 0,
        "mode": "live",
    }
    card = shared | {
        "rule": "steroid-overuse",
        "variant": "",
        "side": "left",
        "indicator": "info",
        "state": "shown",
        "why": "",
        "issued": 1,
    }
    ids = []
    with store.write() as connection:
        for _ in range(number):
            of_call = {name: value for name, value in given.items() if name in call}
            of_card = {name: value for name, value in given.items() if name in card}
            made, ident = str(uuid4()), str(uuid4())
            connection.execute(insert(calls).values(id=made, **call | of_call))
            own = {"id": ident, "call": made, "uuid": str(uuid4()), "fingerprint": uuid4().hex * 2}
            connection.execute(insert(cards).values(**card | own | of_card))
            ids.append(ident)
    return ids


def answered(
    store: Store, ids: list[str], outcome: str, *, after: float = 60, day: date = DAY, **given: Any
) -> None:
    """The same feedback on each card, `after` seconds."""
    at = NOON + (day - DAY) + timedelta(seconds=after)
    with store.write() as connection:
        for ident in ids:
            row = {
                "id": str(uuid4()),
                "card": ident,
                "client": "north",
                "tenant": "",
                "service": "pht-patient-view",
                "card_uuid": ident,
                "digest": uuid4().hex * 2,
                "outcome": outcome,
                "reason_system": "",
                "reason": "",
                "accepted": "[]",
                "outcome_at": at,
                "received": at,
                "day": day,
            }
            connection.execute(insert(feedback).values(**row | given))
