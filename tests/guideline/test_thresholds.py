"""Every number of the guideline at its boundary: one unit decides.

Each pair of sentences stands on both sides of one number, so that the number moved by one unit
in either direction breaks a test (`make mutate` moves them all).
"""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.guideline.registry import parameters
from cds_service.service import Decision, answer
from hooks import order_sign
from tests.strategies import (
    CATEGORY,
    CLINICAL,
    IBUPROFEN,
    KENALOG,
    SCT,
    SITE,
    TODAY,
    ago,
    chart,
    concept,
    injection,
    judged,
    loading,
    local,
    patient,
    pht,
    prescription,
    procedure,
    referral,
    request,
    resource,
    score,
    statement,
)

LOINC_EGFR = ("http://loinc.org", "98979-8")
ON_TRACK = loading("now", 20)


# --- records ---


def observed(code: str, days: int, value: Any, unit: str = "", **elements: Any) -> dict[str, Any]:
    """An Observation of a local code; a number with its UCUM unit, or yes or no."""
    made: dict[str, Any] = {"status": "final", "code": local(code), "effectiveDateTime": ago(days)}
    if isinstance(value, bool):
        made["valueBoolean"] = value
    else:
        made["valueQuantity"] = quantity(value, unit) if unit else {"value": value}
    return resource("Observation", f"{code}-{days}", **{**made, **elements})


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def egfr(value: float, days: int = 10) -> dict[str, Any]:
    measured = observed("egfr", days, value, "mL/min/{1.73_m2}")
    return {**measured, "code": concept(LOINC_EGFR)}


def disease(code: str, days: int | None = 100, **elements: Any) -> dict[str, Any]:
    made = {"code": concept((SCT, code)), "recordedDate": ago(days) if days is not None else None}
    made["clinicalStatus"] = concept((CLINICAL, "active"))
    return resource("Condition", f"c{code}", **{**made, **elements})


def ibuprofen(milligrams: float, **elements: Any) -> dict[str, Any]:
    """A draft for so many mg once a day."""
    daily = {
        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": quantity(milligrams, "mg")}],
    }
    made = {"status": "draft", "dosageInstruction": [daily]}
    return prescription("draft", None, IBUPROFEN, **{**made, **elements})


def nsaid(identity: str, begun: int, ended: int | None = None, **elements: Any) -> dict[str, Any]:
    """An NSAID prescription whose supply begins and ends so many days ago."""
    period = {"start": ago(begun)} | ({"end": ago(ended)} if ended is not None else {})
    made = {"dispenseRequest": {"validityPeriod": period}}
    return prescription(identity, ago(begun), IBUPROFEN, **{**made, **elements})


def steroid() -> dict[str, Any]:
    return ordered(
        "steroid-injection", bodySite=[{"coding": local("hamstring-origin-left")["coding"]}]
    )


def ordered(code: str, **elements: Any) -> dict[str, Any]:
    made = {"status": "draft", "intent": "order", "code": local(code)}
    return resource("ServiceRequest", "draft", **{**made, **elements})


def given(*days: int) -> list[dict[str, Any]]:
    return [injection(f"i{n}", ago(day)) for n, day in enumerate(days)]


def visa(*pairs: tuple[int, float]) -> list[dict[str, Any]]:
    return [score(f"v{n}", days, value) for n, (days, value) in enumerate(pairs)]


def pain(before: float, after: float) -> list[dict[str, Any]]:
    return [score("a", 200, before, "nrs-activity"), score("b", 5, after, "nrs-activity")]


def aged(years: int) -> dict[str, Any]:
    """Just turned this age."""
    return patient(birthDate=f"{TODAY.year - years}-06-15")


# --- answers ---


def decide(*record: Any, order: Any = None, person: Any = None) -> Decision:
    if order is None:
        return judged(*record, person=person)
    drafts = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    call = request(chart(*record, person=person), draftOrders=drafts)  # type: ignore[arg-type]
    return answer(order_sign.SERVICE, call, today=TODAY, site=SITE)


def cards(*record: Any, order: Any = None, person: Any = None) -> list[str]:
    """'rule variant level' of every card."""
    shown = decide(*record, order=order, person=person).shown
    return [" ".join(filter(None, (o.rule, o.variant, o.indicator))) for o in shown]


