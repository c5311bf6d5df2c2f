"""STU3: what differs from R4 in the elements that are read (hl7.org/fhir/R4, 'R3 Diff')."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.fhir.releases.reshape import (
    ALWAYS,
    DOSES,
    Reshaped,
    Signs,
    change_lines,
    dose_and_rate,
    lines,
    moved,
)

TYPES = {"ProcedureRequest": "ServiceRequest", "ReferralRequest": "ServiceRequest"}
_DOSES = frozenset(DOSES)
_BARE = frozenset({"clinicalStatus", "verificationStatus"})
_ORDER_STATUS = {"suspended": "on-hold", "cancelled": "revoked"}
_DONE_STATUS = {"suspended": "on-hold", "aborted": "stopped"}
_GOAL_STATUS = {
    "in-progress": "active",
    "on-target": "active",
    "ahead-of-target": "active",
    "behind-target": "active",
    "sustaining": "active",
}
#: MedicationStatement.taken where the status does not decide
_TAKEN = {"n": "not-taken", "unk": "unknown", "na": "not-taken"}


def _condition(made: Reshaped) -> None:
    _statuses(made)
    made.rename("assertedDate", "recordedDate")
    abated = made.raw.pop("abatementBoolean", None)
    if abated not in (None, False):
        made.put("abatementString", "abated" if abated is True else abated, "abatementBoolean")


def _allergy(made: Reshaped) -> None:
    _statuses(made)
    made.rename("assertedDate", "recordedDate")


def _statuses(made: Reshaped) -> None:
    made.as_concept("clinicalStatus")
    made.as_concept("verificationStatus")


def _procedure(made: Reshaped) -> None:
    made.recode("status", _DONE_STATUS)
    if made.raw.pop("notDone", None) is True:
        made.put("status", "not-done", "notDone")


def _procedure_request(made: Reshaped) -> None:
    """DSTU2 has this type too, with older names."""
    made.retype("ServiceRequest")
    made.recode("status", _ORDER_STATUS)
    made.rename("orderedOn", "authoredOn")
    made.rename("reasonCodeableConcept", "reasonCode")
    for kind in ("DateTime", "Period", "Timing"):
        made.rename(f"scheduled{kind}", f"occurrence{kind}")


def _referral_request(made: Reshaped) -> None:
    """What is asked for stands in serviceRequested, else in the type; from whom, in specialty."""
    made.retype("ServiceRequest")
    made.recode("status", _ORDER_STATUS)
    made.rename("specialty", "performerType")
    asked = lines(made.raw, "serviceRequested")
    made.raw.pop("serviceRequested", None)
    if asked and "code" not in made.raw:
        made.put("code", _together(asked), "serviceRequested[0]")
    else:
        made.rename("type", "code")


def _together(concepts: list[Any]) -> Any:
    """Several concepts as one that says all of them."""
    if len(concepts) == 1 or not all(isinstance(one, dict) for one in concepts):
        return concepts[0]
    codings = [coding for one in concepts for coding in lines(one, "coding")]
    words = "; ".join(str(one["text"]) for one in concepts if "text" in one)
    return {"coding": codings, **({"text": words} if words else {})}


def _medication_request(made: Reshaped) -> None:
    change_lines(made, "dosageInstruction", dose_and_rate)


def _medication_statement(made: Reshaped) -> None:
    change_lines(made, "dosage", dose_and_rate)
    taken = made.raw.pop("taken", None)
    if taken in _TAKEN and made.raw.get("status") != "entered-in-error":
        made.put("status", _TAKEN[taken], "taken")


def _medication_administration(made: Reshaped) -> None:
    made.rename("prescription", "request")
    if made.raw.pop("notGiven", None) is True:
        made.put("status", "not-done", "notGiven")


def _care_plan(made: Reshaped) -> None:
    made.recode("status", _ORDER_STATUS)
    change_lines(made, "activity", _activity)


def _activity(activity: dict[str, Any]) -> dict[str, Any]:
    detail = activity.get("detail")
    if isinstance(detail, dict):
        activity["detail"] = moved(dict(detail), (("prohibited", "doNotPerform"),))
    return activity


def _goal(made: Reshaped) -> None:
    if made.raw.get("status") == "achieved":
        achieved = {"coding": [{"code": "achieved"}]}
        made.put("achievementStatus", achieved, "status")
        made.raw["status"] = "completed"
    made.recode("status", _GOAL_STATUS)
    made.rename("status", "lifecycleStatus")


def _prohibits(raw: Mapping[str, Any]) -> bool:
    details = (a.get("detail") for a in lines(raw, "activity") if isinstance(a, dict))
    return any(isinstance(one, dict) and "prohibited" in one for one in details)


RESHAPES = {
    "Condition": (
        Signs(elements=frozenset({"assertedDate", "abatementBoolean"}), bare=_BARE),
        _condition,
    ),
    "AllergyIntolerance": (Signs(elements=frozenset({"assertedDate"}), bare=_BARE), _allergy),
    "Procedure": (
        Signs(elements=frozenset({"notDone"}), status=frozenset(_DONE_STATUS)),
        _procedure,
    ),
    "ProcedureRequest": (ALWAYS, _procedure_request),
    "ReferralRequest": (ALWAYS, _referral_request),
    "MedicationRequest": (Signs(lines={"dosageInstruction": _DOSES}), _medication_request),
    "MedicationStatement": (
        Signs(elements=frozenset({"taken"}), lines={"dosage": _DOSES}),
        _medication_statement,
    ),
    "MedicationAdministration": (
        Signs(elements=frozenset({"prescription", "notGiven"})),
        _medication_administration,
    ),
    "CarePlan": (Signs(status=frozenset(_ORDER_STATUS), others=(_prohibits,)), _care_plan),
    "Goal": (Signs(elements=frozenset({"status"})), _goal),
}
