"""Hook calls that between them bring out every kind of card, suggestion, action and link."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from cds_service.protocol.request import HookRequest
from tests import orders
from tests.conformance.caller import Answer, Caller, post
from tests.conftest import ROOT
from tests.strategies import chart, loading, pht, resource
from tests.strategies import request as view

PATIENTS = ("bilateral", "delayed-referral", "newly-diagnosed", "nsaid-only-181-days",
            "recurrent", "steroid-overuse", "week-6")  # fmt: skip
VIEW = "/cds-services/pht-patient-view"
SIGN = "/cds-services/pht-order-sign"
SELECT = "/cds-services/pht-order-select"
Sent = tuple[str, dict[str, Any]]


def body(request: HookRequest) -> dict[str, Any]:
    """The request as a client sends it."""
    return copy.deepcopy(
        {
            "hook": request.hook,
            "hookInstance": request.hook_instance,
            "context": dict(request.context),
            "prefetch": dict(request.prefetch),
        }
    )


def on_file(name: str) -> Sent:
    file = ROOT / "fixtures" / "fhir" / name / "request.json"
    return VIEW, json.loads(file.read_text(encoding="utf-8"))


def overdue(**context: Any) -> dict[str, Any]:
    """A call that gets the card on an overdue surgical opinion."""
    return body(view(chart(pht(), loading(since=200)), **context))


def without_guidance() -> dict[str, Any]:
    """A call about a patient this service has nothing to say of."""
    return body(view(chart(resource("Condition", "c", code={"text": "Hay fever"}))))


@cache
def _samples() -> tuple[Sent, ...]:
    steroid = orders.service("d1", note=[{"text": "As discussed"}], priority="routine")
    ibuprofen = orders.ibuprofen(1000, identity="m1", note=[{"text": "With food"}])
    four = chart(pht(), orders.LOADED, *orders.given(300, 200, 100, 5))
    recent = chart(pht(), orders.LOADED, *orders.given(10))
    treated = chart(pht(), orders.LOADED)
    return (
        *map(on_file, PATIENTS),
        (SIGN, body(orders.request(four, steroid))),
        (SIGN, body(orders.request(recent, steroid))),
        (SIGN, body(orders.request(treated, ibuprofen))),
        (SELECT, body(orders.request(four, steroid, hook="order-select"))),
        (VIEW, without_guidance()),
    )


def answered(service: Caller) -> Iterator[tuple[dict[str, Any], Answer]]:
    """Each sample call with its answer, all of them 200."""
    for path, sent in _samples():
        answer = post(service, path, sent)
        assert answer.status == 200, answer.data
        yield sent, answer


def cards(service: Caller) -> list[dict[str, Any]]:
    return [card for _, answer in answered(service) for card in answer.json["cards"]]


def suggestions(service: Caller) -> list[dict[str, Any]]:
    return [one for card in cards(service) for one in card.get("suggestions", ())]


def actions(service: Caller, kind: str = "") -> list[dict[str, Any]]:
    """The actions of all suggestions, or those of one type; there is at least one."""
    found = [action for one in suggestions(service) for action in one["actions"]]
    chosen = [action for action in found if kind in ("", action["type"])]
    assert chosen, f"no {kind} action to look at"
    return chosen


def links(service: Caller) -> list[dict[str, Any]]:
    return [link for card in cards(service) for link in card["links"]]