def offers(decision: Decision) -> str:
    labels = [one["label"] for card in decision.cards for one in card.get("suggestions", ())]
    return "; ".join(labels).lower()


CHILD = "red-flag-differential under-18 warning"
CONSIDER = "surgical-referral-consider info"
OVERDUE = "surgical-referral-overdue warning"
STEP_UP = "step-up-options info"
NO_LOADING = "loading-programme-missing none-documented info"
PASSIVE = "loading-programme-missing passive-only warning"
LAPSED = "loading-programme-missing lapsed info"
INITIAL = "initial-plan info"
PREMATURE = "return-to-activity-premature warning"
CHECKLIST = "return-to-activity-checklist info"
CLEARANCE = ordered("return-to-activity-clearance")
ALL_MET = {  # five criteria, all met
    "pain-during": (0, ""),
    "pain-after": (0, ""),
    "rom-deficit-deg": (0, "deg"),
    "strength-lsi": (98, "%"),
    "functional-tests-passed": (True, ""),
}


def ready(days: int = 5, **other: Any) -> list[dict[str, Any]]:
    """The five criteria, met but for those given."""
    values = ALL_MET | {name.replace("_", "-"): pair for name, pair in other.items()}
    return [observed(code, days, value, unit) for code, (value, unit) in values.items()]


def diagnosed(days: int) -> dict[str, Any]:
    return pht(onsetDateTime=ago(days), recordedDate=ago(days))


def visit(days: int) -> dict[str, Any]:
    """An encounter diagnosis without a status."""
    category = [concept((CATEGORY, "encounter-diagnosis"))]
    elements = {"onsetDateTime": None, "recordedDate": ago(days), "category": category}
    return pht(clinicalStatus=None, **elements)


