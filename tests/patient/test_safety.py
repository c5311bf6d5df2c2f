"""The NSAID gate and shockwave cautions (guideline G16): unknown is never 'no'."""

from __future__ import annotations

from typing import Any

import pytest

from tests.strategies import (
    ATC,
    CLINICAL,
    IBUPROFEN,
    ICD,
    LOINC,
    RXNORM,
    SCT,
    VERIFIED,
    WARFARIN,
    ago,
    chart,
    concept,
    judge,
    patient,
    pht,
    prescription,
    resource,
    statement,
)

NEW = pht(onsetDateTime=ago(20), recordedDate=ago(10))
ORAL, GEL, PARACETAMOL = "ibuprofen", "topical NSAID", "paracetamol"
UCUM_EGFR = "mL/min/{1.73_m2}"


def offered(prefetch: dict[str, Any]) -> set[str]:
    (card,) = judge(prefetch).cards
    labels = " ".join(one["label"] for one in card["suggestions"])
    return {one for one in (ORAL, GEL, PARACETAMOL) if one in labels}


def offers(*resources: dict[str, Any], born: str = "1985-03-02") -> set[str]:
    return offered(chart(NEW, *resources, person=patient(birthDate=born)))


def condition(system: str, code: str, **elements: Any) -> dict[str, Any]:
    return resource("Condition", "c", code=concept((system, code)), **elements)


def allergy(code: Any, **elements: Any) -> dict[str, Any]:
    return resource("AllergyIntolerance", "al", code=code, **elements)


def egfr(value: float, days: int = 5, **elements: Any) -> dict[str, Any]:
    made = {
        "status": "final",
        "code": concept((LOINC, "62238-1")),
        "effectiveDateTime": ago(days),
        "valueQuantity": {"value": value, "unit": UCUM_EGFR, "code": UCUM_EGFR},
    }
    return resource("Observation", "e", **{**made, **elements})


def test_nothing_against_it_offers_gel_and_a_short_course() -> None:
    assert offers() == {ORAL, GEL}


@pytest.mark.parametrize("drug", [IBUPROFEN, (RXNORM, "1191"), (SCT, "372665008")])
def test_an_allergy_to_an_nsaid_or_aspirin_closes_every_nsaid(drug: tuple[str, str]) -> None:
    assert offers(allergy(concept(drug))) == {PARACETAMOL}
    resolved = concept((CLINICAL, "resolved"))
    assert offers(allergy(concept(drug), clinicalStatus=resolved)) == {ORAL, GEL}
    refuted = concept((VERIFIED, "refuted"))
    assert offers(allergy(concept(drug), verificationStatus=refuted)) == {ORAL, GEL}


@pytest.mark.parametrize(
    "code",
    [{"text": "Ibuprofen"}, concept((SCT, "293586001"), text="Allergy to aspirin"), "ibuprofen"],
    ids=["words only", "allergy code", "malformed"],
)
def test_an_allergy_that_is_not_understood_does_not_open_the_gate(code: Any) -> None:
    assert offers(allergy(code)) <= {PARACETAMOL}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"onsetDateTime": ago(300)}, {PARACETAMOL}),
        ({"onsetDateTime": ago(301)}, {ORAL, GEL}),
        ({"recordedDate": ago(300)}, {PARACETAMOL}),
        ({}, {PARACETAMOL}),
        ({"onsetDateTime": ago(90), "abatementDateTime": ago(3)}, {ORAL, GEL}),
        ({"clinicalStatus": concept((CLINICAL, "resolved"))}, {ORAL, GEL}),
        ({"onsetDateTime": ago(310), "recordedDate": ago(100)}, {PARACETAMOL}),
    ],
)
def test_a_pregnancy_of_the_last_300_days_offers_paracetamol_only(
    elements: dict[str, Any], expected: set[str]
) -> None:
    assert offers(condition(SCT, "77386006", **elements)) == expected


@pytest.mark.parametrize(
    ("system", "code"), [(ICD, "N18.4"), (ICD, "K74.60"), (ICD, "I50.9"), (ICD, "K25.4")]
)
def test_a_caution_closes_the_oral_route_only(system: str, code: str) -> None:
    assert offers(condition(system, code)) == {GEL}


@pytest.mark.parametrize("code", ["N18.1", "N18.2"])
def test_early_kidney_disease_does_not_count(code: str) -> None:
    assert offers(condition(ICD, code)) == {ORAL, GEL}


