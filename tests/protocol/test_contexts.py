"""The context of each hook, as the CDS Hooks Library defines it, and what clients really send."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.errors import BadRequest
from cds_service.protocol.hooks import HOOKS
from cds_service.protocol.request import HookRequest, parse

BUNDLE = {"resourceType": "Bundle", "entry": []}
CHART = {"userId": "PractitionerRole/a", "patientId": "p1"}
VISIT = {**CHART, "encounterId": "e1"}
CONTEXTS: dict[str, dict[str, Any]] = {
    "patient-view": CHART,
    "encounter-start": VISIT,
    "encounter-discharge": VISIT,
    "order-select": {**CHART, "selections": ["ServiceRequest/1"], "draftOrders": BUNDLE},
    "order-sign": {**CHART, "draftOrders": BUNDLE},
    "order-dispatch": {
        "patientId": "p1",
        "dispatchedOrders": ["ServiceRequest/1"],
        "performer": "Organization/1",
        "fulfillmentTasks": [{"resourceType": "Task"}],
    },
    "appointment-book": {**CHART, "appointments": BUNDLE},
    "problem-list-item-create": {**CHART, "conditions": BUNDLE},
}
CLINICIANS = ("Practitioner/a", "PractitionerRole/a", "https://ehr.example/fhir/Practitioner/a")
PATIENTS = ("Patient/p1", "RelatedPerson/a")
FOR_PATIENTS = ("patient-view", "appointment-book", "order-dispatch")


def parsed(hook: str, **changes: Any) -> HookRequest:
    context = {k: v for k, v in {**CONTEXTS[hook], **changes}.items() if v is not ...}
    body = {"hook": hook, "hookInstance": "b3e2", "context": context}
    return parse(body, hook=hook)


def fault(hook: str, **changes: Any) -> tuple[str, ...]:
    """The places of the faults."""
    with pytest.raises(BadRequest) as caught:
        parsed(hook, **changes)
    return tuple(path for issue in caught.value.issues for path in issue.expression)


def test_every_hook_with_a_published_definition_has_its_schema() -> None:
    assert set(HOOKS) == set(CONTEXTS)


@pytest.mark.parametrize("hook", CONTEXTS)
def test_a_context_as_published_is_read(hook: str) -> None:
    assert parsed(hook).patient_id == "p1"


REQUIRED = [
    *((hook, "patientId") for hook in CONTEXTS),
    *((hook, "userId") for hook in CONTEXTS if hook != "order-dispatch"),
    ("encounter-start", "encounterId"),
    ("encounter-discharge", "encounterId"),
    ("order-dispatch", "dispatchedOrders"),
    ("order-dispatch", "performer"),
    ("appointment-book", "appointments"),
    ("problem-list-item-create", "conditions"),
]


@pytest.mark.parametrize(("hook", "name"), REQUIRED)
def test_a_required_element_that_is_missing_is_named(hook: str, name: str) -> None:
    assert fault(hook, **{name: ...}) == (f"context.{name}",)
    assert fault(hook, **{name: None}) == (f"context.{name}",)


OPTIONAL = [
    ("patient-view", "encounterId"),
    ("order-select", "encounterId"),
    ("order-select", "selections"),
    ("order-select", "draftOrders"),
    ("order-sign", "draftOrders"),
    ("order-dispatch", "userId"),
    ("order-dispatch", "fulfillmentTasks"),
    ("appointment-book", "encounterId"),
    ("problem-list-item-create", "encounterId"),
]


@pytest.mark.parametrize(("hook", "name"), OPTIONAL)
@pytest.mark.parametrize("value", [None, ...])
def test_an_optional_element_may_be_null_or_left_out(hook: str, name: str, value: Any) -> None:
    parsed(hook, **{name: value})


@pytest.mark.parametrize("hook", CONTEXTS)
@pytest.mark.parametrize("user", CLINICIANS)
def test_a_clinician_may_be_the_user_of_every_hook(hook: str, user: str) -> None:
    assert parsed(hook, userId=user).user_id == user


@pytest.mark.parametrize("hook", CONTEXTS)
@pytest.mark.parametrize("user", PATIENTS)
def test_a_patient_may_be_the_user_where_the_hook_allows_it(hook: str, user: str) -> None:
    if hook in FOR_PATIENTS:
        assert parsed(hook, userId=user).user_id == user
    else:
        assert fault(hook, userId=user) == ("context.userId",)


@pytest.mark.parametrize("user", ["a", "Device/1", "Practitioner", "Practitioner/", "", " ", 1])
@pytest.mark.parametrize("hook", CONTEXTS)
def test_any_other_user_is_refused(hook: str, user: object) -> None:
    assert fault(hook, userId=user) == ("context.userId",)


@pytest.mark.parametrize(
    ("hook", "name", "value", "place"),
    [
        ("order-select", "selections", "x", "context.selections"),
        ("order-select", "selections", ["ServiceRequest/1", 7], "context.selections[1]"),
        ("order-sign", "draftOrders", [], "context.draftOrders"),
        ("order-sign", "draftOrders", {}, "context.draftOrders.resourceType"),
        (
            "order-sign",
            "draftOrders",
            {"resourceType": "OperationOutcome"},
            "context.draftOrders.resourceType",
        ),
        ("order-dispatch", "dispatchedOrders", [], "context.dispatchedOrders"),
        ("order-dispatch", "dispatchedOrders", ["x"], "context.dispatchedOrders[0]"),
        ("order-dispatch", "performer", "clinic", "context.performer"),
        (
            "order-dispatch",
            "fulfillmentTasks",
            [{"resourceType": "Patient"}],
            "context.fulfillmentTasks[0].resourceType",
        ),
        ("appointment-book", "appointments", [], "context.appointments"),
        (
            "problem-list-item-create",
            "conditions",
            {"resourceType": "Condition"},
            "context.conditions.resourceType",
        ),
    ],
)
def test_a_fault_is_named_by_its_place(hook: str, name: str, value: Any, place: str) -> None:
    assert fault(hook, **{name: value}) == (place,)


def test_an_order_dispatched_without_a_user_has_none() -> None:
    assert parsed("order-dispatch").user_id == ""


def test_a_hook_no_one_published_is_checked_for_what_all_have_in_common() -> None:
    body = {"hook": "org.example.patient-weigh", "hookInstance": "b3e2", "context": {"userId": "u"}}
    with pytest.raises(BadRequest, match=r"context\.patientId"):
        parse(body, hook="org.example.patient-weigh")


def test_the_names_of_the_published_example_of_order_dispatch_are_read() -> None:
    told = {
        "patientId": "p1",
        "dispatched-orders": ["ServiceRequest/proc002"],
        "performer": "Organization/some-performer",
        "fulfillment-tasks": [{"resourceType": "Task", "status": "draft"}],
    }
    body = {"hook": "order-dispatch", "hookInstance": "b3e2", "context": told}
    context = parse(body, hook="order-dispatch").context
    assert context["dispatchedOrders"] == ["ServiceRequest/proc002"]
    assert context["fulfillmentTasks"] == told["fulfillment-tasks"]
