"""steroid-third-injection: a third steroid injection is ordered, the last within the limit.

Source says: "limit to 2-3 injections with 4-6 weeks between injections" (Intermediate Management,
  Adjunctive Therapies, C24).
Evidence: expert opinion (general tendon review).
Origin: article C24
When: a local steroid injection is ordered for a side with certainly 2 injections in all.
Unless: steroid-count-limit fires for the order.
Then: check that loading is in place; offer physiotherapy, and a surgical opinion after 90 days.
Unsure: possible records are named but do not raise the count; an order that names no side in
  bilateral disease is silent.
"""

from __future__ import annotations

from itertools import pairwise

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline import ordering
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
from cds_service.guideline.wording import cited, origin
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import UNKNOWN, YES, Answer


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.STEROID)
    if not orders:
        return ordering.none_ordered(RULE.id, "a local steroid injection")
    return [
        _assess_side(case, order, side) for order in orders for side in ordering.sides(case, order)
    ]


def _assess_side(case: Case, order: Order, side: SideTimeline) -> Outcome:
    events = ordering.certain(side)
    before_last = case.whole(c.STEROID_LIMIT) - 1
    asked = Criterion(
        f"certainly {before_last} injections given on this side",
        Answer.of(len(events) == before_last),
        f"{len(events)} on record",
        tuple(ask.used_event(event) for event in events),
    )
    unsided = ordering.side_unspecified(case, order)
    named = Criterion(
        "the order is for this side",
        UNKNOWN if unsided else YES,
        "it names no side, both are diseased" if unsided else "by the order, or the diseased side",
    )
    common = (ordering.ordered(order), ordering.aimed(case, order), named)
    variants = (Variant("", "info", (asked,), lambda: _advise(case, order, side)),)
    return judge(RULE.id, side.side, common, variants, about=ordering.about(order))


def _advise(case: Case, order: Order, side: SideTimeline) -> Advice:
    number = len(ordering.certain(side)) + 1
    suggestions = []
    if ask.no_loading(side).answer is YES:
        suggestions.append(Suggestion("Refer to physiotherapy for loading", Treat.PHYSIOTHERAPY))
    long_enough = side.clock and side.clock.days.least >= case[c.CONSIDER_SURGERY]
    if long_enough and ask.no_surgical_referral(case, side).answer is YES:
        suggestions.append(Suggestion("Refer for a surgical opinion", Treat.SURGICAL_REFERRAL))
    return Advice(
        summary=(
            f"This would be steroid injection {number} at {origin(side.side)},"
            " the last within the 2-3 limit"
        ),
        ask="Check that progressive loading is in place before a last injection.",
        facts=(*cited(ask.used_event(event) for event in side.injections), *_apart(side)),
        source=(
            "Source: 2-3 injections; some readers stop at 2.",
            "If the first two gave little or short relief, another is unlikely to change the"
            " course.",
        ),
        unknown=ordering.unknown(case, order),
        suggestions=tuple(suggestions),
    )


def _apart(side: SideTimeline) -> tuple[str, ...]:
    """The interval between the certain ones."""
    days = [event.when for event in ordering.certain(side) if event.when]
    return tuple(
        f"{first.days_until(second)} days between {first} and {second}"
        for first, second in pairwise(days)
    )


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(
        ("Condition",),
        ("Procedure",),
        ("MedicationStatement", "MedicationRequest", "MedicationAdministration"),
    ),
    parameters=(c.STEROID_LIMIT, c.CONSIDER_SURGERY, c.SAME_INJECTION, c.ORDER_BEFORE_INJECTION),
    override_reasons=("directed-by-specialist", "benefit-outweighs-risk", "record-wrong"),
    sources=(s.WILSON_2005,),
    assess=assess,
    orders=(OrderKind.STEROID,),
    at_most_one=True,
    yields_to=("steroid-count-limit",),
)
