"""The lane of steroid injections: which count, how far apart, and against which limit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cds_service.guideline import conventions as c
from cds_service.guideline import ordering
from cds_service.guideline.case import Case
from cds_service.guideline.recommendations.steroid_interval import PREFERRED
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.injections import Event
from cds_service.patient.sides import BOTH, NOT_STATED
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import YES, When
from cds_service.web.console.picture import Band, Lane, Mark, Spacing, Told

NAME = "Steroid injections"


def lane(case: Case, side: SideTimeline) -> Lane:
    """Of this side, given, ordered and drafted; those of the episode are numbered.

    The interval counts from every certain one, of whatever episode.
    """
    counted = ordering.current(side)
    numbers = {id(event): number for number, event in enumerate(counted, start=1)}
    limit = case.whole(c.STEROID_LIMIT)
    given = [_mark(e, e.when, numbers.get(id(e)), limit) for e in side.injections if e.when]
    undated = tuple(_told(event) for event in side.injections if event.when is None)
    return Lane(
        name=NAME,
        note=_count(side, len(counted), limit),
        marks=(*given, *_ordered(side), *drafts(case, side, OrderKind.STEROID)),
        bands=tuple(band for event in ordering.certain(side) for band in _spacing(case, event)),
        undated=(*undated, *_ordered_some_day(side)),
    )


def _count(side: SideTimeline, counted: int, limit: int) -> str:
    possible = sum(1 for event in side.injections if not event.certain)
    words = f"{counted} of at most {limit}"
    if side.episode.active is not YES:
        words = "not counted while unsure"
    return f"{words}, {possible} more possible" if possible else words


def _mark(event: Event, when: When, number: int | None, limit: int) -> Mark:
    told = _told(event)
    return Mark(
        words=told.words,
        references=told.references,
        doubts=told.doubts,
        when=when,
        number=number,
        beyond=number is not None and number > limit,
    )


def _told(event: Event) -> Told:
    return Told(
        words=event.records[0].label,
        references=tuple(record.reference for record in event.records),
        doubts=event.doubts,
    )


def _ordered(side: SideTimeline) -> Iterator[Mark]:
    for record in side.pending_injections:
        if record.when is not None:
            words, references = f"{record.label}, ordered", (record.reference,)
            yield Mark(words=words, references=references, when=record.when, planned=True)


def _ordered_some_day(side: SideTimeline) -> Iterator[Told]:
    for record in side.pending_injections:
        if record.when is None:
            yield Told(words=f"{record.label}, ordered", references=(record.reference,))


def drafts(case: Case, side: SideTimeline, *kinds: OrderKind) -> Iterator[Mark]:
    """What this call orders for the side, or for no side."""
    for order in case.facts.orders:
        if order.kind in kinds and _for(order, side):
            references = tuple(draft.reference for draft in order.drafts)
            words = f"{order.label}, being ordered"
            yield Mark(words=words, references=references, when=order.planned, planned=True)


def _for(order: Order, side: SideTimeline) -> bool:
    return order.side in (side.side, BOTH, NOT_STATED) or side.side is NOT_STATED


def _spacing(case: Case, event: Event) -> Iterator[Band]:
    """From the latest day the injection may have been given, as the rules count."""
    if event.when is None:
        return
    given, least = event.when.latest, case.whole(c.STEROID_INTERVAL)
    preferred = case.whole(PREFERRED)
    day = timedelta(days=1)
    yield Band(
        spacing=Spacing.TOO_SOON,
        first=given,
        last=given + least * day - day,
        words=f"less than {least} days after the injection of {event.when}: too soon",
    )
    if preferred > least:
        yield Band(
            spacing=Spacing.PREFERRED,
            first=given + least * day,
            last=given + preferred * day - day,
            words=f"{least} to {preferred - 1} days after the injection of {event.when}",
        )
