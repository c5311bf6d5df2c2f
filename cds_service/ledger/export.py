"""Feedback, entry by entry, for ONC HTI-1 (45 CFR 170.315(b)(11)(ii)(C)) and as FHIR AuditEvents.

The rule asks for the intervention, the action taken, the feedback of the user if any, the user,
the date and the location. Users, patients and encounters are keyed hashes here: who they are, the
site's EHR can tell, which has the ids. Location is the client and tenant, and the encounter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, select

from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.overrides import meant
from cds_service.ledger.analytics import Period
from cds_service.ledger.last_word import is_last, last_word
from cds_service.ledger.tables import calls, cards, suggestions

CITATION = "45 CFR 170.315(b)(11)(ii)(C)"
ABOUT = {
    "citation": CITATION,
    "user": "keyed hash (HMAC-SHA-256) of the user's reference; no name is kept",
    "patient": "keyed hash of the patient's reference",
    "location": "client, tenant and keyed hash of the encounter; no place is sent to the service",
    "date": "when the user acted, as the client says (UTC)",
    "lastWord": "false: the user told something else about the card later",
}
BATCH = 500  # rows read at a time

_BASE = "https://pht-cds.example.org/fhir"
_HASH = f"{_BASE}/keyed-hash"
_TITLES = {rule.id: rule.title for rule in RECOMMENDATIONS}
_APPLICATION_ACTIVITY = {
    "system": "http://dicom.nema.org/resources/ontology/DCM",
    "code": "110100",
    "display": "Application Activity",
}
_ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-entity-type"

Entry = dict[str, Any]


def entries(connection: Connection, period: Period) -> Iterator[Entry]:
    """Each piece of feedback whose card is known, oldest first; `period` in days it was given."""
    word = last_word()
    found = connection.execution_options(yield_per=BATCH).execute(
        select(
            word,
            case((is_last(word), 1), else_=0).label("is_last"),
            *(cards.c[name].label(f"card_{name}") for name in _OF_CARD),
            calls.c.edition,
            calls.c.version,
        )
        .join(cards, cards.c.id == word.c.card)
        .join(calls, calls.c.id == cards.c.call)
        .where(period.holds(word.c.day))
        .order_by(word.c.outcome_at, word.c.received, word.c.id)
    )
    for rows in found.mappings().partitions(BATCH):
        kinds = _kinds(connection, [row["card"] for row in rows])
        yield from (_entry(row, kinds) for row in rows)


_OF_CARD = ("rule", "variant", "side", "indicator", "hook", "at", "user", "patient", "encounter")


def _kinds(connection: Connection, ids: list[str]) -> dict[str, str]:
    """What each suggestion of these cards would do, by its id."""
    asked = select(suggestions.c.uuid, suggestions.c.kind).where(suggestions.c.card.in_(ids))
    return {uuid: kind for uuid, kind in connection.execute(asked)}  # noqa: C416


def _entry(row: Any, kinds: dict[str, str]) -> Entry:
    """One row: the names are the columns of the CSV."""
    reason = meant(row["reason"], row["reason_system"])
    accepted = json.loads(row["accepted"])
    return {
        "id": row["id"],
        "intervention": row["card_rule"],
        "interventionTitle": _TITLES.get(row["card_rule"], ""),
        "interventionVariant": row["card_variant"],
        "side": row["card_side"],
        "indicator": row["card_indicator"],
        "edition": row["edition"],
        "softwareVersion": row["version"],
        "card": row["card_uuid"],
        "cardIssued": _written(row["card_at"]),
        "action": row["outcome"],
        "acceptedSuggestions": " ".join(accepted),
        "acceptedKinds": " ".join(kinds.get(one, "unknown") for one in accepted),
        "overrideReason": row["reason"],
        "overrideReasonSystem": row["reason_system"],
        "overrideReasonDisplay": reason.display if reason else "",
        "userFeedback": row["comment"] or "",
        "user": row["card_user"],
        "date": _written(row["outcome_at"]),
        "received": _written(row["received"]),
        "client": row["client"],
        "tenant": row["tenant"],
        "encounter": row["card_encounter"] or "",
        "patient": row["card_patient"],
        "service": row["service"],
        "hook": row["card_hook"],
        "lastWord": bool(row["is_last"]),
    }


FIELDS = (
    "id", "intervention", "interventionTitle", "interventionVariant", "side", "indicator",
    "edition", "softwareVersion", "card", "cardIssued", "action", "acceptedSuggestions",
    "acceptedKinds", "overrideReason", "overrideReasonSystem", "overrideReasonDisplay",
    "userFeedback", "user", "date", "received", "client", "tenant", "encounter", "patient",
    "service", "hook", "lastWord",
)  # fmt: skip
#: columns of the CSV say what stands in them
HEADS = {"user": "userKeyedHash", "patient": "patientKeyedHash", "encounter": "encounterKeyedHash"}


def audit_event(entry: Entry) -> dict[str, Any]:
    """The entry as an AuditEvent (FHIR R4): who did what about which card, when and where."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": entry["id"],
        "type": _APPLICATION_ACTIVITY,
        "subtype": [{"system": f"{_BASE}/CodeSystem/feedback-outcome", "code": entry["action"]}],
        "action": "E",
        "period": {"start": entry["cardIssued"], "end": entry["date"]},
        "recorded": entry["received"],
        "outcome": "0",
        "agent": [_agent(entry)],
        "source": {
            "site": " / ".join(filter(None, (entry["client"], entry["tenant"]))),
            "observer": {"identifier": _identifier("service", entry["service"])},
        },
        "entity": [_card(entry), _patient(entry)],
    }
    if entry["overrideReason"]:
        event["purposeOfEvent"] = [_reason(entry)]
    if entry["encounter"]:
        event["entity"].append(
            {"what": {"type": "Encounter", "identifier": _hash(entry["encounter"])}}
        )
    if entry["date"] < entry["cardIssued"]:  # the client's clock is behind
        event["period"] = {"end": entry["date"]}
    return event