#: parameter -> (sentence, record, order, person, expected cards); on each side of the number
CASES: dict[str, list[tuple[str, list[Any], Any, Any, list[str]]]] = {
    "injection-same-days": [
        ("a day apart is one", [pht(), ON_TRACK, *given(300, 200, 100, 99)], None, None,
         ["steroid-overuse limit-reached info"]),
        ("two days apart are two", [pht(), ON_TRACK, *given(300, 200, 100, 98)], None, None,
         ["steroid-overuse over-limit warning"]),
    ],
    "injection-order-days": [
        (f"an order of {days} days before", [
            pht(), ON_TRACK, *given(300, 200),
            statement("told", ago(120), KENALOG, reasonCode=[local("pht")],
                      informationSource={"reference": "Patient/p1"}),
            prescription("o", ago(200 + days), KENALOG, status="completed",
                         reasonCode=[local("pht")]),
        ], None, None, expected)
        for days, expected in ((30, []), (31, ["steroid-overuse uncertain-records info"]))
    ],
    "episode-encounter-diagnosis-days": [
        ("a visit a year ago", [visit(365)], None, None, [NO_LOADING]),
        ("a visit before", [visit(366)], None, None, []),
    ],
    "loading-gap-days": [
        ("a pause of 60 days", [pht(), loading("a", 150, status="completed", performedPeriod={
            "start": ago(150), "end": ago(100)}), loading("b", 40)], None, None, [CONSIDER]),
        ("a pause of 61 days", [pht(), loading("a", 150, status="completed", performedPeriod={
            "start": ago(150), "end": ago(100)}), loading("b", 39)], None, None, []),
    ],
    "population-minimum-age": [
        ("18 is an adult", [pht(), loading(since=200)], None, aged(18), [OVERDUE]),
        ("17 is not", [pht(), loading(since=200)], None, aged(17), [CHILD]),
        ("no caution for shockwave at 18", [pht(), ON_TRACK], ordered("eswt"), aged(18), []),
        ("but at 17", [pht(), ON_TRACK], ordered("eswt"), aged(17), ["eswt-caution warning"]),
    ],
    "improvement-visa-h": [
        ("13 points", [pht(), loading(since=200), *visa((200, 40), (5, 53))], None, None, []),
        ("12 points", [pht(), loading(since=200), *visa((200, 40), (5, 52))], None, None,
         [OVERDUE]),
    ],
    "improvement-pain-points": [
        ("2 points, a third", [pht(), loading(since=200), *pain(6, 4)], None, None, []),
        ("1 point, a third", [pht(), loading(since=200), *pain(3, 2)], None, None, [OVERDUE]),
    ],
    "improvement-pain-fraction": [
        ("30 %", [pht(), loading(since=200), *pain(10, 7)], None, None, []),
        ("29.5 %", [pht(), loading(since=200), *pain(10, 7.05)], None, None, [OVERDUE]),
    ],
    "improvement-baseline-days": [
        ("a score 28 days before loading is the baseline", [
            pht(), loading(since=200), *visa((300, 20), (228, 50), (5, 55))], None, None,
         [OVERDUE]),
        ("one of 29 days before is not: the first is", [
            pht(), loading(since=200), *visa((300, 20), (229, 50), (5, 55))], None, None, []),
    ],
    "improvement-latest-days": [
        ("of 42 days ago", [pht(), loading(since=200), *visa((200, 40), (42, 60))], None, None, []),
        ("of 43 days ago", [pht(), loading(since=200), *visa((200, 40), (43, 60))], None, None,
         [OVERDUE]),
    ],
    "referral-physio-days": [
        ("42 days", [pht(), referral(code="physio-referral", days=42)], None, None, []),
        ("43 days", [pht(), referral(code="physio-referral", days=43)], None, None, [NO_LOADING]),
    ],
    "referral-completed-days": [
        ("a year", [pht(), loading(since=200), referral(days=365, status="completed")], None, None,
         []),
        ("more", [pht(), loading(since=200), referral(days=366, status="completed")], None, None,
         [OVERDUE]),
    ],
    "surgery-consider-days": [
        ("89 days", [pht(), loading(since=89)], None, None, [STEP_UP]),
        ("90 days", [pht(), loading(since=90)], None, None, [CONSIDER]),
    ],
    "surgery-overdue-after-days": [
        ("180 days", [pht(), loading(since=180)], None, None, [CONSIDER]),
        ("181 days", [pht(), loading(since=181)], None, None, [OVERDUE]),
    ],
    "phase-initial-days": [
        ("27 days", [diagnosed(27)], None, None, [INITIAL]),
        ("28 days", [diagnosed(28)], None, None, [NO_LOADING]),
    ],
    "steroid-max": [
        ("two given", [pht(), ON_TRACK, *given(300, 200)], None, None, []),
        ("three given", [pht(), ON_TRACK, *given(300, 200, 100)], None, None,
         ["steroid-overuse limit-reached info"]),
        ("four given", [pht(), ON_TRACK, *given(350, 300, 200, 100)], None, None,
         ["steroid-overuse over-limit warning"]),
        ("a second", [pht(), loading(), *given(300)], steroid(), None, []),
        ("a third", [pht(), loading(), *given(300, 200)], steroid(), None,
         ["steroid-third-injection info"]),
        ("a fourth", [pht(), loading(), *given(300, 200, 100)], steroid(), None,
         ["steroid-count-limit critical"]),
    ],
    "steroid-interval-minimum": [
        ("27 days", [pht(), loading(), *given(27)], steroid(), None,
         ["steroid-interval under-4-weeks warning"]),
        ("28 days", [pht(), loading(), *given(28)], steroid(), None,
         ["steroid-interval 4-to-6-weeks info"]),
        ("given 27 days apart", [pht(), ON_TRACK, *given(127, 100)], None, None,
         ["steroid-overuse too-close warning"]),
        ("given 28 days apart", [pht(), ON_TRACK, *given(128, 100)], None, None, []),
    ],
    "steroid-interval-preferred": [
        ("41 days", [pht(), loading(), *given(41)], steroid(), None,
         ["steroid-interval 4-to-6-weeks info"]),
        ("42 days", [pht(), loading(), *given(42)], steroid(), None, []),
    ],
    "steroid-recent-days": [
        ("a year", [pht(onsetDateTime=ago(600)), ON_TRACK, *given(392, 365)], None, None,
         ["steroid-overuse too-close warning"]),
        ("more", [pht(onsetDateTime=ago(600)), ON_TRACK, *given(393, 366)], None, None, []),
    ],
    "steroid-early-days": [
        ("27 days of loading", [pht(), loading(since=27)], steroid(), None,
         ["steroid-too-early under-4-weeks warning"]),
        ("28 days of loading", [pht(), loading(since=28)], steroid(), None, []),
    ],
    "nsaid-egfr-caution": [
        ("59", [pht(), egfr(59)], ibuprofen(1200), None, ["nsaid-caution warning"]),
        ("60", [pht(), egfr(60)], ibuprofen(1200), None, []),
    ],
    "nsaid-egfr-critical": [
        ("29", [pht(), egfr(29)], ibuprofen(1200), None, ["nsaid-caution egfr-under-30 critical"]),
        ("30", [pht(), egfr(30)], ibuprofen(1200), None, ["nsaid-caution warning"]),
    ],
    "nsaid-egfr-days": [
        ("a year", [pht(), egfr(50, 365)], ibuprofen(1200), None, ["nsaid-caution warning"]),
        ("more", [pht(), egfr(50, 366)], ibuprofen(1200), None, []),
    ],
    "nsaid-pregnancy-days": [
        ("300 days", [pht(), disease("77386006", 300)], ibuprofen(1200), None,
         ["nsaid-caution warning"]),
        ("301 days", [pht(), disease("77386006", 301)], ibuprofen(1200), None, []),
    ],
    "ibuprofen-ceiling": [
        ("2400 mg", [pht()], ibuprofen(2400), None, []),
        ("2401 mg", [pht()], ibuprofen(2401), None, ["nsaid-dose-over-limit over-2400 warning"]),
    ],
    "ibuprofen-maximum": [
        ("3200 mg", [pht()], ibuprofen(3200), None, ["nsaid-dose-over-limit over-2400 warning"]),
        ("3201 mg", [pht()], ibuprofen(3201), None, ["nsaid-dose-over-limit over-3200 critical"]),
    ],
    "ibuprofen-high-dose": [
        ("2399 mg", [pht(), disease("22298006")], ibuprofen(2399), None, []),
        ("2400 mg", [pht(), disease("22298006")], ibuprofen(2400), None,
         ["nsaid-caution cv-disease-ge-2400 warning"]),
    ],
    "nsaid-long-days": [
        ("28 days", [pht(), ON_TRACK, nsaid("n", 28)], None, None, []),
        ("29 days", [pht(), ON_TRACK, nsaid("n", 29)], None, None, ["nsaid-long-term info"]),
    ],
    "nsaid-gap-days": [
        ("a gap of 7 days", [pht(), ON_TRACK, nsaid("a", 60, 27), nsaid("b", 20)], None, None,
         ["nsaid-long-term info"]),
        ("a gap of 8 days", [pht(), ON_TRACK, nsaid("a", 60, 28), nsaid("b", 20)], None, None, []),
        ("ended 7 days ago", [pht(), ON_TRACK, nsaid("n", 60, 7)], None, None,
         ["nsaid-long-term info"]),
        ("ended 8 days ago", [pht(), ON_TRACK, nsaid("n", 60, 8)], None, None, []),
    ],
    "loading-passive-days": [
        ("27 days", [pht(), procedure("m", local("massage"), ago(27))], None, None, [NO_LOADING]),
        ("28 days", [pht(), procedure("m", local("massage"), ago(28))], None, None, [PASSIVE]),
    ],
    "loading-lapsed-under-days": [
        (f"{days} days of loading", [pht(), loading("a", 71 + days, status="completed",
         performedPeriod={"start": ago(71 + days), "end": ago(71)})], None, None, expected)
        for days, expected in ((89, [LAPSED]), (90, [CONSIDER]))
    ] + [
        (f"{days} days of loading, referred", [pht(), referral(days=10), loading("a", 71 + days,
         status="completed", performedPeriod={"start": ago(71 + days), "end": ago(71)})], None,
         None, expected)
        for days, expected in ((89, [LAPSED]), (90, []))
    ],
    "load-management-days": [
        ("42 days", [pht(), ON_TRACK, observed("continues-aggravating-activity", 42, True)], None,
         None, ["load-management-missing info"]),
        ("43 days", [pht(), ON_TRACK, observed("continues-aggravating-activity", 43, True)], None,
         None, []),
    ],
    "step-up-from-days": [
        ("27 days", [pht(), loading(since=27), *visa((27, 40), (1, 45))], None, None, []),
        ("28 days", [pht(), loading(since=28), *visa((28, 40), (1, 45))], None, None, [STEP_UP]),
    ],
    "step-up-unknown-from-days": [
        ("55 days", [pht(), loading(since=55)], None, None, []),
        ("56 days", [pht(), loading(since=56)], None, None, [STEP_UP]),
    ],
    "return-recent-days": [
        ("28 days", [pht(), ON_TRACK, *ready(28, pain_during=(1, ""))], CLEARANCE, None,
         [PREMATURE]),
        ("29 days", [pht(), ON_TRACK, *ready(29, pain_during=(1, ""))], CLEARANCE, None,
         [CHECKLIST]),
    ],
    "return-rom-tolerance": [
        ("5 degrees", [pht(), ON_TRACK, *ready(rom_deficit_deg=(5, "deg"))], CLEARANCE, None, []),
        ("6 degrees", [pht(), ON_TRACK, *ready(rom_deficit_deg=(6, "deg"))], CLEARANCE, None,
         [PREMATURE]),
    ],
    "return-strength-symmetry": [
        ("90 %", [pht(), ON_TRACK, *ready(strength_lsi=(90, "%"))], CLEARANCE, None, [PREMATURE]),
        ("91 %", [pht(), ON_TRACK, *ready(strength_lsi=(91, "%"))], CLEARANCE, None, []),
    ],
    "red-flag-observed-days": [
        ("a year", [pht(), ON_TRACK, observed("neuro-deficit", 365, True)], None, None,
         ["red-flag-differential warning"]),
        ("more", [pht(), ON_TRACK, observed("neuro-deficit", 366, True)], None, None, []),
    ],
}  # fmt: skip
#: tested below in words of their own
BY_WORDS = {"nsaid-cautious-age", "step-up-prp-from-days", "budget-cards"}


