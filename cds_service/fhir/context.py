"""What a call itself is about: draft orders, dispatched orders, bookings, conditions being added.

It stands in the hook's context, beside the chart. Whatever of it names another patient refuses the
call, as in the chart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cds_service.errors import DataUnavailable, Issue
from cds_service.fhir import proposed
from cds_service.fhir.codes import items
from cds_service.fhir.releases import R4_TYPES
from cds_service.fhir.resources import (
    Evidence,
    Resource,
    about,
    collect,
    foreign,
    is_patient,
    relative,
)

ORDERS = ("MedicationRequest", "ServiceRequest", *R4_TYPES)
NOT_SENT = "this order is not among the resources of the call"


#: references -> the resources the FHIR server has for them
Read = Callable[[Iterable[str]], Mapping[str, Resource]]


def gather_context(
    hook: str,
    context: Mapping[str, Any],
    evidence: Evidence,
    patient_id: str,
    read: Read = lambda _references: {},
) -> None:
    """Put into `evidence` what the context of this hook holds; nothing for hooks on the chart.

    `read` gets what the context only names: dispatched orders that are not among the chart's.

    Raises BadRequest for what is no FHIR JSON, DataUnavailable (412) for another patient's
    resources, for a Bundle that is not whole and for a dispatched order that is not in the call.
    """
    if hook == "order-dispatch":
        _read_orders(context, evidence, patient_id, read)
    gather = _GATHER.get(hook)
    if gather:
        gather(context, evidence, patient_id)


def _select(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    """order-select: the drafts just chosen; the others are only what these may refer to."""
    chosen = {relative(s) for s in context.get("selections") or () if isinstance(s, str)}
    drafts = _drafts(context, evidence, patient_id)
    evidence.drafts = [d for d in drafts if d.sent_reference in chosen]


def _sign(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    evidence.drafts = _drafts(context, evidence, patient_id)


def _drafts(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> list[Resource]:
    """No draftOrders at all is no order, not an error: the sandbox sends such calls."""
    drafts = _bundled(context, "draftOrders", evidence, patient_id)
    for draft in drafts:  # a draft may refer to the Medication beside it
        evidence.named.setdefault(draft.sent_reference, draft)
    return drafts


def _read_orders(
    context: Mapping[str, Any], evidence: Evidence, patient_id: str, read: Read
) -> None:
    orders = (one for one in context["dispatchedOrders"] if relative(one).split("/")[0] in ORDERS)
    wanted = [one for one in orders if not _held(one, evidence)]
    for reference, order in read(wanted).items():
        about(order, evidence, patient_id)
        evidence.named[reference] = order


def _held(reference: str, evidence: Evidence) -> Resource | None:
    return evidence.named.get(relative(reference)) or evidence.named.get(reference)


def _dispatch(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    """order-dispatch names orders already placed; they are among the resources of the chart."""
    for index, task in enumerate(context.get("fulfillmentTasks") or ()):
        path = f"context.fulfillmentTasks[{index}]"
        about(Resource("Task", task, path, path), evidence, patient_id, "for")
    found: dict[str, Resource] = {}
    lacking: list[Issue] = []
    for index, reference in enumerate(context["dispatchedOrders"]):
        order = _held(reference, evidence)
        if order is not None:
            found[order.reference] = order  # named twice it is one
        elif relative(reference).split("/")[0] in ORDERS:
            place = f"context.dispatchedOrders[{index}]"
            lacking.append(Issue("error", "incomplete", f"{place}: {NOT_SENT}", (place,)))
    if lacking:
        raise DataUnavailable.of(lacking)
    evidence.drafts, evidence.dispatched = list(found.values()), frozenset(found)


def _book(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    """appointment-book: the appointments; a visit of several patients is this one's too."""
    for one in _bundled(context, "appointments", evidence, patient_id):
        if one.type != "Appointment":
            continue
        patients = list(_patients(one))
        if patients and not any(is_patient(who, evidence, patient_id) for _, who in patients):
            raise foreign(patients[0][0])
        evidence.drafts.append(one)


def _patients(appointment: Resource) -> Iterator[tuple[str, str]]:
    """(path, reference) of every Patient that takes part."""
    for index, part in enumerate(items(appointment.raw.get("participant"))):
        actor = part.get("actor") if isinstance(part, Mapping) else None
        reference = actor.get("reference") if isinstance(actor, Mapping) else None
        if isinstance(reference, str) and relative(reference).startswith("Patient/"):
            yield f"{appointment.path}.participant[{index}].actor.reference", reference


def _add(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    """problem-list-item-create: the conditions, beside those of the chart."""
    sent = _bundled(context, "conditions", evidence, patient_id)
    proposed.add(evidence, (one for one in sent if one.type == "Condition"))


def _bundled(
    context: Mapping[str, Any], name: str, evidence: Evidence, patient_id: str
) -> list[Resource]:
    """The resources of a Bundle of the context, in a fixed order, all about the patient."""
    found: dict[str, Resource] = {}
    problem = collect(context.get(name), f"context.{name}", found, evidence)
    if problem:
        raise DataUnavailable(f"context.{name}: {problem}", expression=[f"context.{name}"])
    resources = [found[reference] for reference in sorted(found)]
    for resource in resources:
        about(resource, evidence, patient_id)
    return resources


_GATHER: Mapping[str, Callable[[Mapping[str, Any], Evidence, str], None]] = {
    "order-select": _select,
    "order-sign": _sign,
    "order-dispatch": _dispatch,
    "appointment-book": _book,
    "problem-list-item-create": _add,
}
