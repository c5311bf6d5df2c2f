"""One injection, many records (guideline G4): which records tell of the same injection.

The number of certain injections is a lower bound: a record that may be a duplicate, is undated,
or comes from the patient alone makes a possible injection, never a certain one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from cds_service.patient.completed import Orders
from cds_service.patient.facts import Given, Injection, Note, Order
from cds_service.patient.group import Group, same_side
from cds_service.patient.sides import Laterality
from cds_service.patient.when import NO, UNKNOWN, YES, When, earliest_of


@dataclass(frozen=True, slots=True)
class Event:
    """One injection as its records tell it. `doubts` says why it is only possible."""

    records: tuple[Injection, ...]
    side: Laterality
    when: When | None
    doubts: tuple[str, ...]

    @property
    def certain(self) -> bool:
        return not self.doubts


def merge(
    records: Iterable[Injection], *, same_days: int, order_days: int
) -> tuple[tuple[Event, ...], tuple[Note, ...]]:
    """Injections told by the records, and the records left out with the reason.

    `same_days`: at most this far apart, on one side, is one injection.
    `order_days`: a completed order at most this long before an injection belongs to it.
    """
    counted, left_out = _without_excluded(list(records), same_days)
    given = [r for r in counted if r.given in (Given.DONE, Given.PERHAPS)]
    orders = [r for r in counted if r.given is Given.ORDERED]
    groups = _grouped(given, same_days)
    ordered = Orders(groups, same_days, order_days)
    belonging: list[Injection] = []
    others: list[Injection] = []
    for order in orders:
        (belonging if ordered.belongs(order) else others).append(order)
    left = _grouped(others, same_days)
    absorbed = dict.fromkeys(ordered.absorbed(left))
    belonging += [order for group in absorbed for order in group.records]
    events = [_event(group) for group in (*groups, *left) if group not in absorbed]
    notes = [
        Note(record.reference, f"same injection as {group.records[0].reference}")
        for group in groups
        for record in group.records[1:]
    ]
    notes += [Note(order.reference, "the order for an injection given") for order in belonging]
    return tuple(sorted(events, key=_by_date)), (*left_out, *notes)


def _days_around(records: Iterable[Injection], same_days: int) -> set[date]:
    exact = [r.when.earliest for r in records if r.when is not None and r.when.exact]
    return {day + timedelta(days=n) for day in exact for n in range(-same_days, same_days + 1)}


def _without_excluded(
    records: Sequence[Injection], same_days: int
) -> tuple[list[Injection], list[Note]]:
    """Drop records with any NO (G5), and the drug of an injection that is at another site.

    A record without site or reason belongs to an injection elsewhere when it is linked to it, or
    of the same day while nothing was injected at the hamstring origin that day.
    """
    elsewhere = {r.reference for r in records if r.excluded}
    injected = [r for r in records if r.at_origin is NO and r.local is not NO and not r.unsited]
    here = [r for r in records if not r.excluded and not r.unsited]
    other_days = _days_around(injected, same_days) - _days_around(here, same_days)
    counted, notes = [], []
    for record in records:
        why = _why_excluded(record, elsewhere, other_days)
        if why:
            notes.append(Note(record.reference, why))
        else:
            counted.append(record)
    return counted, notes


def _why_excluded(record: Injection, elsewhere: set[str], other_days: set[date]) -> str:
    if record.excluded:
        return record.why_not
    reached = record.links & elsewhere
    if reached and record.at_origin is UNKNOWN:
        return f"part of {min(reached)}, which is left out"
    when = record.when
    if record.unsited and when and when.exact and when.earliest in other_days:
        return "of an injection at another site on that day"
    return ""


def _grouped(records: Sequence[Injection], same_days: int) -> list[Group]:
    """Linked records, and records of one side at most `same_days` from a group's first date."""
    groups: list[Group] = []
    named: dict[str, Group] = {}  # a record's own reference -> its group
    pointed: dict[str, Group] = {}  # a reference some record points to -> that record's group
    for record in sorted(records, key=_exact_first):
        group = _linked(record, named, pointed) or _same_date(record, groups, same_days)
        if group is None:
            group = Group(record)
            groups.append(group)
        else:
            group.takes(record)
        named[record.reference] = group
        for link in record.links:
            pointed.setdefault(link, group)
    _mark_possible_repeats(groups, same_days)
    return groups


