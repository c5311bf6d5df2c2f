"""The timeline as data: what is drawn is what the rules saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cds_service.guideline.case import Case
from cds_service.guideline.registry import parameters
from cds_service.patient.loading import Clock
from cds_service.patient.when import When
from cds_service.web.console.lanes import picture
from cds_service.web.console.picture import Bar, Frame, Lane, Mark, Side, Spacing
from tests.orders import service, sign
from tests.strategies import (
    CATEGORY,
    SITE,
    TODAY,
    Resource,
    ago,
    chart,
    concept,
    injection,
    judge,
    loading,
    pht,
)
from tests.web.console.conftest import CASES

CaseOf = Callable[[str], Case]
ENCOUNTER = concept((CATEGORY, "encounter-diagnosis"))


def case(*records: Resource, **more: float) -> Case:
    """A left-sided disease with these records; `more` are parameters of the site."""
    return seen_of(chart(pht(), *records), site=replace(SITE, parameters=more))


def seen_of(sent: dict[str, Any], **more: Any) -> Case:
    decision = judge(sent, **more)
    assert decision.case
    return decision.case


def only(seen: Case) -> Side:
    (side,) = picture(seen).sides
    return side


def lane(side: Side, name: str) -> Lane:
    (found,) = [one for one in side.lanes if one.name == name]
    return found


def test_each_injection_has_its_number_and_the_fourth_is_beyond_the_limit(
    case_of: CaseOf,
) -> None:
    injections = lane(only(case_of("steroid-overuse")), "Steroid injections")
    assert [(m.number, m.beyond) for m in injections.marks] == [
        (1, False),
        (2, False),
        (3, False),
        (4, True),
    ]
    assert injections.note == "4 of at most 3"


def test_every_record_of_an_injection_is_named(case_of: CaseOf) -> None:
    injections = lane(only(case_of("steroid-overuse")), "Steroid injections")
    assert injections.marks[0].references == (
        "MedicationAdministration/steroid-overuse-injection-1-drug",
        "Procedure/steroid-overuse-injection-1",
    )


def test_after_an_injection_four_weeks_are_too_soon_and_two_more_are_asked_for() -> None:
    given = TODAY - timedelta(days=10)
    injections = lane(only(case(injection("i", ago(10), "left"))), "Steroid injections")
    assert [(b.spacing, b.first, b.last) for b in injections.bands] == [
        (Spacing.TOO_SOON, given, given + timedelta(days=27)),
        (Spacing.PREFERRED, given + timedelta(days=28), given + timedelta(days=41)),
    ]


def test_the_interval_counts_also_from_an_injection_before_the_episode() -> None:
    """As steroid-interval does; the count of the episode leaves it out."""
    young = pht(onsetDateTime=ago(14), recordedDate=ago(14))
    seen = seen_of(chart(young, injection("i", ago(21), "left")))
    injections = lane(only(seen), "Steroid injections")
    assert [mark.number for mark in injections.marks] == [None]
    assert [band.spacing for band in injections.bands] == [Spacing.TOO_SOON, Spacing.PREFERRED]


def test_where_the_disease_may_be_over_nothing_is_counted() -> None:
    """As steroid-count-limit is silent on the episode's count then."""
    visit = pht(clinicalStatus=None, category=[ENCOUNTER], recordedDate="2025", onsetDateTime=None)
    seen = seen_of(chart(visit, injection("i", ago(30), "left")))
    injections = lane(only(seen), "Steroid injections")
    assert [mark.number for mark in injections.marks] == [None]
    assert injections.note == "not counted while unsure"
    (episode,) = lane(only(seen), "Diagnosis").bars
    assert episode.doubts == ("perhaps no longer active",)


