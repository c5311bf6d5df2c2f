"""Episodes of one side (guideline G1, G2, G3)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.patient.episode import Episode, episodes
from cds_service.patient.sides import LEFT, NOT_STATED, RIGHT
from cds_service.patient.when import UNKNOWN, YES
from tests.strategies import (
    CATEGORY,
    CLINICAL,
    TODAY,
    VERIFIED,
    ago,
    concept,
    facts,
    injection,
    loading,
    local,
    origin,
    patient,
    pht,
    procedure,
    shown,
)

ENCOUNTER = [concept((CATEGORY, "encounter-diagnosis"))]


def of(*conditions: dict[str, Any]) -> tuple[Episode, ...]:
    return episodes(facts(*conditions).diagnoses, TODAY, 365)


# --- G1: population ---


@pytest.mark.parametrize("status", ["refuted", "entered-in-error", "differential"])
def test_a_refuted_mistaken_or_differential_diagnosis_is_none(status: str) -> None:
    assert of(pht(verificationStatus=concept((VERIFIED, status)))) == ()


@pytest.mark.parametrize("status", ["confirmed", "provisional", "unconfirmed", None])
def test_a_diagnosis_need_not_be_confirmed(status: str | None) -> None:
    verified = concept((VERIFIED, status)) if status else None
    assert len(of(pht(verificationStatus=verified))) == 1


@pytest.mark.parametrize("status", ["active", "recurrence", "relapse"])
def test_active_recurring_and_relapsing_disease_is_active(status: str) -> None:
    assert [e.active for e in of(pht(clinicalStatus=concept((CLINICAL, status))))] == [YES]


@pytest.mark.parametrize("status", ["inactive", "remission", "resolved"])
def test_disease_that_is_over_is_silent(status: str) -> None:
    assert of(pht(clinicalStatus=concept((CLINICAL, status)))) == ()


def test_a_missing_clinical_status_is_active_unless_abated() -> None:
    assert [e.active for e in of(pht(clinicalStatus=None))] == [YES]
    assert of(pht(clinicalStatus=None, abatementDateTime=ago(10))) == ()
    assert of(pht(clinicalStatus=None, abatementString="last winter")) == ()


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ("clinicalStatus", {"text": "Resolved"}),
        ("verificationStatus", {"text": "Refuted"}),
        ("verificationStatus", concept(("urn:ehr", "R"), (VERIFIED, "refuted"))),
        ("clinicalStatus", concept(("urn:ehr", "R"), (CLINICAL, "resolved"))),
    ],
)
def test_a_status_told_in_words_or_beside_a_house_code_is_not_taken_for_active(
    element: str, words: dict[str, Any]
) -> None:
    assert [e for e in of(pht(**{element: words})) if e.active is YES] == []


@pytest.mark.parametrize(("born", "expected"), [("2008-06-15", 1), ("2008-06-16", 0)])
def test_pathway_cards_are_for_adults(born: str, expected: int) -> None:
    new = pht(onsetDateTime=ago(20), recordedDate=ago(10))
    cards = shown(new, person=patient(birthDate=born))
    assert cards.count("initial-plan info") == expected


def test_the_pathway_is_silent_without_a_birth_date() -> None:
    new = pht(onsetDateTime=ago(20), recordedDate=ago(10))
    assert shown(new, person=patient(birthDate=None)) == []
    assert "initial-plan info" not in shown(new, person=patient(birthDate="2008"))


# --- G3: episodes ---


def test_an_episode_starts_with_the_earliest_onset_and_is_diagnosed_when_first_recorded() -> None:
    first = pht("a", onsetDateTime=ago(300), recordedDate=ago(200))
    second = pht("b", onsetDateTime=ago(100), recordedDate=ago(250))
    (episode,) = of(first, second)
    assert str(episode.start) == ago(300)
    assert str(episode.diagnosed) == ago(250)


def test_onset_stands_in_for_a_missing_record_date_and_the_other_way_round() -> None:
    assert str(of(pht(onsetDateTime=None, recordedDate=ago(40)))[0].start) == ago(40)
    assert str(of(pht(onsetDateTime=ago(40), recordedDate=None))[0].diagnosed) == ago(40)


def test_sides_are_judged_separately() -> None:
    found = of(pht("l", "left"), pht("r", "right", onsetDateTime=ago(30)))
    assert [(e.side, str(e.start)) for e in found] == [(LEFT, ago(400)), (RIGHT, ago(30))]
    assert [e.side for e in of(pht(side="bilateral"))] == [LEFT, RIGHT]


def test_a_diagnosis_without_side_adds_nothing_to_one_that_has_a_side() -> None:
    (episode,) = of(pht("a", ""), pht("b", "left", onsetDateTime=ago(60)))
    assert (episode.side, str(episode.start)) == (LEFT, ago(60))


def test_a_diagnosis_without_side_is_an_episode_of_unknown_side() -> None:
    assert [e.side for e in of(pht(side=""))] == [NOT_STATED]


def test_a_resolved_side_does_not_hide_an_active_diagnosis_without_side() -> None:
    resolved = pht("a", "left", clinicalStatus=concept((CLINICAL, "resolved")))
    assert [e.side for e in of(resolved, pht("b", ""))] == [NOT_STATED]


def test_a_doubtful_encounter_diagnosis_does_not_hide_an_active_one_without_side() -> None:
    doubtful = pht(
        "b", clinicalStatus=None, onsetDateTime=None, recordedDate=None, category=ENCOUNTER
    )
    assert YES in [e.active for e in of(pht("a", ""), doubtful)]


@pytest.mark.parametrize(("days", "expected"), [(365, 1), (366, 0)])
def test_an_encounter_diagnosis_without_status_counts_for_a_year(days: int, expected: int) -> None:
    seen = pht(clinicalStatus=None, category=ENCOUNTER, recordedDate=ago(days))
    assert len(of(seen)) == expected


def test_an_encounter_diagnosis_without_usable_date_is_unknown_not_active() -> None:
    seen = pht(clinicalStatus=None, category=ENCOUNTER, recordedDate=None)
    assert [e.active for e in of(seen)] == [UNKNOWN]
    partly = pht(clinicalStatus=None, category=ENCOUNTER, recordedDate="2025")
    assert [e.active for e in of(partly)] == [UNKNOWN]


def test_an_encounter_diagnosis_with_a_status_is_judged_by_it() -> None:
    assert len(of(pht(category=ENCOUNTER, recordedDate=ago(800)))) == 1


def test_the_problem_list_overrules_encounter_diagnoses_of_its_side() -> None:
    listed = pht("a", onsetDateTime=ago(50), recordedDate=ago(50))
    seen = pht("b", category=ENCOUNTER, onsetDateTime=ago(300), recordedDate=ago(300))
    (episode,) = of(listed, seen)
    assert str(episode.start) == ago(50)
    resolved = pht("a", clinicalStatus=concept((CLINICAL, "resolved")))
    assert of(resolved, seen) == ()
    assert [e.side for e in of(listed, {**seen, "bodySite": [origin("right")]})] == [LEFT, RIGHT]


# --- G2 and G15: surgery ---


def operated(days: int = 5, side: str | None = "left", **elements: Any) -> dict[str, Any]:
    sited = {"bodySite": [origin(side)]} if side is not None else {}
    made = {"code": local("hamstring-surgery"), "when": ago(days), **sited, **elements}
    return procedure("op", made.pop("code"), made.pop("when"), **made)


OVERDUE = (pht(), loading(since=200))


def test_surgery_on_this_side_in_this_episode_silences_the_pathway() -> None:
    assert shown(*OVERDUE) == ["surgical-referral-overdue warning"]
    assert shown(*OVERDUE, operated()) == []


def test_surgery_on_the_other_side_or_before_the_episode_silences_nothing() -> None:
    assert shown(*OVERDUE, operated(side="right")) == shown(*OVERDUE)
    assert shown(*OVERDUE, operated(401)) == shown(*OVERDUE)
    assert shown(*OVERDUE, operated(400)) == []


def test_surgery_whose_date_is_not_sure_leaves_the_pathway_unjudged() -> None:
    year = operated(when=ago(400)[:4])
    assert shown(*OVERDUE, year) == []
    assert shown(*OVERDUE, operated(when=None)) == []


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "preparation", "in-progress"])
def test_surgery_that_was_not_completed_silences_nothing(status: str) -> None:
    assert shown(*OVERDUE, operated(status=status)) == shown(*OVERDUE)


def test_surgery_without_side_counts_in_unilateral_disease_only() -> None:
    assert shown(*OVERDUE, operated(side="")) == []
    both = (pht("l", "left"), pht("r", "right"), loading(since=200))
    assert shown(*both, operated(side="")) == shown(*both)


CPT_27097 = concept(("http://www.ama-assn.org/go/cpt", "27097"))
CPT_27391 = concept(("http://www.ama-assn.org/go/cpt", "27391"))


def test_the_specific_surgery_code_counts_alone_the_others_need_site_or_reason() -> None:
    assert shown(*OVERDUE, procedure("op", CPT_27097, ago(5))) == []
    other = procedure("op", CPT_27391, ago(5))
    assert shown(*OVERDUE, other) == shown(*OVERDUE)
    assert shown(*OVERDUE, {**other, "bodySite": [origin("left")]}) == []
    assert shown(*OVERDUE, {**other, "reasonCode": [local("pht")]}) == []


def test_after_surgery_there_is_no_steroid_card() -> None:
    given = [injection(f"i{n}", ago(300 - 50 * n)) for n in range(4)]
    assert shown(pht(), *given, operated()) == []


def test_an_onset_in_the_future_falls_back_on_the_record_date() -> None:
    (episode,) = of(pht(onsetDateTime=ago(-30), recordedDate=ago(50)))
    assert str(episode.start) == ago(50)
