"""Fakes in place of the clinical engine, and demo patients."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cds_service.demo.patients import Case


@dataclass
class FakeService:
    id: str = "fake"
    hook: str = "patient-view"
    title: str = "Fake"
    description: str = "A fake service."
    usage_requirements: str = ""
    prefetch: dict[str, str] = field(
        default_factory=lambda: {
            "patient": "Patient/{{context.patientId}}",
            "conditions": "Condition?patient={{context.patientId}}",
        }
    )
    recommendations: tuple[Any, ...] = ()


CARD = {
    "uuid": "5b3ab0a4-4a4b-4f0f-a1a6-1d4c34bd1b7d",
    "summary": "Three steroid injections in six months",
    "detail": "**Facts**\n\n- 2026-01-02 <script>alert(1)</script> ![x](http://elsewhere/x.png)",
    "indicator": "warning",
    "source": {"label": "The article", "topic": {"system": "s", "code": "steroid-overuse"}},
    "suggestions": [
        {
            "label": "Refer for a surgical opinion",
            "uuid": "d1b7a1f0-71cc-4a6e-9a44-6a3a5b5d8d2a",
            "isRecommended": True,
            "actions": [
                {
                    "type": "create",
                    "description": "Draft a referral",
                    "resource": {"resourceType": "ServiceRequest", "status": "draft"},
                }
            ],
        }
    ],
    "selectionBehavior": "at-most-one",
    "overrideReasons": [{"system": "s", "code": "no", "display": "Patient declines"}],
    "links": [{"label": "Why", "url": "https://x.example/why", "type": "absolute"}],
}


UNJUDGED = {
    "org.pht-cds.unjudged": {
        "rules": [{"rule": "steroid-overuse", "side": "left", "reason": "no Procedures"}]
    }
}


@dataclass
class FakeDecision:
    told: dict[str, Any] = field(default_factory=lambda: {"cards": [CARD]})
    rules: tuple[str, ...] = ("steroid-overuse",)
    shown: tuple[Any, ...] = ()
    withheld: tuple[Any, ...] = ()
    outcomes: tuple[Any, ...] = ()
    silence: str = ""

    def response(self, *, explain: bool = False) -> dict[str, Any]:
        return self.told | ({"extension": {"why": {"today": "2026-06-15"}}} if explain else {})


@dataclass
class FakeEngine:
    """Remembers what it was asked; answers, or fails, as told."""

    decision: FakeDecision = field(default_factory=FakeDecision)
    error: Exception | None = None
    asked: list[Any] = field(default_factory=list)
    today: date | None = None

    def __call__(
        self, service: Any, request: Any, *, today: date, site: Any, history: Any = None
    ) -> FakeDecision:
        self.asked.append(request)
        self.today = today
        if self.error:
            raise self.error
        return self.decision


def case(patient: str, *more: dict[str, Any]) -> Case:
    """A demo patient with one condition and `more`."""
    who = {
        "resourceType": "Patient",
        "id": patient,
        "name": [{"given": [patient.title()], "family": "Runner"}],
        "birthDate": "1980-01-01",
    }
    condition = {
        "resourceType": "Condition",
        "id": f"{patient}-c",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://x", "code": "a"}]},
    }
    return Case(
        name=patient,
        title=f"The story of {patient}",
        story="Ran too far.",
        patient=who,
        resources=(who, condition, *more),
    )
