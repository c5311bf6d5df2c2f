"""Completed orders: which belong to an injection given, and what they add to it (G4, G5)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate

from cds_service.patient.facts import Injection
from cds_service.patient.group import Group, same_side
from cds_service.patient.sides import Laterality
from cds_service.patient.when import NO, YES


def _points(group: Group, order: Injection) -> bool:
    return any(order.reference in r.links or r.reference in order.links for r in group.records)


class Orders:
    """Which completed orders belong to an injection given (G4), and what they add to it (G5)."""

    def __init__(self, groups: Sequence[Group], same_days: int, order_days: int) -> None:
        self._groups, self._same, self._within = groups, same_days, timedelta(days=order_days)
        self._linked = {link for group in groups for r in group.records for link in r.links}
        self._named = {r.reference for group in groups for r in group.records}
        self._days = sorted((g.first.earliest, i) for i, g in enumerate(groups) if g.first)
        ends: dict[Laterality, list[tuple[date, date]]] = {}
        for group in groups:
            if group.first:
                ends.setdefault(group.side, []).append((group.first.latest, group.first.earliest))
        self._spans = {side: _Spans(found) for side, found in ends.items()}

    def belongs(self, order: Injection) -> bool:
        group = self._by_link(order) or self._of_that_day(order)
        if group and order.steroid is YES and order.local is not NO:
            group.steroid_ordered = True  # an injection that names no drug was of this one
        return group is not None

    def absorbed(self, orders: Sequence[Group]) -> list[Group]:
        """Those of the orders left, by injection ordered, that may belong to an injection given.

        An imprecise date makes no injection of an order (G7), and one injection takes one order.
        """
        dated = [(*span, group) for group in orders if (span := self._span(group))]
        dated.sort(key=lambda one: (one[1], one[0], one[2].records[0].reference))
        return [group for begin, end, group in dated if self._taken(group, begin, end)]

    def _by_link(self, order: Injection) -> Group | None:
        if order.reference not in self._linked and not order.links & self._named:
            return None
        return next(group for group in self._groups if _points(group, order))

    def _of_that_day(self, order: Injection) -> Group | None:
        if order.when is None:
            return None
        for day, index in self._days[bisect_left(self._days, (order.when.latest, 0)) :]:
            if (day - order.when.earliest).days > self._same:
                return None
            group = self._groups[index]
            near = group.first and order.when.days_until(group.first).at_most(self._same) is YES
            if near and same_side(group.side, order.side):
                return group
        return None

    def _span(self, group: Group) -> tuple[date, date] | None:
        """The days on which an injection was given that one of these orders may belong to."""
        whens = [order.when for order in group.records if order.when]
        if not whens:
            return None
        return min(w.earliest for w in whens), max(w.latest for w in whens) + self._within

    def _taken(self, group: Group, begin: date, end: date) -> bool:
        """By the injection that ends first among those not taken yet."""
        for side, spans in self._spans.items():
            if same_side(side, group.side) and spans.take(begin, end):
                return True
        return False


class _Spans:
    """When the injections of one side were given: each is taken once."""

    def __init__(self, spans: Sequence[tuple[date, date]]) -> None:
        ordered = sorted(spans)
        self._lasts = [last for last, _ in ordered]
        self._firsts = [first for _, first in ordered]
        self._earliest = list(accumulate(reversed(self._firsts), min))[::-1]  # from here on
        self._taken = [False] * len(ordered)

    def take(self, begin: date, end: date) -> bool:
        """Whether one was, or may have been, given between these days."""
        index = bisect_left(self._lasts, begin)
        while index < len(self._lasts) and self._earliest[index] <= end:
            if self._firsts[index] <= end and not self._taken[index]:
                self._taken[index] = True
                return True
            index += 1
        return False
