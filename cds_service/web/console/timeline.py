"""One side of a picture as SVG, drawn on the server.

Colours stand in presentation attributes, so that a saved file keeps them and no inline style
breaks the content policy; the style sheet changes them by class where the screen is dark. Text
from a record enters only as text nodes, which drawsvg escapes, never as an attribute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import drawsvg

from cds_service.web.console import axis, shapes
from cds_service.web.console.picture import Lane, Line, Mark, Picture, Side
from cds_service.web.console.scale import GUTTER, PITCH, RIGHT, WIDTH, Scale, rows_of

LANE_PADDING = 7
SCORES = 60  # height of the lane of one instrument's scores
NOTE = 8  # what a note below the name adds to a lane of one row
LABEL = 15  # height of one row of labels above the lanes
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


def draw(picture: Picture, side: Side, anchors: Mapping[str, str]) -> str:
    """The SVG element. `anchors`: record reference -> id of the element that shows the record."""
    scale = Scale(picture.frame, picture.today)
    labels = list(axis.labels(picture, side, scale))
    top = LABEL * (1 + max(label.row for label in labels)) + 22
    heights = [_height(lane, scale) for lane in side.lanes]
    bottom = top + sum(heights) + SCORES * len(side.lines)
    drawing = drawsvg.Drawing(
        WIDTH,
        bottom + 24,
        id_prefix=side.key,
        class_="timeline",
        font_family=FONT,
        role="group",
        aria_labelledby=f"title-{side.key}",
    )
    drawing.append(_title(side))
    drawing.append(drawsvg.Rectangle(0, 0, WIDTH, bottom + 24, fill="#ffffff", class_="tl-paper"))
    drawing.append(axis.ahead(scale, top, bottom))
    drawing.extend(axis.months(scale, top, bottom))
    y = float(top)
    for lane, height in zip(side.lanes, heights, strict=True):
        drawing.extend(_lane(lane, y, height, scale, anchors))
        y += height
    for number, line in enumerate(side.lines):
        drawing.extend(_scores(line, number, y + SCORES * number, scale, anchors))
    drawing.extend(axis.verticals(labels, top, bottom, scale))
    return str(drawing.as_svg(header=""))


def _title(side: Side) -> drawsvg.DrawingElement:
    return drawsvg.Raw(f'<title id="title-{side.key}">Timeline, {side.title.lower()}</title>')


def _height(lane: Lane, scale: Scale) -> float:
    rows = max(1, len(rows_of(lane.shown, scale)))
    return rows * PITCH + 2 * LANE_PADDING + (NOTE if lane.note and rows == 1 else 0)


def _lane(
    lane: Lane, y: float, height: float, scale: Scale, anchors: Mapping[str, str]
) -> Iterator[drawsvg.DrawingElement]:
    yield drawsvg.Line(0, y, WIDTH - RIGHT, y, stroke="#d5dce0", class_="tl-rule")
    note = "not obtained" if lane.lacking and not lane.shown else lane.note
    yield from shapes.name(lane.name, note, y + LANE_PADDING + PITCH / 2)
    yield from (shapes.band(band, y, height, scale) for band in lane.bands)
    if lane.earlier:
        yield shapes.earlier(lane, y + height / 2)
    elif not lane.shown:
        words = lane.lacking or ("no date" if lane.undated else "none on record")
        yield shapes.quiet(words, GUTTER + 6, y + height / 2)
    for number, row in enumerate(rows_of(lane.shown, scale)):
        middle = y + LANE_PADDING + PITCH * (number + 0.5)
        for item in row:
            parts = (
                shapes.mark(item, middle, scale)
                if isinstance(item, Mark)
                else shapes.bar(item, middle, scale)
            )
            yield shapes.linked(item, anchors, parts)


def _scores(
    line: Line, number: int, y: float, scale: Scale, anchors: Mapping[str, str]
) -> Iterator[drawsvg.DrawingElement]:
    yield drawsvg.Line(0, y, WIDTH - RIGHT, y, stroke="#d5dce0", class_="tl-rule")
    yield from shapes.name(line.name, line.scale, y + 22, sample=number)
    yield from shapes.line(line, number, (y + 20, SCORES - 28), scale, anchors)
