"""Calls and feedback as a client sends them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from tests.conformance.calls import VIEW, overdue

FEEDBACK = f"{VIEW}/feedback"
REASONS = "https://pht-cds.example.org/fhir/CodeSystem/override-reason"


def opened(client: FlaskClient, sent: dict[str, Any] | None = None, **context: Any) -> Any:
    """The cards on opening a chart, in a hook instance of its own."""
    body = (sent or overdue()) | {"hookInstance": str(uuid4())}
    body["context"] = body["context"] | context
    answer = client.post(VIEW, json=body)
    assert answer.status_code == 200, answer.json
    return answer.json["cards"]


def overridden(card: Any, reason: str = "", at: str = "2026-06-15T09:30:00Z") -> dict[str, Any]:
    entry = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": at}
    if reason:
        entry["overrideReason"] = {"reason": {"code": reason, "system": REASONS}}
    return entry


def accepted(card: Any, at: str = "2026-06-15T09:30:00Z") -> dict[str, Any]:
    taken = [{"id": card["suggestions"][0]["uuid"]}]
    return {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": taken,
        "outcomeTimestamp": at,
    }


def tell(client: FlaskClient, *entries: Any, path: str = FEEDBACK) -> Any:
    return client.post(path, json={"feedback": list(entries)})


def warnings(answer: Any) -> list[str]:
    """The paths of all that was not simply kept."""
    return [
        path
        for issue in answer.json["issue"]
        if issue["severity"] != "information"
        for path in issue["expression"]
    ]
