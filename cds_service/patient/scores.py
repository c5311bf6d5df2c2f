"""Improvement between a baseline and the latest score (guideline G14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cds_service.patient.facts import Instrument, Score
from cds_service.patient.when import UNKNOWN, YES, Answer, When


@dataclass(frozen=True, slots=True)
class Improvement:
    """`answer`: YES improved, NO minimal change, UNKNOWN not enough scores."""

    answer: Answer
    words: str
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What counts as a change (points, days; fractions of the baseline)."""

    visa_h_points: float
    pain_points: float
    pain_fraction: float
    baseline_days: float
    latest_days: float


def improvement(
    scores: Sequence[Score], loading_start: When | None, today: date, change: Change
) -> Improvement:
    """Best answer over both instruments: improved on either one is improved."""
    found = [
        _one_instrument([s for s in scores if s.instrument is kind], loading_start, today, change)
        for kind in Instrument
    ]
    judged = [one for one in found if one.answer is not UNKNOWN]
    if not judged:
        return Improvement(UNKNOWN, _why_unknown(scores))
    improved = any(one.answer is YES for one in judged)
    words = "; ".join(one.words for one in judged)
    used = tuple(score for one in judged for score in one.scores)
    return Improvement(Answer.of(improved), words, used)


def _why_unknown(scores: Sequence[Score]) -> str:
    return "no pair of scores to compare" if scores else "no VISA-H or pain score on record"


def _one_instrument(
    scores: list[Score], start: When | None, today: date, change: Change
) -> Improvement:
    dated = sorted((s for s in scores if s.when.exact), key=_by_time)
    recent = [s for s in dated if s.when.days_until(today).at_most(change.latest_days) is YES]
    baseline = _baseline(dated, start, change.baseline_days)
    if not recent or baseline is None or baseline.when == recent[-1].when:
        return Improvement(UNKNOWN, "")
    latest = recent[-1]
    answer = Answer.of(_improved(baseline, latest, change))
    words = (
        f"{latest.instrument.value} {baseline.value:g} on {baseline.when}"
        f" to {latest.value:g} on {latest.when}"
    )
    return Improvement(answer, words, (baseline, latest))


def _baseline(dated: list[Score], start: When | None, within: float) -> Score | None:
    """The score nearest the start of loading (within so many days), else the first."""
    if not dated:
        return None
    if start is None or not start.exact:
        return dated[0]
    nearest = min(dated, key=lambda score: abs(score.when.days_until(start).least))
    close = abs(nearest.when.days_until(start).least) <= within
    return nearest if close else dated[0]


def _improved(baseline: Score, latest: Score, change: Change) -> bool:
    # Rounded: 7 to 4.9 is a fall of exactly 30%, which binary fractions miss.
    if baseline.instrument is Instrument.VISA_H:
        return round(latest.value - baseline.value, 6) >= change.visa_h_points
    fall = round(baseline.value - latest.value, 6)
    enough = round(change.pain_fraction * baseline.value, 6)
    return fall >= change.pain_points and fall >= enough


def _by_time(score: Score) -> tuple[date, str, float, str]:
    """By day, then by time; on one day without times the worse value is the later one."""
    worse = -score.value if score.instrument is Instrument.VISA_H else score.value
    return score.when.earliest, score.instant, worse, score.reference
