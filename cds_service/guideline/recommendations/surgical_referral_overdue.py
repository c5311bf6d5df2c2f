"""surgical-referral-overdue: more than 180 days of treatment and no surgical opinion sought.

Source says: "Delayed surgical referral: Waiting too long before considering surgical options in
  cases that fail to respond to conservative management" (Pitfall 5, C42); "3-6 months of
  well-managed conservative therapy" (Surgical Intervention, C28).
Evidence: low (case series, expert opinion).
Origin: article C42, C46
When: certain conservative days more than 180 (181 or more); or, with no certain loading recorded
  in the episode, some non-surgical treatment of PHT (physiotherapy of unrecorded content, NSAID,
  local steroid, shockwave, passive modality) certainly began more than 180 days ago
  (`loading-not-documented`). Both are warnings.
Unless: improved; an orthopaedic or sports-medicine referral that is open, or completed in the
  last 365 days; surgery on this side in this episode; age under 18.
Then: offer an orthopaedic or sports-medicine referral and MRI; with `loading-not-documented` say
  that no loading is on record and offer physiotherapy beside the referral.
Unsure: no start date is silent; no scores fires and asks for a score.
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
from cds_service.guideline.wording import cited
from cds_service.patient.timeline import SideTimeline, Treatment

REFERRAL = Suggestion("Refer for a surgical opinion", Treat.SURGICAL_REFERRAL, recommended=True)
IMAGING = Suggestion("Request MRI of the hamstring origin", Treat.MRI)
LOADING = Suggestion("Refer to physiotherapy for progressive loading", Treat.PHYSIOTHERAPY)


def assess(case: Case) -> list[Outcome]:
    return [_assess_side(case, side) for side in case.sides]


def _assess_side(case: Case, side: SideTimeline) -> Outcome:
    limit = case[c.OVERDUE_SURGERY]
    treatments = ask.first_treatment(side, with_physiotherapy=True)
    common = (
        *ask.pathway_population(case, side),
        ask.not_improved(case, side),
        ask.no_surgical_referral(case, side),
    )
    question = f"more than {limit:g} certain days of loading"
    loaded = ask.conservative_days(side, question, limit + 1)
    treated = ask.treated_for(case, treatments, more_than=limit)
    variants = (
        Variant("", "warning", (loaded,), lambda: _advise(case, side)),
        Variant(
            "loading-not-documented",
            "warning",
            (ask.no_certain_loading(side), treated),
            lambda: _advise_undocumented(case, side, treatments),
        ),
    )
    weight = side.clock.days.least if side.clock else 0
    return judge(RULE.id, side.side, common, variants, weight)


# --- words ---


def _advise(case: Case, side: SideTimeline) -> Advice:
    days = side.clock.days.least if side.clock else 0
    summary = (
        f"{days} days of loading, still symptomatic, no surgical referral on record"
        " (source: 3-6 months)"
    )
    done = (*cited(ask.used_care(care) for care in side.loading), *ask.tried(side))
    return _advice(case, side, summary, done, suggestions=(REFERRAL, IMAGING))


def _advise_undocumented(
    case: Case, side: SideTimeline, treatments: tuple[Treatment, ...]
) -> Advice:
    days = treatments[0].start.days_until(case.today).least
    summary = (
        f"{days} days of treatment, no loading programme and no surgical referral on record"
        " (source: 3-6 months)"
    )
    done = cited(ask.used_treatment(treatment) for treatment in treatments)
    missing = (
        "No progressive loading is on record, and the source's 3-6 months are of well-managed"
        " loading. If it was done elsewhere, record its start date and provider.",
    )
    suggestions = (REFERRAL, LOADING, IMAGING)
    return _advice(case, side, summary, done, unknown=missing, suggestions=suggestions)


def _advice(
    case: Case,
    side: SideTimeline,
    summary: str,
    done: tuple[str, ...],
    *,
    unknown: tuple[str, ...] = (),
    suggestions: tuple[Suggestion, ...],
) -> Advice:
    return Advice(
        summary=summary,
        ask="Consider a surgical opinion now, with MRI first if none was done.",
        facts=(*done, f"Change: {case.improvement(side).words}", *_withdrawn(side)),
        source=(
            "Source, pitfall 5: delayed surgical referral in cases that do not respond.",
            "Published surgical cohorts had failed 6 months or more (Kayani 2020), or about 23"
            " months (Benazzo 2013).",
            "Options in the source: semimembranosus tenotomy with sciatic nerve exploration;"
            " debridement and reinsertion of the conjoint tendon (in its case report done together"
            " with tenotomy).",
        ),
        unknown=(*unknown, *ask.score_wanted(case, side)),
        suggestions=suggestions,
    )


def _withdrawn(side: SideTimeline) -> tuple[str, ...]:
    return cited(ask.used_referral(r) for r in ask.withdrawn_referrals(side))


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(
        ("Patient",),
        ("Condition",),
        ("Procedure",),
        ("ServiceRequest",),
        ("Observation",),
    ),
    parameters=(
        c.OVERDUE_SURGERY,
        c.COMPLETED_REFERRAL,
        c.LOADING_GAP,
        *c.IMPROVEMENT,
        c.MINIMUM_AGE,
        redflags.OBSERVED,
    ),
    override_reasons=(
        "not-surgical-candidate",
        "patient-declined",
        "continue-conservative",
        "improving",
        "already-done",
    ),
    sources=(s.KAYANI_2020, s.BENAZZO_2013, s.COSTA_2016),
    assess=assess,
    pathway=True,
)
