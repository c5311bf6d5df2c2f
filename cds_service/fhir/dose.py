"""The highest daily dose a Dosage allows, in mg (nsaid-dose-over-limit).

Dose from doseAndRate (a quantity or the top of a range) in mg or g, or in tablets through the
strength the product's code carries; how often from timing.repeat or timing.code; as needed: the
maximum per period, else the timing. Lines at once add up, lines that follow each other do not.
DSTU2 and STU3 keep the dose on the line itself and say `periodUnits`. Anything else is not
computable, which is an answer: it has a reason, and the rule stays silent.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from cds_service.fhir.codes import codings, items, texts

_MG = {"mg": 1.0, "g": 1000.0, "ug": 0.001, "mcg": 0.001, "milligram": 1.0, "gram": 1000.0}
_MG |= {"milligrams": 1.0, "grams": 1000.0}
#: units that count pieces of the product, without braces and the plural
_PIECES = {"tbl", "tablet", "tab", "cap", "capsule", "caplet", "pill", "1"}
_DAYS = {"s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.0, "a": 365.0}
_UNIT_WORDS = {"hour": "h", "hr": "h", "day": "d", "week": "wk", "month": "mo", "year": "a"}
#: HL7 GTS abbreviations, times on a day it is taken
_TIMES_A_DAY = {
    "QD": 1.0,
    "BID": 2.0,
    "TID": 3.0,
    "QID": 4.0,
    "Q1H": 24.0,
    "Q2H": 12.0,
    "Q3H": 8.0,
    "Q4H": 6.0,
    "Q6H": 4.0,
    "Q8H": 3.0,
    "Q12H": 2.0,
    "QOD": 1.0,
    "AM": 1.0,
    "PM": 1.0,
    "BED": 1.0,
}
#: moments that are every meal of the day
_MEALS = {"C", "AC", "PC"}
_MEALS_A_DAY = 3


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
    order = [line.get("sequence") for line in lines]
    at_once: dict[Any, float] = defaultdict(float)
    for dose, number in zip(doses, order, strict=True):
        # Only numbers tell that lines follow each other; one line without makes all concurrent.
        at_once[number if all(isinstance(n, int) for n in order) else None] += dose.daily_mg or 0
    # Rounded: eight hours are no exact binary fraction of a day, and 2400 is not more than 2400.
    return Dose(round(max(at_once.values()), 3))


def _line(dosage: Mapping[str, Any], piece_mg: float | None) -> Dose:
    capped = _per_period(dosage, piece_mg)
    as_needed = dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept")
    if capped is not None and as_needed:
        return Dose(capped)
    single = _single(dosage, piece_mg)
    if single is None:
        return Dose(capped, "" if capped is not None else "dose is not in mg, g or tablets")
    times = _times_a_day(dosage.get("timing"))
    if times is None:
        return Dose(capped, "" if capped is not None else "how often it is taken is not coded")
    return Dose(single * times if capped is None else min(single * times, capped))


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
    if not isinstance(quantity, Mapping) or not _positive(quantity.get("value")):
        return None
    value = float(quantity["value"])
    for stated in (quantity.get("code"), quantity.get("unit")):
        unit = str(stated or "").strip().strip("{}").lower()
        if unit in _MG:
            return value * _MG[unit]
        if piece_mg is not None and (unit in _PIECES or unit.removesuffix("s") in _PIECES):
            return value * piece_mg
    return None


def _per_period(dosage: Mapping[str, Any], piece_mg: float | None) -> float | None:
    """maxDosePerPeriod as mg a day; of several the lowest."""
    found = []
    for ratio in items(dosage.get("maxDosePerPeriod")):
        if not isinstance(ratio, Mapping):
            continue
        amount = _mg(ratio.get("numerator"), piece_mg)
        days = _period_days(ratio.get("denominator"))
        if amount is not None and days:
            found.append(amount / days)
    return min(found, default=None)


def _period_days(quantity: Any) -> float | None:
    if not isinstance(quantity, Mapping):
        return None
    value = quantity.get("value", 1)
    for stated in (quantity.get("code"), quantity.get("unit")):
        days = _unit_days(stated)
        if days is not None:
            return float(value) * days if _positive(value) else None
    return None


def _unit_days(stated: Any) -> float | None:
    unit = str(stated or "").strip()
    return _DAYS.get(unit) or _DAYS.get(_UNIT_WORDS.get(unit.lower().removesuffix("s"), ""))


def _times_a_day(timing: Any) -> float | None:
    """How often a day, at most; None when it is not coded."""
    if not isinstance(timing, Mapping):
        return None
    repeat = timing.get("repeat")
    if isinstance(repeat, Mapping):
        counted = _repeat(repeat)
        if counted is not None:
            return counted
    named = timing.get("code")
    for code in (*(code for _, code in codings(named)), *texts(named)):
        if code.strip().upper() in _TIMES_A_DAY:
            return _TIMES_A_DAY[code.strip().upper()]
    days = Counter(event[:10] for event in items(timing.get("event")) if isinstance(event, str))
    return float(max(days.values())) if days else None


def _repeat(repeat: Mapping[str, Any]) -> float | None:
    """timing.repeat: times of day, named moments, or so often per period."""
    moments = [str(one) for one in items(repeat.get("when"))]
    named = sum(_MEALS_A_DAY if one in _MEALS else 1 for one in moments)
    listed = max(len(items(repeat.get("timeOfDay"))), named)
    often = _often(repeat)
    if listed or often is not None:
        return max(float(listed), often or 0.0)  # on a day it is taken
    return None


def _often(repeat: Mapping[str, Any]) -> float | None:
    """Times on a day it is taken, by frequency, period and days of the week."""
    week = len(items(repeat.get("dayOfWeek")))
    often = repeat.get("frequencyMax") or repeat.get("frequency") or 1
    stated = repeat.get("periodUnit") or repeat.get("periodUnits")
    if not _positive(often):
        return None
    if week and stated is None:
        return float(often)
    unit, period = _unit_days(stated), repeat.get("period", 1)
    if not unit or not _positive(period):
        return None
    days = float(period) * unit
    if week and days >= _DAYS["wk"]:
        days = days / _DAYS["wk"] * week
    # Once in two days is still one dose on the day it is taken.
    return float(often) / days if days <= 1 else max(1.0, float(often) / days)


def _positive(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and isfinite(value) and value > 0
