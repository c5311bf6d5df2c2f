"""Services that break one requirement: the real one, with its calls or answers changed.

Each is a function from a caller to a caller, so that the same check can be run against both.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.conformance.caller import Answer, Call, Caller
from tests.conformance.registry import Stub

Change = Callable[[dict[str, Any]], None]


def on_answers(change: Callable[[Call, Answer], Answer]) -> Stub:
    def broken(service: Caller) -> Caller:
        return lambda call: change(call, service(call))

    return broken


def on_calls(change: Change) -> Stub:
    """Hook calls reach the real service with their body changed."""

    def broken(service: Caller) -> Caller:
        def call(sent: Call) -> Answer:
            if not (isinstance(sent.body, dict) and "prefetch" in sent.body):
                return service(sent)
            body = copy.deepcopy(sent.body)
            change(body)
            return service(replace(sent, body=body))

        return call

    return broken


def on_bodies(change: Change) -> Stub:
    """2xx JSON answers with their body changed."""

    def changed(call: Call, answer: Answer) -> Answer:
        if answer.status != 200 or "json" not in answer.headers.get("content-type", ""):
            return answer
        body = answer.json
        change(body)
        return answer.saying(body)

    return on_answers(changed)


def on_cards(change: Change) -> Stub:
    return on_bodies(lambda body: [change(card) for card in body.get("cards", ())] and None)


def on_actions(change: Change) -> Stub:
    return on_cards(lambda card: [change(action) for action in _actions(card)] and None)


def on_services(change: Change) -> Stub:
    return on_bodies(lambda body: [change(one) for one in body.get("services", ())] and None)


def on_templates(change: Callable[[str], str]) -> Stub:
    def changed(service: dict[str, Any]) -> None:
        told = service.get("prefetch", {})
        service["prefetch"] = {key: change(template) for key, template in told.items()}

    return on_services(changed)


def on_prefetch(change: Callable[[Any], Any]) -> Stub:
    """Each prefetch value changed; `...` drops its key."""

    def changed(body: dict[str, Any]) -> None:
        values = {key: change(value) for key, value in body["prefetch"].items()}
        body["prefetch"] = {key: value for key, value in values.items() if value is not ...}

    return on_calls(changed)


def _actions(card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for suggestion in card.get("suggestions", ()):
        yield from suggestion["actions"]
