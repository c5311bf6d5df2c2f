"""Orders to try: draft orders as an EHR sends them, coded and with their site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.demo.record import Resource
from cds_service.terminology.tables import LOCAL, SYSTEMS

DRAFT_ID = "order-being-tried"
_UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Order:
    """`title` for people; `elements` are those of the resource that say what is ordered."""

    title: str
    resource_type: str
    elements: Mapping[str, Any]

    def draft(self, patient: str, today: date) -> Resource:
        """The draft for this patient, written and planned today."""
        day = today.isoformat()
        request = self.resource_type == "ServiceRequest"
        return {
            "resourceType": self.resource_type,
            "id": DRAFT_ID,
            "status": "draft",
            "intent": "order",
            "subject": {"reference": f"Patient/{patient}"},
            "authoredOn": day,
            **({"occurrenceDateTime": day} if request else {}),
            **self.elements,
        }


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _procedure(title: str, code: str, display: str, side: str = "") -> Order:
    elements: dict[str, Any] = {"code": _concept(LOCAL, code, display)}
    if side:
        words = f"{side.capitalize()} hamstring origin"
        elements["bodySite"] = [_concept(LOCAL, f"hamstring-origin-{side}", words)]
    return Order(title, "ServiceRequest", elements)


def _ibuprofen(milligrams: int) -> Order:
    dose = {"value": milligrams, "unit": "mg", "system": _UCUM, "code": "mg"}
    repeat = {"frequency": 3, "period": 1, "periodUnit": "d"}
    line = {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": dose}]}
    drug = _concept(SYSTEMS["rxnorm"], "197805", "ibuprofen 400 MG Oral Tablet")
    elements = {"medicationCodeableConcept": drug, "dosageInstruction": [line]}
    title = f"Ibuprofen {milligrams} mg three times a day"
    return Order(title, "MedicationRequest", elements)


def _of_side(side: str) -> dict[str, Order]:
    return {
        f"steroid-{side}": _procedure(
            f"Steroid injection, {side}",
            "steroid-injection",
            "Local corticosteroid injection at tendon or bursa",
            side,
        ),
        f"prp-{side}": _procedure(
            f"Platelet-rich plasma, {side}",
            "prp-injection",
            "Platelet-rich plasma injection at tendon",
            side,
        ),
        f"shockwave-{side}": _procedure(
            f"Shockwave, {side}", "eswt", "Extracorporeal shockwave therapy of tendon", side
        ),
    }


#: by a short name that forms use
ORDERS: dict[str, Order] = {
    **_of_side("left"),
    **_of_side("right"),
    "ibuprofen-1200": _ibuprofen(400),
    "ibuprofen-3600": _ibuprofen(1200),
    "clearance": _procedure(
        "Clearance for full activity",
        "return-to-activity-clearance",
        "Clearance for full activity or sport",
    ),
    "unrelated": Order(
        "Something else (chest X-ray)", "ServiceRequest", {"code": {"text": "Chest X-ray"}}
    ),
}
