"""Rules taken out of service for a while, on every machine of a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, insert, or_, select, update

from cds_service.store.engine import Store
from cds_service.store.tables import pauses

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """`rule` is a rule's id or "all"; without `until` it lasts until resumed."""

    rule: str
    since: datetime
    until: datetime | None = None
    by: str
    reason: str


def pause(store: Store, wanted: Pause) -> None:
    """Puts `wanted` on record. Raises Unavailable."""
    with store.write() as connection:
        connection.execute(
            insert(pauses).values(
                id=str(uuid4()),
                rule=wanted.rule,
                since=wanted.since,
                until=wanted.until,
                paused_by=wanted.by,
                reason=wanted.reason,
            )
        )


def resume(store: Store, rule: str, *, by: str, now: datetime) -> int:
    """Ends the pauses of `rule`; how many there were. Raises Unavailable."""
    with store.write() as connection:
        ended = connection.execute(
            update(pauses)
            .where(pauses.c.rule == rule, pauses.c.resumed.is_(None))
            .where(or_(pauses.c.until.is_(None), pauses.c.until > now))
            .values(resumed=now, resumed_by=by)
        )
        return ended.rowcount


def in_force(store: Store, now: datetime) -> tuple[Pause, ...]:
    """The pauses at `now`, oldest first. Raises Unavailable."""

    def look(connection: Connection) -> tuple[Pause, ...]:
        rows = connection.execute(
            select(pauses)
            .where(pauses.c.since <= now, pauses.c.resumed.is_(None))
            .where(or_(pauses.c.until.is_(None), pauses.c.until > now))
            .order_by(pauses.c.since)
        )
        return tuple(
            Pause(rule=r.rule, since=r.since, until=r.until, by=r.paused_by, reason=r.reason)
            for r in rows
        )

    return store.bounded(look)
