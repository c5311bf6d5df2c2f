"""One patient's view: data fetched under the launch's token, judged as a call of patient-view.

Nothing is stored, and no call is put on record: the EHR's hooks do that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson

from cds_service.fhir.resources import Evidence, template_type
from cds_service.guideline import RECOMMENDATIONS
from cds_service.patient.sides import NOT_STATED, Laterality
from cds_service.protocol.request import HookRequest
from cds_service.service import Service
from cds_service.trust.smart.sealing import View
from cds_service.web.console import trial as trials
from cds_service.web.console.trial import Trial
from cds_service.web.smart.app import Registered
from cds_service.web.wiring import wiring

SECONDS = 10.0  # a person waits longer than a hook
_ONLY_IN_THE_EHR = ("suggestions", "selectionBehavior", "overrideReasons")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`lacking`: type -> why it was not obtained. `opened_from`: the card that led here."""

    trial: Trial
    cards: list[dict[str, Any]]
    patient: dict[str, str]
    lacking: Mapping[str, str]
    opened_from: dict[str, str] | None


def types(service: Service) -> list[str]:
    """The resource types that the service reads."""
    return sorted({template_type(template) for template in service.prefetch.values()})


def look(known: Registered, view: View, now: int) -> Seen:
    """Raises CdsError: what a client would be told."""
    request = _request(known, view, now)
    evidence, decision = wiring().look(known.service, request, known.client, seconds=SECONDS)
    held = {one.reference: dict(one.sent) for kind in evidence.by_type.values() for one in kind}
    trial = trials.told(known.service, {}, decision, held)
    return Seen(
        trial=trial,
        cards=[_to_read(card) for card in trial.cards],
        patient=banner(evidence),
        lacking={kind: plainly(why) for kind, why in sorted(evidence.missing.items())},
        opened_from=opened_from(view.app_context),
    )


def plainly(why: str) -> str:
    """Without the words on a prefetch, of which there is none here."""
    return why.rpartition("not fetched: ")[2]


def _request(known: Registered, view: View, now: int) -> HookRequest:
    context = {"patientId": view.patient, "userId": view.user}
    return HookRequest(
        hook=known.service.hook,
        hook_instance=str(uuid4()),
        context=context | ({"encounterId": view.encounter} if view.encounter else {}),
        prefetch={},
        fhir_server=view.base,
        fhir_authorization={
            "access_token": view.token,
            "token_type": "Bearer",
            "expires_in": view.ends - now,
            "scope": view.scope,
            "subject": known.smart.client_id,
            "patient": view.patient,
        },
    )


def _to_read(card: dict[str, Any]) -> dict[str, Any]:
    """Without what only an EHR can do with it."""
    kept = {name: value for name, value in card.items() if name not in _ONLY_IN_THE_EHR}
    return kept | {"links": [link for link in card["links"] if link["type"] == "absolute"]}


def banner(evidence: Evidence) -> dict[str, str]:
    """Whose record it is: `name` and `born`, as far as they can be read."""
    for one in evidence.of("Patient"):
        return {"name": _name(one.sent.get("name")), "born": _text(one.sent.get("birthDate"))}
    return {"name": "", "born": ""}


def _name(names: object) -> str:
    for name in names if isinstance(names, list) else ():
        if isinstance(name, dict):
            given = name.get("given")
            parts = [*(given if isinstance(given, list) else ()), name.get("family")]
            joined = " ".join(filter(None, map(_text, parts)))
            if told := _text(name.get("text")) or joined:
                return told
    return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def opened_from(app_context: str) -> dict[str, str] | None:
    """`rule`, `title` and `side` of the card that led here. What is not ours is not shown."""
    try:
        told = orjson.loads(app_context)
    except ValueError:
        return None
    wanted = told if isinstance(told, dict) else {}
    for rule in RECOMMENDATIONS:
        if rule.id == wanted.get("rule"):
            return {"rule": rule.id, "title": rule.title, "side": _side(wanted.get("side"))}
    return None


def _side(told: object) -> str:
    known = [one.value for one in Laterality if one is not NOT_STATED]
    return str(told) if told in known else ""
