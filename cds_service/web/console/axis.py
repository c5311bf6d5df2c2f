"""What lies across all lanes: the months, today, and the days on which rules begin to speak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import drawsvg

from cds_service.web.console.picture import Picture, Side, Threshold
from cds_service.web.console.scale import RIGHT, WIDTH, Scale
from cds_service.web.console.shapes import ALARM, QUIET, RULE, focusable, quiet

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
STEPS = (1, 2, 3, 6, 12, 24, 60, 120)  # months between two names
MOST_NAMES = 12
DAYS_OF_MONTH = 30.4
LABEL_WIDTH = 62.0
LETTER = 6.2  # width of one in the name of a month


@dataclass(frozen=True, slots=True)
class Label:
    """A day written above the lanes; `threshold` is None for today."""

    day: date
    words: str
    row: int
    threshold: Threshold | None = None


def labels(picture: Picture, side: Side, scale: Scale) -> Iterator[Label]:
    """Today, then the days ahead, each in the first row where it has room."""
    ends: list[float] = []
    wanted: list[tuple[date, str, Threshold | None]] = [(picture.today, "today", None)]
    wanted += [(one.when.earliest, f"day {one.days:g}", one) for one in side.thresholds]
    for day, words, threshold in sorted(wanted, key=lambda one: one[0]):
        if scale.frame.holds(day):
            left = scale.x(day) - LABEL_WIDTH / 2
            row = next((n for n, taken in enumerate(ends) if taken <= left), len(ends))
            ends[row : row + 1] = [left + LABEL_WIDTH]
            yield Label(day, words, row, threshold)


def months(scale: Scale, top: float, bottom: float) -> Iterator[drawsvg.DrawingElement]:
    """Lines at the first of months, with as many names as there is room for."""
    fits = (n for n in STEPS if scale.days / DAYS_OF_MONTH / n <= MOST_NAMES)
    step = next(fits, STEPS[-1])
    year, month = scale.frame.first.year, 1
    while (day := date(year, month, 1)) <= scale.frame.last:
        if day >= scale.frame.first:
            x = scale.x(day)
            yield drawsvg.Line(x, top, x, bottom, stroke=RULE, class_="tl-rule")
            name = f"{MONTHS[month - 1]} {year}" if month == 1 else MONTHS[month - 1]
            if x + 3 + LETTER * len(name) < WIDTH:
                yield quiet(name, x + 3, bottom + 15)
        year, month = year + (month + step - 1) // 12, (month + step - 1) % 12 + 1


def ahead(scale: Scale, top: float, bottom: float) -> drawsvg.DrawingElement:
    """A wash over the days after today."""
    x = scale.x(scale.today)
    width = WIDTH - RIGHT - x
    return drawsvg.Rectangle(
        x, top, width, bottom - top, fill=QUIET, opacity=0.07, class_="tl-quiet-wash"
    )


def verticals(
    above: Iterable[Label], top: float, bottom: float, scale: Scale
) -> Iterator[drawsvg.DrawingElement]:
    """Today and the days ahead, over everything."""
    for one in above:
        x, y = scale.x(one.day), top - 14 - 15 * one.row
        alarm = one.threshold is None
        colour, kind = (ALARM, "tl-alarm") if alarm else (QUIET, "tl-quiet")
        part = focusable(_of_label(one))
        if one.threshold and not one.threshold.when.exact:
            right = scale.x(one.threshold.when.latest)
            part.append(
                drawsvg.Rectangle(
                    x, top, right - x, bottom - top, fill=QUIET, opacity=0.12, class_=f"{kind}-wash"
                )
            )
        dashes = "none" if alarm else "5 4"
        part.append(
            drawsvg.Line(x, y + 6, x, bottom, stroke=colour, stroke_dasharray=dashes, class_=kind)
        )
        part.append(
            drawsvg.Text(
                one.words, 12, x, y, text_anchor="middle", fill=colour, class_=f"{kind}-text"
            )
        )
        yield part


def _of_label(one: Label) -> str:
    if one.threshold is None:
        return f"today, {one.day.isoformat()}"
    here = " (set by this site)" if one.threshold.set_by_site else ""
    return f"{one.words}{here}, {one.threshold.when}: {one.threshold.words}"
