"""load-management-missing: aggravating activity goes on and no plan for it is on record.

Source says: "Overlooking load management: Failing to appropriately modify activities that aggravate
  symptoms can lead to persistent tendinopathy" (Pitfall 1, C38); "Relative rest and activity
  modification: Reduce activities that aggravate symptoms" (First-line Treatments, C04).
Evidence: low.
Origin: article C04, C38
When: PHT is active and a coded observation at most 42 days old says that provocative activity
  continues unchanged, and no load-management record is in the episode: info.
Unless: another pathway card is shown.
Then: offer a load-management plan.
Unsure: no observation is silent; its absence says nothing.
"""

from __future__ import annotations

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline import redflags
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Used,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited
from cds_service.patient.facts import CareKind, MeasureKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, YES, Answer

RECENT = Parameter(
    name="load-management-days",
    value=42,
    unit="days",
    source=s.READING,
    place="load-management-missing",
    quote="",
    reading="an older observation says nothing about today",
    safe=(14, 90),
)


def assess(case: Case) -> list[Outcome]:
    return [_assess_side(case, side) for side in case.sides]


def _assess_side(case: Case, side: SideTimeline) -> Outcome:
    observed = _continues(case, side)
    criteria = (*ask.pathway_population(case, side), observed, _no_plan(side))
    variants = (Variant("", "info", criteria, lambda: _advise(observed)),)
    return judge(RULE.id, side.side, (), variants)


def _continues(case: Case, side: SideTimeline) -> Criterion:
    """The latest observation decides; it must be certainly recent."""
    question = f"aggravating activity continues, observed in the last {case[RECENT]:g} days"
    latest = side.latest_measure(MeasureKind.AGGRAVATING)
    if latest is None:
        return Criterion(question, NO, "not observed")
    facts = (Used(latest.reference, latest.label, str(latest.when)),)
    recent = latest.when.days_until(case.today).at_most(case[RECENT])
    because = f"{'continues' if latest.value else 'has stopped'} on {latest.when}"
    return Criterion(question, recent & Answer.of(latest.value is True), because, facts)


def _no_plan(side: SideTimeline) -> Criterion:
    plans = [p for p in side.care(CareKind.LOAD_MANAGEMENT) if side.reaches_episode(p) is not NO]
    question = "no load-management plan in this episode"
    if not plans:
        return Criterion(question, YES, "none on record")
    return Criterion(question, NO, "on record", tuple(ask.used_care(plan) for plan in plans))


def _advise(observed: Criterion) -> Advice:
    return Advice(
        summary="Aggravating activity continues without a recorded load-management plan",
        ask="Agree a load-management plan.",
        facts=cited(observed.facts),
        source=(
            "Source, pitfall 1: failing to modify aggravating activity leads to persistence.",
            "Reduce sprinting, hills, deep hip flexion, long sitting; keep tolerable loading.",
        ),
        suggestions=(Suggestion("Add a load-management plan", Treat.LOAD_MANAGEMENT, True),),
    )


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Patient",), ("Condition",), ("Procedure",), ("CarePlan",), ("Observation",)),
    parameters=(
        RECENT,
        c.MINIMUM_AGE,
        redflags.OBSERVED,
    ),
    override_reasons=("already-done", "patient-declined", "graded-return"),
    sources=(s.WILSON_2005,),
    assess=assess,
    pathway=True,
)
