"""Order calls for tests: drafts by hand, and what the order services answer to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cds_service.protocol.request import HookRequest
from cds_service.service import Decision, answer, plainly_off_topic
from hooks import order_select, order_sign
from tests.strategies import (
    IBUPROFEN,
    KENALOG,
    SITE,
    TODAY,
    Resource,
    chart,
    concept,
    injection,
    loading,
    local,
    origin,
    resource,
)

UCUM = "http://unitsofmeasure.org"
#: keeps the rules on loading quiet: a year of it
LOADED = loading("long", since=380)


def ahead(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def service(
    identity: str = "d1", code: str = "steroid-injection", side: str | None = "left", **more: Any
) -> Resource:
    made = {
        "status": "draft",
        "intent": "order",
        "code": local(code),
        "bodySite": [origin(side)] if side is not None else None,
    }
    return resource("ServiceRequest", identity, **{**made, **more})


def medicine(identity: str = "m1", drug: tuple[str, str] = KENALOG, **more: Any) -> Resource:
    made = {"status": "draft", "intent": "order", "medicationCodeableConcept": concept(drug)}
    return resource("MedicationRequest", identity, **{**made, **more})


def mg(value: float, unit: str = "mg") -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def dosage(value: float, times: float = 3, unit: str = "mg", **more: Any) -> Resource:
    """So much, so often a day."""
    line = {
        "timing": {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": mg(value, unit)}],
    }
    return {**line, **more}


def ibuprofen(value: float, times: float = 3, identity: str = "m1", **more: Any) -> Resource:
    return medicine(identity, IBUPROFEN, **{"dosageInstruction": [dosage(value, times)], **more})


def given(*days: int, side: str | None = "left", name: str = "i", **more: Any) -> list[Resource]:
    from tests.strategies import ago

    return [injection(f"{name}{n}", ago(day), side, **more) for n, day in enumerate(days)]


def request(
    prefetch: dict[str, Any],
    *drafts: Resource,
    hook: str = "order-sign",
    selections: list[str] | None = None,
    **context: Any,
) -> HookRequest:
    entries = [{"resource": draft} for draft in drafts]
    told: dict[str, Any] = {"userId": "Practitioner/dr", "patientId": "p1"}
    told["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if hook == "order-select":
        named = [f"{d['resourceType']}/{d.get('id')}" for d in drafts]
        told["selections"] = named if selections is None else selections
    return HookRequest(
        hook=hook,
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        context={**told, **context},
        prefetch=prefetch,
    )


def sign(
    records: list[Resource],
    *drafts: Resource,
    person: Resource | None = None,
    hook: str = "order-sign",
    prefetch: dict[str, Any] | None = None,
    **more: Any,
) -> Decision:
    """The answer on 15 June 2026 to an order call about this chart."""
    chosen = order_select.SERVICE if hook == "order-select" else order_sign.SERVICE
    site, today = more.pop("site", SITE), more.pop("today", TODAY)
    sent = chart(*records, person=person) if prefetch is None else prefetch
    call = request(sent, *drafts, hook=hook, **more)
    decision = answer(chosen, call, today=today, site=site)
    assert decision.silence or not plainly_off_topic(chosen, call, today, site)
    return decision


def named(decision: Decision) -> list[str]:
    """What is shown as 'rule variant indicator', in order."""
    return [" ".join(filter(None, (o.rule, o.variant, o.indicator))) for o in decision.shown]


def ordered(records: list[Resource], *drafts: Resource, **more: Any) -> list[str]:
    return named(sign(records, *drafts, **more))


def of(rule: str, records: list[Resource], *drafts: Resource, **more: Any) -> list[str]:
    """What this rule shows."""
    found = ordered(records, *drafts, **more)
    return [one.removeprefix(rule).strip() for one in found if one.startswith(f"{rule} ")]


def card(rule: str, decision: Decision) -> dict[str, Any]:
    (found,) = [c for c in decision.cards if c["source"]["topic"]["code"] == rule]
    return found


def actions(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [action for one in card.get("suggestions", ()) for action in one["actions"]]


def changed(card: dict[str, Any], kind: str = "update") -> list[Any]:
    """The resources (or ids) of the actions of this kind."""
    key = "resourceId" if kind == "delete" else "resource"
    return [action[key] for action in actions(card) if action["type"] == kind]
