"""The rules of patient-view at their boundaries, one sentence of the guideline each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.strategies import (
    CPT,
    ICD,
    RXNORM,
    SCT,
    ago,
    concept,
    injection,
    loading,
    local,
    origin,
    pht,
    prescription,
    procedure,
    referral,
    resource,
    score,
    shown,
    statement,
)

EXERCISE = concept((CPT, "97110"))


def has(rule: str, *made: dict[str, Any]) -> list[str]:
    """What this rule shows."""
    return [one.removeprefix(rule).strip() for one in shown(*made) if one.startswith(rule)]


def diagnosed(days: int) -> dict[str, Any]:
    return pht(onsetDateTime=ago(days), recordedDate=ago(days))


def given(*days: int, **elements: Any) -> list[dict[str, Any]]:
    return [injection(f"i{n}", ago(day), **elements) for n, day in enumerate(days)]


# --- steroid-overuse ---


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((300, 200, 100, 50), ["over-limit warning"]),
        ((300, 200, 100), ["limit-reached info"]),
        ((300, 200), []),
        ((127, 100), ["too-close warning"]),
        ((128, 100), []),
        ((392, 365), ["too-close warning"]),
        ((393, 366), []),
        ((800, 700, 600, 100), ["earlier-episode info"]),
        ((800, 700, 600), []),
        ((527, 500), []),
        ((300, 290, 280), ["too-close warning"]),
        ((300, 290, 280, 270), ["over-limit warning"]),
    ],
)
def test_steroid_overuse_counts_and_measures(days: tuple[int, ...], expected: list[str]) -> None:
    assert has("steroid-overuse", pht(), *given(*days)) == expected


def test_steroid_overuse_tells_of_uncertain_records() -> None:
    unsure = [injection("x", None), injection("y", ago(150), side=None)]
    assert has("steroid-overuse", pht(), *given(300, 200), *unsure) == ["uncertain-records info"]


def test_an_interval_between_partial_dates_counts_only_when_certain() -> None:
    months = [injection("a", "2026-04"), injection("b", "2026-05")]
    assert has("steroid-overuse", pht(), *months) == []


def test_steroids_of_the_other_side_are_not_counted() -> None:
    right = given(300, 200, 100, 50, bodySite=[origin("right")])
    assert has("steroid-overuse", pht(), *right) == []


def test_steroid_overuse_stands_beside_a_pathway_card() -> None:
    assert len(shown(pht(), loading(since=200), *given(300, 200, 100, 50))) == 2


def test_steroid_overuse_is_not_only_for_adults() -> None:
    from tests.strategies import patient

    young = patient(birthDate="2010-01-01")
    cards = shown(pht(), *given(300, 200, 100, 50), person=young)
    assert "steroid-overuse over-limit warning" in cards


# --- initial-plan ---


@pytest.mark.parametrize(("days", "expected"), [(0, ["info"]), (27, ["info"]), (28, [])])
def test_the_initial_plan_is_for_the_first_28_days(days: int, expected: list[str]) -> None:
    assert has("initial-plan", diagnosed(days)) == expected


def test_the_initial_plan_counts_from_the_record_date_not_from_onset() -> None:
    assert has("initial-plan", pht(onsetDateTime=ago(300), recordedDate=ago(5))) == ["info"]


def test_without_any_date_the_initial_plan_is_silent() -> None:
    assert shown(pht(onsetDateTime=None, recordedDate=None)) == []


def test_a_diagnosis_that_may_be_older_is_not_new() -> None:
    assert shown(pht(onsetDateTime="2026", recordedDate="2026")) == []


@pytest.mark.parametrize(
    "something",
    [
        loading(since=5),
        procedure("e", EXERCISE, ago(5)),
        referral(code="physio-referral", days=5),
        procedure("op", local("hamstring-surgery"), ago(3), bodySite=[origin("left")]),
    ],
    ids=["loading", "physiotherapy", "referral", "surgery"],
)
def test_what_was_already_started_needs_no_initial_plan(something: dict[str, Any]) -> None:
    assert shown(diagnosed(10), something) == []


# --- loading-programme-missing ---

RULE = "loading-programme-missing"
MASSAGE = procedure("m", local("massage"), ago(28))


@pytest.mark.parametrize(("days", "expected"), [(28, ["none-documented info"]), (27, [])])
def test_missing_loading_is_told_from_day_28(days: int, expected: list[str]) -> None:
    assert has(RULE, diagnosed(days)) == expected


@pytest.mark.parametrize(
    ("days", "expected"), [(28, "passive-only warning"), (27, "none-documented info")]
)
def test_passive_care_for_28_days_is_a_warning(days: int, expected: str) -> None:
    assert has(RULE, pht(), procedure("m", local("massage"), ago(days))) == [expected]


@pytest.mark.parametrize(
    "care",
    [
        prescription("n", ago(40)),
        prescription("n", ago(40), status="completed"),
        statement("n", ago(40), (RXNORM, "855633"), status="active"),
        injection("i", ago(40)),
        procedure("s", local("eswt"), ago(40), bodySite=[origin("left")]),
        procedure("p", local("prp-injection"), ago(40)),
        procedure("p", concept((CPT, "97035")), ago(40)),
    ],
    ids=["nsaid", "nsaid ended", "gel", "steroid", "shockwave", "prp", "ultrasound"],
)
def test_every_treatment_without_loading_is_passive_only(care: dict[str, Any]) -> None:
    assert has(RULE, pht(), care) == ["passive-only warning"]


@pytest.mark.parametrize(
    "care",
    [
        {**MASSAGE, "status": "not-done"},
        {**MASSAGE, "bodySite": [origin("right")]},
        {**MASSAGE, "performedDateTime": ago(401)},
        {**MASSAGE, "performedDateTime": "2026"},
        {**MASSAGE, "reasonCode": [concept((ICD, "M76.61"))]},
        prescription("n", ago(40), reasonCode=[concept((ICD, "M05.9"))]),
        prescription("n", ago(40), reasonCode=[concept((ICD, "M54.50"), text="back pain")]),
        prescription("n", ago(40), status="draft"),
    ],
    ids=["not done", "right", "earlier", "when?", "heel", "arthritis", "back", "draft"],
)
def test_care_that_is_not_of_this_disease_is_not_passive_care_of_it(care: dict[str, Any]) -> None:
    assert has(RULE, pht(), care) == ["none-documented info"]


SHOULDER = concept((ICD, "M75.101"), text="Rotator cuff tear, right shoulder")


@pytest.mark.parametrize(
    "elements",
    [
        {"reasonCode": [SHOULDER]},
        {"bodySite": [{"text": "Neck"}]},
        {"bodySite": [concept((SCT, "45048000"), text="Neck structure")]},
        {"bodySite": [concept((SCT, "91774008"), display="Left shoulder")]},
        {"reasonCode": [{"text": "low back pain"}]},
        {"code": {**EXERCISE, "text": "Therapeutic exercise, left shoulder"}},
    ],
)
@pytest.mark.parametrize(
    ("code", "days"), [("massage", 60), ("97110", 120), ("97110", 200), ("massage", 200)]
)
def test_care_of_another_site_or_for_another_reason_is_no_treatment_of_this_disease(
    code: str, days: int, elements: dict[str, Any]
) -> None:
    what = EXERCISE if code == "97110" else local(code)
    cards = shown(pht(), procedure("p", what, ago(days)) | elements)
    assert set(cards) <= {"loading-programme-missing none-documented info"}


@pytest.mark.parametrize(
    "words",
    [
        "HSR: leg curl with ankle strap",
        "Single-leg deadlift, kettlebell in opposite hand",
        "Nordic curl, feet fixed",
        "Left foot",
    ],
)
def test_cues_of_an_exercise_do_not_make_a_loading_programme_another_one(words: str) -> None:
    code = local("hsr") | {"text": words}
    programme = loading(since=200, side=None, code=code)
    assert shown(pht(), programme) == ["surgical-referral-overdue warning"]
    detail = {"code": code, "status": "in-progress", "scheduledPeriod": {"start": ago(200)}}
    plan = {"status": "active", "intent": "plan", "activity": [{"detail": detail}]}
    assert shown(pht(), resource("CarePlan", "c", **plan)) == ["surgical-referral-overdue warning"]


def test_of_an_exercise_whose_words_say_more_than_a_region_the_site_is_not_known() -> None:
    said = {"code": {**EXERCISE, "text": "Slider curls, heel on towel"}}
    assert has(RULE, pht(), procedure("p", EXERCISE, ago(20)) | said) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ortho-referral", "Orthopaedics and Spine Centre"),
        ("ortho-referral", "Ortho: foot, ankle and sports clinic"),
        ("ortho-referral", "Spine"),
        ("physio-referral", "Physiotherapy - spine and sports clinic"),
        ("physio-referral", "Physiotherapy, spine"),
    ],
)
def test_the_name_of_a_clinic_is_not_the_site_of_a_referral(code: str, words: str) -> None:
    asked = referral(code=code, days=20) | {"code": local(code) | {"text": words}}
    course = [loading(since=200)] if code == "ortho-referral" else []
    assert shown(pht(), *course, asked) == []
    assert shown(pht(), *course, asked | {"bodySite": [{"text": "Spine"}]}) != []


@pytest.mark.parametrize(("days", "expected"), [(42, []), (43, ["none-documented info"])])
def test_an_active_physiotherapy_referral_of_42_days_silences(
    days: int, expected: list[str]
) -> None:
    asked = referral(code="physio-referral", days=days)
    assert has(RULE, pht(), asked) == expected
    assert has(RULE, pht(), {**asked, "status": "completed"}) == ["none-documented info"]
    other = {**asked, "bodySite": [origin("right")]}
    assert has(RULE, pht(), other) == ["none-documented info"]


def ended(since: int, until: int) -> dict[str, Any]:
    period = {"start": ago(since), "end": ago(until)}
    return loading(status="completed", performedPeriod=period)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (100, 61, ["lapsed info"]),
        (100, 60, []),
        (150, 61, ["lapsed info"]),
        (151, 61, []),
    ],
)
def test_loading_that_ended_early_and_long_ago_lapsed(
    since: int, until: int, expected: list[str]
) -> None:
    assert has(RULE, pht(), ended(since, until)) == expected


def test_physiotherapy_of_unknown_content_is_neither_missing_nor_lapsed() -> None:
    course = procedure("e", EXERCISE, ago(20))
    assert has(RULE, pht(), course) == []
    assert has(RULE, pht(), course, ended(100, 61)) == []


# --- step-up-options ---

STEP = "step-up-options"
SAME = (score("s", 40, 50), score("t", 5, 52))
BETTER = (score("s", 80, 50), score("t", 5, 70))


@pytest.mark.parametrize(("days", "expected"), [(55, []), (56, ["info"]), (89, ["info"]), (90, [])])
def test_without_scores_step_up_waits_for_day_56(days: int, expected: list[str]) -> None:
    assert has(STEP, pht(), loading(since=days)) == expected


@pytest.mark.parametrize(("days", "expected"), [(27, []), (28, ["info"]), (55, ["info"])])
def test_with_documented_minimal_change_step_up_starts_on_day_28(
    days: int, expected: list[str]
) -> None:
    assert has(STEP, pht(), loading(since=days), *SAME) == expected


def test_the_improved_need_no_step_up() -> None:
    assert shown(pht(), loading(since=80), *BETTER) == []


@pytest.mark.parametrize("code", ["eswt", "prp-injection", "awb-injection", "steroid-injection"])
def test_what_was_already_tried_or_ordered_silences_step_up(code: str) -> None:
    done = procedure("x", local(code), ago(20), bodySite=[origin("left")])
    ordered = resource(
        "ServiceRequest",
        "x",
        status="active",
        intent="order",
        code=local(code),
        authoredOn=ago(5),
        bodySite=[origin("left")],
    )
    assert has(STEP, pht(), loading(since=60)) == ["info"]
    assert has(STEP, pht(), loading(since=60), done) == []
    assert has(STEP, pht(), loading(since=60), ordered) == []
    right = {**done, "bodySite": [origin("right")]}
    assert has(STEP, pht(), loading(since=60), right) == ["info"]


def test_lapsed_loading_is_not_stepped_up() -> None:
    assert has(STEP, pht(), ended(130, 70)) == []


def test_a_partial_start_uses_the_least_number_of_days() -> None:
    assert has(STEP, pht(), loading(performedPeriod={"start": "2026-04"})) == []
    assert has(STEP, pht(), loading(performedPeriod={"start": "2026-03"})) == ["info"]


# --- surgical-referral-consider and -overdue ---

CONSIDER, LATE = "surgical-referral-consider", "surgical-referral-overdue"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (89, ["step-up-options info"]),
        (90, ["surgical-referral-consider info"]),
        (180, ["surgical-referral-consider info"]),
        (181, ["surgical-referral-overdue warning"]),
    ],
)
def test_the_days_of_loading_decide_between_the_rules(days: int, expected: list[str]) -> None:
    assert shown(pht(), loading(since=days)) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (89, []),
        (90, ["surgical-referral-consider content-not-recorded info"]),
        (180, ["surgical-referral-consider content-not-recorded info"]),
        (181, ["surgical-referral-overdue loading-not-documented warning"]),
    ],
)
def test_physiotherapy_of_unknown_content_counts_as_treatment(
    days: int, expected: list[str]
) -> None:
    assert shown(pht(), procedure("e", EXERCISE, ago(days))) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (180, "loading-programme-missing passive-only warning"),
        (181, "surgical-referral-overdue loading-not-documented warning"),
    ],
)
def test_treatment_without_loading_for_more_than_180_days_is_overdue(
    days: int, expected: str
) -> None:
    assert shown(pht(), procedure("m", local("massage"), ago(days))) == [expected]


def test_treatment_without_loading_is_overdue_despite_a_new_diagnosis_or_physio_referral() -> None:
    late = "surgical-referral-overdue loading-not-documented warning"
    massage = procedure("m", local("massage"), ago(190))
    recent = pht(onsetDateTime=ago(300), recordedDate=ago(5))
    asked = referral(code="physio-referral", days=5)
    assert shown(recent, massage) == [late]
    assert shown(pht(), massage, asked) == [late]


def test_the_improved_are_not_sent_to_a_surgeon() -> None:
    better = (score("s", 200, 40), score("t", 5, 70))
    assert shown(pht(), loading(since=200), *better) == []


@pytest.mark.parametrize(
    ("elements", "stands"),
    [
        ({"status": "active", "days": 399}, True),
        ({"status": "on-hold", "days": 30}, True),
        ({"status": "draft", "days": 30}, True),
        ({"status": "active", "days": 401}, False),
        ({"status": "completed", "days": 365}, True),
        ({"status": "completed", "days": 366}, False),
        ({"status": "revoked", "days": 30}, False),
        ({"status": "entered-in-error", "days": 30}, False),
        ({"bodySite": [origin("left")]}, True),
        ({"bodySite": [origin("right")]}, False),
        ({"bodySite": [concept((SCT, "72696002"))]}, False),
        ({"reasonCode": [local("pht")]}, True),
        ({"reasonCode": [concept((ICD, "M76.61"))]}, False),
        ({"bodySite": [{"text": "Knee"}]}, False),
        ({"reasonCode": [concept((SCT, "239873007"), display="Osteoarthritis of knee")]}, False),
        ({"reasonCode": [{"text": "Posterior thigh pain, knee normal"}]}, True),
        ({"reasonCode": [concept((SCT, "239873007"))]}, True),
        ({"code": "physio-referral"}, False),
        ({"doNotPerform": True}, False),
        ({"authoredOn": None}, True),
    ],
    ids=str,
)
def test_a_surgical_referral_that_stands_silences(elements: dict[str, Any], stands: bool) -> None:
    made = shown(pht(), loading(since=200), referral(**elements))
    assert (made == []) is stands


@pytest.mark.parametrize("code", ["308481009", "183545006", "715962007", "183541002", "306180006"])
def test_orthopaedic_and_sports_medicine_referrals_count_by_their_standard_codes(code: str) -> None:
    asked = referral() | {"code": concept((SCT, code))}
    assert shown(pht(), loading(since=200), asked) == []


def test_the_overdue_card_names_a_referral_that_was_withdrawn() -> None:
    from tests.strategies import judged

    (card,) = judged(pht(), loading(since=200), referral(status="revoked")).cards
    assert "ServiceRequest/referral" in card["detail"].replace("\\", "")


def test_no_start_date_is_silent() -> None:
    assert shown(pht(), loading(performedPeriod=None)) == []
    assert shown(pht(), loading(performedPeriod={"start": "2026"})) == []


def test_a_course_that_ended_after_200_days_is_still_overdue() -> None:
    assert shown(pht(), ended(300, 100)) == ["surgical-referral-overdue warning"]
