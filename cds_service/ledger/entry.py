"""One call as the ledger keeps it: plain JSON, so that it can wait in the spool.

Writing an entry twice changes nothing: a call is known by its id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    FunctionElement,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.sql.dml import ReturningInsert

from cds_service import __version__
from cds_service.cards import card_uuid
from cds_service.decision import Decision
from cds_service.guideline import EDITION
from cds_service.guideline.finding import Outcome, Suggestion
from cds_service.ledger import scope as names
from cds_service.ledger.scope import FACTS, INSTANCE, Scope
from cds_service.ledger.tables import calls, cards, feedback, suggestions
from cds_service.protocol.request import HookRequest
from cds_service.repeats import fingerprint
from cds_service.site import Site
from cds_service.store.keys import Keyring
from cds_service.store.statements import insert, once

Entry = dict[str, Any]
SHOWN = "shown"


def config_digest(site: Site) -> str:
    """A hash of all that a site decides: rows with the same were judged alike."""
    written = json.dumps(asdict_plain(site), sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()


def asdict_plain(value: Any) -> Any:
    """Dataclasses, mappings and sets as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: asdict_plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(name): asdict_plain(one) for name, one in value.items()}
    return sorted(value) if isinstance(value, frozenset) else value


def entry(
    request: HookRequest,
    decision: Decision,
    *,
    scope: Scope,
    service: str,
    config: str,
    keys: Keyring,
    now: datetime,
) -> Entry:
    """The call, its cards and what was withheld."""
    encounter = names.encounter(request)
    shared = {
        "at": now.isoformat(),
        "day": decision.today.isoformat(),
        "client": scope.owner.client,
        "tenant": scope.owner.tenant,
        "service": service,
        "hook": request.hook,
        "patient": scope.digest(keys, names.patient(request)),
        "user": scope.digest(keys, request.user_id),
        "encounter": scope.digest(keys, encounter) if encounter else None,
    }
    call = shared | {
        "id": str(uuid4()),
        "fhir_base": scope.fhir_base,
        "hook_instance": keys.digest(INSTANCE, request.hook_instance),
        "key": keys.current,
        "edition": EDITION,
        "version": __version__,
        "config": config,
        "silence": decision.silence,
        "unjudged": len(decision.unjudged()),
        "shown": len(decision.cards),
    }
    findings = [shared | {"call": call["id"]} | one for one in _findings(decision, keys)]
    return {"call": call, "cards": findings}


def _findings(decision: Decision, keys: Keyring) -> Iterator[Entry]:
    if decision.occasion is None:
        return
    for outcome, shown in zip(decision.shown, decision.cards, strict=True):
        told = shown.get("suggestions", [])
        yield _finding(decision, outcome, keys, SHOWN) | {
            "suggestions": [
                {
                    "uuid": one["uuid"],
                    "place": place,
                    "kind": _kind(suggestion),
                    "recommended": suggestion.recommended,
                }
                for place, (one, suggestion) in enumerate(zip(told, _said(outcome), strict=True))
            ]
        }
    for held in decision.withheld:
        yield _finding(decision, held.outcome, keys, held.kind.value, held.reason)


def _finding(
    decision: Decision, outcome: Outcome, keys: Keyring, state: str, why: str = ""
) -> Entry:
    assert decision.occasion is not None  # noqa: S101  # the caller has looked
    return {
        "id": str(uuid4()),
        "uuid": card_uuid(outcome, decision.occasion),
        "rule": outcome.rule,
        "variant": outcome.variant,
        "side": outcome.side.value,
        "indicator": outcome.indicator,
        "fingerprint": keys.digest(FACTS, fingerprint(outcome)),
        "state": state,
        "why": why,
        "issued": 1,
    }


def _said(outcome: Outcome) -> tuple[Suggestion, ...]:
    return outcome.advice.suggestions if outcome.advice else ()


