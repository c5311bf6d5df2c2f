"""The five criteria of return to activity (C32-C36), each met, unmet or not recorded."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import Used
from cds_service.patient.facts import Measure, MeasureKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, YES, Answer

RECENT = Parameter(
    name="return-recent-days",
    value=28,
    unit="days",
    source=s.READING,
    place="return-to-activity-checklist (A19)",
    quote="Complete resolution of pain during and after activity",
    reading="an older value says nothing about today",
    safe=(7, 42),
)
ROM_TOLERANCE = Parameter(
    name="return-rom-tolerance",
    value=5,
    unit="degrees",
    source=s.READING,
    place="Return to Activity Criteria (C34, A20)",
    quote="Full range of motion compared to uninjured side",
    reading="goniometer error: a literal 0 would never pass",
    safe=(0, 10),
)
SYMMETRY = Parameter(
    name="return-strength-symmetry",
    value=90,
    unit="% of the other side",
    source=s.ARTICLE,
    place="Return to Activity Criteria (C35, A21)",
    quote="Strength symmetry >90% compared to uninjured side",
    reading="strictly more: 90.0 fails",
    safe=(85, 95),
)
PARAMETERS = (RECENT, ROM_TOLERANCE, SYMMETRY)
#: values against the other side mean nothing when that side is diseased too (A21)
COMPARED = (MeasureKind.ROM_DEFICIT, MeasureKind.STRENGTH)
SHORT = {
    MeasureKind.PAIN_DURING: "pain during",
    MeasureKind.PAIN_AFTER: "pain after",
    MeasureKind.ROM_DEFICIT: "range of motion",
    MeasureKind.STRENGTH: "strength symmetry",
    MeasureKind.FUNCTIONAL_TESTS: "functional tests",
}
KINDS = (
    MeasureKind.PAIN_DURING,
    MeasureKind.PAIN_AFTER,
    MeasureKind.ROM_DEFICIT,
    MeasureKind.STRENGTH,
    MeasureKind.FUNCTIONAL_TESTS,
)


@dataclass(frozen=True, slots=True)
class Check:
    """One criterion: YES met, NO unmet, UNKNOWN not recorded or not evaluable."""

    kind: MeasureKind
    answer: Answer
    words: str
    measure: Measure | None = None
    #: for a summary, which is short: 'range of motion 12 degrees short'
    short: str = ""

    @property
    def used(self) -> tuple[Used, ...]:
        if self.measure is None:
            return ()
        return (Used(self.measure.reference, self.words, str(self.measure.when)),)


def checks(case: Case, side: SideTimeline) -> tuple[Check, ...]:
    return tuple(_check(case, side, kind) for kind in KINDS)


def _check(case: Case, side: SideTimeline, kind: MeasureKind) -> Check:
    if kind in COMPARED and case.timeline.bilateral:
        return Check(kind, UNKNOWN, f"{kind.value}: not evaluable, both sides are diseased")
    latest = side.latest_measure(kind)
    if latest is None:
        return Check(kind, UNKNOWN, f"{kind.value}: not recorded")
    if latest.when.days_until(case.today).at_most(case[RECENT]) is not YES:
        old = f"{kind.value}: not certainly of the last {case[RECENT]:g} days"
        return Check(kind, UNKNOWN, old, latest)
    met, value = Answer.of(_met(case, kind, latest.value)), _value(latest)
    return Check(kind, met, f"{kind.value}: {value}", latest, f"{SHORT[kind]} {value}")


def _met(case: Case, kind: MeasureKind, value: float | bool) -> bool:
    if kind is MeasureKind.ROM_DEFICIT:
        return value <= case[ROM_TOLERANCE]
    if kind is MeasureKind.STRENGTH:
        return value > case[SYMMETRY]
    if kind is MeasureKind.FUNCTIONAL_TESTS:
        return value is True
    return value == 0


def _value(measure: Measure) -> str:
    if measure.kind is MeasureKind.FUNCTIONAL_TESTS:
        return "passed" if measure.value else "not passed"
    units = {MeasureKind.ROM_DEFICIT: " degrees short", MeasureKind.STRENGTH: "%"}
    return f"{measure.value:g}{units.get(measure.kind, '/10')}"


def unmet(found: tuple[Check, ...]) -> tuple[Check, ...]:
    return tuple(check for check in found if check.answer is NO)


def grade(check: Check) -> str:
    """'met', 'unmet' or 'not recorded', for a line of the card."""
    return {YES: "met", NO: "unmet", UNKNOWN: "not known"}[check.answer]
