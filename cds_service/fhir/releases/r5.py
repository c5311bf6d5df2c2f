"""R5: what differs from R4 in the elements that are read (hl7.org/fhir/R5, section 'R5 Diff').

A CodeableReference is a concept, a reference, or both. MedicationStatement.status only says that
it was recorded; whether it is taken stands in `adherence`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.fhir.releases.reshape import (
    Reshaped,
    Signs,
    change_lines,
    lines,
    moved,
)

#: MedicationStatement.adherence.code -> the R4 status; 'taking' is active
_ADHERENCE = {
    "taking": "active",
    "taking-as-directed": "active",
    "taking-not-as-directed": "active",
    "not-taking": "not-taken",
    "on-hold": "on-hold",
    "on-hold-as-directed": "on-hold",
    "on-hold-not-as-directed": "on-hold",
    "stopped": "stopped",
    "stopped-as-directed": "stopped",
    "stopped-not-as-directed": "stopped",
    "unknown": "unknown",
}
_WHEN = ("DateTime", "Period", "String", "Age", "Range", "Timing")
#: R5 5.0.0 spells it with one r in MedicationAdministration
_ADMINISTERED = tuple(f"{stem}{kind}" for stem in ("occurence", "occurrence") for kind in _WHEN)
_PERFORMED = tuple(f"occurrence{kind}" for kind in _WHEN)
_AS_NEEDED = frozenset({"asNeeded", "asNeededFor"})


def _medication_request(made: Reshaped) -> None:
    _medication(made)
    _reasons(made)
    made.rename("reported", "reportedBoolean")
    _source(made, "reportedReference")
    # Ended is completed, stopped or cancelled: which of them is not said.
    made.recode("status", {"ended": "unknown"})
    change_lines(made, "dosageInstruction", _dosage)


def _medication_statement(made: Reshaped) -> None:
    _medication(made)
    _reasons(made)
    _source(made, "informationSource")
    change_lines(made, "dosage", _dosage)
    if made.raw.get("status") == "draft":
        made.raw["status"] = "intended"
    if made.raw.get("status") != "recorded":
        return
    adherence = made.raw.get("adherence")
    if adherence is not None:
        made.put("status", _ADHERENCE.get(_code(adherence), "unknown"), "adherence")
    elif "effectiveDateTime" in made.raw:
        # Recorded for one day: taken then, which does not say that it still is.
        made.raw["status"] = "completed"


def _medication_administration(made: Reshaped) -> None:
    _medication(made)
    _reasons(made)
    for name in _ADMINISTERED:
        made.rename(name, f"effective{name.removeprefix('occurence').removeprefix('occurrence')}")


def _procedure(made: Reshaped) -> None:
    _reasons(made)
    for name in _PERFORMED:
        made.rename(name, f"performed{name.removeprefix('occurrence')}")


def _service_request(made: Reshaped) -> None:
    _reasons(made)
    if _is_codeable_reference(made.raw.get("code")):
        made.put("code", made.raw["code"].get("concept"), "code.concept")
        if made.raw["code"] is None:
            del made.raw["code"]


def _care_plan(made: Reshaped) -> None:
    """What was performed has no status of its own: it goes on, or is over, with the plan."""
    addresses = lines(made.raw, "addresses")
    if any(map(_is_codeable_reference, addresses)):
        kept = [(i, a["reference"]) for i, a in enumerate(addresses) if _refers(a)]
        made.raw["addresses"] = [reference for _, reference in kept]
        for at, (index, _) in enumerate(kept):
            made.names[f"addresses[{at}]"] = f"addresses[{index}].reference"
    if not _performs(made.raw):
        return
    status = "completed" if made.raw.get("status") == "completed" else "in-progress"
    activities: list[Any] = []
    for index, activity in enumerate(lines(made.raw, "activity")):
        for inner, one in enumerate(lines(activity, "performedActivity")):
            if isinstance(one, dict) and "concept" in one:
                where = f"activity[{index}].performedActivity[{inner}].concept"
                made.names[f"activity[{len(activities)}].detail.code"] = where
                activities.append({"detail": {"code": one["concept"], "status": status}})
    made.raw["activity"] = activities


def _medication(made: Reshaped) -> None:
    """`medication`: a CodeableReference; the concept says more than the reference."""
    sent = made.raw.pop("medication", None)
    if sent is None:
        return
    if isinstance(sent, dict) and "concept" not in sent and "reference" in sent:
        made.put("medicationReference", sent["reference"], "medication.reference")
    elif isinstance(sent, dict) and "concept" in sent:
        made.put("medicationCodeableConcept", sent["concept"], "medication.concept")
    else:
        made.put("medicationCodeableConcept", sent, "medication")


def _reasons(made: Reshaped) -> None:
    """`reason`: a list of CodeableReferences; what is none of them is a faulty reasonCode."""
    if "reason" not in made.raw:
        return
    codes: list[tuple[str, Any]] = []
    references: list[tuple[str, Any]] = []
    for index, one in enumerate(lines(made.raw, "reason")):
        if _refers(one):
            references.append((f"reason[{index}].reference", one["reference"]))
        if isinstance(one, dict) and "concept" in one:
            codes.append((f"reason[{index}].concept", one["concept"]))
        elif not _refers(one):
            codes.append((f"reason[{index}]", one))
    del made.raw["reason"]
    for name, found in (("reasonCode", codes), ("reasonReference", references)):
        if found and name not in made.raw:
            made.put(name, [value for _, value in found], "reason")
            made.names |= {f"{name}[{at}]": where for at, (where, _) in enumerate(found)}


def _source(made: Reshaped, name: str) -> None:
    """`informationSource`: of several, the patient or a relative decides."""
    sent = made.raw.get("informationSource")
    if not isinstance(sent, list):
        return
    told = [one for one in sent if isinstance(one, dict)]
    own = [one for one in told if str(one.get("reference")).startswith(("Patient/", "Related"))]
    del made.raw["informationSource"]
    if chosen := (own or told)[:1]:
        made.put(name, chosen[0], "informationSource")


def _dosage(line: dict[str, Any]) -> dict[str, Any]:
    needed_for = line.get("asNeededFor")
    if isinstance(needed_for, list) and needed_for:
        line["asNeededFor"] = needed_for[0]
    return moved(
        line, (("asNeeded", "asNeededBoolean"), ("asNeededFor", "asNeededCodeableConcept"))
    )


def _is_codeable_reference(value: Any) -> bool:
    return isinstance(value, dict) and (
        "concept" in value or isinstance(value.get("reference"), dict)
    )


def _refers(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("reference"), dict)


def _performs(raw: Mapping[str, Any]) -> bool:
    return any(isinstance(a, dict) and "performedActivity" in a for a in lines(raw, "activity"))


def _code(adherence: Any) -> str:
    """The first code of adherence.code; empty when there is none."""
    concept = adherence.get("code") if isinstance(adherence, dict) else None
    coded = lines(concept, "coding") if isinstance(concept, dict) else []
    return next((str(c["code"]) for c in coded if isinstance(c, dict) and "code" in c), "")


def _plan_differs(raw: Mapping[str, Any]) -> bool:
    return _performs(raw) or any(map(_is_codeable_reference, lines(raw, "addresses")))


def _status_of_r5(raw: Mapping[str, Any]) -> bool:
    status = raw.get("status")
    return status == "draft" or (status == "recorded" and "effectiveDateTime" in raw)


RESHAPES = {
    "MedicationRequest": (
        Signs(
            elements=frozenset({"medication", "reason", "reported", "informationSource"}),
            status=frozenset({"ended"}),
            lines={"dosageInstruction": _AS_NEEDED},
        ),
        _medication_request,
    ),
    "MedicationStatement": (
        Signs(
            elements=frozenset({"medication", "reason", "adherence"}),
            lines={"dosage": _AS_NEEDED},
            others=(_status_of_r5,),
        ),
        _medication_statement,
    ),
    "MedicationAdministration": (
        Signs(elements=frozenset({"medication", "reason", *_ADMINISTERED})),
        _medication_administration,
    ),
    "Procedure": (Signs(elements=frozenset({"reason", *_PERFORMED})), _procedure),
    "ServiceRequest": (
        Signs(
            elements=frozenset({"reason"}),
            others=(lambda raw: _is_codeable_reference(raw.get("code")),),
        ),
        _service_request,
    ),
    "CarePlan": (Signs(others=(_plan_differs,)), _care_plan),
}
