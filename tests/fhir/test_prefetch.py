"""What prefetch values mean, and what makes a patient impossible to judge (412)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cds_service.errors import BadRequest, CdsError, DataUnavailable
from hooks.patient_view import SERVICE
from tests.strategies import (
    ago,
    chart,
    concept,
    fired,
    injection,
    judge,
    judged,
    loading,
    local,
    patient,
    pht,
    prescription,
    procedure,
    resource,
    shown,
)

OVERDUE = ["surgical-referral-overdue warning"]
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


def overdue() -> dict[str, Any]:
    return chart(pht(), loading(since=200))


@pytest.mark.requirement("2.0-54")
@pytest.mark.parametrize("key", ["patient", "conditions"])
@pytest.mark.parametrize("how", ["missing", "outcome", "next page", "outcome entry"])
def test_without_patient_or_conditions_nothing_is_judged(key: str, how: str) -> None:
    prefetch = overdue()
    if how == "missing":
        del prefetch[key]
    elif how == "outcome":
        prefetch[key] = OUTCOME
    elif key == "patient":
        prefetch[key] = {"resourceType": "Bundle", "entry": []}
    elif how == "next page":
        prefetch[key]["link"] = [{"relation": "next", "url": "https://ehr.example/2"}]
    else:
        prefetch[key]["entry"].append({"resource": OUTCOME, "search": {"mode": "outcome"}})
    with pytest.raises(DataUnavailable) as refused:
        judge(prefetch)
    assert f"prefetch.{key}" in str(refused.value.issues)


def test_an_empty_prefetch_is_refused() -> None:
    with pytest.raises(DataUnavailable) as refused:
        judge({})
    assert {i.expression for i in refused.value.issues} == {
        ("prefetch.patient",),
        ("prefetch.conditions",),
    }


@pytest.mark.requirement("3.0-12")
@pytest.mark.parametrize("key", [k for k in SERVICE.prefetch if k != "patient"])
def test_null_and_an_empty_search_both_mean_nothing_is_there(key: str) -> None:
    empty, null = overdue(), overdue()
    for prefetch, value in ((empty, {"resourceType": "Bundle", "type": "searchset"}), (null, None)):
        prefetch[key] = value
    assert judge(null).response() == judge(empty).response()


def test_a_list_of_bundles_a_bundle_of_bundles_and_a_bare_list_are_the_same() -> None:
    pages = overdue()
    entries = chart(pht(), loading(since=200), loading("b", 150))["procedures"]["entry"]
    pages["procedures"] = [{"resourceType": "Bundle", "entry": [e]} for e in entries]
    nested = overdue()
    nested["procedures"] = {
        "resourceType": "Bundle",
        "entry": [{"resource": page} for page in pages["procedures"]],
    }
    bare = overdue()
    bare["procedures"] = [e["resource"] for e in entries]
    assert fired(judge(pages)) == fired(judge(nested)) == fired(judge(bare)) == OVERDUE


@pytest.mark.requirement("2.0-52")
@pytest.mark.parametrize("how", ["missing", "outcome", "next page"])
def test_a_rule_whose_data_could_not_be_obtained_is_not_judged_and_says_so(how: str) -> None:
    prefetch = overdue()
    if how == "missing":
        del prefetch["serviceRequests"]
    elif how == "outcome":
        prefetch["serviceRequests"] = OUTCOME
    else:
        prefetch["serviceRequests"]["link"] = [{"relation": "next", "url": "x"}]
    decision = judge(prefetch)
    assert fired(decision) == []
    unjudged = decision.response()["extension"]["org.pht-cds.unjudged"]["rules"]
    assert "surgical-referral-overdue" in {one["rule"] for one in unjudged}


def test_a_warning_among_the_entries_is_no_missing_page() -> None:
    prefetch = overdue()
    warning = {**OUTCOME, "issue": [{"severity": "warning", "code": "informational"}]}
    prefetch["procedures"]["entry"].append({"resource": warning})
    assert fired(judge(prefetch)) == OVERDUE


def test_when_no_rule_can_be_judged_the_answer_is_412() -> None:
    prefetch = overdue()
    medicines = ("medicationStatements", "medicationRequests", "medicationAdministrations")
    for key in ("procedures", "serviceRequests", *medicines):
        del prefetch[key]
    with pytest.raises(DataUnavailable) as refused:
        judge(prefetch)
    assert refused.value.status == 412


def test_one_medication_source_is_enough() -> None:
    prefetch = chart(pht(), *[injection(f"i{n}", ago(300 - 50 * n)) for n in range(4)])
    for key in ("medicationStatements", "medicationAdministrations"):
        del prefetch[key]
    assert "steroid-overuse over-limit warning" in fired(judge(prefetch))
    del prefetch["medicationRequests"]
    assert "steroid-overuse" in {one["rule"] for one in judge(prefetch).unjudged()}


# --- G7: missing data never raises a card ---


def plan(**elements: Any) -> dict[str, Any]:
    made = {
        "status": "active",
        "intent": "plan",
        "period": {"start": ago(30)},
        "activity": [{"detail": {"status": "in-progress", "code": local("hsr")}}],
    }
    return resource("CarePlan", "plan", **{**made, **elements})


@pytest.mark.parametrize("how", ["missing", "outcome", "unreadable"])
def test_care_plans_that_could_not_be_read_raise_no_card_about_missing_loading(how: str) -> None:
    prefetch = chart(pht(), plan())
    assert fired(judge(prefetch)) == []
    if how == "missing":
        del prefetch["carePlans"]
    elif how == "outcome":
        prefetch["carePlans"] = OUTCOME
    else:
        prefetch["carePlans"]["entry"][0]["resource"]["period"] = {"start": "nonsense"}
    assert fired(judge(prefetch)) == []


@pytest.mark.parametrize("how", ["missing", "outcome", "unreadable"])
def test_scores_that_could_not_be_read_raise_no_card_for_the_improved(how: str) -> None:
    def visa(identity: str, days: int, value: float) -> dict[str, Any]:
        return resource(
            "Observation",
            identity,
            status="final",
            code=local("visa-h"),
            effectiveDateTime=ago(days),
            valueQuantity={"value": value},
        )

    prefetch = chart(pht(), loading(since=100), visa("a", 100, 40), visa("b", 5, 80))
    assert fired(judge(prefetch)) == []
    if how == "missing":
        del prefetch["observations"]
    elif how == "outcome":
        prefetch["observations"] = OUTCOME
    else:
        prefetch["observations"]["entry"][1]["resource"]["effectiveDateTime"] = "nonsense"
    assert fired(judge(prefetch)) == []


def test_a_surgery_that_cannot_be_read_raises_no_steroid_card() -> None:
    given = [injection(f"i{n}", ago(300 - 50 * n)) for n in range(4)]
    unreadable = procedure("op", local("hamstring-surgery"), ago(5), bodySite="left")
    assert shown(pht(), *given, unreadable) == []


def test_a_referral_that_cannot_be_read_is_not_a_missing_referral() -> None:
    broken = resource("ServiceRequest", "r", status=5, intent="order", code=local("ortho-referral"))
    decision = judged(pht(), loading(since=200), broken)
    assert fired(decision) == []
    assert "ServiceRequest/r" in str(decision.unjudged())


def test_a_referral_to_an_orthopaedic_performer_counts_under_a_house_code() -> None:
    house = resource(
        "ServiceRequest",
        "r",
        status="active",
        intent="order",
        code={"coding": [{"system": "urn:ehr", "code": "REF9"}], "text": "Ambulatory referral"},
        performerType=concept(("http://nucc.org/provider-taxonomy", "207X00000X")),
        authoredOn=ago(20),
    )
    assert shown(pht(), loading(since=200), house) == []


# --- whose data ---


def test_another_patients_record_refuses_the_call() -> None:
    for foreign in (
        injection("i", ago(3), subject={"reference": "Patient/p2"}),
        resource("AllergyIntolerance", "a", patient={"reference": "https://x/fhir/Patient/p2"}),
    ):
        with pytest.raises(DataUnavailable):
            judged(pht(), foreign)
    with pytest.raises(DataUnavailable):
        judged(pht(), person={**patient(), "id": "p2"})


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "https://ehr.example/fhir/Patient/p1", "Patient/p1/_history/4"],
)
def test_the_patient_may_be_named_in_every_usual_way(reference: str) -> None:
    decision = judged(pht(), loading(since=200, subject={"reference": reference}))
    assert fired(decision) == OVERDUE


@pytest.mark.parametrize("subject", ["Patient/p2", [{"reference": "Patient/p2"}]])
def test_a_malformed_subject_does_not_let_another_patients_record_in(subject: Any) -> None:
    with pytest.raises(CdsError):
        judged(pht(), loading(since=200, subject=subject))


def test_a_replaced_patient_is_not_judged() -> None:
    link = {"type": "replaced-by", "other": {"reference": "Patient/p2"}}
    with pytest.raises(DataUnavailable):
        judged(pht(), person=patient(link=[link]))
    with pytest.raises(DataUnavailable):
        judged(pht(), person=patient(link=link))
    seealso = [{"type": "seealso", "other": {"reference": "Patient/p2"}}]
    assert judged(pht(), loading(since=200), person=patient(link=seealso)).cards


@pytest.mark.parametrize(
    "elements",
    [
        {"deceasedBoolean": True},
        {"deceasedDateTime": "2026-01-01"},
        {"deceasedBoolean": "true"},
        {"deceasedDateTime": "unknown day"},
        {"deceasedBoolean": True, "deceasedDateTime": "2026-01-01"},
    ],
)
def test_there_are_no_cards_for_the_dead(elements: dict[str, Any]) -> None:
    assert judged(pht(), loading(since=200), person=patient(**elements)).cards == []


def test_deceased_false_is_alive() -> None:
    assert judged(pht(), loading(since=200), person=patient(deceasedBoolean=False)).cards


# --- the same record twice ---


def test_of_two_versions_of_a_record_the_later_one_counts() -> None:
    old = loading(since=200, meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    new = {**old, "status": "entered-in-error", "meta": {"lastUpdated": "2026-02-01T00:00:00Z"}}
    for order in ((old, new), (new, old)):
        assert shown(pht(), *order) == ["loading-programme-missing none-documented info"]


def test_of_two_versions_without_a_time_the_order_does_not_decide() -> None:
    old, new = loading(since=200), loading(since=200, status="entered-in-error")
    assert shown(pht(), old, new) == shown(pht(), new, old)


# --- medications ---


@pytest.mark.parametrize("how", ["concept", "contained", "reference", "absolute"])
def test_a_medicine_is_found_however_it_is_named(how: str) -> None:
    code = concept(("http://www.nlm.nih.gov/research/umls/rxnorm", "197805"))
    medicine = {"resourceType": "Medication", "id": "m", "code": code}
    named = {
        "concept": {"medicationCodeableConcept": code},
        "contained": {"contained": [medicine], "medicationReference": {"reference": "#m"}},
        "reference": {"medicationReference": {"reference": "Medication/m"}},
        "absolute": {"medicationReference": {"reference": "https://ehr.example/Medication/m"}},
    }[how]
    order = prescription("n", ago(40))
    del order["medicationCodeableConcept"]
    prefetch = chart(pht(), {**order, **named})
    if how in ("reference", "absolute"):
        prefetch["medicationRequests"]["entry"].append({"resource": medicine})
    assert fired(judge(prefetch)) == ["loading-programme-missing passive-only warning"]


# --- malformed values ---


@pytest.mark.parametrize("value", ["", "text", 5, True, ["x"], {}, {"resourceType": 5}])
def test_a_value_that_is_no_fhir_is_a_bad_request(value: Any) -> None:
    prefetch = overdue()
    prefetch["procedures"] = value
    with pytest.raises(BadRequest) as refused:
        judge(prefetch)
    assert refused.value.issues[0].expression[0].startswith("prefetch.procedures")


@pytest.mark.parametrize("entry", [None, 5, "x", {}, {"resource": None}])
def test_an_odd_entry_is_passed_over(entry: Any) -> None:
    prefetch = overdue()
    prefetch["procedures"]["entry"].append(entry)
    assert fired(judge(prefetch)) == OVERDUE


def test_a_list_in_place_of_a_resource_is_no_crash() -> None:
    prefetch = overdue()
    entry = {"fullUrl": "urn:uuid:1", "resource": [loading("b", 10)]}
    prefetch["procedures"]["entry"].append(entry)
    assert fired(judge(prefetch)) == OVERDUE


def test_boundless_nesting_is_refused_not_a_crash() -> None:
    prefetch = overdue()
    nested: Any = copy.deepcopy(prefetch["procedures"])
    for _ in range(900):
        nested = [nested]
    prefetch["procedures"] = nested
    with pytest.raises(BadRequest):
        judge(prefetch)
