"""The five criteria of return to activity: at a goal, and at a clearance."""

from __future__ import annotations

from typing import Any

import pytest

from tests.orders import LOADED, card, changed, of, ordered, service, sign
from tests.strategies import (
    CLINICAL,
    ago,
    concept,
    judged,
    loading,
    local,
    origin,
    patient,
    pht,
    procedure,
    resource,
)

LIST, SOON = "return-to-activity-checklist", "return-to-activity-premature"
LEFT = [pht(), LOADED]
CLEAR = service(code="return-to-activity-clearance")
GOAL = resource("Goal", "g", lifecycleStatus="active", description=local("return-to-full-activity"))
UNITS = {"rom-deficit-deg": "deg", "strength-lsi": "%", "pain-during": "{score}", "pain-after": "1"}


def measure(code: str, value: Any, days: int = 5, side: str | None = "left", **more: Any) -> Any:
    stated = (
        {"valueBoolean": value}
        if isinstance(value, bool)
        else {"valueQuantity": {"value": value, "code": UNITS[code]}}
    )
    made = {
        "status": "final",
        "code": local(code),
        "effectiveDateTime": ago(days),
        "bodySite": origin(side) if side is not None else None,
        **stated,
    }
    return resource("Observation", f"{code}-{days}-{side}", **{**made, **more})


def five(**other: Any) -> list[dict[str, Any]]:
    """All met, but for what is told otherwise (None: not recorded)."""
    values: dict[str, Any] = {
        "pain_during": 0, "pain_after": 0, "rom_deficit_deg": 5, "strength_lsi": 90.1,
        "functional_tests_passed": True,
    } | other  # fmt: skip
    return [
        measure(name.replace("_", "-"), value)
        for name, value in values.items()
        if value is not None
    ]


def goal(*records: dict[str, Any], **more: Any) -> list[str]:
    """What the checklist shows when the chart is opened."""
    return [o.indicator for o in judged(*records, **more).shown if o.rule == LIST]


# --- the boundaries of each criterion ---

BOUNDARIES = [
    ("pain_during", 0, 1),
    ("pain_during", 0, 0.5),
    ("pain_after", 0, 1),
    ("rom_deficit_deg", 5, 5.1),
    ("strength_lsi", 90.1, 90),
    ("functional_tests_passed", True, False),
]


@pytest.mark.parametrize(("name", "good", "bad"), BOUNDARIES)
def test_a_criterion_is_met_or_not(name: str, good: Any, bad: Any) -> None:
    met, unmet = [*LEFT, *five(**{name: good})], [*LEFT, *five(**{name: bad})]
    assert ordered(met, CLEAR) == []
    assert ordered(unmet, CLEAR) == ["return-to-activity-premature warning"]
    assert goal(*met, GOAL) == []
    assert goal(*unmet, GOAL) == ["info"]


@pytest.mark.parametrize("name", ["pain_during", "rom_deficit_deg", "functional_tests_passed"])
def test_what_is_not_recorded_asks_for_the_checklist(name: str) -> None:
    records = [*LEFT, *five(**{name: None})]
    assert ordered(records, CLEAR) == ["return-to-activity-checklist info"]
    assert goal(*records, GOAL) == ["info"]
    summary = card(LIST, sign(records, CLEAR))["summary"]
    assert summary == "Return to activity: 4 of 5 source criteria met, 1 not recorded"


@pytest.mark.parametrize(
    ("days", "expected"),
    [(28, "return-to-activity-premature warning"), (29, "return-to-activity-checklist info")],
)
def test_a_failure_of_more_than_28_days_ago_is_history(days: int, expected: str) -> None:
    old = [*five(strength_lsi=None), measure("strength-lsi", 80, days)]
    assert ordered([*LEFT, *old], CLEAR) == [expected]


