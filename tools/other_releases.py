"""Writes the calls of other FHIR releases, made from those in R4.

    python -m tools.other_releases           rewrites what is stale, and names it
    python -m tools.other_releases --check   only names it; exit code 1 when there is any

    fixtures/fhir/releases/<release>-<case>/request.json    written here
    fixtures/fhir/releases/<release>-<case>/response.json   written by tools.refresh_fixtures

This is the opposite of `cds_service.fhir.releases`, and written apart from it, after the release's
own definitions: the tests validate every resource with fhir.resources of that release.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tools.refresh_fixtures import FIXTURES, read, text

Json = dict[str, Any]

#: folder of the call in R4, and whether an EHR of DSTU2 could send its order
CASES = (
    "delayed-referral",
    "steroid-overuse",
    "nsaid-only-181-days",
    "us-core-text",
    "boundaries/steroid-interval-27-days",
    "boundaries/nsaid-dose-over-limit-2800-mg",
)
IN_DSTU2 = ("boundaries/nsaid-dose-over-limit-2800-mg",)
_STU3_TYPES = {"ServiceRequest": "ProcedureRequest"}
_STU3_ORDER = {"on-hold": "suspended", "revoked": "cancelled"}


def to_r5(resource: Json) -> Json:
    """The resource in R5."""
    made = dict(resource)
    kind = made["resourceType"]
    for gone in _GONE_IN_R5.get(kind, ()):
        made.pop(gone, None)
    if kind in ("Procedure", "ServiceRequest") or kind.startswith("Medication"):
        _reasons_r5(made)
        _medication_r5(made)
    if kind in _R5:
        _R5[kind](made)
    return made


_GONE_IN_R5 = {"Condition": ("recorder", "asserter"), "CarePlan": ("author",)}


def _reasons_r5(made: Json) -> None:
    reasons = [{"concept": one} for one in made.pop("reasonCode", [])]
    reasons += [{"reference": one} for one in made.pop("reasonReference", [])]
    if reasons:
        made["reason"] = reasons


def _medication_r5(made: Json) -> None:
    if "medicationCodeableConcept" in made:
        made["medication"] = {"concept": made.pop("medicationCodeableConcept")}
    if "medicationReference" in made:
        made["medication"] = {"reference": made.pop("medicationReference")}
    for name in ("dosage", "dosageInstruction"):
        for line in made.get(name, []) if isinstance(made.get(name), list) else []:
            if "asNeededBoolean" in line:
                line["asNeeded"] = line.pop("asNeededBoolean")


def _moved(stem: str, new: str) -> Callable[[Json], None]:
    def move(made: Json) -> None:
        for name in [name for name in made if name.startswith(stem)]:
            made[new + name.removeprefix(stem)] = made.pop(name)

    return move


def _service_request_r5(made: Json) -> None:
    made["code"] = {"concept": made["code"]}


def _medication_request_r5(made: Json) -> None:
    if "reportedBoolean" in made:
        made["reported"] = made.pop("reportedBoolean")


def _medication_statement_r5(made: Json) -> None:
    adherence = {"active": "taking", "stopped": "stopped", "not-taken": "not-taking"}
    system = "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"
    if made["status"] in adherence:
        code = {"system": system, "code": adherence[made["status"]]}
        made["adherence"] = {"code": {"coding": [code]}}
    if made["status"] != "entered-in-error":
        made["status"] = "recorded"
    if "informationSource" in made:
        made["informationSource"] = [made["informationSource"]]


def _care_plan_r5(made: Json) -> None:
    made["addresses"] = [{"reference": one} for one in made.get("addresses", [])]
    made["activity"] = [
        {"performedActivity": [{"concept": one["detail"]["code"]}]} for one in made["activity"]
    ]


def _allergy_r5(made: Json) -> None:
    if isinstance(made.get("type"), str):
        system = "http://hl7.org/fhir/allergy-intolerance-type"
        made["type"] = {"coding": [{"system": system, "code": made["type"]}]}


_R5: dict[str, Callable[[Json], None]] = {
    "AllergyIntolerance": _allergy_r5,
    "CarePlan": _care_plan_r5,
    "MedicationAdministration": _moved("effective", "occurence"),
    "MedicationRequest": _medication_request_r5,
    "MedicationStatement": _medication_statement_r5,
    "Procedure": _moved("performed", "occurrence"),
    "ServiceRequest": _service_request_r5,
}


def to_stu3(resource: Json) -> Json:
    """The resource in STU3."""
    made = dict(resource)
    kind = made["resourceType"]
    made["resourceType"] = _STU3_TYPES.get(kind, kind)
    if kind in ("Condition", "AllergyIntolerance"):
        _asserted_stu3(made)
    for gone in _NEW_IN_R4.get(kind, ()):
        made.pop(gone, None)
    if isinstance(made.get("requester"), dict):
        made["requester"] = {"agent": made["requester"]}
    for name in ("dosage", "dosageInstruction"):
        if isinstance(made.get(name), list):
            made[name] = [_dosage_stu3(line) for line in made[name]]
    if kind in _STU3:
        _STU3[kind](made)
    return made


_NEW_IN_R4 = {
    "CarePlan": ("created", "author"),
    "Condition": ("recorder",),
    "MedicationRequest": ("reportedBoolean",),
}


def _asserted_stu3(made: Json) -> None:
    for name in ("clinicalStatus", "verificationStatus"):
        if name in made:
            made[name] = made[name]["coding"][0]["code"]
    if "recordedDate" in made:
        made["assertedDate"] = made.pop("recordedDate")


def _dosage_stu3(line: Json) -> Json:
    kept = {name: one for name, one in line.items() if name != "doseAndRate"}
    for rate in line.get("doseAndRate", []):
        kept |= {name: one for name, one in rate.items() if name != "type"}
    return kept


def _procedure_request_stu3(made: Json) -> None:
    made["status"] = _STU3_ORDER.get(made["status"], made["status"])


def _medication_statement_stu3(made: Json) -> None:
    made["taken"] = "n" if made["status"] == "not-taken" else "y"
    if made["status"] == "not-taken":
        made["status"] = "completed"


def _medication_administration_stu3(made: Json) -> None:
    if "request" in made:
        made["prescription"] = made.pop("request")


_STU3: dict[str, Callable[[Json], None]] = {
    "MedicationAdministration": _medication_administration_stu3,
    "MedicationStatement": _medication_statement_stu3,
    "ServiceRequest": _procedure_request_stu3,
}


def to_dstu2(resource: Json) -> Json:
    """A MedicationRequest as the MedicationOrder a DSTU2 EHR writes; other types as they are."""
    if resource["resourceType"] != "MedicationRequest":
        return resource
    order = {**to_stu3(resource), "resourceType": "MedicationOrder"}
    for name, older in (("authoredOn", "dateWritten"), ("subject", "patient")):
        if name in order:
            order[older] = order.pop(name)
    for gone in ("intent", "requester", "reasonReference"):
        order.pop(gone, None)
    if "dosageInstruction" in order:
        order["dosageInstruction"] = [_timing_dstu2(line) for line in order["dosageInstruction"]]
    return order


def _timing_dstu2(line: Json) -> Json:
    repeat = dict(line.get("timing", {}).get("repeat", {}))
    if "periodUnit" in repeat:
        repeat["periodUnits"] = repeat.pop("periodUnit")
        return {**line, "timing": {**line["timing"], "repeat": repeat}}
    return line


RELEASES: dict[str, Callable[[Json], Json]] = {"r5": to_r5, "stu3": to_stu3, "dstu2": to_dstu2}


def in_release(value: Any, convert: Callable[[Json], Json]) -> Any:
    """A call, or any part of it, with every resource in another release."""
    if isinstance(value, list):
        return [in_release(one, convert) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: in_release(one, convert) for name, one in value.items()}
    if "resourceType" in made and made["resourceType"] not in ("Bundle", "OperationOutcome"):
        made = convert(made)
    return made


def renamed(call: Json) -> Json:
    """The call, its references naming orders by the types its resources now have."""
    known = [one["resourceType"] for one in _resources(call)]
    older = [t for t in ("ProcedureRequest", "MedicationOrder") if t in known]
    newer = {"ProcedureRequest": "ServiceRequest", "MedicationOrder": "MedicationRequest"}

    def name(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: name(one) for key, one in value.items()}
        if isinstance(value, list):
            return [name(one) for one in value]
        for one in older:
            if isinstance(value, str) and f"{newer[one]}/" in value:
                return value.replace(f"{newer[one]}/", f"{one}/")
        return value

    return {key: name(one) for key, one in call.items()}


def _resources(value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _resources(one)
    elif isinstance(value, dict):
        if "resourceType" in value and value["resourceType"] != "Bundle":
            yield value
        for one in value.values():
            yield from _resources(one)


def call_in(release: str, call: Json) -> Json:
    """A whole hook call in another release."""
    return renamed(in_release(call, RELEASES[release]))


def calls() -> Iterator[tuple[Path, str]]:
    """Every call written here, with what its file must hold."""
    for release in RELEASES:
        for case in IN_DSTU2 if release == "dstu2" else CASES:
            call = call_in(release, read(FIXTURES / case / "request.json"))
            folder = FIXTURES / "releases" / f"{release}-{Path(case).name}"
            yield folder / "request.json", text(call) + "\n"


def main() -> int:
    """Exit code: 1 when --check finds something stale, else 0."""
    found = [
        (file, content)
        for file, content in calls()
        if not file.exists() or file.read_text(encoding="utf-8") != content
    ]
    for file, content in found:
        print(file.relative_to(FIXTURES.parents[1]))
        if "--check" not in sys.argv:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    return 1 if found and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
