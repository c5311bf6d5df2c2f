"""problem-list-item-create: rules about the conditions that are being added, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.errors import DataUnavailable
from cds_service.protocol.request import parse
from cds_service.service import Decision, answer
from hooks import problem_list_item_create
from tests.orders import named
from tests.strategies import SITE, TODAY, Resource, ago, chart, loading, local, pht, resource

PLAN = "initial-plan info"
RED_FLAG = "red-flag-differential critical"


def new(**elements: Any) -> Resource:
    """PHT as it is put on the list: nothing says when it was recorded."""
    return {k: v for k, v in pht(identity="new").items() if k != "recordedDate"} | elements


def avulsion(identity: str = "tear") -> Resource:
    return resource(
        "Condition",
        identity,
        code=local("complete-avulsion"),
        clinicalStatus=pht()["clinicalStatus"],
    )


def add(records: list[Resource], *conditions: Resource, prefetch: Any = None) -> Decision:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in conditions]}
    body = {
        "hook": "problem-list-item-create",
        "hookInstance": "d1577c69",
        "context": {"userId": "Practitioner/dr", "patientId": "p1", "conditions": bundle},
        "prefetch": chart(*records) if prefetch is None else prefetch,
    }
    request = parse(body, hook="problem-list-item-create")
    return answer(problem_list_item_create.SERVICE, request, today=TODAY, site=SITE)


def test_the_initial_plan_is_offered_as_the_diagnosis_is_added() -> None:
    assert named(add([], new())) == [PLAN]


def test_a_diagnosis_added_today_is_new_however_long_the_symptoms() -> None:
    assert named(add([], new(onsetDateTime=ago(200)))) == [PLAN]


@pytest.mark.parametrize(("days", "shown"), [(27, [PLAN]), (28, [])])
def test_a_diagnosis_that_says_when_it_was_recorded_is_believed(
    days: int, shown: list[str]
) -> None:
    assert named(add([], new(recordedDate=ago(days)))) == shown


def test_the_same_disease_on_record_for_long_is_not_new() -> None:
    assert named(add([pht(recordedDate=ago(100), identity="old")], new())) == []


def test_a_condition_that_is_in_the_chart_already_counts_once() -> None:
    made = add([pht(recordedDate=ago(3), identity="new")], new())
    assert named(made) == [PLAN]
    assert [d.reference for d in made.case.facts.diagnoses] == ["Condition/new"]


def test_loading_under_way_needs_no_plan() -> None:
    assert named(add([loading(since=5)], new(onsetDateTime=ago(10)))) == []


def test_a_finding_on_record_questions_the_diagnosis_being_added() -> None:
    assert named(add([avulsion()], new())) == [RED_FLAG]


def test_a_finding_being_added_questions_the_diagnosis_on_record() -> None:
    assert named(add([pht(recordedDate=ago(10))], avulsion())) == [RED_FLAG]


def test_another_problem_gets_no_card_though_the_disease_is_new() -> None:
    other = resource("Condition", "x", code={"text": "Fracture of ankle"})
    assert named(add([pht(recordedDate=ago(3)), avulsion()], other)) == []
    assert named(add([pht(recordedDate=ago(3))], other)) == []


def test_a_plan_for_the_other_side_is_not_about_the_condition_being_added() -> None:
    """Left was diagnosed 3 days ago; what is added is right, and long known."""
    left = pht(recordedDate=ago(3), identity="left", side="left")
    right = pht(recordedDate=ago(100), identity="new", side="right")
    assert named(add([left], right)) == []


def test_another_problem_needs_no_chart() -> None:
    other = resource("Condition", "x", code={"text": "Fracture of ankle"})
    assert add([], other, prefetch={}).response() == {"cards": []}


def test_the_diagnosis_needs_the_chart() -> None:
    with pytest.raises(DataUnavailable):
        add([], new(), prefetch={})


def test_a_refuted_diagnosis_being_added_gets_no_card() -> None:
    refuted = {"coding": [{"code": "refuted"}]}
    assert named(add([], new(verificationStatus=refuted))) == []


def test_a_category_as_the_published_example_has_it_harms_nothing() -> None:
    assert named(add([], new(category="problem-list-item"))) == [PLAN]


def test_a_diagnosis_that_cannot_be_read_is_named_by_its_place() -> None:
    with pytest.raises(DataUnavailable) as caught:
        add([], new(onsetDateTime=7))
    (issue,) = caught.value.issues
    assert issue.expression == ("context.conditions.entry[0].resource.onsetDateTime",)


def test_a_condition_of_another_patient_refuses_the_call() -> None:
    with pytest.raises(DataUnavailable) as caught:
        add([], new(subject={"reference": "Patient/p2"}))
    (issue,) = caught.value.issues
    assert issue.expression == ("context.conditions.entry[0].resource.subject.reference",)
