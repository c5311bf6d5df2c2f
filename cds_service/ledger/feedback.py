"""Feedback: what clients tell became of their cards (CDS Hooks 2.0 and 3.0).

A card is known only to the client, tenant and service it was issued to. An entry about a card
that is not known is kept for a while: the card may still wait in another machine's spool.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, select

from cds_service.errors import Issue
from cds_service.ledger.entry import lock
from cds_service.ledger.scope import Owner
from cds_service.ledger.tables import cards, feedback, suggestions
from cds_service.store.statements import insert

LONGEST = 255  # characters of an id or a code


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sound entry of a feedback request; `place` is its index there."""

    place: int
    card: str
    outcome: str
    at: datetime
    reason: str = ""
    reason_system: str = ""
    accepted: tuple[str, ...] = ()
    comment: str | None = None

    def digest(self) -> str:
        """The same for the same entry delivered again."""
        parts = [self.outcome, self.at.astimezone(UTC).isoformat(), self.reason_system]
        written = json.dumps([*parts, self.reason, sorted(self.accepted)])
        return hashlib.sha256(written.encode()).hexdigest()


def read_entry(place: int, sent: dict[str, Any], *, comments: bool) -> Told:
    """The entry at `place`, which its schema has found sound. Nulls count as absent."""
    override = sent.get("overrideReason") or {}
    reason = override.get("reason") or {}
    return Told(
        place=place,
        card=sent["card"],
        outcome=sent["outcome"],
        at=datetime.fromisoformat(sent["outcomeTimestamp"]),
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
    """Puts `told` on record; an issue for each entry that could not be matched.

    `service` is the id in the address; `services` those whose cards it may name.
    """
    issues = []
    for one in told:
        card = _card(connection, one.card, owner, services)
        if card is None and connection.dialect.name == "postgresql":
            connection.execute(select(lock(one.card)))  # it may just be written
            card = _card(connection, one.card, owner, services)
        arrived = {"service": service, "received": now, "day": min(day, one.at.date())}
        _keep(connection, one, owner, arrived | {"card": card.id if card else None})
        if card is None:
            issues.append(_unknown(one))
        else:
            issues += _strange(connection, one, card)
    return issues


def _card(
    connection: Connection, uuid: str, owner: Owner, services: Sequence[str]
) -> Row[Any] | None:
    """The latest of this uuid that was shown."""
    return connection.execute(
        select(cards.c.id)
        .where(
            cards.c.uuid == uuid,
            cards.c.client == owner.client,
            cards.c.tenant == owner.tenant,
            cards.c.service.in_(services),
            cards.c.state == "shown",
        )
        .order_by(cards.c.at.desc())
        .limit(1)
    ).first()


def _keep(connection: Connection, one: Told, owner: Owner, arrived: dict[str, Any]) -> None:
    statement = insert(connection.dialect.name, feedback).values(
        id=str(uuid4()),
        client=owner.client,
        tenant=owner.tenant,
        card_uuid=one.card,
        digest=one.digest(),
        outcome=one.outcome,
        reason_system=one.reason_system,
        reason=one.reason,
        accepted=json.dumps(one.accepted),
        comment=one.comment,
        outcome_at=one.at,
        **arrived,
    )
    connection.execute(statement.on_conflict_do_nothing())


def _unknown(one: Told) -> Issue:
    return Issue(
        "warning",
        "not-found",
        "No card of this id was issued to you here; the entry is kept for a while.",
        (f"feedback[{one.place}].card",),
    )


def _strange(connection: Connection, one: Told, card: Row[Any]) -> list[Issue]:
    if not one.accepted:
        return []
    known = set(connection.scalars(select(suggestions.c.uuid).where(suggestions.c.card == card.id)))
    return [
        Issue(
            "warning",
            "not-found",
            "The card has no suggestion of this id.",
            (f"feedback[{one.place}].acceptedSuggestions[{place}].id",),
        )
        for place, suggestion in enumerate(one.accepted)
        if suggestion not in known
    ]
