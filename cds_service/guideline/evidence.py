"""A number has its evidence: parameters with unit, source, quote, place and review date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

REVIEWED = date(2026, 11, 22)


@dataclass(frozen=True, slots=True)
class Source:
    """A publication. `url` is None when the source gives no address."""

    key: str
    citation: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A named number a site may override within `safe` (both ends included).

    `quote` is what the source says; `reading` how this project reads it where the source leaves
    room. `unit` is days, points, years, ...
    """

    name: str
    value: float
    unit: str
    source: Source
    place: str
    quote: str
    safe: tuple[float, float]
    reading: str = ""
    reviewed: date = REVIEWED


def quantity(value: float, unit: str) -> str:
    """'28 days', '1 day': the unit's first word is plural and loses its s for one."""
    first, space, rest = unit.partition(" ")
    if value == 1 and first.endswith("s"):
        first = first.removesuffix("s")
    return f"{value:g} {first}{space}{rest}"
