"""What counts as loading, and for how long (guideline G11, G13)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.guideline.case import Case
from cds_service.patient.facts import CareKind
from cds_service.patient.timeline import SideTimeline
from tests.strategies import (
    CPT,
    ICD,
    SCT,
    TODAY,
    ago,
    concept,
    facts,
    loading,
    local,
    origin,
    pht,
    procedure,
    resource,
    shown,
)

EXERCISE = concept((CPT, "97110"))


def side(*resources: dict[str, Any]) -> SideTimeline:
    found = facts(*(resources if any(r["id"] == "pht" for r in resources) else (pht(), *resources)))
    return Case(found, TODAY, {}).sides[0]


def days(*resources: dict[str, Any]) -> str:
    clock = side(*resources).clock
    return str(clock.days) if clock else "none"


def kinds(*resources: dict[str, Any]) -> list[CareKind]:
    return [care.kind for care in facts(pht(), *resources).care]


def plan(**elements: Any) -> dict[str, Any]:
    detail = {"status": "in-progress", "code": local("hsr"), **elements.pop("detail", {})}
    made = {
        "status": "active",
        "intent": "plan",
        "period": {"start": ago(100)},
        "activity": [{"detail": detail}],
        **elements,
    }
    return resource("CarePlan", "plan", **made)


# --- G11: what counts ---


@pytest.mark.parametrize("code", ["eccentric-loading", "hsr", "strengthening-programme"])
def test_an_exercise_specific_programme_is_loading(code: str) -> None:
    assert kinds(procedure("p", local(code), ago(50))) == [CareKind.LOADING]


@pytest.mark.parametrize(
    "elements",
    [
        {"bodySite": [origin("left")]},
        {"reasonCode": [local("pht")]},
        {"reasonReference": [{"reference": "Condition/pht"}]},
    ],
)
def test_an_exercise_code_with_hamstring_site_or_reason_is_loading(
    elements: dict[str, Any],
) -> None:
    assert kinds(procedure("p", EXERCISE, ago(50), **elements)) == [CareKind.LOADING]


def test_a_generic_exercise_code_is_possible_loading() -> None:
    assert kinds(procedure("p", EXERCISE, ago(50))) == [CareKind.UNSPECIFIED]


@pytest.mark.parametrize(
    "elements",
    [
        {"bodySite": [concept((SCT, "72696002"))]},
        {"reasonCode": [concept((ICD, "M76.61"))]},
    ],
)
def test_exercise_for_another_site_or_reason_is_not_loading(elements: dict[str, Any]) -> None:
    assert kinds(procedure("p", EXERCISE, ago(50), **elements)) == []


@pytest.mark.parametrize("code", ["97161", "97164", "97140", "97750"])
def test_an_evaluation_or_manual_therapy_alone_is_not_loading(code: str) -> None:
    made = procedure("p", concept((CPT, code)), ago(50), bodySite=[origin("left")])
    assert CareKind.LOADING not in kinds(made)


@pytest.mark.parametrize("code", ["massage", "stretching-only", "rest-only", "taping"])
def test_passive_care_stretching_and_rest_are_not_loading(code: str) -> None:
    assert kinds(procedure("p", local(code), ago(50))) == [CareKind.PASSIVE]


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "preparation", "stopped"])
def test_a_programme_not_carried_out_is_not_loading(status: str) -> None:
    assert kinds(procedure("p", local("hsr"), ago(50), status=status)) == []


def test_exercise_at_the_thigh_names_no_hamstring() -> None:
    thigh = {"bodySite": [concept((SCT, "68367000"))]}
    assert CareKind.LOADING not in kinds(procedure("p", EXERCISE, ago(50), **thigh))


def test_a_care_plan_activity_under_way_is_loading() -> None:
    assert kinds(plan()) == [CareKind.LOADING]
    assert days(plan()) == "100"


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "draft"},
        {"status": "revoked"},
        {"detail": {"status": "not-started"}},
        {"detail": {"status": "scheduled"}},
        {"detail": {"status": "cancelled"}},
        {"detail": {"doNotPerform": True}},
        {"detail": {"code": local("hsr"), "reasonCode": [concept((ICD, "M76.61"))]}},
    ],
)
def test_a_care_plan_activity_not_under_way_is_not_loading(elements: dict[str, Any]) -> None:
    assert kinds(plan(**elements)) == []


def test_a_generic_care_plan_exercise_takes_its_reason_from_what_the_plan_addresses() -> None:
    generic = {"detail": {"code": EXERCISE}}
    assert kinds(plan(**generic)) == [CareKind.UNSPECIFIED]
    assert kinds(plan(addresses=[{"reference": "Condition/pht"}], **generic)) == [CareKind.LOADING]


# --- G13: the clock ---


def test_loading_that_goes_on_counts_from_its_first_start_to_today() -> None:
    assert days(loading("a", 60), loading("b", 100)) == "100"


def test_loading_that_ended_counts_to_its_latest_end() -> None:
    done = loading(status="completed", performedPeriod={"start": ago(100), "end": ago(40)})
    assert days(done) == "60"


def test_single_visits_span_first_to_last() -> None:
    visits = [procedure(f"v{n}", local("hsr"), ago(n)) for n in (100, 70, 20)]
    assert days(*visits) == "80"
    assert days(visits[0]) == "0"


@pytest.mark.parametrize(("gap", "expected"), [(60, "160"), (61, "100")])
def test_a_gap_of_more_than_60_days_restarts_the_clock(gap: int, expected: str) -> None:
    first = loading(
        "a",
        status="completed",
        performedPeriod={"start": ago(160), "end": ago(100 + gap)},
    )
    if gap > 60:
        first["performedPeriod"]["start"] = ago(200)
    assert days(first, loading("b", 100)) == expected


def test_a_partial_start_gives_the_least_and_the_most() -> None:
    assert days(loading(performedPeriod={"start": "2026-03"})) == "76 to 106"


def test_loading_before_the_episode_counts_from_its_start() -> None:
    late = pht(onsetDateTime=ago(50), recordedDate=ago(50))
    assert days(late, loading(since=300)) == "50"


def test_loading_that_ended_before_the_episode_does_not_count() -> None:
    late = pht(onsetDateTime=ago(50), recordedDate=ago(50))
    done = loading(status="completed", performedPeriod={"start": ago(300), "end": ago(60)})
    assert days(late, done) == "none"


def test_a_record_left_in_progress_whose_period_ended_is_over() -> None:
    assert days(loading(performedPeriod={"start": ago(100), "end": ago(90)})) == "10"


def test_loading_of_the_other_side_does_not_count() -> None:
    assert days(loading(side="right")) == "none"
    assert days(loading(side="")) == "100"


def test_loading_planned_for_next_week_has_not_begun() -> None:
    assert days(loading(performedPeriod={"start": ago(-7)})) == "none"


def test_loading_without_any_date_starts_no_clock() -> None:
    assert days(loading(performedPeriod=None)) == "none"
    assert shown(pht(), loading(performedPeriod=None)) == []


def test_a_clock_is_a_range_when_an_undated_end_leaves_it_open() -> None:
    done = loading(status="completed", performedPeriod={"start": ago(100)})
    assert days(done) == "0 to 100"


# --- side by reason ---


@pytest.mark.parametrize("kind", ["procedure", "care plan"])
def test_loading_for_the_left_diagnosis_is_not_loading_of_the_right(kind: str) -> None:
    both = (pht("l", "left"), pht("r", "right"))
    reason = [{"reference": "Condition/l"}]
    made = (
        loading(side=None, reasonReference=reason)
        if kind == "procedure"
        else plan(addresses=reason)
    )
    right = Case(facts(*both, made), TODAY, {}).sides[1]
    assert right.clock is None
