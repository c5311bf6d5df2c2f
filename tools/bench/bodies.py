"""patient-view calls of a chosen size, made from a demo patient and padded with other records.

Padding is what a real chart is full of and the value sets do not know: hypertension, a statin, a
colonoscopy, an X-ray order. Its codes are those of HL7's own FHIR R4 and US Core examples; each
resource has the narrative, extensions and references that EHRs send.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson

Json = dict[str, Any]

CASE = Path(__file__).parents[2] / "fixtures" / "fhir" / "delayed-referral"
#: what the smallest body holds: Patient, diagnosis, loading, first and last score
CORE = {"delayed-referral-pht", "delayed-referral-loading"} | {
    f"delayed-referral-visa-h-{which}" for which in ("first", "last")
}
KEYS = {
    "Condition": "conditions",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "Observation": "observations",
    "Procedure": "procedures",
    "ServiceRequest": "serviceRequests",
}
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
#: resource type, system, code, display
UNRELATED = (
    ("Condition", SNOMED, "38341003", "Hypertensive disorder, systemic arterial"),
    ("MedicationRequest", RXNORM, "314076", "lisinopril 10 MG Oral Tablet"),
    ("Procedure", SNOMED, "73761001", "Colonoscopy"),
    ("ServiceRequest", SNOMED, "399208008", "Plain chest X-ray"),
    ("MedicationStatement", RXNORM, "259255", "atorvastatin 80 MG Oral Tablet"),
    ("Condition", SNOMED, "44054006", "Diabetes mellitus type 2"),
)
#: what clinicians type beside a code: a chart holds many wordings of the same things
WORDINGS = 40
#: in a body with new words, what no call has said before stands in the place of this
NEW = b"words-that-are-new"
_NARRATIVE = (
    '<div xmlns="http://www.w3.org/1999/xhtml"><p><b>{0}</b></p><table><tr><td>Recorded</td>'
    "<td>{1}</td></tr><tr><td>Source</td><td>Reconciled at the last visit</td></tr></table></div>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One call, before it is varied: `relevant` resources the rules read.

    `new`: no text of its padding was in any call before, so no memory of texts knows it.
    """

    #: bytes asked for, and bytes it has
    asked: int
    size: int
    relevant: int
    resources: int
    data: bytes
    new: bool = False


@cache
def body(size: int, relevant: int, *, new: bool = False) -> Body:
    """A call of about `size` bytes that holds `relevant` resources a value set knows.

    When the relevant ones alone exceed `size`, nothing is padded.
    """
    call = _bare_call()
    prefetch = call["prefetch"]
    for resource in _relevant(relevant - _count(prefetch)):
        _add(prefetch, resource)
    padding = _padding(new=new)
    room = size - len(orjson.dumps(call))
    while room > 0:
        resource = next(padding)
        room -= len(orjson.dumps(_entry(resource))) + 1
        _add(prefetch, resource)
    data = orjson.dumps(call)
    return Body(
        asked=size,
        size=len(data),
        relevant=relevant,
        resources=_count(prefetch),
        data=data,
        new=new,
    )


def _bare_call() -> Json:
    call: Json = json.loads((CASE / "request.json").read_text(encoding="utf-8"))
    for value in call["prefetch"].values():
        if value["resourceType"] == "Bundle":
            kept = [e for e in value.get("entry", []) if e["resource"]["id"] in CORE]
            value.pop("entry", None)
            value["total"] = len(kept)
            if kept:
                value["entry"] = kept
    del call["fhirServer"]  # the prefetch is complete: nothing is fetched
    return call


def _count(prefetch: Json) -> int:
    return sum(
        len(v.get("entry", [])) if v["resourceType"] == "Bundle" else 1 for v in prefetch.values()
    )


def _relevant(wanted: int) -> Iterator[Json]:
    """Scores, sessions of physiotherapy and shockwave of one course, a week apart."""
    models = {e["resource"]["id"]: e["resource"] for e in _entries()}
    turn = (
        "delayed-referral-visa-h-middle",
        "delayed-referral-shockwave",
        "delayed-referral-loading",
    )
    for number in range(wanted):
        resource = copy.deepcopy(models[turn[number % len(turn)]])
        resource["id"] = f"relevant-{number}"
        day = (date(2026, 6, 10) - timedelta(days=number % 120)).isoformat()
        for element in ("effectiveDateTime", "performedDateTime"):
            if element in resource:
                resource[element] = day
        yield resource


def _entries() -> list[Json]:
    call = json.loads((CASE / "request.json").read_text(encoding="utf-8"))
    return [e for v in call["prefetch"].values() for e in v.get("entry", [])]


def _padding(*, new: bool) -> Iterator[Json]:
    number = 0
    while True:
        for kind, system, code, display in UNRELATED:
            number += 1
            note = f"{number} {NEW.decode()}" if new else str(number % WORDINGS)
            coding = {"system": system, "code": code, "display": display}
            yield _unrelated(number, kind, coding, f"{display}, note {note}")


def _unrelated(number: int, kind: str, coding: Json, words: str) -> Json:
    day = (date(2026, 5, 1) - timedelta(days=number % 1500)).isoformat()
    concept = {"coding": [coding], "text": words}
    subject = {"reference": "Patient/delayed-referral", "display": "Kwame Boateng"}
    shared = {
        "resourceType": kind,
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"padding-{number}")),
        "meta": {
            "versionId": "3",
            "lastUpdated": f"{day}T09:30:00Z",
            "profile": [f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{kind.lower()}"],
        },
        "text": {"status": "generated", "div": _NARRATIVE.format(coding["display"], day)},
        "subject": subject,
        "encounter": {"reference": f"Encounter/visit-{number}"},
    }
    return shared | _OWN[kind](concept, day)


_OWN = {
    "Condition": lambda concept, day: {
        "clinicalStatus": _status("condition-clinical", "active"),
        "verificationStatus": _status("condition-ver-status", "confirmed"),
        "code": concept,
        "onsetDateTime": day,
        "recordedDate": day,
    },
    "MedicationRequest": lambda concept, day: {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept,
        "authoredOn": day,
        "dosageInstruction": [
            {
                "text": "one a day",
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            }
        ],
    },
    "MedicationStatement": lambda concept, day: {
        "status": "active",
        "medicationCodeableConcept": concept,
        "effectivePeriod": {"start": day},
    },
    "Procedure": lambda concept, day: {
        "status": "completed",
        "code": concept,
        "performedDateTime": day,
        "performer": [{"actor": {"reference": "Practitioner/osei", "display": "A. Osei"}}],
    },
    "ServiceRequest": lambda concept, day: {
        "status": "completed",
        "intent": "order",
        "code": concept,
        "authoredOn": day,
    },
}


def _status(system: str, code: str) -> Json:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def _entry(resource: Json) -> Json:
    url = f"http://localhost:8000/demo/fhir/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": "match"}}


def _add(prefetch: Json, resource: Json) -> None:
    bundle = prefetch[KEYS[resource["resourceType"]]]
    bundle.setdefault("entry", []).append(_entry(resource))
    bundle["total"] = len(bundle["entry"])
