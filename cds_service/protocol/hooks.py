"""The hooks as HL7 publishes them (CDS Hooks Library): version, and what a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: the version of CDS Hooks whose requests and responses these are; 2.0 clients read them as well
SPECIFICATION = "3.0.0"


@dataclass(frozen=True, slots=True)
class Hook:
    """`version`: of the published definition. `orders`: the call is about orders or a booking.

    `types`: resource types that stand in the context and not in the chart.
    """

    version: str
    orders: bool = False
    types: tuple[str, ...] = ()


HOOKS: Mapping[str, Hook] = {
    "patient-view": Hook("1.0"),
    "encounter-start": Hook("1.0"),
    "order-select": Hook("1.0", orders=True),
    "order-sign": Hook("1.0", orders=True),
    "order-dispatch": Hook("1.1", orders=True),
    "appointment-book": Hook("1.0", orders=True, types=("Appointment",)),
    "encounter-discharge": Hook("1.0"),
    "problem-list-item-create": Hook("0.1.0"),
}
