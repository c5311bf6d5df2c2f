"""return-to-activity-premature: clearance ordered while a criterion is documented as unmet.

Source says: "Premature return to activity: Returning to full activity before adequate healing can
  cause recurrence" (Pitfall 2, C39).
Evidence: expert opinion, uncited in the source.
Origin: article C39
When: PHT is active, clearance for full activity is ordered, and at least one of the five criteria
  is documented as not met in the last 28 days (strength symmetry of exactly 90% is not met).
Unless: all are met; failures older than 28 days; symmetry in bilateral disease; surgery on this
  side in this episode.
Then: show each failing value; offer to remove the clearance, to make it a graded return, re-test.
Unsure: only positive failures count.
"""

from __future__ import annotations

from cds_service.guideline import activity, ordering
from cds_service.guideline import criteria as ask
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.finding import (
    Advice,
    Change,
    Criterion,
    Outcome,
    Recommendation,
    State,
    Suggestion,
    Treat,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, Answer


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.CLEARANCE)
    if not orders:
        return ordering.none_ordered(RULE.id, "clearance for full activity")
    return [outcome for order in orders for outcome in _assess_order(case, order)]


def _assess_order(case: Case, order: Order) -> list[Outcome]:
    here = [side for side in case.sides if side.concerns(order.side) is not NO]
    found = [_assess_side(case, order, side) for side in here]
    return ordering.once(found) or [_other_side(order)]


def _other_side(order: Order) -> Outcome:
    """The clearance is for a side that is not diseased."""
    asked = Criterion("PHT is active on this side", NO, "the order is for the other side")
    return Outcome(
        rule=RULE.id,
        side=order.side,
        state=State.NOT_MET,
        criteria=(asked,),
        about=ordering.about(order),
    )


def _assess_side(case: Case, order: Order, side: SideTimeline) -> Outcome:
    failed = activity.unmet(activity.checks(case, side))
    asked = Criterion(
        "a criterion is documented as not met",
        Answer.of(bool(failed)),
        "; ".join(check.words for check in failed) or "none",
        tuple(used for check in failed for used in check.used),
    )
    common = (ordering.ordered(order), ask.active(side), ask.not_operated(side))
    variants = (Variant("", "warning", (asked,), lambda: _advise(order, failed)),)
    return judge(RULE.id, side.side, common, variants, about=ordering.about(order))


def _advise(order: Order, failed: tuple[activity.Check, ...]) -> Advice:
    words = ", ".join(check.short for check in failed[:SHOWN])
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    removed = ordering.delete(order, "Remove the clearance")
    graded = (
        (
            Suggestion(
                "Make it a graded return to activity",
                change=Change.GRADE,
                drafts=ordering.named(order),
            ),
        )
        if removed
        else ()
    )
    return Advice(
        summary=f"Return-to-activity criteria not met: {words}{more}",
        ask="Consider a graded return instead of full activity.",
        facts=cited(used for check in failed for used in check.used),
        source=(
            "Source, pitfall 2: full activity before adequate healing can cause recurrence.",
            "A graded return may be fine: pain-monitoring models allow some pain.",
        ),
        suggestions=(
            *graded,
            *removed,
            Suggestion("Request strength and functional testing", Treat.RETEST),
        ),
    )


SHOWN = 2  # criteria in the summary, which is short

RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",), ("Procedure",), ("Observation",)),
    parameters=activity.PARAMETERS,
    override_reasons=("graded-return", "directed-by-specialist", "record-wrong"),
    sources=(s.WILSON_2005,),
    assess=assess,
    orders=(OrderKind.CLEARANCE,),
    at_most_one=True,
)
