"""Findings that question the diagnosis, and the gate on the pathway."""

from __future__ import annotations

from typing import Any

import pytest

from tests.orders import card, changed
from tests.strategies import (
    CATEGORY,
    CLINICAL,
    ICD,
    VERIFIED,
    ago,
    concept,
    injection,
    judged,
    loading,
    local,
    origin,
    patient,
    pht,
    procedure,
    resource,
)

RULE = "red-flag-differential"
#: alone, these show a surgical referral overdue
LEFT = [pht(), loading(since=200)]


def flags(*records: dict[str, Any], **more: Any) -> list[str]:
    found = judged(*records, **more).shown
    return [" ".join(filter(None, (o.variant, o.indicator))) for o in found if o.rule == RULE]


def finding(code: Any, side: str | None = "left", **more: Any) -> dict[str, Any]:
    concept_of = local(code) if isinstance(code, str) else code
    made = {"code": concept_of, "bodySite": [origin(side)] if side is not None else None}
    return resource("Condition", "flag", **{**made, "recordedDate": ago(9), **more})


def seen(code: str, days: int = 5, side: str | None = "left", **more: Any) -> dict[str, Any]:
    made = {
        "status": "final",
        "code": local(code),
        "effectiveDateTime": ago(days),
        "bodySite": origin(side) if side is not None else None,
    }
    return resource("Observation", "flag", **{**made, **more})


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("complete-avulsion", "critical"),
        ("cauda-equina", "critical"),
        (concept((ICD, "S32.612A")), "critical"),
        ("high-grade-tear", "warning"),
        (concept((ICD, "M66.352")), "warning"),
        ("acute-pop-bruising", "warning"),
        ("neuro-deficit", "warning"),
        ("suspected-malignancy", "warning"),
        ("bone-stress-injury", "warning"),
    ],
)
def test_each_finding_has_its_level_and_closes_the_pathway(code: Any, level: str) -> None:
    side = None if isinstance(code, dict) else "left"
    made = judged(*LEFT, finding(code, side))
    assert [(o.rule, o.indicator) for o in made.shown] == [(RULE, level)]


def test_without_a_finding_the_pathway_is_open() -> None:
    assert judged(*LEFT).rules == ("surgical-referral-overdue",)


@pytest.mark.parametrize(
    "elements",
    [
        {"verificationStatus": concept((VERIFIED, "refuted"))},
        {"verificationStatus": concept((VERIFIED, "entered-in-error"))},
        {"clinicalStatus": concept((CLINICAL, "resolved"))},
        {"clinicalStatus": concept((CLINICAL, "inactive"))},
        {"abatementDateTime": ago(2)},
        {"bodySite": [origin("right")]},
    ],
    ids=str,
)
def test_what_does_not_stand_opens_the_pathway_again(elements: dict[str, Any]) -> None:
    made = judged(*LEFT, finding("complete-avulsion", **elements))
    assert made.rules == ("surgical-referral-overdue",)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("complete-avulsion", []),
        ("acute-pop-bruising", []),
        ("bone-stress-injury", []),
        ("high-grade-tear", []),
        ("neuro-deficit", ["warning"]),
        ("cauda-equina", ["critical"]),
        ("suspected-malignancy", ["warning"]),
    ],
)
def test_only_findings_of_the_tendon_have_a_side(code: str, expected: list[str]) -> None:
    assert flags(*LEFT, finding(code, "right")) == expected


def test_a_finding_of_unknown_side_counts() -> None:
    assert flags(*LEFT, finding("complete-avulsion", None)) == ["critical"]
    assert flags(pht(side=None), finding("complete-avulsion")) == ["critical"]


@pytest.mark.parametrize(("days", "expected"), [(365, ["critical"]), (366, [])])
def test_an_observation_ages(days: int, expected: list[str]) -> None:
    assert flags(*LEFT, seen("complete-avulsion", days)) == expected
    assert flags(*LEFT, finding("complete-avulsion", recordedDate=ago(days))) == ["critical"]


VISIT = {"category": [concept((CATEGORY, "encounter-diagnosis"))]}


@pytest.mark.parametrize(
    ("code", "recorded", "expected"),
    [
        ("complete-avulsion", ago(365), ["critical"]),
        ("complete-avulsion", ago(366), []),
        ("complete-avulsion", "2025", ["warning"]),
        ("complete-avulsion", None, ["warning"]),
        ("high-grade-tear", ago(365), ["warning"]),
        ("high-grade-tear", "2016-02-01", []),
        ("high-grade-tear", "2025", ["info"]),
        ("high-grade-tear", None, ["info"]),
    ],
)
def test_a_visit_diagnosis_without_status_ages_as_one_of_the_disease_does(
    code: str, recorded: str | None, expected: list[str]
) -> None:
    found = finding(code, recordedDate=recorded, **VISIT)
    assert flags(*LEFT, found) == expected
    if expected == []:
        assert judged(*LEFT, found).rules == ("surgical-referral-overdue",)
    active = {**found, "clinicalStatus": concept((CLINICAL, "active"))}
    listed = {**found, "category": [concept((CATEGORY, "problem-list-item"))]}
    stands = ["critical" if code == "complete-avulsion" else "warning"]
    assert flags(*LEFT, active) == flags(*LEFT, listed) == stands


