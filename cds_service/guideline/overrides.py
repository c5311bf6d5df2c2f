"""Override reasons: the service's own codes, with HL7's code where one fits.

HL7's system is http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes (CDS Hooks 3.0
ballot content). Displays are what a clinician reads in the menu.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HL7 = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
SYSTEM = "https://pht-cds.example.org/fhir/CodeSystem/override-reason"
OURS = ("", SYSTEM)  # a code without its system is taken for one of these


@dataclass(frozen=True, slots=True)
class OverrideReason:
    code: str
    display: str
    hl7: str | None = None


REASONS: dict[str, OverrideReason] = {
    reason.code: reason
    for reason in (
        OverrideReason(
            "directed-by-specialist", "Directed by treating specialist", "expert-contradicts"
        ),
        OverrideReason(
            "benefit-outweighs-risk", "Benefit judged to outweigh risk", "risk-benefit-ratio"
        ),
        OverrideReason("different-site", "Different site or indication", "cds-not-applicable"),
        OverrideReason("record-wrong", "Record is wrong or incomplete"),
        OverrideReason("side-checked", "Side checked, not over limit", "cds-not-applicable"),
        OverrideReason("already-done", "Already done / documented elsewhere", "action-completed"),
        OverrideReason("patient-declined", "Patient declined", "patient-refuses"),
        OverrideReason("service-not-available", "Service not available", "service-not-available"),
        OverrideReason(
            "not-surgical-candidate", "Not a candidate for surgery", "patient-ineligible"
        ),
        OverrideReason(
            "continue-conservative",
            "Shared decision to continue conservative care",
            "prefers-alternative",
        ),
        OverrideReason("improving", "Clinically improving", "action-not-priority"),
        OverrideReason(
            "graded-return", "Part of a graded return plan", "mitigate-risk-negative-outcome"
        ),
        OverrideReason("will-monitor", "Will monitor / reassess", "mitigate-risk-negative-outcome"),
        OverrideReason(
            "tolerated-before", "Tolerated before", "action-performed-no-adverse-effect"
        ),
        OverrideReason("not-daily", "Not taken every day", "cds-not-applicable"),
    )
}


def meant(code: str, system: str) -> OverrideReason | None:
    """Which of the reasons a client means; None for a code of another list."""
    return REASONS.get(code) if system in OURS else None


def code_system() -> dict[str, Any]:
    """The FHIR CodeSystem of the reasons, each with HL7's code where one fits."""
    return {
        "resourceType": "CodeSystem",
        "id": "override-reason",
        "url": SYSTEM,
        "version": "1.0.0",
        "name": "PhtOverrideReason",
        "title": "Proximal hamstring tendinopathy: reasons to override a card",
        "status": "active",
        "experimental": False,
        "caseSensitive": True,
        "content": "complete",
        "count": len(REASONS),
        "property": [
            {
                "code": "hl7",
                "description": "The code of HL7's non-adherence reasons that says the same",
                "type": "Coding",
            }
        ],
        "concept": [_concept(reason) for reason in REASONS.values()],
    }


def _concept(reason: OverrideReason) -> dict[str, Any]:
    concept: dict[str, Any] = {"code": reason.code, "display": reason.display}
    if reason.hl7:
        same = {"system": HL7, "code": reason.hl7}
        concept["property"] = [{"code": "hl7", "valueCoding": same}]
    return concept
