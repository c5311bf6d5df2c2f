"""What a hook's context holds beside patient and user, for a record that is being tried.

An EHR fills the context from what its user is doing. Here the visitor names an order, and the
hook decides how it is told: as a draft, as an order of the chart being dispatched, or as a
booking. A visit and a new diagnosis are made up where a hook needs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from cds_service.demo.call import USER
from cds_service.demo.orders import ORDERS, Order
from cds_service.demo.record import Resource
from cds_service.errors import BadRequest
from cds_service.terminology.tables import LOCAL

Body = dict[str, Any]
TRIED = "being-tried"  # the id of what is made up
KEYS = {"ServiceRequest": "serviceRequests", "MedicationRequest": "medicationRequests"}


def fill(body: Body, hook: str, order: str, today: date) -> Body:
    """`body` with what the context of `hook` needs. Raises BadRequest for an unknown order."""
    if hook in ABOUT_ORDERS:
        if order not in ORDERS:
            raise BadRequest(f"Choose an order: {', '.join(ORDERS)}.", code="value")
        return ABOUT_ORDERS[hook](body, ORDERS[order], today)
    return OTHERS[hook](body, today) if hook in OTHERS else body


def bundle(resources: Iterable[Resource]) -> Resource:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _with(body: Body, **context: Any) -> Body:
    return body | {"context": body["context"] | context}


def _draft(body: Body, order: Order, today: date) -> Resource:
    return order.draft(body["context"]["patientId"], today)


def _signed(body: Body, order: Order, today: date) -> Body:
    return _with(body, draftOrders=bundle([_draft(body, order, today)]))


def _selected(body: Body, order: Order, today: date) -> Body:
    draft = _draft(body, order, today)
    named = f"{draft['resourceType']}/{draft['id']}"
    return _with(body, draftOrders=bundle([draft]), selections=[named])


def _dispatched(body: Body, order: Order, today: date) -> Body:
    """The order is of the chart already: it goes to the prefetch of its type."""
    placed = _draft(body, order, today) | {"status": "active"}
    key = KEYS[placed["resourceType"]]
    held = body["prefetch"].get(key) or bundle(())
    grown = held | {"entry": [*held.get("entry", ()), {"resource": placed}]}
    if "total" in held:
        grown["total"] = held["total"] + 1
    named = f"{placed['resourceType']}/{placed['id']}"
    dispatch = _with(body, dispatchedOrders=[named], performer="Organization/being-chosen")
    return dispatch | {"prefetch": body["prefetch"] | {key: grown}}


def _booked(body: Body, order: Order, today: date) -> Body:
    """An appointment has no body site: the words of the order name it."""
    patient = {"reference": f"Patient/{body['context']['patientId']}"}
    concept = order.elements.get("code") or order.elements["medicationCodeableConcept"]
    sites = [site["text"] for site in order.elements.get("bodySite", ())]
    booking = {
        "resourceType": "Appointment",
        "id": TRIED,
        "status": "proposed",
        "serviceType": [concept | {"text": ", ".join([concept["text"], *sites])}],
        "start": f"{today.isoformat()}T09:00:00Z",
        "participant": [{"actor": patient, "status": "needs-action"}],
    }
    return _with(body, appointments=bundle([booking]))


def _visited(body: Body, _today: date) -> Body:
    return _with(body, encounterId=body["context"].get("encounterId", TRIED))


def _added(body: Body, today: date) -> Body:
    condition = {
        "resourceType": "Condition",
        "id": TRIED,
        "subject": {"reference": f"Patient/{body['context']['patientId']}"},
        "code": {
            "coding": [{"system": LOCAL, "code": "pht"}],
            "text": "Proximal hamstring tendinopathy",
        },
        "recordedDate": today.isoformat(),
        "recorder": {"reference": USER},
    }
    return _with(body, conditions=bundle([condition]))


ABOUT_ORDERS: dict[str, Callable[[Body, Order, date], Body]] = {
    "order-select": _selected,
    "order-sign": _signed,
    "order-dispatch": _dispatched,
    "appointment-book": _booked,
}
OTHERS: dict[str, Callable[[Body, date], Body]] = {
    "encounter-start": _visited,
    "encounter-discharge": _visited,
    "problem-list-item-create": _added,
}
