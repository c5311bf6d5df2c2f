"""One call as the ledger keeps it: plain JSON, so that it can wait in the spool.

Writing an entry twice changes nothing: a call is known by its id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import uuid4, uuid5

from sqlalchemy import (
    ColumnElement,
    FunctionElement,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
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
from cds_service.store.direct import Direct
from cds_service.store.keys import Keyring
from cds_service.store.statements import Statement, insert

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
    own = uuid4()
    call = shared | {
        "id": str(own),
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
    findings = [
        # Of the call's id: asking the system for more lets other threads have the interpreter.
        shared | {"id": str(uuid5(own, str(number))), "call": call["id"]} | one
        for number, one in enumerate(_findings(decision, keys))
    ]
    return {"call": call, "cards": findings}


def _findings(decision: Decision, keys: Keyring) -> Iterator[Entry]:
    if decision.occasion is None:
        return
    for outcome, shown in zip(decision.shown, decision.cards, strict=True):
        told = shown.get("suggestions", [])
        yield _finding(shown["uuid"], outcome, keys, SHOWN) | {
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
        uuid = card_uuid(held.outcome, decision.occasion)
        yield _finding(uuid, held.outcome, keys, held.kind.value, held.reason)


def _finding(uuid: str, outcome: Outcome, keys: Keyring, state: str, why: str = "") -> Entry:
    return {
        "uuid": uuid,
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


def write(direct: Direct, made: Entry, *, shared_id: str) -> None:
    """Writes `made`; nothing when its call is known. Feedback that waited finds its card."""
    call = made["call"]
    if not direct.run(_NEW_CALL, call | _dates(call)):
        return
    shown: list[Entry] = []
    told: list[Entry] = []
    for one in sorted(made["cards"], key=itemgetter("uuid")):  # the order in which all lock
        card = _write_card(direct, one)
        if one["state"] == SHOWN:
            shown.append(one | {"card": card})
            told += [{"card": card} | said for said in one.get("suggestions", [])]
    if told:
        direct.run_all(_NEW_SUGGESTIONS, told)
    if shown:
        _find_waiting(direct, shown, shared_id)


def lock(uuid: ColumnElement[str] | str) -> FunctionElement[Any]:
    """For PostgreSQL: whoever writes about this card is alone until the transaction ends.

    Otherwise a card and feedback on it, written at the same moment, would not see each other.
    """
    return func.pg_advisory_xact_lock(func.hashtextextended(uuid, 0))


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


_NEW_CALL = Statement(lambda dialect: insert(dialect, calls).on_conflict_do_nothing())
_NEW_CARD = Statement(_new_card)
_NEW_SUGGESTIONS = Statement(lambda dialect: insert(dialect, suggestions).on_conflict_do_nothing())

#: feedback whose card was not known, for cards of one service, also under the shared id
_WAITING = and_(
    feedback.c.client == bindparam("from_client"),
    feedback.c.tenant == bindparam("from_tenant"),
    or_(feedback.c.service == bindparam("own_id"), feedback.c.service == bindparam("shared_id")),
    feedback.c.card.is_(None),
)
_FOUND = Statement(
    lambda _: (
        update(feedback)
        .where(_WAITING, feedback.c.card_uuid == bindparam("of"))
        .values(card=bindparam("found"))
    )
)


@cache
def _any_waiting(cards: int) -> Statement:
    """For so many cards: a list of open length would be written into the SQL at each call."""
    of = feedback.c.card_uuid.in_([bindparam(f"of{n}") for n in range(cards)])
    return Statement(lambda _: select(feedback.c.id).where(_WAITING, of).limit(1))


def _write_card(direct: Direct, one: Entry) -> str:
    """The id of the card's row."""
    row = {name: value for name, value in one.items() if name != "suggestions"}
    ((card, *_),) = direct.rows(_NEW_CARD, row | _dates(one))
    return str(card)


def _find_waiting(direct: Direct, shown: list[Entry], shared_id: str) -> None:
    """Feedback can arrive before the card does, when that waited in a spool."""
    one = shown[0]  # all are of one client and service
    whose = {
        "from_client": one["client"],
        "from_tenant": one["tenant"],
        "own_id": one["service"],
        "shared_id": shared_id or one["service"],
    }
    of = {f"of{n}": card["uuid"] for n, card in enumerate(shown)}
    if direct.rows(_any_waiting(len(shown)), whose | of):
        for card in shown:
            direct.run(_FOUND, whose | {"of": card["uuid"], "found": card["card"]})


def _dates(written: Entry) -> dict[str, date | None]:
    """A spooled card of the version before has no day."""
    day = written.get("day")
    return {
        "at": datetime.fromisoformat(written["at"]),
        "day": date.fromisoformat(day) if day else None,
    }
