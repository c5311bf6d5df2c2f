"""`cds-service lint`: what is said of a captured request, and that no patient data is."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main
from cds_service.lint_report import LintReport
from cds_service.linting import lint
from hooks import services
from tests.conftest import DATA, ROOT
from tests.orders import service as service_request
from tests.strategies import SITE, TODAY, chart, concept, pht, resource

FIXTURES = sorted((ROOT / "fixtures" / "fhir").glob("**/request.json"))
RECORDED = sorted((DATA / "sandbox" / "recorded").glob("*-*.json"))
CALLS = [file for file in RECORDED if "hook" in (json.loads(file.read_text()).get("body") or {})]
SECRET = "Zebediah"


def call(prefetch: dict[str, Any], hook: str = "patient-view", **more: Any) -> dict[str, Any]:
    return {
        "hook": hook,
        "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
        "context": {"patientId": "p1", "userId": "Practitioner/1", **more.pop("context", {})},
        "prefetch": prefetch,
        **more,
    }


def report(body: object) -> LintReport:
    return lint(body, services(), today=TODAY, site=SITE)


def states(found: LintReport) -> dict[str, str]:
    return {key.name: key.state for key in found.keys}


def judged(found: LintReport) -> dict[str, str]:
    return {one.rule: one.judged for one in found.rules}


def why(found: LintReport, rule: str) -> str:
    return next(one.why for one in found.rules if one.rule == rule)


def whole(*resources: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(chart(pht(), *resources))


# --- whole calls on file ---


@pytest.mark.parametrize("file", FIXTURES, ids=lambda f: f.parent.name)
def test_a_call_on_file_is_fine_unless_the_service_refuses_it(file: Path) -> None:
    refused = "issue" in json.loads(file.with_name("response.json").read_text())
    found = report(json.loads(file.read_text()))
    assert found.fine is not refused
    assert bool(found.faults) is refused
    assert {key.state for key in found.keys} <= {"supplied", "null"}


@pytest.mark.parametrize("file", CALLS, ids=lambda f: f.stem)
def test_a_call_the_sandbox_sends_has_no_fault(file: Path) -> None:
    found = report(json.loads(file.read_text())["body"])
    assert found.fine
    assert not found.faults


def test_calls_of_the_sandbox_are_here() -> None:
    assert len(CALLS) >= 8


@pytest.mark.parametrize("service", services(), ids=lambda one: one.hook)
def test_the_body_names_the_hook(service: Any) -> None:
    body = {"hook": service.hook, "context": {}}
    found = report(body)
    assert (found.hook, found.service) == (service.hook, service.id)
    assert "context.patientId" in {fault.path for fault in found.faults}
    assert set(judged(found).values()) == {"no"}


# --- prefetch keys ---


def test_each_prefetch_key_has_its_state() -> None:
    prefetch = whole()
    prefetch["goals"] = None
    prefetch["allergies"] = {"resourceType": "OperationOutcome", "issue": []}
    del prefetch["carePlans"]
    prefetch["observations"]["link"] = [{"relation": "next", "url": "https://ehr.example/2"}]
    prefetch["ours"] = {"resourceType": "Bundle"}
    found = states(report(call(prefetch)))
    assert found.pop("ours") == "not asked for"
    assert {name: state for name, state in found.items() if state != "supplied"} == {
        "goals": "null",
        "allergies": "error",
        "carePlans": "omitted",
        "observations": "more pages",
    }


def test_what_is_to_be_fetched_is_a_note_and_no_fault() -> None:
    found = report(call({}, fhirServer="https://ehr.example/fhir"))
    assert set(states(found).values()) == {"to be fetched"}
    assert set(judged(found).values()) == {"after fetching"}
    assert found.fine
    assert "Condition is to be fetched" in why(found, "steroid-overuse")


def test_an_error_and_further_pages_are_fetched_where_there_is_a_server() -> None:
    prefetch = whole()
    prefetch["conditions"] = {"resourceType": "OperationOutcome", "issue": []}
    prefetch["procedures"]["link"] = [{"relation": "next", "url": "https://ehr.example/2"}]
    assert not report(call(prefetch)).fine
    found = report(call(prefetch, fhirServer="https://ehr.example/fhir"))
    assert found.fine
    assert set(judged(found).values()) == {"after fetching"}


def test_without_a_server_what_was_left_out_stops_the_judgement() -> None:
    found = report(call({}))
    assert set(states(found).values()) == {"omitted"}
    assert {fault.path for fault in found.faults} == {"prefetch.patient", "prefetch.conditions"}
    assert not found.fine


def test_a_rule_names_the_type_it_lacks() -> None:
    prefetch = whole()
    del prefetch["procedures"]
    found = report(call(prefetch))
    assert judged(found)["loading-programme-missing"] == "no"
    assert why(found, "loading-programme-missing") == "Procedure is omitted"
    assert not found.fine


def test_a_rule_is_judged_without_what_it_does_not_need() -> None:
    prefetch = whole()
    del prefetch["allergies"]
    assert "no" not in judged(report(call(prefetch))).values()


# --- faults ---


def test_every_fault_is_named_and_not_only_the_first() -> None:
    prefetch = whole()
    prefetch["goals"] = "nothing"
    prefetch["procedures"] = {
        "resourceType": "Bundle",
        "entry": [{"resource": 5}, {"resource": {"id": "x"}}],
    }
    stranger = {"reference": "Patient/p2"}
    prefetch["conditions"]["entry"][0]["resource"]["subject"] = stranger
    found = report(call(prefetch))
    assert {fault.path for fault in found.faults} == {
        "prefetch.goals",
        "prefetch.procedures.entry[0].resource",
        "prefetch.procedures.entry[1].resource",
        "prefetch.conditions.entry[0].resource.subject.reference",
    }
    assert states(found)["goals"] == states(found)["procedures"] == "not FHIR"
    assert set(judged(found).values()) == {"no"}


def test_another_patient_is_named_at_the_id() -> None:
    prefetch = whole()
    prefetch["patient"]["id"] = "p2"
    assert "prefetch.patient.id" in {fault.path for fault in report(call(prefetch)).faults}


def test_a_condition_that_cannot_be_read_is_a_fault_at_its_element() -> None:
    prefetch = chart(pht(onsetDateTime="in spring"))
    (fault,) = report(call(prefetch)).faults
    assert fault.path == "prefetch.conditions.entry[0].resource.onsetDateTime"


def test_a_record_that_cannot_be_read_is_named_and_so_are_the_rules_it_stops() -> None:
    broken = resource(
        "Procedure", "x", status=7, code=concept(("http://snomed.info/sct", "229070002"))
    )
    bad = {**broken, "code": {"coding": [{"system": "https://pht-cds.example.org/fhir/CodeSystem/pht",
                                          "code": "steroid-injection"}]}}  # fmt: skip
    found = report(call(whole(bad)))
    (place,) = found.unreadable
    assert place.path == "prefetch.procedures.entry[0].resource.status"
    assert place.path in why(found, "steroid-overuse")
    assert not found.fine


# --- codes ---


def test_a_code_that_looks_relevant_and_is_not_known_is_listed() -> None:
    house = ("https://ehr.example/codes", "PHYS1")
    strange = resource(
        "Procedure", "x", status="completed", code=concept(house, display="Physiotherapy")
    )
    (code,) = report(call(whole(strange))).codes
    assert code.path == "prefetch.procedures.entry[0].resource.code"
    assert code.codes == ("https://ehr.example/codes|PHYS1",)
    assert code.near == "physio"


def test_text_alone_is_listed_without_its_words() -> None:
    strange = resource("Procedure", "x", status="completed", code={"text": f"Hamstring {SECRET}"})
    (code,) = report(call(whole(strange))).codes
    assert (code.codes, code.near) == ((), "hamstring")


def test_known_codes_and_foreign_subjects_are_not_listed() -> None:
    known = service_request()
    other = resource("Procedure", "y", status="completed", code={"text": "Tooth extraction"})
    assert report(call(whole(known, other))).codes == ()


# --- orders ---


def test_each_draft_is_said_to_be_recognised_or_not() -> None:
    unknown = resource("ServiceRequest", "d2", status="draft", code={"text": "Chest X-ray"})
    drafts = {"resourceType": "Bundle", "entry": [{"resource": service_request()},
                                                   {"resource": unknown}]}  # fmt: skip
    found = report(call(whole(), "order-sign", context={"draftOrders": drafts}))
    assert [one.what for one in found.orders] == [
        "steroid injection",
        "not recognised: no rule speaks of it",
    ]
    chosen = {"draftOrders": drafts, "selections": ["ServiceRequest/d1"]}
    found = report(call(whole(), "order-select", context=chosen))
    assert {one.path: one.what for one in found.orders} == {
        "context.draftOrders.entry[0].resource": "steroid injection",
        "context.draftOrders.entry[1].resource": "not in context.selections: not judged",
    }


def test_an_order_of_something_else_asks_no_rule_and_is_fine() -> None:
    unknown = resource("ServiceRequest", "d2", status="draft", code={"text": "Chest X-ray"})
    drafts = {"resourceType": "Bundle", "entry": [{"resource": unknown}]}
    found = report(call({}, "order-sign", context={"draftOrders": drafts}))
    assert set(judged(found).values()) == {"not asked"}
    assert found.fine


# --- the command ---


def run(body: object, *arguments: str) -> Result:
    data = body if isinstance(body, str) else json.dumps(body)
    words = ["lint", "-", "--today", TODAY.isoformat(), *arguments]
    return CliRunner().invoke(main, words, input=data)


def test_exit_codes() -> None:
    assert run(call(whole())).exit_code == 0
    assert run(call({})).exit_code == 1
    for unreadable in ("nope", "[]", {"resourceType": "Bundle"}, {"hook": "made-up"}):
        assert run(unreadable).exit_code == 2


def test_json_holds_the_same_report() -> None:
    body = call(whole())
    made = json.loads(run(body, "--format", "json").stdout)
    assert made == json.loads(json.dumps(report(body).as_json()))
    assert made["fine"] is True
    assert {"rule": "steroid-overuse", "judged": "yes", "why": ""} in made["rules"]


@pytest.mark.parametrize("arguments", [(), ("--format", "json")], ids=["text", "json"])
def test_no_patient_data_is_printed(arguments: tuple[str, ...]) -> None:
    strange = resource(
        "Procedure", SECRET, status=7, code={"text": f"Hamstring injection {SECRET}"}
    )
    prefetch = whole(strange)
    prefetch["patient"] |= {"name": [{"text": f"{SECRET} Tendon"}], "birthDate": "1955-05-05"}
    prefetch["patient"]["deceasedBoolean"] = True
    prefetch["conditions"]["entry"][0]["resource"]["note"] = [{"text": SECRET}]
    printed = run(call(prefetch), *arguments).output
    assert "prefetch.procedures" in printed
    for value in (SECRET, "1955", "recorded as deceased"):
        assert value not in printed
