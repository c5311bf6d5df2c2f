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
        self._spans = {side: _by_end(found) for side, found in ends.items()}

    def belongs(self, order: Injection) -> bool:
        group = self._by_link(order) or self._of_that_day(order)
        if group and order.steroid is YES and order.local is not NO:
            group.steroid_ordered = True  # an injection that names no drug was of this one
        return group is not None or self._may_belong(order)

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

    def _may_belong(self, order: Injection) -> bool:
        """Some injection was, or may have been, given in the days after it.

        An imprecise date makes no injection of an order (G7).
        """
        if order.when is None:
            return False
        begin, end = order.when.earliest, order.when.latest + self._within
        spans = [self._spans[side] for side in self._spans if same_side(side, order.side)]
        return any(
            index < len(lasts) and firsts[index] <= end
            for lasts, firsts in spans
            for index in [bisect_left(lasts, begin)]
        )


def _by_end(spans: list[tuple[date, date]]) -> tuple[list[date], list[date]]:
    """The last days in order, and the earliest first day of each and all that end later."""
    ordered = sorted(spans)
    firsts = accumulate((first for _, first in reversed(ordered)), min)
    return [last for last, _ in ordered], list(firsts)[::-1]
