"""What a finding is recognised by: its facts, whatever the day it is asked on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.decision import Decision
from cds_service.errors import DataUnavailable
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.finding import Outcome, State
from cds_service.protocol.request import parse
from cds_service.repeats import fingerprint
from cds_service.service import answer
from hooks.problem_list_item_create import SERVICE as ADDING
from tests import orders
from tests.guideline.test_load_management import goes_on
from tests.orders import medicine, service
from tests.strategies import (
    SITE,
    TODAY,
    Resource,
    ago,
    chart,
    coarser,
    injection,
    judge,
    loading,
    patients,
    pht,
    request,
)
from tests.test_laws import LAW
from tests.test_vignette_variants import CASES, decided
from tools.refresh_fixtures import SERVICES, requests

INFO = [pht(), injection("i1", ago(300)), injection("i2", ago(200)), orders.LOADED]
THIRD = "steroid-third-injection"
TOMORROW = TODAY + timedelta(days=1)


def stands_on(outcome: Outcome) -> tuple[Any, ...]:
    """The answers and the records, without any day or number."""
    answers = tuple(c.answer for c in outcome.criteria)
    facts = {
        (f.reference, f.certain, re.sub(r"\d+", "", f.words))
        for c in outcome.criteria
        for f in c.facts
    }
    said = (outcome.rule, outcome.side, outcome.variant, outcome.indicator, outcome.about)
    return *said, answers, frozenset(facts)


def marks(decision: Decision) -> dict[tuple[Any, ...], str]:
    fired = [o for o in decision.outcomes if o.state is State.FIRED]
    return {stands_on(outcome): fingerprint(outcome) for outcome in fired}


def unchanged(first: Decision, later: Decision) -> set[str]:
    """The rules whose finding stands on the same on both days: all must have one fingerprint."""
    then, now = marks(first), marks(later)
    same = then.keys() & now.keys()
    assert {key: then[key] for key in same} == {key: now[key] for key in same}
    return {str(key[0]) for key in same}


def all_on_file(today: date) -> Iterator[Decision]:
    """The worked cases and the calls on file, asked on that day; one chart they lack."""
    yield from (decided(case, today=today) for case in CASES)
    for _, call in requests():
        asked = SERVICES[call["hook"]]
        with suppress(DataUnavailable):  # a chart that cannot be judged on any day
            yield answer(asked, parse(call, hook=asked.hook), today=today, site=SITE)
    yield judge(chart(pht(), loading(since=20), goes_on()), today=today)


def test_a_day_that_merely_passes_changes_no_finding_of_any_rule() -> None:
    days = zip(all_on_file(TODAY), all_on_file(TOMORROW), strict=True)
    seen = [unchanged(today, tomorrow) for today, tomorrow in days]
    assert set().union(*seen) == {rule.id for rule in RECOMMENDATIONS}


DRAFTS: tuple[Resource, ...] = (
    service("d1"),
    service("d2", occurrenceDateTime=ago(3)),
    service("d3", occurrenceDateTime="2026-06"),
    service("d4", "prp-injection"),
    service("d5", "eswt"),
    service("d6", "full-activity-clearance"),
    medicine("m1", dosageInstruction=[{"site": orders.origin("left")}]),
    orders.ibuprofen(1200, identity="m2"),
)


@LAW
@given(patients(), st.integers(1, 60), st.sampled_from([10, 7, 4]))
def test_days_that_merely_pass_change_no_finding(
    made: list[Resource], days: int, length: int
) -> None:
    records, later = [coarser(one, length) for one in made], TODAY + timedelta(days=days)
    unchanged(judge(chart(*records)), judge(chart(*records), today=later))


@LAW
@given(patients(), st.integers(1, 60), st.lists(st.sampled_from(DRAFTS), min_size=1, unique_by=id))
def test_days_that_merely_pass_change_no_finding_about_an_order(
    made: list[Resource], days: int, drafts: list[Resource]
) -> None:
    later = TODAY + timedelta(days=days)
    unchanged(orders.sign(made, *drafts), orders.sign(made, *drafts, today=later))


def third(day: int, *drafts: Resource) -> str:
    decision = orders.sign(INFO, *drafts, today=TODAY + timedelta(days=day))
    (found,) = [o for o in decision.outcomes if o.rule == THIRD and o.state is State.FIRED]
    return fingerprint(found)


@pytest.mark.parametrize("stated", [{}, {"occurrenceDateTime": ago(3)}])
def test_an_order_of_no_day_or_a_past_one_is_the_same_tomorrow(stated: Resource) -> None:
    assert third(0, service(**stated)) == third(1, service(**stated))


def test_an_order_moved_to_another_day_is_another() -> None:
    days = [service(occurrenceDateTime=orders.ahead(n)) for n in (60, 61)]
    assert len({third(0, draft) for draft in (service(), *days)}) == 3


def test_a_drug_moved_to_another_day_makes_the_order_another() -> None:
    def with_drug(ahead: int) -> str:
        timing = {"timing": {"event": [orders.ahead(ahead)]}, "site": orders.origin("left")}
        drug = medicine(dosageInstruction=[timing])
        return third(0, service(occurrenceDateTime=orders.ahead(50)), drug)

    assert with_drug(60) == with_drug(60) != with_drug(61)


def test_a_diagnosis_being_added_without_its_date_is_the_same_tomorrow() -> None:
    new = pht("new", onsetDateTime=None, recordedDate=None)
    view = request(chart())
    conditions = {"resourceType": "Bundle", "entry": [{"resource": new}]}
    call = replace(view, hook=ADDING.hook, context={**view.context, "conditions": conditions})
    first, later = (answer(ADDING, call, today=day, site=SITE) for day in (TODAY, TOMORROW))
    assert unchanged(first, later) == {"initial-plan"}
