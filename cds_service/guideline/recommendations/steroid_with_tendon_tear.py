"""steroid-with-tendon-tear: a steroid injection ordered into a torn hamstring origin.

Source says: nothing; this rule is external.
Evidence: low (reviews and editorials); consequence high.
Origin: EXTERNAL (not in the article)
When: a local steroid injection is ordered and a complete avulsion, an avulsion fracture of the
  ischium, a rupture or a high-grade tear of the hamstring origin is coded, active and unrefuted,
  on the same or an unknown side: critical.
Unless: the tear is refuted, resolved or on the other side, or an encounter diagnosis without a
  clinical status recorded more than 365 days ago; strain, laceration and unspecified injury are not
  tears.
Then: offer to remove the order, an urgent surgical opinion, MRI.
Unsure: free-text imaging is not read. An encounter diagnosis without a clinical status whose date
  does not say that it is of the last 365 days speaks one level lower.
"""

from __future__ import annotations

from functools import partial

from cds_service.guideline import ordering, redflags
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
from cds_service.guideline.wording import cited
from cds_service.patient.facts import Flag, FlagKind, Order, OrderKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, YES, Answer

TEARS = (FlagKind.AVULSION, FlagKind.AVULSION_FRACTURE, FlagKind.TEAR)


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.STEROID)
    if not orders:
        return ordering.none_ordered(RULE.id, "a local steroid injection")
    return [_assess_order(case, order) for order in orders]


def _assess_order(case: Case, order: Order) -> Outcome:
    sides = ordering.sides(case, order)
    tears = [flag for flag in case.facts.flags if flag.kind in TEARS and _here(flag, sides)]
    facts = redflags.facts(tears, partial(_holds, case, order))
    because = facts[0].words if facts else "none coded"
    asked = Criterion(
        "a tear coded on the same or an unknown side", Answer.of(bool(facts)), because, facts
    )
    level = ordering.level(order, "critical")
    if not any(fact.certain for fact in facts):
        level = ordering.LOWER[level]
    variants = (Variant("", level, (asked,), lambda: _advise(case, order, facts)),)
    common = (ordering.ordered(order), ordering.aimed(case, order))
    side = ordering.side(case, order)
    return judge(RULE.id, side, common, variants, about=ordering.about(order))


def _holds(case: Case, order: Order, flag: Flag) -> Answer:
    """A tear that the order itself gives as its reason is a present one."""
    return YES if flag.reference in order.links else redflags.current(case, flag)


def _here(flag: Flag, sides: tuple[SideTimeline, ...]) -> bool:
    return any(flag.side.covers(side.side) is not NO for side in sides)


def _advise(case: Case, order: Order, facts: tuple[Used, ...]) -> Advice:
    return Advice(
        summary=(
            "Hamstring origin tear/avulsion is recorded: steroid injection is usually inappropriate"
        ),
        ask="Check the diagnosis and ask for a surgical opinion before injecting.",
        facts=cited(facts),
        source=(
            "Complete tears are best repaired, early better than late (Degen 2019; van der Made"
            " 2019).",
        ),
        unknown=ordering.unknown(case, order),
        suggestions=(
            *ordering.delete(order),
            Suggestion("Refer urgently for a surgical opinion", Treat.URGENT_SURGICAL_REFERRAL),
            Suggestion("Request MRI of the hamstring origin", Treat.MRI),
        ),
    )


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",),),
    parameters=(),
    override_reasons=("directed-by-specialist", "record-wrong", "different-site"),
    sources=(s.DEGEN_2019, s.VAN_DER_MADE_2019),
    assess=assess,
    orders=(OrderKind.STEROID,),
    at_most_one=True,
    external=True,
)
