"""What the order rules share: which side an order is for, and how sure we are of it (G4-G6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from cds_service.guideline.case import Case
from cds_service.guideline.finding import (
    Change,
    Criterion,
    Indicator,
    Outcome,
    State,
    Suggestion,
    Used,
)
from cds_service.patient.facts import DraftResource, Order, OrderKind
from cds_service.patient.injections import Event
from cds_service.patient.sides import BOTH, LEFT, NOT_STATED, RIGHT, Laterality
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, YES

LOWER: dict[Indicator, Indicator] = {"critical": "warning", "warning": "info", "info": "info"}


def orders(case: Case, *kinds: OrderKind) -> tuple[Order, ...]:
    return tuple(order for order in case.facts.orders if order.kind in kinds)


def none_ordered(rule: str, what: str) -> list[Outcome]:
    """The outcome when the call orders nothing the rule speaks of."""
    asked = Criterion(f"an order of {what}", NO, "none in this call")
    return [Outcome(rule=rule, state=State.NOT_MET, criteria=(asked,))]


def unseen(case: Case, *groups: tuple[str, ...]) -> str:
    """Which of these could not be obtained; of a group one type is enough. Empty: none lacks."""
    lacking = [" or ".join(g) for g in groups if all(kind in case.facts.missing for kind in g)]
    return f"{' and '.join(lacking)} could not be obtained" if lacking else ""


def on_record(question: str, found: tuple[Used, ...], lacking: str) -> Criterion:
    """Something speaks against it; that nothing does is not known while records are unseen."""
    if found:
        because = ", ".join(dict.fromkeys(used.words for used in found))
        return Criterion(question, YES, because, found)
    if lacking:
        return Criterion(question, UNKNOWN, lacking)
    return Criterion(question, NO, "none on record")


def about(order: Order) -> tuple[str, ...]:
    return tuple(draft.reference for draft in order.drafts)


def ordered(order: Order) -> Criterion:
    """The order itself, as the first reason."""
    facts = tuple(used(order, d.reference, order.label) for d in order.drafts)
    return Criterion(f"an order of {order.kind.value}", YES, order.label, facts)


def used(order: Order, reference: str, words: str) -> Used:
    """The order as a fact, on its planned day; a day that is only assumed is none of the record."""
    return Used(reference, words, str(order.planned), stated=", ".join(map(str, order.stated)))


def sides(case: Case, order: Order) -> tuple[SideTimeline, ...]:
    """The sides an order may be for: its own, else the diseased one, else both (G5).

    Each as it stood before: an injection that carries out the order is not prior to it.
    """
    return tuple(side.before(order) for side in _possible(case, order))


def _possible(case: Case, order: Order) -> tuple[SideTimeline, ...]:
    if order.side in (LEFT, RIGHT):
        return (case.timeline.side(order.side),)
    if order.side is BOTH:
        return case.timeline.side(LEFT), case.timeline.side(RIGHT)
    return case.sides or (case.timeline.side(NOT_STATED),)


def side_unspecified(case: Case, order: Order) -> bool:
    """The order names no side and the disease is bilateral."""
    return order.side is NOT_STATED and case.timeline.bilateral


def side(case: Case, order: Order) -> Laterality:
    """The side the order is for, where it names one or only one is diseased."""
    possible = sides(case, order)
    return possible[0].side if len(possible) == 1 else order.side


def aimed(case: Case, order: Order) -> Criterion:
    """At the hamstring origin, by site or reason; without either only while PHT is active (G5)."""
    question = "aimed at the hamstring origin, or no site while PHT is active"
    if order.at_origin is YES:
        return Criterion(question, YES, "by site or reason")
    active = disease(case)
    if active.answer is YES and all(_operated(side) for side in _possible(case, order)):
        because = "neither site nor reason, and operated on in this episode"
        return Criterion(question, UNKNOWN, because)
    return Criterion(question, active.answer, f"neither site nor reason; PHT {active.because}")


def _operated(side: SideTimeline) -> bool:
    """After surgery only an order that is itself aimed there counts (G2)."""
    return any(side.in_episode(care.start) is YES for care in side.surgery)


def for_either_side(
    case: Case, order: Order, assess: Callable[[SideTimeline], Outcome]
) -> list[Outcome]:
    """What `assess` says of each side an order may be for.

    For an order that names none of two diseased sides, what holds of one only is possible, so one
    level lower (G6); the same words come once.
    """
    outcomes = [assess(side) for side in sides(case, order)]
    if not side_unspecified(case, order):
        return outcomes
    sure = all(outcome.state is State.FIRED for outcome in outcomes)
    return once(outcomes if sure else [_lowered(outcome) for outcome in outcomes])


def once(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Two sides of which the same is to be said are one card, with the facts of both."""
    found: dict[tuple[str, ...], Outcome] = {}
    for one in outcomes:
        # What did not fire stays by its side: a tuple of one is no card's key.
        key = (one.variant, one.advice.summary) if one.advice else (one.side.value,)
        twin = found.get(key)
        found[key] = _merged(twin, one) if twin else one
    return list(found.values())


