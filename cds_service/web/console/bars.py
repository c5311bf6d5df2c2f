"""What became of the cards as bars, drawn on the server: a row for each part of a breakdown.

Nothing is told by colour alone: what was accepted is solid, what was overridden hollow, what was
ignored pale; the numbers stand beside each bar, and every bar has its words as a title. Colours
are presentation attributes, as in `timeline`. Keys are written as text nodes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import drawsvg

from cds_service.ledger.measures import MEASURES
from cds_service.ledger.reports import ANSWERS, Line, Report
from cds_service.ledger.small_numbers import Told
from cds_service.web.console.scale import RIGHT, WIDTH
from cds_service.web.console.shapes import ALARM, INK, PAPER, SOFT, TONE, focusable, quiet
from cds_service.web.console.timeline import FONT

NAMES = 230.0  # for the names of the rows
NUMBERS = 150.0  # and for the numbers beside the bars
PITCH = 26.0
HEIGHT = 14.0
LOOKS: dict[str, dict[str, Any]] = {
    "accepted": {"fill": TONE, "stroke": TONE, "class_": "tl-tone-solid"},
    "overridden": {"fill": PAPER, "stroke": ALARM, "class_": "tl-alarm"},
    "ignored": {"fill": SOFT, "stroke": TONE, "class_": "tl-tone-soft"},
}


def draw(report: Report, measures: tuple[str, ...], names: Mapping[str, str], title: str) -> str:
    """The SVG element. `measures` make up a bar; `names`: words for a key, where it has some."""
    height = PITCH * len(report.lines) + 16
    key = report.by.value if report.by else "all"
    drawing = drawsvg.Drawing(
        WIDTH,
        height,
        id_prefix=f"bars-{key}",
        class_="timeline bars",
        font_family=FONT,
        role="group",
        aria_labelledby=f"bars-title-{key}",
    )
    drawing.append(drawsvg.Raw(f'<title id="bars-title-{key}">{title}</title>'))
    drawing.append(drawsvg.Rectangle(0, 0, WIDTH, height, fill=PAPER, class_="tl-paper"))
    per_card = _per_card(report, measures)
    for place, line in enumerate(report.lines):
        y = PITCH * (place + 0.5) + 8
        words = ", ".join(names.get(part, part) for part in line.key if part)
        row = focusable(f"{words}: {told(report, line, measures)}")
        row.append(_name(words, y))
        parts = list(_parts(line, measures, y, per_card))
        row.children.extend(parts)
        end = max((part.args["x"] + part.args["width"] for part in parts), default=NAMES)
        row.append(quiet(_numbers(report, line, measures), end + 8, y))
        drawing.append(row)
    return str(drawing.as_svg(header=""))


def _per_card(report: Report, measures: tuple[str, ...]) -> float:
    """The pixels of one card, so that the longest bar leaves room for its numbers."""
    whole = "shown" if measures == ANSWERS else measures[0]
    longest = max((_number(line.counts.get(whole)) for line in report.lines), default=0)
    return (WIDTH - RIGHT - NAMES - NUMBERS) / max(1, longest)


def _name(words: str, y: float) -> drawsvg.DrawingElement:
    look = {"fill": INK, "dominant_baseline": "middle", "class_": "tl-ink"}
    return drawsvg.Text(_short(words), 13, 8, y, **look)


def _parts(
    line: Line, measures: tuple[str, ...], y: float, per_card: float
) -> Iterator[drawsvg.DrawingElement]:
    """The bar's parts; one dashed bar where the whole is told and a part is not."""
    counts = [line.counts.get(name) for name in measures]
    if not all(isinstance(count, int) for count in counts):
        if whole := _number(line.counts.get("shown")):
            look = {"fill": PAPER, "stroke": TONE, "class_": "tl-tone", "stroke_dasharray": "4 3"}
            yield drawsvg.Rectangle(NAMES, y - HEIGHT / 2, whole * per_card, HEIGHT, **look)
        return
    x = NAMES
    for name, count in zip(measures, counts, strict=True):
        width = _number(count) * per_card
        if width:
            yield drawsvg.Rectangle(x, y - HEIGHT / 2, width, HEIGHT, **LOOKS[name])
        x += width


def told(report: Report, line: Line, measures: tuple[str, ...]) -> str:
    """'40 shown: 10 accepted, 20 overridden, 10 ignored'."""
    parts = [
        f"{report.words(line.counts.get(name)) or 'not told'} {MEASURES[name].title.lower()}"
        for name in measures
    ]
    if measures != ANSWERS:
        return ", ".join(parts)
    return f"{report.words(line.counts.get('shown')) or 'not told'} shown: {', '.join(parts)}"


def _numbers(report: Report, line: Line, measures: tuple[str, ...]) -> str:
    """'40: 10 / 20 / 10'."""
    parts = [report.words(line.counts.get(name)) or "?" for name in measures]
    if measures != ANSWERS:
        return parts[0]
    return f"{report.words(line.counts.get('shown')) or '?'}: {' / '.join(parts)}"


def _number(told: Told) -> int:
    """For lengths: what is hidden has none."""
    return told if isinstance(told, int) else 0


def _short(words: str) -> str:
    longest = 29
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
