"""appointment-book: the steroid rules about a visit that is being booked."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.errors import DataUnavailable
from cds_service.protocol.request import parse
from cds_service.service import Decision, answer
from hooks import appointment_book
from tests.orders import LOADED, actions, ahead, card, given, named
from tests.strategies import KENALOG, SITE, TODAY, Resource, chart, concept, local, pht

INJECTION = local("steroid-injection")
FOR_PHT = local("pht")
RECENT = [pht(), LOADED, *given(20)]  # the last injection 20 days before today
INTERVAL = "steroid-interval under-4-weeks warning"


def visit(days: int = 0, identity: str | None = "a1", **elements: Any) -> Resource:
    made = {
        "resourceType": "Appointment",
        "id": identity,
        "status": "proposed",
        "serviceType": [INJECTION],
        "reasonCode": [FOR_PHT],
        "start": f"{ahead(days)}T09:30:00Z",
        "end": f"{ahead(days)}T09:50:00Z",
        "participant": [
            {"actor": {"reference": "Practitioner/dr"}, "status": "accepted"},
            {"actor": {"reference": "Patient/p1"}, "status": "tentative"},
        ],
    }
    return {k: v for k, v in {**made, **elements}.items() if v is not None}


def book(records: list[Resource], *visits: Resource, prefetch: Any = None) -> Decision:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in visits]}
    body = {
        "hook": "appointment-book",
        "hookInstance": "d1577c69",
        "context": {"userId": "Practitioner/dr", "patientId": "p1", "appointments": bundle},
        "prefetch": chart(*records) if prefetch is None else prefetch,
    }
    request = parse(body, hook="appointment-book")
    return answer(appointment_book.SERVICE, request, today=TODAY, site=SITE)


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (7, [INTERVAL]),  # 27 days after the last one
        (8, ["steroid-interval 4-to-6-weeks info"]),
        (21, ["steroid-interval 4-to-6-weeks info"]),
        (22, []),  # 42 days after
    ],
)
def test_the_interval_is_measured_to_the_day_the_appointment_starts(
    days: int, shown: list[str]
) -> None:
    assert named(book(RECENT, visit(days))) == shown


def test_the_count_of_injections_holds_whenever_the_appointment_is() -> None:
    records = [pht(), LOADED, *given(400, 300, 200)]
    assert named(book(records, visit(90))) == ["steroid-count-limit critical"]


NAMING: list[dict[str, Any]] = [
    {"serviceType": [INJECTION], "reasonCode": [FOR_PHT]},
    {"serviceType": None, "reasonCode": [FOR_PHT, INJECTION]},
    {"serviceType": [INJECTION], "reasonCode": None},
    {"serviceType": [INJECTION], "reasonCode": None, "reason": [FOR_PHT]},
    {"serviceType": [{"concept": INJECTION}], "reasonCode": None, "reason": [{"concept": FOR_PHT}]},
    {
        "serviceType": [INJECTION],
        "reasonCode": None,
        "reasonReference": [{"reference": "Condition/pht"}],
    },
    {
        "serviceType": [INJECTION],
        "reasonCode": None,
        "reason": [{"reference": {"reference": "Condition/pht"}}],
    },
    {
        "serviceType": [INJECTION],
        "reasonCode": None,
        "reason": [{"concept": FOR_PHT, "reference": {"reference": "Condition/pht"}}],
    },
    {"serviceType": [{"text": "Injection of the hamstring origin", **INJECTION}]},
]


@pytest.mark.parametrize("elements", NAMING, ids=range(len(NAMING)))
def test_service_type_or_reason_names_the_injection(elements: dict[str, Any]) -> None:
    assert named(book(RECENT, visit(7, **elements))) == [INTERVAL]


def test_a_drug_alone_does_not_say_that_it_is_injected() -> None:
    drug = {"serviceType": [concept((KENALOG[0], "10759"))], "reasonCode": None}  # triamcinolone
    assert named(book(RECENT, visit(7, **drug))) == []


OTHER: list[dict[str, Any]] = [
    {
        "serviceType": [{"text": "Steroid injection, right shoulder", **INJECTION}],
        "reasonCode": None,
    },
    {"serviceType": [{"text": "Physiotherapy"}]},
    {"serviceType": None},
    {"serviceType": [local("shockwave")]},
    {"reasonCode": [concept(("http://hl7.org/fhir/sid/icd-10-cm", "M77.11"))]},
    {"status": "cancelled"},
    {"status": "noshow"},
    {"status": "fulfilled"},
    {"status": "entered-in-error"},
]


@pytest.mark.parametrize("elements", OTHER, ids=range(len(OTHER)))
def test_a_visit_for_anything_else_gets_no_card(elements: dict[str, Any]) -> None:
    assert book(RECENT, visit(7, **elements)).cards == []


def test_a_visit_for_anything_else_needs_no_chart() -> None:
    physio = visit(7, serviceType=[{"text": "Physiotherapy"}])
    assert book([], physio, prefetch={}).response() == {"cards": []}


def test_a_visit_for_an_injection_needs_the_chart() -> None:
    with pytest.raises(DataUnavailable):
        book([], visit(7), prefetch={})


@pytest.mark.parametrize(("side", "shown"), [("left", [INTERVAL]), ("right", [])])
def test_the_words_of_the_visit_name_the_side(side: str, shown: list[str]) -> None:
    both = [pht(identity="l", side="left"), pht(identity="r", side="right"), *RECENT[1:]]
    kind = {"text": f"Hamstring origin injection, {side}", **INJECTION}
    late = LOADED
    found = named(book([*both, late], visit(7, serviceType=[kind])))
    assert [one for one in found if one.startswith("steroid-interval")] == shown


def test_without_a_start_the_period_asked_for_is_the_plan() -> None:
    period = [{"start": ahead(22), "end": ahead(40)}]
    assert named(book(RECENT, visit(start=None, requestedPeriod=period))) == []
    assert named(book(RECENT, visit(start=None))) == [INTERVAL]


def test_a_proposed_visit_may_be_removed_or_asked_for_later() -> None:
    made = card("steroid-interval", book(RECENT, visit(7, slot=[{"reference": "Slot/1"}])))
    assert [one["label"] for one in made["suggestions"]] == [
        f"Move the appointment to {ahead(22)}",
        "Remove the appointment",
    ]
    later, removed = actions(made)
    assert removed == {
        "type": "delete",
        "description": "Remove the appointment",
        "resourceId": "Appointment/a1",
    }
    kept = {k: v for k, v in visit(7).items() if k not in ("start", "end")}
    assert later["resource"] == {**kept, "requestedPeriod": [{"start": ahead(22)}]}


def test_a_visit_that_is_booked_already_is_cancelled_not_deleted() -> None:
    made = card("steroid-interval", book(RECENT, visit(7, status="booked")))
    (taken_back,) = [a for a in actions(made) if a["description"] == "Withdraw the appointment"]
    assert taken_back["resource"] == visit(7, status="cancelled")


def test_a_visit_of_another_patient_refuses_the_call() -> None:
    other = [
        {"actor": {"reference": "Practitioner/dr"}},
        {"actor": {"reference": "Patient/p2"}},
    ]
    with pytest.raises(DataUnavailable) as caught:
        book(RECENT, visit(7), visit(7, "a2", participant=other))
    (issue,) = caught.value.issues
    assert issue.expression == (
        "context.appointments.entry[1].resource.participant[1].actor.reference",
    )


def test_a_visit_of_several_patients_is_this_ones_too() -> None:
    both = [{"actor": {"reference": f"Patient/{who}"}} for who in ("p2", "p1")]
    assert named(book(RECENT, visit(7, participant=both))) == [INTERVAL]
