"""Fills an SQLite ledger with invented calls, cards and feedback, to see how large ones behave.

    python -m tools.synthetic_ledger FOLDER --cards 1000000

Then `CDS_SERVICE_STATE=FOLDER cds-service feedback report` reads it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import insert

from cds_service.guideline import EDITION, RECOMMENDATIONS
from cds_service.guideline.overrides import REASONS, SYSTEM
from cds_service.ledger.tables import calls, cards, feedback
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.opening import open_store

FIRST, DAYS = date(2025, 7, 1), 365
BATCH = 20_000
SENT_AGAIN, ANSWERED, OVERRIDDEN = 0.05, 0.33, 0.6  # shares
CLIENTS = [(f"hospital-{n}", f"ward-{m}") for n in range(4) for m in range(3)]
HOOKS = {"pht-patient-view": "patient-view", "pht-order-sign": "order-sign"}
STATES = ["shown"] * 70 + ["repeat"] * 10 + ["precedence"] * 10 + ["budget"] * 5 + ["shadow"] * 5


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--cards", "number", default=1_000_000, show_default=True, help="How many findings.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same ledger.")
def main(folder: Path, number: int, seed: int) -> None:
    """Adds invented findings to the ledger in FOLDER, a third of the shown ones answered."""
    store = open_store(Settings.load(state=folder), bounded=False)
    chance = random.Random(seed)  # invented data
    for start in range(0, number, BATCH):
        _add(store, chance, min(BATCH, number - start))
    store.close()


def _add(store: Store, chance: random.Random, number: int) -> None:
    rows = list(_findings(chance, number))
    with store.write() as connection:
        connection.execute(insert(calls), [call for call, _, _ in rows])
        connection.execute(insert(cards), [card for _, card, _ in rows])
        told = [one for _, _, entries in rows for one in entries]
        connection.execute(insert(feedback), told)


def _findings(chance: random.Random, number: int) -> Iterator[tuple[Any, Any, list[Any]]]:
    for _ in range(number):
        day = FIRST + timedelta(days=chance.randrange(DAYS))
        at = datetime(day.year, day.month, day.day, chance.randrange(24), tzinfo=UTC)
        (client, tenant), (service, hook) = chance.choice(CLIENTS), chance.choice([*HOOKS.items()])
        shared = {
            "at": at,
            "day": day,
            "client": client,
            "tenant": tenant,
            "service": service,
            "hook": hook,
            "patient": _digest(chance, 200_000),
            "user": _digest(chance, 500),
            "encounter": None,
        }
        call = shared | {
            "id": _uuid(chance),
            "fhir_base": "https://fhir.example",
            "hook_instance": _digest(chance, 10**9),
            "key": "k",
            "edition": EDITION,
            "version": "0.1.0",
            "config": "0" * 64,
            "silence": "",
            "unjudged": 0,
        }
        card = shared | {
            "id": _uuid(chance),
            "call": call["id"],
            "uuid": _uuid(chance),
            "rule": chance.choice(RECOMMENDATIONS).id,
            "variant": "",
            "side": chance.choice(["left", "right"]),
            "indicator": chance.choice(["info", "warning"]),
            "fingerprint": _digest(chance, 10**9),
            "state": chance.choice(STATES),
            "why": "",
            "issued": 1 + (chance.random() < SENT_AGAIN),
        }
        answered = card["state"] == "shown" and chance.random() < ANSWERED
        yield call, card, [_entry(chance, card)] if answered else []


def _entry(chance: random.Random, card: dict[str, Any]) -> dict[str, Any]:
    overridden = chance.random() < OVERRIDDEN
    at = card["at"] + timedelta(seconds=chance.expovariate(1 / 300))
    return {
        "id": _uuid(chance),
        "card": card["id"],
        "client": card["client"],
        "tenant": card["tenant"],
        "service": card["service"],
        "card_uuid": card["uuid"],
        "digest": _digest(chance, 10**9),
        "outcome": "overridden" if overridden else "accepted",
        "reason_system": SYSTEM if overridden else "",
        "reason": chance.choice([*REASONS]) if overridden else "",
        "accepted": "[]",
        "comment": None,
        "outcome_at": at,
        "received": at,
        "day": at.date(),
    }


def _uuid(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128)))


def _digest(chance: random.Random, different: int) -> str:
    return f"{chance.randrange(different):064x}"


if __name__ == "__main__":
    main()
