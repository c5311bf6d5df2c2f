"""The worked cases told in another way: the answer must not change.

Re-dated, side-swapped, beside records of something else, in another order, and with the same
fact in another resource type.
"""

from __future__ import annotations

import json
import random
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest

from cds_service.protocol.request import HookRequest
from cds_service.service import Decision, answer
from hooks import order_select, order_sign, patient_view
from tests.conftest import DATA
from tests.strategies import SITE, TODAY, UNRELATED, chart, moved

CASES = json.loads((DATA / "vignettes.json").read_text(encoding="utf-8"))["vignettes"]
SERVICES = {
    "patient-view": patient_view.SERVICE,
    "order-sign": order_sign.SERVICE,
    "order-select": order_select.SERVICE,
}
Cards = list[tuple[str, str, str]]
KENALOG = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1085754"}]}
PERITENDINOUS = {"coding": [{"system": "http://snomed.info/sct", "code": "419762003"}]}


def each(*wanted: str) -> pytest.MarkDecorator:
    """Every case, or every case of these hooks."""
    cases = [case for case in CASES if not wanted or case["hook"] in wanted]
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


def decided(case: dict[str, Any], *, today: date = TODAY, hook: str = "") -> Decision:
    person = {
        "resourceType": "Patient",
        "id": "p1",
        "birthDate": f"{today.year - case['patient']['age'] - 1}-12-31",
    }
    context: dict[str, Any] = {"userId": "Practitioner/dr", "patientId": "p1"}
    entries = [{"resource": draft} for draft in case["draftOrders"]]
    hook = hook or case["hook"]
    if hook != "patient-view":
        context["draftOrders"] = {"resourceType": "Bundle", "entry": entries}
        context["selections"] = [f"{d['resourceType']}/{d['id']}" for d in case["draftOrders"]]
    asked = HookRequest(
        hook=hook,
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        context=context,
        prefetch=chart(*case["resources"], person=person),
    )
    return answer(SERVICES[hook], asked, today=today, site=SITE)


def cards(decision: Decision) -> Cards:
    return sorted((o.rule, o.variant, o.indicator) for o in decision.shown)


def expected(case: dict[str, Any]) -> Cards:
    """What the case itself gets, checked against what it says."""
    found = cards(decided(case))
    wanted = sorted((one["ruleId"], one["indicator"]) for one in case["expected"]["fires"])
    assert [(rule, level) for rule, _, level in found] == wanted
    return found