def _kind(suggestion: Suggestion) -> str:
    """What it would do, without its words, which may name dates of the patient."""
    what = suggestion.treat or suggestion.change
    return what.name.lower().replace("_", "-") if what else ""


# --- writing ---


def write(connection: Connection, made: Entry, *, shared_id: str) -> None:
    """Writes `made`; nothing when its call is known. Feedback that waited finds its card."""
    call = made["call"]
    if connection.execute(_new_call(connection), call | _dates(call)).first() is None:
        return
    for one in sorted(made["cards"], key=itemgetter("uuid")):  # the order in which all lock
        card = _write_card(connection, one)
        if one["state"] == SHOWN:
            _write_suggestions(connection, card, one.get("suggestions", []))
            _find_waiting(connection, one, card, shared_id)


@once
def _new_call(dialect: str) -> ReturningInsert[Any]:
    return insert(dialect, calls).on_conflict_do_nothing().returning(calls.c.id)


@once
def _new_card(dialect: str) -> ReturningInsert[Any]:
    """A new row, or that of the same call made before."""
    new = insert(dialect, cards)
    was_shown = cards.c.state == SHOWN  # and stays so: the user has seen it
    again = new.on_conflict_do_update(
        index_elements=["client", "tenant", "service", "uuid", "fingerprint", "user"],
        set_={
            "issued": cards.c.issued + 1,
            "state": case((was_shown, cards.c.state), else_=new.excluded.state),
            "why": case((was_shown, cards.c.why), else_=new.excluded.why),
        },
    )
    if dialect == "postgresql":
        return again.returning(cards.c.id, lock(cards.c.uuid))
    return again.returning(cards.c.id)


def lock(uuid: ColumnElement[str] | str) -> FunctionElement[Any]:
    """For PostgreSQL: whoever writes about this card is alone until the transaction ends.

    Otherwise a card and feedback on it, written at the same moment, would not see each other.
    """
    return func.pg_advisory_xact_lock(func.hashtextextended(uuid, 0))


@once
def _new_suggestions(dialect: str) -> SqliteInsert | PostgresInsert:
    return insert(dialect, suggestions).on_conflict_do_nothing()


#: feedback whose card was not known, for a card of one service, also under the shared id
_WAITING = and_(
    feedback.c.card_uuid == bindparam("of"),
    feedback.c.client == bindparam("from_client"),
    feedback.c.tenant == bindparam("from_tenant"),
    or_(feedback.c.service == bindparam("own_id"), feedback.c.service == bindparam("shared_id")),
    feedback.c.card.is_(None),
)
_ANY_WAITING = select(feedback.c.id).where(_WAITING).limit(1)
_FOUND = update(feedback).where(_WAITING).values(card=bindparam("found"))


def _write_card(connection: Connection, one: Entry) -> str:
    """The id of the card's row."""
    row = {name: value for name, value in one.items() if name != "suggestions"}
    kept = connection.execute(_new_card(connection), row | _dates(one))
    return str(kept.scalar_one())


def _write_suggestions(connection: Connection, card: str, told: list[Entry]) -> None:
    if told:
        rows = [{"card": card} | one for one in told]
        connection.execute(_new_suggestions(connection), rows)


def _find_waiting(connection: Connection, one: Entry, card: str, shared_id: str) -> None:
    """Feedback can arrive before the card does, when that waited in a spool."""
    waiting = {
        "of": one["uuid"],
        "from_client": one["client"],
        "from_tenant": one["tenant"],
        "own_id": one["service"],
        "shared_id": shared_id or one["service"],
    }
    if connection.execute(_ANY_WAITING, waiting).first():
        connection.execute(_FOUND, waiting | {"found": card})


def _dates(written: Entry) -> dict[str, date | None]:
    """A spooled card of the version before has no day."""
    day = written.get("day")
    return {
        "at": datetime.fromisoformat(written["at"]),
        "day": date.fromisoformat(day) if day else None,
    }
