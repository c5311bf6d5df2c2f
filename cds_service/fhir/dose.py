"""The highest daily dose a Dosage allows, in mg (nsaid-dose-over-limit).

Dose from doseAndRate (a quantity or the top of a range) in mg or g, or in tablets through the
strength the product's code carries; how often from timing.repeat or timing.code; as needed: the
maximum per period, else the timing. Several lines add up. Anything else is not computable, which
is an answer: it has a reason, and the rule stays silent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cds_service.fhir.codes import codings, items

_MG = {"mg": 1.0, "g": 1000.0, "ug": 0.001, "mcg": 0.001, "milligram": 1.0, "gram": 1000.0}
#: units that count pieces of the product
_PIECES = {
    "{tbl}",
    "{tablet}",
    "{cap}",
    "{capsule}",
    "{pill}",
    "tablet",
    "tablets",
    "tab",
    "tabs",
    "capsule",
    "capsules",
    "cap",
    "1",
}
_DAYS = {"s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.0, "a": 365.0}
#: HL7 GTS abbreviations, times a day
_TIMES_A_DAY = {
    "QD": 1.0,
    "BID": 2.0,
    "TID": 3.0,
    "QID": 4.0,
    "Q4H": 6.0,
    "Q6H": 4.0,
    "Q8H": 3.0,
    "QOD": 0.5,
    "AM": 1.0,
    "PM": 1.0,
    "BED": 1.0,
}


@dataclass(frozen=True, slots=True)
class Dose:
    """`daily_mg` is None when not computable, and `problem` says why."""

    daily_mg: float | None
    problem: str = ""


def strength_mg(product: str, ingredient: str) -> float | None:
    """mg of the ingredient in one piece: 'ibuprofen 400 MG Oral Tablet' -> 400."""
    found = re.search(rf"\b{re.escape(ingredient)}\s+([\d.]+)\s+MG\b(?!/)", product, re.IGNORECASE)
    return float(found.group(1)) if found else None


def daily_dose(dosages: Sequence[Any], piece_mg: float | None) -> Dose:
    """The sum over dosage lines; of lines that follow each other (`sequence`) the highest."""
    lines = [one for one in dosages if isinstance(one, Mapping)]
    if not lines:
        return Dose(None, "no dosage stated")
    doses = [_line(line, piece_mg) for line in lines]
    problems = [dose.problem for dose in doses if dose.daily_mg is None]
    if problems:
        return Dose(None, problems[0])
    amounts = [dose.daily_mg or 0.0 for dose in doses]
    order = [line.get("sequence") for line in lines]
    follow = len(set(order)) == len(order) > 1 and None not in order
    # Rounded: eight hours are no exact binary fraction of a day, and 2400 is not more than 2400.
    return Dose(round(max(amounts) if follow else sum(amounts), 3))


def _line(dosage: Mapping[str, Any], piece_mg: float | None) -> Dose:
    if dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept"):
        capped = _per_period(dosage, piece_mg)
        if capped is not None:
            return Dose(capped)
    single = _single(dosage, piece_mg)
    if single is None:
        capped = _per_period(dosage, piece_mg)
        return Dose(capped) if capped is not None else Dose(None, "dose is not in mg, g or tablets")
    times = _times_a_day(dosage.get("timing"))
    if times is None:
        return Dose(None, "how often it is taken is not coded")
    return Dose(single * times)


def _single(dosage: Mapping[str, Any], piece_mg: float | None) -> float | None:
    """mg each time: the highest the line allows."""
    amounts = []
    for rate in items(dosage.get("doseAndRate")) or [dosage]:
        if not isinstance(rate, Mapping):
            continue
        span = rate.get("doseRange")
        quantity = rate.get("doseQuantity") or (
            span.get("high") if isinstance(span, Mapping) else None
        )
        amounts.append(_mg(quantity, piece_mg))
    known = [amount for amount in amounts if amount is not None]
    return max(known) if known and len(known) == len(amounts) else None


def _mg(quantity: Any, piece_mg: float | None) -> float | None:
    if not isinstance(quantity, Mapping):
        return None
    value = quantity.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    unit = str(quantity.get("code") or quantity.get("unit") or "").strip()
    if unit in _MG or unit.lower() in _MG:
        return float(value) * _MG.get(unit, _MG.get(unit.lower(), 1.0))
    if piece_mg is not None and unit.lower() in _PIECES:
        return float(value) * piece_mg
    return None


def _per_period(dosage: Mapping[str, Any], piece_mg: float | None) -> float | None:
    """maxDosePerPeriod as mg a day."""
    for ratio in items(dosage.get("maxDosePerPeriod")):
        if not isinstance(ratio, Mapping):
            continue
        amount = _mg(ratio.get("numerator"), piece_mg)
        days = _period_days(ratio.get("denominator"))
        if amount is not None and days:
            return amount / days
    return None


def _period_days(quantity: Any) -> float | None:
    if not isinstance(quantity, Mapping):
        return None
    value, unit = quantity.get("value", 1), quantity.get("code") or quantity.get("unit")
    unit = {"day": "d", "days": "d", "hour": "h", "hours": "h", "week": "wk"}.get(str(unit), unit)
    days = _DAYS.get(str(unit))
    return float(value) * days if days is not None and _positive(value) else None


def _times_a_day(timing: Any) -> float | None:
    """How often a day, at most; None when it is not coded."""
    if not isinstance(timing, Mapping):
        return None
    repeat = timing.get("repeat")
    if isinstance(repeat, Mapping):
        counted = _repeat(repeat)
        if counted is not None:
            return counted
    for _, code in codings(timing.get("code")):
        if code in _TIMES_A_DAY:
            return _TIMES_A_DAY[code]
    return None


def _repeat(repeat: Mapping[str, Any]) -> float | None:
    """timing.repeat: times of day, named moments, or so often per period."""
    listed = items(repeat.get("timeOfDay")) or items(repeat.get("when"))
    week = len(items(repeat.get("dayOfWeek")))
    if listed:
        return float(len(listed))  # on a day it is taken
    often = repeat.get("frequencyMax") or repeat.get("frequency") or (1 if week else None)
    unit = _DAYS.get(str(repeat.get("periodUnit")))
    if week and unit is None:
        return float(often or 1)
    period = repeat.get("period", 1)
    if not unit or not _positive(period) or not _positive(often or 1):
        return None
    days = float(period) * unit
    # Once in two days is still one dose on the day it is taken.
    return float(often or 1) / days if days <= 1 else max(1.0, float(often or 1) / days)


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
