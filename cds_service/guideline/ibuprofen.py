"""How much ibuprofen a day an order would make, with what is already taken (A13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.guideline import ordering
from cds_service.guideline.case import Case
from cds_service.patient.facts import Care, CareKind, Order, OrderKind

NAME = "ibuprofen"


@dataclass(frozen=True, slots=True)
class Total:
    """mg a day of what can be computed: at least so much where `unknown` names the rest.

    A statement that names no prescription may tell of one all the same, so that what is stated
    and what is prescribed are counted once in `mg`, and both in `most`.
    """

    orders: tuple[Order, ...]
    running: tuple[Care, ...]

    @property
    def mg(self) -> float:
        stated = [care for care in self.running if care.order is None]
        prescribed = [care for care in self.running if care.order]
        return _sum(self.orders) + max(_sum(stated), _sum(prescribed))

    @property
    def most(self) -> float:
        return _sum(self.orders) + _sum(self.running)

    @property
    def span(self) -> str:
        """'2400' or '2400 to 3600'."""
        return f"{self.mg:g}" if self.mg == self.most else f"{self.mg:g} to {self.most:g}"

    @property
    def told_twice(self) -> tuple[str, ...]:
        """The records that may tell of the same tablets."""
        return () if self.mg == self.most else tuple(care.reference for care in self.running)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(
            f"{part.reference}: {part.dose_problem}"
            for part in self._parts
            if part.daily_mg is None
        )

    @property
    def _parts(self) -> list[Order | Care]:
        return [*self.orders, *self.running]


def _sum(parts: Iterable[Order | Care]) -> float:
    return round(sum(part.daily_mg or 0.0 for part in parts), 3)


def ordered(case: Case) -> tuple[Order, ...]:
    """The drafts of systemic ibuprofen: the patient takes their sum."""
    drafts = ordering.orders(case, OrderKind.NSAID)
    return tuple(order for order in drafts if order.ingredient == NAME and order.systemic)


def total(case: Case) -> Total:
    """Drafts and active systemic ibuprofen; a prescription that a draft replaces is over."""
    orders = ordered(case)
    gone = {draft.reference for order in orders for draft in order.drafts}
    gone = gone.union(*(order.replaces for order in orders))
    taken = [care for care in case.facts.care if _taken(care) and care.reference not in gone]
    named = {care.reference for care in taken} | gone
    # A statement of what a prescription already tells is the same tablets.
    running = tuple(care for care in taken if not care.links & (named - {care.reference}))
    return Total(orders, running)


def _taken(care: Care) -> bool:
    nsaid = care.kind is CareKind.NSAID and care.ongoing and care.systemic
    return nsaid and care.ingredient == NAME
