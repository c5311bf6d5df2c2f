"""Aggravating activity that goes on, and whether a plan for it is on record."""

from __future__ import annotations

from typing import Any

import pytest

from tests.strategies import (
    CLINICAL,
    ago,
    chart,
    concept,
    judge,
    judged,
    loading,
    local,
    origin,
    pht,
    procedure,
    resource,
    shown,
    without,
)

RULE = "load-management-missing"
#: loading for 20 days: no other pathway card
LEFT = [pht(), loading(since=20)]


def goes_on(days: int = 5, value: Any = True, identity: str = "o", **more: Any) -> dict[str, Any]:
    made = {
        "status": "final",
        "code": local("continues-aggravating-activity"),
        "effectiveDateTime": ago(days),
        "valueBoolean": value,
    }
    return resource("Observation", identity, **{**made, **more})


def plan(status: str = "active", activity: str = "in-progress", **more: Any) -> dict[str, Any]:
    detail = {"status": activity, "code": local("load-management")}
    made = {"status": status, "intent": "plan", "period": {"start": ago(10)}}
    return resource("CarePlan", "plan", **{**made, "activity": [{"detail": detail}], **more})


def found(*records: dict[str, Any], **more: Any) -> list[str]:
    return [o.indicator for o in judged(*records, **more).shown if o.rule == RULE]


@pytest.mark.parametrize(("days", "expected"), [(0, ["info"]), (42, ["info"]), (43, [])])
def test_an_observation_of_six_weeks(days: int, expected: list[str]) -> None:
    assert found(*LEFT, goes_on(days)) == expected


@pytest.mark.parametrize(
    "observation",
    [
        goes_on(value=False),
        goes_on(status="preliminary"),
        goes_on(status="entered-in-error"),
        goes_on(valueBoolean=None),
        goes_on(valueBoolean=None, valueString="yes"),
        goes_on(bodySite=origin("right")),
        goes_on(effectiveDateTime=None),
        goes_on(effectiveDateTime="2026"),
        goes_on(-3),
    ],
)
def test_only_a_final_positive_recent_observation_of_this_side(observation: Any) -> None:
    assert found(*LEFT, observation) == []


def test_no_observation_says_nothing() -> None:
    assert found(*LEFT) == []


def test_the_latest_observation_decides() -> None:
    assert found(*LEFT, goes_on(20), goes_on(3, value=False, identity="o2")) == []
    assert found(*LEFT, goes_on(20, value=False), goes_on(3, identity="o2")) == ["info"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (plan(), []),
        (plan("revoked"), ["info"]),
        (plan("entered-in-error"), ["info"]),
        (procedure("p", local("load-management"), ago(30)), []),
        (procedure("p", local("load-management"), ago(30), status="not-done"), ["info"]),
        (procedure("p", local("load-management"), ago(500)), ["info"]),
        (procedure("p", local("load-management"), ago(30), bodySite=[origin("right")]), ["info"]),
    ],
)
def test_a_plan_in_this_episode_silences(record: dict[str, Any], expected: list[str]) -> None:
    assert found(*LEFT, goes_on(), record) == expected


def test_another_pathway_card_takes_it_in_as_a_line() -> None:
    made = judged(pht(), loading(since=200), goes_on())
    assert made.rules == ("surgical-referral-overdue",)
    assert "Aggravating activity continues" in made.cards[0]["detail"]


def test_plans_that_could_not_be_obtained_hold_it_back() -> None:
    made = judge(without(chart(*LEFT, goes_on()), "carePlans"))
    assert RULE not in made.rules
    assert RULE in {one["rule"] for one in made.unjudged()}


def test_the_population_of_the_pathway() -> None:
    over = pht(clinicalStatus=concept((CLINICAL, "resolved")), abatementDateTime=ago(9))
    assert found(over, goes_on()) == []
    op = procedure("op", local("hamstring-surgery"), ago(5), bodySite=[origin("left")])
    assert found(*LEFT, op, goes_on()) == []
    flag = resource("Condition", "f", code=local("neuro-deficit"))
    assert found(*LEFT, flag, goes_on()) == []
    assert shown(*LEFT) == []


def test_the_card_offers_a_plan() -> None:
    (card,) = judged(*LEFT, goes_on()).cards
    (suggestion,) = card["suggestions"]
    assert suggestion["isRecommended"] is True
    made = suggestion["actions"][0]["resource"]
    assert made["resourceType"] == "CarePlan"
    assert made["activity"][0]["detail"]["code"] == concept(
        ("https://pht-cds.example.org/fhir/CodeSystem/pht", "load-management"),
        text="Load management plan", display="Load management plan",
    )  # fmt: skip
