"""Time spent waiting for a place is taken from the time a call has."""

from __future__ import annotations

import time

import pytest

from cds_service.fhir import client as fhir_client
from cds_service.fhir.client import FhirClient
from cds_service.fhir.policy import Policy
from cds_service.fhir.transport import Deadline
from cds_service.settings import Settings
from cds_service.web import create_app, overload
from tests.conformance.calls import VIEW, overdue

NOBODY = "http://127.0.0.1:9/fhir"
WAITED = 0.2


@pytest.mark.parametrize("waits", [False, True])
def test_a_call_that_waited_has_less_time_to_fetch(
    monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    given: list[float] = []

    class Noted(Deadline):
        def __init__(self, seconds: float) -> None:
            given.append(seconds)
            super().__init__(seconds)

    def take(_: overload.Places) -> bool:
        time.sleep(WAITED if waits else 0)
        return True

    monkeypatch.setattr(fhir_client, "Deadline", Noted)
    monkeypatch.setattr(overload.Places, "take", take)
    monkeypatch.setattr(overload.Places, "leave", lambda _: None)
    client = create_app(Settings.load(auth="open", fhir_servers=(NOBODY,))).test_client()
    body = {name: value for name, value in overdue().items() if name != "prefetch"}
    client.post(VIEW, json=body | {"fhirServer": NOBODY})
    (seconds,) = given
    assert (seconds <= 2.0 - WAITED) is waits


def test_a_little_time_is_always_left() -> None:
    client = FhirClient(Policy(deadline=0.3))
    assert client.sooner(0.0) is client
    assert client.sooner(0.1).policy.deadline == pytest.approx(0.2)
    assert client.sooner(5.0).policy.deadline > 0
    client.close()