def told(case: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {**deepcopy(case), **other}


# --- another day ---


@each()
@pytest.mark.parametrize("days", [-371, 1, 200, 733])
def test_all_dates_and_today_moved(case: dict[str, Any], days: int) -> None:
    """Months and years cannot be moved by days: cases with a partial date stay out."""
    if any(partial(case["resources"])):
        assert case["id"] in ("V11", "V12")
        return
    other = told(
        case, resources=moved(case["resources"], days), draftOrders=moved(case["draftOrders"], days)
    )
    assert cards(decided(other, today=TODAY + timedelta(days=days))) == expected(case)


def partial(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [found for key, one in value.items() if key != "code" for found in partial(one)]
    if isinstance(value, list):
        return [found for one in value for found in partial(one)]
    whole = isinstance(value, str) and len(value) == len("2026-05") and value[4:5] == "-"
    return [value] if whole and value[:4].isdigit() else []


# --- the other side ---

SWAPPED = {
    "left": "right", "Left": "Right", "M76.891": "M76.892", "61396006": "11207009",
    "723979003": "723980000", "S32.612A": "S32.611A", "7771000": "24028007",
}  # fmt: skip


def swapped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: swapped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [swapped(one) for one in value]
    if not isinstance(value, str):
        return value
    for one, other in SWAPPED.items():
        value = value.replace(one, "\0").replace(other, one).replace("\0", other)
    return value


@each()
def test_left_and_right_swapped(case: dict[str, Any]) -> None:
    other = told(
        case, resources=swapped(case["resources"]), draftOrders=swapped(case["draftOrders"])
    )
    assert cards(decided(other)) == expected(case)
    sides = {"left": "right", "right": "left"}
    was = sorted((o.rule, sides.get(o.side.value, o.side.value)) for o in decided(case).shown)
    assert sorted((o.rule, o.side.value) for o in decided(other).shown) == was


# --- beside others, in another order, at the other order hook ---


@each()
def test_beside_records_of_something_else(case: dict[str, Any]) -> None:
    other = told(case, resources=[*UNRELATED, *case["resources"]])
    assert cards(decided(other)) == expected(case)


@each("order-sign")
def test_beside_drafts_of_something_else(case: dict[str, Any]) -> None:
    noise = [
        {"resourceType": "ServiceRequest", "id": "n1", "code": {"text": "Full blood count"}},
        {
            "resourceType": "MedicationRequest",
            "id": "n2",
            "medicationCodeableConcept": {"text": "x"},
        },
        {"resourceType": "NutritionOrder", "id": "n3"},
    ]
    assert cards(decided(told(case, draftOrders=[*noise, *case["draftOrders"]]))) == expected(case)


@each()
@pytest.mark.parametrize("seed", [1, 2])
def test_in_another_order(case: dict[str, Any], seed: int) -> None:
    other = told(case)
    shuffled = random.Random(seed)
    shuffled.shuffle(other["resources"])
    shuffled.shuffle(other["draftOrders"])
    # The ids decide nothing either; references between records move with them.
    assert cards(decided(other)) == expected(case)
    assert decided(other).cards == decided(case).cards


@each("order-sign")
def test_when_selected_as_when_signed(case: dict[str, Any]) -> None:
    assert cards(decided(case, hook="order-select")) == expected(case)


@each()
def test_with_every_resource_twice(case: dict[str, Any]) -> None:
    other = told(case, resources=[*case["resources"], *case["resources"]])
    assert cards(decided(other)) == expected(case)


# --- the same fact in another resource type ---


def is_steroid_procedure(one: dict[str, Any]) -> bool:
    codes = {c.get("code") for c in one.get("code", {}).get("coding", [])}
    return one["resourceType"] == "Procedure" and "steroid-injection" in codes


def is_steroid_drug(one: dict[str, Any]) -> bool:
    """Injected at a site: what a Procedure can say too."""
    kinds = ("MedicationStatement", "MedicationAdministration")
    lines = one.get("dosage", [])
    lines = lines if isinstance(lines, list) else [lines]
    return one["resourceType"] in kinds and any("site" in line for line in lines)


def as_drug(one: dict[str, Any], kind: str) -> dict[str, Any]:
    """The injection as the drug given: route and site in the dosage."""
    line = {"route": PERITENDINOUS, **({"site": one["bodySite"][0]} if one.get("bodySite") else {})}
    status = {
        "completed": "completed",
        "not-done": "not-done" if kind[10:] == "Administration" else "not-taken",
    }
    made = {
        "resourceType": kind,
        "id": one["id"],
        "subject": one["subject"],
        "status": status.get(one["status"], one["status"]),
        "medicationCodeableConcept": KENALOG,
        "dosage": line if kind == "MedicationAdministration" else [line],
        "reasonCode": one.get("reasonCode"),
        "reasonReference": one.get("reasonReference"),
        "effectiveDateTime": one.get("performedDateTime"),
    }
    return {name: value for name, value in made.items() if value is not None}


def as_procedure(one: dict[str, Any]) -> dict[str, Any]:
    line = one["dosage"][0] if isinstance(one["dosage"], list) else one["dosage"]
    local = "https://pht-cds.example.org/fhir/CodeSystem/pht"
    made = {
        "resourceType": "Procedure",
        "id": one["id"],
        "subject": one["subject"],
        "status": {"not-taken": "not-done", "active": "completed"}.get(
            one["status"], one["status"]
        ),
        "code": {"coding": [{"system": local, "code": "steroid-injection"}]},
        "bodySite": [line["site"]],
        "performedDateTime": one.get("effectiveDateTime"),
        "reasonCode": one.get("reasonCode"),
        "reasonReference": one.get("reasonReference"),
        "partOf": one.get("partOf"),
    }
    return {name: value for name, value in made.items() if value is not None}


def linked(case: dict[str, Any]) -> bool:
    """Records that refer to each other by type cannot change their type alone."""
    return "partOf" in json.dumps(case["resources"])


@each()
@pytest.mark.parametrize("kind", ["MedicationAdministration", "MedicationStatement"])
def test_an_injection_told_by_its_drug(case: dict[str, Any], kind: str) -> None:
    made = [
        as_drug(one, kind) if is_steroid_procedure(one) and not linked(case) else one
        for one in case["resources"]
    ]
    assert cards(decided(told(case, resources=made))) == expected(case)


@each()
def test_a_drug_told_as_the_injection(case: dict[str, Any]) -> None:
    """What only the patient says stays a statement: a Procedure does not name its source."""
    made = [
        as_procedure(one)
        if is_steroid_drug(one) and "informationSource" not in one and not linked(case)
        else one
        for one in case["resources"]
    ]
    assert cards(decided(told(case, resources=made))) == expected(case)


def test_there_are_facts_to_be_told_in_another_way() -> None:
    every = [one for case in CASES for one in case["resources"]]
    assert sum(map(is_steroid_procedure, every)) > 30
    assert sum(map(is_steroid_drug, every)) > 4


# --- the order told by its drug ---


@each("order-sign")
def test_the_order_told_by_its_drug(case: dict[str, Any]) -> None:
    def told_by_drug(draft: dict[str, Any]) -> dict[str, Any]:
        codes = {c.get("code") for c in draft.get("code", {}).get("coding", [])}
        if draft["resourceType"] != "ServiceRequest" or "steroid-injection" not in codes:
            return draft
        when = draft.get("occurrenceDateTime")
        line = {
            "route": PERITENDINOUS,
            **({"site": draft["bodySite"][0]} if draft.get("bodySite") else {}),
            **({"timing": {"event": [when]}} if when else {}),
        }
        return {
            "resourceType": "MedicationRequest",
            "id": draft["id"],
            "status": "draft",
            "intent": "order",
            "subject": draft["subject"],
            "medicationCodeableConcept": KENALOG,
            "dosageInstruction": [line],
        }

    made = [told_by_drug(draft) for draft in case["draftOrders"]]
    assert cards(decided(told(case, draftOrders=made))) == expected(case)
