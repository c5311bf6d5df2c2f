"""Tolerance: only what is needed must be sound, and a fault is a path, never a crash."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.errors import CdsError, DataUnavailable
from cds_service.fhir.sound import sound
from tests.strategies import (
    CLINICAL,
    CPT,
    ICD,
    LOINC,
    SCT,
    VERIFIED,
    WARFARIN,
    administration,
    ago,
    chart,
    concept,
    facts,
    injection,
    judge,
    judged,
    loading,
    local,
    origin,
    patient,
    pht,
    prescription,
    procedure,
    referral,
    resource,
    score,
    shown,
    statement,
)

OVERDUE = ["surgical-referral-overdue warning"]


@pytest.mark.parametrize(
    "elements",
    [
        {"text": {"status": "odd", "div": 5}},
        {"extension": "none"},
        {"proprietaryField": {"a": 1}},
        {"note": "free text"},
        {"meta": {"profile": 5}},
        {"performer": "Dr X"},
        {"bodySite": [{**origin("left"), "vendorField": 1}]},
    ],
)
def test_oddities_outside_the_needed_elements_are_nobodys_harm(elements: dict[str, Any]) -> None:
    assert shown(pht(), loading(since=200, **elements)) == OVERDUE


def test_a_time_without_zone_still_names_the_day() -> None:
    assert shown(pht(), loading(performedPeriod={"start": f"{ago(200)}T09:30:00"})) == OVERDUE


def test_the_path_of_a_fault_leads_to_the_element() -> None:
    element = sound("Procedure", {"performedPeriod": {"start": "soon"}}, ("performedPeriod",))
    assert [f.element for f in element.faults] == ["performedPeriod.start"]
    assert element.get("performedPeriod") is None


def test_a_sound_element_beside_a_broken_one_is_kept() -> None:
    raw = {"status": "completed", "performedDateTime": "soon"}
    element = sound("Procedure", raw, ("status", "performedDateTime"))
    assert element.get("status") == "completed"


def test_reading_changes_nothing_in_what_was_sent() -> None:
    prefetch = chart(pht(bodySite=[{**origin("left"), "x": 1}]), loading(since=200, note="x"))
    before = copy.deepcopy(prefetch)
    judge(prefetch)
    assert prefetch == before


# --- an unreadable Condition that may be PHT: 412 with its path ---


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("clinicalStatus", ["active"]),
        ("verificationStatus", ["confirmed"]),
        ("onsetDateTime", "last year"),
        ("recordedDate", 2025),
        ("bodySite", "left"),
        ("abatementDateTime", {}),
    ],
)
def test_an_unreadable_diagnosis_is_412_with_its_path(element: str, value: Any) -> None:
    with pytest.raises(DataUnavailable) as refused:
        judged(pht(**{element: value}))
    (path,) = refused.value.issues[0].expression
    assert path.startswith("prefetch.conditions.entry[0].resource.")
    assert element in path


@pytest.mark.parametrize("code", ["pht", ["pht"], 5, {"coding": "pht"}, {"text": 5}])
def test_a_code_that_cannot_be_looked_at_may_be_anything(code: Any) -> None:
    with pytest.raises(DataUnavailable):
        judged(resource("Condition", "odd", code=code))


@pytest.mark.parametrize("element", ["clinicalStatus", "onsetDateTime", "recordedDate"])
def test_an_unreadable_diagnosis_of_something_else_is_nobodys_harm(element: str) -> None:
    other = resource("Condition", "other", code=concept((ICD, "I10")), **{element: 5})
    assert shown(pht(), loading(since=200), other) == OVERDUE


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": ICD, "code": "I10"}], "text": None},
        {"coding": {"system": ICD, "code": "I10"}},
    ],
    ids=["null text", "one coding instead of a list"],
)
def test_a_readable_oddity_in_another_diagnosis_does_not_close_the_chart(code: Any) -> None:
    other = resource("Condition", "other", code=code)
    assert shown(pht(), loading(since=200), other) == OVERDUE


# --- two forms of one choice ---


@pytest.mark.parametrize(
    "elements",
    [
        {"verificationStatus": concept((VERIFIED, "refuted"))},
        {"verificationStatus": concept((VERIFIED, "entered-in-error"))},
        {"clinicalStatus": concept((CLINICAL, "resolved"))},
    ],
)
def test_two_onsets_do_not_bring_a_refuted_or_resolved_diagnosis_back(
    elements: dict[str, Any],
) -> None:
    given = [injection(f"i{n}", ago(300 - 50 * n)) for n in range(4)]
    try:
        cards = shown(pht(onsetString="last year", **elements), *given)
    except DataUnavailable:
        cards = []
    assert cards == []


@pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
def test_two_times_do_not_make_an_injection_of_what_was_not_given(status: str) -> None:
    twice = injection("i", ago(50), status=status, performedString="in spring")
    assert facts(pht(), twice).injections == ()


# --- nothing but CdsError, whatever is sent ---

FIRST_DAYS = ["0001", "0001-01-01", "9999", "9999-12-31"]
LAST_INSTANTS = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]


@pytest.mark.parametrize("day", [*FIRST_DAYS, *LAST_INSTANTS])
@pytest.mark.parametrize("where", ["onset", "birth", "injection", "statement", "score"])
def test_a_day_at_the_edge_of_the_calendar_is_no_crash(day: str, where: str) -> None:
    span = {"effectiveDateTime": None, "effectivePeriod": {"start": day, "end": ago(2)}}
    person = patient(birthDate=day) if where == "birth" else patient()
    age = {"value": 50, "unit": "a", "code": "a", "system": "http://unitsofmeasure.org"}
    made = {
        "onset": [pht(onsetDateTime=day)],
        "birth": [pht(onsetDateTime=None, onsetAge=age)],
        "injection": [pht(), injection("i", day), injection("j", "0001-01")],
        "statement": [
            pht(),
            {k: v for k, v in statement("s", None, **span).items() if v is not None},
        ],
        "score": [pht(), loading(), score("s", 3, 5, effectiveDateTime=day)],
    }[where]
    try:
        judged(*made, person=person)
    except CdsError as refused:
        assert refused.status == 412  # noqa: PT017


def rich() -> dict[str, Any]:
    """A chart with every kind of record the service reads."""
    activity = {
        "status": "in-progress",
        "code": concept((CPT, "97110")),
        "scheduledTiming": {"event": [ago(90)], "repeat": {"boundsPeriod": {"start": ago(90)}}},
        "reasonCode": [local("pht")],
    }
    return chart(
        pht(),
        pht("right", "right", onsetDateTime=None, onsetAge={"value": 40, "code": "a"}),
        resource("Condition", "ckd", code=concept((ICD, "N18.4")), onsetPeriod={"start": ago(9)}),
        injection("i1", ago(300), partOf=[{"reference": "Procedure/x"}]),
        injection("i2", "2026-01", reasonReference=[{"reference": "Condition/pht"}]),
        procedure("k", concept((CPT, "20551")), ago(100), reasonCode=[local("pht")]),
        loading(),
        procedure("op", local("hamstring-surgery"), "2020"),
        referral(reasonReference=[{"reference": "Condition/pht"}]),
        administration("a", ago(300), dosage={"route": local("infiltration"), "site": origin()}),
        statement("s", ago(30), dosage=[{"route": local("infiltration"), "site": origin("left")}]),
        prescription("m", ago(60), dispenseRequest={"validityPeriod": {"start": ago(60)}}),
        prescription(
            "w",
            ago(60),
            contained=[{"resourceType": "Medication", "id": "c", "code": concept(WARFARIN)}],
            medicationReference={"reference": "#c"},
        ),
        resource(
            "CarePlan",
            "cp",
            status="active",
            intent="plan",
            addresses=[{"reference": "Condition/pht"}],
            activity=[{"detail": activity}],
        ),
        resource("AllergyIntolerance", "al", code=concept(WARFARIN)),
        score("v", 95, 40, referenceRange=[{"high": {"value": 10}}]),
        resource(
            "Observation",
            "o",
            status="final",
            code={"text": "panel"},
            effectiveDateTime=ago(5),
            component=[{"code": concept((LOINC, "72514-3")), "valueQuantity": {"value": 5}}],
        ),
    )


ODD: list[Any] = [
    *(None, True, 0, -1, 10**30, 1.5e308, "", "x", "2026-13", "2026-02-30T10:00:00", "٢٠٢٦"),
    *([], {}, [None], [[]], ["x"], {"reference": 5}, {"coding": 5}, {"coding": [None]}),
    *({"coding": [{"system": 5, "code": []}]}, {"text": 5}, {"start": 5}, {"value": "x"}),
    *({"start": "2026", "end": "2025"}, {"event": 5}, {"repeat": 5}, {"foo": {"bar": 1}}),
    *({"extension": [{"url": "x", "valueFoo": 1}]}, {"extension": [{"x": 1}]}, "a" * 5000),
    *({"resourceType": "Bundle"}, {"resourceType": "Patient", "id": "p2"}, {"reference": "#"}),
    *({"value": 129.9, "code": "a"}, {"value": 129, "code": "mo"}, concept((SCT, "1"))),
]
ADDED = [
    *("extension", "onsetString", "onsetRange", "performedAge", "performedString", "language"),
    *("effectiveTiming", "abatementAge", "modifierExtension", "_status", "link", "doNotPerform"),
    *("deceasedDateTime", "valueInteger", "fullUrl", "scheduledPeriod", "category", "contained"),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for step, part in value.items():
            yield from places(part, (*path, step))
    if isinstance(value, list):
        for step, part in enumerate(value):
            yield from places(part, (*path, step))


def test_whatever_one_element_holds_the_answer_is_cards_or_a_cds_error() -> None:
    base = rich()
    everywhere = list(places(base))
    chance = random.Random(20260615)
    for _ in range(600):
        prefetch = copy.deepcopy(base)
        *above, last = chance.choice(everywhere)
        parent: Any = prefetch
        for step in above:
            parent = parent[step]
        odd = copy.deepcopy(chance.choice(ODD))
        if isinstance(parent[last], dict) and chance.random() < 0.4:
            parent[last][chance.choice(ADDED)] = odd
        else:
            parent[last] = odd
        try:
            judge(prefetch).response(explain=True)
        except CdsError as refused:
            assert refused.status in (400, 412)  # noqa: PT017
