from __future__ import annotations

from typing import Any

import pytest

from cds_service.demo.call import call_from_bundle, hook_call
from cds_service.demo.record import Record
from cds_service.errors import BadRequest
from cds_service.protocol.request import parse

TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "medicationRequests": (
        "MedicationRequest?patient={{context.patientId}}&_include=MedicationRequest:medication"
    ),
    "encounter": "Encounter/{{context.encounterId}}",
}
PATIENT = {"resourceType": "Patient", "id": "1"}
CONDITION = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/1"}}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    entry = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entry}


def test_templates_are_answered_as_an_ehr_does() -> None:
    sent = hook_call(
        "patient-view", TEMPLATES, Record([PATIENT, CONDITION]), patient="1", fhir_server="http://f"
    )
    assert parse(sent, hook="patient-view").fhir_server == "http://f"
    assert list(sent["prefetch"]) == ["patient", "conditions", "medicationRequests"]
    assert sent["prefetch"]["patient"] == PATIENT
    assert sent["prefetch"]["conditions"]["entry"][0]["fullUrl"] == "http://f/Condition/c"
    assert sent["prefetch"]["medicationRequests"]["total"] == 0


def test_a_read_that_fails_leaves_its_key_out() -> None:
    sent = hook_call("patient-view", TEMPLATES, Record([]), patient="1", fhir_server="http://f")
    assert "patient" not in sent["prefetch"]


def test_a_bundle_becomes_prefetch_by_type_and_absent_types_are_known_empty() -> None:
    stray = {"resourceType": "Condition", "id": "no-subject"}
    medication = {"resourceType": "Medication", "id": "m"}
    sent = call_from_bundle(
        "patient-view", TEMPLATES, bundle(PATIENT, CONDITION, stray, medication)
    )
    assert sent["context"]["patientId"] == "1"
    assert [e["resource"] for e in sent["prefetch"]["conditions"]["entry"]] == [CONDITION, stray]
    requests = sent["prefetch"]["medicationRequests"]
    assert requests["total"] == 0
    assert [e["search"]["mode"] for e in requests["entry"]] == ["include"]


@pytest.mark.parametrize("hook", ["encounter-start", "encounter-discharge"])
def test_a_hook_on_an_encounter_takes_the_last_one_of_the_bundle(hook: str) -> None:
    visits = [{"resourceType": "Encounter", "id": name} for name in ("first", "last")]
    sent = call_from_bundle(hook, TEMPLATES, bundle(PATIENT, *visits))
    assert sent["context"]["encounterId"] == "last"
    assert "encounterId" not in call_from_bundle(hook, TEMPLATES, bundle(PATIENT))["context"]
    assert (
        "encounterId"
        not in call_from_bundle("patient-view", TEMPLATES, bundle(PATIENT, *visits))["context"]
    )


@pytest.mark.parametrize(
    "patients", [[], [PATIENT, PATIENT | {"id": "2"}], [{"resourceType": "Patient"}]]
)
def test_a_bundle_without_exactly_one_patient_is_refused(patients: list[dict[str, Any]]) -> None:
    with pytest.raises(BadRequest, match="one Patient"):
        call_from_bundle("patient-view", TEMPLATES, bundle(*patients))
