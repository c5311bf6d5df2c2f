"""DSTU2: the medication orders that sandboxes and older EHRs still send (hl7.org/fhir/DSTU2)."""

from __future__ import annotations

from typing import Any

from cds_service.fhir.releases.reshape import (
    ALWAYS,
    Reshaped,
    change_lines,
    dose_and_rate,
    moved,
)

TYPES = {"MedicationOrder": "MedicationRequest"}


def _medication_order(made: Reshaped) -> None:
    made.retype("MedicationRequest")
    made.rename("dateWritten", "authoredOn")
    made.rename("patient", "subject")
    made.rename("prescriber", "requester")
    made.rename("reasonCodeableConcept", "reasonCode")
    change_lines(made, "dosageInstruction", _dosage)


def _dosage(line: dict[str, Any]) -> dict[str, Any]:
    timing = line.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    if isinstance(timing, dict) and isinstance(repeat, dict):
        line["timing"] = {**timing, "repeat": moved(dict(repeat), (("periodUnits", "periodUnit"),))}
    return dose_and_rate(moved(line, (("siteCodeableConcept", "site"),)))


RESHAPES = {"MedicationOrder": (ALWAYS, _medication_order)}