def _lowered(outcome: Outcome) -> Outcome:
    fired = outcome.state is State.FIRED
    return replace(outcome, indicator=LOWER[outcome.indicator]) if fired else outcome


def _merged(one: Outcome, other: Outcome) -> Outcome:
    criteria = tuple(dict.fromkeys((*one.criteria, *other.criteria)))
    advice = one.advice
    if advice and other.advice:
        facts = tuple(dict.fromkeys((*advice.facts, *other.advice.facts)))
        advice = replace(advice, facts=facts)
    return replace(one, side=NOT_STATED, criteria=criteria, advice=advice)


def unsure(order: Order) -> tuple[str, ...]:
    """What the order does not say of drug and route: the rules then speak one level lower (G5)."""
    words = []
    if order.steroid is UNKNOWN:
        words.append("The order does not say that a steroid is injected.")
    if order.local is UNKNOWN:
        words.append("The order does not say that it is a local injection.")
    if order.unclear and order.at_origin is not YES:
        words.append("The order's site or reason is not one this service knows.")
    return tuple(words)


def unknown(case: Case, order: Order) -> tuple[str, ...]:
    """All the order leaves open, for the card."""
    unsided = side_unspecified(case, order)
    return (*unsure(order), *(("The order does not name the side.",) if unsided else ()))


def level(order: Order, indicator: Indicator) -> Indicator:
    return LOWER[indicator] if unsure(order) else indicator


def disease(case: Case) -> Criterion:
    """PHT is active on some side."""
    answers = [side.episode.active for side in case.sides]
    answer = max(answers, key=lambda a: int(a.value), default=NO)
    words = {YES: "active", UNKNOWN: "perhaps no longer active", NO: "none on record"}
    used = tuple(
        Used(d.reference, d.label, str(d.start or ""), recognised_by=d.recognised_by)
        for side in case.sides
        for d in side.episode.diagnoses
    )
    return Criterion("PHT is active", answer, words[answer], tuple(dict.fromkeys(used)))


def certain(side: SideTimeline) -> list[Event]:
    return [event for event in side.injections if event.certain]


def current(side: SideTimeline) -> list[Event]:
    """Of the current episode; there is none where PHT is not certainly active (G3)."""
    if side.episode.active is not YES:
        return []
    return [event for event in certain(side) if side.in_episode(event.when) is YES]


def named(order: Order) -> tuple[DraftResource, ...]:
    """The drafts that have an id: only these can be changed or deleted."""
    return tuple(draft for draft in order.drafts if "/" in draft.reference)


def delete(order: Order, label: str = "Remove the order") -> tuple[Suggestion, ...]:
    """Delete every draft of the order, in one suggestion; nothing without an id to delete.

    What was placed before is withdrawn (`DraftResource.placed`).
    """
    drafts = named(order)
    if any(draft.placed for draft in drafts):
        label = label.replace("Remove", "Withdraw")
    label = label.replace("the order", f"the {_thing(order)}")
    return (Suggestion(label, change=Change.DELETE, drafts=drafts),) if drafts else ()


def postpone(order: Order, day: date) -> tuple[Suggestion, ...]:
    """Move every draft of the order to a later day; nothing when it is planned later already."""
    drafts = named(order)
    if not drafts or day <= order.planned.latest:
        return ()
    label = f"Move the {_thing(order)} to {day.isoformat()}"
    return (Suggestion(label, change=Change.POSTPONE, drafts=drafts, day=day),)


def _thing(order: Order) -> str:
    booked = order.drafts[0].raw.get("resourceType") == "Appointment"
    return "appointment" if booked else "order"
