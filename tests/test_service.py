"""From a request to an answer: whose chart, which rules, which cards (guideline G7, G8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cds_service.errors import SettingsError
from cds_service.service import check_site
from tests.strategies import (
    SITE,
    ago,
    concept,
    fired,
    injection,
    judged,
    loading,
    patient,
    pht,
    shown,
)

OVERDUE = (pht(), loading(since=200))
FOUR = [injection(f"i{n}", ago(350 - 60 * n)) for n in range(4)]
BOTH = (pht("l", "left"), pht("r", "right"))


@pytest.mark.parametrize("user", ["Patient/p1", "RelatedPerson/r1"])
def test_the_patient_and_relatives_get_no_cards_unless_the_site_wants_it(user: str) -> None:
    silent = judged(*OVERDUE, userId=user)
    assert silent.cards == []
    assert "clinicians" in silent.explanation()["silence"]
    wanted = replace(SITE, advise_patients=True)
    assert judged(*OVERDUE, userId=user, site=wanted).cards


def test_a_patient_user_named_by_an_address_is_a_patient_user() -> None:
    assert judged(*OVERDUE, userId="https://ehr.example/fhir/Patient/p1").cards == []


def test_the_silence_for_the_dead_is_explained() -> None:
    decision = judged(*OVERDUE, person=patient(deceasedDateTime="2026-05-01"))
    assert (
        "deceased"
        in decision.response(explain=True)["extension"]["org.pht-cds.rationale"]["silence"]
    )


def test_no_disease_is_an_empty_answer_with_nothing_unjudged() -> None:
    answer = judged(pht(clinicalStatus=concept(("x", "resolved")))).response()
    assert answer == {"cards": []}


def test_explaining_changes_no_card() -> None:
    decision = judged(*OVERDUE, *FOUR)
    assert decision.response()["cards"] == decision.response(explain=True)["cards"]
    rules = decision.response(explain=True)["extension"]["org.pht-cds.rationale"]["rules"]
    assert {one["rule"] for one in rules} == {r.id for r in _rules()}


# --- G8: budget and order ---


def test_there_is_one_pathway_card_over_both_sides() -> None:
    both = (*BOTH, loading("a", 200, "left"), loading("b", 40, "right"))
    assert shown(*both) == ["surgical-referral-overdue warning"]


def test_the_side_with_more_days_is_shown() -> None:
    both = (*BOTH, loading("a", 190, "left"), loading("b", 250, "right"))
    (outcome,) = judged(*both).shown
    assert outcome.side.value == "right"


def test_a_warning_comes_before_an_info_and_steroids_before_referrals() -> None:
    assert shown(*OVERDUE, *FOUR) == [
        "steroid-overuse over-limit warning",
        "surgical-referral-overdue warning",
    ]
    assert shown(*OVERDUE, *FOUR[:3]) == [
        "surgical-referral-overdue warning",
        "steroid-overuse limit-reached info",
    ]


def test_what_is_not_shown_is_withheld_with_a_reason() -> None:
    both = (*BOTH, loading("a", 200, "left"), loading("b", 100, "right"))
    withheld = judged(*both).explanation()["withheld"]
    assert [one["rule"] for one in withheld] == ["surgical-referral-consider"]
    assert withheld[0]["reason"]


def test_at_most_three_cards() -> None:
    right = [injection(f"r{n}", ago(350 - 60 * n), "right") for n in range(4)]
    one_card = replace(SITE, parameters={"budget-cards": 1})
    made = (*BOTH, loading("a", 200, "left"), *FOUR, *right)
    assert len(judged(*made).cards) == 3
    assert len(judged(*made, site=one_card).cards) == 1


# --- the site's decisions ---


def test_a_rule_switched_off_is_not_asked() -> None:
    off = replace(SITE, rule_modes={"surgical-referral-overdue": "off"})
    decision = judged(*OVERDUE, site=off)
    assert "surgical-referral-overdue" not in {o.rule for o in decision.outcomes}


def test_a_rule_in_shadow_mode_is_judged_and_not_shown() -> None:
    shadow = replace(SITE, rule_modes={"surgical-referral-overdue": "shadow"})
    decision = judged(*OVERDUE, site=shadow)
    assert "surgical-referral-overdue" not in decision.rules
    assert "surgical-referral-overdue" in {w.outcome.rule for w in decision.withheld}


def test_a_threshold_of_the_site_decides_and_is_named_as_such() -> None:
    stricter = replace(SITE, parameters={"surgery-overdue-after-days": 210.0})
    decision = judged(*OVERDUE, site=stricter)
    assert fired(decision) == ["surgical-referral-consider info"]
    thresholds = decision.cards[0]["extension"]["org.pht-cds.rationale"]["thresholds"]
    changed = [t for t in thresholds if t.get("setBySite")]
    assert [(t["value"], t["guidelineValue"]) for t in changed] == [(210, 180)]


@pytest.mark.parametrize(
    "elements",
    [
        {"rule_modes": {"no-such-rule": "off"}},
        {"parameters": {"no-such-parameter": 1.0}},
        {"parameters": {"steroid-max": 40.0}},
        {"parameters": {"surgery-overdue-after-days": 1.0}},
        {"codes": {"no-such-set": {"urn:x": ("1",)}}},
    ],
)
def test_a_setting_the_guideline_does_not_know_or_allow_stops_the_start(
    elements: dict[str, Any],
) -> None:
    with pytest.raises(SettingsError):
        check_site(replace(SITE, **elements))


def test_the_edges_of_a_safe_range_are_allowed() -> None:
    for value in (168.0, 365.0):
        check_site(replace(SITE, parameters={"surgery-overdue-after-days": value}))


def test_a_fixed_day_is_said_in_the_explanation() -> None:
    from tests.strategies import TODAY

    fixed = replace(SITE, fixed_today=TODAY)
    assert judged(*OVERDUE, site=fixed).explanation()["todayIsFixed"] is True
    assert "todayIsFixed" not in judged(*OVERDUE).explanation()


def _rules() -> tuple[Any, ...]:
    from hooks.patient_view import SERVICE

    return SERVICE.recommendations
