"""FHIR's ways to say when, as intervals: dateTime, Period, Age, Range of ages, Timing, Instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import Any

from cds_service.fhir.sound import Sound
from cds_service.patient.when import When, earliest_of, latest_of

_UNITS = {"a": "years", "mo": "months", "wk": "weeks", "d": "days"}
FIRST_YEAR, LAST_YEAR = 1850, 2150  # no record of a living patient lies outside
OLDEST = 130  # years: no age is higher
_UNIT_WORDS = {"year": "a", "years": "a", "yr": "a", "yrs": "a", "month": "mo", "months": "mo"}


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`; `end` None: a period without an end. `single`: one point in time."""

    start: When | None
    end: When | None
    single: bool = False


@dataclass(frozen=True, slots=True)
class Dates:
    """Reads dates in the facility's zone; ages need the birth date."""

    zone: tzinfo
    born: When | None = None

    def when(self, text: object) -> When | None:
        """A date, dateTime or instant; None when there is none or it is not a real day."""
        if not isinstance(text, str):
            return None
        try:
            found = When.parse(text, self.zone)
        except ValueError:
            return None
        lived = found.earliest.year >= FIRST_YEAR and found.latest.year <= LAST_YEAR
        return found if lived else None

    def span(self, sound: Sound, *names: str) -> Span | None:
        """The first of these choice elements that is present, such as performed or occurrence."""
        for name in names:
            found = self._choice(sound, name)
            if found is not None:
                return found
        return None

    def _choice(self, sound: Sound, name: str) -> Span | None:
        for kind in ("DateTime", "Instant", "Date"):
            point = self.when(sound.get(f"{name}{kind}"))
            if point:
                return Span(point, point, single=True)
        period = sound.get(f"{name}Period")
        if isinstance(period, Mapping):
            return Span(self.when(period.get("start")), self.when(period.get("end")))
        age = self._at_age(sound.get(f"{name}Age"))
        if age:
            return Span(age, age, single=True)
        return self._age_range(sound.get(f"{name}Range")) or self._timing(
            sound.get(f"{name}Timing")
        )

    def _at_age(self, age: Any) -> When | None:
        """Some day in the year (month, ...) of life the age names."""
        if self.born is None or not isinstance(age, Mapping):
            return None
        value, unit = age.get("value"), age.get("code") or age.get("unit")
        unit = _UNIT_WORDS.get(str(unit).lower(), str(unit))
        if unit not in _UNITS or not isinstance(value, int | float) or not 0 <= value < OLDEST:
            return None
        first = _after(self.born.earliest, value, unit)
        last = _after(self.born.latest, value + 1, unit) - timedelta(days=1)
        return When(first, last)

    def _age_range(self, span: Any) -> Span | None:
        if not isinstance(span, Mapping):
            return None
        low, high = self._at_age(span.get("low")), self._at_age(span.get("high"))
        if low and high and low.earliest <= high.latest:
            point = When(low.earliest, high.latest)
            return Span(point, point, single=True)
        return None

    def _timing(self, timing: Any) -> Span | None:
        """Timing.event, or the bounds of Timing.repeat."""
        if not isinstance(timing, Mapping):
            return None
        listed = timing.get("event")
        events = [self.when(event) for event in (listed if isinstance(listed, list) else [listed])]
        known = [event for event in events if event]
        if known:
            return Span(earliest_of(known), latest_of(known), single=len(known) == 1)
        repeat = timing.get("repeat")
        bounds = repeat.get("boundsPeriod") if isinstance(repeat, Mapping) else None
        if isinstance(bounds, Mapping):
            return Span(self.when(bounds.get("start")), self.when(bounds.get("end")))
        return None


def _after(day: date, value: float, unit: str) -> date:
    """The day `value` units after; years and months by the calendar (29 February: 1 March)."""
    if unit in ("wk", "d"):
        return day + timedelta(days=int(value * (7 if unit == "wk" else 1)))
    months = int(value * 12) if unit == "a" else int(value)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        return date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
