"""From days to pixels, and which row of a lane a thing goes to so that none hides another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cds_service.web.console.picture import Bar, Frame, Mark, begin, end

WIDTH = 780.0
GUTTER = 164.0  # for the names of the lanes
RIGHT = 16.0
PITCH = 20.0  # height of one row
RADIUS = 8.0  # of a mark


class Scale:
    """The plot's horizontal axis over the days of `frame`."""

    def __init__(self, frame: Frame, today: date) -> None:
        self.frame, self.today = frame, today
        self._days = max(1, (frame.last - frame.first).days)

    def x(self, day: date) -> float:
        """The pixel of a day, kept within the plot."""
        share = (day - self.frame.first).days / self._days
        return round(GUTTER + (WIDTH - GUTTER - RIGHT) * min(1.0, max(0.0, share)), 1)

    @property
    def days(self) -> int:
        return self._days

    def reach(self, item: Mark | Bar) -> tuple[float, float]:
        """First and last pixel of a thing; what goes on reaches the right edge."""
        last = end(item)
        right = self.x(last) if last else WIDTH
        return self.x(begin(item)[0]) - RADIUS, right + RADIUS


def rows_of(items: Sequence[Mark | Bar], scale: Scale) -> list[list[Mark | Bar]]:
    """Each thing in the first row where nothing lies in its way; items in order of time."""
    rows: list[list[Mark | Bar]] = []
    ends: list[float] = []
    for item in items:
        left, right = scale.reach(item)
        free = next((n for n, taken in enumerate(ends) if taken <= left), None)
        if free is None:
            rows.append([item])
            ends.append(right)
        else:
            rows[free].append(item)
            ends[free] = right
    return rows