def test_a_visit_diagnosis_that_began_within_the_days_stands() -> None:
    told = {"recordedDate": None, **VISIT}
    assert flags(*LEFT, finding("complete-avulsion", onsetDateTime=ago(3), **told)) == ["critical"]
    assert flags(*LEFT, finding("complete-avulsion", onsetDateTime=ago(366), **told)) == ["warning"]


def test_an_observation_whose_date_may_be_too_old_speaks_one_level_lower() -> None:
    assert flags(*LEFT, seen("complete-avulsion", effectiveDateTime="2025")) == ["warning"]
    assert flags(*LEFT, seen("neuro-deficit", effectiveDateTime="2025")) == ["info"]
    made = card(RULE, judged(*LEFT, seen("neuro-deficit", effectiveDateTime="2025")))
    assert "its date does not say that it still stands" in made["detail"]
    young = patient(birthDate="2010-01-01")
    unsure = seen("neuro-deficit", effectiveDateTime="2025")
    assert flags(*LEFT, unsure, person=young) == ["under-18 warning"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("complete-avulsion", []),
        (concept((ICD, "S32.612A")), []),
        ("acute-pop-bruising", []),
        ("neuro-deficit", ["warning"]),
        ("bone-stress-injury", ["warning"]),
    ],
)
def test_surgery_repairs_an_avulsion(code: Any, expected: list[str]) -> None:
    side = None if isinstance(code, dict) else "left"
    op = procedure("op", local("hamstring-surgery"), ago(50), bodySite=[origin("left")])
    assert flags(pht(), op, finding(code, side)) == expected
    other = {**op, "bodySite": [origin("right")]}
    assert flags(pht(), other, finding(code, side)) != []
    before = {**op, "performedDateTime": ago(500)}
    assert flags(pht(), before, finding(code, side)) != []


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2008-06-15", []),
        ("2008-06-16", ["under-18 warning"]),
        ("2008-06", ["under-18 info"]),
        ("2008", ["under-18 info"]),
        ("2010", ["under-18 warning"]),
        (None, []),
    ],
)
def test_the_age_of_an_open_growth_plate(born: str | None, expected: list[str]) -> None:
    assert flags(pht(), person=patient(birthDate=born)) == expected


def test_a_finding_comes_before_the_age() -> None:
    young = patient(birthDate="2010-01-01")
    assert flags(pht(), finding("neuro-deficit"), person=young) == ["warning"]


def test_without_active_disease_there_is_no_pathway_to_question() -> None:
    over = pht(clinicalStatus=concept((CLINICAL, "resolved")), abatementDateTime=ago(9))
    assert flags(over, finding("complete-avulsion")) == []


def test_steroid_overuse_is_no_pathway_card_and_stays() -> None:
    given = [injection(f"i{n}", ago(day)) for n, day in enumerate((300, 200, 100, 50))]
    assert judged(pht(), *given, finding("neuro-deficit")).rules == (RULE, "steroid-overuse")


@pytest.mark.parametrize(
    ("code", "offered"),
    [
        ("complete-avulsion", [("MRI of the pelvis", "routine"), ("Referral to ortho", "urgent")]),
        ("neuro-deficit", [("MRI of the lumbar", "urgent"), ("Referral to ortho", "urgent")]),
        ("cauda-equina", [("Emergency", "stat"), ("MRI of the lumbar", "urgent")]),
    ],
)
def test_what_is_offered_fits_the_finding(code: str, offered: list[tuple[str, str]]) -> None:
    made = card(RULE, judged(*LEFT, finding(code)))
    found = [(r["code"]["text"], r["priority"]) for r in changed(made, "create")]
    assert len(found) == len(offered)
    for (text, priority), (begins, wanted) in zip(found, offered, strict=True):
        assert text.startswith(begins)
        assert priority == wanted


def test_several_findings_are_one_card_the_worst_first() -> None:
    more = finding("neuro-deficit", id="n")
    made = card(RULE, judged(*LEFT, more, finding("complete-avulsion")))
    assert made["indicator"] == "critical"
    assert made["summary"].endswith("complete avulsion of the proximal hamstring and 1 more")
    assert len(changed(made, "create")) == 3