def test_the_latest_of_several_values_wins() -> None:
    better = [*five(), measure("strength-lsi", 80, 20)]
    worse = [
        *five(strength_lsi=None),
        measure("strength-lsi", 95, 20),
        measure("strength-lsi", 80, 6),
    ]
    assert ordered([*LEFT, *better], CLEAR) == []
    assert ordered([*LEFT, *worse], CLEAR) == ["return-to-activity-premature warning"]


def test_a_value_of_an_unknown_day_of_the_month_is_not_certainly_recent() -> None:
    vague = measure("strength-lsi", 80, effectiveDateTime="2026-05")
    assert ordered([*LEFT, *five(strength_lsi=None), vague], CLEAR) == [
        "return-to-activity-checklist info"
    ]


@pytest.mark.parametrize(
    "broken",
    [
        measure("strength-lsi", 80, status="preliminary"),
        measure("strength-lsi", 80, valueQuantity={"value": 80, "code": "kg"}),
        measure("strength-lsi", 80, valueQuantity={"value": 80, "code": "%", "comparator": "<"}),
        measure("strength-lsi", 80, side="right"),
        measure("strength-lsi", 80, effectiveDateTime=None),
        measure("strength-lsi", 80, -3),
    ],
)
def test_a_value_that_cannot_be_used_fails_nothing(broken: dict[str, Any]) -> None:
    assert of(SOON, [*LEFT, *five(strength_lsi=None), broken], CLEAR) == []


def test_general_pain_scores_are_not_pain_during_activity() -> None:
    pain = {**measure("pain-during", 4), "code": concept(("http://loinc.org", "72514-3"))}
    assert ordered([*LEFT, *five(pain_during=None), pain], CLEAR) == [
        "return-to-activity-checklist info"
    ]


def test_components_are_read_like_observations() -> None:
    panel = resource(
        "Observation", "panel", status="final", code={"text": "Return to running"},
        effectiveDateTime=ago(3),
        component=[{"code": local("strength-lsi"), "valueQuantity": {"value": 80, "code": "%"}}],
    )  # fmt: skip
    assert ordered([*LEFT, *five(strength_lsi=None), panel], CLEAR) == [
        "return-to-activity-premature warning"
    ]


# --- sides, surgery, population ---


def test_in_bilateral_disease_the_other_side_is_no_measure() -> None:
    both = [pht("l", "left"), pht("r", "right"), LOADED, loading("r2", 380, "right")]
    uneven = five(strength_lsi=80, rom_deficit_deg=20)
    assert of(SOON, [*both, *uneven], CLEAR) == []
    assert of(LIST, [*both, *uneven], CLEAR) == ["info"]


def test_a_clearance_or_goal_of_the_other_side_is_not_this_one() -> None:
    right = service(code="return-to-activity-clearance", side="right")
    assert ordered([*LEFT, *five(pain_during=5)], right) == []
    assert ordered([*LEFT, GOAL], right) == []
    named = {**GOAL, "description": local("return-to-full-activity") | {"text": "right leg"}}
    assert goal(*LEFT, named) == []


def test_a_goal_is_for_the_side_of_the_diagnosis_it_addresses() -> None:
    both = [pht("l", "left"), pht("r", "right"), LOADED, loading("r2", 380, "right")]
    named = {**GOAL, "addresses": [{"reference": "Condition/r"}]}
    found = judged(*both, named).shown
    assert [(o.rule, o.side.value) for o in found if o.rule == LIST] == [(LIST, "right")]


def test_a_goal_does_not_widen_a_clearance_to_the_other_side() -> None:
    both = [pht("l", "left"), pht("r", "right"), LOADED, loading("r2", 380, "right"), GOAL]
    made = sign(both, CLEAR)
    assert [(o.rule, o.side.value) for o in made.shown] == [(LIST, "left")]


def test_an_operated_side_has_no_return_card() -> None:
    op = procedure("op", local("hamstring-surgery"), ago(50), bodySite=[origin("left")])
    assert ordered([*LEFT, op, *five(pain_during=5)], CLEAR) == []
    assert goal(*LEFT, op, GOAL) == []


