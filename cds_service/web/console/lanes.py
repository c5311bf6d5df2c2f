"""What a case holds, laid out as lanes: one for each kind of thing, in the order of the guideline.

Only what the rules see of a side is shown. Nothing is judged here: what is certain, possible,
missing or of the other side was decided when the record was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from cds_service.guideline.case import Case
from cds_service.patient.facts import (
    Care,
    CareKind,
    Given,
    Instrument,
    OrderKind,
    Referral,
    Score,
    Specialty,
)
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import UNKNOWN, YES, When
from cds_service.web.console import diagnosed, injected
from cds_service.web.console.ahead import thresholds
from cds_service.web.console.picture import (
    Bar,
    Frame,
    Lane,
    Line,
    Mark,
    Picture,
    Point,
    Side,
    Told,
    end,
)

MARGIN = timedelta(days=14)  # before the first day and after the last one
OUTLOOK = timedelta(days=60)  # shown after today, where no threshold lies further ahead


@dataclass(frozen=True, slots=True)
class _Kind:
    """A lane of care: its name, what is on it, and the resource types it is read from."""

    name: str
    kinds: tuple[CareKind, ...]
    read_from: tuple[str, ...]
    orders: tuple[OrderKind, ...] = ()


_MEDICATION = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")
_LOADING = _Kind("Loading", (CareKind.LOADING, CareKind.UNSPECIFIED), ("Procedure", "CarePlan"))
_BEFORE_INJECTIONS: tuple[_Kind, ...] = (
    _LOADING,
    _Kind("Load management", (CareKind.LOAD_MANAGEMENT,), ("Procedure", "CarePlan")),
    _Kind("Passive care", (CareKind.PASSIVE,), ("Procedure", "CarePlan")),
    _Kind("NSAIDs", (CareKind.NSAID,), _MEDICATION, (OrderKind.NSAID,)),
    _Kind("Shockwave", (CareKind.SHOCKWAVE,), ("Procedure",), (OrderKind.SHOCKWAVE,)),
    _Kind(
        "Plasma, whole blood",
        (CareKind.PRP, CareKind.WHOLE_BLOOD),
        ("Procedure",),
        (OrderKind.PRP, OrderKind.WHOLE_BLOOD),
    ),
)
_SURGERY = _Kind("Surgery", (CareKind.SURGERY,), ("Procedure",))
SCALES: dict[Instrument, tuple[str, float]] = {
    Instrument.VISA_H: ("0 to 100, higher is better", 100),
    Instrument.PAIN: ("0 to 10, lower is better", 10),
}


def picture(case: Case, frame: Frame | None = None) -> Picture:
    """All sides with a current episode, over the same days.

    `frame` keeps those of before, while today and what is planned lie on them.
    """
    sides = {side.side.value: side for side in case.sides}
    ahead = {key: thresholds(case, side) for key, side in sides.items()}
    lanes = {key: tuple(_lanes(case, side)) for key, side in sides.items()}
    planned = [day for some in lanes.values() for lane in some for day in _planned(lane)]
    if frame is None or not frame.holds(case.today, max([case.today, *planned])):
        days = [one.when.latest for some in ahead.values() for one in some]
        frame = _frame(case, [*days, *planned])
    return Picture(
        today=case.today,
        frame=frame,
        sides=tuple(
            Side(
                key=key,
                title=f"{side.side.words.capitalize()} side" if side.side.words else "Side unknown",
                state=tuple(_state(side)),
                lanes=tuple(_within(lane, frame) for lane in lanes[key]),
                lines=tuple(_lines(side)),
                thresholds=ahead[key],
            )
            for key, side in sides.items()
        ),
    )


def _planned(lane: Lane) -> Iterator[date]:
    yield from (mark.when.latest for mark in lane.marks if mark.planned)


def _frame(case: Case, ahead: list[date]) -> Frame:
    starts = [side.episode.start.earliest for side in case.sides if side.episode.start]
    first = min((*starts, case.today))
    return Frame(first - MARGIN, max(*ahead, case.today + OUTLOOK, first) + MARGIN)


def _state(side: SideTimeline) -> Iterator[str]:
    """Where the side stands, in sentences."""
    start = side.episode.start
    yield f"The episode began {start}." if start else "When the episode began is not recorded."
    if side.episode.active is UNKNOWN:
        yield "Whether it is still active is not known."
    if side.clock is None:
        unsure = side.loading or side.unspecified_physiotherapy
        yield f"No {'certain ' if unsure else ''}loading is on record."
    else:
        since = f"{side.clock.days} days of loading, since {side.clock.started}"
        idle = side.clock.idle
        yield f"{since}; ended {idle} days ago." if idle.most else f"{since}, going on."


def _lanes(case: Case, side: SideTimeline) -> Iterator[Lane]:
    yield diagnosed.lane(side)
    for kind in _BEFORE_INJECTIONS:
        yield _care_lane(case, side, kind)
    lacking = _lacking(case.facts.missing, ("Procedure", *_MEDICATION))
    yield replace(injected.lane(case, side), lacking=lacking)
    yield _referrals(case, side)
    yield _care_lane(case, side, _SURGERY)


def _care_lane(case: Case, side: SideTimeline, kind: _Kind) -> Lane:
    records = side.surgery if kind is _SURGERY else side.care(*kind.kinds)
    marks, bars, undated = [], [], []
    for care in records:
        told = _told(side, care)
        if care.start is None:
            undated.append(told)
        elif care.ongoing or (care.end and care.end != care.start):
            end_ = None if care.ongoing else care.end
            bars.append(_bar(told, care.start, end_))
        else:
            marks.append(_mark(told, care.start))
    return Lane(
        name=kind.name,
        lacking=_lacking(case.facts.missing, kind.read_from),
        marks=(*marks, *injected.drafts(case, side, *kind.orders)),
        bars=tuple(bars),
        undated=tuple(undated),
    )


def _told(side: SideTimeline, care: Care) -> Told:
    return Told(words=care.label, references=(care.reference,), doubts=tuple(_doubts(side, care)))


def _doubts(side: SideTimeline, care: Care) -> Iterator[str]:
    """Why the care is only possibly what its lane says."""
    if care.kind is CareKind.UNSPECIFIED:
        yield "the record does not say that it was loading"
    if care.given is not Given.DONE:
        yield care.given.value
    if care.unclear or care.other_indication:
        yield "perhaps not for the hamstring"
    if side.concerns(care.side) is not YES:
        yield "the record does not say which side"


def _bar(told: Told, start: When, last: When | None) -> Bar:
    return Bar(
        words=told.words, references=told.references, doubts=told.doubts, start=start, end=last
    )


def _mark(told: Told, when: When) -> Mark:
    return Mark(words=told.words, references=told.references, doubts=told.doubts, when=when)


def _referrals(case: Case, side: SideTimeline) -> Lane:
    marks, undated = [], []
    for specialty in Specialty:
        for one in side.referrals(specialty):
            told = Told(words=_referral(one), references=(one.reference,), doubts=_for_pht(one))
            if one.when is None:
                undated.append(told)
            else:
                marks.append(_mark(told, one.when))
    return Lane(
        name="Referrals",
        lacking=_lacking(case.facts.missing, ("ServiceRequest",)),
        marks=tuple(marks),
        undated=tuple(undated),
    )


def _referral(one: Referral) -> str:
    return f"{one.label} ({one.specialty.value}), {one.status}"


def _for_pht(one: Referral) -> tuple[str, ...]:
    return () if one.concerns_pht is YES else ("the record does not say that it is for PHT",)


def _lacking(missing: Mapping[str, str], kinds: tuple[str, ...]) -> str:
    unseen = [kind for kind in kinds if kind in missing]
    return f"{', '.join(unseen)} could not be obtained" if unseen else ""


def _lines(side: SideTimeline) -> Iterator[Line]:
    for instrument, (scale, top) in SCALES.items():
        scores = [score for score in side.scores if score.instrument is instrument]
        points = [_point(score, top) for score in sorted(scores, key=_by_day)]
        if points:
            yield Line(instrument.value, scale, tuple(points))


def _by_day(score: Score) -> tuple[date, date, str]:
    return score.when.latest, score.when.earliest, score.instant


def _point(score: Score, top: float) -> Point:
    return Point(
        words=f"{score.instrument.value} {score.value:g}",
        references=(score.reference,),
        when=score.when,
        value=score.value,
        share=min(1.0, max(0.0, score.value / top)),
    )


def _within(lane: Lane, frame: Frame) -> Lane:
    """What ended before the first day goes from the line to `earlier`."""
    past = {id(one) for one in lane.shown if (last := end(one)) and last < frame.first}
    return replace(
        lane,
        marks=tuple(one for one in lane.marks if id(one) not in past),
        bars=tuple(one for one in lane.bars if id(one) not in past),
        bands=tuple(
            one for one in lane.bands if one.last >= frame.first and one.first <= frame.last
        ),
        earlier=tuple(one for one in lane.shown if id(one) in past),
    )
