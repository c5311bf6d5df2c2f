"""One injection, many records (guideline G4), and whether it counts (G5)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.patient.facts import Given
from cds_service.patient.injections import Event, merge
from cds_service.patient.sides import LEFT, NOT_STATED
from tests.strategies import (
    CLINICAL,
    CPT,
    ICD,
    KENALOG,
    LOCAL,
    PREDNISONE,
    RXNORM,
    SCT,
    TRIAMCINOLONE,
    administration,
    ago,
    concept,
    facts,
    injection,
    local,
    origin,
    pht,
    prescription,
    procedure,
    resource,
    shown,
    statement,
)

SITED = {"dosage": {"site": origin("left"), "route": local("peritendinous")}}
SITED_LIST = {"dosage": [SITED["dosage"]]}


def events(*resources: dict[str, Any]) -> tuple[Event, ...]:
    found = facts(*(resources if any(r["id"] == "pht" for r in resources) else (pht(), *resources)))
    return merge(found.injections, same_days=1, order_days=30)[0]


def counted(*resources: dict[str, Any]) -> tuple[int, int]:
    """(certain, possible only)."""
    found = events(*resources)
    certain = sum(event.certain for event in found)
    return certain, len(found) - certain


# --- G4: which records are given injections ---


@pytest.mark.parametrize(
    "status", ["not-done", "entered-in-error", "stopped", "preparation", "on-hold"]
)
def test_a_procedure_that_was_not_done_is_no_injection(status: str) -> None:
    assert counted(injection("i", ago(50), status=status)) == (0, 0)


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "stopped", "on-hold"])
def test_an_administration_that_did_not_happen_is_no_injection(status: str) -> None:
    assert counted(administration("a", ago(50), status=status, **SITED)) == (0, 0)


@pytest.mark.parametrize(
    "status", ["not-taken", "intended", "entered-in-error", "draft", "on-hold"]
)
def test_a_statement_that_nothing_was_taken_is_no_injection(status: str) -> None:
    assert counted(statement("s", ago(50), status=status, **SITED_LIST)) == (0, 0)


@pytest.mark.parametrize("status", ["completed", "active", "recorded"])
def test_a_dated_statement_counts_as_given(status: str) -> None:
    assert counted(statement("s", ago(50), status=status, **SITED_LIST)) == (1, 0)


@pytest.mark.parametrize("teller", ["Patient/p1", "RelatedPerson/r1"])
def test_what_only_the_patient_reports_is_possible(teller: str) -> None:
    told = statement("s", ago(50), informationSource={"reference": teller}, **SITED_LIST)
    assert counted(told) == (0, 1)
    clinician = {"reference": "Practitioner/x"}
    assert counted(statement("s", ago(50), informationSource=clinician, **SITED_LIST)) == (1, 0)


@pytest.mark.parametrize("status", ["draft", "on-hold", "cancelled", "stopped", "active"])
def test_a_prescription_that_is_not_completed_is_no_injection(status: str) -> None:
    order = prescription("m", ago(50), KENALOG, status=status, reasonCode=[local("pht")])
    assert counted(order) == (0, 0)


def test_a_completed_order_without_an_injection_is_possible() -> None:
    order = prescription("m", ago(50), KENALOG, status="completed", reasonCode=[local("pht")])
    assert counted(order) == (0, 1)


@pytest.mark.parametrize(("days_before", "expected"), [(0, (1, 0)), (30, (1, 0)), (31, (1, 1))])
def test_a_completed_order_within_30_days_before_an_injection_belongs_to_it(
    days_before: int, expected: tuple[int, int]
) -> None:
    order = prescription(
        "m", ago(50 + days_before), KENALOG, status="completed", reasonCode=[local("pht")]
    )
    assert counted(injection("i", ago(50)), order) == expected


@pytest.mark.parametrize(
    ("given", "ordered", "expected"),
    [
        ("2026-01", "2026-01-10", (1, 0)),
        ("2026-01", "2026-01-31", (1, 0)),
        ("2026-01", "2026-02-01", (1, 1)),
        ("2026-01", "2025-12-02", (1, 0)),
        ("2026-01", "2025-12-01", (1, 1)),
        ("2026-01-15", "2026-01", (1, 0)),
        ("2026-01-15", "2025-12", (1, 0)),
        ("2026-01-15", "2025-11", (1, 1)),
        ("2026-01-15", "2026-02", (1, 1)),
        ("2026", "2026-04-10", (1, 0)),
    ],
)
def test_an_order_that_may_be_of_an_injection_makes_no_further_one(
    given: str, ordered: str, expected: tuple[int, int]
) -> None:
    order = prescription("m", ordered, KENALOG, status="completed", reasonCode=[local("pht")])
    assert counted(injection("i", given), order) == expected
    away = prescription(
        "m",
        ordered,
        KENALOG,
        status="completed",
        dosageInstruction=[{"site": origin("right"), "route": local("peritendinous")}],
    )
    assert counted(injection("i", given), away) == (1, 1)


def test_orders_of_the_same_months_do_not_double_the_injections() -> None:
    made = [
        one
        for month in ("01", "03")
        for one in (
            administration(f"a{month}", f"2026-{month}", **SITED),
            prescription(
                f"m{month}",
                f"2026-{month}-10",
                KENALOG,
                status="completed",
                reasonCode=[local("pht")],
            ),
        )
    ]
    assert counted(*made) == (2, 0)


def order_of(identity: str, when: str | None) -> dict[str, Any]:
    return prescription(identity, when, KENALOG, status="completed", reasonCode=[local("pht")])


def test_one_injection_takes_one_order() -> None:
    months = [order_of(f"m{month}", f"2025-{month}-01") for month in ("02", "06", "10")]
    assert counted(injection("i", "2025"), *months) == (1, 2)
    given = [injection(f"i{month}", f"2025-{month}") for month in ("02", "06", "10")]
    assert counted(*given, *months) == (3, 0)
    # two orders of one day are of one injection
    request = order_of("n02", "2025-02-01")
    assert counted(injection("i", "2025"), months[0], request) == (1, 0)


def test_an_order_takes_an_injection_that_leaves_one_for_the_next() -> None:
    given = [injection("i1", "2025-05"), injection("i2", "2025-09")]
    for first, second in (("2025", "2025-05-10"), ("2025-05-10", "2025")):
        assert counted(*given, order_of("a", first), order_of("b", second)) == (2, 0)


def test_an_order_of_an_unknown_day_of_the_month_does_not_name_the_drug() -> None:
    unnamed = procedure("p", concept((CPT, "20551")), "2026-01", bodySite=[origin("left")])
    order = prescription("m", "2026-01-31", TRIAMCINOLONE, status="completed")
    assert counted(unnamed, order) == (0, 1)


def test_a_service_request_is_no_injection_given() -> None:
    order = resource(
        "ServiceRequest",
        "r",
        status="completed",
        intent="order",
        code=local("steroid-injection"),
        bodySite=[origin("left")],
        authoredOn=ago(50),
    )
    assert counted(order) == (0, 0)


def test_an_injection_dated_in_the_future_is_planned_not_given() -> None:
    assert counted(injection("i", ago(-1))) == (0, 0)
    assert counted(injection("i", ago(0))) == (1, 0)


# --- G4: merging ---


@pytest.mark.parametrize(("apart", "expected"), [(0, (1, 0)), (1, (1, 0)), (2, (2, 0))])
def test_records_of_one_side_at_most_a_day_apart_are_one_injection(
    apart: int, expected: tuple[int, int]
) -> None:
    assert counted(injection("i", ago(50)), injection("j", ago(50 - apart))) == expected


def test_a_record_without_side_joins_the_injection_of_that_day() -> None:
    assert counted(injection("i", ago(50)), injection("j", ago(50), side="")) == (1, 0)


def test_left_and_right_on_one_day_are_two_injections() -> None:
    found = events(injection("i", ago(50)), injection("j", ago(50), side="right"))
    assert len(found) == 2


def test_there_is_no_chaining_from_day_to_day() -> None:
    daily = [injection(f"i{n}", ago(50 - n)) for n in range(4)]
    assert counted(*daily) == (2, 0)


@pytest.mark.parametrize("direction", ["procedure first", "administration first"])
def test_a_direct_link_makes_one_injection_of_records_days_apart(direction: str) -> None:
    later = direction == "procedure first"
    given = administration(
        "a", ago(40 if later else 50), partOf=[{"reference": "Procedure/i"}], **SITED
    )
    assert counted(injection("i", ago(50 if later else 40)), given) == (1, 0)


@pytest.mark.parametrize(
    "reference",
    ["https://ehr.example/fhir/Procedure/i", "Procedure/i/_history/3", "Procedure/i"],
)
def test_a_link_counts_however_it_is_spelled(reference: str) -> None:
    given = administration("a", ago(40), partOf=[{"reference": reference}], **SITED)
    assert counted(injection("i", ago(50)), given) == (1, 0)


def test_two_injections_that_share_an_order_are_two() -> None:
    shared = {"request": {"reference": "MedicationRequest/m"}}
    order = prescription("m", ago(60), KENALOG, status="completed", reasonCode=[local("pht")])
    given = [administration(f"a{n}", ago(50 - 30 * n), **shared, **SITED) for n in range(2)]
    assert counted(order, *given) == (2, 0)
    based = [
        injection(f"i{n}", ago(50 - 30 * n), basedOn=[{"reference": "ServiceRequest/r"}])
        for n in range(2)
    ]
    assert counted(*based) == (2, 0)


def test_records_told_in_any_order_make_the_same_injections() -> None:
    records = [
        injection("a", ago(50)),
        injection("b", ago(49), side=""),
        administration("c", ago(48), partOf=[{"reference": "Procedure/b"}], **SITED),
        injection("d", "2026-04"),
        injection("e", None),
    ]
    assert events(*records) == events(*reversed(records))


def test_a_partial_date_that_may_be_the_day_of_another_injection_is_only_possible() -> None:
    exact = injection("i", "2026-04-10")
    assert counted(exact, injection("j", "2026-04")) == (1, 1)
    assert counted(exact, injection("j", "2026-02")) == (2, 0)


def test_an_undated_injection_is_possible() -> None:
    assert counted(injection("i", None)) == (0, 1)


# --- G5: steroid? ---


def test_a_tendon_injection_that_names_no_drug_is_possible() -> None:
    unnamed = procedure("p", concept((CPT, "20551")), ago(50), bodySite=[origin("left")])
    assert counted(unnamed) == (0, 1)


@pytest.mark.parametrize(("days", "expected"), [(0, (1, 0)), (1, (1, 0)), (3, (0, 2))])
def test_a_steroid_record_within_a_day_names_the_drug(days: int, expected: tuple[int, int]) -> None:
    unnamed = procedure("p", concept((CPT, "20551")), ago(50), bodySite=[origin("left")])
    named = administration("a", ago(50 - days))
    assert counted(unnamed, named) == expected


def test_platelet_rich_plasma_into_the_tendon_is_no_steroid() -> None:
    both = concept((CPT, "20551"), (CPT, "0232T"))
    assert counted(procedure("p", both, ago(50), bodySite=[origin("left")])) == (0, 0)


# --- G5: injected locally? ---


@pytest.mark.parametrize("route", ["peritendinous", "intralesional", "intrabursal", "infiltration"])
def test_a_local_route_is_a_local_injection(route: str) -> None:
    dosage = {"route": local(route)}
    given = administration("a", ago(50), TRIAMCINOLONE, dosage=dosage, reasonCode=[local("pht")])
    assert counted(given) == (1, 0)


@pytest.mark.parametrize("code", ["26643006", "78421000", "47625008", "6064005"])
def test_an_oral_intramuscular_intravenous_or_topical_steroid_is_not_counted(code: str) -> None:
    dosage = {"route": concept((SCT, code)), "site": origin("left")}
    assert counted(administration("a", ago(50), KENALOG, dosage=dosage)) == (0, 0)


V3 = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"


@pytest.mark.parametrize(
    "route",
    [
        concept((SCT, "404820008"), display="Epidural route"),
        concept((SCT, "46713006"), display="Nasal route"),
        concept((V3, "IM")),
        concept(("urn:oid:2.16.840.1.113883.5.112", "EPIDURINJ")),
        concept(("http://hl7.org/fhir/v3/RouteOfAdministration", "OPTHALTA")),
        concept(("urn:house", "11"), display="Intramuscular"),
        {"text": "Intramuscular"},
    ],
    ids=str,
)
def test_a_route_known_by_its_words_or_hl7_code_is_not_counted(route: dict[str, Any]) -> None:
    for site in ({}, {"site": origin("left")}):
        given = administration("a", ago(50), KENALOG, dosage={"route": route, **site})
        assert counted(given) == (0, 0)


@pytest.mark.parametrize(
    "route", [concept((SCT, "12130007")), concept((V3, "IARTINJ")), {"text": "Intra-articular"}]
)
def test_a_site_at_the_origin_wins_over_a_route_into_a_joint(route: dict[str, Any]) -> None:
    def into(**more: Any) -> tuple[int, int]:
        site = more.pop("site", None)
        dosage = {"route": route} | ({"site": site} if site else {})
        return counted(administration("a", ago(50), KENALOG, dosage=dosage, **more))

    assert into(site=origin("left")) == (1, 0)
    assert into(site=concept((SCT, "85710004"))) == (0, 1)
    assert into(reasonCode=[local("pht")]) == (0, 1)
    assert into() == (0, 0)
    assert into(site={"text": "Left hip"}) == (0, 0)


def test_a_local_route_is_known_by_its_words_or_hl7_code_and_another_is_possible() -> None:
    reason = {"reasonCode": [local("pht")]}
    for route in (concept((V3, "ILESINJ")), {"text": "Peritendinous"}):
        dosage = {"route": route}
        made = administration("a", ago(50), (RXNORM, "6902"), dosage=dosage, **reason)
        assert counted(made) == (1, 0)
    for route in (concept(("urn:house", "12")), {"text": "Perineural"}):
        assert counted(administration("a", ago(50), KENALOG, dosage={"route": route})) == (0, 1)


def test_an_injectable_product_needs_no_route_an_ingredient_does() -> None:
    site = {"reasonReference": [{"reference": "Condition/pht"}]}
    assert counted(pht(), administration("a", ago(50), KENALOG, **site)) == (1, 0)
    methylprednisolone = (RXNORM, "6902")
    assert counted(pht(), administration("a", ago(50), methylprednisolone, **site)) == (0, 1)
    assert counted(pht(), administration("a", ago(50), TRIAMCINOLONE, **site)) == (1, 0)


def test_a_dosage_site_at_the_hamstring_origin_is_a_local_injection() -> None:
    dosage = {"site": origin("left")}
    assert counted(administration("a", ago(50), (RXNORM, "6902"), dosage=dosage)) == (1, 0)


def test_prednisone_is_never_injected() -> None:
    reason = {"reasonCode": [local("pht")]}
    assert counted(statement("s", ago(50), PREDNISONE, **reason)) == (0, 0)


# --- G5: at the hamstring origin? ---

SHOULDER = "Structure of left shoulder region"


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"bodySite": [origin("left")]}, (1, 0)),
        ({"bodySite": [{"text": "Left ischial tuberosity"}]}, (1, 0)),
        ({"reasonCode": [local("pht")]}, (1, 0)),
        ({"reasonCode": [{"text": "proximal hamstring tendinopathy"}]}, (1, 0)),
        ({"reasonReference": [{"reference": "Condition/pht"}]}, (1, 0)),
        ({"bodySite": [concept((SCT, "723979003"))]}, (1, 0)),
        ({"bodySite": [concept((SCT, "85710004"))]}, (1, 0)),
        ({}, (0, 1)),
        ({"bodySite": [concept((SCT, "72696002"))]}, (0, 0)),
        ({"reasonCode": [concept((ICD, "M76.61"))]}, (0, 0)),
        ({"bodySite": [concept((SCT, "91774008"), display=SHOULDER)]}, (0, 0)),
        ({"bodySite": [{"text": "Left shoulder"}]}, (0, 0)),
        ({"bodySite": [concept((SCT, "7771000"), text="Left shoulder")]}, (0, 0)),
        ({"reasonCode": [concept((SCT, "239873007"), display="Osteoarthritis of knee")]}, (0, 0)),
        ({"bodySite": [{"text": "Back of left thigh"}]}, (0, 1)),
        ({"bodySite": [concept((SCT, "1"))]}, (0, 1)),
        ({"bodySite": [concept((SCT, "7771000"))]}, (0, 1)),
        ({"bodySite": [{"text": "Left shoulder"}, {"text": "where it hurts"}]}, (0, 1)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_steroid_counts_at_the_hamstring_origin_only(
    elements: dict[str, Any], expected: tuple[int, int]
) -> None:
    code = {"code": local("steroid-injection")}
    made = resource(
        "Procedure", "i", status="completed", performedDateTime=ago(50), **code, **elements
    )
    assert counted(pht(), made) == expected


def test_the_words_of_the_code_and_of_the_dosage_site_name_another_site_too() -> None:
    elbow = local("steroid-injection") | {"text": "Steroid injection, left elbow"}
    assert counted(procedure("p", elbow, ago(50))) == (0, 0)
    assert counted(procedure("p", elbow, ago(50), bodySite=[origin("left")])) == (1, 0)
    assert counted(procedure("p", elbow, ago(50), reasonCode=[local("pht")])) == (1, 0)
    shoulder = {"dosage": {"site": {"text": "Left shoulder"}}}
    assert counted(administration("a", ago(50), KENALOG, **shoulder)) == (0, 0)
    # A drug without a site belongs to the injection of that day.
    plain = local("steroid-injection") | {"text": "Steroid injection"}
    site = {"bodySite": [{"text": "Left shoulder"}]}
    drug = administration("a", ago(50), KENALOG)
    assert counted(procedure("p", plain, ago(50), **site), drug) == (0, 0)


@pytest.mark.parametrize(
    "words",
    [
        "US guided tendon inj w/ 22G spinal needle",
        "Steroid injection, pt prone arms up",
        "Injection of steroid under ultrasound, 22G spinal needle",
    ],
)
def test_words_of_technique_name_no_site(words: str) -> None:
    assert counted(procedure("p", local("steroid-injection") | {"text": words}, ago(50))) == (0, 1)


def test_the_descriptor_of_a_code_is_no_site_of_the_record() -> None:
    words = "Steroid injection, left elbow"
    made = concept((CPT, "20551"), display=words, text=words)
    assert counted(procedure("p", made, ago(50))) == (0, 1)
    house = {"system": "urn:house", "code": "7", "display": words}
    made["coding"].append(house | {"display": "Left elbow"})
    assert counted(procedure("p", made, ago(50))) == (0, 0)


@pytest.mark.parametrize(
    "site",
    [
        concept((SCT, "85710004")),
        concept((SCT, "61396006")),
        concept((SCT, "29836001")),
        {"text": "Left posterior thigh"},
    ],
    ids=["ischium", "thigh", "hip", "in words"],
)
def test_the_words_of_a_reason_do_not_overrule_a_site_nearby(site: dict[str, Any]) -> None:
    reason = {"reasonCode": [{"text": "low back pain"}]}
    assert counted(injection("i", ago(50), bodySite=[site], **reason)) == (0, 1)
    assert counted(injection("i", ago(50), side=None, **reason)) == (0, 0)
    coded = {"reasonCode": [concept((ICD, "M54.50"))]}
    assert counted(injection("i", ago(50), bodySite=[site], **coded)) == (0, 0)


@pytest.mark.parametrize(
    "words", ["Back pain when sitting", "PHT tendinopathy at sitz bone, knee stable"]
)
def test_a_reason_that_may_be_the_hamstring_leaves_an_injection_possible(words: str) -> None:
    made = injection("i", ago(50), side=None, reasonCode=[{"text": words}])
    assert counted(made) == (0, 1)


def test_a_condition_named_as_the_reason_is_elsewhere_by_its_words_or_its_site() -> None:
    named = {"side": None, "reasonReference": [{"reference": "Condition/c"}]}
    for code, site in (
        (concept((SCT, "239873007"), display="Osteoarthritis of knee"), None),
        (concept((SCT, "3723001"), display="Arthritis"), [{"text": "Left knee"}]),
    ):
        condition = resource("Condition", "c", code=code, bodySite=site)
        assert counted(pht(), condition, injection("i", ago(50), **named)) == (0, 0)
    vague = resource("Condition", "c", code=concept((SCT, "3723001"), display="Arthritis"))
    assert counted(pht(), vague, injection("i", ago(50), **named)) == (0, 1)


def test_without_site_and_before_any_disease_it_was_another_tendon() -> None:
    assert counted(injection("i", ago(800), side=None)) == (0, 0)


@pytest.mark.parametrize(
    ("site", "before", "during"),
    [
        ("723979003", (0, 0), (1, 0)),
        ("61396006", (0, 0), (1, 0)),
        ("85710004", (0, 1), (1, 0)),
    ],
    ids=["buttock", "thigh", "ischium"],
)
def test_a_region_is_the_origin_only_while_the_disease_is_active(
    site: str, before: tuple[int, int], during: tuple[int, int]
) -> None:
    stated = {"bodySite": [concept((SCT, site))]}
    assert counted(injection("i", ago(800), **stated)) == before
    assert counted(injection("i", ago(300), **stated)) == during
    assert counted(injection("i", None, **stated)) == (0, 1)
    resolved = pht(clinicalStatus=concept((CLINICAL, "resolved")), abatementDateTime=ago(350))
    assert counted(resolved, injection("i", ago(300), **stated)) == before


@pytest.mark.parametrize(
    "elements",
    [
        {"bodySite": [concept((SCT, "72696002"), text="Knee")], "code": concept((CPT, "20610"))},
        {"code": concept((SCT, "301877006"))},
    ],
    ids=["joint injection, knee", "steroid into the knee joint"],
)
def test_the_drug_of_an_injection_elsewhere_is_not_counted(elements: dict[str, Any]) -> None:
    made = [
        one
        for n in range(4)
        for one in (
            procedure(
                f"k{n}", elements["code"], ago(300 - 60 * n), bodySite=elements.get("bodySite")
            ),
            administration(f"a{n}", ago(300 - 60 * n), partOf=[{"reference": f"Procedure/k{n}"}]),
        )
    ]
    assert counted(*made) == (0, 0)


def test_a_reason_that_is_another_disease_counts_the_same_by_code_and_by_reference() -> None:
    shoulder = concept((ICD, "M75.101"), text="Rotator cuff tear, right shoulder")
    by_code = injection("i", ago(50), side=None, reasonCode=[shoulder])
    by_reference = injection(
        "i", ago(50), side=None, reasonReference=[{"reference": "Condition/c"}]
    )
    other = resource("Condition", "c", code=shoulder)
    assert counted(pht(), other, by_reference) == (0, 0)
    assert counted(pht(), other, by_code) == (0, 0)


# --- what an event says of itself ---


def test_every_uncertain_injection_says_why() -> None:
    uncertain = [
        injection("i", None),
        injection("j", ago(100), side=None),
        procedure("k", concept((CPT, "20551")), ago(150), bodySite=[origin("left")]),
    ]
    assert all(event.doubts for event in events(*uncertain))


def test_a_merged_injection_knows_its_records_and_its_side() -> None:
    (event,) = events(injection("i", ago(50), side=""), administration("a", ago(50), **SITED))
    assert {r.reference for r in event.records} == {"Procedure/i", "MedicationAdministration/a"}
    assert event.side is LEFT


def test_a_record_left_out_as_a_duplicate_is_listed() -> None:
    found = facts(pht(), injection("i", ago(50)), injection("j", ago(50)))
    _, notes = merge(found.injections, same_days=1, order_days=30)
    assert [note.reference for note in notes] == ["Procedure/j"]


# --- steroid-overuse counts what the page counts ---


def test_a_local_code_beside_the_billing_code_is_one_injection() -> None:
    code = concept((LOCAL, "steroid-injection"), (CPT, "20551"))
    assert counted(injection("i", ago(50), code=code)) == (1, 0)


def test_a_completed_prescription_of_the_same_day_names_the_steroid() -> None:
    unnamed = procedure("p", concept((CPT, "20551")), ago(50), bodySite=[origin("left")])
    order = prescription("m", ago(50), TRIAMCINOLONE, status="completed")
    assert counted(unnamed, order) == (1, 0)


def test_four_injections_of_the_earlier_episode_are_told_but_no_warning() -> None:
    early = [injection(f"i{n}", ago(900 - 50 * n)) for n in range(4)]
    cards = shown(pht(), *early)
    assert "steroid-overuse earlier-episode info" in cards


@pytest.mark.parametrize("side", [None, ""])
def test_unsided_injections_are_possible_in_bilateral_disease(side: str | None) -> None:
    given = [injection(f"i{n}", ago(300 - 50 * n), side="") for n in range(4)]
    both = (pht("l", "left"), pht("r", "right"))
    assert shown(*both, *given).count("steroid-overuse uncertain-records info") == 2
    assert "steroid-overuse over-limit warning" in shown(pht(), *given)


def test_orders_not_yet_given_are_told_apart_from_injections() -> None:
    order = prescription("m", ago(5), KENALOG, reasonCode=[local("pht")])
    assert [i.given for i in facts(pht(), order).injections] == [Given.ACTIVE]
    assert NOT_STATED is facts(pht(), order).injections[0].side


# --- at the seams of G4 and G5 ---


def test_the_drug_of_a_knee_injection_of_the_same_day_is_not_counted() -> None:
    knee = {"bodySite": [concept((SCT, "72696002"), text="Knee")]}
    made = [
        one
        for n in range(4)
        for one in (
            procedure(f"k{n}", concept((CPT, "20610")), ago(300 - 60 * n), **knee),
            administration(f"a{n}", ago(300 - 60 * n)),
        )
    ]
    assert counted(*made) == (0, 0)


def test_an_injection_into_the_right_knee_leaves_unsided_disease_one_sided() -> None:
    knee = injection("k", ago(4), bodySite=[concept((SCT, "72696002"), text="Right knee")])
    left = [injection(f"i{n}", ago(300 - 60 * n)) for n in range(4)]
    assert "steroid-overuse over-limit warning" in shown(pht(side=""), *left, knee)


def test_a_bilateral_record_of_a_left_injection_leaves_it_left() -> None:
    both = [
        one
        for n in range(4)
        for one in (
            injection(f"l{n}", ago(300 - 60 * n)),
            injection(f"b{n}", ago(300 - 60 * n), "bilateral"),
        )
    ]
    cards = shown(pht("l", "left"), pht("r", "right"), *both)
    assert "steroid-overuse over-limit warning" in cards


@pytest.mark.parametrize("source", [{"type": "Patient", "display": "x"}, {"reference": "#me"}])
def test_the_patient_as_source_is_known_however_it_is_named(source: dict[str, str]) -> None:
    me = [{"resourceType": "Patient", "id": "me"}]
    told = statement("s", ago(50), informationSource=source, contained=me, **SITED_LIST)
    assert counted(told) == (0, 1)


def test_prednisone_is_no_injection_even_with_a_site() -> None:
    assert counted(statement("s", ago(50), PREDNISONE, **SITED_LIST)) == (0, 0)
