"""Episodes of one side (guideline G1, G2, G3)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.patient.episode import Episode
from cds_service.patient.sides import LEFT, NOT_STATED, RIGHT
from cds_service.patient.timeline import Limits, Timeline
from cds_service.patient.when import UNKNOWN, YES
from tests.strategies import (
    CATEGORY,
    CLINICAL,
    TODAY,
    VERIFIED,
    ago,
    concept,
    facts,
    fired,
    injection,
    judged,
    loading,
    local,
    origin,
    patient,
    pht,
    procedure,
    shown,
)

LIMITS = Limits(
    same_injection=1, order_before_injection=30, loading_gap=60, encounter_diagnosis=365
)
ENCOUNTER = [concept((CATEGORY, "encounter-diagnosis"))]


def of(*conditions: dict[str, Any]) -> tuple[Episode, ...]:
    return Timeline(facts(*conditions), TODAY, LIMITS).episodes


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


def test_a_diagnosis_without_side_is_of_the_only_side_on_record() -> None:
    (episode,) = of(pht("a", ""), pht("b", "left", onsetDateTime=ago(60), recordedDate=ago(50)))
    assert (episode.side, str(episode.start)) == (LEFT, ago(400))
    assert str(episode.diagnosed) == ago(390)


VISIT = pht(
    "v", "left", category=ENCOUNTER, clinicalStatus=None, onsetDateTime=None, recordedDate=ago(5)
)


def test_a_visit_that_names_the_side_does_not_begin_the_disease_anew() -> None:
    (episode,) = of(pht("a", ""), VISIT)
    assert (episode.side, str(episode.start), str(episode.diagnosed)) == (LEFT, ago(400), ago(390))
    assert shown(pht(side=""), VISIT, loading(since=200)) == ["surgical-referral-overdue warning"]
    ended = loading(since=200, performedPeriod={"start": ago(200), "end": ago(14)})
    assert shown(pht(side=""), VISIT, ended) == ["surgical-referral-overdue warning"]
    given = [injection(f"i{n}", ago(300 - 60 * n)) for n in range(4)]
    assert "steroid-overuse over-limit warning" in shown(pht(side=""), VISIT, *given)


def test_the_problem_list_without_a_side_overrules_the_dates_of_a_visit_that_names_it() -> None:
    early = {**VISIT, "onsetDateTime": ago(700), "recordedDate": ago(100)}
    assert str(of(pht("a", ""), early)[0].start) == ago(400)
    unsided = {**VISIT, "bodySite": [origin()], "onsetDateTime": ago(700)}
    assert str(of(pht("a", "left"), unsided)[0].start) == ago(400)


BOTH_SIDES = [pht("l", "left", onsetDateTime=ago(60)), pht("r", "right", onsetDateTime=ago(40))]
LONG_UNSIDED = pht("u", "")


def test_where_both_sides_are_on_record_a_diagnosis_without_side_is_perhaps_of_this_one() -> None:
    left, right = of(*BOTH_SIDES, LONG_UNSIDED)
    assert str(left.start) == f"{ago(400)} to {ago(60)}"
    assert str(right.start) == f"{ago(400)} to {ago(40)}"
    assert (
        of(*BOTH_SIDES, {**LONG_UNSIDED, "onsetDateTime": ago(20)})[0].start
        == of(BOTH_SIDES[0])[0].start
    )
    (left,) = of(BOTH_SIDES[0], LONG_UNSIDED, injection("i", ago(300), "right"))
    assert [d.reference for d in left.perhaps] == ["Condition/u"]


def test_a_disease_of_the_other_side_that_is_over_makes_no_record_doubtful() -> None:
    over = pht("o", "left", onsetDateTime="2013-01-10", recordedDate="2013-02-01")
    over |= {"clinicalStatus": concept((CLINICAL, "resolved")), "abatementDateTime": "2013-12-01"}
    here = loading(since=200, bodySite=[origin("right")])
    for others in ([], [over]):
        assert "surgical-referral-overdue warning" in shown(pht("a", ""), here, *others)


def test_an_onset_within_the_days_of_a_visit_shows_that_it_stands() -> None:
    told = {**VISIT, "recordedDate": None, "onsetDateTime": ago(365)}
    assert of(told)[0].active is YES
    assert of({**told, "onsetDateTime": ago(366)})[0].active is UNKNOWN


def test_what_is_perhaps_of_this_side_starts_no_clock_and_is_told_as_possible() -> None:
    records = (*BOTH_SIDES, LONG_UNSIDED, loading(since=200))
    decision = judged(*records)
    assert "surgical-referral-overdue warning" not in fired(decision)
    used = [
        fact
        for outcome in decision.outcomes
        for criterion in outcome.criteria
        for fact in criterion.facts
        if fact.reference == "Condition/u"
    ]
    assert used
    assert not any(fact.certain for fact in used)


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
    for elements in (
        {},
        {"bodySite": [{"text": "Structure of left hip joint"}]},
        {"reasonCode": [concept(("http://hl7.org/fhir/sid/icd-10-cm", "S76.312A"))]},
    ):
        assert shown(*OVERDUE, procedure("op", CPT_27097, ago(5), **elements)) == []
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


# --- an imprecise onset ---


def start(**elements: Any) -> tuple[str, str]:
    """First and last day on which the episode may have begun."""
    when = of(pht(**elements))[0].start
    assert when
    return when.earliest.isoformat(), when.latest.isoformat()


@pytest.mark.parametrize(
    ("onset", "recorded", "expected"),
    [
        ("2026", "2026-01-12", ("2026-01-01", "2026-01-12")),
        ("2025-09", "2025-09-20", ("2025-09-01", "2025-09-20")),
        ("2026", "2026-02", ("2026-01-01", "2026-02-28")),
        ("2026", None, ("2026-01-01", "2026-06-15")),
        ("2026-06", "2026", ("2026-06-01", "2026-06-15")),
        ("2024", "2026-01-12", ("2024-01-01", "2024-12-31")),
        # an onset after the record is what the record says (G3)
        ("2026", "2025-12-30", ("2026-01-01", "2026-06-15")),
        ("2026-03-05", "2026-01-12", ("2026-03-05", "2026-03-05")),
    ],
)
def test_what_is_on_record_has_begun(
    onset: str, recorded: str | None, expected: tuple[str, str]
) -> None:
    assert start(onsetDateTime=onset, recordedDate=recorded) == expected


def test_a_recurrence_may_be_later_than_the_record_of_the_disease() -> None:
    again = concept((CLINICAL, "recurrence"))
    told = start(clinicalStatus=again, onsetDateTime="2026", recordedDate="2026-01-12")
    assert told == ("2026-01-01", "2026-06-15")


def test_an_age_at_onset_ends_with_the_record() -> None:
    told = start(onsetDateTime=None, onsetAge={"value": 40, "code": "a"}, recordedDate="2025-06-01")
    assert told == ("2025-03-02", "2025-06-01")


@pytest.mark.parametrize(("onset", "recorded"), [("2026", "2026-01-12"), ("2026-01", "2026-01-12")])
def test_history_after_the_record_belongs_to_the_episode(onset: str, recorded: str) -> None:
    new = pht(onsetDateTime=onset, recordedDate=recorded)
    since = loading(since=146)
    assert shown(new, since) == ["surgical-referral-consider info"]
    given = [injection(f"i{n}", f"2026-0{n}-13") for n in range(1, 5)]
    assert "steroid-overuse over-limit warning" in shown(new, *given)


def test_a_disease_of_last_year_has_been_loaded_since_it_was_recorded() -> None:
    old = pht(onsetDateTime="2025", recordedDate="2025-03-05")
    assert shown(old, loading(since=440)) == ["surgical-referral-overdue warning"]
