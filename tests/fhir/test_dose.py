"""Every way a Dosage says how much a day, and the reasons where it cannot be computed."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir.dose import daily_dose, strength_mg
from tests.orders import mg


def day(times: float = 3, period: float = 1, unit: str = "d", **more: Any) -> dict[str, Any]:
    return {
        "timing": {"repeat": {"frequency": times, "period": period, "periodUnit": unit, **more}}
    }


def repeat(**elements: Any) -> dict[str, Any]:
    return {"timing": {"repeat": elements}}


def code(value: str, **more: Any) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
    return {"timing": {"code": {"coding": [{"system": system, "code": value}], **more}}}


def each(value: float, unit: str = "mg") -> dict[str, Any]:
    return {"doseAndRate": [{"doseQuantity": mg(value, unit)}]}


def cap(value: float, days: float = 1, unit: str = "mg", per: str = "d") -> dict[str, Any]:
    return {
        "maxDosePerPeriod": {
            "numerator": mg(value, unit),
            "denominator": {"value": days, "code": per},
        }
    }


PRN = {"asNeededBoolean": True}
UNIT = "dose is not in mg, g or tablets"
OFTEN = "how often it is taken is not coded"


@pytest.mark.parametrize(
    ("timing", "daily"),
    [
        (day(3), 1200),
        (day(1, 8, "h"), 1200),
        (day(1, 6, "h"), 1600),
        (day(1, 4, "h", periodMax=6), 2400),
        (day(1, frequencyMax=4), 1600),
        (day(1, 480, "min"), 1200),
        (day(21, 1, "wk"), 1200),
        (day(1, 2), 400),
        (day(3, 1, "wk"), 400),
        (day(1, 1, "mo"), 400),
        (repeat(period=8, periodUnit="h"), 1200),
        (repeat(frequency=3, period=1, periodUnits="d"), 1200),
        (repeat(frequency=3, periodUnit="d"), 1200),
        (repeat(timeOfDay=["08:00:00", "14:00:00", "20:00:00"]), 1200),
        (repeat(when=["MORN", "EVE"]), 800),
        (repeat(when="MORN"), 400),
        (repeat(when=["PC"]), 1200),
        (repeat(when=["CM", "CD", "CV", "HS"]), 1600),
        (repeat(dayOfWeek=["mon", "thu"], frequency=2), 800),
        (repeat(dayOfWeek=["mon", "thu"], frequency=2, period=1, periodUnit="d"), 800),
        (repeat(dayOfWeek=["mon", "thu"], frequency=6, period=1, periodUnit="wk"), 1200),
        (repeat(dayOfWeek=["mon"], timeOfDay=["08:00:00", "20:00:00"]), 800),
        (code("BID"), 800),
        (code("TID"), 1200),
        (code("QID"), 1600),
        (code("QD"), 400),
        (code("QOD"), 400),
        (code("Q6H"), 1600),
        (code("Q8H"), 1200),
        (code("bid"), 800),
        ({"timing": {"code": {"text": "TID"}}}, 1200),
        ({"timing": {"code": {"text": "TID"}, "repeat": {"boundsDuration": mg(5, "d")}}}, 1200),
        (
            {"timing": {"event": ["2026-06-15T08:00:00Z", "2026-06-15T20:00:00Z", "2026-06-16"]}},
            800,
        ),
    ],
    ids=str,
)
def test_how_often(timing: dict[str, Any], daily: float) -> None:
    found = daily_dose([{**each(400), **timing}], None)
    assert (found.daily_mg, found.problem) == (daily, "")


@pytest.mark.parametrize(
    ("amount", "piece", "daily"),
    [
        (each(400), None, 1200),
        (each(0.4, "g"), None, 1200),
        (each(400000, "ug"), None, 1200),
        (each(2, "{tbl}"), 200, 1200),
        (each(2, "{pill}"), 200, 1200),
        (each(2, "{Tablet}"), 200, 1200),
        (each(2, "tablets"), 200, 1200),
        (each(2, "CAP"), 200, 1200),
        (each(2, "1"), 200, 1200),
        (
            {
                "doseAndRate": [
                    {"doseQuantity": {"value": 2, "unit": "Tablet", "code": "385055001"}}
                ]
            },
            200,
            1200,
        ),
        ({"doseAndRate": [{"doseQuantity": {"value": 400, "unit": "mg"}}]}, None, 1200),
        ({"doseAndRate": {"doseQuantity": mg(400)}}, None, 1200),
        ({"doseAndRate": [{"doseRange": {"low": mg(200), "high": mg(400)}}]}, None, 1200),
        ({"doseAndRate": [{"doseQuantity": mg(200)}, {"doseQuantity": mg(400)}]}, None, 1200),
        ({"doseQuantity": mg(400)}, None, 1200),
        ({"doseRange": {"low": mg(200), "high": mg(400)}}, None, 1200),
    ],
    ids=str,
)
def test_how_much(amount: dict[str, Any], piece: float | None, daily: float) -> None:
    assert daily_dose([{**day(), **amount}], piece).daily_mg == daily


@pytest.mark.parametrize(
    ("line", "daily"),
    [
        ({**each(400), **day(1, 4, "h"), **PRN}, 2400),
        ({**each(400), **day(1, 4, "h"), **PRN, **cap(1200)}, 1200),
        ({**each(400), **day(3), **PRN, **cap(1.2, unit="g")}, 1200),
        ({**each(400), **PRN, **cap(1200)}, 1200),
        ({**PRN, **cap(3200)}, 3200),
        ({**PRN, **cap(2400, 24, per="h")}, 2400),
        ({**PRN, **cap(2400, 48, per="h")}, 1200),
        ({**PRN, **cap(8400, 1, per="wk")}, 1200),
        ({**each(400), **day(3), "asNeededCodeableConcept": {"text": "pain"}, **cap(2000)}, 2000),
        ({**each(400), **day(3), **PRN, **cap(6, unit="mL")}, 1200),
        ({**each(800), **day(4), **cap(2400)}, 2400),
        ({**each(400), **day(3), **cap(2400)}, 1200),
        ({**each(400), **day(3), "asNeededBoolean": False}, 1200),
    ],
    ids=str,
)
def test_as_needed_and_the_most_per_period(line: dict[str, Any], daily: float) -> None:
    assert daily_dose([line], None).daily_mg == daily


def test_a_most_per_period_in_tablets() -> None:
    assert daily_dose([{**PRN, **cap(6, unit="{tbl}")}], 200).daily_mg == 1200


@pytest.mark.parametrize(
    ("sequences", "daily"),
    [
        ((None, None), 1200),
        ((1, 1), 1200),
        ((1, 2), 800),
        ((1, None), 1200),
        ((1, 1, 2), 1200),
        ((1, 2, 2), 2000),
    ],
)
def test_lines_at_once_add_up_and_lines_in_turn_do_not(sequences: Any, daily: float) -> None:
    amounts = (400, 800, 1200)
    lines = [
        {**each(amount), **day(1), **({} if number is None else {"sequence": number})}
        for amount, number in zip(amounts, sequences, strict=False)
    ]
    assert daily_dose(lines, None).daily_mg == daily


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "no dosage stated"),
        (["400 mg TID"], "no dosage stated"),
        ([{"text": "400 mg TID"}], UNIT),
        ([each(400)], OFTEN),
        ([{**each(400), "timing": {}}], OFTEN),
        ([{**each(400), **repeat(count=10)}], OFTEN),
        ([{**each(400), **day("three")}], OFTEN),  # type: ignore[arg-type]
        ([{**each(400), **day(3, 0)}], OFTEN),
        ([{**each(400), **day(3, 1, "fortnight")}], OFTEN),
        ([{**each(400), **code("WHENEVER")}], OFTEN),
        ([{**each(10, "mL"), **day()}], UNIT),
        ([{**each(2, "{tbl}"), **day()}], UNIT),
        ([{**each(-400), **day()}], UNIT),
        ([{**each(float("inf")), **day()}], UNIT),
        ([{"doseAndRate": [{"doseQuantity": {"value": "400", "code": "mg"}}], **day()}], UNIT),
        ([{"doseAndRate": [{"doseQuantity": {"value": True, "code": "mg"}}], **day()}], UNIT),
        ([{"doseAndRate": [{"doseRange": {"low": mg(200)}}], **day()}], UNIT),
        ([{"doseAndRate": [{"rateQuantity": mg(20, "mg/h")}], **day()}], UNIT),
        ([{**each(400), **day()}, {"text": "and more at night"}], UNIT),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_computed_has_a_reason(lines: list[Any], problem: str) -> None:
    found = daily_dose(lines, None)
    assert (found.daily_mg, found.problem) == (None, problem)


def test_eight_hours_are_exactly_a_third_of_a_day() -> None:
    assert daily_dose([{**each(800), **day(1, 8, "h")}], None).daily_mg == 2400


@pytest.mark.parametrize(
    ("product", "mg_each"),
    [
        ("ibuprofen 400 MG Oral Tablet", 400),
        ("ibuprofen 200 MG Oral Capsule [Advil]", 200),
        ("famotidine 26.6 MG / ibuprofen 800 MG Oral Tablet [Duexis]", 800),
        ("acetaminophen 325 MG / ibuprofen 97.5 MG Oral Tablet", 97.5),
        ("ibuprofen 20 MG/ML Oral Suspension", None),
        ("Ibuprofen", None),
        ("dexibuprofen 300 MG Oral Tablet", None),
        ("", None),
    ],
)
def test_the_strength_of_a_product(product: str, mg_each: float | None) -> None:
    assert strength_mg(product, "ibuprofen") == mg_each
