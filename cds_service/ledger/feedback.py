"""Feedback: what clients tell became of their cards (CDS Hooks 2.0 and 3.0).

A card is known only to the client, tenant and service it was issued to. An entry about a card
that is not known is kept for a while: the card may still wait in another machine's spool. A
comment is not kept with it, for no patient's records would lead to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

from cds_service.errors import Issue
from cds_service.ledger.entry import SHOWN, lock
from cds_service.ledger.scope import Owner
from cds_service.ledger.tables import cards, feedback, suggestions
from cds_service.store.statements import insert, once


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sound entry of a feedback request; `place` is its index there, `day` the site's."""

    place: int
    card: str
    outcome: str
    at: datetime
    day: date
    reason: str = ""
    reason_system: str = ""
    accepted: tuple[str, ...] = ()
    comment: str | None = None

    def digest(self) -> str:
        """The same for the same entry delivered again."""
        parts = [self.outcome, self.at.astimezone(UTC).isoformat(), self.reason_system]
        written = json.dumps([*parts, self.reason, sorted(self.accepted)])
        return hashlib.sha256(written.encode()).hexdigest()


def read_entry(place: int, sent: dict[str, Any], *, comments: bool, zone: tzinfo) -> Told:
    """The entry at `place`, which its schema has found sound. Nulls count as absent."""
    override = sent.get("overrideReason") or {}
    reason = override.get("reason") or {}
    at = datetime.fromisoformat(sent["outcomeTimestamp"])
    return Told(
        place=place,
        card=sent["card"],
        outcome=sent["outcome"],
        at=at,
        day=at.astimezone(zone).date(),
        reason=reason.get("code") or "",
        reason_system=reason.get("system") or "",
        accepted=tuple(one["id"] for one in sent.get("acceptedSuggestions") or ()),
        comment=override.get("userComment") if comments else None,
    )


def keep(
    connection: Connection,
    told: Sequence[Told],
    *,
    owner: Owner,
    service: str,
    services: Sequence[str],
    now: datetime,
    day: date,
) -> list[Issue]:
    """Puts `told` on record, in a few statements; an issue for each that could not be matched.

    `service` is the id in the address; `services` those whose cards it may name. `day` is today.
    """
    known = _matched(connection, told, owner, services)
    shared = {"client": owner.client, "tenant": owner.tenant, "service": service}
    rows = []
    for one in told:
        # of one request, what stands later was told later
        came = {"received": now + timedelta(microseconds=one.place), "day": min(day, one.day)}
        rows.append(_row(one, known.get(one.place)) | shared | came)
    rows.sort(key=itemgetter("card_uuid", "digest"))  # the order in which all lock
    connection.execute(_new(connection), rows)
    suggested = _suggested(connection, [known[one.place] for one in told if one.place in known])
    return [issue for one in told for issue in _issues(one, known.get(one.place), suggested)]


def _matched(
    connection: Connection, told: Sequence[Told], owner: Owner, services: Sequence[str]
) -> dict[int, str]:
    """Place of an entry -> the card it is about, for those whose card is known."""
    named = {one.card for one in told}
    issued = _issued(connection, named, owner, services)
    if connection.dialect.name == "postgresql" and (missing := sorted(named - issued.keys())):
        connection.execute(_LOCK, {"uuids": missing})  # they may just be written
        issued |= _issued(connection, missing, owner, services)
    return {one.place: _meant(issued[one.card], one.at) for one in told if one.card in issued}


def _issued(
    connection: Connection, uuids: Iterable[str], owner: Owner, services: Sequence[str]
) -> dict[str, list[Any]]:
    """The cards of each uuid that were shown, oldest first: one for each state of the facts."""
    found = connection.execute(
        select(cards.c.uuid, cards.c.id, cards.c.at)
        .where(
            cards.c.uuid.in_(uuids),
            cards.c.client == owner.client,
            cards.c.tenant == owner.tenant,
            cards.c.service.in_(services),
            cards.c.state == SHOWN,
        )
        .order_by(cards.c.at)
    )
    issued: dict[str, list[Any]] = {}
    for row in found:
        issued.setdefault(row.uuid, []).append(row)
    return issued


def _meant(issued: Sequence[Any], at: datetime) -> str:
    """The latest that the user can have seen; where clocks differ, the first."""
    seen = (row.id for row in reversed(issued) if row.at <= at)
    return str(next(seen, issued[0].id))


#: of cards that may just be written, each alone: see `entry.lock`
_LOCK = select(lock(func.unnest(cast(bindparam("uuids"), ARRAY(Text)))))


@once
def _new(dialect: str) -> SqliteInsert | PostgresInsert:
    return insert(dialect, feedback).on_conflict_do_nothing()


def _row(one: Told, card: str | None) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "card": card,
        "card_uuid": one.card,
        "digest": one.digest(),
        "outcome": one.outcome,
        "reason_system": one.reason_system,
        "reason": one.reason,
        "accepted": json.dumps(one.accepted),
        "comment": one.comment if card else None,
        "outcome_at": one.at,
    }


def _suggested(connection: Connection, known: Iterable[str]) -> set[tuple[str, str]]:
    """Cards, each with a suggestion of it."""
    asked = select(suggestions.c.card, suggestions.c.uuid).where(suggestions.c.card.in_(known))
    return {(row.card, row.uuid) for row in connection.execute(asked)}


def _issues(one: Told, card: str | None, suggested: set[tuple[str, str]]) -> list[Issue]:
    if card is None:
        return [_unknown(one)]
    return [
        Issue(
            "warning",
            "not-found",
            "The card has no suggestion of this id.",
            (f"feedback[{one.place}].acceptedSuggestions[{place}].id",),
        )
        for place, suggestion in enumerate(one.accepted)
        if (card, suggestion) not in suggested
    ]


def _unknown(one: Told) -> Issue:
    return Issue(
        "warning",
        "not-found",
        "No card of this id was issued to you here; the entry is kept for a while.",
        (f"feedback[{one.place}].card",),
    )
