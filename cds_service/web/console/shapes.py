"""The parts of a drawn timeline: bars, marks, bands and lines, and what they are told by.

Nothing is told by colour alone: what is possible is hollow and dashed, what is planned is dotted,
injections carry their number, and every part has its words as a title.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import drawsvg

from cds_service.web.console.picture import (
    Band,
    Bar,
    Lane,
    Line,
    Mark,
    Point,
    Spacing,
    Told,
)
from cds_service.web.console.scale import GUTTER, RADIUS, RIGHT, WIDTH, Scale

INK, QUIET, RULE = "#1b2429", "#55636b", "#d5dce0"
TONE, ALARM, SCORE = "#0b5c6b", "#b3261e", ("#5b3a8e", "#8a5300")
PAPER, SOFT = "#ffffff", "#cfe3e7"
FILLS = {Spacing.TOO_SOON: "#f7d4d1", Spacing.PREFERRED: "#fdeccb"}


class Link(drawsvg.DrawingParentElement):  # type: ignore[misc]  # drawsvg has no types
    """An SVG link: reached by keyboard, and works without a script."""

    TAG_NAME = "a"


def name(
    words: str, note: str, y: float, sample: int | None = None
) -> Iterator[drawsvg.DrawingElement]:
    """The name of a lane in the gutter, its note below; `sample` shows how a line is drawn."""
    yield drawsvg.Text(words, 13, 8, y, fill=INK, dominant_baseline="middle", class_="tl-ink")
    if note:
        yield quiet(note, 8, y + 15)
    if sample is not None:
        yield _stroke([(116, y), (156, y)], sample)
        yield _dot(136, y, sample)


def quiet(words: str, x: float, y: float) -> drawsvg.DrawingElement:
    return drawsvg.Text(words, 11, x, y, fill=QUIET, dominant_baseline="middle", class_="tl-quiet")


def earlier(lane: Lane, y: float) -> drawsvg.DrawingElement:
    """What lies before the first day, as a count that tells its records."""
    part = focusable(_listed(lane.earlier))
    part.append(quiet(f"◂ {len(lane.earlier)} earlier", GUTTER + 4, y))
    return part


def linked(
    item: Told, anchors: Mapping[str, str], parts: Iterable[drawsvg.DrawingElement]
) -> drawsvg.DrawingElement:
    """`parts` as a link to the item's record, or as a part of the picture where none is shown."""
    shown = next((anchors[name] for name in item.references if name in anchors), None)
    group = Link(href=f"#{shown}", class_="item") if shown else focusable()
    group.append_title(told(item))
    group.children.extend(parts)
    return group


def told(item: Told) -> str:
    """What a pointer or a screen reader is told: dates, words, records, doubts."""
    dates = getattr(item, "dates", "no date")
    records = f" ({', '.join(item.references)})" if item.references else ""
    doubts = f" - possible only: {'; '.join(item.doubts)}" if item.doubts else ""
    limit = " - beyond the limit" if isinstance(item, Mark) and item.beyond else ""
    return f"{dates}: {item.words}{records}{doubts}{limit}"


def bar(item: Bar, y: float, scale: Scale) -> Iterator[drawsvg.DrawingElement]:
    """Solid where it certainly went on, hollow where dates or record leave it open.

    What goes on is solid up to today, with a line ahead.
    """
    first, sure = scale.x(item.start.earliest), scale.x(item.start.latest)
    last = until = scale.x(scale.today)
    if item.end is None:
        ahead = WIDTH - RIGHT
        yield drawsvg.Line(
            last, y, ahead, y, stroke=TONE, stroke_dasharray="2 4", class_="tl-tone-line"
        )
    else:
        last, until = scale.x(item.end.latest), scale.x(item.end.earliest)
    look = {"stroke": TONE, "class_": "tl-tone", "rx": 3}
    dashes = "none" if item.certain else "4 3"
    yield drawsvg.Rectangle(
        first, y - 6, max(4, last - first), 12, fill=PAPER, **look, stroke_dasharray=dashes
    )
    if item.certain and until >= sure:
        look["class_"] = "tl-tone-solid"
        yield drawsvg.Rectangle(sure, y - 6, max(4, until - sure), 12, fill=TONE, **look)


