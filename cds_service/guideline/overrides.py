"""Override reasons: the service's own codes, with HL7's code where one fits.

HL7's system is http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes (CDS Hooks 3.0
ballot content). Displays are what a clinician reads in the menu.
"""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM = "https://pht-cds.example.org/fhir/CodeSystem/override-reason"


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
