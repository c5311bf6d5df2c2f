"""The worked cases of the guideline, through HTTP: exactly the expected cards, no others."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from cds_service.demo.record import Record, searchset
from tests.conftest import DATA, Running, Start
from tests.strategies import RULES

CASES = json.loads((DATA / "vignettes.json").read_text(encoding="utf-8"))["vignettes"]
CHART = [case for case in CASES if case["hook"] == "patient-view"]
BASE = "https://ehr.example/fhir"


@pytest.fixture(scope="module")
def server(start: Start) -> Running:
    return start("demo", CDS_SERVICE_TODAY="2026-06-15")


@pytest.fixture(scope="module")
def discovery(server: Running) -> dict[str, Any]:
    listed = requests.get(f"{server.url}/cds-services", timeout=30).json()["services"]
    return next(service for service in listed if service["hook"] == "patient-view")


@pytest.fixture(scope="module")
def rules(server: Running) -> set[str]:
    """The rules the service has, by its own guideline page."""
    page = requests.get(f"{server.url}/guideline", timeout=30).text
    return set(re.findall(r'id="([a-z-]+)"', page))


def test_the_rules_of_the_page_are_the_rules_that_are_judged(rules: set[str]) -> None:
    """Otherwise the vignettes below would expect nothing."""
    assert rules >= set(RULES)


def test_the_fixed_day_of_all_vignettes_is_the_same() -> None:
    assert {case["evaluationDate"] for case in CHART} == {"2026-06-15"}


@pytest.mark.parametrize("case", CHART, ids=[f"{c['id']} {c['title']}" for c in CHART])
def test_exactly_the_expected_cards_appear(
    case: dict[str, Any], server: Running, discovery: dict[str, Any], rules: set[str]
) -> None:
    answer = requests.post(
        f"{server.url}/cds-services/{discovery['id']}", json=call(case, discovery), timeout=60
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
    expected = [one for one in case["expected"]["fires"] if one["ruleId"] in rules]
    assert len(found) == len(expected), found
    for one in expected:
        matches = [f for f in found if f[:2] == (one["ruleId"], one["indicator"])]
        assert matches, (one, found)
        assert "variant" not in one or matches[0][2] == one["variant"]


def call(case: dict[str, Any], service: dict[str, Any]) -> dict[str, Any]:
    """The hook call of a client that fills the templates of the discovery document."""
    record = Record([patient(case["patient"]), *case["resources"]])
    context = {"userId": "Practitioner/example", "patientId": "p1"}
    return {
        "hook": "patient-view",
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