def mark(item: Mark, y: float, scale: Scale) -> Iterator[drawsvg.DrawingElement]:
    """A disc on its day; an imprecise date is a bar over all the days it may be."""
    left, right = scale.x(item.when.earliest), scale.x(item.when.latest)
    tone, kind = (ALARM, "tl-alarm") if item.beyond else (TONE, "tl-tone")
    solid = item.certain and not item.planned
    dashes = "1.5 2.5" if item.planned else "none" if solid else "4 3"
    if not item.when.exact:
        yield drawsvg.Rectangle(
            left,
            y - 5,
            max(6, right - left),
            10,
            rx=4,
            fill=SOFT if solid else PAPER,
            stroke=tone,
            stroke_dasharray=dashes,
            class_=f"{kind}-soft" if solid else kind,
        )
        if item.number is None:
            return
    x = (left + right) / 2
    yield drawsvg.Circle(
        x,
        y,
        RADIUS,
        fill=tone if solid else PAPER,
        stroke=tone,
        stroke_width=1.6,
        stroke_dasharray=dashes,
        class_=f"{kind}-solid" if solid else kind,
    )
    if item.number is not None:
        middle = {"text_anchor": "middle", "dominant_baseline": "central", "fill": PAPER}
        yield drawsvg.Text(str(item.number), 11, x, y, **middle, class_="tl-number")


def band(one: Band, y: float, height: float, scale: Scale) -> drawsvg.DrawingElement:
    """The days after an injection, behind the marks."""
    left = scale.x(one.first)
    right = scale.x(one.last + timedelta(days=1))
    part = focusable(f"{one.dates}: {one.words}")
    part.append(
        drawsvg.Rectangle(
            left,
            y + 1,
            max(0, right - left),
            height - 2,
            fill=FILLS[one.spacing],
            class_=f"tl-band {one.spacing.name.lower().replace('_', '-')}",
        )
    )
    return part


def line(
    one: Line, style: int, band: tuple[float, float], scale: Scale, anchors: Mapping[str, str]
) -> Iterator[drawsvg.DrawingElement]:
    """The scores of one instrument, joined in order of time; `band` is its top and height."""
    top, height = band
    places = [(_middle(point, scale), top + height * (1 - point.share)) for point in one.points]
    if len(places) > 1:
        yield _stroke(places, style)
    for point, (x, at) in zip(one.points, places, strict=True):
        parts = [_dot(x, at, style), quiet(f"{point.value:g}", x + 8, at - 8)]
        if not point.when.exact:
            left, right = scale.x(point.when.earliest), scale.x(point.when.latest)
            look = {"stroke": SCORE[style], "stroke_width": 4, "class_": f"tl-score-{style}"}
            parts.insert(0, drawsvg.Line(left, at, right, at, **look))
        yield linked(point, anchors, parts)


def focusable(title: str = "") -> drawsvg.DrawingElement:
    group = drawsvg.Group(class_="item", role="img", tabindex="0")
    if title:
        group.append_title(title)
    return group


def _listed(items: Iterable[Told]) -> str:
    return "; ".join(told(item) for item in items)


def _middle(point: Point, scale: Scale) -> float:
    return (scale.x(point.when.earliest) + scale.x(point.when.latest)) / 2


def _stroke(places: list[tuple[float, float]], style: int) -> drawsvg.DrawingElement:
    flat = [value for place in places for value in place]
    dashes = ("none", "6 3")[style]
    return drawsvg.Lines(
        *flat,
        fill="none",
        stroke=SCORE[style],
        stroke_width=2,
        stroke_dasharray=dashes,
        class_=f"tl-score-{style}",
    )


def _dot(x: float, y: float, style: int) -> drawsvg.DrawingElement:
    """Instruments differ by shape too: a disc, a square."""
    look = {"fill": SCORE[style], "class_": f"tl-dot-{style}"}
    if style == 0:
        return drawsvg.Circle(x, y, 4, **look)
    return drawsvg.Rectangle(x - 4, y - 4, 8, 8, **look)
