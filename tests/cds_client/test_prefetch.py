"""The client itself fills tokens as CDS Hooks describes."""

from __future__ import annotations

from datetime import date

import pytest

from tests.cds_client.client import applied
from tests.cds_client.prefetch import Unresolved, resolved

CONTEXT = {"patientId": "p1", "userId": "PractitionerRole/r1", "draftOrders": {}}
TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    ("template", "query"),
    [
        ("Patient/{{context.patientId}}", "Patient/p1"),
        ("Condition?patient={{ context.patientId }}", "Condition?patient=p1"),
        ("PractitionerRole/{{userPractitionerRoleId}}", "PractitionerRole/r1"),
        ("Observation?date=ge{{today() - 90 days}}", "Observation?date=ge2026-03-17"),
        ("Observation?date={{today()}}", "Observation?date=2026-06-15"),
    ],
)
def test_tokens_are_replaced(template: str, query: str) -> None:
    assert resolved(template, CONTEXT, TODAY) == query


@pytest.mark.parametrize(
    "token", ["context.encounterId", "context.draftOrders", "userPatientId", "patientId", "x"]
)
def test_a_token_without_a_value_leaves_the_template_unfilled(token: str) -> None:
    with pytest.raises(Unresolved):
        resolved(f"Encounter/{{{{{token}}}}}", CONTEXT, TODAY)


def test_a_suggestion_changes_the_drafts_by_all_its_actions() -> None:
    one, two = ({"resourceType": "ServiceRequest", "id": identity} for identity in ("1", "2"))
    changed = {**one, "priority": "urgent"}
    new = {"resourceType": "CarePlan"}
    suggestion = {
        "actions": [
            {"type": "update", "resource": changed},
            {"type": "delete", "resourceId": "ServiceRequest/2"},
            {"type": "create", "resource": new},
        ]
    }
    assert applied([one, two], suggestion) == [changed, new]
