"""surgical-referral-consider: 90 to 180 days of loading and still symptomatic.

Source says: "Consider surgical referral: If symptoms persist despite 3-6 months of well-managed
  conservative therapy" (Advanced Management, Surgical Intervention, C28); "For persistent
  symptoms beyond 3-6 months of appropriate conservative management, consider surgical
  consultation" (Treatment Algorithm step 4, C46).
Evidence: low (case series, expert opinion); the 3-month end is earlier than published series.
Origin: article C28-C31, C46
When: certain conservative days 90 to 180; or, with no certain loading, physiotherapy of
  unrecorded content that certainly began 90 to 180 days ago (`content-not-recorded`).
Unless: improved; an orthopaedic or sports-medicine referral that is open, or completed in the
  last 365 days; surgery on this side in this episode; age under 18.
Then: offer a routine referral, and MRI first if none was done.
Unsure: no start date of loading is silent; no scores fires and asks for a score.
"""

from __future__ import annotations

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline import redflags
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited
from cds_service.patient.facts import CareKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import Answer


def assess(case: Case) -> list[Outcome]:
    return [_assess_side(case, side) for side in case.sides]


def _assess_side(case: Case, side: SideTimeline) -> Outcome:
    common = (
        *ask.pathway_population(case, side),
        ask.not_improved(case, side),
        ask.no_surgical_referral(case, side),
    )
    variants = (
        Variant("", "info", (_loaded(case, side),), lambda: _advise(case, side)),
        Variant(
            "content-not-recorded",
            "info",
            (ask.no_certain_loading(side), _physiotherapy(case, side)),
            lambda: _advise_content(case, side),
        ),
    )
    weight = side.clock.days.least if side.clock else 0
    return judge(RULE.id, side.side, common, variants, weight)


def _loaded(case: Case, side: SideTimeline) -> Criterion:
    first, last = case[c.CONSIDER_SURGERY], case[c.OVERDUE_SURGERY]
    question = f"{first:g} to {last:g} certain days of loading"
    return ask.conservative_days(side, question, first, below=last + 1)


def _physiotherapy(case: Case, side: SideTimeline) -> Criterion:
    first, last = case[c.CONSIDER_SURGERY], case[c.OVERDUE_SURGERY]
    question = (
        f"physiotherapy, content not recorded, certainly began {first:g} to {last:g} days ago"
    )
    days = _physiotherapy_days(case, side)
    if days is None:
        return Criterion(question, Answer.NO, "none that certainly began in this episode")
    facts = tuple(ask.used_care(care) for care in side.unspecified_physiotherapy)
    return Criterion(question, Answer.of(first <= days <= last), f"began {days} days ago", facts)


def _physiotherapy_days(case: Case, side: SideTimeline) -> int | None:
    """Days it certainly lasts since the first visit, at least."""
    began = side.began((CareKind.UNSPECIFIED,), steroids=False)
    return began[0].start.days_until(case.today).least if began else None


# --- words ---


def _advise(case: Case, side: SideTimeline) -> Advice:
    days = side.clock.days.least if side.clock else 0
    return _advice(
        case,
        side,
        f"{days} days of loading and still symptomatic: surgical opinion may be considered"
        " (source: 3-6 months)",
        cited(ask.used_care(care) for care in side.loading),
    )


def _advise_content(case: Case, side: SideTimeline) -> Advice:
    days = _physiotherapy_days(case, side)
    return _advice(
        case,
        side,
        f"Physiotherapy for {days} days, content not recorded, still symptomatic:"
        " surgical opinion may be considered",
        cited(ask.used_care(care) for care in side.unspecified_physiotherapy),
        "What the physiotherapy consisted of, and for which site, is not recorded: the source's"
        " 3-6 months are of progressive loading.",
    )


def _advice(
    case: Case, side: SideTimeline, summary: str, loading: tuple[str, ...], *unknown: str
) -> Advice:
    return Advice(
        summary=summary,
        ask="Consider a surgical opinion, MRI first if none was done; continuing is an option.",
        facts=(*loading, f"Change: {case.improvement(side).words}", *ask.tried(side)),
        source=(
            "Source: consider referral after 3-6 months of well-managed conservative care.",
            c.RECOVERY_NOTE,
            "Surgical results come from athletes and case series (80 of 90 back to the same level,"
            " Lempainen 2009; one case, Costa 2016).",
        ),
        unknown=(*unknown, *ask.score_wanted(case, side)),
        suggestions=(
            Suggestion("Refer for a surgical opinion (routine)", Treat.SURGICAL_REFERRAL),
            Suggestion("Request MRI of the hamstring origin", Treat.MRI),
        ),
    )


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
        c.CONSIDER_SURGERY,
        c.OVERDUE_SURGERY,
        c.COMPLETED_REFERRAL,
        c.LOADING_GAP,
        *c.IMPROVEMENT,
        c.MINIMUM_AGE,
        redflags.OBSERVED,
    ),
    override_reasons=(
        "continue-conservative",
        "improving",
        "not-surgical-candidate",
        "patient-declined",
        "already-done",
    ),
    sources=(s.WILSON_2005, s.COSTA_2016, s.BENAZZO_2013),
    assess=assess,
    pathway=True,
)
