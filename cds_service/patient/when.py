"""Dates as intervals, answers as YES, NO or UNKNOWN (guideline G6, G7).

A FHIR date may be `2026`, `2026-03`, `2026-03-02` or a time with a zone. `When.parse` is the one
door; a comparison of intervals that overlap is UNKNOWN, never a guess.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from typing import NoReturn


class Answer(Enum):
    """Three-valued truth. Has no truth value of its own: nobody writes `if answer:`."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    __hash__ = object.__hash__  # Enum's own hashes the name anew each time

    def __bool__(self) -> NoReturn:
        raise TypeError("an Answer is YES, NO or UNKNOWN: compare it with `is`")

    def __and__(self, other: Answer) -> Answer:
        if NO in (self, other):
            return NO
        return UNKNOWN if UNKNOWN in (self, other) else YES

    def __or__(self, other: Answer) -> Answer:
        if YES in (self, other):
            return YES
        return UNKNOWN if UNKNOWN in (self, other) else NO

    def __invert__(self) -> Answer:
        if self is UNKNOWN:
            return UNKNOWN
        return NO if self is YES else YES

    @classmethod
    def of(cls, known: bool) -> Answer:
        return cls.YES if known else cls.NO


YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN


@dataclass(frozen=True, slots=True)
class Days:
    """A number of days known only to lie between `least` and `most`, both included."""

    least: int
    most: int

    def at_least(self, threshold: float) -> Answer:
        return _between(self.least >= threshold, self.most >= threshold)

    def more_than(self, threshold: float) -> Answer:
        return _between(self.least > threshold, self.most > threshold)

    def less_than(self, threshold: float) -> Answer:
        return ~self.at_least(threshold)

    def at_most(self, threshold: float) -> Answer:
        return ~self.more_than(threshold)

    @property
    def exact(self) -> bool:
        return self.least == self.most

    def __str__(self) -> str:
        return str(self.least) if self.exact else f"{self.least} to {self.most}"


def _between(certainly: bool, possibly: bool) -> Answer:
    return YES if certainly else UNKNOWN if possibly else NO


_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(T.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class When:
    """Some day from `earliest` to `latest`, both included, in the facility's time zone."""

    earliest: date
    latest: date
    #: the last day as recorded, where today has cut it off: words must not change with today
    recorded: date | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.earliest > self.latest:
            raise ValueError("earliest lies after latest")

    @classmethod
    def parse(cls, text: str, zone: tzinfo) -> When:
        """A FHIR date, dateTime or instant. Raises ValueError for anything else."""
        found = _DATE.fullmatch(text)
        if not found:
            raise ValueError("not a FHIR date")
        year, month, day, time = found.groups()
        if time:
            moment = datetime.fromisoformat(text)
            try:
                return cls.on((moment.astimezone(zone) if moment.tzinfo else moment).date())
            except OverflowError:
                raise ValueError("a day outside the calendar") from None
        if day:
            return cls.on(date(int(year), int(month), int(day)))
        if month:
            last = calendar.monthrange(int(year), int(month))[1]
            return cls(date(int(year), int(month), 1), date(int(year), int(month), last))
        return cls(date(int(year), 1, 1), date(int(year), 12, 31))

    @classmethod
    def on(cls, day: date) -> When:
        return cls(day, day)

    @property
    def exact(self) -> bool:
        return self.earliest == self.latest

    def days_until(self, other: When | date) -> Days:
        """Calendar days from this day to the other (negative when the other is earlier)."""
        first, last = (other, other) if isinstance(other, date) else (other.earliest, other.latest)
        return Days((first - self.latest).days, (last - self.earliest).days)

    def is_before(self, other: When | date) -> Answer:
        return self.days_until(other).more_than(0)

    def not_after(self, today: date) -> When | None:
        """The part of the interval up to today; None when all of it lies in the future."""
        if self.earliest > today:
            return None
        return self if self.latest <= today else When(self.earliest, today, self.last)

    def plus(self, days: int) -> When:
        step = timedelta(days=days)
        return When(self.earliest + step, self.latest + step)

    def through(self, other: When) -> When:
        """Some day between this one and the other."""
        latest, last = max(self.latest, other.latest), max(self.last, other.last)
        return When(min(self.earliest, other.earliest), latest, last)

    @property
    def last(self) -> date:
        """The last day as recorded."""
        return self.recorded or self.latest

    def __str__(self) -> str:
        first, last = self.earliest, self.last
        if first == last:
            return first.isoformat()
        if (first.month, first.day, last.month, last.day) == (
            1,
            1,
            12,
            31,
        ) and first.year == last.year:
            return str(first.year)
        whole_month = first.day == 1 and last.day == calendar.monthrange(last.year, last.month)[1]
        if whole_month and (first.year, first.month) == (last.year, last.month):
            return f"{first:%Y-%m}"
        return f"{first.isoformat()} to {last.isoformat()}"


def earliest_of(dates: list[When]) -> When | None:
    """The first of several days, itself an interval."""
    if not dates:
        return None
    return When(*(min(ends) for ends in _ends(dates)))


def latest_of(dates: list[When]) -> When | None:
    """The last of several days, itself an interval."""
    if not dates:
        return None
    return When(*(max(ends) for ends in _ends(dates)))


def _ends(dates: list[When]) -> Iterator[tuple[date, ...]]:
    return zip(*((d.earliest, d.latest, d.last) for d in dates), strict=True)