def test_the_episode_is_one_bar_and_every_diagnosis_is_there() -> None:
    later = pht("later", onsetDateTime=ago(100), recordedDate=ago(90))
    undated = pht("undated", onsetDateTime=None, recordedDate=None)
    diagnosis = lane(only(seen_of(chart(later, pht(), undated))), "Diagnosis")
    (episode,) = diagnosis.bars
    assert (episode.start, episode.end) == (When.on(TODAY - timedelta(days=400)), None)
    assert episode.references == ("Condition/pht",)
    marks = {
        (mark.references[0], mark.words.split(", ")[-1], mark.dates) for mark in diagnosis.marks
    }
    assert marks == {
        ("Condition/pht", "recorded", ago(390)),
        ("Condition/later", "began", ago(100)),
        ("Condition/later", "recorded", ago(90)),
    }
    assert [one.references for one in diagnosis.undated] == [("Condition/undated",)]


def test_a_diagnosis_that_may_be_of_the_other_side_is_only_possible() -> None:
    unsided = pht("unsided", side=None, onsetDateTime=ago(500), recordedDate=ago(490))
    seen = seen_of(chart(pht(), unsided, loading("l", 50, "right"), loading("m", 60)))
    diagnosis = lane(only(seen), "Diagnosis")
    doubted = {mark.references[0]: bool(mark.doubts) for mark in diagnosis.marks}
    assert doubted == {"Condition/pht": False, "Condition/unsided": True}
    assert diagnosis.bars[0].start.earliest.isoformat() == ago(500)


def test_a_planned_date_far_ahead_lies_on_the_days_drawn() -> None:
    planned = TODAY + timedelta(days=300)
    seen = sign([pht()], service(occurrenceDateTime=planned.isoformat())).case
    assert seen
    (mark,) = lane(only(seen), "Steroid injections").marks
    assert (mark.planned, mark.when) == (True, When.on(planned))
    assert picture(seen).frame.holds(planned)
    assert picture(seen, Frame(TODAY, TODAY)).frame.holds(planned)


def test_the_limit_the_interval_and_the_days_ahead_are_those_the_site_has_set() -> None:
    records = [loading("l", since=30), *(injection(f"i{n}", ago(n), "left") for n in (5, 60, 120))]
    own = {"steroid-max": 2, "steroid-interval-minimum": 35, "surgery-consider-days": 100}
    seen = case(*records, **own)
    side = only(seen)
    injections = lane(side, "Steroid injections")
    assert [mark.beyond for mark in injections.marks] == [False, False, True]
    soon = injections.bands[0]
    assert (soon.last - soon.first).days == 34
    told = {one.parameter: (one.days, one.set_by_site) for one in side.thresholds}
    assert told["surgery-consider-days"] == (100, True)
    assert told["surgery-overdue-after-days"] == (180, False)


def test_the_days_ahead_count_from_the_start_of_loading() -> None:
    start = TODAY - timedelta(days=30)
    side = only(case(loading("l", since=30)))
    assert [one.when for one in side.thresholds] == [
        When.on(start + timedelta(days=n)) for n in (28, 56, 90, 180)
    ]
    assert {one.parameter for one in side.thresholds} <= set(parameters())


def test_loading_since_some_day_of_a_month_makes_each_day_ahead_a_month_wide(
    case_of: CaseOf,
) -> None:
    first = only(case_of("partial-dates")).thresholds[0]
    assert (first.when.earliest, first.when.latest) == (date(2026, 3, 29), date(2026, 4, 28))


def test_without_loading_the_days_ahead_count_from_diagnosis_and_first_treatment(
    case_of: CaseOf,
) -> None:
    told = {one.parameter: one for one in only(case_of("passive-care-only")).thresholds}
    assert set(told) == {"phase-initial-days", "surgery-overdue-after-days"}
    assert "without loading" in told["surgery-overdue-after-days"].words


def test_no_day_lies_ahead_once_loading_has_lapsed_for_longer_than_a_gap_may_be(
    case_of: CaseOf,
) -> None:
    assert only(case_of("lapsed-loading")).thresholds == ()


def ended(since: int, ago_: int) -> Case:
    period = {"start": ago(since), "end": ago(ago_)}
    return case(loading("l", since=since, status="completed", performedPeriod=period))


