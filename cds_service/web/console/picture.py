"""The timeline as data: what is drawn, and told in text, of each side of a patient.

A side has lanes; a lane has marks (one day), bars (a time) and bands (what an interval asks for).
Every date is an interval. The days that lie ahead are thresholds, taken from the guideline's
parameters as the site has set them. `lanes` fills these shapes, `timeline` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from cds_service.patient.when import When


@dataclass(frozen=True, slots=True)
class Frame:
    """The days that are shown, both included."""

    first: date
    last: date

    def holds(self, *days: date) -> bool:
        return all(self.first <= day <= self.last for day in days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the record tells: plain words, and the records it stands in (the first one leads)."""

    words: str
    references: tuple[str, ...] = ()
    #: why it is only possible; empty when certain
    doubts: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        return not self.doubts


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Told):
    """Something of one day, or of some day within `when`.

    `number`: place in the count that has a limit; `beyond`: passes the limit.
    """

    when: When
    number: int | None = None
    beyond: bool = False
    #: ordered, or about to be; not given
    planned: bool = False

    @property
    def dates(self) -> str:
        return str(self.when)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar(Told):
    """Something that took a time. `end` is None while it goes on."""

    start: When
    end: When | None

    @property
    def dates(self) -> str:
        return f"{self.start}, going on" if self.end is None else f"{self.start} to {self.end}"


class Spacing(Enum):
    TOO_SOON = "too soon"
    PREFERRED = "interval asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Days after an injection, `last` included, on which the next is too soon or asked about."""

    spacing: Spacing
    first: date
    last: date
    words: str

    @property
    def dates(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One kind of thing. `note` stands under the name; `lacking` says why records may be missing.

    `earlier` happened before the first day shown; `undated` has no place on it.
    """

    name: str
    note: str = ""
    lacking: str = ""
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()
    bands: tuple[Band, ...] = ()
    earlier: tuple[Mark | Bar, ...] = ()
    undated: tuple[Told, ...] = ()

    @property
    def shown(self) -> tuple[Mark | Bar, ...]:
        """All that has a place on the line, in the order of time."""
        return tuple(sorted((*self.bars, *self.marks), key=begin))


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(Told):
    """One score. `share` is its height: 0 the bottom of its scale, 1 the top."""

    when: When
    value: float
    share: float

    @property
    def dates(self) -> str:
        return str(self.when)


@dataclass(frozen=True, slots=True)
class Line:
    """The scores of one instrument in order of time; `scale` such as '0-100, higher is better'."""

    name: str
    scale: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A day on which a rule begins to speak. `days` is the parameter's value here."""

    parameter: str
    days: float
    when: When
    words: str
    set_by_site: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side. `title` such as 'Left side'; `state` one sentence a line."""

    key: str
    title: str
    state: tuple[str, ...]
    lanes: tuple[Lane, ...]
    lines: tuple[Line, ...]
    thresholds: tuple[Threshold, ...]

    @property
    def told(self) -> tuple[Told, ...]:
        """Every record shown, lane by lane."""
        on_lanes = (o for lane in self.lanes for o in (*lane.earlier, *lane.shown, *lane.undated))
        return (*on_lanes, *(point for line in self.lines for point in line.points))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`frame` holds today."""

    today: date
    frame: Frame
    sides: tuple[Side, ...]


def begin(item: Mark | Bar) -> tuple[date, date]:
    """The interval in which it begins."""
    start = item.start if isinstance(item, Bar) else item.when
    return start.earliest, start.latest


def end(item: Mark | Bar) -> date | None:
    """The last day it may have reached; None while it goes on."""
    if isinstance(item, Mark):
        return item.when.latest
    return item.end.latest if item.end else None
