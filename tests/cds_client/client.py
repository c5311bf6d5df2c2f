"""A small CDS Hooks client, as an EHR has one: discovery, calls, cards, feedback.

It shares no code with the service, so that the two cannot agree by mistake.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import requests

from tests.cds_client.prefetch import FhirServer, Manner, fill

URGENCY = ("critical", "warning", "info")


class Refused(Exception):
    """An answer that is not 200; `outcome` is its OperationOutcome."""

    def __init__(self, status: int, outcome: dict[str, Any]) -> None:
        super().__init__(f"{status}: {outcome}")
        self.status = status
        self.outcome = outcome

    @property
    def places(self) -> list[str]:
        """The JSON paths it names."""
        return [path for one in self.outcome["issue"] for path in one.get("expression", ())]


@dataclass(frozen=True, slots=True)
class Shown:
    """One card as the user sees it, and the service it came from."""

    service: str
    card: Mapping[str, Any]

    @property
    def rule(self) -> str:
        return str(self.card["source"]["topic"]["code"])

    def lines(self) -> list[str]:
        """What the user reads."""
        card = self.card
        return [
            f"{card['indicator'].upper()}: {card['summary']}",
            card["detail"],
            f"Source: {card['source']['label']}",
            *(f"[{one['label']}]" for one in card.get("suggestions", ())),
            *(f"Not now: {reason['display']}" for reason in card.get("overrideReasons", ())),
            *(f"{link['label']}: {link['url']}" for link in card.get("links", ())),
        ]


@dataclass(slots=True)
class Client:
    """One EHR: which service it calls, whose data it holds, and its manner."""

    base: str
    fhir: FhirServer
    today: date
    manner: Manner = field(default_factory=Manner)
    user: str = "Practitioner/osei"
    #: whether the service is told of the FHIR server
    tells_server: bool = True

    def services(self) -> list[dict[str, Any]]:
        """What discovery offers."""
        answer = requests.get(f"{self.base}/cds-services", timeout=30)
        answer.raise_for_status()
        listed: list[dict[str, Any]] = answer.json()["services"]
        return listed

    def body(self, service: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """The call of `service` in this context."""
        told: dict[str, Any] = {
            "hook": service["hook"],
            "hookInstance": str(uuid.uuid4()),
            "context": dict(context),
        }
        templates = service.get("prefetch", {})
        if prefetch := fill(templates, context, self.fhir, self.today, self.manner):
            told["prefetch"] = prefetch
        if self.tells_server:
            told["fhirServer"] = self.fhir.base
        if self.fhir.token and self.tells_server:
            told["fhirAuthorization"] = {
                "access_token": self.fhir.token,
                "token_type": "Bearer",
                "expires_in": 300,
                "scope": "patient/*.rs",
                "subject": "cds-service",
            }
        return told

    def send(self, service: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises Refused."""
        answer = requests.post(f"{self.base}/cds-services/{service}", json=body, timeout=30)
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.json())
        told: dict[str, Any] = answer.json()
        return told

    def trigger(self, hook: str, **context: Any) -> list[Shown]:
        """All services of the hook called, their cards most urgent first. Raises Refused."""
        whole = {"userId": self.user, **context}
        shown = [
            Shown(service["id"], card)
            for service in self.services()
            if service["hook"] == hook
            for card in self.send(service["id"], self.body(service, whole))["cards"]
        ]
        return sorted(shown, key=lambda one: URGENCY.index(one.card["indicator"]))

    def accept(self, shown: Shown, suggestion: int = 0) -> requests.Response:
        """Tells the service that a suggestion of its card was taken."""
        taken = shown.card["suggestions"][suggestion]["uuid"]
        return self._feedback(shown, outcome="accepted", acceptedSuggestions=[{"id": taken}])

    def dismiss(self, shown: Shown, reason: int = 0, comment: str = "") -> requests.Response:
        """Tells the service that its card was overridden, and why."""
        coding = shown.card["overrideReasons"][reason]
        why = {"reason": {"code": coding["code"], "system": coding["system"]}}
        said = {**why, "userComment": comment} if comment else why
        return self._feedback(shown, outcome="overridden", overrideReason=said)

    def _feedback(self, shown: Shown, **outcome: Any) -> requests.Response:
        when = datetime.combine(self.today, time(9, 30)).isoformat() + "Z"
        one = {"card": shown.card["uuid"], "outcomeTimestamp": when, **outcome}
        url = f"{self.base}/cds-services/{shown.service}/feedback"
        return requests.post(url, json={"feedback": [one]}, timeout=30)


def applied(drafts: Iterable[Mapping[str, Any]], suggestion: Mapping[str, Any]) -> list[Any]:
    """The drafts after the user took the suggestion: all of its actions."""
    left = {f"{one['resourceType']}/{one['id']}": dict(one) for one in drafts}
    for action in suggestion["actions"]:
        if action["type"] == "delete":
            del left[action["resourceId"]]
        else:
            resource = action["resource"]
            left[f"{resource['resourceType']}/{resource.get('id', uuid.uuid4())}"] = resource
    return list(left.values())