def test_without_active_disease_there_is_nothing_to_return_from() -> None:
    over = pht(clinicalStatus=concept((CLINICAL, "resolved")), abatementDateTime=ago(9))
    assert ordered([over, *five(pain_during=5)], CLEAR) == []
    assert goal(over, GOAL) == []


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"lifecycleStatus": "active"}, ["info"]),
        ({"lifecycleStatus": "accepted"}, ["info"]),
        ({"lifecycleStatus": "planned"}, ["info"]),
        ({"lifecycleStatus": "on-hold"}, []),
        ({"lifecycleStatus": "proposed"}, []),
        ({"lifecycleStatus": "completed"}, []),
        ({"lifecycleStatus": "cancelled"}, []),
        ({"lifecycleStatus": "entered-in-error"}, []),
        ({"achievementStatus": {"coding": [{"code": "achieved"}]}}, []),
        ({"description": {"text": "run again"}}, []),
        ({"addresses": [{"reference": "Condition/x"}]}, ["info"]),
    ],
    ids=str,
)
def test_the_goal_must_be_active(elements: dict[str, Any], expected: list[str]) -> None:
    assert goal(*LEFT, {**GOAL, **elements}) == expected


def test_without_goal_or_clearance_nobody_asks() -> None:
    assert goal(*LEFT) == []
    assert ordered([*LEFT, GOAL], service(code="prp-injection")) == ["prp-awb-evidence info"]


def test_the_checklist_is_for_minors_too() -> None:
    young = patient(birthDate="2010-01-01")
    assert goal(*LEFT, GOAL, person=young) == ["info"]


# --- what the premature card says and offers ---


def test_the_premature_card_names_each_failure_and_offers_a_graded_return() -> None:
    made = card(
        SOON, sign([*LEFT, *five(pain_during=3, strength_lsi=85, rom_deficit_deg=12)], CLEAR)
    )
    assert made["summary"] == (
        "Return-to-activity criteria not met: pain during 3/10, range of motion 12 degrees short"
        " and 1 more"
    )
    assert "strength symmetry: 85%" in made["detail"]
    (graded,) = changed(made)
    assert {k: v for k, v in graded.items() if k != "code"} == {
        k: v for k, v in CLEAR.items() if k != "code"
    }
    assert graded["code"] == {"text": "Graded return to activity, guided by pain and function"}
    assert changed(made, "delete") == ["ServiceRequest/d1"]
    assert len(changed(made, "create")) == 1


def test_the_longest_summary_keeps_to_its_length() -> None:
    worst = {
        "pain_during": 9.75, "pain_after": 9.75, "rom_deficit_deg": 123.456,
        "strength_lsi": 12.3456, "functional_tests_passed": False,
    }  # fmt: skip
    for one, first in worst.items():
        for other, second in worst.items():
            records = five(**{one: first, other: second})
            assert len(card(SOON, sign([*LEFT, *records], CLEAR))["summary"]) < 140
    assert len(card(SOON, sign([*LEFT, *five(**worst)], CLEAR))["summary"]) < 140


def test_the_premature_card_takes_the_place_of_the_checklist() -> None:
    assert ordered([*LEFT, *five(pain_during=3, strength_lsi=None)], CLEAR) == [
        "return-to-activity-premature warning"
    ]


def test_the_same_of_both_sides_is_said_once() -> None:
    both = [pht("l", "left"), pht("r", "right"), LOADED, loading("r2", 380, "right")]
    anywhere = [measure("pain-during", 4, side=None)]
    unsided = service(code="return-to-activity-clearance", side=None)
    assert ordered([*both, *anywhere], unsided) == ["return-to-activity-premature warning"]
    assert goal(*both, *anywhere, GOAL) == ["info"]
    sided = [measure("pain-during", 4, side="left"), measure("pain-after", 2, side="right")]
    assert len(ordered([*both, *sided], unsided)) == 2
    assert len(goal(*both, *sided, GOAL)) == 2
