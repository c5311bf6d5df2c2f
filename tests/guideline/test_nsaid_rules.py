"""The NSAID rules: doses, length, cautions, and what is offered instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.orders import card, changed, dosage, ibuprofen, medicine, mg, of, ordered, service, sign
from tests.strategies import (
    CLINICAL,
    IBUPROFEN,
    ICD,
    LOINC,
    RXNORM,
    SCT,
    SITE,
    WARFARIN,
    ago,
    chart,
    concept,
    judged,
    loading,
    patient,
    pht,
    prescription,
    resource,
    statement,
)

DOSE, LONG, CAUTION = "nsaid-dose-over-limit", "nsaid-long-term", "nsaid-caution"
NAPROXEN, NAPROXEN_TABLET, GEL = (RXNORM, "7258"), (RXNORM, "849398"), (RXNORM, "855633")
TABLET_800 = (RXNORM, "197807")
RESOLVED = concept((CLINICAL, "resolved"))
#: a year of loading keeps the pathway quiet at 20 days
LEFT = [pht(), loading(since=20)]


def taking(identity: str, value: float, **more: Any) -> dict[str, Any]:
    """So many mg of ibuprofen once a day, since 3 days."""
    return prescription(identity, ago(3), **{"dosageInstruction": [dosage(value, 1)], **more})


# --- nsaid-dose-over-limit ---


@pytest.mark.parametrize(
    ("daily", "expected"),
    [
        (1200, []),
        (2400, []),
        (2400.5, ["over-2400 warning"]),
        (3200, ["over-2400 warning"]),
        (3200.5, ["over-3200 critical"]),
    ],
)
def test_the_ceiling_of_ibuprofen(daily: float, expected: list[str]) -> None:
    assert of(DOSE, LEFT, ibuprofen(daily, 1)) == expected
    assert of(DOSE, [*LEFT, taking("t", 1000)], ibuprofen(daily - 1000, 1)) == expected


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        (taking("t", 1000), ["over-2400 warning"]),
        (taking("t", 1000, status="completed"), []),
        (taking("t", 1000, status="on-hold"), []),
        (taking("t", 1000, medicationCodeableConcept=concept(NAPROXEN)), []),
        (
            taking("t", 1000, dispenseRequest={"validityPeriod": {"start": ago(9), "end": ago(1)}}),
            [],
        ),
        (
            taking("t", 1000, dosageInstruction=[dosage(1000, 1, route=concept((SCT, "6064005")))]),
            [],
        ),
        (
            statement("t", ago(3), IBUPROFEN, status="active", dosage=[dosage(1000, 1)]),
            ["over-2400 warning"],
        ),
        (taking("m1", 1000), []),
    ],
)
def test_what_is_taken_already_adds_up(running: dict[str, Any], expected: list[str]) -> None:
    """The last one has the id of the draft: it is the draft, as the server stored it."""
    assert of(DOSE, [*LEFT, running], ibuprofen(600)) == expected


def test_one_prescription_told_twice_is_one() -> None:
    told = statement(
        "s", ago(3), IBUPROFEN, status="active", dosage=[dosage(1000, 1)],
        basedOn=[{"reference": "MedicationRequest/t"}],
    )  # fmt: skip
    assert of(DOSE, [*LEFT, taking("t", 1000), told], ibuprofen(400)) == []
    assert of(DOSE, [*LEFT, told], ibuprofen(600)) == ["over-2400 warning"]


def stated(value: float, **more: Any) -> dict[str, Any]:
    return statement("s", ago(3), IBUPROFEN, status="active", dosage=[dosage(value, 1)], **more)


def test_a_statement_derived_from_a_prescription_tells_of_the_same_tablets() -> None:
    told = stated(1200, derivedFrom=[{"reference": "MedicationRequest/t"}])
    assert of(DOSE, [*LEFT, taking("t", 1200), told], ibuprofen(400)) == []


@pytest.mark.parametrize(
    ("prescribed", "told", "ordered", "expected"),
    [
        (800, 800, 800, []),  # 1600 to 2400
        (800, 800.5, 800, ["uncertain-records info"]),
        (1200, 1000, 1000, ["uncertain-records info"]),  # 2200 to 3200
        (1200, 1200, 1200, ["uncertain-records warning"]),  # 2400 to 3600
        (1200, 1200, 1201, ["over-2400 warning"]),
        (1200, 1200, 2001, ["over-3200 critical"]),
    ],
)
def test_a_statement_without_a_link_may_tell_of_the_prescription(
    prescribed: float, told: float, ordered: float, expected: list[str]
) -> None:
    records = [*LEFT, taking("t", prescribed), stated(told)]
    assert of(DOSE, records, ibuprofen(ordered, 1)) == expected


def test_a_total_that_may_count_twice_says_so() -> None:
    made = card(DOSE, sign([*LEFT, taking("t", 1200), stated(1200)], ibuprofen(400)))
    assert made["summary"] == "Ibuprofen total 2400 to 3600 mg/day; source ceiling is 2400 mg/day"
    both = "MedicationStatement/s and MedicationRequest/t"
    assert f"May tell of the same tablets: {both}" in made["detail"]


@pytest.mark.parametrize(
    ("told", "expected"), [(800, []), (1199, []), (1200, ["cv-disease-ge-2400 info"])]
)
def test_a_dose_that_is_only_perhaps_high_lowers_the_caution(
    told: float, expected: list[str]
) -> None:
    heart = resource("Condition", "c", code=concept((ICD, "I21.9")))
    records = [*LEFT, heart, taking("t", 800), stated(told)]
    assert of(CAUTION, records, ibuprofen(400, 1)) == expected


def test_a_renewal_takes_the_place_of_the_old_prescription() -> None:
    prior = {"priorPrescription": {"reference": "MedicationRequest/t"}}
    assert of(DOSE, [*LEFT, taking("t", 2400)], ibuprofen(800)) == ["over-3200 critical"]
    assert of(DOSE, [*LEFT, taking("t", 2400)], ibuprofen(800, **prior)) == []


def test_two_drafts_add_up_and_one_card_speaks_of_both() -> None:
    made = sign(LEFT, ibuprofen(400), ibuprofen(800, identity="m2"))
    assert made.rules == (DOSE,)
    assert made.shown[0].about == ("MedicationRequest/m1", "MedicationRequest/m2")


@pytest.mark.parametrize(
    "draft",
    [
        ibuprofen(3000, 1, dosageInstruction=[{"text": "two or three as needed"}]),
        ibuprofen(3000, 1, dosageInstruction=None),
        ibuprofen(3000, 1, dosageInstruction=[dosage(10, 3, "mL")]),
    ],
)
def test_a_dose_that_cannot_be_computed_is_silent_and_named(draft: dict[str, Any]) -> None:
    made = sign(LEFT, draft)
    assert DOSE not in made.rules
    assert DOSE in {one["rule"] for one in made.unjudged()}


def test_what_is_taken_at_an_unknown_dose_does_not_hide_what_is_ordered() -> None:
    otc = statement("o", ago(9), IBUPROFEN, status="active")
    made = card(DOSE, sign([*LEFT, otc], ibuprofen(900)))
    assert made["summary"] == "Ibuprofen total at least 2700 mg/day; source ceiling is 2400 mg/day"
    assert "MedicationStatement/o" in made["detail"]
    assert changed(made) == []
    quiet = sign([*LEFT, otc], ibuprofen(400))
    assert DOSE not in quiet.rules
    assert DOSE in {one["rule"] for one in quiet.unjudged()}


def test_topical_ibuprofen_other_nsaids_and_no_disease_have_no_ceiling() -> None:
    gel = ibuprofen(3000, 1, dosageInstruction=[dosage(3000, 1, route=concept((SCT, "6064005")))])
    assert of(DOSE, LEFT, gel) == []
    assert of(DOSE, LEFT, medicine(drug=NAPROXEN, dosageInstruction=[dosage(3000, 1)])) == []
    assert of(DOSE, [pht(clinicalStatus=RESOLVED, abatementDateTime=ago(1))], ibuprofen(900)) == []


@pytest.mark.requirement("2.0-132")
def test_the_lower_dose_keeps_the_rest_of_the_order() -> None:
    draft = ibuprofen(900, note=[{"text": "after food"}], dispenseRequest={"quantity": mg(30, "1")})
    made = card(DOSE, sign(LEFT, draft))
    (lowered,) = changed(made)
    assert {k: v for k, v in lowered.items() if k != "dosageInstruction"} == {
        k: v for k, v in draft.items() if k != "dosageInstruction"
    }
    (line,) = lowered["dosageInstruction"]
    assert line["timing"]["repeat"] == {"frequency": 3, "period": 1, "periodUnit": "d"}
    assert line["doseAndRate"][0]["doseQuantity"]["value"] == 400
    assert changed(made, "delete") == []
    assert of(DOSE, LEFT, lowered) == []


@pytest.mark.parametrize(("running", "offered"), [(1200, 1), (1200.5, 0)])
def test_the_lower_dose_is_offered_only_when_the_total_then_is_allowed(
    running: float, offered: int
) -> None:
    made = card(DOSE, sign([*LEFT, taking("t", running)], ibuprofen(900)))
    assert len(changed(made)) == offered
    assert len(changed(made, "delete")) == 1 - offered


def test_a_tablet_that_400_mg_cannot_be_made_of_is_changed_too() -> None:
    draft = medicine(drug=TABLET_800, dosageInstruction=[dosage(1, 4, "{tbl}")])
    (lowered,) = changed(card(DOSE, sign(LEFT, draft)))
    assert lowered["medicationCodeableConcept"]["coding"][0]["code"] == "197805"


def test_tablets_with_another_drug_in_them_are_not_changed() -> None:
    combined = medicine(drug=(RXNORM, "1100066"), dosageInstruction=[dosage(1, 4, "{tbl}")])
    made = card(DOSE, sign(LEFT, combined))
    assert changed(made) == []
    assert changed(made, "delete") == ["MedicationRequest/m1"]


@pytest.mark.parametrize(
    ("record", "lower", "topical"),
    [
        (resource("AllergyIntolerance", "a", code={"text": "Aspirin"}), 0, 0),
        (resource("Condition", "c", code=concept((SCT, "77386006")), recordedDate=ago(9)), 0, 0),
        (prescription("w", ago(30), WARFARIN), 0, 1),
        (resource("Condition", "c", code=concept((ICD, "I21.9"))), 0, 1),
        (resource("Condition", "c", code=concept((ICD, "I10"))), 1, 1),
    ],
)
def test_the_gate_stands_before_a_lower_dose_too(
    record: dict[str, Any], lower: int, topical: int
) -> None:
    made = card(DOSE, sign([*LEFT, record], ibuprofen(900)))
    assert len(changed(made)) == lower
    assert len(changed(made, "delete")) == 1 - lower
    assert len(changed(made, "create")) == topical


# --- nsaid-long-term ---


def supply(
    start: int, end: int | None = None, drug: tuple[str, str] = NAPROXEN, identity: str = "n",
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    period = {"start": ago(start), **({} if end is None else {"end": ago(end)})}
    made = {"dispenseRequest": {"validityPeriod": period}, **more}
    return prescription(identity, ago(start), drug, **made)


def long(*records: dict[str, Any]) -> list[str]:
    found = judged(*LEFT, *records).shown
    return [o.indicator for o in found if o.rule == LONG]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (supply(28), []),
        (supply(29), ["info"]),
        (supply(29, -30), ["info"]),
        (supply(60, 7), ["info"]),
        (supply(60, 8), []),
        (supply(36, 7), ["info"]),
        (supply(35, 7), []),
        (supply(60, 7, status="completed"), ["info"]),
        (supply(60, status="stopped"), []),
        (supply(60, reasonCode=[concept((ICD, "M05.9"))]), []),
        (supply(60, reasonCode=[{"text": "gout"}]), []),
        (supply(60, drug=GEL), []),
        (supply(60, dosageInstruction=[{"route": concept((SCT, "6064005"))}]), []),
        (prescription("n", ago(60), NAPROXEN), []),
        (statement("n", ago(60), NAPROXEN, status="active"), []),
        (
            statement("n", None, NAPROXEN, status="active", effectivePeriod={"start": ago(29)}),
            ["info"],
        ),
    ],
)
def test_a_systemic_nsaid_for_more_than_28_days(record: Any, expected: list[str]) -> None:
    assert long(record) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (supply(40, 20), supply(13, identity="m"), ["info"]),
        (supply(40, 20), supply(12, identity="m"), []),
        (supply(40, 20), supply(20, drug=IBUPROFEN, identity="m"), ["info"]),
        (supply(40, 30), supply(35, identity="m"), ["info"]),
    ],
)
def test_gaps_of_a_week_do_not_interrupt(first: Any, second: Any, expected: list[str]) -> None:
    assert long(first, second) == expected


def test_two_prescriptions_of_one_drug_are_stopped_together() -> None:
    renewed = [supply(40, 20), supply(20, identity="m"), supply(20, drug=IBUPROFEN, identity="i")]
    made = card(LONG, judged(*LEFT, *renewed))
    stops = [one for one in made["suggestions"] if one["label"].startswith("Stop")]
    told = {
        one["label"]: sorted(action["resource"]["id"] for action in one["actions"]) for one in stops
    }
    assert told == {"Stop naproxen (2 prescriptions)": ["m", "n"], "Stop ibuprofen": ["i"]}
    assert len({one["uuid"] for one in made["suggestions"]}) == len(made["suggestions"])


def test_dates_that_only_may_be_long_are_silent() -> None:
    month = supply(60, dispenseRequest={"validityPeriod": {"start": "2026-05"}})
    assert long(month) == []


def test_long_use_is_asked_at_signing_only_of_an_nsaid() -> None:
    records = [*LEFT, supply(60)]
    assert LONG in sign(records, ibuprofen(400)).rules
    assert LONG not in sign(records, service(code="prp-injection")).rules
    assert LONG not in sign(records, ibuprofen(400), hook="order-select").rules


def test_an_active_order_can_be_stopped() -> None:
    order = supply(60, -30)
    made = card(LONG, judged(*LEFT, order))
    (stopped,) = changed(made)
    assert stopped == {**order, "status": "stopped"}
    assert len(changed(made, "create")) == 1
    told = statement("n", None, NAPROXEN, status="active", effectivePeriod={"start": ago(60)})
    assert changed(card(LONG, judged(*LEFT, told))) == []


def test_long_use_needs_active_disease() -> None:
    over = pht(clinicalStatus=RESOLVED, abatementDateTime=ago(1))
    assert [o.rule for o in judged(over, supply(60)).shown] == []


# --- nsaid-caution ---


def kidney(value: float, days: int = 30, **more: Any) -> dict[str, Any]:
    made = {
        "status": "final",
        "code": concept((LOINC, "98979-8")),
        "effectiveDateTime": ago(days),
        "valueQuantity": {"value": value, "code": "mL/min/{1.73_m2}"},
    }
    return resource("Observation", "e", **{**made, **more})


@pytest.mark.parametrize(
    ("value", "days", "expected"),
    [
        (29.9, 30, ["egfr-under-30 critical"]),
        (30, 30, ["warning"]),
        (59.9, 30, ["warning"]),
        (60, 30, []),
        (29, 365, ["egfr-under-30 critical"]),
        (29, 366, []),
    ],
)
def test_the_kidney(value: float, days: int, expected: list[str]) -> None:
    assert of(CAUTION, [*LEFT, kidney(value, days)], ibuprofen(400)) == expected


@pytest.mark.parametrize(
    ("comparator", "value", "expected"),
    [
        (">", 59, []),
        (">=", 60, []),
        (">", 60, []),
        (">", 20, []),
        ("<", 60, ["warning"]),
        ("<=", 60, []),
        ("<=", 59, ["warning"]),
        ("<", 30, ["egfr-under-30 critical"]),
        ("<", 61, []),
    ],
)
def test_a_bound_tells_only_what_it_tells(
    comparator: str, value: float, expected: list[str]
) -> None:
    bound = kidney(value)
    bound["valueQuantity"]["comparator"] = comparator
    assert of(CAUTION, [*LEFT, bound], ibuprofen(400)) == expected
    unjudged = {one["rule"] for one in sign([*LEFT, bound], ibuprofen(400)).unjudged()}
    open_ = (comparator, value) in {(">", 59), (">", 20), ("<=", 60), ("<", 61)}
    assert (CAUTION in unjudged) is open_


@pytest.mark.parametrize(
    ("drug", "route", "expected"),
    [
        ("1665459", None, []),
        ("1665459", {"text": "Intramuscular"}, []),
        ("35827", {"text": "Intramuscular"}, []),
        ("35827", concept((SCT, "78421000")), []),
        ("35827", {"text": "Apply to skin"}, []),
        ("35827", {"text": "Ophthalmic"}, []),
        ("834022", None, ["egfr-under-30 critical"]),
        ("35827", None, ["egfr-under-30 critical"]),
        ("35827", {"text": "PO"}, ["egfr-under-30 critical"]),
        ("35827", {"text": "as told"}, ["egfr-under-30 critical"]),
    ],
)
def test_the_caution_is_of_oral_nsaids(drug: str, route: Any, expected: list[str]) -> None:
    dosed = [{"route": route}] if route else None
    ketorolac = medicine(drug=(RXNORM, drug), dosageInstruction=dosed)
    assert of(CAUTION, [*LEFT, kidney(20)], ketorolac) == expected


@pytest.mark.parametrize("status", ["preliminary", "entered-in-error", "cancelled"])
def test_only_final_values_count(status: str) -> None:
    assert of(CAUTION, [*LEFT, kidney(20, status=status)], ibuprofen(400)) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("N18.2", []),
        ("N18.30", ["warning"]),
        ("K25.4", ["warning"]),
        ("I50.9", ["warning"]),
        ("K74.60", ["warning"]),
        ("I21.9", []),
        ("I10", []),
    ],
)
def test_the_comorbidities(code: str, expected: list[str]) -> None:
    record = resource("Condition", "c", code=concept((ICD, code)))
    assert of(CAUTION, [*LEFT, record], ibuprofen(400)) == expected


def test_past_events_count_and_past_diseases_do_not() -> None:
    ulcer = resource("Condition", "c", code=concept((ICD, "K25.4")), clinicalStatus=RESOLVED)
    heart = resource("Condition", "c", code=concept((ICD, "I50.9")), clinicalStatus=RESOLVED)
    assert of(CAUTION, [*LEFT, ulcer], ibuprofen(400)) == ["warning"]
    assert of(CAUTION, [*LEFT, heart], ibuprofen(400)) == []


@pytest.mark.parametrize(
    ("ordered_mg", "running", "expected"),
    [
        (2400, 0, ["cv-disease-ge-2400 warning"]),
        (2399.5, 0, []),
        (1200, 1200, ["cv-disease-ge-2400 warning"]),
        (1200, 1199, []),
    ],
)
def test_high_doses_in_cardiovascular_disease(
    ordered_mg: float, running: float, expected: list[str]
) -> None:
    stroke = resource("Condition", "c", code=concept((ICD, "I21.9")), clinicalStatus=RESOLVED)
    taken = [taking("t", running)] if running else []
    assert of(CAUTION, [*LEFT, stroke, *taken], ibuprofen(ordered_mg, 1)) == expected
    other = medicine(drug=NAPROXEN, dosageInstruction=[dosage(3000, 1)])
    assert of(CAUTION, [*LEFT, stroke], other) == []


def test_a_caution_needs_an_oral_nsaid_and_active_disease() -> None:
    warfarin = prescription("w", ago(30), WARFARIN)
    assert of(CAUTION, [*LEFT, warfarin], ibuprofen(400)) == ["warning"]
    assert of(CAUTION, [*LEFT, warfarin], medicine(drug=GEL)) == []
    over = pht(clinicalStatus=RESOLVED, abatementDateTime=ago(1))
    assert of(CAUTION, [over, warfarin], ibuprofen(400)) == []


@pytest.mark.parametrize(
    ("record", "names"),
    [
        (prescription("w", ago(30), WARFARIN), ["diclofenac", "paracetamol"]),
        (
            resource("Condition", "c", code=concept((SCT, "77386006")), recordedDate=ago(9)),
            ["paracetamol"],
        ),
    ],
)
def test_what_is_offered_instead(record: dict[str, Any], names: list[str]) -> None:
    made = card(CAUTION, sign([*LEFT, record], ibuprofen(400)))
    offered = [r["medicationCodeableConcept"]["text"] for r in changed(made, "create")]
    assert [name.split()[0] for name in offered] == names
    assert changed(made, "delete") == ["MedicationRequest/m1"]
    assert ("topical" in made["summary"]) is (len(names) == 2)


def test_an_allergy_is_no_card_and_closes_the_gate() -> None:
    allergy = resource("AllergyIntolerance", "a", code={"text": "Ibuprofen"})
    records = [*LEFT, allergy, prescription("w", ago(30), WARFARIN)]
    made = card(CAUTION, sign(records, ibuprofen(400)))
    assert len(changed(made, "create")) == 1


@pytest.mark.parametrize("key", ["observations", "both"])
def test_what_could_not_be_obtained_leaves_the_caution_open(key: str) -> None:
    sent = chart(*LEFT)
    gone = ("medicationRequests", "medicationStatements") if key == "both" else (key,)
    for name in gone:
        del sent[name]
    made = sign([], ibuprofen(400), prefetch=sent)
    assert CAUTION not in made.rules
    assert CAUTION in {one["rule"] for one in made.unjudged()}


def test_all_cautions_at_once_keep_to_the_length_of_a_summary() -> None:
    codes = ("N18.4", "K25.4", "I50.9", "K74.60", "I21.9")
    records = [resource("Condition", f"c{c}", code=concept((ICD, c))) for c in codes]
    for n in range(len(records)):
        for m in range(n, len(records)):
            made = sign([*LEFT, *{r["id"]: r for r in (records[n], records[m])}.values()],
                        ibuprofen(900))  # fmt: skip
            assert all(len(one["summary"]) < 140 for one in made.cards)
    everything = sign([*LEFT, *records, kidney(20)], ibuprofen(900), person=patient())
    assert all(len(one["summary"]) < 140 for one in everything.cards)
    assert ordered([*LEFT, *records, kidney(20)], ibuprofen(900))[0] == (
        "nsaid-caution egfr-under-30 critical"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [({}, 1), ({"text": "Tablet, by mouth"}, 1), ({"text": "IM"}, 0), ({"text": "Topical"}, 0)],
    ids=str,
)
def test_a_route_the_site_calls_systemic_is_oral_unless_its_words_say_otherwise(
    words: dict[str, Any], expected: int
) -> None:
    site = replace(SITE, codes={"route-systemic": {"urn:x": ("PO1",)}})
    route = concept(("urn:x", "PO1")) | words
    draft = medicine(drug=NAPROXEN, dosageInstruction=[{"route": route}])
    records = [*LEFT, prescription("w", ago(90), WARFARIN)]
    assert len(of(CAUTION, records, draft, site=site)) == expected
