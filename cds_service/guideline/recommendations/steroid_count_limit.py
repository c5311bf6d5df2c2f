"""steroid-count-limit: a steroid injection ordered that passes the source's limit.

Source says: "Corticosteroid injections: May provide short-term relief but do not alter long-term
  outcomes; limit to 2-3 injections with 4-6 weeks between injections" (Intermediate Management,
  Adjunctive Therapies, C24); "these may weaken the tendon structure if overused" (Pitfall 4, C41).
Evidence: expert opinion, very low; a review of trials of other tendons supports caution.
Origin: article C24, C41
When: a local corticosteroid injection at the hamstring origin of a side is ordered and the
  injections given there (one injection in several records counts once) are (a) certainly 3 or
  more in this episode: critical; (b) else certainly 3 or more in all: warning `earlier-episode`;
  (c) else 3 or more with the possible ones: warning `uncertain-records`; (d), tested first: the
  order names no side and disease is bilateral: both sides reach the limit: the lower of their
  levels, one does: warning `side-unspecified`. With repeats allowed, given and planned together
  more than 3 fire at the same level.
Unless: the order is for another site, or is oral, intramuscular, intravenous, epidural or topical.
Then: offer to remove the order, a surgical opinion, a loading programme. Never blocks.
Unsure: undated or unsided records and completed orders are possible, never certain; an order that
  does not say steroid or local injection speaks one level lower.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline import ordering
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Indicator,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, counted, origin
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.injections import Event
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, YES, Answer

RANK: tuple[Indicator, ...] = ("info", "warning", "critical")


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.STEROID)
    if not orders:
        return ordering.none_ordered(RULE.id, "a local steroid injection")
    return [outcome for order in orders for outcome in _assess_order(case, order)]


def _assess_order(case: Case, order: Order) -> list[Outcome]:
    sides = ordering.sides(case, order)
    if ordering.side_unspecified(case, order):
        return [_unspecified(case, order, sides)]
    return [
        judge(
            RULE.id,
            side.side,
            (ordering.ordered(order),),
            _variants(case, order, side),
            about=ordering.about(order),
        )
        for side in sides
    ]


def _variants(case: Case, order: Order, side: SideTimeline) -> tuple[Variant, ...]:
    """(a), (b), (c): the first that is reached."""
    options: tuple[tuple[str, Indicator, list[Event], str], ...] = (
        ("", "critical", ordering.current(side), "certain, in this episode"),
        ("earlier-episode", "warning", ordering.certain(side), "certain, in all episodes"),
        ("uncertain-records", "warning", list(side.injections), "certain or possible"),
    )
    return tuple(
        Variant(
            name,
            ordering.level(order, indicator),
            (_reached(case, order, events, which),),
            partial(_advise, case, order, side, name, events),
        )
        for name, indicator, events, which in options
    )


def _reached(case: Case, order: Order, events: list[Event], which: str) -> Criterion:
    limit = case.whole(c.STEROID_LIMIT)
    planned = "" if order.injections == 1 else f" and {order.injections} planned"
    question = f"with this order more than {limit} injections ({which})"
    answer = Answer.of(len(events) + order.injections > limit)
    facts = tuple(ask.used_event(event) for event in events)
    return Criterion(question, answer, f"{len(events)} given{planned}", facts)


def _unspecified(case: Case, order: Order, sides: tuple[SideTimeline, ...]) -> Outcome:
    """(d): no side on the order, disease on both."""
    fired = [
        next((v for v in _variants(case, order, side) if v.criteria[0].answer is YES), None)
        for side in sides
    ]
    reached = [variant for variant in fired if variant]
    criteria = tuple(_variants(case, order, side)[2].criteria[0] for side in sides)
    if len(reached) == len(sides):
        lowest = min(reached, key=lambda variant: RANK.index(variant.indicator))
        variants: tuple[Variant, ...] = (lowest,)
    else:
        some = Criterion(
            "one side reaches the limit, the order names none",
            Answer.of(bool(reached)),
            f"{len(reached)} of {len(sides)} sides",
        )
        variants = (
            Variant(
                "side-unspecified",
                ordering.level(order, "warning"),
                (some,),
                lambda: _advise_side(case, order, sides),
            ),
        )
    evidence = tuple(
        Criterion(one.question, YES, one.because, one.facts) if one.answer is not NO else one
        for one in criteria
    )
    outcome = judge(
        RULE.id, NOT_STATED, (ordering.ordered(order),), variants, about=ordering.about(order)
    )
    return _with_evidence(outcome, evidence)


def _with_evidence(outcome: Outcome, evidence: tuple[Criterion, ...]) -> Outcome:
    return replace(outcome, criteria=(*outcome.criteria, *evidence))


# --- words ---


def _advise(
    case: Case, order: Order, side: SideTimeline, variant: str, events: list[Event]
) -> Advice:
    where = origin(side.side)
    number = len(events)
    if variant == "uncertain-records":
        summary = (
            f"Up to {number} prior steroid injections at {where}, some uncertain;"
            " source limit is 2-3"
        )
    elif variant == "earlier-episode":
        summary = (
            f"{number} prior steroid injections at {where}, over all episodes; source limit is 2-3"
        )
    elif number + 1 > case.whole(c.STEROID_LIMIT):
        summary = f"{number} prior steroid injections at {where}; source limit is 2-3"
    else:
        summary = (
            f"{number} prior and {order.injections} planned steroid injections at {where};"
            " source limit is 2-3"
        )
    ask_for = "Consider another option than a further injection."
    return _advice(case, order, (side,), summary, ask_for)


def _advise_side(case: Case, order: Order, sides: tuple[SideTimeline, ...]) -> Advice:
    numbers = " and ".join(f"{side.side.words} {len(side.injections)}" for side in sides)
    return _advice(
        case,
        order,
        sides,
        f"Which side? Prior steroid injections at the hamstring origin: {numbers};"
        " source limit is 2-3",
        "Name the side: one of them has reached the limit, the other has not.",
    )


def _advice(
    case: Case, order: Order, sides: tuple[SideTimeline, ...], summary: str, ask_for: str
) -> Advice:
    events = [event for side in sides for event in side.injections]
    last = max((e.when.latest for e in events if e.certain and e.when), default=None)
    interval: tuple[str, ...] = ()
    if last is not None and len(sides) == 1:
        days = (order.planned.earliest - last).days
        interval = (f"Last one {days} days before the planned day (source: 4-6 weeks between)",)
    return Advice(
        summary=summary,
        ask=ask_for,
        facts=(*cited(ask.used_event(event) for event in events), *interval),
        source=(
            "Source: limit to 2-3 injections; overuse may weaken the tendon; short-term relief.",
            "In trials of other tendons the benefit reversed at 6-12 months (Coombes 2010, not from"
            " the article).",
            "The number itself is expert opinion.",
        ),
        unknown=(*_doubtful(events), *ordering.unsure(order)),
        suggestions=_suggestions(case, order, sides),
    )


def _doubtful(events: list[Event]) -> tuple[str, ...]:
    number = sum(not event.certain for event in events)
    return (f"{counted(number, 'record')} uncertain, as marked above.",) if number else ()


def _suggestions(
    case: Case, order: Order, sides: tuple[SideTimeline, ...]
) -> tuple[Suggestion, ...]:
    offered = list(ordering.delete(order))
    side = sides[0]
    if ask.no_surgical_referral(case, side).answer is YES:
        offered.append(Suggestion("Refer for a surgical opinion", Treat.SURGICAL_REFERRAL))
    if ask.no_loading(side).answer is YES:
        offered.append(Suggestion("Refer to physiotherapy for loading", Treat.PHYSIOTHERAPY))
    return tuple(offered)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(
        ("Condition",),
        ("Procedure",),
        ("MedicationStatement", "MedicationRequest", "MedicationAdministration"),
    ),
    parameters=(c.STEROID_LIMIT, c.SAME_INJECTION, c.ORDER_BEFORE_INJECTION),
    override_reasons=(
        "directed-by-specialist",
        "benefit-outweighs-risk",
        "different-site",
        "record-wrong",
        "side-checked",
    ),
    sources=(s.COOMBES_2010, s.WILSON_2005),
    assess=assess,
    orders=(OrderKind.STEROID,),
    at_most_one=True,
)
