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
  more than 3 fire at the same level. Where PHT is not active on the side there is no current
  episode: at most warning `earlier-episode`.
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
from cds_service.patient.when import YES, Answer, latest_of

RANK: tuple[Indicator, ...] = ("info", "warning", "critical")
INSTEAD = "Consider a loading review, shockwave or a surgical opinion instead of a further one."


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
            (ordering.ordered(order), ordering.aimed(case, order)),
            _variants(case, order, side),
            about=ordering.about(order),
        )
        for side in sides
    ]


def _variants(case: Case, order: Order, side: SideTimeline) -> tuple[Variant, ...]:
    """(a), (b), (c): the first that is reached."""
    certain, every = ordering.certain(side), list(side.injections)
    options: tuple[tuple[str, Indicator, list[Event], str], ...] = (
        ("", "critical", ordering.current(side), "certain, in this episode"),
        ("earlier-episode", "warning", certain, "certain, in all episodes"),
        ("uncertain-records", "warning", every, "certain or possible"),
    )
    return tuple(
        Variant(
            name,
            ordering.level(order, indicator),
            (*(() if name else (ask.active(side),)), _reached(case, order, events, which)),
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
    reached = [first for side in sides if (first := _first(_variants(case, order, side)))]
    if len(reached) == len(sides):
        lowest = min(reached, key=lambda variant: RANK.index(variant.indicator))
        variant = replace(lowest, advise=lambda: _advise_both(case, order, sides))
    else:
        some = Criterion(
            "one side reaches the limit, the order names none",
            Answer.of(bool(reached)),
            f"{len(reached)} of {len(sides)} sides",
        )
        variant = Variant(
            "side-unspecified",
            ordering.level(order, "warning"),
            (some,),
            lambda: _advise_side(case, order, sides),
        )
    common = (ordering.ordered(order), ordering.aimed(case, order))
    outcome = judge(RULE.id, NOT_STATED, common, (variant,), about=ordering.about(order))
    counts = tuple(_variants(case, order, side)[-1].criteria[0] for side in sides)
    return replace(outcome, criteria=(*outcome.criteria, *counts))


def _first(variants: tuple[Variant, ...]) -> Variant | None:
    """The first variant that is reached."""
    return next((v for v in variants if all(one.answer is YES for one in v.criteria)), None)


# --- words ---


def _advise(
    case: Case, order: Order, side: SideTimeline, variant: str, events: list[Event]
) -> Advice:
    how_many = _how_many(case, order, len(events))
    up_to = "Up to " if variant == "uncertain-records" else ""
    doubt = {"uncertain-records": ", some uncertain", "earlier-episode": ", over all episodes"}
    summary = (
        f"{up_to}{how_many} steroid injections at {origin(side.side)}{doubt.get(variant, '')};"
        " source limit is 2-3"
    )
    return _advice(case, order, (side,), summary, INSTEAD)


def _how_many(case: Case, order: Order, number: int) -> str:
    """'3 prior', or with repeats that pass the limit '1 prior and 3 planned'."""
    if number + 1 > case.whole(c.STEROID_LIMIT):
        return f"{number} prior"
    return f"{number} prior and {order.injections} planned"


def _numbers(sides: tuple[SideTimeline, ...]) -> str:
    """'left 3 and right 1 to 2', certain and possible."""
    words = []
    for side in sides:
        certain, every = len(ordering.certain(side)), len(side.injections)
        words.append(f"{side.side.words} {certain}" + (f" to {every}" if every > certain else ""))
    return " and ".join(words)


def _advise_both(case: Case, order: Order, sides: tuple[SideTimeline, ...]) -> Advice:
    planned = f", {order.injections} planned" if order.injections > 1 else ""
    summary = (
        f"Prior steroid injections at the hamstring origins: {_numbers(sides)}{planned};"
        " source limit is 2-3"
    )
    return _advice(case, order, sides, summary, INSTEAD)


def _advise_side(case: Case, order: Order, sides: tuple[SideTimeline, ...]) -> Advice:
    return _advice(
        case,
        order,
        sides,
        f"Which side? Prior steroid injections at the hamstring origin: {_numbers(sides)};"
        " source limit is 2-3",
        "Name the side: one of them has reached the limit, the other has not.",
    )


def _advice(
    case: Case, order: Order, sides: tuple[SideTimeline, ...], summary: str, ask_for: str
) -> Advice:
    events = [event for side in sides for event in side.injections]
    last = latest_of([event.when for event in events if event.certain and event.when])
    interval: tuple[str, ...] = ()
    if last is not None and len(sides) == 1:
        days = last.days_until(order.planned)
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
        unknown=(*_doubtful(events), *ordering.unknown(case, order)),
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
