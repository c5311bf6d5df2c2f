"""Findings that question the diagnosis: the card's, and the gate on every pathway card."""

from __future__ import annotations

from cds_service.guideline import conventions as c
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import Used
from cds_service.patient.facts import Flag, FlagKind
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import NO, YES, Answer, Days

OBSERVED = Parameter(
    name="red-flag-observed-days",
    value=365,
    unit="days",
    source=s.READING,
    place="red-flag-differential",
    quote="",
    reading="an older observation no longer questions the diagnosis",
    safe=(90, 730),
)
CRITICAL = (FlagKind.AVULSION, FlagKind.AVULSION_FRACTURE, FlagKind.CAUDA_EQUINA)
#: findings of one side: one that names the other side does not count
SIDED = (
    FlagKind.AVULSION,
    FlagKind.AVULSION_FRACTURE,
    FlagKind.TEAR,
    FlagKind.ACUTE_POP,
    FlagKind.BONE_STRESS,
)
#: repaired by surgery on that side
REPAIRED = (FlagKind.AVULSION, FlagKind.AVULSION_FRACTURE, FlagKind.ACUTE_POP)
#: point to the spine, not to the hamstring
SPINAL = (FlagKind.CAUDA_EQUINA, FlagKind.NEURO_DEFICIT)


def standing(case: Case) -> list[Flag]:
    """The findings that count today, in a fixed order."""
    found = [flag for flag in case.facts.flags if _counts(case, flag)]
    return sorted(found, key=lambda flag: (flag.kind not in CRITICAL, flag.reference))


def _counts(case: Case, flag: Flag) -> bool:
    sides = [
        side
        for side in case.sides
        if flag.kind not in SIDED
        or NOT_STATED in (flag.side, side.side)
        or flag.side.covers(side.side) is not NO
    ]
    age = flag.when.days_until(case.today) if flag.observed and flag.when else None
    if age is not None and age.more_than(case[OBSERVED]) is YES:
        return False
    if flag.kind in REPAIRED:
        sides = [side for side in sides if not side.surgery]
    return bool(sides)


def used(flag: Flag) -> Used:
    return Used(flag.reference, flag.label, str(flag.when or ""), recognised_by=flag.recognised_by)


def under_age(case: Case) -> Answer:
    """Younger than the source's population; NO without a birth date (only positive findings)."""
    ages = case.facts.patient.age(case.today)
    return Days(*ages).less_than(case[c.MINIMUM_AGE]) if ages else NO
