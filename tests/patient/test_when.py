"""Dates are intervals, answers are three-valued (guideline G6, G7)."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from cds_service.patient.when import NO, UNKNOWN, YES, Answer, Days, When, earliest_of, latest_of

UTC = ZoneInfo("UTC")
ANSWERS = (NO, UNKNOWN, YES)


def when(text: str) -> When:
    return When.parse(text, UTC)


def test_unknown_is_never_taken_for_yes_or_no() -> None:
    with pytest.raises(TypeError):
        bool(UNKNOWN)
    assert ~UNKNOWN is UNKNOWN


@pytest.mark.parametrize("one", ANSWERS)
@pytest.mark.parametrize("other", ANSWERS)
def test_and_needs_both_or_needs_one(one: Answer, other: Answer) -> None:
    assert (one & other) is (other & one)
    assert (one & other is YES) == (one is YES and other is YES)
    assert (one & other is NO) == (NO in (one, other))
    assert (one | other) is ~(~one & ~other)


@pytest.mark.parametrize(
    ("days", "at_least", "more_than", "less_than", "at_most"),
    [
        (Days(28, 28), YES, NO, NO, YES),
        (Days(27, 27), NO, NO, YES, YES),
        (Days(29, 29), YES, YES, NO, NO),
        (Days(27, 28), UNKNOWN, NO, UNKNOWN, YES),
        (Days(28, 29), YES, UNKNOWN, NO, UNKNOWN),
        (Days(20, 40), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_a_range_of_days_passes_a_threshold_only_when_all_of_it_does(
    days: Days, at_least: Answer, more_than: Answer, less_than: Answer, at_most: Answer
) -> None:
    assert days.at_least(28) is at_least
    assert days.more_than(28) is more_than
    assert days.less_than(28) is less_than
    assert days.at_most(28) is at_most


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-06-15", date(2026, 6, 15), date(2026, 6, 15)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("2026-06-15T23:30:00-05:00", date(2026, 6, 16), date(2026, 6, 16)),
        ("2026-06-15T10:00:00", date(2026, 6, 15), date(2026, 6, 15)),
    ],
)
def test_a_partial_date_is_every_day_it_may_be(text: str, first: date, last: date) -> None:
    assert when(text) == When(first, last)


def test_the_day_of_a_time_is_the_day_in_the_facility() -> None:
    text = "2026-06-15T23:30:00Z"
    assert When.parse(text, ZoneInfo("Europe/Berlin")) == When.on(date(2026, 6, 16))
    assert When.parse(text, ZoneInfo("America/New_York")) == When.on(date(2026, 6, 15))


@pytest.mark.parametrize("text", ["", "2026-13", "2026-02-30", "26", "0000", "2026-06-15T", "٢٠٢٦"])
def test_what_is_no_day_is_refused_not_guessed(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        when(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_day_outside_the_calendar_is_refused_like_any_other_nonsense(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        when(text)


def test_days_between_months_are_a_range() -> None:
    assert when("2026-01").days_until(when("2026-02")) == Days(1, 58)
    assert when("2026-01-31").days_until(date(2026, 2, 28)) == Days(28, 28)


def test_the_future_part_of_a_partial_date_is_not_the_past() -> None:
    today = date(2026, 6, 15)
    assert when("2026").not_after(today) == When(date(2026, 1, 1), today)
    assert when("2026-07").not_after(today) is None


def test_the_first_of_several_days_may_be_any_of_the_overlapping_ones() -> None:
    days = [when("2026"), when("2026-03-05")]
    assert earliest_of(days) == When(date(2026, 1, 1), date(2026, 3, 5))
    assert latest_of(days) == When(date(2026, 3, 5), date(2026, 12, 31))


@pytest.mark.parametrize("text", ["2026", "2026-06", "2024-02", "2026-06-15"])
def test_a_date_is_shown_as_precisely_as_it_was_recorded(text: str) -> None:
    assert str(when(text)) == text
