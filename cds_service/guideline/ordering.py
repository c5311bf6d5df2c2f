"""What the order rules share: which side an order is for, and how sure we are of it (G4-G6)."""

from __future__ import annotations

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
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.injections import Event
from cds_service.patient.sides import BOTH, LEFT, NOT_STATED, RIGHT
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, YES

LOWER: dict[Indicator, Indicator] = {"critical": "warning", "warning": "info", "info": "info"}


def orders(case: Case, *kinds: OrderKind) -> tuple[Order, ...]:
    return tuple(order for order in case.facts.orders if order.kind in kinds)


def none_ordered(rule: str, what: str) -> list[Outcome]:
    """The outcome when the call orders nothing the rule speaks of."""
    asked = Criterion(f"an order of {what}", NO, "none in this call")
    return [Outcome(rule=rule, state=State.NOT_MET, criteria=(asked,))]


def about(order: Order) -> tuple[str, ...]:
    return tuple(draft.reference for draft in order.drafts)


def ordered(order: Order) -> Criterion:
    """The order itself, as the first reason."""
    used = tuple(Used(d.reference, order.label, str(order.planned)) for d in order.drafts)
    return Criterion(f"an order of {order.kind.value}", YES, order.label, used)


def sides(case: Case, order: Order) -> tuple[SideTimeline, ...]:
    """The sides an order may be for: its own, else the diseased one, else both (G5)."""
    if order.side in (LEFT, RIGHT):
        return (case.timeline.side(order.side),)
    if order.side is BOTH:
        return case.timeline.side(LEFT), case.timeline.side(RIGHT)
    return case.sides or (case.timeline.side(NOT_STATED),)


def side_unspecified(case: Case, order: Order) -> bool:
    """The order names no side and the disease is bilateral."""
    return order.side is NOT_STATED and case.timeline.bilateral


def unsure(order: Order) -> tuple[str, ...]:
    """What the order does not say of drug and route: the rules then speak one level lower (G5)."""
    words = []
    if order.steroid is UNKNOWN:
        words.append("The order does not say that a steroid is injected.")
    if order.local is UNKNOWN:
        words.append("The order does not say that it is a local injection.")
    return tuple(words)


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
    return [event for event in certain(side) if side.in_episode(event.when) is YES]


def delete(order: Order, label: str = "Remove the order") -> tuple[Suggestion, ...]:
    """Delete every draft of the order, in one suggestion; nothing without an id to delete."""
    drafts = tuple(draft for draft in order.drafts if "/" in draft.reference)
    return (Suggestion(label, change=Change.DELETE, drafts=drafts),) if drafts else ()
