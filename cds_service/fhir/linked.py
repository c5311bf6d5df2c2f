"""Drafts that speak of one injection: the procedure and its drug are one order (G4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cds_service.fhir.releases import R4_TYPES
from cds_service.patient.facts import DraftResource, Order, OrderKind
from cds_service.patient.group import same_side
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import YES


def linked(orders: list[Order], today: date) -> list[Order]:
    """A draft ServiceRequest and a draft MedicationRequest for one side are one order (G4)."""
    found: list[Order] = []
    # Services first; of drugs those that name a side choose first.
    for order in sorted(orders, key=_service_first):
        partner = next((one for one in found if _together(one, order)), None)
        if partner is None:
            found.append(order)
        else:
            found[found.index(partner)] = _combined(partner, order, today)
    return sorted(found, key=lambda order: order.reference)


def _service_first(order: Order) -> tuple[bool, bool, str]:
    return (
        _type(order.drafts[0]) != "ServiceRequest",
        order.side is NOT_STATED,
        order.reference,
    )


def _together(one: Order, other: Order) -> bool:
    if one.kind is not OrderKind.STEROID or other.kind is not OrderKind.STEROID:
        return False
    types = {_type(draft) for draft in (*one.drafts, *other.drafts)}
    pair = len(one.drafts) == 1 and len(types) == len(one.drafts) + len(other.drafts)
    return pair and same_side(one.side, other.side)


def _type(draft: DraftResource) -> str:
    name = str(draft.raw.get("resourceType"))
    return R4_TYPES.get(name, name)


def _combined(service: Order, drug: Order, today: date) -> Order:
    """One injection told by two drafts: what either one says is said."""
    stated = [o.planned for o in (service, drug) if o.planned.latest > today]
    return replace(
        service,
        drafts=(*service.drafts, *drug.drafts),
        side=service.side if service.side is not NOT_STATED else drug.side,
        stated=(*service.stated, *drug.stated),
        planned=min(stated, key=lambda when: when.earliest, default=service.planned),
        at_origin=service.at_origin | drug.at_origin,
        concerns_pht=service.concerns_pht | drug.concerns_pht,
        steroid=service.steroid | drug.steroid,
        local=service.local | drug.local,
        unclear=(service.unclear or drug.unclear)
        and YES not in (service.at_origin, drug.at_origin),
        links=service.links | drug.links,
        injections=max(service.injections, drug.injections),
    )


def of_another_site(order: Order, orders: list[Order]) -> bool:
    """A drug without site or reason, beside an injection elsewhere and none here, is for that."""
    here = any(one.kind is OrderKind.STEROID and one.at_origin is YES for one in orders)
    drug = _type(order.drafts[0]) == "MedicationRequest"
    return order.kind is OrderKind.STEROID and drug and order.at_origin is not YES and not here
