"""Findings that question the diagnosis: the card's, and the gate on every pathway card."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cds_service.guideline import conventions as c
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import Used
from cds_service.patient.episode import seen_within
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
    found = [
        flag
        for flag in case.facts.flags
        if stands(case, flag) is not NO and _on_some_side(case, flag)
    ]
    return sorted(found, key=lambda flag: (flag.kind not in CRITICAL, flag.reference))


def stands(case: Case, flag: Flag) -> Answer:
    """An old observation no longer questions the diagnosis, nor does an old visit's diagnosis."""
    if flag.observed and flag.when:
        return flag.when.days_until(case.today).at_most(case[OBSERVED])
    return current(case, flag)


def current(case: Case, flag: Flag) -> Answer:
    """A visit's diagnosis without a clinical status is active as long as one of PHT is (G3)."""
    if not flag.visited:
        return YES
    return seen_within(case.whole(c.ENCOUNTER_DIAGNOSIS), flag.recorded, flag.when, case.today)


def _on_some_side(case: Case, flag: Flag) -> bool:
    sides = [
        side
        for side in case.sides
        if flag.kind not in SIDED
        or NOT_STATED in (flag.side, side.side)
        or flag.side.covers(side.side) is not NO
    ]
    if flag.kind in REPAIRED:
        sides = [side for side in sides if not side.surgery]
    return bool(sides)


def facts(flags: Iterable[Flag], holds: Callable[[Flag], Answer]) -> tuple[Used, ...]:
    """Those that do, or may, hold today."""
    answers = ((flag, holds(flag)) for flag in flags)
    return tuple(_used(flag, answer is YES) for flag, answer in answers if answer is not NO)


def _used(flag: Flag, sure: bool) -> Used:
    doubts = () if sure else ("its date does not say that it still stands",)
    when = str(flag.when or "")
    return Used(flag.reference, flag.label, when, sure, doubts, flag.recognised_by)


def under_age(case: Case) -> Answer:
    """Younger than the source's population; NO without a birth date (only positive findings)."""
    ages = case.facts.patient.age(case.today)
    return Days(*ages).less_than(case[c.MINIMUM_AGE]) if ages else NO