def test_once_loading_has_ended_no_day_is_drawn_as_passed_that_was_not_reached() -> None:
    """78 days of loading that ended 31 days ago: the rules count no 90th day."""
    told = {one.days: one.words for one in only(ended(109, 31)).thresholds}
    assert set(told) == {28, 56, 180}
    assert told[180].startswith("if loading is taken up again in time: ")
    assert not told[56].startswith("if")


def test_a_day_that_an_imprecise_end_may_have_reached_says_so() -> None:
    month = {"start": ago(110), "end": ago(31)[:7]}
    seen = case(loading("l", since=110, status="completed", performedPeriod=month))
    clock = only_clock(seen)
    assert clock.days.least < 90 <= clock.days.most
    told = {one.days: one.words for one in only(seen).thresholds}
    assert told[90].startswith("if loading lasted so long: ")


def only_clock(seen: Case) -> Clock:
    (side,) = seen.sides
    assert side.clock
    return side.clock


def test_after_180_days_of_loading_that_ended_nothing_is_overdue() -> None:
    told = {one.days: one.words for one in only(ended(190, 10)).thresholds}
    assert 180 not in told
    assert 180 in {one.days for one in only(ended(191, 10)).thresholds}


def test_what_goes_on_is_a_bar_without_an_end(case_of: CaseOf) -> None:
    (bar,) = lane(only(case_of("steroid-overuse")), "Loading").bars
    assert bar.end is None
    assert bar.dates == "2026-04-20, going on"


def test_physiotherapy_whose_content_is_not_recorded_is_only_possible_loading(
    case_of: CaseOf,
) -> None:
    shown = lane(only(case_of("physio-content-not-recorded")), "Loading").shown
    assert shown
    assert not any(item.certain for item in shown)


def test_injections_of_an_earlier_episode_are_counted_at_the_edge(case_of: CaseOf) -> None:
    injections = lane(only(case_of("recurrent")), "Steroid injections")
    assert [mark.number for mark in injections.marks] == [1]
    assert [item.dates[:4] for item in injections.earlier] == ["2023", "2023", "2023"]


def test_a_type_that_was_not_obtained_is_said_to_be_unseen_and_not_to_be_empty() -> None:
    sent = dict(chart(pht(), loading("l", since=30)))
    del sent["serviceRequests"]
    seen = judge(sent).case
    assert seen
    assert lane(only(seen), "Referrals").lacking == "ServiceRequest could not be obtained"
    assert lane(only(seen), "Shockwave").lacking == ""


def test_both_sides_are_drawn_over_the_same_days(case_of: CaseOf) -> None:
    shown = picture(case_of("bilateral"))
    assert [side.title for side in shown.sides] == ["Left side", "Right side"]
    starts = [bar.start for side in shown.sides for bar in lane(side, "Diagnosis").bars]
    assert shown.frame.first < min(start.earliest for start in starts)
    assert shown.frame.last > shown.today


def test_the_days_drawn_stay_while_today_moves(case_of: CaseOf) -> None:
    frame = Frame(date(2026, 1, 1), date(2026, 12, 31))
    assert picture(case_of("week-6"), frame).frame == frame


def test_days_that_do_not_hold_today_give_way_to_others(case_of: CaseOf) -> None:
    shown = picture(case_of("week-6"), Frame(date(2026, 1, 1), date(2026, 6, 14)))
    assert shown == picture(case_of("week-6"))
    assert shown.frame.holds(shown.today)


def test_scores_stand_between_bottom_and_top_of_their_scale(case_of: CaseOf) -> None:
    lines = {line.name: line for line in only(case_of("week-6")).lines}
    assert [point.value for point in lines["VISA-H"].points] == [44, 49]
    assert [point.share for point in lines["VISA-H"].points] == [0.44, 0.49]
    assert [point.share for point in lines["pain (0-10)"].points] == [0.6, 0.5]


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"unreadable"}))
def test_nothing_is_drawn_twice_and_all_that_is_certain_has_a_record(
    name: str, case_of: CaseOf
) -> None:
    for side in picture(case_of(name)).sides:
        for one in side.lanes:
            told: list[Mark | Bar] = [*one.earlier, *one.shown]
            assert len(told) == len(set(map(id, told)))
            assert all(item.references for item in told)
