"""Orders as an EHR sent them, changed and whole: a later day, a lower dose, stopped, withdrawn.

Nothing else of the order is touched, and nothing is made valid that was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cds_service.fhir.codes import codings, items, texts
from cds_service.fhir.dose import strength_mg
from cds_service.fhir.write import RXNORM, SCT, UCUM, concept
from cds_service.terminology import default_terminology

_PRODUCT = "medicationCodeableConcept"
DOSE_MG = 400  # three times a day is the source's starting dose


def postponed(raw: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The whole draft, planned for another day."""
    if raw.get("resourceType") == "Appointment":
        return _asked_for(raw, day)
    if any(name.startswith("medication") for name in raw):
        lines = items(raw.get("dosageInstruction")) or [{}]
        first = dict(lines[0]) if isinstance(lines[0], Mapping) else {}
        first["timing"] = {"event": [day.isoformat()]}
        return _without_nulls({**raw, "dosageInstruction": [first, *lines[1:]]})
    # DSTU2 says scheduled[x]; of a choice only one form may stand.
    name = "scheduled" if any(key.startswith("scheduled") for key in raw) else "occurrence"
    kept = {key: value for key, value in raw.items() if not key.lstrip("_").startswith(name)}
    return _without_nulls({**kept, f"{name}DateTime": day.isoformat()})


def _asked_for(raw: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The whole appointment, asked for on that day or later: free slots are not known here."""
    kept = {name: one for name, one in raw.items() if name not in ("start", "end", "slot")}
    period = {"start": day.isoformat()}
    return _without_nulls({**kept, "status": "proposed", "requestedPeriod": [period]})


def reduced(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The whole draft at 400 mg three times a day (1200 mg, the source's starting dose).

    A tablet 400 mg cannot be made of becomes one of 400 mg: '400 mg' of an 800 mg tablet invites
    a double dose. The new line has the shape of the old: DSTU2 and STU3 know no doseAndRate.
    """
    dose = {"value": DOSE_MG, "unit": "mg", "system": UCUM, "code": "mg"}
    older = any(
        isinstance(line, Mapping) and ("doseQuantity" in line or "doseRange" in line)
        for line in items(raw.get("dosageInstruction"))
    )
    unit = "periodUnits" if raw.get("resourceType") == "MedicationOrder" else "periodUnit"
    line = {
        "text": "400 mg by mouth three times a day (1200 mg a day)",
        "timing": {"repeat": {"frequency": 3, "period": 1, unit: "d"}},
        "route": concept(SCT, "26643006", "Oral route (qualifier value)"),
        **({"doseQuantity": dose} if older else {"doseAndRate": [{"doseQuantity": dose}]}),
    }
    changed = {**raw, "dosageInstruction": [line]}
    r5 = "medication" in raw
    product = raw.get("medication", {}).get("concept") if r5 else raw.get(_PRODUCT)
    strength = _strength(product)
    if strength and DOSE_MG % strength:
        tablet = concept(RXNORM, "197805", "ibuprofen 400 MG Oral Tablet")
        changed |= {"medication": {"concept": tablet}} if r5 else {_PRODUCT: tablet}
    return _without_nulls(changed)


def _strength(product: Any) -> float | None:
    """mg of ibuprofen in one piece of the product, by its code or its name."""
    find = default_terminology().drug
    drugs = [drug for coding in codings(product) if (drug := find(*coding))]
    names = (*(drug.product for drug in drugs), *texts(product))
    return next((mg for name in names if (mg := strength_mg(name, "ibuprofen"))), None)


def graded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The whole clearance, changed to a graded return."""
    code = {"text": "Graded return to activity, guided by pain and function"}
    r5 = isinstance(raw.get("code"), Mapping) and "concept" in raw["code"]
    return _without_nulls({**raw, "code": {"concept": code} if r5 else code})


def stopped(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The whole active order, stopped."""
    return _without_nulls({**raw, "status": "stopped"})


#: the status of an order that is taken back; of MedicationOrder and ProcedureRequest the older one
_WITHDRAWN = {
    "ServiceRequest": "revoked",
    "MedicationRequest": "cancelled",
    "MedicationOrder": "stopped",
    "ProcedureRequest": "cancelled",
    "Appointment": "cancelled",
}


def withdrawn(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The whole order, taken back: one that was placed is not deleted."""
    return _without_nulls({**raw, "status": _WITHDRAWN[str(raw["resourceType"])]})


def _without_nulls(raw: Mapping[str, Any]) -> dict[str, Any]:
    """As it is, but for what CDS Hooks and FHIR forbid: null, and what is empty without it."""
    return {name: value for name, one in raw.items() if (value := _kept(one)) not in _EMPTY}


def _kept(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _without_nulls(value)
    if isinstance(value, list):
        return [kept for one in value if (kept := _kept(one)) not in _EMPTY]
    return value


_EMPTY: tuple[Any, ...] = (None, {}, [])
