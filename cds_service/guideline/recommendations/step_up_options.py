"""step-up-options: some weeks of loading with little change, nothing added yet.

Source says: "If minimal improvement after 4-8 weeks, consider shockwave therapy or injection
  options" (Treatment Algorithm step 3, C45); "Progressive strengthening: Increase load gradually"
  (C19); "Very low-level evidence suggests this may be more effective than multi-modal
  interventions" (shockwave, C21).
Evidence: very low.
Origin: article C17-C23, C45
When: certain conservative days 28 to 89, not lapsed, not improved, and no shockwave, steroid,
  platelet-rich plasma or whole blood given or ordered in the episode; on days 28 to 55 only with
  documented minimal improvement, on days 56 to 89 also when improvement is unknown.
Unless: any step-up was already tried; 90 days or more; improved; surgery on this side in this
  episode; age under 18.
Then: review the programme first; offer shockwave unless it is contraindicated. No one-click
  steroid.
Unsure: a partial start date uses the least number of days; no scores waits until day 56.
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
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, listed
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, YES, Answer

FROM_DAYS = Parameter(
    name="step-up-from-days",
    value=28,
    unit="days",
    source=s.ARTICLE,
    place="Intermediate Management (4-8 weeks) (C17, C18, A16)",
    quote="If symptoms persist after 4 weeks of conservative management",
    safe=(28, 56),
)
UNKNOWN_FROM_DAYS = Parameter(
    name="step-up-unknown-from-days",
    value=56,
    unit="days",
    source=s.ARTICLE,
    place="Treatment Algorithm step 3 (C45, A17)",
    quote="If minimal improvement after 4-8 weeks",
    reading="without scores only after the whole 8 weeks",
    safe=(42, 84),
)
PRP_FROM_DAYS = Parameter(
    name="step-up-prp-from-days",
    value=56,
    unit="days",
    source=s.ARTICLE,
    place="Advanced Management (8-12+ weeks) (C26, A18)",
    quote="Advanced Management (8-12+ weeks)",
    safe=(56, 84),
)


def assess(case: Case) -> list[Outcome]:
    return [_assess_side(case, side) for side in case.sides]


def _assess_side(case: Case, side: SideTimeline) -> Outcome:
    first, later, end = case[FROM_DAYS], case[UNKNOWN_FROM_DAYS], case[c.CONSIDER_SURGERY]
    common = (
        *ask.pathway_population(case, side),
        _not_lapsed(case, side),
        _nothing_tried(side),
    )
    early = f"{first:g} to {later - 1:g} certain days of loading"
    late = f"{later:g} to {end - 1:g} certain days of loading"
    variants = (
        Variant(
            "",
            "info",
            (ask.conservative_days(side, early, first, below=later), _minimal_change(case, side)),
            lambda: _advise(case, side),
        ),
        Variant(
            "",
            "info",
            (ask.conservative_days(side, late, later, below=end), ask.not_improved(case, side)),
            lambda: _advise(case, side),
        ),
    )
    return judge(RULE.id, side.side, common, variants, side.clock.days.least if side.clock else 0)


def _not_lapsed(case: Case, side: SideTimeline) -> Criterion:
    gap = case[c.LOADING_GAP]
    question = f"loading goes on, or ended at most {gap:g} days ago"
    if side.clock is None:
        return Criterion(question, NO, "no loading programme on record")
    idle = side.clock.idle
    because = f"ended {idle} days ago" if idle.most else "goes on"
    return Criterion(question, idle.at_most(gap), because)


def _nothing_tried(side: SideTimeline) -> Criterion:
    tried = ask.step_ups(side)
    question = "no shockwave, steroid, platelet-rich plasma or whole blood given or ordered"
    return Criterion(
        question, Answer.of(not tried), "on record" if tried else "none on record", tried
    )


def _minimal_change(case: Case, side: SideTimeline) -> Criterion:
    """Documented minimal improvement: unknown is not enough before day 56."""
    found = case.improvement(side)
    answer = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[found.answer]
    return Criterion("documented minimal improvement", answer, found.words)


# --- words ---


def _advise(case: Case, side: SideTimeline) -> Advice:
    days = side.clock.days.least if side.clock else 0
    improvement = case.improvement(side)
    shockwave = not case.gate.shockwave
    suggestions = [
        Suggestion("Ask physiotherapy to review the programme", Treat.PHYSIOTHERAPY_REVIEW)
    ]
    if shockwave:
        suggestions.append(Suggestion("Order shockwave therapy", Treat.SHOCKWAVE))
    if not improvement.scores:
        suggestions.append(Suggestion("Record a VISA-H score", Treat.VISA_H))
    return Advice(
        summary=(
            f"{days} days of loading with little recorded change: review programme, consider"
            f" {'shockwave or ' if shockwave else ''}injection"
        ),
        ask="First check the dose: has heavy slow resistance progressed toward 4 x 6-8?",
        facts=(
            *cited(ask.used_care(care) for care in side.loading),
            f"Change: {improvement.words}",
            *_withheld(case),
        ),
        source=_options(case, days, shockwave=shockwave),
        unknown=() if improvement.scores else ("No pair of scores: record VISA-H or pain 0-10.",),
        suggestions=tuple(suggestions),
    )


def _withheld(case: Case) -> tuple[str, ...]:
    reasons = case.gate.shockwave
    return (f"Shockwave is not offered: {listed(reasons)} on record",) if reasons else ()


def _options(case: Case, days: int, *, shockwave: bool) -> tuple[str, ...]:
    """The options of the source, without those contraindicated or too early."""
    options = [
        "The powerlifter of the source's case report used 12 weeks of heavy slow resistance."
        " Begin sport-specific movement patterns.",
    ]
    if shockwave:
        options.append(
            "Shockwave: may do better than multi-modal care; very low-level evidence (one trial of"
            " 40 athletes; another review grades it moderate)."
        )
    options.append("Steroid: short-term relief only; limit 2-3 injections, 4-6 weeks apart.")
    if days >= case[PRP_FROM_DAYS]:
        options.append(
            "Platelet-rich plasma or whole blood: very low-level evidence, no significant"
            " difference between them."
        )
    return tuple(options)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(
        ("Patient",),
        ("Condition",),
        ("Procedure",),
        ("ServiceRequest",),
        ("Observation",),
        ("MedicationStatement", "MedicationRequest", "MedicationAdministration"),
    ),
    parameters=(
        FROM_DAYS,
        UNKNOWN_FROM_DAYS,
        PRP_FROM_DAYS,
        c.CONSIDER_SURGERY,
        c.LOADING_GAP,
        *c.IMPROVEMENT,
        c.MINIMUM_AGE,
        c.PREGNANCY,
        redflags.OBSERVED,
    ),
    override_reasons=(
        "continue-conservative",
        "improving",
        "patient-declined",
        "service-not-available",
    ),
    sources=(s.NASSER_2021, s.CACCHIO_2011, s.KRUEGER_2020, s.TENFORDE_2022),
    assess=assess,
    pathway=True,
)
