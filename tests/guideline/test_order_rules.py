"""The steroid, platelet-rich plasma and shockwave rules: each threshold from both sides."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.guideline.sources import EXTERNAL
from tests.orders import (
    LOADED,
    actions,
    ahead,
    card,
    changed,
    given,
    medicine,
    of,
    ordered,
    service,
    sign,
)
from tests.strategies import (
    CATEGORY,
    CLINICAL,
    CPT,
    ICD,
    KENALOG,
    PREDNISONE,
    RXNORM,
    SCT,
    TRIAMCINOLONE,
    VERIFIED,
    WARFARIN,
    ago,
    concept,
    injection,
    loading,
    local,
    origin,
    patient,
    pht,
    prescription,
    procedure,
    resource,
    statement,
)

COUNT, THIRD = "steroid-count-limit", "steroid-third-injection"
INTERVAL, EARLY = "steroid-interval", "steroid-too-early"
TEAR, PRP, ESWT = "steroid-with-tendon-tear", "prp-awb-evidence", "eswt-caution"
LEFT = [pht(), LOADED]
BOTH = [pht("l", "left"), pht("r", "right"), LOADED, loading("long-r", 380, "right")]
RESOLVED = concept((CLINICAL, "resolved"))
VISIT = {"category": [concept((CATEGORY, "encounter-diagnosis"))]}


# --- steroid-count-limit ---


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((300, 200), []),
        ((300, 200, 100), ["critical"]),
        ((300, 200, 100, 50), ["critical"]),
        ((800, 700, 600), ["earlier-episode warning"]),
        ((800, 700, 100), ["earlier-episode warning"]),
        ((800, 300, 200, 100), ["critical"]),
    ],
)
def test_the_fourth_injection_is_over_the_limit(days: tuple[int, ...], expected: Any) -> None:
    assert of(COUNT, [*LEFT, *given(*days)], service()) == expected


def test_uncertain_records_only_warn() -> None:
    unsure = [*given(300, 200), injection("x", None)]
    assert of(COUNT, [*LEFT, *unsure], service()) == ["uncertain-records warning"]
    assert of(COUNT, [*LEFT, *given(300), injection("x", None)], service()) == []


@pytest.mark.parametrize(
    ("repeats", "days", "expected"),
    [
        (0, (300, 200), []),
        (1, (300, 200), ["critical"]),
        (1, (300,), []),
        (2, (300,), ["critical"]),
        (2, (), []),
        (3, (), ["critical"]),
        (-3, (300, 200), []),
        (True, (300, 200), []),
        ("1", (300, 200), []),
    ],
)
def test_repeats_are_planned_injections(repeats: Any, days: Any, expected: Any) -> None:
    draft = medicine(
        dosageInstruction=[{"site": origin("left")}],
        dispenseRequest={"numberOfRepeatsAllowed": repeats},
    )
    assert of(COUNT, [*LEFT, *given(*days)], draft) == expected


def test_repeats_of_an_earlier_episode_never_speak_of_this_one() -> None:
    over = [pht(clinicalStatus=RESOLVED, abatementDateTime=ago(100))]
    draft = medicine(
        dosageInstruction=[{"site": origin("left")}],
        dispenseRequest={"numberOfRepeatsAllowed": 3},
    )
    made = sign(over, draft)
    assert of(COUNT, over, draft) == ["earlier-episode warning"]
    assert card(COUNT, made)["summary"].startswith("0 prior and 4 planned")


def test_without_an_active_disease_the_order_itself_must_be_aimed_at_the_origin() -> None:
    over = [pht(clinicalStatus=RESOLVED, abatementDateTime=ago(10)), *given(300, 200, 100)]
    assert of(COUNT, over, service()) == ["earlier-episode warning"]
    assert ordered(over, service(side=None)) == []
    thigh = [concept((SCT, "61396006"))]
    assert ordered(over, service(bodySite=thigh)) == []


def test_after_surgery_the_order_itself_must_be_aimed_at_the_origin() -> None:
    """G2: an order without site or reason may then be for anything; that is told as unjudged."""
    done = procedure("op", local("hamstring-surgery"), ago(50), bodySite=[origin("left")])
    records = [*LEFT, *given(300, 200, 100)]
    assert of(COUNT, [*records, done], service()) == ["critical"]
    assert of(COUNT, [*records, done], service(side=None, reasonCode=[local("pht")])) == [
        "critical"
    ]
    made = sign([*records, done], service(side=None))
    assert made.cards == []
    assert COUNT in {one["rule"] for one in made.unjudged()}
    assert ordered([*LEFT, done], service("p", "prp-injection", None)) == []
    for other in (
        {**done, "performedDateTime": ago(500)},  # before the episode
        {**done, "performedDateTime": None},
        {**done, "bodySite": [origin("right")]},
    ):
        assert of(COUNT, [*records, other], service(side=None)) == ["critical"]
    right = given(300, 200, 100, side="right", name="r")
    assert COUNT in sign([*BOTH, *right, done], service(side=None)).rules


def test_an_encounter_diagnosis_of_long_ago_is_no_current_episode() -> None:
    visit = {"clinicalStatus": None, **VISIT}
    assert of(COUNT, [pht(**visit, recordedDate=ago(365)), *given(300, 200, 100)], service()) == [
        "critical"
    ]
    old = [pht(**visit, recordedDate=ago(366)), *given(300, 200, 100)]
    assert of(COUNT, old, service()) == ["earlier-episode warning"]
    undated = [pht(**visit, recordedDate=None), *given(300, 200, 100)]
    assert of(COUNT, undated, service()) == ["earlier-episode warning"]


def test_the_other_side_does_not_count() -> None:
    right = given(300, 200, 100, side="right")
    assert ordered([*LEFT, *right], service()) == []
    assert of(COUNT, [*LEFT, *right], service(side="right")) == ["earlier-episode warning"]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ((300, 200), (300, 200), []),
        ((300, 200, 100), (), ["side-unspecified warning"]),
        ((300, 200, 100), (300, 200, 100), ["critical"]),
        ((300, 200, 100), (800, 700, 600), ["earlier-episode warning"]),
    ],
)
def test_an_order_without_a_side_in_bilateral_disease(left: Any, right: Any, expected: Any) -> None:
    records = [*BOTH, *given(*left), *given(*right, side="right", name="r")]
    assert of(COUNT, records, service(side=None)) == expected
    assert of(COUNT, records, service(side="")) == expected


def test_both_sides_are_told_of_when_both_reach_the_limit() -> None:
    records = [*BOTH, *given(300, 200, 100), *given(350, 250, 150, 50, side="right", name="r")]
    made = card(COUNT, sign(records, service(side=None)))
    assert "left 3 and right 4" in made["summary"]
    assert "The order does not name the side" in made["detail"]


def test_disease_of_unknown_side_applies_to_the_side_ordered() -> None:
    records = [pht(side=None), loading("n", 380, None)]
    assert of(COUNT, [*records, *given(300, 200, 100)], service()) == ["critical"]
    both = [*records, *given(300, 200, 100), *given(350, side="right", name="r")]
    assert of(COUNT, both, service()) == ["uncertain-records warning"]


def test_the_card_offers_to_remove_every_draft_of_the_order_at_once() -> None:
    made = card(COUNT, sign([pht(), *given(300, 200, 100)], service(), medicine()))
    assert changed(made, "delete") == ["ServiceRequest/d1", "MedicationRequest/m1"]
    assert len(made["suggestions"][0]["actions"]) == 2
    assert [r["resourceType"] for r in changed(made, "create")] == ["ServiceRequest"] * 2
    assert made["selectionBehavior"] == "at-most-one"
    assert len(made["overrideReasons"]) == 5
    assert "not from the article" in made["detail"]


def test_linked_drafts_are_one_order_and_two_sides_are_two() -> None:
    records = [*BOTH, *given(300, 200, 100)]
    assert len(sign(records, service(), medicine()).cards) == 1
    sided = medicine(dosageInstruction=[{"site": origin("right")}])
    assert of(COUNT, records, service(), sided) == ["critical"]
    about = sign(records, service(), sided).shown[0].about
    assert about == ("ServiceRequest/d1",)


def test_two_drugs_without_ids_are_two_orders() -> None:
    drafts = [medicine(dosageInstruction=[{"site": origin("left")}]) for _ in range(2)]
    for draft in drafts:
        del draft["id"]
    made = sign([*LEFT, *given(300, 200, 100)], *drafts)
    assert len(made.cards) == 2
    assert not any(action["type"] == "delete" for one in made.cards for action in actions(one))


@pytest.mark.parametrize(
    "elements",
    [
        {"bodySite": [concept((SCT, "16982005"))]},
        {"bodySite": [{"text": "Left shoulder"}]},
        {"bodySite": None, "reasonCode": [concept((ICD, "M75.101"))]},
        {"bodySite": None, "reasonCode": [{"text": "Rotator cuff tendinopathy"}]},
        {"bodySite": None, "code": local("steroid-injection") | {"text": "Injection, left knee"}},
        {"bodySite": None, "reasonCode": [concept((SCT, "76069003"), text="Knee pain")]},
        {"status": "entered-in-error"},
        {"status": "revoked"},
        {"doNotPerform": True},
    ],
    ids=str,
)
def test_an_order_for_another_site_is_none_of_ours(elements: dict[str, Any]) -> None:
    assert ordered([*LEFT, *given(300, 200, 100)], service(**elements)) == []


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        (service(side=None), "critical"),
        (service(bodySite=[concept((SCT, "61396006"))]), "critical"),
        (service(side=None, reasonCode=[local("pht")]), "critical"),
        (service(side=None, reasonReference=[{"reference": "Condition/pht"}]), "critical"),
        (service(bodySite=[concept((SCT, "29836001"))]), "critical"),
        (service(bodySite=[{"text": "where it hurts"}]), "warning"),
        (service(bodySite=[{"text": "Back of left thigh"}]), "warning"),
        (service(bodySite=[{"text": "left-hand side, ischium"}]), "warning"),
        (service(side=None, reasonCode=[{"text": "pain"}]), "warning"),
        (
            service(bodySite=[concept((SCT, "85710004"))], reasonCode=[{"text": "low back pain"}]),
            "critical",
        ),
        (
            service(
                bodySite=[concept((SCT, "61396006"))], reasonCode=[{"text": "knee pain at night"}]
            ),
            "critical",
        ),
        (
            service(
                bodySite=[{"text": "Left posterior thigh"}], reasonCode=[{"text": "low back pain"}]
            ),
            "warning",
        ),
        (
            service(side=None, reasonReference=[{"reference": "Condition/not-sent"}])
            | {"code": local("steroid-injection") | {"text": "Injection, left knee"}},
            "warning",
        ),
        (
            service(side=None)
            | {"code": local("steroid-injection") | {"text": "Steroid, US, 22G spinal needle"}},
            "critical",
        ),
        (
            service(side=None)
            | {
                "code": concept(
                    (CPT, "20550"), text="Inj tendon sheath, ligament or plantar fascia"
                )
            },
            "warning",
        ),
        (service(code="x") | {"code": concept((CPT, "20551"))}, "warning"),
        (service(code="x") | {"code": concept((SCT, "297279009"))}, "warning"),
        (
            service(code="x")
            | {
                "code": concept(
                    (CPT, "20551"),
                    (LOCAL_SYSTEM := local("x")["coding"][0]["system"], "steroid-injection"),
                )
            },
            "critical",
        ),
        (medicine(), "critical"),
        (medicine(drug=TRIAMCINOLONE), "warning"),
        (medicine(drug=TRIAMCINOLONE, reasonCode=[local("pht")]), "critical"),
        (
            medicine(
                drug=TRIAMCINOLONE, dosageInstruction=[{"route": concept((SCT, "419762003"))}]
            ),
            "critical",
        ),
        (medicine(drug=TRIAMCINOLONE, dosageInstruction=[{"site": origin("left")}]), "critical"),
    ],
)
def test_what_the_order_does_not_say_lowers_the_level(draft: Any, expected: str) -> None:
    assert of(COUNT, [*LEFT, *given(300, 200, 100)], draft) == [expected]


ICD_PHT = concept((ICD, "M76.892"), text="Proximal hamstring tendinopathy")


@pytest.mark.parametrize(
    "code", [ICD_PHT, local("pht") | {"coding": [*ICD_PHT["coding"], *local("pht")["coding"]]}]
)
@pytest.mark.parametrize("make", [service, medicine])
def test_an_order_for_the_disease_as_the_chart_codes_it_is_for_it(make: Any, code: Any) -> None:
    """Before the chart is read, too: that a Condition is not known yet rules out nothing."""
    because = {"reasonReference": [{"reference": "Condition/pht"}]}
    draft = make(**because, **({"side": None} if make is service else {}))
    records = [pht(code=code), LOADED, *given(300, 200, 100)]
    for hook in ("order-sign", "order-select"):
        decision = sign(
            records, draft, hook=hook, selections=[f"{draft['resourceType']}/{draft['id']}"]
        )
        assert not decision.silence
        assert "critical" in [card["indicator"] for card in decision.cards]


@pytest.mark.parametrize(
    "draft",
    [
        medicine(drug=PREDNISONE),
        medicine(dosageInstruction=[{"route": concept((SCT, "78421000"))}]),
        medicine(dosageInstruction=[{"route": concept((SCT, "26643006"))}]),
        medicine(dosageInstruction=[{"route": concept((SCT, "1"), display="Epidural route")}]),
        medicine(dosageInstruction=[{"route": {"text": "IM"}}]),
        medicine(dosageInstruction=[{"site": {"text": "Left shoulder"}}]),
        medicine(dosageInstruction=[{"site": concept((SCT, "72696002"))}]),
        medicine(reasonCode=[concept((ICD, "M17.11"))]),
        medicine(drug=(RXNORM, "161")),
    ],
)
def test_oral_and_intramuscular_steroids_are_no_local_injection(draft: Any) -> None:
    assert ordered([*LEFT, *given(300, 200, 100)], draft) == []


def test_a_drug_drafted_beside_an_injection_of_the_knee_is_for_the_knee() -> None:
    records = [*LEFT, *given(300, 200, 100)]
    knee = [concept((SCT, "72696002"))]
    joint = service("k", bodySite=knee) | {"code": concept((CPT, "20610"))}
    assert of(COUNT, records, medicine()) == ["critical"]
    assert of(COUNT, records, medicine(), joint) == []
    assert of(COUNT, records, medicine(), service("k", bodySite=knee)) == []
    assert of(COUNT, records, medicine(), joint, service()) == ["critical"]
    sited = medicine(dosageInstruction=[{"site": origin("left")}])
    assert of(COUNT, records, sited, joint) == ["critical"]


@pytest.mark.parametrize("placed", [False, True])
def test_an_injection_that_carries_out_the_order_is_not_prior_to_it(placed: bool) -> None:
    """Signed after the act, as is usual. An order placed before may have led to several."""
    done = injection("now", ago(0), basedOn=[{"reference": "ServiceRequest/d1"}])
    records = [*LEFT, *given(300, 200), done]
    draft = service(status="active" if placed else "draft")
    assert of(COUNT, records, draft) == (["critical"] if placed else [])
    if not placed:
        assert ordered(records, draft) == [f"{THIRD} info"]
        made = sign(records, draft).response(explain=True)["extension"]["org.pht-cds.rationale"]
        assert {"reference": "Procedure/now", "reason": "given by the order being signed"} in made[
            "leftOut"
        ]
        assert of(COUNT, records, service("d2")) == ["critical"]


def test_of_injections_that_name_the_order_as_many_as_it_orders_carry_it_out() -> None:
    by_order = {"basedOn": [{"reference": "MedicationRequest/m1"}]}
    done = [injection("a", ago(60), **by_order), injection("b", ago(1), **by_order)]
    draft = medicine(dosageInstruction=[{"site": origin("left")}])
    assert of(THIRD, [*LEFT, *given(300), *done], draft) == ["info"]
    again = {**draft, "dispenseRequest": {"numberOfRepeatsAllowed": 1}}
    assert ordered([*LEFT, *given(300), *done], again) == []
    assert ordered([*LEFT, *given(300), *done], service(), draft) == [f"{THIRD} info"]


# --- steroid-third-injection ---


@pytest.mark.parametrize(
    ("days", "expected"),
    [((), []), ((300,), []), ((300, 200), ["info"]), ((800, 200), ["info"]), ((300, 200, 100), [])],
)
def test_the_third_injection_is_the_last(days: tuple[int, ...], expected: Any) -> None:
    assert of(THIRD, [*LEFT, *given(*days)], service()) == expected


def test_the_third_injection_names_the_interval_and_what_is_only_possible() -> None:
    made = card(THIRD, sign([*LEFT, *given(300, 200)], service()))
    assert "100 days between" in made["detail"]
    assert made["summary"] == (
        "This would be steroid injection 3 at the left hamstring origin,"
        " the last within the 2-3 limit"
    )


def test_possible_records_do_not_make_a_third() -> None:
    assert of(THIRD, [*LEFT, *given(300), injection("x", None)], service()) == []


def test_bilateral_disease_and_no_side_holds_the_third_back() -> None:
    made = sign([*BOTH, *given(300, 200)], service(side=None))
    assert THIRD not in made.rules
    assert THIRD in {one["rule"] for one in made.unjudged()}


# --- steroid-interval ---


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (2, ["under-4-weeks warning"]),
        (27, ["under-4-weeks warning"]),
        (28, ["4-to-6-weeks info"]),
        (41, ["4-to-6-weeks info"]),
        (42, []),
    ],
)
def test_the_interval_is_four_to_six_weeks(days: int, expected: list[str]) -> None:
    assert of(INTERVAL, [*LEFT, *given(days)], service()) == expected


@pytest.mark.parametrize(
    ("occurrence", "expected"),
    [
        ({"occurrenceDateTime": ahead(7)}, ["under-4-weeks warning"]),
        ({"occurrenceDateTime": ahead(8)}, ["4-to-6-weeks info"]),
        ({"occurrenceDateTime": ahead(22)}, []),
        ({"occurrenceDateTime": "2026-06-23T09:00:00Z"}, ["4-to-6-weeks info"]),
        ({"occurrencePeriod": {"start": ahead(22)}}, []),
        ({"occurrenceTiming": {"event": [ahead(22)]}}, []),
        ({"occurrenceDateTime": ago(100)}, ["under-4-weeks warning"]),
        ({"occurrenceDateTime": "soon"}, ["under-4-weeks warning"]),
        ({"occurrenceDateTime": "2026-07"}, ["4-to-6-weeks info"]),
        ({"occurrenceDateTime": "2026"}, ["imprecise-date info"]),
        ({"occurrenceTiming": {"event": 5}}, ["under-4-weeks warning"]),
    ],
    ids=str,
)
def test_the_interval_is_measured_on_the_planned_day(occurrence: Any, expected: Any) -> None:
    assert of(INTERVAL, [*LEFT, *given(20)], service(**occurrence)) == expected


def test_the_drug_tells_its_day_too() -> None:
    line = {"site": origin("left"), "timing": {"event": [ahead(22)]}}
    assert of(INTERVAL, [*LEFT, *given(20)], medicine(dosageInstruction=[line])) == []
    assert of(INTERVAL, [*LEFT, *given(20)], service(), medicine(dosageInstruction=[line])) == []


@pytest.mark.parametrize(
    ("month", "expected"),
    [("2026-05", ["imprecise-date info"]), ("2026-04", []), ("2026-06", ["under-4-weeks warning"])],
)
def test_a_month_is_an_interval(month: str, expected: list[str]) -> None:
    """15 June less 1 to 31 May is 15 to 45 days, less April 46 to 75."""
    assert of(INTERVAL, [*LEFT, injection("i", month)], service()) == expected


def test_a_range_over_42_days_that_is_at_least_28_is_four_to_six_weeks() -> None:
    planned = service(occurrenceDateTime="2026-07-01")
    assert of(INTERVAL, [*LEFT, injection("i", "2026-05")], planned) == ["4-to-6-weeks info"]


def test_possible_injections_and_those_of_the_other_side_have_no_interval() -> None:
    told = statement("s", ago(10), informationSource={"reference": "Patient/p1"})
    assert of(INTERVAL, [*LEFT, told], service()) == []
    assert of(INTERVAL, [*LEFT, *given(10, side="right")], service()) == []


def test_the_interval_yields_to_the_count() -> None:
    found = ordered([*LEFT, *given(300, 200, 10)], service())
    assert found == ["steroid-count-limit critical"]
    detail = card(COUNT, sign([*LEFT, *given(300, 200, 10)], service()))["detail"]
    assert "10 days before the planned day" in detail


def test_without_a_side_the_interval_is_certain_only_when_both_are_too_close() -> None:
    one = [*BOTH, *given(10)]
    assert of(INTERVAL, one, service(side=None)) == ["under-4-weeks info"]
    two = [*one, *given(12, side="right", name="r")]
    assert of(INTERVAL, two, service(side=None)) == ["under-4-weeks warning"] * 2


def test_moving_the_order_keeps_the_whole_of_it() -> None:
    draft = service(
        occurrencePeriod={"start": ahead(1), "end": ahead(2)},
        priority="urgent",
        note=[{"text": "n"}],
    )
    made = card(INTERVAL, sign([*LEFT, *given(20)], draft))
    moved, removed = made["suggestions"]
    kept = {k: v for k, v in draft.items() if k != "occurrencePeriod"}
    assert moved["actions"][0]["resource"] == {**kept, "occurrenceDateTime": ahead(22)}
    assert [a["resourceId"] for a in removed["actions"]] == ["ServiceRequest/d1"]
    assert f"from {ahead(8)} (4 weeks), {ahead(22)} (6 weeks)" in made["detail"].replace("\\", "")


# --- steroid-too-early ---


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, ["under-4-weeks warning"]), (27, ["under-4-weeks warning"]), (28, []), (300, [])],
)
def test_four_weeks_of_loading_come_first(days: int, expected: list[str]) -> None:
    assert of(EARLY, [pht(), loading(since=days)], service()) == expected


@pytest.mark.parametrize(
    ("since", "planned", "expected"),
    [(20, 7, ["under-4-weeks warning"]), (20, 8, []), (0, 28, [])],
)
def test_loading_goes_on_until_the_planned_day(since: int, planned: int, expected: Any) -> None:
    draft = service(occurrenceDateTime=ahead(planned))
    assert of(EARLY, [pht(), loading(since=since)], draft) == expected


def test_a_planned_month_is_as_uncertain_as_a_start_in_a_month() -> None:
    assert of(EARLY, [pht(), loading(since=5)], service(occurrenceDateTime="2026-07")) == [
        "imprecise-date info"
    ]
    month = loading(performedPeriod={"start": "2026-05"})
    assert of(EARLY, [pht(), month], service()) == ["imprecise-date info"]


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        (27, "under-4-weeks warning"),
        (28, "no-conservative-care-documented info"),
        (None, "no-conservative-care-documented info"),
    ],
)
def test_without_loading_the_onset_decides(onset: int | None, expected: str) -> None:
    day = None if onset is None else ago(onset)
    assert of(EARLY, [pht(onsetDateTime=day, recordedDate=day)], service()) == [expected]


def test_physiotherapy_of_unknown_content_is_silent() -> None:
    course = procedure("e", concept((CPT, "97110")), ago(10))
    assert of(EARLY, [pht(), course], service()) == []


def test_what_cannot_be_read_may_be_loading() -> None:
    broken = loading(status=["in-progress"])
    made = sign([pht(), broken], service())
    assert EARLY not in made.rules
    assert EARLY in {one["rule"] for one in made.unjudged()}


def test_too_early_needs_active_disease_on_that_side() -> None:
    assert of(EARLY, [pht()], service(side="right")) == []
    assert of(EARLY, [pht(clinicalStatus=RESOLVED, abatementDateTime=ago(5))], service()) == []


def test_too_early_yields_to_the_count() -> None:
    assert ordered([pht(), *given(300, 200, 100)], service()) == ["steroid-count-limit critical"]


def test_too_early_moves_the_order_only_while_loading_goes_on() -> None:
    made = card(EARLY, sign([pht(), loading(since=20)], service()))
    assert changed(made)[0]["occurrenceDateTime"] == ahead(8)
    ended = loading(status="completed", performedPeriod={"start": ago(20), "end": ago(10)})
    assert changed(card(EARLY, sign([pht(), ended], service()))) == []
    assert changed(card(EARLY, sign([pht()], service()))) == []


def test_without_a_side_too_early_speaks_once_and_lower_for_one_side() -> None:
    both = [pht("l", "left"), pht("r", "right")]
    assert of(EARLY, both, service(side=None)) == ["no-conservative-care-documented info"]
    one = [*both, loading(since=100), loading("right", 10, "right")]
    assert of(EARLY, one, service(side=None)) == ["under-4-weeks info"]


# --- steroid-with-tendon-tear ---


def tear(code: dict[str, Any], side: str | None = "left", **more: Any) -> dict[str, Any]:
    made = {"code": code, "bodySite": [origin(side)] if side is not None else None}
    return resource("Condition", "tear", **{**made, "recordedDate": ago(9), **more})


@pytest.mark.parametrize(
    "code",
    [
        local("complete-avulsion"),
        local("high-grade-tear"),
        concept((ICD, "S32.612A")),
        concept((ICD, "S32.612D")),
        concept((ICD, "M66.352")),
        concept((SCT, "321551000119102")),
        concept((ICD, "M66.852"), text="Hamstring tendon rupture"),
    ],
)
def test_a_tear_of_the_origin_speaks_against_a_steroid(code: dict[str, Any]) -> None:
    side = None if code["coding"][0]["system"] == ICD else "left"
    assert of(TEAR, [*LEFT, tear(code, side)], service()) == ["critical"]
    assert of(TEAR, [*LEFT, tear(code, side)], service(side="right")) == []


@pytest.mark.parametrize(
    "condition",
    [
        tear(concept((ICD, "S32.612S")), None),
        tear(concept((ICD, "M66.852")), None),
        tear(concept((ICD, "S76.312A"))),
        tear(local("complete-avulsion"), verificationStatus=concept((VERIFIED, "refuted"))),
        tear(local("complete-avulsion"), clinicalStatus=RESOLVED),
        tear(local("complete-avulsion"), abatementDateTime=ago(3)),
        tear(local("complete-avulsion"), "right"),
    ],
)
def test_what_is_no_standing_tear_of_this_side(condition: dict[str, Any]) -> None:
    assert of(TEAR, [*LEFT, condition], service()) == []


def test_a_tear_of_unknown_side_counts_and_uncertain_orders_speak_lower() -> None:
    torn = [*LEFT, tear(local("complete-avulsion"), None)]
    assert of(TEAR, torn, service()) == ["critical"]
    vague = service(code="x") | {"code": concept((CPT, "20551"))}
    assert of(TEAR, torn, vague) == ["warning"]


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [(ago(365), ["critical"]), (ago(366), []), ("2025", ["warning"]), (None, ["warning"])],
)
def test_a_tear_told_at_a_visit_counts_as_long_as_a_visit_does(
    recorded: str | None, expected: list[str]
) -> None:
    told = tear(local("complete-avulsion"), **VISIT, recordedDate=recorded)
    assert of(TEAR, [*LEFT, told], service()) == expected
    active = {**told, "clinicalStatus": concept((CLINICAL, "active"))}
    assert of(TEAR, [*LEFT, active], service()) == ["critical"]
    because = service(reasonReference=[{"reference": "Condition/tear"}])
    assert of(TEAR, [*LEFT, told], because) == ["critical"]
    assert of(TEAR, [*LEFT, told], service(side=None), medicine()) == expected


def test_an_injection_because_of_the_tear_is_at_the_tear() -> None:
    """The reason names another disease than PHT, at the same place (G5: 'there or at PHT')."""
    torn = [*LEFT, tear(local("complete-avulsion"))]
    named = service(side=None, reasonReference=[{"reference": "Condition/tear"}])
    coded = service(side=None, reasonCode=[local("high-grade-tear")])
    assert of(TEAR, torn, named) == ["critical"]
    assert of(TEAR, torn, coded) == ["critical"]


def test_the_tear_card_says_where_it_comes_from_and_refers_urgently() -> None:
    made = card(TEAR, sign([*LEFT, tear(local("complete-avulsion"))], service()))
    assert EXTERNAL in made["detail"]
    assert [r.get("priority") for r in changed(made, "create")] == ["urgent", "routine"]
    assert changed(made, "delete") == ["ServiceRequest/d1"]


# --- prp-awb-evidence ---


@pytest.mark.parametrize("code", ["prp-injection", "awb-injection"])
def test_what_is_known_of_prp_is_said_once_an_order(code: str) -> None:
    assert ordered(LEFT, service(code=code)) == ["prp-awb-evidence info"]
    assert ordered(LEFT, service(code=code, side=None)) == ["prp-awb-evidence info"]
    two = ordered(LEFT, service(code=code), service("d2", code))
    assert two == ["prp-awb-evidence info"] * 2


@pytest.mark.parametrize(
    "elements",
    [
        {"bodySite": [concept((SCT, "16982005"))]},
        {"bodySite": None, "reasonCode": [concept((ICD, "M77.11"))]},
        {"bodySite": [{"text": "Right elbow"}]},
    ],
)
def test_prp_of_another_site(elements: dict[str, Any]) -> None:
    assert ordered(LEFT, service(code="prp-injection", **elements)) == []


def test_prp_without_a_site_needs_active_disease() -> None:
    over = [pht(clinicalStatus=RESOLVED, abatementDateTime=ago(5))]
    assert ordered(over, service(code="prp-injection", side=None)) == []
    assert ordered(over, service(code="prp-injection", bodySite=[concept((SCT, "61396006"))])) == []
    assert ordered(over, service(code="prp-injection")) == ["prp-awb-evidence info"]


def test_prp_names_the_stage_where_it_is_known() -> None:
    made = card(PRP, sign([pht(), loading(since=70)], service(code="prp-injection")))
    assert "this patient is at 70 days" in made["detail"]
    assert changed(made, "create") == []
    without = card(PRP, sign([pht()], service(code="prp-injection")))
    assert "this patient is at" not in without["detail"]
    assert len(changed(without, "create")) == 1


# --- eswt-caution ---

SHOCK = service(code="eswt")
SUSPECTED = resource("Condition", "c", code=local("suspected-malignancy"))
PREGNANT = resource("Condition", "c", code=concept((SCT, "77386006")), recordedDate=ago(40))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (PREGNANT, ["warning"]),
        ({**PREGNANT, "recordedDate": ago(300)}, ["warning"]),
        ({**PREGNANT, "recordedDate": ago(301)}, []),
        ({**PREGNANT, "clinicalStatus": RESOLVED}, []),
        (prescription("w", ago(30), WARFARIN), ["warning"]),
        (prescription("w", ago(30), WARFARIN, status="completed"), []),
        (SUSPECTED, ["warning"]),
        ({**SUSPECTED, **VISIT, "recordedDate": ago(365)}, ["warning"]),
        ({**SUSPECTED, **VISIT, "recordedDate": ago(366)}, []),
        ({**SUSPECTED, **VISIT}, ["info"]),
    ],
)
def test_what_speaks_against_shockwave(record: dict[str, Any], expected: list[str]) -> None:
    assert of(ESWT, [*LEFT, record], SHOCK) == expected


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2008-06-15", []),
        ("2008-06-16", ["warning"]),
        ("2008", ["info"]),
        ("2007", []),
        (None, []),
    ],
)
def test_an_open_growth_plate(born: str | None, expected: list[str]) -> None:
    assert of(ESWT, LEFT, SHOCK, person=patient(birthDate=born)) == expected


def test_shockwave_elsewhere_or_without_caution_is_silent() -> None:
    assert ordered(LEFT, SHOCK) == []
    heel = service(code="eswt", bodySite=[concept((SCT, "61352006"))])
    assert ordered([*LEFT, PREGNANT], heel) == []


def test_medicines_that_could_not_be_obtained_leave_the_question_open() -> None:
    from tests.strategies import chart

    sent = chart(*LEFT)
    del sent["medicationRequests"], sent["medicationStatements"]
    made = sign([], SHOCK, prefetch=sent)
    assert made.cards == []
    assert ESWT in {one["rule"] for one in made.unjudged()}


def test_the_shockwave_card_tells_absolute_from_relative() -> None:
    made = card(ESWT, sign([*LEFT, PREGNANT, prescription("w", ago(30), WARFARIN)], SHOCK))
    assert "Absolute contraindication: pregnancy" in made["detail"]
    assert "Relative contraindication: warfarin" in made["detail"]
    assert changed(made, "delete") == ["ServiceRequest/d1"]


def test_every_summary_keeps_to_its_length() -> None:
    everything = [
        *LEFT,
        PREGNANT,
        resource("Condition", "m", code=local("suspected-malignancy")),
        prescription("w", ago(30), WARFARIN),
    ]
    assert all(len(one["summary"]) < 140 for one in sign(everything, SHOCK).cards)


# --- order-select ---


def test_order_select_judges_only_what_is_selected() -> None:
    records = [*LEFT, *given(300, 200, 100)]
    two = (service(), service("d2", "prp-injection"))
    chosen = ordered(records, *two, hook="order-select", selections=["ServiceRequest/d2"])
    assert chosen == ["prp-awb-evidence info"]
    both = ordered(records, *two, hook="order-select")
    assert both == ["steroid-count-limit critical", "prp-awb-evidence info"]
    assert ordered(records, *two, hook="order-select", selections=[]) == []


def test_kenalog_is_the_product_these_tests_order() -> None:
    assert KENALOG[0] == RXNORM
