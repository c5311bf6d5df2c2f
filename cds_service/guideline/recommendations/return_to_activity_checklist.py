"""return-to-activity-checklist: what stands between the patient and full activity.

Source says: "Complete resolution of pain during and after activity", "Full range of motion
  compared to uninjured side", "Strength symmetry >90% compared to uninjured side", "Successful
  completion of sport-specific functional tests" (Return to Activity Criteria, C32-C37).
Evidence: expert opinion, uncited in the source; partly contradicted by the London Delphi.
Origin: article C32-C37
When: PHT is active, a goal of return to full activity is active or a clearance is ordered, and at
  least one of the five criteria is not recorded in the last 28 days, or (goal only) is unmet: info.
Unless: return-to-activity-premature fires for the order; all five are met; surgery on this side in
  this episode; the goal or order is for the other side.
Then: show the five, met, unmet or not known; offer strength and functional testing.
Unsure: unknown stays unknown; in bilateral disease range of motion and symmetry are not evaluable.
"""

from __future__ import annotations

from cds_service.guideline import activity, ordering
from cds_service.guideline import criteria as ask
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
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
from cds_service.guideline.wording import escape
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, YES, Answer


def assess(case: Case) -> list[Outcome]:
    cleared = ordering.orders(case, OrderKind.CLEARANCE)
    if case.facts.orders and not cleared:
        return ordering.none_ordered(RULE.id, "clearance for full activity")
    found = [_assess_side(case, side, cleared) for side in case.sides]
    lines = {outcome.advice.facts for outcome in found if outcome.advice}
    return ordering.once(found) if len(lines) == 1 else found


def _assess_side(case: Case, side: SideTimeline, cleared: tuple[Order, ...]) -> Outcome:
    here = tuple(order for order in cleared if side.concerns(order.side) is not NO)
    about = tuple(reference for order in here for reference in ordering.about(order))
    found = activity.checks(case, side)
    open_ones = [check for check in found if check.answer is UNKNOWN]
    failed = activity.unmet(found)
    wanted = (UNKNOWN,) if about else (UNKNOWN, NO)
    counted = [check for check in found if check.answer in wanted]
    asked = Criterion(
        "a criterion is not recorded" if about else "a criterion is not recorded, or unmet",
        Answer.of(bool(counted)),
        f"{len(open_ones)} not recorded, {len(failed)} unmet",
        tuple(used for check in found for used in check.used),
    )
    intent = _ordered(here) if cleared else _wanted(case, side)
    common = (ask.active(side), ask.not_operated(side), intent)
    variants = (Variant("", "info", (asked,), lambda: _advise(found)),)
    return judge(RULE.id, side.side, common, variants, about=about)


def _wanted(case: Case, side: SideTimeline) -> Criterion:
    """A goal that is not for the other side."""
    goals = [g for g in case.facts.goals if side.concerns(g.side) is not NO]
    facts = tuple(Used(g.reference, g.label, str(g.when or "")) for g in goals)
    because = "on record" if facts else "none on record"
    return Criterion("return to full activity is a goal", Answer.of(bool(facts)), because, facts)


def _ordered(here: tuple[Order, ...]) -> Criterion:
    """A clearance that is not for the other side; a goal does not widen what is ordered."""
    facts = tuple(ordering.used(o, o.reference, o.label) for o in here)
    because = "ordered" if facts else "for the other side"
    return Criterion("clearance is ordered for this side", Answer.of(bool(facts)), because, facts)


def _advise(found: tuple[activity.Check, ...]) -> Advice:
    met = sum(check.answer is YES for check in found)
    unknown = sum(check.answer is UNKNOWN for check in found)
    return Advice(
        summary=(
            f"Return to activity: {met} of {len(found)} source criteria met, {unknown} not recorded"
        ),
        ask="Test what is not known before full activity.",
        facts=tuple(_line(check) for check in found),
        source=(
            "Experts also ask for the athlete's confidence; agreement on 90% symmetry is only 66%"
            " (London Delphi, not from the article).",
            "The criteria come from hamstring-strain practice.",
        ),
        suggestions=(Suggestion("Request strength and functional testing", Treat.RETEST),),
    )


def _line(check: activity.Check) -> str:
    where = f" ({check.measure.when}, {escape(check.measure.reference)})" if check.measure else ""
    return f"{activity.grade(check).capitalize()}: {check.words}{where}"


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Patient",), ("Condition",), ("Procedure",), ("Observation",)),
    parameters=activity.PARAMETERS,
    override_reasons=("graded-return", "already-done", "will-monitor"),
    sources=(s.WILSON_2005,),
    assess=assess,
    orders=(OrderKind.CLEARANCE,),
    yields_to=("return-to-activity-premature",),
)