def test_a_past_bleed_or_infarction_still_counts_past_heart_failure_does_not() -> None:
    over = {"clinicalStatus": concept((CLINICAL, "resolved"))}
    assert offers(condition(ICD, "K25.4", **over)) == {GEL}
    assert offers(condition(ICD, "I21.9", **over)) == {GEL}
    assert offers(condition(ICD, "I50.9", **over)) == {ORAL, GEL}


@pytest.mark.parametrize(
    ("value", "days", "expected"),
    [
        (59, 5, {GEL}),
        (60, 5, {ORAL, GEL}),
        (30, 365, {GEL}),
        (30, 366, {ORAL, GEL}),
    ],
)
def test_an_egfr_under_60_of_the_last_year_closes_the_oral_route(
    value: float, days: int, expected: set[str]
) -> None:
    assert offers(egfr(value, days)) == expected


@pytest.mark.parametrize(
    ("comparator", "value", "expected"),
    [(">", 59, {GEL}), (">=", 60, {ORAL, GEL}), ("<", 60, {GEL}), ("<", 90, {GEL})],
)
def test_a_bound_that_leaves_it_open_does_not_open_the_oral_route(
    comparator: str, value: float, expected: set[str]
) -> None:
    measured = egfr(value)
    measured["valueQuantity"]["comparator"] = comparator
    assert offers(measured) == expected


def test_the_latest_egfr_decides() -> None:
    assert offers(egfr(30, 100), {**egfr(80, 5), "id": "later"}) == {ORAL, GEL}
    assert offers(egfr(80, 100), {**egfr(30, 5), "id": "later"}) == {GEL}


@pytest.mark.parametrize(("born", "expected"), [("1961-06-15", {GEL}), ("1961-06-16", {ORAL, GEL})])
def test_from_65_an_egfr_is_needed(born: str, expected: set[str]) -> None:
    assert offers(born=born) == expected
    assert offers(egfr(90), born=born) == {ORAL, GEL}


@pytest.mark.parametrize(
    "quantity",
    [{"value": 25}, {"value": 25, "unit": "mL/min"}, {"value": "25", "unit": UCUM_EGFR}],
)
def test_an_egfr_that_cannot_be_read_does_not_open_the_gate(quantity: dict[str, Any]) -> None:
    assert ORAL not in offers(egfr(25, valueQuantity=quantity))


@pytest.mark.parametrize(
    "drug",
    [
        {"medicationCodeableConcept": concept(WARFARIN)},
        {"medicationCodeableConcept": {"text": "Apixaban 5 mg tablets"}},
        {"medicationCodeableConcept": concept((ATC, "B01AF02"))},
    ],
)
def test_an_anticoagulant_by_code_name_or_class_closes_the_oral_route(drug: dict[str, Any]) -> None:
    assert offers(prescription("w", ago(90), **drug)) == {GEL}
    assert offers(statement("w", ago(90), status="active", **drug)) == {GEL}
    assert offers(prescription("w", ago(90), status="stopped", **drug)) == {ORAL, GEL}


@pytest.mark.parametrize(
    "elements",
    [
        {"dispenseRequest": {"validityPeriod": {"start": ago(90), "end": ago(10)}}},
        {"status": ["active"]},
        {"medicationCodeableConcept": [concept(WARFARIN)]},
        {
            "medicationCodeableConcept": None,
            "medicationReference": {"reference": "Medication/not-sent"},
        },
    ],
    ids=["old supply", "malformed status", "malformed drug", "drug not sent"],
)
def test_a_medicine_that_may_be_an_anticoagulant_does_not_open_the_gate(
    elements: dict[str, Any],
) -> None:
    order = prescription("w", ago(90), WARFARIN)
    order = {k: v for k, v in {**order, **elements}.items() if v is not None}
    assert ORAL not in offers(order)


def test_a_running_nsaid_is_not_doubled() -> None:
    assert offers(prescription("n", ago(9))) == {GEL}
    assert offers(prescription("n", ago(90), status="completed")) == {ORAL, GEL}


@pytest.mark.parametrize("key", ["allergies", "observations"])
def test_what_could_not_be_obtained_does_not_open_the_gate(key: str) -> None:
    prefetch = chart(NEW)
    del prefetch[key]
    assert ORAL not in offered(prefetch)


def test_one_medication_source_is_needed_to_open_the_gate() -> None:
    prefetch = chart(NEW)
    for key in ("medicationRequests", "medicationStatements"):
        del prefetch[key]
    assert offered(prefetch) == {PARACETAMOL}
