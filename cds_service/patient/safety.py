"""What speaks against an NSAID or shockwave in this patient (NSAID gate, eswt-caution, G16).

Used silently before any suggestion: an option that is contraindicated is not offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cds_service.patient.facts import CareKind, Caution, Facts, Filtration, Finding
from cds_service.patient.when import NO, YES

#: closed for every NSAID, topical included
AGAINST_ANY_NSAID = (Caution.NSAID_ALLERGY, Caution.PREGNANCY)
#: closed for oral NSAIDs
AGAINST_ORAL_NSAID = (
    Caution.KIDNEY_DISEASE,
    Caution.GI_BLEED,
    Caution.ANTICOAGULANT,
    Caution.HEART_FAILURE,
    Caution.CIRRHOSIS,
    Caution.CARDIOVASCULAR,
)
AGAINST_SHOCKWAVE = (
    Caution.PREGNANCY,
    Caution.COAGULOPATHY,
    Caution.ANTICOAGULANT,
    Caution.MALIGNANCY,
)
RUNNING = "an NSAID is already being taken"
#: without one resource type of each group the gate cannot be opened
NEEDED = (("AllergyIntolerance",), ("MedicationRequest", "MedicationStatement"))


@dataclass(frozen=True, slots=True)
class Gate:
    """Reasons against; empty lists mean nothing speaks against it."""

    any_nsaid: tuple[str, ...]
    oral_nsaid: tuple[str, ...]
    shockwave: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """eGFR in mL/min/1.73 m2, ages in years, the rest in days."""

    egfr: float
    egfr_days: int
    cautious_age: float
    pregnancy_days: int


def latest_filtration(facts: Facts, today: date, within_days: int) -> Filtration | None:
    """The latest eGFR not older than so many days; None is unknown, never normal."""
    recent = [f for f in facts.filtration if f.when.days_until(today).at_most(within_days) is YES]
    return max(recent, key=lambda f: (f.when.latest, -f.value), default=None)


def gate(facts: Facts, today: date, limits: GateLimits) -> Gate:
    """What may be offered to this patient today."""
    window = limits.pregnancy_days
    present = {f.caution for f in facts.findings if still(f, today, window)}
    unchecked = tuple(
        f"{' and '.join(group)} could not be checked"
        for group in NEEDED
        if all(kind in facts.missing for kind in group)
    )
    unclear = tuple(doubt for doubt in facts.doubts if "allergy" in doubt)
    any_nsaid = tuple(c.value for c in AGAINST_ANY_NSAID if c in present) + unchecked + unclear
    oral = tuple(c.value for c in AGAINST_ORAL_NSAID if c in present)
    return Gate(
        any_nsaid,
        any_nsaid + oral + facts.doubts + _kidney(facts, today, limits) + _nsaid_running(facts),
        tuple(c.value for c in AGAINST_SHOCKWAVE if c in present),
    )


def still(finding: Finding, today: date, pregnancy_days: int) -> bool:
    """A pregnancy recorded too long ago is over; one without a date may be present (G16)."""
    if finding.caution is not Caution.PREGNANCY or finding.when is None:
        return True
    return finding.when.days_until(today).more_than(pregnancy_days) is not YES


def _kidney(facts: Facts, today: date, limits: GateLimits) -> tuple[str, ...]:
    if "Observation" in facts.missing:
        return ("eGFR could not be checked",)
    latest = latest_filtration(facts, today, limits.egfr_days)
    if latest is not None:
        low = latest.under(limits.egfr)
        return () if low is NO else (f"{latest} on {latest.when}",)
    ages = facts.patient.age(today)
    if ages is None or ages[1] >= limits.cautious_age:
        return (f"no eGFR on record at age {limits.cautious_age:g} or over",)
    return ()


def _nsaid_running(facts: Facts) -> tuple[str, ...]:
    """An active systemic NSAID: a second one is never offered."""
    running = any(c.kind is CareKind.NSAID and c.systemic and c.ongoing for c in facts.care)
    return (RUNNING,) if running else ()