@pytest.mark.parametrize(
    ("record", "order", "person", "expected"),
    [
        pytest.param(*case, id=f"{name}: {sentence}")
        for name, cases in CASES.items()
        for sentence, *case in cases
    ],
)
def test_one_unit_decides(record: Any, order: Any, person: Any, expected: list[str]) -> None:
    assert cards(*record, order=order, person=person) == expected


def test_every_number_stands_here() -> None:
    assert {*CASES, *BY_WORDS} == set(parameters())


@pytest.mark.parametrize(("age", "offered"), [(64, True), (65, False)])
def test_nsaid_cautious_age_ibuprofen_without_an_egfr_is_offered_under_65(
    age: int, offered: bool
) -> None:
    new = decide(diagnosed(10), person=aged(age))
    assert ("ibuprofen" in offers(new)) == offered


@pytest.mark.parametrize(("days", "named"), [(55, False), (56, True)])
def test_step_up_prp_is_named_from_day_56(days: int, named: bool) -> None:
    (card,) = decide(pht(), loading(since=days), *visa((days, 40), (1, 45))).cards
    assert ("platelet" in card["detail"].lower()) == named


def test_budget_three_cards_are_shown_and_the_fourth_is_told() -> None:
    right = [injection(f"r{n}", ago(day), "right") for n, day in enumerate((350, 300, 200, 100))]
    both = (pht("l", "left"), pht("r", "right"), nsaid("n", 60))
    decision = decide(*both, loading(since=200), *given(350, 300, 200, 100), *right)
    assert len(decision.shown) == 3
    assert "more than 3 cards" in {held.reason for held in decision.withheld}


@pytest.mark.parametrize(("days", "offered"), [(89, False), (90, True)])
def test_a_surgical_opinion_is_offered_with_a_third_injection_from_day_90(
    days: int, offered: bool
) -> None:
    third = decide(pht(), loading(since=days), *given(300, 200), order=steroid())
    assert third.rules == ("steroid-third-injection",)
    assert ("surgical" in offers(third)) == offered


# --- rules without a number of their own ---


def test_steroid_with_tendon_tear_speaks_of_a_torn_tendon_and_of_no_other() -> None:
    torn = resource("Condition", "t", code=local("complete-avulsion"), recordedDate=ago(3))
    tear = "steroid-with-tendon-tear critical"
    assert tear in cards(pht(), loading(), torn, order=steroid())
    assert tear not in cards(pht(), loading(), order=steroid())


@pytest.mark.parametrize("code", ["prp-injection", "awb-injection"])
def test_prp_awb_evidence_is_told_with_every_such_order(code: str) -> None:
    assert cards(pht(), loading(), order=ordered(code)) == ["prp-awb-evidence info"]