def _agent(entry: Entry) -> dict[str, Any]:
    place = " / ".join(filter(None, (entry["client"], entry["tenant"])))
    return {
        "who": {"identifier": _hash(entry["user"])},
        "requestor": True,
        "location": {"display": place},
    }


def _card(entry: Entry) -> dict[str, Any]:
    """The intervention; what has no element of its own stands in `detail`."""
    told = {
        "edition": entry["edition"],
        "software version": entry["softwareVersion"],
        "indicator": entry["indicator"],
        "hook": entry["hook"],
        "accepted suggestions": entry["acceptedSuggestions"],
        "accepted kinds": entry["acceptedKinds"],
        "user feedback": entry["userFeedback"],
        "last word": str(entry["lastWord"]).lower(),
    }
    return {
        "what": {
            "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{entry['card']}"}
        },
        "type": {"system": _TYPES, "code": "4", "display": "Other"},
        "name": entry["intervention"],
        "description": entry["interventionTitle"] or entry["intervention"],
        "detail": [{"type": n, "valueString": v} for n, v in told.items() if v.strip()],
    }


def _patient(entry: Entry) -> dict[str, Any]:
    return {
        "what": {"type": "Patient", "identifier": _hash(entry["patient"])},
        "type": {"system": _TYPES, "code": "1", "display": "Person"},
        "role": {"system": _ROLES, "code": "1", "display": "Patient"},
    }


def _reason(entry: Entry) -> dict[str, Any]:
    coding = {
        "system": entry["overrideReasonSystem"],
        "code": entry["overrideReason"],
        "display": entry["overrideReasonDisplay"],
    }
    return {"coding": [{name: value for name, value in coding.items() if value}]}


def _hash(value: str) -> dict[str, str]:
    return {"system": _HASH, "value": value}


def _identifier(kind: str, value: str) -> dict[str, str]:
    return {"system": f"{_BASE}/{kind}", "value": value}


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
