"""Suggestions as whole draft resources (R4): what an EHR would write when one is accepted.

Every draft is a proposal. Codes come from the verified tables; where none is verified (MRI), the
draft carries text alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.patient.sides import BOTH, LEFT, RIGHT, Laterality
from cds_service.terminology.tables import LOCAL, SYSTEMS, without_tag

SCT, RXNORM = SYSTEMS["sct"], SYSTEMS["rxnorm"]
UCUM = "http://unitsofmeasure.org"
_SITES = {
    LEFT: ("hamstring-origin-left", "Left hamstring origin"),
    RIGHT: ("hamstring-origin-right", "Right hamstring origin"),
    BOTH: ("hamstring-origin-bilateral", "Hamstring origins, both sides"),
}
_NO_SIDE = ("hamstring-origin", "Hamstring origin, side not stated")


@dataclass(frozen=True, slots=True)
class Draft:
    """Whom, where and why a draft is for; `conditions` are references to the PHT Conditions."""

    patient: str
    requester: str | None
    encounter: str | None
    conditions: tuple[str, ...]
    side: Laterality
    today: date


def concept(system: str, code: str, display: str, text: str = "") -> dict[str, Any]:
    coding = {"system": system, "code": code, "display": display}
    return {"coding": [coding], "text": text or without_tag(display)}


def _site(side: Laterality) -> dict[str, Any]:
    return concept(LOCAL, *_SITES.get(side, _NO_SIDE))


def _common(resource_type: str, draft: Draft) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": resource_type,
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": f"Patient/{draft.patient}"},
    }
    if draft.encounter:
        made["encounter"] = {"reference": f"Encounter/{draft.encounter}"}
    return made


def _reasons(draft: Draft) -> list[dict[str, str]]:
    return [{"reference": reference} for reference in draft.conditions]


def _service_request(
    draft: Draft, code: Mapping[str, Any], note: str, *, with_site: bool = True
) -> dict[str, Any]:
    made = _common("ServiceRequest", draft)
    made |= {"priority": "routine", "code": dict(code), "authoredOn": draft.today.isoformat()}
    if draft.requester:
        made["requester"] = {"reference": draft.requester}
    if draft.conditions:
        made["reasonReference"] = _reasons(draft)
    if with_site:
        made["bodySite"] = [_site(draft.side)]
    made["note"] = [{"text": note}]
    return made


def surgical_referral(draft: Draft) -> dict[str, Any]:
    code = concept(SCT, "308481009", "Referral to orthopedic surgeon (procedure)")
    note = (
        "Surgical opinion on proximal hamstring tendinopathy that persists despite conservative"
        " care."
    )
    return _service_request(draft, code, note)


def physiotherapy(draft: Draft) -> dict[str, Any]:
    code = concept(SCT, "306170007", "Referral to physiotherapy service (procedure)")
    note = (
        "Progressive hamstring loading: eccentric or heavy slow resistance, with load management."
        " Please record start date, content and a VISA-H or 0-10 pain score."
    )
    return _service_request(draft, code, note)


def physiotherapy_review(draft: Draft) -> dict[str, Any]:
    code = concept(SCT, "306170007", "Referral to physiotherapy service (procedure)")
    note = (
        "Review of the loading programme: has heavy slow resistance progressed toward 4 x 6-8?"
        " Please record a VISA-H or 0-10 pain score."
    )
    return _service_request(draft, code, note)


def mri(draft: Draft) -> dict[str, Any]:
    words = "MRI of the pelvis and proximal hamstring origin"
    return _service_request(draft, {"text": words}, "Before a surgical opinion, if none was done.")


def shockwave(draft: Draft) -> dict[str, Any]:
    code = concept(LOCAL, "eswt", "Extracorporeal shockwave therapy of tendon")
    return _service_request(draft, code, "Adjunct to progressive loading, which continues.")


def visa_h(draft: Draft) -> dict[str, Any]:
    code = concept(LOCAL, "visa-h", "VISA-H score")
    return _service_request(draft, code, "0-100, higher is better.", with_site=False)


def load_management(draft: Draft) -> dict[str, Any]:
    made = _common("CarePlan", draft)
    made |= {
        "title": "Load management for proximal hamstring tendinopathy",
        "created": draft.today.isoformat(),
        "activity": [
            {
                "detail": {
                    "kind": "ServiceRequest",
                    "code": concept(LOCAL, "load-management", "Load management plan"),
                    "status": "not-started",
                    "description": (
                        "Reduce sprinting, hills, deep hip flexion and long sitting; keep"
                        " tolerable loading."
                    ),
                }
            }
        ],
    }
    made["intent"] = "plan"  # CarePlan.intent: proposal | plan | order | option
    if draft.conditions:
        made["addresses"] = _reasons(draft)
    if draft.requester:
        made["author"] = {"reference": draft.requester}
    return made


def _prescription(
    draft: Draft, drug: Mapping[str, Any], dosage: Mapping[str, Any]
) -> dict[str, Any]:
    made = _common("MedicationRequest", draft)
    made |= {"medicationCodeableConcept": dict(drug), "authoredOn": draft.today.isoformat()}
    if draft.requester:
        made["requester"] = {"reference": draft.requester}
    if draft.conditions:
        made["reasonReference"] = _reasons(draft)
    made["dosageInstruction"] = [dict(dosage)]
    return made


def _days(number: int) -> dict[str, Any]:
    return {"value": number, "unit": "days", "system": UCUM, "code": "d"}


def topical_nsaid(draft: Draft) -> dict[str, Any]:
    name = "diclofenac sodium 0.01 MG/MG Topical Gel"
    dosage = {
        "text": "Apply to the painful area as the label says, short term",
        "route": concept(SCT, "6064005", "Topical route"),
    }
    return _prescription(draft, concept(RXNORM, "855633", name), dosage)


def ibuprofen(draft: Draft) -> dict[str, Any]:
    name = "ibuprofen 400 MG Oral Tablet"
    dosage = {
        "text": "400 mg by mouth three times a day (1200 mg a day) for at most 14 days",
        "timing": {
            "repeat": {
                "boundsDuration": _days(14),
                "frequency": 3,
                "period": 1,
                "periodUnit": "d",
            }
        },
        "route": concept(SCT, "26643006", "Oral route (qualifier value)"),
        "doseAndRate": [
            {"doseQuantity": {"value": 400, "unit": "mg", "system": UCUM, "code": "mg"}}
        ],
    }
    made = _prescription(draft, concept(RXNORM, "197805", name), dosage)
    made["dispenseRequest"] = {"expectedSupplyDuration": _days(14)}
    return made


def paracetamol(draft: Draft) -> dict[str, Any]:
    dosage = {"text": "As the label says, short term"}
    return _prescription(draft, concept(RXNORM, "161", "Acetaminophen", "paracetamol"), dosage)


def urgent_surgical_referral(draft: Draft) -> dict[str, Any]:
    code = concept(SCT, "308481009", "Referral to orthopedic surgeon (procedure)")
    note = "Urgent surgical opinion: a finding on record questions plain tendinopathy."
    return {**_service_request(draft, code, note), "priority": "urgent"}


def lumbar_mri(draft: Draft) -> dict[str, Any]:
    words = "MRI of the lumbar spine and sacrum"
    note = "A finding on record points to the spine rather than to the hamstring origin."
    made = _service_request(draft, {"text": words}, note, with_site=False)
    return {**made, "priority": "urgent"}


def emergency_referral(draft: Draft) -> dict[str, Any]:
    words = "Emergency assessment for suspected cauda equina syndrome"
    made = _service_request(draft, {"text": words}, "Same day.", with_site=False)
    return {**made, "priority": "stat"}


def retest(draft: Draft) -> dict[str, Any]:
    words = "Strength and sport-specific functional testing before return to full activity"
    note = "Pain during and after, range of motion, limb symmetry, sport-specific tests."
    return _service_request(draft, {"text": words}, note)
