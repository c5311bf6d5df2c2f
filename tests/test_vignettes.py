"""The worked cases of the guideline, through HTTP: exactly the expected cards, no others.

Cases of patient-view are asked at encounter-start too, cases of order-sign at order-select (every
draft selected) and at order-dispatch (every draft placed before): the rules are the same (G12).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from cds_service.demo.record import Record, searchset
from tests.conftest import DATA, Running, Start

CASES = json.loads((DATA / "vignettes.json").read_text(encoding="utf-8"))["vignettes"]
BASE = "https://ehr.example/fhir"
TODAY = "2026-06-15"
SAME = {
    "patient-view": ("patient-view", "encounter-start"),
    "order-sign": ("order-sign", "order-select", "order-dispatch"),
}
ASKED = [
    pytest.param(case, hook, id=f"{hook} {case['id']} {case['title']}")
    for case in CASES
    for hook in SAME[case["hook"]]
]


@pytest.fixture(scope="module")
def server(start: Start) -> Running:
    return start("demo", CDS_SERVICE_TODAY=TODAY)


@pytest.fixture(scope="module")
def services(server: Running) -> dict[str, dict[str, Any]]:
    """Hook -> the service that answers it."""
    listed = requests.get(f"{server.url}/cds-services", timeout=30).json()["services"]
    return {service["hook"]: service for service in listed}


def test_every_case_is_of_one_day_and_one_of_the_hooks(services: dict[str, Any]) -> None:
    assert {case["evaluationDate"] for case in CASES} == {TODAY}
    assert {case["hook"] for case in CASES} == {"patient-view", "order-sign"}
    assert {hook for hooks in SAME.values() for hook in hooks} <= set(services)
    assert len(CASES) == len({case["id"] for case in CASES})


def test_every_rule_a_case_expects_is_on_the_page(server: Running) -> None:
    page = requests.get(f"{server.url}/guideline", timeout=30).text
    on_page = set(re.findall(r'id="([a-z-]+)"', page))
    assert {one["ruleId"] for case in CASES for one in case["expected"]["fires"]} <= on_page


@pytest.mark.parametrize(("case", "hook"), ASKED)
def test_exactly_the_expected_cards_appear(
    case: dict[str, Any], hook: str, server: Running, services: dict[str, dict[str, Any]]
) -> None:
    service = services[hook]
    answer = requests.post(
        f"{server.url}/cds-services/{service['id']}", json=call(case, service), timeout=60
    )
    assert answer.status_code == 200, answer.text
    found = [
        (
            card["source"]["topic"]["code"],
            card["indicator"],
            card["extension"]["org.pht-cds.rationale"].get("variant", ""),
        )
        for card in answer.json()["cards"]
    ]
    expected = case["expected"]["fires"]
    assert len(found) == len(expected), found
    for one in expected:
        matches = [f for f in found if f[:2] == (one["ruleId"], one["indicator"])]
        assert matches, (one, found)
        assert "variant" not in one or matches[0][2] == one["variant"]


def call(case: dict[str, Any], service: dict[str, Any]) -> dict[str, Any]:
    """The hook call of a client that fills the templates of the discovery document."""
    drafts = case.get("draftOrders", [])
    named = [f"{draft['resourceType']}/{draft['id']}" for draft in drafts]
    context: dict[str, Any] = {"userId": "Practitioner/example", "patientId": "p1"}
    resources = case["resources"]
    if service["hook"] == "encounter-start":
        context["encounterId"] = "today"
    elif service["hook"] == "order-dispatch":
        resources = [*resources, *({**draft, "status": "active"} for draft in drafts)]
        context |= {"dispatchedOrders": named, "performer": "Organization/clinic"}
    elif service["hook"] != "patient-view":
        entries = [{"resource": draft} for draft in drafts]
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if service["hook"] == "order-select":
        context["selections"] = named
    record = Record([patient(case["patient"]), *resources])
    return {
        "hook": service["hook"],
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": BASE,
        "context": context,
        "prefetch": {
            key: fetched(template, record) for key, template in service["prefetch"].items()
        },
    }


def fetched(template: str, record: Record) -> dict[str, Any] | None:
    """What a FHIR server answers to a prefetch template."""
    query = template.replace("{{context.patientId}}", "p1")
    assert "{{" not in query, f"no client can fill {template}"
    if "?" not in query:
        return record.read(*query.split("/"))
    kind, _, parameters = query.partition("?")
    pairs = [tuple(one.split("=", 1)) for one in parameters.split("&")]
    return searchset(record.search(kind, pairs), base=BASE)  # type: ignore[arg-type]


def patient(described: dict[str, Any]) -> dict[str, Any]:
    """Patient p1, so many years old on 15 June 2026."""
    return {
        "resourceType": "Patient",
        "id": "p1",
        "gender": described["sex"],
        "birthDate": f"{2026 - described['age']}-01-15",
    }
