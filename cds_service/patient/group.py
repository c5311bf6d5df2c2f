"""Records of one injection while they are gathered (guideline G4)."""

from __future__ import annotations

from cds_service.patient.facts import Injection
from cds_service.patient.sides import Laterality
from cds_service.patient.when import NO


class Group:
    """Records of one injection while they are gathered."""

    def __init__(self, record: Injection) -> None:
        self.records = [record]
        self.first = record.when
        self.side = record.side
        self.may_repeat = False
        self.steroid_ordered = False

    def takes(self, record: Injection) -> None:
        self.records.append(record)
        self.side = _common(self.side, record.side)


def _common(one: Laterality, other: Laterality) -> Laterality:
    """The side two records of one injection share; left and both are left."""
    if one is Laterality.UNKNOWN or other is Laterality.UNKNOWN:
        return other if one is Laterality.UNKNOWN else one
    if Laterality.BOTH in (one, other):
        return other if one is Laterality.BOTH else one
    return one if one is other else Laterality.UNKNOWN


def same_side(one: Laterality, other: Laterality) -> bool:
    """Same side, or one of them not stated."""
    return one.covers(other) is not NO or other.covers(one) is not NO
