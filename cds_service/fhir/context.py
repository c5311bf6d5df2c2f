"""What a call itself is about: draft orders, dispatched orders, bookings, conditions being added.

It stands in the hook's context, beside the chart. Whatever of it names another patient refuses the
call, as in the chart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cds_service.errors import DataUnavailable, Issue
from cds_service.fhir.linked import TYPES
from cds_service.fhir.resources import Evidence, Resource, about, collect, relative

ORDERS = ("MedicationRequest", "ServiceRequest", *TYPES)


def gather_context(
    hook: str, context: Mapping[str, Any], evidence: Evidence, patient_id: str
) -> None:
    """Put into `evidence` what the context of this hook holds; nothing for hooks on the chart.

    Raises BadRequest for what is no FHIR JSON, DataUnavailable (412) for another patient's
    resources, for a Bundle that is not whole and for a dispatched order that is not in the call.
    """
    gather = _GATHER.get(hook)
    if gather:
        gather(context, evidence, patient_id)


def _select(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    """order-select: the drafts just chosen; the others are only what these may refer to."""
    chosen = {relative(s) for s in context.get("selections") or () if isinstance(s, str)}
    drafts = _drafts(context, evidence, patient_id)
    evidence.drafts = [d for d in drafts if f"{d.type}/{d.raw.get('id')}" in chosen]


def _sign(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    evidence.drafts = _drafts(context, evidence, patient_id)


def _drafts(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> list[Resource]:
    """No draftOrders at all is no order, not an error: the sandbox sends such calls."""
    drafts = _bundled(context, "draftOrders", evidence, patient_id)
    for draft in drafts:  # a draft may refer to the Medication beside it
        evidence.named.setdefault(f"{draft.type}/{draft.raw.get('id')}", draft)
    return drafts


def _dispatch(context: Mapping[str, Any], evidence: Evidence, patient_id: str) -> None:
    """order-dispatch names orders already placed; they are among the resources of the chart."""
    for index, task in enumerate(context.get("fulfillmentTasks") or ()):
        path = f"context.fulfillmentTasks[{index}]"
        about(Resource("Task", task, path, path), evidence, patient_id, "for")
    lacking: list[Issue] = []
    for index, reference in enumerate(context["dispatchedOrders"]):
        order = evidence.named.get(reference) or evidence.named.get(relative(reference))
        if order is not None:
            evidence.drafts.append(order)
        elif relative(reference).split("/")[0] in ORDERS:
            place = f"context.dispatchedOrders[{index}]"
            lacking.append(Issue("error", "incomplete", f"{place}: {NOT_SENT}", (place,)))
    if lacking:
        raise DataUnavailable.of(lacking)
    evidence.dispatched = frozenset(order.reference for order in evidence.drafts)


NOT_SENT = "this order is not among the resources of the call"


def _bundled(
    context: Mapping[str, Any], name: str, evidence: Evidence, patient_id: str
) -> list[Resource]:
    """The resources of a Bundle of the context, in a fixed order, all about the patient."""
    found: dict[tuple[str, str], Resource] = {}
    problem = collect(context.get(name), f"context.{name}", found, evidence)
    if problem:
        raise DataUnavailable(f"context.{name}: {problem}", expression=[f"context.{name}"])
    resources = sorted(found.values(), key=lambda resource: resource.reference)
    for resource in resources:
        about(resource, evidence, patient_id)
    return resources


_GATHER: Mapping[str, Callable[[Mapping[str, Any], Evidence, str], None]] = {
    "order-select": _select,
    "order-sign": _sign,
    "order-dispatch": _dispatch,
}
