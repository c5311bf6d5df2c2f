"""prp-awb-evidence: platelet-rich plasma or whole blood ordered; what is known of it.

Source says: "Platelet-rich plasma or autologous whole-blood injections: Very low-level evidence
  shows no significant difference between these interventions" (Advanced Management, C27).
Evidence: very low (Nasser 2021: one trial of 17 people).
Origin: article C26, C27
When: a platelet-rich plasma or autologous whole-blood injection at the hamstring origin is
  ordered, or one without a site while PHT is active.
Unless: another site; once for each order.
Then: say what is known; offer to remove the order, and loading when none is on file.
Unsure: stage unknown: the line on the stage is left out.
"""

from __future__ import annotations

from cds_service.guideline import criteria as ask
from cds_service.guideline import ordering
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
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.when import YES


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.PRP, OrderKind.WHOLE_BLOOD)
    if not orders:
        return ordering.none_ordered(RULE.id, "platelet-rich plasma or whole blood")
    return [_assess_order(case, order) for order in orders]


def _assess_order(case: Case, order: Order) -> Outcome:
    side = ordering.side(case, order)
    aimed = ordering.aimed(case, order)
    variants = (Variant("", "info", (aimed,), lambda: _advise(case, order)),)
    return judge(RULE.id, side, (ordering.ordered(order),), variants, about=ordering.about(order))


def _advise(case: Case, order: Order) -> Advice:
    sides = ordering.sides(case, order)
    clock = sides[0].clock if len(sides) == 1 else None
    stage = (
        (f"Source places it after 8-12 weeks or more; this patient is at {clock.days} days.",)
        if clock
        else ()
    )
    offered = list(ordering.delete(order))
    if all(ask.no_loading(side).answer is YES for side in sides):
        offered.append(Suggestion("Refer to physiotherapy for loading", Treat.PHYSIOTHERAPY))
    return Advice(
        summary=(
            "PRP vs whole blood for hamstring tendinopathy: very low-level evidence,"
            " no significant difference"
        ),
        ask="Whole blood is the simpler product if one is chosen.",
        source=(
            "Source: no significant difference between platelet-rich plasma and autologous whole"
            " blood.",
            "One trial of 17 people (Davenport 2015); a cohort of 29 found no VISA-H gain 8 weeks"
            " after platelet-rich plasma (p=0.14; not from the article).",
            *stage,
        ),
        unknown=ordering.unknown(case, order),
        suggestions=tuple(offered),
    )


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",),),
    parameters=(),
    override_reasons=("benefit-outweighs-risk", "directed-by-specialist", "patient-declined"),
    sources=(s.NASSER_2021, s.PRP_COHORT_2018),
    assess=assess,
    orders=(OrderKind.PRP, OrderKind.WHOLE_BLOOD),
)
