"""initial-plan: a new diagnosis with nothing started yet.

Source says: "Eccentric strengthening exercises are the most effective first-line treatment for
  proximal hamstring tendinopathy, combined with relative rest and appropriate pain management"
  (C01, C02); "Start with relative rest, cryotherapy, and NSAIDs for pain control" (Treatment
  Algorithm step 1, C43); "Implement eccentric strengthening or heavy slow resistance training
  program" (step 2, C44).
Evidence: low to very low (general tendinopathy review and one powerlifter).
Origin: article C01-C16, C43, C44
When: diagnosed (recorded date, else onset) certainly less than 28 days ago, no loading record in
  the episode, no active physiotherapy referral at most 42 days old.
Unless: any loading or physiotherapy; surgery on this side in this episode; age under 18.
Then: offer loading, load management and short-term pain relief; an NSAID only when nothing in
  the record speaks against it; a baseline score.
Unsure: no date at all is silent.
"""

from __future__ import annotations

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline import redflags
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.finding import (
    Advice,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, listed
from cds_service.patient.facts import CareKind
from cds_service.patient.timeline import SideTimeline


def assess(case: Case) -> list[Outcome]:
    return [_assess_side(case, side) for side in case.sides]


def _assess_side(case: Case, side: SideTimeline) -> Outcome:
    criteria = (
        *ask.pathway_population(case, side),
        ask.diagnosed_less_than(case, side, case[c.INITIAL_PHASE]),
        ask.no_loading(side),
        ask.no_physio_referral(case, side),
    )
    variants = (Variant("", "info", criteria, lambda: _advise(case, side)),)
    return judge(RULE.id, side.side, (), variants)


# --- words ---


def _advise(case: Case, side: SideTimeline) -> Advice:
    days = ask.days_since_diagnosis(case, side)
    week = (days.least // 7 if days else 0) + 1
    return Advice(
        summary=(
            f"Hamstring tendinopathy, week {week}: start loading programme, load management,"
            " short-term pain relief"
        ),
        ask=(
            "Start progressive loading, eccentric or heavy slow resistance, with less aggravating"
            " load; do not immobilise."
        ),
        facts=(*cited(ask.diagnoses(side)), *_not_offered(case)),
        source=(
            "Source: eccentric strengthening is the most effective first-line treatment, with"
            " relative rest and pain management.",
            "Pain: ice water through a wet towel, 10 minutes.",
            "Eccentric (Nordic progression, light single-leg deadlift) or heavy slow resistance: 3"
            " x 15 light toward 4 x 6-8 heavier.",
            _pain_relief(case),
            "Experts avoid deep hip-flexion compression early, so go easy on deadlift depth"
            " (Nasser 2021, not from the article).",
        ),
        suggestions=_suggestions(case, side),
    )


def _pain_relief(case: Case) -> str:
    if case.gate.any_nsaid:
        return "Pain relief: short term."
    if case.gate.oral_nsaid:
        return "Pain relief, short term: topical NSAID."
    return "Pain relief, short term: topical NSAID, or ibuprofen 1.2 g/day."


def _not_offered(case: Case) -> tuple[str, ...]:
    if case.gate.any_nsaid:
        return (f"No NSAID is suggested: {listed(case.gate.any_nsaid)}. Not from the article.",)
    if case.gate.oral_nsaid:
        return (
            f"No oral NSAID is suggested: {listed(case.gate.oral_nsaid)}. Not from the article.",
        )
    return ()


def _suggestions(case: Case, side: SideTimeline) -> tuple[Suggestion, ...]:
    offered = [
        Suggestion("Refer to physiotherapy for progressive loading", Treat.PHYSIOTHERAPY, True)
    ]
    if not side.care(CareKind.LOAD_MANAGEMENT):
        offered.append(Suggestion("Add a load-management plan", Treat.LOAD_MANAGEMENT))
    if case.gate.any_nsaid:
        offered.append(Suggestion("Prescribe paracetamol", Treat.PARACETAMOL))
    else:
        offered.append(Suggestion("Prescribe a topical NSAID", Treat.TOPICAL_NSAID))
    if not case.gate.oral_nsaid:
        offered.append(
            Suggestion("Prescribe ibuprofen 400 mg three times a day, 14 days", Treat.IBUPROFEN)
        )
    offered.append(Suggestion("Record a baseline VISA-H score", Treat.VISA_H))
    return tuple(offered)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Patient",), ("Condition",), ("Procedure",), ("ServiceRequest",)),
    parameters=(
        c.INITIAL_PHASE,
        c.PHYSIO_REFERRAL,
        c.MINIMUM_AGE,
        c.EGFR_CAUTION,
        c.EGFR_AGE,
        c.CAUTIOUS_AGE,
        c.PREGNANCY,
        redflags.OBSERVED,
    ),
    override_reasons=("already-done", "patient-declined", "service-not-available"),
    sources=(s.WILSON_2005, s.KRUEGER_2020),
    assess=assess,
    pathway=True,
)
