from __future__ import annotations

import json
from typing import Any

import pytest

from cds_service.errors import BadRequest
from cds_service.protocol.request import parse
from tests.conftest import DATA

RECORDED = sorted((DATA / "sandbox" / "recorded").glob("patient-view*.json"))


def body(**changes: Any) -> dict[str, Any]:
    whole = {
        "hook": "patient-view",
        "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
        "context": {"patientId": "ham-1", "userId": "Practitioner/1"},
    } | changes
    return {name: value for name, value in whole.items() if value is not ...}


def faults(sent: object) -> list[tuple[str, tuple[str, ...]]]:
    with pytest.raises(BadRequest) as caught:
        parse(sent, hook="patient-view")
    return sorted((issue.code, issue.expression) for issue in caught.value.issues)


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_what_the_sandbox_sends_is_read(file: Any) -> None:
    sent = json.loads(file.read_text())["body"]
    request = parse(sent, hook="patient-view")
    assert request.patient_id == sent["context"]["patientId"]
    assert request.user_id == "Practitioner/COREPRACTITIONER1"
    assert request.encounter_id is None
    assert request.prefetch == sent.get("prefetch", {})
    assert request.fhir_server == sent["fhirServer"]
    assert request.fhir_authorization == sent.get("fhirAuthorization")


def test_optional_elements_that_are_null_are_absent() -> None:
    request = parse(
        body(prefetch=None, fhirServer=None, fhirAuthorization=None, extension=None),
        hook="patient-view",
    )
    assert request.prefetch == {}
    assert request.fhir_server is None


def test_a_null_prefetch_key_is_kept_for_it_means_known_to_be_empty() -> None:
    assert parse(body(prefetch={"a": None}), hook="patient-view").prefetch == {"a": None}


def test_prefetch_content_is_not_judged_here() -> None:
    odd = {"a": {"resourceType": "Bundle", "entry": "?"}, "b": [1], "c": "x"}
    assert parse(body(prefetch=odd), hook="patient-view").prefetch == odd


def test_unknown_elements_are_ignored() -> None:
    context = {"patientId": "1", "userId": "Practitioner/x", "more": 1}
    parse(body(oauth={}, context=context), hook="patient-view")


@pytest.mark.parametrize("sent", [[], None, "x", 1])
def test_a_body_that_is_no_object_is_refused(sent: object) -> None:
    assert faults(sent) == [("structure", ())]


@pytest.mark.parametrize("name", ["hook", "hookInstance", "context"])
def test_a_missing_element_is_named(name: str) -> None:
    assert faults(body(**{name: ...})) == [("required", (name,))]


def test_all_faults_are_named_at_once() -> None:
    assert faults({"hook": 1, "context": {"patientId": ""}, "prefetch": []}) == [
        ("required", ("context.userId",)),
        ("required", ("hookInstance",)),
        ("structure", ("hook",)),
        ("structure", ("prefetch",)),
        ("value", ("context.patientId",)),
    ]


@pytest.mark.parametrize("patient", ["", "a b", "Patient/1", "a\n", "../x", "x" * 65, "é"])
def test_a_patient_id_that_is_no_fhir_id_is_refused(patient: str) -> None:
    context = {"patientId": patient, "userId": "Practitioner/1"}
    assert faults(body(context=context)) == [("value", ("context.patientId",))]


@pytest.mark.parametrize("user", ["", " "])
def test_a_blank_user_is_refused(user: str) -> None:
    context = {"patientId": "1", "userId": user}
    assert faults(body(context=context)) == [("value", ("context.userId",))]


def test_another_hook_than_the_services_is_refused() -> None:
    assert faults(body(hook="order-sign")) == [("value", ("hook",))]


def test_an_access_token_is_needed_where_authorization_is_sent() -> None:
    sent = body(fhirServer="https://ehr.example/fhir", fhirAuthorization={})
    assert faults(sent) == [("required", ("fhirAuthorization.access_token",))]


def test_messages_do_not_repeat_what_was_sent() -> None:
    context = {"patientId": "Jane Doe 1970", "userId": "Practitioner/1"}
    with pytest.raises(BadRequest) as caught:
        parse(body(context=context), hook="patient-view")
    assert "Jane" not in str(caught.value)


@pytest.mark.requirement("3.0-26")
def test_a_token_without_a_server_to_use_it_at_is_refused() -> None:
    assert faults(body(fhirAuthorization={"access_token": "t"})) == [("required", ("fhirServer",))]


@pytest.mark.requirement("3.0-25")
def test_a_token_for_another_patient_than_the_one_whose_chart_is_open_is_refused() -> None:
    access = {"access_token": "t", "patient": "another"}
    sent = body(fhirServer="https://ehr.example/fhir", fhirAuthorization=access)
    assert faults(sent) == [("value", ("fhirAuthorization.patient",))]


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "é"])
def test_a_token_that_is_no_header_value_is_refused(token: str) -> None:
    sent = body(fhirServer="https://ehr.example/fhir", fhirAuthorization={"access_token": token})
    assert faults(sent) == [("value", ("fhirAuthorization.access_token",))]