def _exact_first(record: Injection) -> tuple[int, date, date, str]:
    """Exact dates in order, then imprecise ones by their end, then undated ones."""
    if record.when is None:
        return 2, date.max, date.max, record.reference
    return int(not record.when.exact), record.when.latest, record.when.earliest, record.reference


def _linked(record: Injection, named: dict[str, Group], pointed: dict[str, Group]) -> Group | None:
    """The group of a record this one references, or that references this one.

    Two records that only share an order are not linked (G4).
    """
    for reference in sorted(record.links):
        if reference in named:
            return named[reference]
    return pointed.get(record.reference)


def _same_date(record: Injection, groups: list[Group], same_days: int) -> Group | None:
    """The last groups are the nearest in time, since exact dates come in order."""
    if record.when is None or not record.when.exact:
        return None
    for group in reversed(groups):
        if group.first is None or group.first.days_until(record.when).more_than(same_days) is YES:
            return None
        if same_side(group.side, record.side):
            return group
    return None


def _mark_possible_repeats(groups: list[Group], same_days: int) -> None:
    """An imprecise date that could be the same day as another group's may be a repeat of it."""
    exact: dict[Laterality, list[date]] = {}
    for group in sorted(groups, key=_first_day):
        if group.first and group.first.exact:
            exact.setdefault(group.side, []).append(group.first.earliest)
    kept: dict[Laterality, date] = {}  # end of the last imprecise date that counts, by side
    near = timedelta(days=same_days)
    for group in groups:
        if group.first is None or group.first.exact:
            continue
        begin, end = group.first.earliest - near, group.first.latest + near
        repeats = any(_any_between(exact[s], begin, end) for s in exact if same_side(s, group.side))
        repeats |= any(begin <= kept[s] for s in kept if same_side(s, group.side))
        group.may_repeat = repeats
        if not repeats:
            kept[group.side] = group.first.latest


def _any_between(days: list[date], begin: date, end: date) -> bool:
    index = bisect_left(days, begin)
    return index < len(days) and days[index] <= end


def _first_day(group: Group) -> date:
    return group.first.earliest if group.first else date.max


def _event(group: Group) -> Event:
    dated = [
        record.when for record in group.records if record.when is not None and record.when.exact
    ]
    when = earliest_of(dated) or next((r.when for r in group.records if r.when), None)
    return Event(tuple(group.records), group.side, when, tuple(_doubts(group)))


def _doubts(group: Group) -> list[str]:
    """Why the injection is only possible; empty when certain."""
    if all(record.given is Given.ORDERED for record in group.records):
        return ["a completed order with no record of the injection being given"]
    sound = [r for r in group.records if r.given is Given.DONE and not r.patient_reported]
    if not sound:
        only_patient = all(record.patient_reported for record in group.records)
        return ["reported by the patient only" if only_patient else "status not known"]
    doubts = [
        words
        for question, words in (
            ("steroid", "the record does not say that a steroid was injected"),
            ("local", "the record does not say that it was injected locally"),
            ("at_origin", "the record does not say that it was at the hamstring origin"),
        )
        if not any(getattr(record, question) is YES for record in sound)
        and not (question == "steroid" and group.steroid_ordered)
    ]
    if not any(record.when for record in sound):
        doubts.append("not dated")
    if group.may_repeat:
        doubts.append("may be the same injection as another record")
    return doubts


def _by_date(event: Event) -> tuple[date, str]:
    return (event.when.earliest if event.when else date.max), event.records[0].reference


def of_order(events: Sequence[Event], order: Order) -> list[Event]:
    """The injections that carry out an order which is signed after the act.

    One placed before may have led to several: all of them are prior to the next.
    """
    drafts = {draft.reference for draft in order.drafts if not draft.placed}
    own = [event for event in events if any(r.links & drafts for r in event.records)]
    return own[-order.injections :]


def with_doubt(event: Event, doubt: str) -> Event:
    """The same injection, no longer certain."""
    return replace(event, doubts=(*event.doubts, doubt))
