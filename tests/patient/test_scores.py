"""Improvement between a baseline and the latest score (guideline G14)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.guideline.case import Case
from cds_service.patient.when import NO, UNKNOWN, YES, Answer
from tests.strategies import LOINC, TODAY, ago, concept, facts, loading, origin, pht, score


def improved(*scores: dict[str, Any], since: int | None = 100) -> Answer:
    program = [loading(since=since)] if since is not None else []
    case = Case(facts(pht(), *program, *scores), TODAY, {})
    return case.improvement(case.sides[0]).answer


def pain(identity: str, days: int, value: float, **elements: Any) -> dict[str, Any]:
    return score(identity, days, value, "nrs-activity", **elements)


@pytest.mark.parametrize(("latest", "answer"), [(53, YES), (52.9, NO), (40, NO), (30, NO)])
def test_visa_h_must_rise_by_13(latest: float, answer: Answer) -> None:
    assert improved(score("a", 100, 40), score("b", 5, latest)) is answer


@pytest.mark.parametrize(
    ("first", "latest", "answer"),
    [
        (6, 4, YES),
        (6, 4.1, NO),
        (8, 6, NO),
        (10, 7, YES),
        (3, 1, YES),
        (2, 0.5, NO),
        (7, 4.9, YES),
        (0, 0, NO),
    ],
)
def test_pain_must_fall_by_2_points_and_30_percent(
    first: float, latest: float, answer: Answer
) -> None:
    assert improved(pain("a", 100, first), pain("b", 5, latest)) is answer


def test_either_instrument_is_enough() -> None:
    visa = (score("a", 100, 40), score("b", 5, 41))
    assert improved(*visa, pain("c", 100, 8), pain("d", 5, 2)) is YES
    assert improved(*visa, pain("c", 100, 8), pain("d", 5, 8)) is NO


@pytest.mark.parametrize(("days", "answer"), [(42, YES), (43, UNKNOWN)])
def test_the_latest_score_is_at_most_42_days_old(days: int, answer: Answer) -> None:
    assert improved(score("a", 100, 40), score("b", days, 80)) is answer


def test_the_baseline_is_the_score_nearest_the_start_of_loading() -> None:
    far, near = score("a", 190, 70), score("b", 72, 40)
    assert improved(far, near, score("c", 5, 60)) is YES
    too_far = score("b", 71, 40)
    assert improved(far, too_far, score("c", 5, 60)) is NO


def test_without_a_score_near_the_start_the_first_of_the_episode_is_the_baseline() -> None:
    assert improved(score("a", 390, 40), score("b", 5, 60)) is YES
    before = score("z", 401, 10)
    assert improved(before, score("a", 390, 55), score("b", 5, 60)) is NO


def test_one_score_shows_no_change() -> None:
    assert improved(score("a", 5, 80)) is UNKNOWN
    assert improved() is UNKNOWN


@pytest.mark.parametrize("status", ["preliminary", "cancelled", "entered-in-error", "registered"])
def test_only_final_scores_count(status: str) -> None:
    assert improved(score("a", 100, 40), score("b", 5, 80, status=status)) is UNKNOWN


def test_a_score_of_the_other_side_does_not_count() -> None:
    other = score("b", 5, 80, bodySite=origin("right"))
    assert improved(score("a", 100, 40), other) is UNKNOWN
    own = score("b", 5, 80, bodySite=origin("left"))
    assert improved(score("a", 100, 40), own) is YES


@pytest.mark.parametrize("value", [-1, 101])
def test_a_value_off_the_scale_is_not_used(value: float) -> None:
    assert improved(score("a", 100, 40), score("b", 5, value)) is UNKNOWN


def test_the_worse_of_two_scores_of_one_day_is_the_latest_unless_times_say_otherwise() -> None:
    scores = [score("a", 100, 40), score("b", 5, 80), score("c", 5, 41)]
    assert improved(*scores) is NO
    scores[1]["effectiveDateTime"] = f"{ago(5)}T15:00:00Z"
    scores[2]["effectiveDateTime"] = f"{ago(5)}T09:00:00Z"
    assert improved(*scores) is YES


def generic(identity: str, days: int, value: float, code: str, **elements: Any) -> dict[str, Any]:
    return pain(identity, days, value, **elements) | {"code": concept((LOINC, code))}


def test_a_generic_pain_score_counts_only_on_a_scale_of_0_to_10() -> None:
    ten = {"referenceRange": [{"low": {"value": 0}, "high": {"value": 10}}]}
    hundred = {"referenceRange": [{"low": {"value": 0}, "high": {"value": 100}}]}
    for scale, answer in (({}, UNKNOWN), (hundred, UNKNOWN), (ten, YES)):
        pair = (generic("a", 100, 8, "38214-3", **scale), generic("b", 5, 2, "38214-3", **scale))
        assert improved(*pair) is answer
    assert improved(generic("a", 100, 8, "72514-3"), generic("b", 5, 2, "72514-3")) is YES
