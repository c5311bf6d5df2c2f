"""order-dispatch: orders placed before, found among the resources of the call."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.errors import DataUnavailable
from cds_service.protocol.request import parse
from cds_service.service import Decision, answer
from hooks import order_dispatch
from tests.orders import LOADED, card, given, ibuprofen, medicine, named, service
from tests.strategies import SITE, TODAY, Resource, ago, chart, pht

OVER = [pht(), LOADED, *given(400, 300, 200)]


def placed(order: Resource, status: str = "active") -> Resource:
    return {**order, "status": status}


def dispatch(
    records: list[Resource], *dispatched: str, prefetch: Any = None, **context: Any
) -> Decision:
    told = {
        "userId": "Practitioner/dr",
        "patientId": "p1",
        "dispatchedOrders": list(dispatched),
        "performer": "Organization/clinic",
        **context,
    }
    body = {
        "hook": "order-dispatch",
        "hookInstance": "d1577c69",
        "context": told,
        "prefetch": chart(*records) if prefetch is None else prefetch,
    }
    request = parse(body, hook="order-dispatch")
    return answer(order_dispatch.SERVICE, request, today=TODAY, site=SITE)


def refused(*args: Any, **more: Any) -> tuple[str, ...]:
    with pytest.raises(DataUnavailable) as caught:
        dispatch(*args, **more)
    assert caught.value.status == 412
    return tuple(path for issue in caught.value.issues for path in issue.expression)


def test_only_the_orders_dispatched_are_judged() -> None:
    records = [*OVER, placed(service("a")), placed(service("b", "shockwave"))]
    assert named(dispatch(records, "ServiceRequest/a")) == ["steroid-count-limit critical"]
    assert named(dispatch(records, "ServiceRequest/b")) == []


def test_an_order_named_by_its_address_is_found() -> None:
    records = [*OVER, placed(service("a"))]
    address = "https://ehr.example/fhir/ServiceRequest/a/_history/3"
    assert named(dispatch(records, address)) == ["steroid-count-limit critical"]


def test_an_order_named_twice_is_one() -> None:
    order = placed(ibuprofen(600, 4, "a"))  # 2400 mg a day, not 4800
    names = ("MedicationRequest/a", "https://ehr.example/fhir/MedicationRequest/a")
    assert named(dispatch([pht(), LOADED, order], *names)) == []


def test_a_prescription_being_dispatched_has_not_been_taken_yet() -> None:
    """On record beside the order dispatched it is a course of 40 days."""
    taken = {"validityPeriod": {"start": ago(40), "end": ago(-30)}}
    order = placed(ibuprofen(400, 3, "a", dispenseRequest=taken))
    records = [pht(), LOADED, order, placed(ibuprofen(200, 3, "b"))]
    assert named(dispatch(records, "MedicationRequest/b")) == ["nsaid-long-term info"]
    assert named(dispatch(records, "MedicationRequest/a")) == []


def test_a_dose_that_is_dispatched_is_counted_once() -> None:
    order = placed(ibuprofen(600, 4, "a"))  # 2400 mg a day: the ceiling, not beyond it
    assert named(dispatch([pht(), LOADED, order], "MedicationRequest/a")) == []


def test_an_order_taken_back_is_revoked_or_cancelled_not_deleted() -> None:
    records = [*OVER, placed(service("a")), placed(medicine("b"))]
    made = dispatch(records, "ServiceRequest/a", "MedicationRequest/b")
    (offered,) = [
        one
        for one in card("steroid-count-limit", made)["suggestions"]
        if one["label"] == "Withdraw the order"
    ]
    assert [
        (a["type"], a["resource"]["id"], a["resource"]["status"]) for a in offered["actions"]
    ] == [
        ("update", "a", "revoked"),
        ("update", "b", "cancelled"),
    ]
    assert offered["actions"][0]["resource"] == {**records[-2], "status": "revoked"}


@pytest.mark.parametrize(
    "status", ["completed", "entered-in-error", "cancelled", "stopped", "revoked"]
)
def test_an_order_that_is_over_is_not_judged(status: str) -> None:
    made = dispatch([*OVER, placed(service("a"), status)], "ServiceRequest/a")
    assert made.response() == {"cards": []}


def test_an_order_that_is_not_in_the_call_cannot_be_judged() -> None:
    records = [*OVER, placed(service("a"))]
    names = ("ServiceRequest/a", "MedicationRequest/x", "ServiceRequest/y")
    assert refused(records, *names) == (
        "context.dispatchedOrders[1]",
        "context.dispatchedOrders[2]",
    )


def test_an_order_of_a_kind_no_rule_speaks_of_need_not_be_in_the_call() -> None:
    assert dispatch([], "NutritionOrder/1", prefetch={}).response() == {"cards": []}


def test_a_relevant_order_needs_the_chart() -> None:
    sent = chart(*OVER, placed(service("a")))
    del sent["conditions"]
    assert refused([], "ServiceRequest/a", prefetch=sent) == ("prefetch.conditions",)


def test_a_task_for_another_patient_refuses_the_call() -> None:
    tasks = [
        {"resourceType": "Task", "for": {"reference": "Patient/p1"}},
        {"resourceType": "Task", "for": {"reference": "Patient/p2"}},
    ]
    records = [*OVER, placed(service("a"))]
    place = refused(records, "ServiceRequest/a", fulfillmentTasks=tasks)
    assert place == ("context.fulfillmentTasks[1].for.reference",)


def test_a_referral_dispatched_with_the_injection_is_still_on_record() -> None:
    referral = placed(service("r", "ortho-referral"))
    records = [*OVER, placed(service("a"))]
    alone = card("steroid-count-limit", dispatch(records, "ServiceRequest/a"))
    names = ("ServiceRequest/a", "ServiceRequest/r")
    both = card("steroid-count-limit", dispatch([*records, referral], *names))
    assert "Refer for a surgical opinion" in {one["label"] for one in alone["suggestions"]}
    assert "Refer for a surgical opinion" not in {one["label"] for one in both["suggestions"]}
