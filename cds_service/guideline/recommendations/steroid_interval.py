"""steroid-interval: a steroid injection ordered too soon after the last one.

Source says: "limit to 2-3 injections with 4-6 weeks between injections" (Intermediate Management,
  Adjunctive Therapies, C25).
Evidence: expert opinion; no trial of intervals was found.
Origin: article C25
When: from the last certain injection of the side to the planned day are fewer than 28 days:
  warning `under-4-weeks`; 28 to 41: info `4-to-6-weeks`; a range of dates that straddles 28: info
  `imprecise-date`; one that straddles 42 and is at least 28: info `4-to-6-weeks`.
Unless: steroid-count-limit fires for the order; the other side; 42 days or more.
Then: offer to move the order to 42 days after the last injection, or to remove it.
Unsure: no certain dated injection is silent; possible records are ignored. In bilateral disease
  an order that names no side, too soon for one side only, speaks one level lower.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline import ordering
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Indicator,
    Outcome,
    Recommendation,
    Suggestion,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, origin
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.injections import Event
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import UNKNOWN, Answer, Days, When, latest_of

PREFERRED = Parameter(
    name="steroid-interval-preferred",
    value=42,
    unit="days",
    source=s.ARTICLE,
    place="Intermediate Management, Adjunctive Therapies (C25, A03)",
    quote="4-6 weeks between injections",
    reading="42 days satisfy every reading",
    safe=(28, 90),
)


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.STEROID)
    if not orders:
        return ordering.none_ordered(RULE.id, "a local steroid injection")
    return [
        outcome
        for order in orders
        for outcome in ordering.for_either_side(case, order, partial(_assess_side, case, order))
    ]


def _assess_side(case: Case, order: Order, side: SideTimeline) -> Outcome:
    events = ordering.certain(side)
    last = latest_of([event.when for event in events if event.when])
    days = last.days_until(order.planned) if last else None
    least, preferred = case[c.STEROID_INTERVAL], case[PREFERRED]
    common = (ordering.ordered(order), ordering.aimed(case, order), _dated(events, days))
    options: tuple[tuple[str, Indicator, str, Answer], ...] = (
        ()
        if days is None
        else (
            ("under-4-weeks", "warning", f"fewer than {least:g} days", days.less_than(least)),
            (
                "imprecise-date",
                "info",
                f"perhaps fewer than {least:g} days",
                Answer.of(days.less_than(least) is UNKNOWN),
            ),
            (
                "4-to-6-weeks",
                "info",
                f"{least:g} to {preferred - 1:g} days",
                days.at_least(least) & Answer.of(days.least < preferred),
            ),
        )
    )
    variants = [
        Variant(
            name,
            ordering.level(order, indicator),
            (Criterion(question, answer, f"{days} days"),),
            lambda: _advise(case, order, side, last, days),
        )
        for name, indicator, question, answer in options
    ]
    return judge(RULE.id, side.side, common, variants, about=ordering.about(order))


def _dated(events: list[Event], days: Days | None) -> Criterion:
    facts = tuple(ask.used_event(event) for event in events)
    answer = Answer.of(days is not None)
    because = f"{days} days before the planned day" if days else "none on record"
    return Criterion("a certain, dated injection on this side", answer, because, facts)


def _advise(
    case: Case, order: Order, side: SideTimeline, last: When | None, days: Days | None
) -> Advice:
    return Advice(
        summary=(
            f"Last steroid injection at {origin(side.side)} {_how_long(case, order, days)}"
            " (source: 4-6 weeks apart)"
        ),
        ask=f"Leave at least 4 weeks, better 6, between injections: from {_from(case, last)}.",
        facts=(
            *cited(ask.used_event(event) for event in _last(side)),
            f"Planned: {order.planned}, {days} days after the last one",
        ),
        source=(
            "Source: 4-6 weeks between injections.",
            "The basis is expert opinion; no trial of intervals was found.",
        ),
        unknown=(*_imprecise(last), *ordering.unknown(case, order)),
        suggestions=_suggestions(case, order, last),
    )


def _how_long(case: Case, order: Order, days: Days | None) -> str:
    if order.planned == When.on(case.today):
        return f"was {days} days ago"
    return f"is {days} days before the planned day"


def _from(case: Case, last: When | None) -> str:
    if last is None:
        return "an unknown day"
    four = last.latest + timedelta(days=case.whole(c.STEROID_INTERVAL))
    return f"{four.isoformat()} (4 weeks), {_preferred_day(case, last).isoformat()} (6 weeks)"


def _preferred_day(case: Case, last: When) -> date:
    return last.latest + timedelta(days=case.whole(PREFERRED))


def _imprecise(last: When | None) -> tuple[str, ...]:
    if last is None or last.exact:
        return ()
    return (f"The day of the last injection is recorded only as {last}.",)


def _last(side: SideTimeline) -> list[Event]:
    """The certain one that ends last."""
    dated = [event for event in ordering.certain(side) if event.when]
    return sorted(dated, key=lambda event: event.when.latest if event.when else date.min)[-1:]


def _suggestions(case: Case, order: Order, last: When | None) -> tuple[Suggestion, ...]:
    removed = ordering.delete(order)
    if last is None:
        return removed
    return (*ordering.postpone(order, _preferred_day(case, last)), *removed)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(
        ("Condition",),
        ("Procedure",),
        ("MedicationStatement", "MedicationRequest", "MedicationAdministration"),
    ),
    parameters=(c.STEROID_INTERVAL, PREFERRED, c.SAME_INJECTION, c.ORDER_BEFORE_INJECTION),
    override_reasons=(
        "directed-by-specialist",
        "benefit-outweighs-risk",
        "record-wrong",
        "side-checked",
    ),
    sources=(s.WILSON_2005,),
    assess=assess,
    orders=(OrderKind.STEROID,),
    at_most_one=True,
    yields_to=("steroid-count-limit",),
)
