"""What the database holds, against what clients were told."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from cds_service.ledger.tables import calls, cards, feedback
from cds_service.store.opening import open_store
from tools.soak.client import Tally
from tools.soak.world import World

DRAINED = 120.0  # seconds the spool has


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """`found` names what speaks against it; nothing: it was kept."""

    name: str
    found: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return not self.found


def promises(world: World, tally: Tally) -> Iterator[Promise]:
    """What must be true of database and log when all is over."""
    yield Promise(name="the spool is written when the database is back", found=_waits(world))
    store = open_store(world.settings, bounded=False)
    try:
        with store.read() as connection:
            yield from _books(connection, tally)
    finally:
        store.close()
    yield Promise(name="no call went unrecorded, and no fault was logged", found=_faults(world))


def _waits(world: World) -> tuple[str, ...]:
    end = time.monotonic() + DRAINED
    while world.spool() and time.monotonic() < end:
        time.sleep(0.2)
    return (f"{world.spool()} bytes still wait",) if world.spool() else ()


def _books(connection: Connection, tally: Tally) -> Iterator[Promise]:
    issued = select(cards.c.uuid, func.sum(cards.c.issued)).where(cards.c.state == "shown")
    shown = Counter(dict(connection.execute(issued.group_by(cards.c.uuid)).all()))
    missing = [uuid for uuid, times in tally.cards.items() if shown[uuid] < times]
    yield Promise(
        name="every card that was shown is on record, as often as it was shown",
        found=(f"{len(missing)} of {len(tally.cards)} are not",) if missing else (),
    )
    made = connection.scalar(select(func.count()).select_from(calls)) or 0
    right = tally.recorded <= made <= tally.recorded + tally.lost_calls
    told = f"{made} on record, {tally.recorded} answered, {tally.lost_calls} cut off"
    yield Promise(
        name="every call that was answered is on record, once", found=_unless(right, told)
    )
    kept = Counter[str](connection.scalars(select(feedback.c.card_uuid)))
    lone = connection.scalar(select(func.count()).where(feedback.c.card.is_(None))) or 0
    told = f"{kept.total()} on record, {tally.feedback.total()} acknowledged, {lone} without card"
    yield Promise(
        name="feedback that was acknowledged is on record, once",
        found=_unless(kept == tally.feedback and not lone, told),
    )


def _unless(right: bool, told: str) -> tuple[str, ...]:
    return () if right else (told,)


def _faults(world: World) -> tuple[str, ...]:
    found = []
    for line in world.log.read_text("utf-8").splitlines():
        if not line.startswith("{"):
            if not line.startswith("WARNING: "):
                found.append(f"a line that is not JSON: {line[:80]}")
            continue
        told = json.loads(line)
        if "fault" in told or told["event"].startswith("call not recorded"):
            found.append(f"{told['event']} {told.get('fault', '')}")
    return tuple(found)
