"""The loading clock: conservative days of one side (guideline G11, G13).

Dates are intervals, so the clock is run twice: once with the latest starts, earliest ends and
widest gaps the records allow (the least number of days), once the other way (the most).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cds_service.patient.when import Days, When, latest_of


@dataclass(frozen=True, slots=True)
class Span:
    """A loading record within the episode; `certain` when it surely belongs to side and episode."""

    reference: str
    start: When
    end: When | None
    ongoing: bool
    certain: bool


@dataclass(frozen=True, slots=True)
class Clock:
    """`days` of loading, `started` when, and `idle` days since it ended (0 when going on)."""

    started: When
    days: Days
    idle: Days
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    start: date
    end: date


def clock(spans: Sequence[Span], today: date, gap_days: int) -> Clock | None:
    """The current run of loading; None when no loading certainly took place in the episode."""
    certain = [span for span in spans if span.certain]
    if not certain:
        return None
    late = _last_run([_late(span, today) for span in certain], gap_days)
    early = _last_run([_early(span, today) for span in spans], gap_days)
    days = sorted(max(0, (run.end - run.start).days) for run in (late, early))
    idle = sorted(((today - late.end).days, (today - early.end).days))
    first, last = sorted((late.start, early.start))
    return Clock(
        When(first, last),
        Days(days[0], days[1]),
        Days(idle[0], idle[1]),
        tuple(span.reference for span in certain),
    )


def _late(span: Span, today: date) -> _Run:
    """Latest start, earliest end: of one visit on an unknown day the end may come first."""
    end = today if span.ongoing else (span.end or span.start).earliest
    return _Run(span.start.latest, end)


def _early(span: Span, today: date) -> _Run:
    """Earliest start, latest end; a completed record without an end may have gone on."""
    start = span.start.earliest
    end = today if span.ongoing or span.end is None else min(span.end.latest, today)
    return _Run(start, max(start, end))


def _last_run(runs: list[_Run], gap_days: int) -> _Run:
    """Records less than `gap_days` apart are one run; a longer gap restarts the clock."""
    ordered = sorted(runs, key=lambda run: (run.start, run.end))
    start, end = ordered[0].start, ordered[0].end
    for run in ordered[1:]:
        if (run.start - end).days > gap_days:
            start = run.start
        end = max(end, run.end)
    return _Run(start, end)


def clipped(start: When, episode_start: When | None) -> When:
    """Loading that began before the episode counts from the episode's start."""
    if episode_start is None:
        return start
    return latest_of([start, episode_start]) or start
