"""How long a medicine has been taken without a break (nsaid-long-term)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cds_service.patient.facts import Care
from cds_service.patient.when import Days


@dataclass(frozen=True, slots=True)
class Supply:
    """The last continuous run: its length, days since its end, and the records it is made of."""

    days: Days
    since_end: Days
    parts: tuple[Care, ...]


def supply(records: Sequence[Care], today: date, gap_days: int) -> Supply | None:
    """The latest run of records no more than `gap_days` apart; None without a dated record."""
    dated = [care for care in records if care.start is not None]
    if not dated:
        return None
    late, parts = _run([_late(care, today) for care in dated], dated, gap_days)
    early, _ = _run([_early(care, today) for care in dated], dated, gap_days)
    days = sorted(((late[1] - late[0]).days, (early[1] - early[0]).days))
    ended = sorted(((today - late[1]).days, (today - early[1]).days))
    return Supply(Days(*days), Days(*ended), parts)


Run = tuple[date, date]


def _late(care: Care, today: date) -> Run:
    """Latest start, earliest end."""
    if care.start is None:
        return today, today
    end = today if care.ongoing else (care.end or care.start).earliest
    return care.start.latest, max(care.start.latest, min(end, today))


def _early(care: Care, today: date) -> Run:
    """Earliest start, latest end."""
    if care.start is None:
        return today, today
    end = today if care.ongoing else (care.end or care.start).latest
    return care.start.earliest, max(care.start.earliest, min(end, today))


def _run(runs: list[Run], records: list[Care], gap_days: int) -> tuple[Run, tuple[Care, ...]]:
    ordered = sorted(zip(runs, records, strict=True), key=lambda one: (one[0], one[1].reference))
    (start, end), first = ordered[0]
    parts = [first]
    for (begun, ended), care in ordered[1:]:
        if (begun - end).days > gap_days:
            start, parts = begun, []
        end = max(end, ended)
        parts.append(care)
    return (start, end), tuple(parts)
